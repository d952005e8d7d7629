import { execa } from "execa";
import { describe, expect } from "vitest";
import type { Blocked } from "../../../src/model/plan.ts";
import { type Machine, test, type World } from "../harness/index.ts";
import { manifestOf, planOf, shortOf } from "./plans.ts";

/**
 * A source with a copy that is there already, made by a plain `zfs send -R`; then something happens to one of them.
 * All are planned and applied together: what one needs must not depend on the others.
 */
interface Situation {
  readonly when: string;
  /** Shell at the source, `$d`, before the copy is made; default: `create` and the snapshots a-1 and a-2. */
  readonly before?: string;
  /** Shell at the source, `$d`, afterwards. */
  readonly source?: string;
  /** Shell at the copy, `$d`. */
  readonly copy?: string;
  readonly keep?: { readonly a: number };
  /** What is planned for it, in short. */
  readonly plan?: readonly string[];
  /** Its copy is blocked, now and in every later plan, and stays as it is. */
  readonly blocked?: { readonly reason: Blocked["reason"]; readonly message: RegExp; readonly evidence?: RegExp };
  /** Names of the snapshots in the end. */
  readonly ends: { readonly source: string; readonly copy: string };
}

/** `snap NAME` writes something first, so that ZFS says so; `empty NAME` does not. */
const shell = `set -e
snap() { write "/$d"; empty "$1"; }
empty() { zfs snapshot "$d@$1"; }
write() { head -c 20000 /dev/urandom > "$1/$RANDOM"; }`;

const sent = ["send a-3", "bookmark"];
const both = { source: "a-1 a-2 a-3", copy: "a-1 a-2 a-3" };

const situations: Readonly<Record<string, Situation>> = {
  usual: { when: "nothing is wrong", source: "snap a-3", plan: sent, ends: both },
  volume: {
    when: "it is a volume",
    before: 'zfs create -V 1M "$d"; empty a-1; empty a-2',
    source: "empty a-3",
    plan: sent,
    ends: both,
  },
  sparse: {
    when: "it is a sparse volume",
    before: 'zfs create -s -V 1G "$d"; empty a-1; empty a-2',
    source: "empty a-3",
    plan: sent,
    ends: both,
  },
  "base-gone": {
    when: "the base was destroyed at the source, where a bookmark of it is",
    source: 'zfs bookmark "$d@a-2" "$d#mine"; zfs destroy "$d@a-2"; snap a-3',
    plan: sent,
    ends: { source: "a-1 a-3", copy: "a-1 a-2 a-3" },
  },
  "base-lost": {
    when: "nothing is shared any more",
    source: 'zfs destroy "$d@a-1%a-2"; snap a-3',
    blocked: { reason: "no-common-base", message: /share no snapshot/ },
    ends: { source: "a-3", copy: "a-1 a-2" },
  },
  recreated: {
    when: "the source was destroyed and made anew under the same name",
    source: 'zfs destroy -r "$d"; zfs create "$d"; snap a-3',
    blocked: { reason: "no-common-base", message: /share no snapshot/ },
    ends: { source: "a-3", copy: "a-1 a-2" },
  },
  "rolled-back": {
    when: "the source was rolled back and went on from there",
    source: 'zfs rollback -r "$d@a-1"; snap a-3',
    blocked: { reason: "diverged", message: /1 snapshot exists only there/, evidence: /@a-2/ },
    ends: { source: "a-1 a-3", copy: "a-1 a-2" },
  },
  renamed: {
    when: "a snapshot was renamed at the source: its guid is still the same",
    source: 'zfs rename "$d@a-2" "$d@b-2"; snap a-3',
    plan: sent,
    ends: { source: "a-1 b-2 a-3", copy: "a-1 a-2 a-3" },
  },
  "renamed-there": {
    when: "a snapshot was renamed at the copy",
    copy: 'zfs rename "$d@a-2" "$d@b-2"',
    source: "snap a-3",
    plan: sent,
    ends: { source: "a-1 a-2 a-3", copy: "a-1 b-2 a-3" },
  },
  "same-name": {
    when: "two snapshots have one name",
    source: 'zfs destroy "$d@a-2"; snap a-2',
    blocked: { reason: "diverged", message: /1 snapshot exists only there/, evidence: /@a-2/ },
    ends: { source: "a-1 a-2", copy: "a-1 a-2" },
  },
  "same-clean-name": {
    when: "two snapshots have one name, and nothing is in the one at the copy",
    before: 'zfs create "$d"; snap a-1; empty a-2',
    source: 'zfs destroy "$d@a-2"; snap a-2',
    blocked: { reason: "name-conflict", message: /have the names of those to send: @a-2/ },
    ends: { source: "a-1 a-2", copy: "a-1 a-2" },
  },
  modified: {
    when: "somebody wrote into the copy",
    source: "snap a-3",
    copy: 'zfs set readonly=off canmount=on "$d"; zfs mount "$d"; write "/$d"; zfs unmount "$d"',
    blocked: { reason: "modified", message: /were written there since @a-2/ },
    ends: { source: "a-1 a-2 a-3", copy: "a-1 a-2" },
  },
  extra: {
    when: "the copy has an empty snapshot of somebody else",
    source: "snap a-3",
    copy: "empty theirs",
    plan: sent,
    ends: { source: "a-1 a-2 a-3", copy: "a-1 a-2 theirs a-3" },
  },
  held: {
    when: "another tool holds what is surplus",
    keep: { a: 1 },
    source: 'zfs hold zrepl "$d@a-1"; snap a-3',
    plan: [...sent, "destroy source a-2"],
    ends: { source: "a-1 a-3", copy: "a-1 a-2 a-3" },
  },
  cloned: {
    when: "what is surplus has a clone",
    keep: { a: 1 },
    source: 'zfs clone "$d@a-1" "$d-clone"; snap a-3',
    plan: [...sent, "destroy source a-2"],
    ends: { source: "a-1 a-3", copy: "a-1 a-2 a-3" },
  },
  promoted: {
    when: "its clone was promoted: what is shared belongs to the clone now",
    source: 'zfs clone "$d@a-2" "$d-clone"; zfs promote "$d-clone"; snap a-3',
    blocked: { reason: "no-common-base", message: /share no snapshot/ },
    ends: { source: "a-3", copy: "a-1 a-2" },
  },
  legacy: {
    when: "it is mounted by fstab",
    before: 'zfs create "$d"; snap a-1; snap a-2; zfs set mountpoint=legacy "$d"',
    source: "empty a-3",
    plan: sent,
    ends: both,
  },
  "all.that_is-allowed:1": { when: "its name has all that is allowed", source: "snap a-3", plan: sent, ends: both },
  "a space": { when: "its name has a space", source: "snap a-3", plan: sent, ends: both },
};

