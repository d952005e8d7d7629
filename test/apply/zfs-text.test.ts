import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { obstaclesIn } from "../../src/remotes/zfs/create.ts";
import { reasonsIn } from "../../src/remotes/zfs/destroy.ts";
import { explain, lastLines, type Meaning, meaningOf, type Where } from "../../src/remotes/zfs/errors.ts";
import { onlyMissing, parseGuids } from "../../src/remotes/zfs/guids.ts";
import { parseEstimate, parseReceived, StreamProgress } from "../../src/remotes/zfs/progress.ts";
import { refusedProperties } from "../../src/remotes/zfs/received.ts";
import { at } from "./operations.ts";

/** Output below was captured from OpenZFS 2.3.2 and 2.1.11, unless a comment says otherwise. */

const where: Where = {
  at: at("pool/copy", "vault"),
  user: "backup",
  permissions: "receive,create,mount",
  permissionsOn: "pool",
};

describe("what an error means", () => {
  test.each<[Meaning, string, string]>([
    [
      "cut",
      "cannot receive new filesystem stream: checksum mismatch or incomplete stream.\nPartially received snapshot is saved.\nA resuming stream can be generated on the sending system by running:\n    zfs send -t 1-bbd13fbda-f0-789c63",
      "was cut",
    ],
    [
      "modified",
      "cannot receive incremental stream: destination tank/r/w has been modified\nsince most recent snapshot",
      "was written to",
    ],
    [
      "moved",
      "cannot receive incremental stream: most recent snapshot of tank/r/n does not\nmatch incremental source",
      "not the base any more",
    ],
    [
      "name-taken",
      "cannot restore to tank/r/n@2: destination already exists",
      "vault:tank/r/n@2 exists there with another guid",
    ],
    [
      "partial",
      'cannot receive resume stream: destination tank/r/b contains partially-complete state from "zfs receive -s".',
      "half-received stream, or somebody else",
    ],
    [
      "exists",
      "cannot receive new filesystem stream: destination 'tank/r/n' exists\nmust specify -F to overwrite it",
      "exists already",
    ],
    ["busy", "cannot destroy 'tank/r/b/%recv': dataset is busy", "is busy"],
    ["space", "cannot receive incremental stream: destination tank/r/q space quota exceeded.", "quota"],
    // from libzfs: a pool without room
    ["space", "cannot receive new filesystem stream: out of space", "full"],
    ["key", "warning: cannot send 'tank/e@2': dataset key must be loaded", "key"],
    ["key", "cannot receive incremental stream: inherited key must be loaded", "key"],
    [
      "raw",
      "cannot receive incremental stream: cannot perform raw receive on top of existing unencrypted dataset",
      "plaintext",
    ],
    // from libzfs: the increment after a plaintext one
    ["raw-base", "cannot receive incremental stream: IV set guid mismatch. See the 'zfs receive' man page", "not raw"],
    [
      "large-blocks",
      "cannot receive incremental stream: incremental send stream requires -L (--large-block), to match previous receive.",
      "-L",
    ],
    [
      "plaintext-properties",
      "cannot send tank/e@1: encrypted dataset tank/e may not be sent with properties without the raw flag\nwarning: cannot send 'tank/e@1': backup failed",
      "raw",
    ],
    ["sender-ended", "cannot receive: failed to read from stream", "sender ended"],
    // from libzfs: mostly a token whose target changed
    [
      "stale-token",
      "cannot receive resume stream: kernel modules must be upgraded to receive this stream.",
      "refuses to go on",
    ],
    ["dead-token", "cannot resume send: 'tank/s5@2' used in the initial send no longer exists", "gone"],
    ["dead-token", "cannot resume send: resume token is corrupt (invalid format)", "cannot be continued"],
    ["no-token", "'tank/r/b' does not have any resumable receive state to abort", "no half-received stream"],
    [
      "parent-missing",
      "cannot open 'tank/r/none': dataset does not exist\ncannot receive new filesystem stream: unable to restore to destination",
      "should hold",
    ],
    ["parent-missing", "cannot create 'vault/q/r': parent does not exist", "should hold"],
    ["missing", "could not find any snapshots to destroy; check snapshot names.", "vault:pool/copy does not exist"],
    ["missing", "cannot open 'tank/gone': dataset does not exist", "vault:tank/gone does not exist"],
    ["missing", "cannot open 'tank/a#nope': no such pool or dataset", "vault:tank/a#nope does not exist"],
    ["missing", "bookmark 'tank/a#b3' does not exist.", "vault:tank/a#b3 does not exist"],
    [
      "held",
      "cannot destroy snapshot tank/a@s1: it's being held. Run 'zfs holds -r tank/a@s1' to see holders.",
      "held",
    ],
    [
      "cloned",
      "cannot destroy 'tank/a@s3': snapshot has dependent clones\nuse '-R' to destroy the following datasets:\ntank/clone",
      "clone",
    ],
    [
      "children",
      "cannot destroy 'tank/a': filesystem has children\nuse '-r' to destroy the following datasets:\ntank/a@s1",
      "does not know",
    ],
    [
      "later-snapshots",
      "cannot rollback to 'tank/a@s1': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the following snapshots and bookmarks:\ntank/a@s2",
      "later snapshots",
    ],
    ["bookmark-exists", "cannot create bookmark 'tank/a#b1': bookmark exists", "bookmark of that name"],
    ["exists", "cannot create 'vault/p': dataset already exists", "exists already"],
    ["permission", "cannot receive new filesystem stream: permission denied", "backup may not"],
    ["permission", "cannot create snapshots : permission denied", "backup may not"],
    ["permission", "warning: cannot send 'vault/u/b@s1': permission denied", "backup may not"],
    [
      "property",
      "cannot receive new filesystem stream: property 'canmount' does not apply to datasets of this type",
      "canmount",
    ],
    ["permission", "cannot hold: permission denied\ncannot send 'tank/a': permission denied", "backup may not"],
    ["delegation", "cannot create snapshots : delegated administration is disabled on pool", "disregards"],
    ["mounted", "cannot unmount '/pool/copy': permission denied", "only root may unmount it"],
    ["unknown", "cannot receive: the moon is full", "otherwise"],
  ])("%s: %s", (meaning, output, message) => {
    expect(meaningOf(output)).toBe(meaning);
    const problem = explain(output, where, "zfs receive", "otherwise");
    expect(problem.message).toContain(message);
    expect(problem.command).toBe("zfs receive");
    expect(problem.output).toBeTruthy();
  });

  test("a missing permission comes with the line that grants it", () => {
    const { hint } = explain("cannot receive new filesystem stream: permission denied", where, "", "");
    expect(hint).toBe("as root on vault: zfs allow -u backup receive,create,mount pool");
  });

  test("a full target says what frees what was half received", () => {
    expect(explain("out of space", where, "", "").hint).toContain("zfs receive -A pool/copy");
  });

  test("usage texts, tokens and all but the last lines are left out", () => {
    const output = `${Array.from({ length: 30 }, (_, n) => `line ${n}`).join("\n")}\nA resuming stream can be generated on the sending system by running:\n    zfs send -t 1-abc\nlast\nusage:\n\tsnapshot [-r]\n`;
    expect(lastLines(output).split("\n")).toEqual([...Array.from({ length: 9 }, (_, n) => `line ${n + 21}`), "last"]);
  });

  test("never throws, whatever was printed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (output) => {
        expect(explain(output, where, "c", "otherwise").message).not.toBe("");
      }),
    );
  });
});

