import type { At } from "../../model/plan.ts";
import { size } from "../../model/size.ts";
import { maxNameLength } from "../../model/units.ts";
import type { View } from "../../planner/view.ts";
import type { Base } from "./base.ts";
import type { Finding } from "./blocked.ts";
import { bookmarkName } from "./bookmarks.ts";
import type { Facts } from "./facts.ts";
import { isPlaceholder } from "./placeholder.ts";

/** What keeps the copy from being transferred to or thinned; none of it goes away by itself. */
export function findObstacle(
  facts: Facts,
  remote: readonly View[],
  base: Base | undefined,
  raw: boolean,
): Finding | undefined {
  const target = facts.target;
  if (!target) return undefined;
  if (target.type !== facts.local.dataset.type) {
    return finding(
      "occupied",
      `there is a ${target.type}, the source is a ${facts.local.dataset.type}`,
      [],
      ["replace"],
    );
  }
  if (remote.length === 0) {
    const isPlace = target.own.placeholder === "on";
    if ((target.resume && !isPlace) || isPlaceholder(target)) return undefined;
    const what = isPlace
      ? "a placeholder that somebody uses"
      : "a dataset without snapshots that Holdfast did not make";
    return finding(
      "occupied",
      `there is ${what} (${size(target.referenced)}): that data is somebody's`,
      [],
      ["replace"],
    );
  }
  if (!base) {
    return finding("no-common-base", "the two sides share no snapshot", renameEvidence(facts, remote), ["replace"]);
  }
  const baseThere = remote[base.remoteIndex]?.snapshot;
  if (baseThere?.redacted && !base.view.snapshot?.redacted) {
    return finding(
      "redacted",
      `@${baseThere.name} was received redacted there: the copy lacks what was left out, and no usual increment fits it`,
      [`base @${base.view.name} (guid ${base.view.key})`],
      ["replace"],
    );
  }
  const extras = remote.slice(base.remoteIndex + 1);
  const written = extras.filter((view) => (view.snapshot?.written ?? 0) > 0);
  const evidence = extras.map(
    (view) => `@${view.name} (guid ${view.key}, ${size(view.snapshot?.written ?? 0)}) exists only there`,
  );
  const since = `base @${base.view.name} (guid ${base.view.key})`;
  if (written.length > 0 || (raw && extras.length > 0)) {
    const count = extras.length === 1 ? "1 snapshot exists" : `${extras.length} snapshots exist`;
    return finding("diverged", `diverged: ${count} only there`, [since, ...evidence], ["rollback", "replace"]);
  }
  if (target.written > 0) {
    const newest = remote.at(-1) as View;
    return finding(
      "modified",
      `modified: ${size(target.written)} were written there since @${newest.name}`,
      [`@${newest.name} (guid ${newest.key}) is its newest snapshot`, since],
      ["rollback", "replace"],
    );
  }
  return undefined;
}

function finding(
  reason: Finding["reason"],
  message: string,
  evidence: string[],
  remedies: Finding["remedies"],
): Finding {
  return { reason, message, evidence, remedies };
}

/** Where the guids of one side turn up elsewhere, this is a rename rather than a stranger. */
function renameEvidence(facts: Facts, remote: readonly View[]): string[] {
  const newest = remote.at(-1);
  const ours = facts.local.views.findLast((view) => view.snapshot);
  const evidence = [
    ...(newest ? [`newest there: @${newest.name} (guid ${newest.key})`] : []),
    ...(ours ? [`newest here: @${ours.name} (guid ${ours.key})`] : []),
  ];
  const there = new Set(remote.map(({ key }) => key));
  const here = new Set(facts.local.views.map(({ key }) => key));
  const search = (host: At, guids: ReadonlySet<string>) => {
    for (const dataset of facts.context.observations.datasets(host.host).values()) {
      if (dataset.name === host.dataset) continue;
      if (dataset.snapshots.some(({ guid }) => guids.has(guid))) return dataset.name;
    }
    return undefined;
  };
  const renamedSource = search(facts.from, there);
  if (renamedSource)
    evidence.push(`this looks like a rename: ${facts.from.host}:${renamedSource} has the guids of this copy`);
  const renamedCopy = search(facts.at, here);
  if (renamedCopy)
    evidence.push(`this looks like a rename: ${facts.at.host}:${renamedCopy} has the guids of this source`);
  return evidence;
}

export function nameClash(facts: Facts, there: readonly View[], wanted: readonly View[]): Finding | undefined {
  if (wanted.length === 0) return undefined;
  const asked = new Set(wanted.map(({ name }) => name));
  const guids = new Map<string, string>();
  for (const { name, key } of there) if (asked.has(name)) guids.set(name, key);
  const clashes = wanted.filter((view) => guids.has(view.name) && guids.get(view.name) !== view.key);
  if (clashes.length === 0) return undefined;
  const names = clashes.map((view) => `@${view.name}`).join(", ");
  return {
    reason: "name-conflict",
    message: `other snapshots have the names of those to send: ${names}`,
    evidence: clashes.map((view) => `@${view.name}: guid ${view.key} here, guid ${guids.get(view.name)} there`),
    remedies: [],
    advice: clashes.map(
      (view) =>
        `rename one of the two, e.g. zfs rename ${facts.at.dataset}@${view.name} ${facts.at.dataset}@${view.name}-other`,
    ),
  };
}

/** A name that ZFS would refuse after everything before it was sent. */
export function nameTooLong({ from, at, copy }: Facts, wanted: readonly View[]): Finding | undefined {
  if (wanted.length === 0) return undefined;
  const bookmark = `${from.host}:${from.dataset}#${bookmarkName(copy.remote.name, longestGuid)}`;
  // the clone that ZFS receives increments into: OpenZFS 2.1 and 2.3 do not refuse its name, the kernel panics
  const receiving = `${at.host}:${at.dataset}/%recv`;
  const names = [bookmark, receiving, ...wanted.map(({ name }) => `${at.host}:${at.dataset}@${name}`)];
  const tooLong = names.filter((name) => name.length - name.indexOf(":") - 1 > maxNameLength);
  if (tooLong.length === 0) return undefined;
  return {
    reason: "name-too-long",
    message: `names longer than the ${maxNameLength} characters ZFS takes would be needed`,
    evidence: tooLong.map((name) => `${name} (${name.length - name.indexOf(":") - 1})`),
    remedies: [],
    advice: [`give the copy a shorter \`target\` on ${copy.remote.name}, or rename what is too long`],
  };
}

const longestGuid = "18446744073709551615";
