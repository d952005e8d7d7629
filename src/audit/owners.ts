import type { SnapshotOwner } from "../model/audit.ts";
import type { Dataset, Snapshot } from "../model/inventory.ts";
import type { Bytes, EpochSeconds } from "../model/units.ts";

/** How tools name the snapshots they make; the first that fits. */
const NAMES: readonly (readonly [tool: string, name: RegExp])[] = [
  ["sanoid", /^autosnap_\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d_\w+$/],
  ["syncoid", /^syncoid_/],
  ["zfs-auto-snapshot", /^zfs-auto-snap[_-]/],
  ["zrepl", /^zrepl_/],
  ["pyznap", /^pyznap_/],
  ["TrueNAS", /^auto-\d{4}-?\d\d-?\d\d/],
  ["Proxmox", /^(?:__replicate_|vzdump$|__migration__)/],
  ["zsys", /^autozsys_/],
  ["Holdfast", /^[\w.:-]*-\d{8}T\d{6}Z$/],
  ["znapzend", /^\d{4}-\d\d-\d\d-\d{6}$/],
  ["zfs_autobackup", /^[\w.:-]+-\d{14}$/],
];
const UNKNOWN = "unknown";

export const toolOf = (name: string): string => NAMES.find(([, names]) => names.test(name))?.[0] ?? UNKNOWN;

/** How tools name the holds that they take only for as long as a transfer lasts. */
const IN_TRANSFER = /^(?:zrepl_STEP|\.send-\d+)/;
/** Tags by which tools keep what they will need again. */
const HOLDERS: readonly (readonly [tool: string, tag: RegExp])[] = [
  ["zrepl", /^zrepl_/],
  ["zfs_autobackup", /^zfs_autobackup:/],
  ["syncoid", /^syncoid/],
];
export const isOfTransfer = (tag: string): boolean => IN_TRANSFER.test(tag);
export const holderOf = (tag: string): string | undefined => HOLDERS.find(([, tags]) => tags.test(tag))?.[0];

const DAY = 86_400;
/** Three times as long as usual, and a day more, is not usual any more. */
const PATIENCE = 3;

/** Snapshots by the tool that made them, those that free most first. */
export function ownersOf(datasets: readonly Dataset[], now: EpochSeconds): SnapshotOwner[] {
  const byTool = new Map<string, { readonly datasets: Set<string>; readonly snapshots: Snapshot[] }>();
  for (const { name, snapshots } of datasets)
    for (const snapshot of snapshots) {
      const tool = toolOf(snapshot.name);
      const found = byTool.get(tool) ?? { datasets: new Set(), snapshots: [] };
      byTool.set(tool, found);
      found.datasets.add(name);
      found.snapshots.push(snapshot);
    }
  return [...byTool]
    .map(([tool, found]): SnapshotOwner => {
      const times = [...new Set(found.snapshots.map(({ creation }) => creation))].sort((a, b) => a - b);
      const [oldest, newest] = [times[0] ?? now, times.at(-1) ?? now];
      return {
        tool,
        snapshots: found.snapshots.length,
        datasets: found.datasets.size,
        used: found.snapshots.reduce((sum, { used }) => sum + used, 0) as Bytes,
        oldest,
        newest,
        silent: tool !== UNKNOWN && now - newest > PATIENCE * usualGap(times) + DAY,
      };
    })
    .sort((a, b) => b.used - a.used || (a.tool < b.tool ? -1 : 1));
}

/** The median, in seconds: one long pause does not make a tool slow. */
function usualGap(times: readonly EpochSeconds[]): number {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? 0;
}
