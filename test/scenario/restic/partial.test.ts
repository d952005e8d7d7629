import { chmodSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Gate, openGate } from "./harness/gate.ts";
import type { Repository } from "./harness/repository.ts";
import { type Server, startRestServer } from "./harness/servers.ts";
import { applied, expectDone, kindsOf, planOf, reportOf, testOn, VERSIONS, type World } from "./harness/world.ts";

/** A directory with a file that cannot be read. */
function lacking(world: World, remote: object): { readonly source: string; open(): void } {
  const source = world.source("data", { a: "text", closed: "nobody reads this" });
  chmodSync(join(source, "closed"), 0);
  world.manifest({
    snapshotTypes: { first: { schedule: "0 0 1 1 *" } },
    remotes: { off: { type: "restic", ...remote } },
    directories: { [source]: { keep: { first: 2 }, remotes: { off: {} } } },
  });
  return { source, open: () => chmodSync(join(source, "closed"), 0o600) };
}

const partialReport = {
  outcome: "partial",
  error: { message: "the copy is partial: 1 file could not be read", output: expect.stringContaining("closed") },
};
const tagged = ({ tags = [] }: { readonly tags?: readonly string[] }): boolean => tags.includes("partial");

/** The copy that is there does not count, and is not made again at every pass. */
async function expectKnown(world: World): Promise<void> {
  await expectDone(world.holdfast);
  const { operations } = await planOf(world.holdfast, "--retry-partial");
  expect(operations.map(({ kind }) => kind)).toContain("backup");
}

describe("a partial copy is known as one", () => {
  let appendOnly: Server;
  let server: Server;
  let gate: Gate;
  let names = 0;
  beforeAll(async () => {
    [appendOnly, server] = await Promise.all([startRestServer({ appendOnly: true }), startRestServer()]);
    gate = await openGate(server.port);
  });
  afterAll(async () => {
    await gate.close();
    await Promise.all([appendOnly.stop(), server.stop()]);
  });
  const served = (world: World, { folder }: Server, port: number): Repository => {
    const name = `repository-${names++}`;
    return world.repository(name, { folder: join(folder, name), location: `rest:http://127.0.0.1:${port}/${name}/` });
  };

  describe.each(VERSIONS)("restic %s", (version) => {
    testOn(version)("on a server that removes nothing", async ({ world }) => {
      const off = served(world, appendOnly, appendOnly.port);
      const { source, open } = lacking(world, { ...off.entry, deletions: "never" });
      const { operations, code } = await reportOf(world.holdfast);
      expect(code).toBe(3);
      expect(operations).toMatchObject([partialReport]);
      expect(operations[0]).not.toHaveProperty("warnings");
      await expectKnown(world);
      open();
      await applied(world.holdfast, "--retry-partial");
      off.expectSame(off.copies().at(-1)?.id ?? "", source);
      expect(kindsOf(await planOf(world.holdfast, "--retry-partial"))).toEqual([]);
    });
  });

  describe.each(VERSIONS)("restic %s", (version) => {
    testOn(version)("while somebody else's backup is on", async ({ world }) => {
      const usb = world.repository("usb");
      const { source, open } = lacking(world, usb.entry);
      const other = usb.hold();
      await other.locked;
      const { operations } = await reportOf(world.holdfast);
      expect(operations).toMatchObject([partialReport]);
      expect(operations[0]).not.toHaveProperty("warnings");
      expect(usb.copies().map(tagged)).toEqual([false, false]);
      await other.kill();
      await applied(world.holdfast); // the lock
      await expectKnown(world);
      open();
      await applied(world.holdfast, "--retry-partial");
      await applied(world.holdfast);
      await expectDone(world.holdfast);
      const marks = () => usb.copies().filter(({ tags = [] }) => tags.some((tag) => tag.startsWith("partial=")));
      expect(marks()).toHaveLength(1);
      const { tags = [] } = usb.copies().find(({ tags = [] }) => tags.includes("type=first")) ?? {};
      expect(tags).not.toContain("partial");
      lacking(world, { ...usb.entry, maintenance: { prune: { schedule: "0 0 1 1 *" } } });
      await applied(world.holdfast);
      expect(marks()).toEqual([]);
      await expectDone(world.holdfast);
      usb.expectSame(usb.copies().find(({ tags = [] }) => tags.includes("type=first"))?.id ?? "", source);
    });
  });

  testOn("0.18")("where neither is possible it is said, after what it lacks", async ({ world }) => {
    const usb = world.repository("usb");
    lacking(world, usb.entry);
    renameSync(world.path("bin/restic"), world.path("bin/restic-itself"));
    world.program(
      "restic",
      `case "$*" in *tag*add*partial*|*tag=partial=*) echo 'Fatal: no route to host' >&2; exit 1 ;; esac\nexec restic-itself "$@"`,
    );
    const { operations, code } = await reportOf(world.holdfast);
    expect(code).toBe(3);
    const [copy] = usb.copies();
    expect(operations).toMatchObject([
      {
        ...partialReport,
        warnings: [expect.stringMatching(/^the copy cannot be marked as partial.*no route to host/)],
      },
    ]);
    expect(operations[0]?.warnings?.[0]).toContain(`restic tag --add partial ${copy?.id}`);
  });

  testOn("0.14")("where it cannot be compared with the one before, it does not count", async ({ world }) => {
    const usb = world.repository("usb");
    const source = world.source("data", { a: "text", b: "more" });
    const types = (...names: string[]) =>
      world.manifest({
        snapshotTypes: Object.fromEntries(names.map((name) => [name, { schedule: "0 0 1 1 *" }])),
        remotes: { off: { type: "restic", ...usb.entry } },
        directories: {
          [source]: {
            keep: Object.fromEntries(names.map((name) => [name, 3])),
            expect: { shrinkAtMost: "30%" },
            remotes: { off: {} },
          },
        },
      });
    types("first");
    await applied(world.holdfast);
    renameSync(world.path("bin/restic"), world.path("bin/restic-itself"));
    world.program(
      "restic",
      `case "$*" in *stats*) echo 'Fatal: no route to host' >&2; exit 1 ;; esac\nexec restic-itself "$@"`,
    );
    types("first", "second");
    const { operations, code } = await reportOf(world.holdfast);
    expect(code).toBe(3);
    expect(operations).toMatchObject([
      {
        outcome: "partial",
        error: { message: expect.stringMatching(/^whether the source shrank cannot be told: .*no route/) },
      },
    ]);
    expect(usb.copies().map(tagged)).toEqual([false, true]);
    await expectKnown(world);
  });

  testOn("0.18")("killed while it is marked", async ({ world }) => {
    const off = served(world, server, gate.port);
    const { open } = lacking(world, off.entry);
    const reached = gate.hold(/^DELETE \/[^/]+\/snapshots\//, "before");
    const running = world.holdfast.spawn("apply", "--yes");
    await reached;
    await world.crash();
    expect((await running.result).code).toBe(137);
    gate.open();
    expect(off.copies().map(tagged).sort()).toEqual([false, true]);
    await applied(world.holdfast); // the lock
    await expectKnown(world);
    open();
    await applied(world.holdfast, "--retry-partial");
    await applied(world.holdfast);
    expect(off.copies().map(tagged)).toEqual([false]);
    await expectDone(world.holdfast);
  });
});
