import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OperationReport } from "../../src/model/report.ts";
import type { Run } from "../../src/model/service.ts";
import type { LastSeen } from "../../src/model/status.ts";
import type { Address, EpochSeconds, RemoteName } from "../../src/model/units.ts";
import { historyFile, lastSeenIn, withRun } from "../../src/service/history.ts";
import { stateDirectory, writeJson } from "../../src/service/state.ts";
import { readSuspensions, resume, suspend } from "../../src/service/suspensions.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const report = (n: number, outcome: OperationReport["outcome"] = "done"): OperationReport => ({
  id: String(n),
  kind: "send",
  source: "a:tank" as Address,
  description: "send",
  outcome,
  seconds: 1,
});
const run = (n: number, operations: readonly OperationReport[] = [report(1)]): Run => ({
  id: String(n),
  startedAt: "2026-03-01T10:20:00.000Z",
  finishedAt: "2026-03-01T10:21:00.000Z",
  trigger: "due",
  sources: ["a:tank" as Address],
  result: "clean",
  operations,
});

const seen = (creation: number, remote = "vault"): LastSeen => ({
  source: "a:tank" as Address,
  own: { newest: { name: "daily", creation: creation as EpochSeconds } },
  copies: [
    { remote: "usb" as RemoteName },
    { remote: remote as RemoteName, newest: { name: "daily", creation: creation as EpochSeconds } },
  ],
});

test.each([
  [{ HOLDFAST_STATE_DIR: "/x", STATE_DIRECTORY: "/y" }, 0, "/x"],
  [{ STATE_DIRECTORY: "/y:/z" }, 7, "/y"],
  [{}, 0, "/var/lib/holdfast"],
  [{ XDG_STATE_HOME: "/s" }, 7, "/s/holdfast"],
  [{}, 7, "/home/me/.local/state/holdfast"],
])("%j for user %i: %s", (env, uid, path) => expect(stateDirectory({ env, uid, home: "/home/me" })).toBe(path));

describe("the history", () => {
  const file = () => historyFile(join(folder, "deep"), "/etc/holdfast/holdfast.yaml");
  const conditions = new Map([
    ["a:tank", [{ type: "Ready", status: true, reason: "UpToDate", message: "", since: "2026" } as const]],
  ]);

  test("is what was written last, in one file, with nothing left beside it", () => {
    for (const n of [1, 2])
      file().save({
        runs: [run(n)],
        conditions,
        lastAttempts: [{ operations: [report(n, "failed")] }],
        lastSeen: [seen(n)],
      });
    expect(file().load()).toEqual({
      runs: [run(2)],
      conditions,
      lastAttempts: [{ operations: [report(2, "failed")] }],
      lastSeen: [seen(2)],
    });
    expect(readdirSync(join(folder, "deep"))).toHaveLength(1);
    expect(historyFile(folder, "another").path).not.toBe(historyFile(folder, "manifest").path);
  });

  test("tells what was seen last, of all that look from this machine the newest", () => {
    expect(lastSeenIn(join(folder, "none"))).toEqual([]);
    const save = (manifest: string, lastSeen: LastSeen[]) =>
      historyFile(folder, manifest).save({ runs: [], conditions, lastAttempts: [], lastSeen });
    save("one", [seen(5)]);
    save("another", [seen(3), { ...seen(1), source: "b:tank" as Address }]);
    save("a third", [seen(4, "cloud")]);
    const [a, b] = [...lastSeenIn(folder)].sort((one, other) => one.source.localeCompare(other.source));
    const newest = a?.copies.map((copy) => [copy.remote, copy.newest?.creation]);
    expect(Object.fromEntries(newest ?? [])).toEqual({ usb: undefined, vault: 5, cloud: 4 });
    expect([a?.own?.newest?.creation, b?.own?.newest?.creation]).toEqual([5, 1]);
  });

  test("is bounded, and keeps of a long run what did not go well", () => {
    let runs: readonly Run[] = [];
    for (let n = 0; n < 500; n += 1) runs = withRun(runs, run(n));
    expect(runs).toHaveLength(200);
    expect(runs[0]?.id).toBe("499");
    const many = [...Array.from({ length: 1000 }, (_, n) => report(n)), report(1000, "failed")];
    const [long] = withRun([], run(1, many));
    expect(long?.operations).toHaveLength(100);
    expect(long?.operations[0]?.outcome).toBe("failed");
  });

  test.each([
    "",
    "garbage",
    "[]",
    '{"formatVersion":2}',
    '{"formatVersion":1,"runs":[{"id":1}],"conditions":{"a":[1]},"lastSeen":[{"source":"a","copies":[{}]}]}',
  ])("that is %j is none, and no harm", (text) => {
    file().save({ runs: [], conditions: new Map(), lastAttempts: [], lastSeen: [] });
    writeFileSync(file().path, text);
    const { runs, conditions: found, lastSeen } = file().load();
    expect([runs, lastSeen]).toEqual([[], []]);
    expect([...found.values()].flat()).toEqual([]);
  });
});

describe("what is suspended", () => {
  const names = (): string[] => readSuspensions(folder).map(({ source }) => source);

  test("is kept until it is resumed", () => {
    expect(names()).toEqual([]);
    expect(suspend(folder, ["tank/a", "tank/b", "tank/a"], "now")).toEqual(["tank/a", "tank/b"]);
    expect(suspend(folder, ["tank/a", "/etc"], "later")).toEqual(["/etc"]);
    expect(names()).toEqual(["tank/a", "tank/b", "/etc"]);
    expect(resume(folder, (one) => one === "tank/a")).toEqual([{ source: "tank/a", since: "now" }]);
    expect(names()).toEqual(["tank/b", "/etc"]);
  });

  test.each(["", "garbage", "[]", '{"suspended":[{"source":1}]}', '{"suspended":[{"source":"","since":"x"}]}'])(
    "is not nothing when it is %j",
    (text) => {
      writeFileSync(join(folder, "suspended.json"), text);
      expect(names).toThrow(/cannot tell what is suspended/);
      expect(() => suspend(folder, ["tank"], "now")).toThrow(/cannot tell/);
      expect(readFileSync(join(folder, "suspended.json"), "utf8")).toBe(text);
    },
  );
});

test("what cannot be written leaves what was there", () => {
  const path = join(folder, "x.json");
  writeJson(path, { one: 1 });
  expect(() => writeJson(path, { big: 1n })).toThrow();
  expect(readFileSync(path, "utf8")).toBe('{"one":1}\n');
  expect(readdirSync(folder)).toEqual(["x.json"]);
});
