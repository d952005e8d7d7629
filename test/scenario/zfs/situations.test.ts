import { execa } from "execa";
import { describe, expect } from "vitest";
import type { Blocked, Plan } from "../../../src/model/plan.ts";
import type { Report } from "../../../src/model/report.ts";
import { type Machine, test, type World } from "../harness/index.ts";
import { manifestOf, planOf, shortOf } from "./plans.ts";

/**
 * A source with a copy that is there already, made by a plain `zfs send -R`; then something happens to one of them.
 * All are planned and applied together: what one needs must not depend on the others. Then what was in the way is
 * dealt with, in all of them together.
 */
interface Situation {
  readonly when: string;
  /** Shell at the source, `$d`, before the copy is made; default: `create` and the snapshots a-1 and a-2. */
  readonly before?: string;
  /** Shell at the source, `$d`, afterwards. */
  readonly source?: string;
  /** Shell at the source, `$d`: what the copy receives then; and shell after that. */
  readonly stream?: string;
  readonly later?: string;
  /** Shell at the copy, `$d`. */
  readonly copy?: string;
  readonly keep?: { readonly a: number };
  /** What the copy keeps. */
  readonly keepThere?: { readonly a: number };
  /** What is planned for it, in short. */
  readonly plan?: readonly string[];
  /** What is planned cannot be done, which is said, and is planned again. */
  readonly fails?: RegExp;
  /** Its copy is blocked, now and in every later plan, and stays as it is. */
  readonly blocked?: { readonly reason: Blocked["reason"]; readonly message: RegExp; readonly evidence?: RegExp };
  readonly ends: Ends;
  readonly remedy?: Remedy;
}

/** Names of the snapshots. */
interface Ends {
  readonly source: string;
  readonly copy: string;
}

interface Remedy {
  readonly approval?: { readonly resolve: "rollback" | "replace"; readonly until: string };
  /** Shell at the copy, `$d`. */
  readonly shell?: string;
  readonly ends: Ends;
  /** It is still blocked. */
  readonly isVain?: true;
}

/** `snap NAME` writes something first, so that ZFS says so; `empty NAME` does not. */
const shell = `set -e
snap() { write "/$d"; empty "$1"; }
empty() { zfs snapshot "$d@$1"; }
write() { head -c "\${2:-20000}" /dev/urandom > "$1/$RANDOM"; }`;

const approved = (resolve: "rollback" | "replace", until = "2999-01-01") => ({ resolve, until });

/** Stands for a name so long that those of the snapshots to be taken have 255 characters at the copy. */
const longest = "longest";

