import { type Operation, type Plan, type Summary, writePlace } from "../model/plan.ts";
import type { Bytes } from "../model/units.ts";

/** Counts for the line below a plan. */
export function summarize({ operations, blocked, kept }: Pick<Plan, "operations" | "blocked" | "kept">): Summary {
  const counts = {
    create: 0,
    send: 0,
    sendBytes: 0,
    resume: 0,
    backup: 0,
    copy: 0,
    forget: 0,
    destroy: 0,
    destroyBytes: 0,
    other: 0,
  };
  const restored = new Set<string>();
  let restoreBytes = 0;
  const restore = ({ at }: Operation, bytes: number | undefined): void => {
    restored.add(writePlace(at));
    restoreBytes += bytes ?? 0;
  };
  for (const operation of operations) {
    switch (operation.kind) {
      case "create":
        counts.create++;
        break;
      case "send":
        if (operation.restores) restore(operation, operation.estimate);
        else {
          counts.send += operation.snapshots.length;
          counts.sendBytes += operation.estimate;
        }
        break;
      case "resume":
        if (operation.restores) restore(operation, operation.remaining);
        else counts.resume++;
        break;
      case "restore-files":
        restore(operation, operation.estimate);
        break;
      case "make":
      case "settle":
        restore(operation, undefined);
        break;
      case "backup":
        counts.backup++;
        break;
      case "copy":
        counts.copy += operation.copies.length;
        break;
      case "forget":
        counts.forget += operation.copies.length;
        break;
      case "destroy":
      case "destroy-orphan":
        counts.destroy += operation.snapshots.length;
        counts.destroyBytes += operation.bytes;
        break;
      case "rollback":
        counts.destroy += operation.destroys.length;
        counts.destroyBytes += operation.bytes;
        counts.other++;
        break;
      default:
        counts.other++;
    }
  }
  const sides = new Map<string, (readonly string[])[]>();
  for (const { source, remote, snapshots } of kept) {
    const side = `${source} ${remote ?? ""}`;
    const groups = sides.get(side);
    if (groups) groups.push(snapshots);
    else sides.set(side, [snapshots]);
  }
  return {
    ...counts,
    ...(restored.size > 0 && { restore: restored.size, restoreBytes: restoreBytes as Bytes }),
    sendBytes: counts.sendBytes as Bytes,
    destroyBytes: counts.destroyBytes as Bytes,
    blocked: blocked.length,
    kept: [...sides.values()].reduce((sum, groups) => sum + distinct(groups), 0),
  };
}

/** Snapshots that are in any of the groups. The largest group is only walked: it may be nearly all of a million. */
function distinct(groups: readonly (readonly string[])[]): number {
  const largest = groups.reduce((most, group) => (group.length > most.length ? group : most));
  const others = new Set(groups.flatMap((group) => (group === largest ? [] : group)));
  for (const name of largest) others.delete(name);
  return largest.length + others.size;
}
