import type { SnapshotType } from "../model/manifest.ts";
import type { Note } from "../model/plan.ts";
import { type BackupPlan, planBackups } from "../remotes/restic/plan.ts";
import { directorySource } from "./backup-sources.ts";
import type { PlanContext } from "./context.ts";
import type { DirectorySource } from "./directories.ts";
import { shortfallsOf } from "./require.ts";
import { backupNotes } from "./source-notes.ts";
import { type SourcePlan, withDoubt } from "./source-plan.ts";
import { suspendedByHand, untilResumed } from "./suspended.ts";
import { type AskedDrills, noDrills, planDrills, repositoryDrillables } from "./verify.ts";

/** A backup of one type wherever that is kept, due or not. */
export function backUpNow(context: PlanContext, source: DirectorySource, type: SnapshotType): BackupPlan[] {
  const known = directorySource(context, source, type);
  return source.repositories.map((target) => planBackups(context, known, target));
}

/** All about one directory and its copies. */
export function planDirectory(context: PlanContext, source: DirectorySource, asked?: AskedDrills): SourcePlan {
  const known = directorySource(context, source);
  const backups = source.repositories.map((target) => planBackups(context, known, target));
  const when = asked ? "now" : "after";
  const drills = source.keys.suspend
    ? noDrills
    : planDrills(
        context,
        source,
        backups.flatMap((plan) => repositoryDrillables(context, source, plan, when, () => false)),
        asked,
      );
  const suspended: Note = {
    kind: "suspended",
    source: source.address,
    message: `suspended: no copy is made or forgotten${untilResumed(suspendedByHand(context.manifest, source.address))}`,
  };
  return {
    operations: backups.flatMap(({ operations }) => operations),
    deletions: withDoubt(
      drills,
      backups.flatMap(({ deletions }) => deletions),
    ),
    adoptions: [],
    last: [],
    blocked: [...backups.flatMap(({ blocked }) => blocked), ...drills.blocked],
    kept: backups.flatMap(({ kept }) => kept),
    foreign: [],
    notes: [
      ...(source.keys.suspend ? [suspended] : []),
      ...backups.flatMap((plan) => backupNotes(context, source.address, plan)),
      ...drills.notes,
    ],
    drills,
    shortfalls: shortfallsOf(context, source, { copies: [], backups }, drills),
    away: [],
    lastContact: new Map(),
  };
}