/** Sends so much of an increment that nothing of it can be used by itself. */
const half = 'zfs send -L -e -c -i @a-2 "$d@a-3" | head -c 150000';

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
  "volume-lost": {
    when: "it is a volume, and nothing is shared any more",
    before: 'zfs create -V 1M "$d"; empty a-1; empty a-2',
    source: 'zfs destroy "$d@a-1%a-2"; empty a-3',
    blocked: { reason: "no-common-base", message: /share no snapshot/ },
    ends: { source: "a-3", copy: "a-1 a-2" },
    remedy: { approval: approved("replace"), ends: { source: "a-3", copy: "a-3" } },
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
    remedy: { approval: approved("replace"), ends: { source: "a-3", copy: "a-3" } },
  },
  recreated: {
    when: "the source was destroyed and made anew under the same name",
    source: 'zfs destroy -r "$d"; zfs create "$d"; snap a-3',
    blocked: { reason: "no-common-base", message: /share no snapshot/ },
    ends: { source: "a-3", copy: "a-1 a-2" },
    remedy: { approval: approved("replace", "2026-01-01"), ends: { source: "a-3", copy: "a-1 a-2" }, isVain: true },
  },
  "rolled-back": {
    when: "the source was rolled back and went on from there",
    source: 'zfs rollback -r "$d@a-1"; snap a-3',
    blocked: { reason: "diverged", message: /1 snapshot exists only there/, evidence: /@a-2/ },
    ends: { source: "a-1 a-3", copy: "a-1 a-2" },
    remedy: { approval: approved("rollback"), ends: { source: "a-1 a-3", copy: "a-1 a-3" } },
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
    remedy: { approval: approved("rollback"), ends: { source: "a-1 a-2", copy: "a-1 a-2" } },
  },
  "same-clean-name": {
    when: "two snapshots have one name, and nothing is in the one at the copy",
    before: 'zfs create "$d"; snap a-1; empty a-2',
    source: 'zfs destroy "$d@a-2"; snap a-2',
    blocked: { reason: "name-conflict", message: /have the names of those to send: @a-2/ },
    ends: { source: "a-1 a-2", copy: "a-1 a-2" },
    remedy: { shell: 'zfs rename "$d@a-2" "$d@a-2-other"', ends: { source: "a-1 a-2", copy: "a-1 a-2-other a-2" } },
  },
  modified: {
    when: "somebody wrote into the copy",
    source: "snap a-3",
    copy: 'zfs set readonly=off canmount=on "$d"; zfs mount "$d"; write "/$d"; zfs unmount "$d"',
    blocked: { reason: "modified", message: /were written there since @a-2/ },
    ends: { source: "a-1 a-2 a-3", copy: "a-1 a-2" },
    remedy: { approval: approved("rollback"), ends: both },
  },
  cursor: {
    when: "somebody writes into the copy, and sends it on from a bookmark",
    source: "snap a-3",
    copy: `zfs set readonly=off canmount=on "$d"; zfs mount "$d"; snap theirs; zfs unmount "$d"
      zfs bookmark "$d@theirs" "$d#cursor"`,
    blocked: { reason: "diverged", message: /1 snapshot exists only there/, evidence: /@theirs/ },
    ends: { source: "a-1 a-2 a-3", copy: "a-1 a-2 theirs" },
    remedy: { approval: approved("rollback"), ends: both },
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
    remedy: { approval: approved("replace"), ends: { source: "a-3", copy: "a-3" } },
  },
  legacy: {
    when: "it is mounted by fstab",
    before: 'zfs create "$d"; snap a-1; snap a-2; zfs set mountpoint=legacy "$d"',
    source: "empty a-3",
    plan: sent,
    ends: both,
  },
  "all.that_is-allowed:1": { when: "its name has all that is allowed", source: "snap a-3", plan: sent, ends: both },
  "-rf .a space": { when: "its name has a space, a hyphen and a dot", source: "snap a-3", plan: sent, ends: both },
  ".dot": { when: "its name begins with a dot", source: "snap a-3", plan: sent, ends: both },
  [longest]: { when: "its copy has the longest name that there can be", source: "snap a-3", plan: sent, ends: both },
  zero: {
    when: "somebody calls a snapshot 0",
    source: "snap 0; snap a-3",
    plan: sent,
    ends: { source: "a-1 a-2 0 a-3", copy: "a-1 a-2 a-3" },
  },
  "large-blocks": {
    when: "its blocks are large, and were not sent so before",
    before: 'zfs create -o recordsize=1M "$d"; write "/$d" 2000000; snap a-1; snap a-2',
    source: 'write "/$d" 2000000; snap a-3',
    plan: sent,
    ends: both,
  },
  embedded: {
    when: "its blocks are so small that they are embedded in what points to them",
    before: 'zfs create -o compression=lz4 "$d"; echo small > "/$d/1"; empty a-1; empty a-2',
    source: 'echo small > "/$d/2"; empty a-3',
    plan: sent,
    ends: both,
  },
  restored: {
    when: "the copy came from `zfs send -b`",
    before: ":",
    source: 'zfs create "$d"; snap a-1; snap a-2',
    stream: 'zfs send -b "$d@a-1"',
    plan: ["send a-2", "bookmark"],
    ends: { source: "a-1 a-2", copy: "a-1 a-2" },
  },
  redacted: {
    when: "the copy lacks what was redacted",
    before: ":",
    source: `zfs create "$d"; snap a-1; zfs clone "$d@a-1" "$d-public"; write "/$d-public"; zfs snapshot "$d-public@x"
      zfs redact "$d@a-1" public "$d-public@x"; snap a-2`,
    stream: 'zfs send --redact public "$d@a-1"',
    blocked: { reason: "redacted", message: /@a-1 was received redacted/ },
    ends: { source: "a-1 a-2", copy: "a-1" },
    remedy: { approval: approved("replace"), ends: { source: "a-1 a-2", copy: "a-1 a-2" } },
  },
  "half-received": {
    when: "what is half received is what is wanted",
    source: 'write "/$d" 300000; snap a-3',
    stream: half,
    plan: ["resume a-3", "bookmark"],
    ends: both,
  },
  "half-received-of-nothing": {
    when: "the snapshot of what is half received is gone",
    source: 'write "/$d" 300000; snap a-3',
    stream: half,
    later: 'zfs destroy "$d@a-3"; snap a-4',
    plan: ["discard", "send a-4", "bookmark"],
    ends: { source: "a-1 a-2 a-4", copy: "a-1 a-2 a-4" },
  },
  "half-received-of-another": {
    when: "another snapshot is wanted than the one that is half received",
    keepThere: { a: 1 },
    source: 'write "/$d" 300000; snap a-3',
    stream: half,
    later: "snap a-4",
    plan: ["discard", "send a-4", "bookmark", "destroy vault a-1 a-2"],
    ends: { source: "a-1 a-2 a-3 a-4", copy: "a-4" },
  },
  quota: {
    when: "the quota of the copy is reached",
    source: 'write "/$d" 3000000; snap a-3',
    copy: 'zfs set quota=1M "$d"',
    plan: sent,
    fails: /available|space|quota/,
    ends: { source: "a-1 a-2 a-3", copy: "a-1 a-2" },
    remedy: { shell: 'zfs set quota=none "$d"', ends: both },
  },
};

