import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type Gate, openGate } from "./harness/gate.ts";
import type { Repository } from "./harness/repository.ts";
import { type Server, startRestServer } from "./harness/servers.ts";
import { applied, expectDone, testOn, type World } from "./harness/world.ts";

const test = testOn("0.18");
let server: Server;
let gate: Gate;
beforeAll(async () => {
  server = await startRestServer();
  gate = await openGate(server.port);
});
afterAll(async () => {
  await gate.close();
  await server.stop();
});

let names = 0;
/** On the server, behind the gate. */
function served(world: World, what: string, more: { readonly absent?: true } = {}): Repository {
  const name = `${what}-${names++}`;
  return world.repository(name, {
    folder: join(server.folder, name),
    location: `rest:http://127.0.0.1:${gate.port}/${name}/`,
    ...more,
  });
}

/** Everything is killed at that request. */
async function cutAt(world: World, request: RegExp, when: "before" | "after"): Promise<void> {
  const reached = gate.hold(request, when);
  const running = world.holdfast.spawn("apply", "--yes");
  await Promise.race([
    reached,
    running.result.then(({ stdout, stderr }) => {
      throw new Error(`ended before ${request}: ${stdout}${stderr}`);
    }),
  ]);
  await world.crash();
  expect((await running.result).code).toBe(137);
  gate.open();
}

/** … and the next apply does the rest without help. */
async function crashAt(world: World, request: RegExp, when: "before" | "after"): Promise<void> {
  await cutAt(world, request, when);
  await applied(world.holdfast);
}

const once = { schedule: "0 0 1 1 *" };
const manifestOf = (
  source: string,
  off: object,
  { mirrors = {}, keep = 1, type = once }: { mirrors?: object; keep?: number; type?: object } = {},
) => ({
  snapshotTypes: { first: type },
  remotes: { off: { type: "restic", ...off } },
  mirrors,
  directories: { [source]: { keep: { first: keep }, remotes: { off: {} } } },
});

async function expectSettled(world: World, repository: Repository, source: string, copies: number): Promise<void> {
  await expectDone(world.holdfast);
  const there = repository.copies().filter(({ tags }) => tags?.includes("type=first"));
  expect(there).toHaveLength(copies);
  repository.expectSame(there.at(-1)?.id ?? "", source);
  expect(repository.locks()).toEqual([]);
  repository.expectSound();
}

/** What a lock, data, the index and at last the copy itself are written by; a lock is removed in the end. */
const written = [
  ["before", /^POST \/[^/]+\/locks\//],
  ["after", /^POST \/[^/]+\/locks\//],
  ["before", /^POST \/[^/]+\/data\//],
  ["after", /^POST \/[^/]+\/index\//],
  ["before", /^POST \/[^/]+\/snapshots\//],
  ["after", /^POST \/[^/]+\/snapshots\//],
  ["before", /^DELETE \/[^/]+\/locks\//],
] as const;

test.for(written)("a backup killed %s its %s", async ([when, request], { world }) => {
  const source = world.source("data", { a: "text", "folder/b": 300_000 });
  const off = served(world, "repository");
  world.manifest(manifestOf(source, off.entry));
  await crashAt(world, request, when);
  await expectSettled(world, off, source, 1);
});

/** Made in this order: its folders, the key, and the configuration, without which there is no repository. */
test.for([
  ["before", /^POST \/[^/]+\/\?create=true/],
  ["after", /^POST \/[^/]+\/\?create=true/],
  ["before", /^POST \/[^/]+\/keys\//],
  ["after", /^POST \/[^/]+\/config/],
] as const)("the creation of a repository killed %s its %s", async ([when, request], { world }) => {
  const source = world.source("data", { a: "text" });
  const off = served(world, "repository", { absent: true });
  world.manifest(manifestOf(source, { ...off.entry, init: true }));
  await crashAt(world, request, when);
  await expectSettled(world, off, source, 1);
});

test.for([
  ["after", /^POST \/[^/]+\/keys\//],
  ["before", /^POST \/[^/]+\/config/],
] as const)(
  "a repository killed %s its %s has a key and is none: that is said, and how to begin anew",
  async ([when, request], { world }) => {
    const { holdfast } = world;
    const source = world.source("data", { a: "text" });
    const off = served(world, "repository", { absent: true });
    world.manifest(manifestOf(source, { ...off.entry, init: true }));
    await cutAt(world, request, when);
    const { code, stdout, stderr } = await holdfast("apply", "--yes");
    expect(code, stderr).toBe(3);
    expect(stdout).toContain("off has keys, but no configuration");
    rmSync(join(off.folder, "keys"), { recursive: true });
    await applied(holdfast);
    await expectSettled(world, off, source, 1);
  },
);

test.for(written)("a copy to a mirror killed %s its %s", async ([when, request], { world }) => {
  const source = world.source("data", { a: "text", "folder/b": 300_000 });
  const usb = world.repository("usb");
  const mirror = served(world, "mirror");
  for (const daysAgo of [3, 2]) {
    usb.seed(source, { daysAgo, types: ["first"] });
    writeFileSync(join(source, "a"), randomBytes(1000));
  }
  usb.seed(source, { daysAgo: 1, types: ["first"] });
  world.manifest(manifestOf(source, usb.entry, { mirrors: { mirror: { of: "off", ...mirror.entry } }, keep: 3 }));
  await crashAt(world, request, when);
  await expectSettled(world, mirror, source, 3);
  expect(mirror.copies().map(({ original }) => original)).toEqual(usb.copies().map(({ id }) => id));
});

test.for([
  ["before", /^DELETE \/[^/]+\/snapshots\//],
  ["after", /^DELETE \/[^/]+\/snapshots\//],
  ["before", /^DELETE \/[^/]+\/locks\//],
] as const)("forgetting killed %s its %s", async ([when, request], { world }) => {
  const source = world.source("data", { a: "text" });
  const off = served(world, "repository");
  for (const daysAgo of [4, 3, 2, 1]) off.seed(source, { daysAgo, types: ["first"] });
  world.manifest(manifestOf(source, off.entry, { keep: 2, type: {} }));
  await crashAt(world, request, when);
  await expectSettled(world, off, source, 2);
});

test.for([
  ["before", /^POST \/[^/]+\/data\//],
  ["after", /^POST \/[^/]+\/index\//],
  ["before", /^DELETE \/[^/]+\/index\//],
  ["after", /^DELETE \/[^/]+\/data\//],
] as const)("a prune killed %s its %s", async ([when, request], { world }) => {
  const source = world.source("data", { a: 200_000, b: 200_000 });
  const off = served(world, "repository");
  off.seed(source, { daysAgo: 2, types: ["first"] });
  rmSync(join(source, "b"));
  off.seed(source, { daysAgo: 1, types: ["first"] });
  // what is forgotten leaves a pack of which half is needed
  world.manifest(manifestOf(source, { ...off.entry, maintenance: { prune: once } }));
  await crashAt(world, request, when);
  await expectSettled(world, off, source, 1);
  expect(JSON.parse(off.restic(["stats", "--mode=raw-data", "--json", "--no-lock"])).total_size).toBeLessThan(250_000);
});
