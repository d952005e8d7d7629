import { describe, expect, test } from "vitest";
import { apply } from "../../src/apply/index.ts";
import { COLUMNS } from "../../src/inventory/listing.ts";
import type { Dataset } from "../../src/model/inventory.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { Operation, ZfsOperation } from "../../src/model/plan.ts";
import type { Report } from "../../src/model/report.ts";
import type { Bytes, DatasetName, EpochSeconds, Txg } from "../../src/model/units.ts";
import type { Result } from "../../src/remotes/result.ts";
import { runOperations } from "../../src/remotes/zfs/run.ts";
import {
  type Hosts,
  type PipeCause,
  type PipeResult,
  type PipeSpec,
  type RunResult,
  TransportError,
} from "../../src/transport/types.ts";
import { at, createOp, destroyOp, guid, host, planOf, sendOp } from "./operations.ts";

/** Injected faults that a real machine does not give on demand; what zfs itself does is tested on zfs. */

type Answer = RunResult | (() => RunResult);
const ok = (stdout = "", stderr = ""): RunResult => ({ code: 0, stdout, stderr });
const fails = (stderr: string, stdout = ""): RunResult => ({ code: 1, stdout, stderr });
const lost = (): never => {
  throw new TransportError("connection-lost", "nas: the connection was lost", { host });
};

interface World {
  /** Answers to `run`, by what the command line contains, first match; used up one by one, the last one stays. */
  readonly answers: readonly (readonly [contains: string, ...answers: Answer[]])[];
  readonly pipe?: (spec: PipeSpec) => PipeResult;
  /** What a look at a dataset shows. */
  readonly listed?: string;
}

/** A row of what `zfs list` shows of a dataset, a snapshot or a bookmark. */
const row = (name: string, guid: number, txg = guid): string => {
  const type = name.includes("@") ? "snapshot" : name.includes("#") ? "bookmark" : "filesystem";
  const numbers = { creation: 1, used: 0, referenced: 0, written: 0, userrefs: 0, redacted: 0, available: 0 };
  const values: Readonly<Record<string, string | number>> = {
    name,
    type,
    guid,
    createtxg: txg,
    ...numbers,
    mounted: "no",
  };
  return `${COLUMNS.map((column) => values[column] ?? "-").join("\t")}\n`;
};

function fakeHosts(world: World): { hosts: Hosts; commands: string[] } {
  const commands: string[] = [];
  const answers = world.answers.map(([contains, ...list]) => ({ contains, list: [...list] }));
  const hosts: Hosts = {
    async run(_, argv) {
      const line = argv.join(" ");
      commands.push(line);
      const found = answers.find(({ contains }) => line.includes(contains));
      const answer = found === undefined ? ok() : found.list.length > 1 ? found.list.shift() : found.list[0];
      return typeof answer === "function" ? answer() : (answer ?? ok());
    },
    async read(_, __, onChunk) {
      onChunk(Buffer.from(world.listed ?? ""));
      return ok();
    },
    async pipe(spec) {
      commands.push(`${spec.from.argv.join(" ")} | ${spec.to.argv.join(" ")}`);
      if (world.pipe === undefined) throw new Error("no pipe was expected");
      return world.pipe(spec);
    },
    close: async () => {},
  };
  return { hosts, commands };
}

async function run(
  operations: readonly Operation[],
  world: World,
  signal = new AbortController().signal,
): Promise<{ report: Report; commands: string[] }> {
  const { hosts, commands } = fakeHosts(world);
  const manifest = { digest: "digest", hosts: new Map(), remotes: new Map() } as unknown as Manifest;
  return { report: await apply(planOf(operations), { manifest, hosts, env: {}, signal }), commands };
}

const snapshots = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `s${index}`, guid: guid(index + 1), used: 0 as Bytes }));
const listing = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `tank/a@s${from + index}\t${from + index + 1}`).join("\n");