describe("which names a failed list blames", () => {
  test("of creates: datasets that are gone, names that exist", () => {
    const stderr =
      "cannot create snapshot 'tank/a@s1': dataset already exists\ncannot create snapshot 'tank/b b@s1': out of space\nno snapshots were created\n";
    expect([...obstaclesIn(stderr)]).toEqual([
      ["tank/a@s1", "dataset already exists"],
      ["tank/b b@s1", "out of space"],
    ]);
    expect([...obstaclesIn("cannot open 'tank/gone': dataset does not exist\nusage:\n")]).toEqual([
      ["tank/gone", "dataset does not exist"],
    ]);
    expect([...obstaclesIn("cannot create snapshots : permission denied\n")]).toEqual([]);
  });

  test("of deletions: held, busy, cloned, and no other whose name only begins the same", () => {
    const reasons = reasonsIn(
      "cannot destroy snapshot tank/a@s1: it's being held. Run 'zfs holds -r tank/a@s1' to see holders.\ncannot destroy snapshot tank/a@s2: dataset is busy\ncannot destroy 'tank/a@s3': snapshot has dependent clones\n",
    );
    expect(reasons("tank/a@s1")).toBe("held");
    expect(reasons("tank/a@s2")).toContain("busy");
    expect(reasons("tank/a@s3")).toBe("snapshot has dependent clones");
    expect(reasons("tank/a@s")).toBeUndefined();
    expect(reasons("tank/a@s11")).toBeUndefined();
  });
});

