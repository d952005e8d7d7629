import { describe, expect, test } from "vitest";
import type { Remedy } from "../../src/model/manifest.ts";
import { type Case, keptOn, short } from "./notation.ts";

/**
 * The situations of other tools' tests and issues, and what Holdfast does in them: the tables of docs/opinions.
 * A number is an issue of that tool, a name one of its tests or functions.
 */
type Row = readonly [what: string, world: string, expected: string, more?: Partial<Case>];

/** Both sides keep everything unless a row says otherwise. */
const all = { keep: "h=all d=all w=all m=all c=all", R: "h=all d=all w=all m=all c=all" };
function table(peer: string, rows: readonly Row[]): void {
  describe(peer, () => {
    for (const [what, world, expected, more] of rows)
      test(what, () => expect(short({ ...all, world, ...more })).toBe(expected));
  });
}

const alone: Partial<Case> = { source: { remotes: new Map() } };
const days = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `d${from + i}`).join(" ");
const resolve = (remedy: Remedy): Partial<Case> => ({ options: { resolve: new Map([["R" as never, remedy]]) } });
const appendOnly: Partial<Case> = { remote: { deletions: "never" } };

table("syncoid", [
  ["001_bookmark_replication_intermediate", "L: #=d1 d2 d3 d4 d5\nR: d1", ">R #d1-d2; >R d2-d3,d4,d5; #R d5"],
  ["002_bookmark_replication_no_intermediate", "L: #=d1 d2 d3 d4 d5\nR: d1", ">R #d1-d5; #R d5; -R d1", { R: "d=1" }],
  ["013_bookmark_replication_0_named: nothing is newer", "L: #=d1\nR: d1", "#R d1"],
  ["003_force_delete: no match, nothing is destroyed", "L: d2\nR: d1", "!R no-common-base"],
  ["003_force_delete, when asked to: renamed aside", "L: d2\nR: d1", "=R; >R d2; #R d2", resolve("replace")],
  ["008_force_delete_snapshot: taken again under its name", "L: d1* d2' d3\nR: d1 d2", "!R name-conflict"],
  ["184: the same, of a snapshot that is not sent", "L: d1* x2' d3\nR: d1 x2", ">R d1-d3; #R d3; -#R d1"],
  ["602: a bookmark newer than the newest shared snapshot", "L: d1 #d3 d4\nR: d1 d2+ d3+", ">R #d3-d4; #R d4; -#R d3"],
  ["602, without the bookmark", "L: d1 d4\nR: d1 d2+ d3+", "!R diverged"],
  ["847: the source was rolled back", "L: d3* d6\nR: d3 d4+ d5+", "!R diverged"],
  ["558: a snapshot taken at the target", "L: d1* d2\nR: d1 x1", ">R d1-d2; #R d2; -#R d1"],
  ["1036: newer ones there with data", "L: d1* d2\nR: d1 x3+ x4", "!R diverged"],
  ["1036, when asked to", "L: d1* d2\nR: d1 x3+ x4", "<R d1-x3,x4; >R d1-d2; #R d2; -#R d1", resolve("rollback")],
  ["423: the target was made with zfs create", "L: d1\nR:", "!R occupied"],
  ["011_sync_out-of-order_snapshots: the first is the oldest", "L: d9 d1 d2", ">R d9; >R d9-d1,d2; #R d2"],
  ["815: the newest is the last, not the latest date", "L: d9* d1 d2\nR: d9", ">R d9-d1,d2; #R d2; -#R d9"],
  ["112: guids do not ascend", "L: h1* d1\nR: h1", ">R h1-d1; #R d1; -#R h1"],
  ["012_receive_resume_token: an initial stream goes on", "L: d1 d2\nR: %d1", "~R d1; >R d1-d2; #R d2"],
  ["006_reset_resume_state2: its snapshot is gone", "L: d1* d3\nR: d1 %d2<d1", "x%R; >R d1-d3; #R d3; -#R d1"],
  ["010_filter_snaps: dailies only", "L: m1 d1 d2 h1 h2 d3 h3", ">R d1; >R d1-d2; >R d2-d3; #R d3", { R: "d=all" }],
  [
    "010_filter_snaps: the base is of a type left out",
    "L: d1 h1* d2\nR: d1 h1",
    ">R h1-d2; #R d2; -#R h1",
    { R: "d=all" },
  ],
  ["57: sync snapshots of another machine", "L: x1 d1 d2* x2\nR: x1 d1 d2", "-L d1; -R d1", { keep: "d=1", R: "d=1" }],
  ["targetexists fails: not observed is not absent", "L: d1* d2 d3\nR away: d1", "", { keep: "d=1" }],
]);