describe("destroy", () => {
  test("long lists go in parts; each name's guid is looked up right before its part", async () => {
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(700) };
    const { report, commands } = await run([destroy], {
      answers: [["zfs list", ok(listing(0, 300)), ok(listing(300, 600)), ok(listing(600, 700))]],
    });
    expect(report.operations[0]?.outcome).toBe("done");
    expect(commands.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual(
      Array.from({ length: 3 }, () => ["zfs list", "zfs destroy"]).flat(),
    );
    expect(commands[1]?.split(",")).toHaveLength(300);
  });

  test("ended from outside, a list ends after the part that runs", async () => {
    const stop = new AbortController();
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(700) };
    const ends: Answer = () => {
      stop.abort();
      return ok();
    };
    const answers: World["answers"] = [
      ["zfs list", ok(listing(0, 300))],
      ["zfs destroy", ends],
    ];
    const { report, commands } = await run([destroy], { answers }, stop.signal);
    expect(commands).toHaveLength(2);
    expect(report.operations[0]?.outcome).toBe("interrupted");
    expect(report.operations[0]?.error?.message).toContain("400 of 700");
  });

  test.each<[string, Answer]>([
    ["a listing that failed", fails("cannot open 'tank/a@s0': I/O error\n")],
    ["a listing that was lost", lost],
    ["a listing that printed nothing at all", fails("")],
    ["a listing that lacks rows without saying so", ok("tank/a@s0\t1\n")],
    ["a listing of garbage", ok("Segmentation fault\n")],
  ])("%s destroys nothing", async (_, answer) => {
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(3) };
    const { report, commands } = await run([destroy], { answers: [["zfs list", answer]] });
    expect(report.operations[0]?.outcome).toBe("failed");
    expect(commands.filter((line) => line.startsWith("zfs destroy"))).toEqual([]);
  });

  test("one name that stands for another snapshot now is left out, and said", async () => {
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(3) };
    const { report, commands } = await run([destroy], {
      answers: [["zfs list", ok("tank/a@s0\t1\ntank/a@s1\t999\ntank/a@s2\t3\n")]],
    });
    expect(commands.at(-1)).toBe("zfs destroy tank/a@s0,s2");
    expect(report.operations[0]?.error?.message).toContain("@s1: another guid now; the other 2 are gone");
  });

  test("names that are blamed one by one are taken out one by one, the guids of the others looked up again", async () => {
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(5) };
    const listed = (...guids: readonly number[]) => ok(guids.map((n) => `tank/a@s${n % 10}\t${n + 1}\n`).join(""));
    const { report, commands } = await run([destroy], {
      answers: [
        ["zfs list", listed(0, 1, 2, 3, 4), listed(0, 2, 3, 14), listed(0, 2)],
        [
          "zfs destroy",
          fails("cannot destroy snapshot tank/a@s1: dataset is busy\n"),
          fails("cannot destroy 'tank/a@s3': snapshot has dependent clones\n"),
          ok(),
        ],
      ],
    });
    expect(commands.filter((line) => line.startsWith("zfs destroy"))).toEqual([
      "zfs destroy tank/a@s0,s1,s2,s3,s4",
      "zfs destroy tank/a@s0,s2,s3",
      "zfs destroy tank/a@s0,s2",
    ]);
    expect(report.operations[0]?.outcome).toBe("failed");
    expect(report.operations[0]?.error?.message).toMatch(/^3 of 5 .*@s4: another guid now.*the other 2 are gone$/);
  });

  describe("with preconditions", () => {
    const there = (...names: readonly string[]) =>
      ["tank/a\t9", ...names.map((name) => `tank/a${name}`), ""].join("\n");
    const all = there("@s0\t1", "@s1\t2", "@s2\t3", "@kept\t7", "#mark\t5");
    const destroy = destroyOp("d", "tank/a", {
      preconditions: [
        { ...at("tank/a"), kind: "dataset", guid: guid(9) },
        { ...at("backup/a", "vault"), kind: "present", snapshot: { name: "kept", guid: guid(7) }, bookmark: false },
        { ...at("tank/a"), kind: "bookmarked", guids: [guid(5)] },
        { ...at("tank/a"), kind: "quota", snapshots: [guid(7)], names: ["kept"] },
      ],
    });
    const three = { ...destroy, snapshots: snapshots(3) };
    const elsewhere = ["backup/a", ok("backup/a\t8\nbackup/a@kept\t7\n")] as const;
    const inFull = (kept: string) =>
      ["tank/a", "tank/a@s0", "tank/a@s1", "tank/a@s2", `tank/a@${kept}`, "tank/a#mark"]
        .map((name, index) => row(name, [9, 1, 2, 3, 7, 5][index] ?? 0))
        .join("");

    test("one look at names and guids, the last before it, is all it takes", async () => {
      const { report, commands } = await run([three], { answers: [elsewhere, ["zfs list", ok(all)]] });
      expect(report.operations).toMatchObject([{ outcome: "done" }]);
      const look = "zfs list -Hp -d 1 -t filesystem,volume,snapshot,bookmark -o name,guid";
      expect(commands).toEqual([`${look} backup/a`, `${look} tank/a`, "zfs destroy tank/a@s0,s1,s2"]);
    });

    test("only the first of several lists rests on it", async () => {
      const long = { ...destroy, snapshots: snapshots(400) };
      const listed = Array.from({ length: 400 }, (_, index) => `@s${index}\t${index + 1}`);
      const { report, commands } = await run([long], {
        answers: [
          elsewhere,
          ["-d 1", ok(there(...listed, "@kept\t7", "#mark\t5"))],
          ["zfs list", ok(listing(300, 400))],
        ],
      });
      expect(report.operations).toMatchObject([{ outcome: "done" }]);
      expect(commands.map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
        ...["zfs list -Hp -d", "zfs list -Hp -d", expect.stringMatching(/^zfs destroy tank\/a@s0,/)],
        ...["zfs list -Hp -t", expect.stringMatching(/^zfs destroy tank\/a@s300,/)],
      ]);
    });

    test.each([
      ["ended in the middle", ok(all.slice(0, 40))],
      ["failed", fails("cannot open 'tank/a': I/O error\n", all)],
      ["is garbage", ok("Segmentation fault\n")],
    ])("a look that %s is followed by one at everything, which decides", async (_, answer) => {
      const answers: World["answers"] = [elsewhere, ["-d 1", answer], ["zfs list", ok(listing(0, 3))]];
      const { report, commands } = await run([three], { answers, listed: inFull("kept") });
      expect(report.operations).toMatchObject([{ outcome: "done" }]);
      expect(commands.at(-1)).toBe("zfs destroy tank/a@s0,s1,s2");
      const other = await run([three], { answers, listed: inFull("renamed") });
      expect(other.report.operations).toMatchObject([
        { outcome: "stale", error: { message: expect.stringContaining("under other names: @kept") } },
      ]);
      expect(other.commands.filter((line) => line.startsWith("zfs destroy"))).toEqual([]);
    });

    test("what it is to destroy may be something else by then", async () => {
      const { report, commands } = await run([three], {
        answers: [elsewhere, ["zfs list", ok(all.replace("@s1\t2", "@s1\t999"))]],
      });
      expect(commands.at(-1)).toBe("zfs destroy tank/a@s0,s2");
      expect(report.operations[0]?.error?.message).toContain("@s1: another guid now; the other 2 are gone");
    });

    test("what justifies it elsewhere is looked at first, and ends it", async () => {
      const gone = ["backup/a", ok("backup/a\t8\n")] as const;
      const { report, commands } = await run([three], {
        answers: [gone, ["zfs list", ok(all)]],
        listed: row("backup/a", 8),
      });
      expect(report.operations).toMatchObject([{ outcome: "stale" }]);
      expect(commands).toEqual([expect.stringMatching(/backup\/a$/)]);
    });
  });

  test("a failure that blames nobody ends the whole list", async () => {
    const destroy = { ...destroyOp("d", "tank/a"), snapshots: snapshots(700) };
    const { report, commands } = await run([destroy], {
      answers: [
        ["zfs list", ok(listing(0, 300))],
        ["zfs destroy", fails("cannot destroy snapshots: permission denied\n")],
      ],
    });
    expect(commands.filter((command) => command.startsWith("zfs destroy"))).toHaveLength(1);
    expect(report.operations[0]?.error?.hint).toMatch(/zfs allow -u .* destroy,mount tank\/a$/);
    expect(report.operations[0]?.error?.message).toContain("nothing was destroyed");
  });
});

