import { describe, expect, test } from "vitest";
import type { DatasetName, HostName, RemoteName } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { nameTooLong } from "../../src/remotes/zfs/obstacles.ts";
import { byType } from "../property/manifests.ts";
import { type Case, parse, planOf, short } from "./notation.ts";

type Row = readonly [what: string, world: string, expected: string, more?: Partial<Case>];

/** Both sides keep everything unless a row says otherwise, so that only transfers show. */
const all = { keep: "h=all d=all w=all c=all", R: "h=all d=all w=all c=all" };
function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, world, expected, more] of rows)
      test(what, () => expect(short({ ...all, world, ...more })).toBe(expected));
  });
}

table("what is sent", [
  ["nothing when both sides are equal", "L: d1 d2*\nR: d1 d2", ""],
  ["neighbours are one range", "L: d1* d2 d3\nR: d1", ">R d1-d2,d3; #R d3; -#R d1"],
  [
    "the newest N of each type that the remote keeps",
    "L: d1* h1 d2 d3 d4\nR: d1",
    ">R d1-d3; >R d3-d4; #R d4; -R d1; -#R d1",
    { R: "d=2" },
  ],
  [
    "what is unwanted between is a gap",
    "L: d1* h1 d2 h2 d3\nR: d1",
    ">R d1-d2; >R d2-d3; #R d3; -#R d1",
    { R: "d=all" },
  ],
  ["foreign snapshots are a gap, too", "L: d1* d2 x1 d3 d4\nR: d1", ">R d1-d2; >R d2-d3; >R d3-d4; #R d4; -#R d1"],
  [
    "ranges on both sides of a gap",
    "L: d1* d2 d3 h1 d4 d5\nR: d1",
    ">R d1-d2,d3; >R d3-d4; >R d4-d5; #R d5; -#R d1",
    { R: "d=all" },
  ],
  ["and one after it", "L: d1* h1 d2 d3 d4\nR: d1", ">R d1-d2; >R d2-d3,d4; #R d4; -#R d1", { R: "d=all" }],
  [
    "adopted names count as their type",
    "L: d1* a2 a3 d4\nR: d1",
    ">R d1-a3; >R a3-d4; #R d4; -R d1; -#R d1",
    { R: "d=2" },
  ],
  ["what the remote has counts, so older ones are not sent again", "L: d1 d2 d3*\nR: d3", "", { R: "d=3" }],
  [
    "what the remote alone still has counts as well",
    "L: d3* d4\nR: d1 d2 d3",
    ">R d3-d4; #R d4; -R d1; -#R d3",
    { R: "d=3" },
  ],
  [
    "a type that the remote keeps none of is not sent",
    "L: d1* h1 d2\nR: d1",
    ">R d1-d2; #R d2; -#R d1",
    { R: "d=all h=0" },
  ],
  ["nor one that its keep does not name", "L: d1* c1 d2\nR: d1", ">R d1-d2; #R d2; -#R d1", { R: "d=all" }],
  ["types taken by hand are sent as any other", "L: d1* c2\nR: d1", ">R d1-c2; #R c2; -#R d1"],
  [
    "each remote from its own base",
    "L: d1* d2 d3 #S:d1\nR: d1\nS: d1 d2",
    ">R d1-d2,d3; #R d3; >S d2-d3; #S d3; -#R d1; -#S d1",
    { S: "d=all" },
  ],
]);

table("identity is the guid, order is the txg of one dataset", [
  ["a rename on the source is the same snapshot", "L: d1* d2=d9 d3\nR: d1 d2", ">R d9-d3; #R d3; -#R d1"],
  ["a rename on the remote is, too", "L: d1* d2 d3\nR: d1 d2=x9", ">R d2-d3; #R d3; -#R d1"],
  ["the same name with another guid blocks", "L: d1* d2\nR: d1 d2'", "!R name-conflict"],
  ["names that do not sort mean nothing", "L: d5* d1 d3\nR: d5", ">R d5-d1,d3; #R d3; -#R d5"],
  ["the newest shared is so by the source's order", "L: d1 d2* d3\nR: d2 d1", ">R d2-d3; #R d3; -#R d2"],
]);

table("a first copy", [
  ["is the oldest wanted in full, then increments", "L: d1 d2 d3 d4", ">R d3; >R d3-d4; #R d4", { R: "d=2" }],
  ["with gaps", "L: d1 h1 d2", ">R d1; >R d1-d2; #R d2", { R: "d=all" }],
  ["of one snapshot is just that", "L: d1", ">R d1; #R d1"],
  ["of nothing wanted is nothing", "L: h1", "", { R: "d=all" }],
  ["goes over Holdfast's own empty placeholder", "L: d1\nR placeholder:", ">R d1; #R d1"],
  ["never over an empty dataset that is not", "L: d1\nR:", "!R occupied"],
  ["nor over anything else without snapshots", "L: d1\nR: ~", "!R occupied"],
]);