table("sanoid", [
  ["daily = 0, by mistake", `L: ${days(1, 7)}`, "!L withheld d1,d2,d3,d4,d5,d6", { ...alone, keep: "d=0" }],
  ["daily = 2 is a count and an age", `L: ${days(36, 40)}`, "-L d36", { ...alone, keep: "d=2/4d" }],
  ["names of autosnap, adopted", "L: a1 x1 a2 d3", "-L a1,a2", { ...alone, keep: "d=1" }],
  ["149: some that cannot be destroyed", "L: d1! d2^ d3 d4", "-L d3", { ...alone, keep: "d=1" }],
  ["155: dailies of one hour", "L: d1 d2 d3 h73=d4 h74=d5 h75=d6", "!L withheld d1,d2,d3", { ...alone, keep: "d=3" }],
  [
    "a clock that was ahead is put right",
    "L: h1 h2 h5000",
    "+h",
    { ...alone, take: ["hourly"], now: "2026-01-01T03:10Z" },
  ],
  [
    "a clock that is ahead",
    "L: d1 d2 d3",
    "+d; !L clock d1,d2,d3",
    { ...alone, keep: "d=1/3d", take: ["daily"], now: "2030-01-01T12:00Z" },
  ],
  ["the target of syncoid is away", "L: d1* d2 d3\nR away: d1", "", { keep: "d=1", R: "d=2" }],
  [
    "the same, of a disk in a drawer",
    "L: d1* d2 d3\nR away: d1",
    "#R d2; -L d1,d2",
    { keep: "d=1", R: "d=1", remote: { whileAway: "thin" } },
  ],
]);