describe("send", () => {
  /** Snapshots `a`, `b` and `c` have the guids 1, 2 and 3. */
  const source = (world: string): Dataset => ({
    name: "tank/a" as DatasetName,
    type: "filesystem",
    guid: guid(100),
    createtxg: 1 as Txg,
    used: 0 as Bytes,
    referenced: 0 as Bytes,
    written: 0 as Bytes,
    available: 1_000_000 as Bytes,
    encryption: "off",
    mounted: false,
    own: {},
    snapshots: world.split(" ").map((word, index) => ({
      name: word,
      guid: guid("-abc".indexOf(word)),
      createtxg: index as Txg,
      creation: 0 as EpochSeconds,
      used: 0 as Bytes,
      referenced: 0 as Bytes,
      written: 0 as Bytes,
    })),
    bookmarks: [],
  });
  const range = {
    ...sendOp("s", "tank/a"),
    base: { name: "a", guid: guid(1) },
    to: { name: "c", guid: guid(3) },
    snapshots: [
      { name: "b", guid: guid(2) },
      { name: "c", guid: guid(3) },
    ],
  } as ZfsOperation;
  const end = (stage: string, code: number | null, stderr = "") => ({ host, stage, code, stderr });
  const piped = (cause?: PipeCause, sender = end("sender", 0), receiver = end("receiver", 0)): PipeResult => ({
    ok: cause === undefined,
    sender,
    receiver,
    filters: [],
    ...(cause === undefined ? {} : { cause }),
  });
  const arrived = ok("backup/tank/a@b\t2\nbackup/tank/a@c\t3\n");
  const size = ok("incremental\ta\ttank/a@b\t400\nincremental\tb\ttank/a@c\t600\nsize\t1000\n");

  async function send(
    world: World,
    operation: ZfsOperation = range,
    seen = source("a b c"),
  ): Promise<Result & { commands: string[] }> {
    const { hosts, commands } = fakeHosts(world);
    const never = new AbortController().signal;
    const results = await runOperations([operation], {
      hosts,
      manifest: { digest: "digest", hosts: new Map(), remotes: new Map() } as unknown as Manifest,
      signal: never,
      urgent: never,
      guidOf: (ref) => ("guid" in ref ? ref.guid : guid(0)),
      observe: async () => seen,
      skimmed: async () => undefined,
      created: () => {},
      progress: () => {},
    });
    return { ...(results.get(operation.id) as Result), commands };
  }

  test("the base has a bookmark while it is sent from, which goes when everything arrived", async () => {
    const { outcome, bytes, commands } = await send({
      answers: [
        ["zfs list", arrived],
        ["-nvP", size],
      ],
      pipe: () => piped(),
    });
    expect([outcome, bytes]).toEqual(["done", 1000]);
    expect(commands).toEqual([
      "zfs send -nvP -L -e -c -p -I tank/a@a tank/a@c",
      "zfs bookmark tank/a@a tank/a#holdfast-vault-1",
      "zfs send -vP -L -e -c -p -I tank/a@a tank/a@c | zfs receive -s -u backup/tank/a",
      "zfs list -Hp -t snapshot -o name,guid backup/tank/a@b backup/tank/a@c",
      "zfs destroy tank/a#holdfast-vault-1",
    ]);
  });

  test("exit code 0 is not believed: half of a range is a failure, and the bookmark stays", async () => {
    const { outcome, error, commands } = await send({
      answers: [
        ["zfs list", fails("cannot open 'backup/tank/a@c': dataset does not exist\n", "backup/tank/a@b\t2\n")],
        ["-nvP", size],
        ["receive_resume_token", ok("-\n")],
      ],
      pipe: () => piped(),
    });
    expect(outcome).toBe("failed");
    expect(error?.message).toContain("1 of 2 snapshots arrived");
    expect(commands.at(-1)).not.toContain("zfs destroy");
  });

  test("a failed pipe is not believed either: when all is there, it is done", async () => {
    const cause: PipeCause = { kind: "connection-lost", host, message: "the connection was lost" };
    const { outcome } = await send({
      answers: [
        ["zfs list", arrived],
        ["-nvP", size],
      ],
      pipe: () => piped(cause),
    });
    expect(outcome).toBe("done");
  });

  test("the same names with other guids are not what was sent", async () => {
    const { outcome } = await send({
      answers: [
        ["zfs list", ok("backup/tank/a@b\t2\nbackup/tank/a@c\t999\n")],
        ["-nvP", size],
      ],
      pipe: () => piped(),
    });
    expect(outcome).toBe("failed");
  });

  test("a connection that does not come back: the loss is told, not the listing's error", async () => {
    const cause: PipeCause = { kind: "connection-lost", host, message: "the cable was cut" };
    const { outcome, error } = await send({
      answers: [
        ["zfs list", lost],
        ["-nvP", size],
      ],
      pipe: () => piped(cause),
    });
    expect(outcome).toBe("failed");
    expect(error?.message).toContain("the cable was cut");
  });

  test("what does not fit is not begun", async () => {
    const { outcome, error, commands } = await send({ answers: [["-nvP", ok("size\t1000001\n")]] });
    expect(outcome).toBe("failed");
    expect(error?.message).toContain("977 KiB available, the stream needs 1 B more");
    expect(commands).toHaveLength(1);
  });

  test("a snapshot that came between makes a range stale", async () => {
    const { outcome, commands } = await send({ answers: [] }, range, source("a x b c"));
    expect(outcome).toBe("stale");
    expect(commands).toEqual([]);
  });
});