table("a bookmark at the source is as good a base", [
  ["when the snapshot is gone there", "L: #d1 d2 d3\nR: d1", ">R #d1-d2; >R d2-d3; #R d3; -#R d1"],
  [
    "to the first wanted only by a single step",
    "L: #d1 h1 d2 d3\nR: d1",
    ">R #d1-d2; >R d2-d3; #R d3; -#R d1",
    { R: "d=all" },
  ],
  ["whoever made it", "L: #=d1 d2\nR: d1", ">R #d1-d2; #R d2"],
  ["also one for another remote", "L: #S:d1 d2\nR: d1", ">R #d1-d2; #R d2"],
  ["the newest, of bookmarks and snapshots", "L: d1 #d2 d3\nR: d1 d2", ">R #d2-d3; #R d3; -#R d2"],
  ["the snapshot itself where both are there", "L: d1* d2\nR: d1", ">R d1-d2; #R d2; -#R d1"],
]);

table("bookmarks", [
  ["are made when missing, without a transfer", "L: d1 d2\nR: d1 d2", "#R d2"],
  [
    "of a shared snapshot that only a foreign bookmark has left at the source",
    "L: #=d1 h1\nR: d1",
    "#R d1",
    { R: "d=all" },
  ],
  ["older ones of that remote go", "L: #d1 d2*\nR: d1 d2", "-#R d1"],
  ["not those of somebody else", "L: #=d1 d2*\nR: d1 d2", ""],
  ["not while a remote of the source is away", "L: #d1 d2*\nR: d1 d2\nS away: d1", "", { S: "d=all" }],
  ["not one that is another remote's base", "L: #d1 d2*\nR: d1 d2\nS: d1", ">S #d1-d2; #S d2; -#R d1", { S: "d=all" }],
  ["not one that a blocked remote's base rests on", "L: #d1 d2*\nR: d1 d2\nS: d1 ~", "!S modified", { S: "d=all" }],
  ["none for a blocked remote", "L: d1\nR: d1 ~", "!R modified"],
]);

table("what stands in the way", [
  ["something was written at the remote: modified", "L: d1* d2\nR: d1 ~", "!R modified"],
  ["the base there is redacted", "L: d1* d2\nR: d1_", "!R redacted"],
  ["a newer base is whole", "L: d1 d2* d3\nR: d1_ d2", ">R d2-d3; #R d3; -#R d2"],
  ["both are redacted", "L: d1_* d2\nR: d1_", ">R d1-d2; #R d2; -#R d1"],
  ["a remote snapshot after the base brought data: diverged", "L: d1* d2\nR: d1 x1+", "!R diverged"],
  ["clean extra snapshots after the base stay, and do not", "L: d1* d2\nR: d1 x1", ">R d1-d2; #R d2; -#R d1"],
  ["but any there does when the copy is raw", "L crypt: d1* d2\nR raw: d1 x1", "!R diverged"],
  ["snapshots there, none shared", "L: d2\nR: d1", "!R no-common-base"],
  [
    "a raw copy of what is not encrypted is refused by `raw: always`",
    "L: d1",
    "!R encryption",
    { remote: { raw: "always" } },
  ],
  ["a plaintext copy of what is encrypted, unless the manifest says so", "L crypt: d1* d2\nR: d1", "!R encryption"],
  [
    "which it does with `raw: never`",
    "L crypt: d1* d2\nR: d1",
    ">R d1-d2; #R d2; -#R d1",
    { remote: { raw: "never" } },
  ],
  [
    "a plain increment on a raw copy never",
    "L crypt: d1* d2\nR raw: d1",
    "!R encryption",
    { remote: { raw: "never" } },
  ],
  [
    "a key that is not loaded, when the stream is plain",
    "L crypt locked: d1",
    "!R encryption",
    { remote: { raw: "never" } },
  ],
  ["not when it is raw", "L crypt locked: d1", ">R d1; #R d1"],
  ["a raw stream over a placeholder, which ZFS refuses", "L crypt: d1\nR placeholder:", "!R encryption"],
]);