const names = Object.keys(situations);
const below = (dataset: string) => (name: string) => `${dataset}/${name}`;

/** Runs a script of each for its dataset, in one shell. */
const runAll = (machine: Machine, dataset: (name: string) => string, scriptOf: (s: Situation) => string | undefined) =>
  machine.sh(
    [shell, ...Object.entries(situations).map(([name, s]) => `d='${dataset(name)}'\n${scriptOf(s) ?? ""}`)].join("\n"),
  );

async function copyAll({ nas, vault, datasets }: World): Promise<void> {
  const { tank, backup } = datasets;
  await nas.run("zfs", "snapshot", "-r", `${tank}@copied`);
  const target = `${backup}/${tank}`;
  const receive = `zfs create -p ${target} && zfs receive -F -u -o readonly=on -o canmount=noauto ${target} && zfs destroy -r ${target}@copied`;
  await execa("ssh", [...nas.sshArguments(), `zfs send -R ${tank}@copied && zfs destroy -r ${tank}@copied`]).pipe(
    "ssh",
    [...vault.sshArguments(), receive],
  );
}

/** Names of snapshots by dataset, oldest first. */
async function snapshotsBelow(machine: Machine, dataset: string): Promise<Map<string, string>> {
  const rows = await machine.run(
    "zfs",
    "list",
    "-Hp",
    "-t",
    "snapshot",
    "-s",
    "createtxg",
    "-o",
    "name",
    "-r",
    dataset,
  );
  const found = new Map<string, string>();
  for (const row of rows.split("\n")) {
    const [of = "", name = ""] = row.split("@");
    found.set(of, [...(found.get(of)?.split(" ") ?? []), name].join(" "));
  }
  return found;
}

describe("what can happen to a source and its copy", () => {
  test("each is done right or blocked with the evidence, beside all the others", async ({ world }) => {
    const { nas, vault, datasets, holdfast } = world;
    const source = below(datasets.tank);
    const copy = below(`${datasets.backup}/${datasets.tank}`);
    await runAll(nas, source, ({ before }) => before ?? 'zfs create "$d"; snap a-1; snap a-2');
    await copyAll(world);
    await Promise.all([
      runAll(nas, source, (situation) => situation.source),
      runAll(vault, copy, (situation) => situation.copy),
    ]);
    await Promise.all([
      nas.run("zfs", "set", "holdfast:adopted=on", ...names.map(source)),
      vault.run("zfs", "set", "holdfast:adopted=on", ...names.map(copy)),
    ]);

    const entries = Object.entries(situations).map(([name, { keep = { a: 5 } }]) => [
      `nas:${source(name)}`,
      { keep, remotes: { vault: { keep: { a: 5 } } } },
    ]);
    await world.manifest(manifestOf(world, { datasets: Object.fromEntries(entries) }));
    const plan = await planOf(holdfast);
    const planned = (name: string): string[] =>
      shortOf({ ...plan, operations: plan.operations.filter(({ source: of }) => of === `nas:${source(name)}`) });
    const blockedOf = (name: string) => plan.blocked.filter((entry) => entry.source === `nas:${source(name)}`);
    const found = names.map((name) => ({ name, plan: planned(name), blocked: blockedOf(name).map((b) => b.reason) }));
    expect(found).toEqual(
      Object.entries(situations).map(([name, { plan: operations = [], blocked }]) => ({
        name,
        plan: operations,
        blocked: blocked === undefined ? [] : [blocked.reason],
      })),
    );
    for (const [name, { blocked }] of Object.entries(situations)) {
      if (blocked === undefined) continue;
      const [entry] = blockedOf(name);
      expect(entry?.message).toMatch(blocked.message);
      if (blocked.evidence) expect(entry?.evidence.join("\n")).toMatch(blocked.evidence);
      expect(entry?.remedies).not.toEqual([]);
    }

    const applied = await holdfast("apply", "--yes");
    expect(applied.code, `${applied.stdout}${applied.stderr}`).toBe(3);
    const [here, there] = await Promise.all([
      snapshotsBelow(nas, datasets.tank),
      snapshotsBelow(vault, datasets.backup),
    ]);
    expect(names.map((name) => [name, here.get(source(name)), there.get(copy(name))])).toEqual(
      Object.entries(situations).map(([name, { ends }]) => [name, ends.source, ends.copy]),
    );

    const again = await planOf(holdfast);
    expect(shortOf(again)).toEqual([]);
    expect(again.blocked).toEqual(plan.blocked);
  });
});