describe("rollback", () => {
  const rollback = (count: number): Operation => ({
    ...destroyOp("r", "tank/a"),
    kind: "rollback",
    remote: "vault" as never,
    to: { name: "base", guid: guid(77) },
    destroys: snapshots(count),
    bytes: 0 as Bytes,
  });

  const there = (...more: string[]): string =>
    [
      row("tank/a", 9),
      row("tank/a@base", 77, 0),
      ...snapshots(3).map(({ name }, i) => row(`tank/a@${name}`, i + 1)),
      ...more,
    ].join("");

  test("one snapshot that cannot go: the others stay, and nothing is rolled back", async () => {
    const { report, commands } = await run([rollback(3)], {
      listed: there(),
      answers: [
        ["zfs list", ok(listing(0, 3))],
        ["zfs destroy", fails("cannot destroy snapshot tank/a@s1: it's being held.\n")],
      ],
    });
    expect(commands.filter((line) => !line.startsWith("zfs list"))).toEqual(["zfs destroy tank/a@s0,s1,s2"]);
    expect(report.operations[0]?.outcome).toBe("failed");
  });

  test("never with -r", async () => {
    const { commands } = await run([rollback(3)], { answers: [["zfs list", ok(listing(0, 3))]], listed: there() });
    expect(commands.at(-1)).toBe("zfs rollback tank/a@base");
  });

  test.each([
    ["snapshot", row("tank/a@new", 50), "@new"],
    ["snapshot of a known name", row("tank/a@s2", 50), "@s2"],
    ["bookmark", row("tank/a#new", 2), "#new"],
  ])("a newer %s that the plan does not know: nothing is destroyed for nothing", async (_, newer, name) => {
    const { report, commands } = await run([rollback(3)], { answers: [], listed: there(newer) });
    expect(commands).toEqual([]);
    expect(report.operations[0]).toMatchObject({ outcome: "stale", error: { message: expect.stringContaining(name) } });
  });

  test("a bookmark of the snapshot itself is in nobody's way", async () => {
    const answers: World["answers"] = [["zfs list", ok(listing(0, 3))]];
    const { report } = await run([rollback(3)], { answers, listed: there(row("tank/a#base", 77, 0)) });
    expect(report.operations[0]?.outcome).toBe("done");
  });
});

