import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { Repository } from "./harness/repository.ts";
import { startS3 } from "./harness/s3.ts";
import type { Server } from "./harness/servers.ts";
import { applied, expectDone, kindsOf, planOf, reportOf, testOn } from "./harness/world.ts";

const test = testOn("0.18");
const keys = [
  { id: "AKIA4NAS", key: "Quartz3Willow8" },
  { id: "AKIA7VAULT", key: "Basalt5Heron2" },
] as const;
let servers: Server[];
beforeAll(async () => {
  servers = await Promise.all(keys.map(startS3));
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

/** Types without a schedule: nothing is due, and only what is copied and forgotten matters. */
const quiet = { a: {}, b: {} };

/** Copies of many days, of which some are of another type too. */
function history(source: string, repository: Repository, days: number): void {
  for (let daysAgo = days; daysAgo > 0; daysAgo--) {
    writeFileSync(join(source, "day"), `${daysAgo}`);
    repository.seed(source, { daysAgo, types: daysAgo % 4 === 0 ? ["a", "b"] : ["a"] });
  }
}

const originalsOf = (repository: Repository) => repository.copies().map(({ id, original }) => original ?? id);

test("one that is behind by many gets only what it keeps, and nothing is copied to be forgotten", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  const vault = world.repository("vault");
  history(source, usb, 16);
  const manifest = (keep: object) =>
    world.manifest({
      snapshotTypes: quiet,
      remotes: { usb: { type: "restic", ...usb.entry } },
      mirrors: { vault: { of: "usb", ...vault.entry, keep } },
      directories: { [source]: { keep: { a: "all", b: "all" }, remotes: { usb: {} } } },
    });
  manifest({ a: 2, b: 3 });
  expect(kindsOf(await planOf(holdfast))).toEqual(["copy vault 5"]);
  await applied(holdfast);
  const there = usb.copies();
  const daysAgo = (days: number) => there.at(-days)?.id;
  expect(originalsOf(vault)).toEqual([12, 8, 4, 2, 1].map(daysAgo));
  vault.expectSame(vault.copies().at(-1)?.id ?? "", source);
  await expectDone(holdfast);
  // less is kept from now on
  manifest({ a: 1, b: 2 });
  expect(kindsOf(await planOf(holdfast))).toEqual(["forget vault 2"]);
  await applied(holdfast);
  expect(originalsOf(vault)).toEqual([8, 4, 1].map(daysAgo));
  vault.expectSound();
  expect(usb.copies()).toEqual(there);
  await expectDone(holdfast);
});

test("of another server of the same kind, with other credentials", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text", "folder/b": 100_000 });
  const at = (index: 0 | 1) => {
    const name = `repository-${process.pid}`;
    const { id, key } = keys[index];
    const location = `s3:http://127.0.0.1:${servers[index]?.port}/fleet/${name}`;
    const repository = world.repository(`s3-${index}`, {
      folder: join(servers[index]?.folder ?? "", "fleet", name),
      location,
    });
    const environment = {
      AWS_ACCESS_KEY_ID: { file: world.secret(id).file },
      AWS_SECRET_ACCESS_KEY: { file: world.secret(key).file },
    };
    return { repository, entry: { ...repository.entry, environment } };
  };
  const [first, second] = [at(0), at(1)];
  world.manifest({
    remotes: { b2: { type: "restic", ...first.entry } },
    mirrors: { wasabi: { of: "b2", ...second.entry } },
    directories: { [source]: { keep: { daily: 3 }, remotes: { b2: {} } } },
  });
  await applied(holdfast);
  const [copy] = second.repository.copies();
  expect(copy?.original).toBe(first.repository.copies()[0]?.id);
  second.repository.expectSame(copy?.id ?? "", source);
  await expectDone(holdfast);
});

test("one that cannot be reached keeps its copies at the remote, and gets them when it is back", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  const vault = world.repository("vault");
  history(source, usb, 5);
  const manifest = (password: { file: string }) =>
    world.manifest({
      snapshotTypes: quiet,
      remotes: { usb: { type: "restic", ...usb.entry } },
      mirrors: { vault: { of: "usb", ...vault.entry, password, whileAway: "freeze", keep: { a: 4 } } },
      directories: { [source]: { keep: { a: 2 }, remotes: { usb: {} } } },
    });
  manifest({ file: world.secret().file });
  const report = await reportOf(holdfast);
  expect(report.code).toBe(3);
  expect(usb.copies()).toHaveLength(5);
  expect(vault.copies()).toHaveLength(0);
  manifest({ file: vault.password.file });
  await applied(holdfast);
  await expectDone(holdfast);
  expect(originalsOf(vault)).toHaveLength(4);
  expect(usb.copies()).toHaveLength(2);
});

test("a tag that somebody changed is told, and nothing is copied twice", async ({ world }) => {
  const { holdfast } = world;
  const source = world.source("data", { a: "text" });
  const usb = world.repository("usb");
  const vault = world.repository("vault");
  history(source, usb, 2);
  world.manifest({
    snapshotTypes: quiet,
    remotes: { usb: { type: "restic", ...usb.entry } },
    mirrors: { vault: { of: "usb", ...vault.entry } },
    directories: { [source]: { keep: { a: 4 }, remotes: { usb: {} } } },
  });
  await applied(holdfast);
  usb.restic(["tag", "--add", "important", usb.copies()[1]?.id ?? ""]);
  const plan = await planOf(holdfast);
  expect(kindsOf(plan)).toEqual([]);
  expect(plan.notes).toMatchObject([{ kind: "drift", remote: "vault" }]);
  expect(vault.copies()).toHaveLength(2);
  await expectDone(holdfast);
});