const all = Object.entries(situations);
const isBlocked = ({ blocked, remedy }: Situation): boolean =>
  blocked !== undefined && (remedy === undefined || remedy.isVain === true);

interface Place {
  readonly machine: Machine;
  readonly dataset: (name: string) => string;
}

/** Runs a script of each for its dataset, in one shell. */
const runAll = ({ machine, dataset }: Place, scriptOf: (situation: Situation) => string | undefined) =>
  machine.sh([shell, ...all.map(([name, s]) => `d='${dataset(name)}'\n${scriptOf(s) ?? ""}`)].join("\n"));

/** From machine to machine, and whatever the one that receives says. */
const pipe = (from: Machine, send: string, to: Machine, receive: string) =>
  execa("ssh", [...from.sshArguments(), send]).pipe("ssh", [...to.sshArguments(), receive]);

async function copyAll({ nas, vault, datasets }: World): Promise<void> {
  const { tank, backup } = datasets;
  await nas.run("zfs", "snapshot", "-r", `${tank}@all`);
  const target = `${backup}/${tank}`;
  const receive = `zfs create -p ${target} && zfs receive -F -u -o readonly=on -o canmount=noauto ${target} && zfs destroy -r ${target}@all`;
  await pipe(nas, `zfs send -R ${tank}@all && zfs destroy -r ${tank}@all`, vault, receive);
}

