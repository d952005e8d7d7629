import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { applied, expectDone, kindsOf, planOf, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");

/** A remote with three copies, and a mirror that keeps one. */
function mirrored(world: World, mirror: string) {
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  for (const daysAgo of [3, 2, 1]) usb.seed(source, { daysAgo, types: ["a"] });
  world.manifest({
    snapshotTypes: { a: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    mirrors: { vault: { of: "usb", ...usb.entry, repository: mirror, keep: { a: 1 } } },
    directories: { [source]: { keep: { a: 3 }, remotes: { usb: {} } } },
  });
  return { source, usb };
}

test("a mirror that is its remote under another name forgets nothing there", async ({ world }) => {
  const other = world.path("other");
  const { usb } = mirrored(world, join(other, "usb"));
  symlinkSync(world.folder, other);
  const plan = await planOf(world.holdfast);
  expect(kindsOf(plan)).toEqual([]);
  expect(plan.unobserved).toMatchObject([
    {
      remote: "vault",
      reason: expect.stringMatching(/^vault is usb under another name: both are [0-9a-f]{8}, with the same copies$/),
    },
  ]);
  expect((await world.holdfast("apply", "--yes")).code).toBe(3);
  expect(usb.copies()).toHaveLength(3);
});

test("one that began as a copy of its files is another one as soon as they differ", async ({ world }) => {
  const { source, usb } = mirrored(world, world.path("vault"));
  const vault = world.repository("vault", { password: { ...usb.password }, absent: true });
  cpSync(usb.folder, vault.folder, { recursive: true });
  writeFileSync(join(source, "a"), "another text");
  usb.seed(source, { daysAgo: 0, types: ["a"] });
  await applied(world.holdfast);
  await expectDone(world.holdfast);
  expect(usb.copies()).toHaveLength(3);
  expect(vault.copies()).toMatchObject([{ original: usb.copies().at(-1)?.id }]);
});