describe("sizes and progress", () => {
  const range =
    "incremental\t1\ttank/s5/big@2\t624\nincremental\t2\ttank/s5/big@3\t21038448\nincremental\t3\ttank/s5/big@4\t21042544\nsize\t42081616\n";

  test.each([
    ["full", "full\ttank/a@s1\t8448112\nsize\t8448112\n", 8448112, ["tank/a@s1"]],
    ["from a bookmark", "incremental\ttank/a#b1\ttank/a@s2\t624\nsize\t624\n", 624, ["tank/a@s2"]],
    ["a range", range, 42081616, ["tank/s5/big@2", "tank/s5/big@3", "tank/s5/big@4"]],
    ["a name with spaces", "full\ttank/a b@s 1\t10\nsize\t10\n", 10, ["tank/a b@s 1"]],
    ["absurd", "full\ttank/a@s1\t18446744073709551615\nsize\t18446744073709551615\n", undefined, ["tank/a@s1"]],
    ["nothing", "", undefined, []],
  ])("estimate: %s", (_, output, size, steps) => {
    const estimate = parseEstimate(output);
    expect(estimate.size).toBe(size);
    expect(estimate.steps.map(({ to }) => to)).toEqual(steps);
  });

  test("what a token holds already", () => {
    const contents =
      "resume token contents:\nnvlist version: 0\n\tobject = 0x2\n\toffset = 0x2a0000\n\tbytes = 0x2c24d0\n\ttoguid = 0x5baceb81bcfe9a76\n\ttoname = tank/a@s1\n";
    expect(parseReceived(contents)).toBe(0x2c24d0);
    expect(parseReceived("cannot resume send")).toBeUndefined();
  });

  test("progress of a range adds up, though each snapshot counts from zero, and never goes back", () => {
    const progress = new StreamProgress();
    for (const line of range.split("\n")) expect(progress.line(line)).toBe(false);
    const seen = [
      "17:18:01\t264816\ttank/s5/big@3",
      "17:18:10\t20366568\ttank/s5/big@3",
      "17:18:11\t134544\ttank/s5/big@4",
      "17:18:17\t8805576\ttank/s5/big@4",
    ].map((line) => {
      expect(progress.line(line)).toBe(true);
      return progress.bytes;
    });
    expect(seen).toEqual([265440, 20367192, 21173616, 29844648]);
  });

  test("other lines are no progress", () => {
    const progress = new StreamProgress();
    for (const line of ["", "warning: cannot send 'x': y", "17:18\t12\tx", "resume token contents:"]) {
      expect(progress.line(line)).toBe(false);
    }
    expect(progress.bytes).toBe(0);
  });
});

describe("listings", () => {
  test("guids are text, and garbage is no row", () => {
    expect(parseGuids("tank/a b@s\t17694881866957682684\ngarbage\n\nx\ty\n")).toEqual([
      ["tank/a b@s", "17694881866957682684"],
    ]);
  });

  test.each([
    ["cannot open 'tank/ph3@nope': dataset does not exist\n", true],
    ["cannot open 'tank/a#nope': no such pool or dataset\n", true],
    ["cannot open 'tank/a': dataset does not exist\ncannot open 'tank/b': I/O error\n", false],
    ["internal error\n", false],
    ["", false],
  ])("only missing names: %j is %s", (stderr, expected) => {
    expect(onlyMissing(stderr)).toBe(expected);
  });

  test("settings that a receive could not set", () => {
    const stderr =
      "cannot receive my:prop property on vault/u/a: permission denied\ncannot receive readonly property on vault/u/a: permission denied\n";
    expect([...refusedProperties(stderr).keys()]).toEqual(["my:prop", "readonly"]);
  });
});