/** Names of snapshots by dataset, oldest first. */
async function snapshotsBelow(machine: Machine, dataset: string): Promise<Map<string, string>> {
  const rows = await machine.sh(`zfs list -Hp -t snapshot -s createtxg -o name -r ${dataset}`);
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
    const target = `${datasets.backup}/${datasets.tank}`;
    const long = "l".repeat(255 - `${target}/@a-20260101T000000Z`.length);
    const below = (dataset: string) => (name: string) => `${dataset}/${name === longest ? long : name}`;
    const source: Place = { machine: nas, dataset: below(datasets.tank) };
    const copy: Place = { machine: vault, dataset: below(target) };
    const address = (name: string) => `nas:${source.dataset(name)}`;

    await runAll(source, ({ before }) => before ?? 'zfs create "$d"; snap a-1; snap a-2');
    await copyAll(world);
    await Promise.all([runAll(source, (situation) => situation.source), runAll(copy, (situation) => situation.copy)]);
    for (const [name, { stream }] of all) {
      if (stream === undefined) continue;
      const [from, to] = [source.dataset(name), copy.dataset(name)];
      await pipe(nas, `d='${from}'; ${stream}`, vault, `zfs receive -s -u '${to}' || true`);
    }
    await runAll(source, ({ later }) => later);
    await Promise.all(
      [source, copy].map(({ machine, dataset }) =>
        machine.run("zfs", "set", "holdfast:adopted=on", ...all.map(([name]) => dataset(name))),
      ),
    );

    const entries = all.map(([name, { keep = { a: 5 }, keepThere = { a: 5 } }]) => [
      address(name),
      { keep, remotes: { vault: { keep: keepThere } } },
    ]);
    const manifest = (more: object = {}) => manifestOf(world, { datasets: Object.fromEntries(entries), ...more });
    const ofEach = <T>(plan: Plan, pick: (operations: string[], blocked: Blocked[], name: string) => T) =>
      all.map(([name]) => {
        const operations = plan.operations.filter((operation) => operation.source === address(name));
        return pick(
          shortOf({ ...plan, operations }),
          plan.blocked.filter((one) => one.source === address(name)),
          name,
        );
      });
    const expectEnds = async (ends: (situation: Situation) => Ends) => {
      const [here, there] = await Promise.all([snapshotsBelow(nas, datasets.tank), snapshotsBelow(vault, target)]);
      expect(all.map(([name]) => [name, here.get(source.dataset(name)), there.get(copy.dataset(name))])).toEqual(
        all.map(([name, situation]) => [name, ends(situation).source, ends(situation).copy]),
      );
    };
    const inShort = (operations: string[], blocked: Blocked[], name: string) => ({
      name,
      operations,
      blocked: blocked.map(({ reason }) => reason),
    });

    await world.manifest(manifest());
    const plan = await planOf(holdfast);
    expect(ofEach(plan, inShort)).toEqual(
      all.map(([name, { plan: operations = [], blocked }]) => ({
        name,
        operations,
        blocked: blocked === undefined ? [] : [blocked.reason],
      })),
    );
    for (const [name, { blocked }] of all) {
      if (blocked === undefined) continue;
      const entry = plan.blocked.find((one) => one.source === address(name));
      expect(entry?.message).toMatch(blocked.message);
      if (blocked.evidence) expect(entry?.evidence.join("\n")).toMatch(blocked.evidence);
      expect(entry?.remedies).not.toEqual([]);
    }

    const applied = await holdfast("apply", "--yes", "--json");
    expect(applied.code, `${applied.stdout}${applied.stderr}`).toBe(3);
    const failed = (JSON.parse(applied.stdout) as Report).operations.filter(({ outcome }) => outcome === "failed");
    const failing = all.filter(([, { fails }]) => fails !== undefined);
    expect(failed.map((operation) => operation.source)).toEqual(failing.map(([name]) => address(name)));
    for (const [name, { fails }] of failing) {
      expect(JSON.stringify(failed.find((operation) => operation.source === address(name)))).toMatch(fails ?? "");
    }
    await expectEnds(({ ends }) => ends);

    const again = await planOf(holdfast);
    expect(ofEach(again, (operations) => operations)).toEqual(
      all.map(([, { fails, plan: planned }]) => (fails === undefined ? [] : planned)),
    );
    expect(again.blocked).toEqual(plan.blocked);

    await runAll(copy, ({ remedy }) => remedy?.shell);
    const approvals = all.flatMap(([name, { remedy }]) =>
      remedy?.approval ? [{ source: address(name), remote: "vault", ...remedy.approval }] : [],
    );
    await world.manifest(manifest({ approvals }));
    const resolved = await holdfast("apply", "--yes");
    expect(resolved.code, `${resolved.stdout}${resolved.stderr}`).toBe(3);
    await expectEnds(({ remedy, ends }) => remedy?.ends ?? ends);
    const aside = [...(await snapshotsBelow(vault, target))].filter(([name]) => /-replaced-\d{8}T\d{6}Z$/.test(name));
    expect(aside.map(([, snapshots]) => snapshots)).toEqual(["a-1 a-2", "a-1 a-2", "a-1 a-2", "a-1"]);
    const volumes = ["sparse", "volume", "volume-lost"].map(copy.dataset);
    expect(await vault.run("zfs", "get", "-Hp", "-o", "value", "volsize", ...volumes)).toBe(
      "1073741824\n1048576\n1048576",
    );
    const last = await planOf(holdfast);
    expect(shortOf(last)).toEqual([]);
    expect(ofEach(last, inShort).filter(({ blocked }) => blocked.length > 0)).toEqual(
      all.flatMap(([name, s]) => (isBlocked(s) ? [{ name, operations: [], blocked: [s.blocked?.reason] }] : [])),
    );
  });
});