table("remedies", [
  [
    "rollback destroys by name, then goes one step back",
    "L: d1* d2\nR: d1 x1+ x2",
    "<R d1-x1,x2; >R d1-d2; #R d2; -#R d1",
    { options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "rollback of what was only written",
    "L: d1* d2\nR: d1 ~",
    "<R d1; >R d1-d2; #R d2; -#R d1",
    { options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "replace renames aside and sends in full",
    "L: d2\nR: d1",
    "=R; >R d2; #R d2",
    { options: { resolve: new Map([["R" as never, "replace"]]) } },
  ],
  [
    "replace needs something that could be sent",
    "L: h2\nR: d1",
    "!R remedy",
    { R: "d=all", options: { resolve: new Map([["R" as never, "replace"]]) } },
  ],
  [
    "rollback cannot help without a common base",
    "L: d2\nR: d1",
    "!R no-common-base",
    { options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "nor past something held",
    "L: d1* d2\nR: d1 x1!+",
    "!R remedy",
    { options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "nor past something cloned",
    "L: d1* d2\nR: d1 x1^+",
    "!R remedy",
    { options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "never on an append-only remote",
    "L: d1* d2\nR: d1 x1+",
    "!R diverged",
    { remote: { deletions: "never" }, options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "only where asked for",
    "L: d1* d2\nR: d1 ~",
    "!R modified",
    { options: { resolve: new Map([["S" as never, "rollback"]]) } },
  ],
  [
    "rollback sends no plaintext where only raw streams may go",
    "L: d1* d2\nR: d1 ~",
    "!R encryption",
    { remote: { raw: "always" }, options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "nor does replace",
    "L: d2\nR: d1",
    "!R encryption",
    { remote: { raw: "always" }, options: { resolve: new Map([["R" as never, "replace"]]) } },
  ],
  [
    "rollback sends no plaintext into a raw copy",
    "L crypt: d1* d2\nR raw: d1 ~",
    "!R encryption",
    { remote: { raw: "never" }, options: { resolve: new Map([["R" as never, "rollback"]]) } },
  ],
  [
    "a bookmark that is the base of two copies goes as soon as each has its own",
    "L: #d1 d2\nR: d1 d2\nS: d1",
    "#R d2; >S #d1-d2; #S d2; -#R d1",
    { S: "d=all" },
  ],
  [
    "nothing is done to what is in order",
    "L: d1*\nR: d1",
    "",
    { options: { resolve: new Map([["R" as never, "replace"]]) } },
  ],
]);

table("half-received streams", [
  [
    "go on when the target is the first wanted after the base",
    "L: d1* d2 d3\nR: d1 %d2<d1",
    "~R d2; >R d2-d3; #R d3; -#R d1",
  ],
  ["are thrown away when it is not", "L: d1* h1 d2\nR: d1 %h1<d1", "x%R; >R d1-d2; #R d2; -#R d1", { R: "d=all" }],
  [
    "an initial one goes on whatever is wanted first",
    "L: h1 d1 d2\nR: %h1",
    "~R h1; >R h1-d1,d2; #R d2",
    { R: "d=all" },
  ],
  ["thrown away when the sender cannot", "L: d1* d2\nR: d1 %d2<d1-", "x%R; >R d1-d2; #R d2; -#R d1"],
  ["when its snapshot is gone at the source", "L: d1* d3\nR: d1 %d2<d1", "x%R; >R d1-d3; #R d3; -#R d1"],
  ["when something follows the base there", "L: d1* d2\nR: d1 %d2<d1 x1", "x%R; >R d1-d2; #R d2; -#R d1"],
  ["an initial one whose snapshot is gone", "L: d2\nR: %d1", "x%R; >R d2; #R d2"],
  ["left alone while nobody has decoded it", "L: d1* d2\nR: d1 %d2<d1?", "!R partial-receive"],
  ["left alone on a blocked remote", "L: d1* d2\nR: d1 %d2<d1 ~", "!R modified"],
  [
    "never thrown away on an append-only remote",
    "L: d1* d2\nR: d1 %d2<d1-",
    "!R partial-receive",
    { remote: { deletions: "never" } },
  ],
  ["but go on there", "L: d1* d2\nR: d1 %d2<d1", "~R d2; #R d2; -#R d1", { remote: { deletions: "never" } }],
  [
    "its snapshot stays at the source until it arrived",
    "L: d1* d2 d3\nR: d1 %d2<d1",
    "~R d2; >R d2-d3; #R d3; -L d1,d2; -#R d1",
    { keep: "d=1" },
  ],
]);

test("a copy so deep that ZFS could not name what it receives into is blocked", () => {
  const clash = (letters: number) => {
    const side = { host: "there", dataset: "x".repeat(letters) };
    return nameTooLong({ from: { host: "here", dataset: "s" }, at: side, copy: { remote: { name: "R" } } } as never, [
      { name: "a" } as never,
    ]);
  };
  expect(clash(249)).toBeUndefined();
  expect(clash(250)?.evidence).toEqual([`there:${"x".repeat(250)}/%recv (256)`]);
});

test("a copy whose names would be too long for ZFS is blocked before anything is sent", () => {
  const long = (letters: number) => ({ target: `pool/b/${"x".repeat(letters)}` as never });
  const reasons = (letters: number) => {
    const remoteKeeps = new Map([
      ["R" as never, { ...long(letters), keep: byType({ daily: Number.POSITIVE_INFINITY }) }],
    ]);
    return planOf({ ...all, world: "L: d1", source: { remotes: remoteKeeps } }).blocked.map(
      ({ reason, evidence }) => `${reason} ${evidence.length}`,
    );
  };
  const room = 255 - "pool/b/@daily-20260102T000000Z".length;
  expect(reasons(room)).toEqual([]);
  expect(reasons(room + 1)).toEqual(["name-too-long 1"]);
});

table("what is not observed", [
  ["no remote, no transfer; and nothing is thinned at the source", "L: d1* d2 d3\nR away: d1", "", { keep: "d=1" }],
  ["the others go on", "L: d1* d2 #S:d1\nR away: d1\nS: d1", ">S d1-d2; #S d2", { S: "d=all", keep: "d=1" }],
  ["a suspended source", "L: d1* d2\nR: d1", "", { source: { suspend: true, remotes: new Map([["R" as never, {}]]) } }],
]);

test("a rollback forgets the bookmarks of what is newer: ZFS goes back past none", () => {
  const { operations } = planOf({
    world: "L: d1* d2\nR: d1 #=d1 x1+ #=x1",
    R: "d=all",
    options: { resolve: new Map([["R" as never, "rollback"]]) },
  });
  expect(operations.find(({ kind }) => kind === "rollback")).toMatchObject({
    destroys: [{ name: "by-hand-1" }],
    unbookmarks: [{ name: "theirs-24001", guid: "24001" }],
  });
});

test("where another dataset has the guids of the copy, it is said that this looks like a rename", () => {
  const { manifest, inventory, now } = parse({ world: "L: d2\nR: d1", R: "d=all" });
  const [here, there] = [inventory.hosts["here" as HostName], inventory.hosts["there" as HostName]];
  if (here?.state !== "observed" || there?.state !== "observed") throw new Error("not observed");
  const snapshots = there.datasets.find(({ name }) => name === "pool/b/tank/s")?.snapshots ?? [];
  const [source] = here.datasets.filter(({ name }) => name === "tank/s");
  if (!source) throw new Error("no source");
  const datasets = [...here.datasets, { ...source, name: "tank/s-clone" as DatasetName, snapshots }];
  const hosts = { ...inventory.hosts, here: { ...here, datasets } };
  const [blocked] = plan(manifest, { ...inventory, hosts }, { now }).blocked;
  expect(blocked?.reason).toBe("no-common-base");
  expect(blocked?.evidence).toContain("this looks like a rename: here:tank/s-clone has the guids of this copy");
});

test("a copy that would have names too long for ZFS is not renamed aside", () => {
  const { manifest, inventory, now } = parse({ world: "L: d2\nR: d1", R: "d=all" });
  const everything = byType({ daily: Number.POSITIVE_INFINITY });
  const reasons = (length: number) => {
    const target = `pool/b/${"x".repeat(length - "pool/b/@daily-20260102T000000Z".length)}` as DatasetName;
    const datasets = manifest.datasets.map((one) => ({
      ...one,
      keys: { ...one.keys, remotes: new Map([["R" as RemoteName, { target, keep: everything }]]) },
    }));
    const there = inventory.hosts["there" as HostName];
    if (there?.state !== "observed") throw new Error("there is not observed");
    const renamed = there.datasets.map((one) => (one.name === "pool/b/tank/s" ? { ...one, name: target } : one));
    const hosts = { ...inventory.hosts, there: { ...there, datasets: renamed } };
    const options = { now, resolve: new Map([["R" as RemoteName, "replace" as const]]) };
    return plan({ ...manifest, datasets }, { ...inventory, hosts }, options).blocked.map(
      ({ reason, message }) => `${reason} ${message.slice(0, 14)}`,
    );
  };
  const room = 255 - "-replaced-20260210T120000Z".length;
  expect(reasons(room)).toEqual([]);
  expect(reasons(room + 1)).toEqual(["remedy renamed aside,"]);
});

test("a raw copy that is no longer its own encryption root is warned about, and sent to all the same", () => {
  const kinds = (world: string, raw: "auto" | "never") =>
    planOf({ ...all, world, remote: { raw } }).notes.map(({ kind, remote }) => `${kind} ${remote}`);
  expect(kinds("L crypt: d1* d2\nR raw inherits: d1", "auto")).toEqual(["encryption R"]);
  expect(kinds("L crypt: d1* d2\nR raw: d1", "auto")).toEqual([]);
  expect(kinds("L crypt: d1* d2\nR crypt inherits: d1", "never")).toEqual([]);
});
