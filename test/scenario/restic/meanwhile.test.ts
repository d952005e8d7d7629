import { expect } from "vitest";
import { applied, expectDone, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");

/** A saved plan that forgets the oldest of four, the one of two types, because of the three that stay. */
async function planned(world: World) {
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  usb.seed(source, { daysAgo: 4, types: ["a", "b"] });
  for (const [daysAgo, types] of [
    [3, ["b"]],
    [2, ["a"]],
    [1, ["c"]],
  ] as const)
    usb.seed(source, { daysAgo, types: [...types] });
  world.manifest({
    snapshotTypes: { a: {}, b: {}, c: {} },
    remotes: { usb: { type: "restic", ...usb.entry } },
    directories: { [source]: { keep: { a: 1, b: 1, c: 1 }, remotes: { usb: {} } } },
  });
  const { code, stdout } = await world.holdfast("plan", "--out", world.path("plan.json"));
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("1 to forget") });
  return { usb, ids: usb.copies().map(({ id }) => id) };
}

test.for([
  ["b", 1],
  ["a", 2],
] as const)(
  "its type %s taken off a copy that was to stay: nothing is forgotten for it",
  async ([type, nth], { world }) => {
    const { usb, ids } = await planned(world);
    usb.restic(["tag", "--remove", `type=${type}`, ids[nth] ?? ""]);
    const stale = await world.holdfast("apply", "--yes", world.path("plan.json"));
    expect(stale.code).toBe(4);
    expect(stale.stdout).toMatch(/stale .*usb@\S+: the tags of \S+, which was to stay, were changed/s);
    // as it is now, the copy of two types is the newest of that one
    expect(usb.copies()).toHaveLength(4);
    await applied(world.holdfast);
    expect(usb.copies().map(({ id }) => id)).toContain(ids[0]);
    await expectDone(world.holdfast);
  },
);

test("a copy that was to stay was forgotten by somebody: nothing is forgotten for it", async ({ world }) => {
  const { usb, ids } = await planned(world);
  usb.restic(["forget", ids[1] ?? ""]);
  const stale = await world.holdfast("apply", "--yes", world.path("plan.json"));
  expect(stale.code).toBe(4);
  expect(stale.stdout).toMatch(/stale .*usb@\S+ has no complete copy of \S+, which was to stay/s);
  expect(usb.copies().map(({ id }) => id)).toEqual(ids.filter((id) => id !== ids[1]));
  await expectDone(world.holdfast);
});