describe("create", () => {
  test("a snapshot that is not there afterwards is a failure, whatever the exit code", async () => {
    const { report } = await run([createOp("a", "tank/a", "x"), createOp("b", "tank/b", "x")], {
      answers: [["zfs list", fails("cannot open 'tank/b@daily-b': dataset does not exist\n", "tank/a@daily-a\t5\n")]],
    });
    expect(report.operations.map(({ outcome }) => outcome)).toEqual(["done", "failed"]);
  });

  test("a lost connection fails all of them, and what needs them is skipped", async () => {
    const { report } = await run(
      [createOp("a", "tank/a", "x"), createOp("b", "tank/b", "x"), sendOp("s", "tank/a", { dependsOn: ["a"] })],
      { answers: [["zfs snapshot", lost]] },
    );
    expect(report.operations.map(({ outcome }) => outcome)).toEqual(["failed", "failed", "skipped"]);
    expect(report.operations[0]?.error?.message).toBe("nas: the connection was lost");
  });
});

test("an operation of another manifest is refused before anything runs", () => {
  const plan = { ...planOf([destroyOp("d", "tank/a")]), manifestDigest: "other" };
  const hosts = {} as Hosts;
  expect(() => apply(plan, { manifest: { digest: "digest" } as Manifest, hosts, env: {} })).toThrow("another manifest");
});

test("a precondition that names a place nobody can look at fails the operation", async () => {
  const place = { ...at("tank/a"), kind: "present", snapshot: { name: "s", guid: guid(1) }, bookmark: false } as const;
  const { report, commands } = await run([destroyOp("d", "tank/a", { preconditions: [place] })], { answers: [] });
  expect(report.operations[0]?.outcome).toBe("failed");
  expect(commands.filter((line) => line.startsWith("zfs destroy"))).toEqual([]);
});