table("zrepl", [
  ["IncrementalPath: no common ancestor", "L: d3 d4\nR: d1 d2", "!R no-common-base"],
  ["IncrementalPath: divergence", "L: d1* d3\nR: d1 d2+", "!R diverged"],
  ["IncrementalPath: gaps before the common one", "L: d1 d3* d4\nR: d1 d2 d3", ">R d3-d4; #R d4; -#R d3"],
  ["IncrementalPath: fully shared", "L: d1 d2*\nR: d1 d2", ""],
  ["IncrementalPath: only the newest is there", "L: d1 d2 d3*\nR: d3", ""],
  ["IncrementalPath: no sender snapshots", "L:\nR: d1", "!R no-common-base"],
  ["IncrementalPath: bookmarks between are no steps", "L: #d1 #d2 d3\nR: d1", ">R #d1-d3; #R d3; -#R d1,d2"],
  ["IncrementalPath: a newer bookmark at the receiver", "L: d1* d3\nR: d1 #d2", ">R d1-d3; #R d3; -#R d1"],
  ["IncrementalPath: nothing but a bookmark there", "L: d1 d3\nR: #d1", "!R occupied"],
  ["ReplicationInitialMostRecent", "L: d1 d2 d3", ">R d3; #R d3", { R: "d=1" }],
  ["ReplicationInitialAll", "L: d1 d2 d3", ">R d1; >R d1-d2,d3; #R d3"],
  ["ReplicationIncrementalIsPossibleIfCommonSnapshotIsDestroyed", "L: #d1 d2\nR: d1", ">R #d1-d2; #R d2; -#R d1"],
  ["ReplicationIncrementalCleansUpStaleAbstractions", "L: #d1 #d2 d3*\nR: d3", "-#R d1,d2"],
  [
    "SendArgsValidationEncryptedSendOfUnencryptedDatasetForbidden",
    "L: d1",
    "!R encryption",
    { remote: { raw: "always" } },
  ],
  [
    "SendArgsValidationResumeTokenEncryptionMismatchForbidden",
    "L crypt: d1* d2\nR crypt inherits: d1 %d2<d1",
    "x%R; >R d1-d2; #R d2; -#R d1",
    { remote: { raw: "never" } },
  ],
  ["558: nothing but a cursor, and no copy", "L: #d1", ""],
  ["558, with a snapshot to send", "L: #d1 d2", ">R d2; #R d2; -#R d1"],
  ["582: a snapshot taken at the sink", "L: d1* d2\nR: d1 x1", ">R d1-d2; #R d2; -#R d1"],
  ["582, of a raw copy", "L crypt: d1* d2\nR raw: d1 x1", "!R diverged"],
  [
    "722: the source was rolled back",
    "L: d1* d4\nR: d1 d2+ d3+",
    "<R d1-d2,d3; >R d1-d4; #R d4; -#R d1",
    resolve("rollback"),
  ],
  ["825: destroyed and made again under its name", "L: d1'\nR: d1", "!R no-common-base"],
  ["405: modified", "L: d1* d2\nR: d1 ~", "!R modified"],
  ["644: the token's snapshot is gone", "L: d1* d3\nR: d1 %d2<d1-", "x%R; >R d1-d3; #R d3; -#R d1"],
  [
    "826: one that is held stops no other",
    "L: d1! d2 d3* d4\nR: d3",
    ">R d3-d4; #R d4; -L d2,d3; -#R d3",
    { keep: "d=1" },
  ],
  ["540: what nobody declared", "L: x1 d1 d2*\nR: x1 d1 d2", "-L d1; -R d1", { keep: "d=1", R: "d=1" }],
  [
    "712: the one just taken",
    "L: h1 h2*\nR: h1 h2",
    "-L h1; -R h1",
    { keep: "h=0", R: "h=0", options: { allowDestroy: 9 } },
  ],
  ["606: no copy can be made", "L: d1 d2 d3 d4 d5\nR:", "-L d1,d2; !R occupied", { keep: "d=2", R: "d=3" }],
  ["224: the sender may not prune there", "L: d3*\nR: d1 d2 d3", "", { R: "d=1", ...appendOnly }],
  [
    "FitEntries: one dated ahead ages no other",
    "L: d1 d2 d3 d300",
    "-L d1",
    { ...alone, keep: "d=1/3d", now: "2026-01-05T12:00Z" },
  ],
]);

table("zfs_autobackup", [
  ["test_invalid_common_snapshot", "L: d1* x1 d2\nR: d1 x1'", ">R d1-d2; #R d2; -#R d1"],
  ["test_invalid_common_snapshot_with_data", "L: d1* x1 d2\nR: d1 x1'+", "!R diverged"],
  ["test_destroyincompat: compatible", "L: d1* d2\nR: d1 x1 x2", ">R d1-d2; #R d2; -#R d1"],
  [
    "test_destroyincompat: --destroy-incompatible",
    "L: d1* d2\nR: d1 x1 x2+",
    "<R d1-x1,x2; >R d1-d2; #R d2; -#R d1",
    resolve("rollback"),
  ],
  ["test_rollback", "L: d1* d2\nR: d1 ~", "<R d1; >R d1-d2; #R d2; -#R d1", resolve("rollback")],
  [
    "test_raw_invalid_snapshot",
    "L crypt: d1* d2\nR raw: d1 x1",
    "<R d1-x1; >R d1-d2; #R d2; -#R d1",
    resolve("rollback"),
  ],
  ["test_missing_common", "L: d2\nR: d1", "!R no-common-base"],
  ["23: with a bookmark", "L: #d1 d2\nR: d1", ">R #d1-d2; #R d2; -#R d1"],
  ["262: disks that take turns", "L: d1 #d3 d4 d5\nR: d1 d2+ d3+", ">R #d3-d4; >R d4-d5; #R d5; -#R d3"],
  [
    "test_keepsource0target10queuedsend",
    "L: d1 d2 d3",
    ">R d1; >R d1-d2,d3; #R d3; -L d1,d2",
    { keep: "d=0", R: "d=10" },
  ],
  ["test_keep0", "L: d1 d2*\nR: d1 d2", "-L d1; -R d1", { keep: "d=0", R: "d=0", options: { allowDestroy: 9 } }],
  ["test_abort_unwanted_resume", "L: d1* d2 d3\nR: d1 %d2<d1", "x%R; >R d1-d3; #R d3; -R d1; -#R d1", { R: "d=1" }],
  ["test_abort_resume_emptysnapshotlist", "L: d1*\nR: d1 %d2<d1", "x%R"],
  ["test_initial_resumeabort", "L: d2\nR: %d1", "x%R; >R d2; #R d2"],
  ["test_resume_encrypt_with_no_key", "L: d1* d2\nR crypt locked: d1 %d2<d1", "!R encryption"],
  [
    "test_transfer_thinning",
    "L: m1 x1 d40 x2 d41 d42",
    ">R m1; >R m1-d42; #R d42; -L d40",
    { keep: "d=2", R: "m=2 d=1" },
  ],
  ["test_migrate", "L: x1 d1\nR: x1", ">R x1-d1; #R d1"],
  ["58: holds left behind", "L: d1! d2 d3*\nR: d1! d2 d3", "-L d2; -R d2", { keep: "d=1", R: "d=1" }],
  ["115: the copy was destroyed", "L: d1* d2", ">R d1; >R d1-d2; #R d2; -#R d1"],
]);

table("backupd", [
  ["remote has data, but none is shared with local", "L: d2\nR: d1", "!R no-common-base"],
  ["already skipped: not sent later", "L: d1 d2 d3*\nR: d1 d3", ""],
  ["a type without a policy", "L: c1 d1 d2*\nR: c1 d1 d2", "-L d1; -R d1", { keep: "d=1", R: "d=1" }],
  ["a range with something else inside", "L: d1 x1 d2 d3", "-L d1,d2", { ...alone, keep: "d=1" }],
  ["TestSnapshots_GroupByAdjacency_Duplicates", "L: d1 d2 d2'=d3 d4", "-L d1,d2", { ...alone, keep: "d=2" }],
  ["two of one second are sent in their order", "L: d1* d2 d2'=d3 d4\nR: d1", ">R d1-d2,d3,d4; #R d4; -#R d1"],
  [
    "the oldest stays, where it is asked for",
    "L: d1 d2 d3",
    "-L d2",
    { keep: "d=1", source: { ...alone.source, pin: ["oldest"] } },
  ],
  [
    "deletions come last",
    "L: d3* d4\nR: d1 d2 d3",
    ">R d3-d4; #R d4; -L d3; -R d1,d2; -#R d3",
    { keep: "d=1", R: "d=2" },
  ],
  ["receive -F over what was written", "L: d1* d2\nR: d1 ~", "!R modified"],
  ["the remote cannot be reached", "L: d1* d2 d3\nR away: d1", "", { keep: "d=1" }],
]);

describe("kept, with the reason", () => {
  const rows: readonly (readonly [what: string, c: Case, side: string, expected: Record<string, string>])[] = [
    ["zrepl 826: a hold", { world: "L: d1! d2 d3", keep: "d=1" }, "L", { d1: "held", d3: "count, newest" }],
    [
      "zrepl not_replicated: what a blocked copy waits for",
      { world: "L: d1* d2 d3\nR: d1 ~", keep: "d=1", R: "d=2" },
      "L",
      { d1: "base", d2: "waiting", d3: "count, newest, waiting" },
    ],
    ["zrepl 712: the newest", { world: "L: h1 h2", keep: "h=0", options: { allowDestroy: 9 } }, "L", { h2: "newest" }],
    [
      "zrepl 224: append-only",
      { ...appendOnly, world: "L: d2*\nR: d1 d2", keep: "d=1", R: "d=1" },
      "R",
      { d1: "append-only", d2: "base, count" },
    ],
    [
      "zfs_autobackup test_keep0: the common one",
      { world: "L: d1* d2\nR: d1 ~", keep: "d=0", R: "d=0" },
      "L",
      { d1: "base", d2: "newest" },
    ],
    [
      "backupd: a type without a policy",
      { world: "L: c1 d1", keep: "d=1" },
      "L",
      { c1: "unlisted", d1: "count, newest" },
    ],
  ];
  for (const [what, c, side, expected] of rows) test(what, () => expect(keptOn(c, side)).toEqual(expected));
});
