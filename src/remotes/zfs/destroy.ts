import type { Skimmed } from "../../model/inventory.ts";
import type { At, DestroyedSnapshot } from "../../model/plan.ts";
import type { Problem } from "../../model/report.ts";
import { done, type Result } from "../result.ts";
import {
  batches,
  byteLength,
  destroyBookmarkCommand,
  destroyDatasetCommand,
  destroySnapshotsCommand,
  discardCommand,
} from "./commands.ts";
import {
  failure,
  LONG_PATIENCE_MS,
  must,
  type OperationOf,
  type RunContext,
  run,
  whereOf,
  whereOnRemote,
} from "./context.ts";
import { guidsOf } from "./guids.ts";

const PERMISSIONS = "destroy,mount";

interface Failure {
  readonly snapshot: DestroyedSnapshot;
  readonly why: string;
}
interface Destruction {
  readonly failures: readonly Failure[];
  /** The first command that failed. */
  readonly problem?: Problem;
  /** The run was ended from outside before all were tried. */
  readonly interrupted?: boolean;
}

/** Of which snapshots are destroyed. */
type Destroying = Parameters<typeof whereOnRemote>[1];

export async function destroy(operation: OperationOf<"destroy">, context: RunContext): Promise<Result> {
  const { at, snapshots } = operation;
  const seen = await context.skimmed(at);
  return resultOf(at, snapshots, await destroySnapshots(operation, snapshots, context, { ...(seen && { seen }) }));
}

/** Destroys a copy whose source is gone, and nothing that the plan does not name. */
export async function destroyOrphan(operation: OperationOf<"destroy-orphan">, context: RunContext): Promise<Result> {
  const { at, snapshots } = operation;
  const dataset = await context.observe(at);
  if (dataset === null) return done();
  const known = new Set(snapshots.map(({ guid }) => guid));
  const unknown = dataset.snapshots.find(({ guid }) => !known.has(guid));
  if (unknown !== undefined) {
    const message = `${at.host}:${at.dataset} has @${unknown.name} (guid ${unknown.guid}), which the plan does not know`;
    return { outcome: "stale", error: { message, hint: "run holdfast plan again" } };
  }
  const where = whereOnRemote(context, operation, PERMISSIONS);
  if (dataset.resume !== undefined) await must(context, discardCommand(at), where, { orElse: ["missing", "no-token"] });
  const destruction = await destroySnapshots(operation, snapshots, context, { whole: true });
  if (destruction.failures.length > 0) return resultOf(at, snapshots, destruction);
  await must(context, destroyDatasetCommand(at), where, { orElse: ["missing"], timeoutMs: LONG_PATIENCE_MS });
  return done();
}

export async function unbookmark({ at, bookmarks }: OperationOf<"unbookmark">, context: RunContext): Promise<Result> {
  const there = await guidsOf(
    context,
    at.host,
    bookmarks.map(({ name }) => `${at.dataset}#${name}`),
    "bookmark",
  );
  const where = whereOf(context, at, "destroy"); // bookmarks take no `mount`
  const others: string[] = [];
  for (const { name, guid } of bookmarks) {
    const found = there.get(`${at.dataset}#${name}`);
    if (found === undefined) continue;
    if (found === guid) await must(context, destroyBookmarkCommand(at, name), where, { orElse: ["missing"] });
    else others.push(`${at.host}:${at.dataset}#${name} is another bookmark now: guid ${found} instead of ${guid}`);
  }
  return others.length === 0 ? done() : { outcome: "stale", error: { message: others.join("\n") } };
}

/**
 * Destroys exactly these guids under these names, in lists. What cannot go stays and stops nothing else; with `whole`, a
 * list of which one cannot go stays as it is; with `seen`, right before, the first list need not be looked at again.
 */
export async function destroySnapshots(
  operation: Destroying,
  snapshots: readonly DestroyedSnapshot[],
  context: RunContext,
  { whole = false, seen }: { readonly whole?: boolean; readonly seen?: Skimmed } = {},
): Promise<Destruction> {
  const failures: Failure[] = [];
  let problem: Problem | undefined;
  const { at } = operation;
  const parts = batches(snapshots, ({ name }) => byteLength(at.dataset) + byteLength(name) + 1);
  for (const [index, part] of parts.entries()) {
    const interrupted = index > 0 && context.signal.aborted;
    if (!interrupted) {
      const outcome = await destroyPart(operation, part, context, whole, index === 0 ? seen : undefined);
      failures.push(...outcome.failures);
      problem ??= outcome.problem;
      if (!outcome.hopeless) continue;
    }
    const untried = parts.slice(interrupted ? index : index + 1).flat();
    failures.push(...untried.map(notTried));
    return { failures, interrupted, ...(problem === undefined ? {} : { problem }) };
  }
  return { failures, ...(problem === undefined ? {} : { problem }) };
}

/** Names are checked by guid right before: a name alone could mean another snapshot by now. */
async function destroyPart(
  operation: Destroying,
  part: readonly DestroyedSnapshot[],
  context: RunContext,
  whole: boolean,
  seen: Skimmed | undefined,
): Promise<Destruction & { readonly hopeless: boolean }> {
  const { at } = operation;
  const failures: Failure[] = [];
  let problem: Problem | undefined;
  let rest = part;
  for (let known = seen; ; known = undefined) {
    const { same, other } = await recheck(at, rest, context, known);
    failures.push(...other.map((snapshot) => ({ snapshot, why: "another guid now" })));
    if (whole && other.length > 0) return { failures: [...failures, ...same.map(notTried)], hopeless: true };
    rest = same;
    if (rest.length === 0) break;
    const argv = destroySnapshotsCommand(
      at,
      rest.map(({ name }) => name),
    );
    const result = await run(context, at.host, argv, LONG_PATIENCE_MS);
    if (result.code === 0) break;
    const failed = await failure(context, result, argv, whereOnRemote(context, operation, PERMISSIONS));
    if (failed.meaning === "missing") break;
    problem ??= failed.problem;
    const reasons = reasonsIn(result.stderr);
    const remaining: DestroyedSnapshot[] = [];
    for (const snapshot of rest) {
      const why = reasons(`${at.dataset}@${snapshot.name}`);
      if (why === undefined) remaining.push(snapshot);
      else failures.push({ snapshot, why });
    }
    const unnamed = remaining.length === rest.length;
    if (unnamed || whole) {
      const left = unnamed
        ? remaining.map((snapshot) => ({ snapshot, why: failed.problem.message }))
        : remaining.map(notTried);
      return { failures: [...failures, ...left], problem, hopeless: true };
    }
    rest = remaining;
  }
  return { failures, ...(problem === undefined ? {} : { problem }), hopeless: false };
}

const notTried = (snapshot: DestroyedSnapshot): Failure => ({ snapshot, why: "not tried any more" });

async function recheck(
  at: At,
  part: readonly DestroyedSnapshot[],
  context: RunContext,
  seen: Skimmed | undefined,
): Promise<{ readonly same: DestroyedSnapshot[]; readonly other: DestroyedSnapshot[] }> {
  const fullName = ({ name }: DestroyedSnapshot): string => `${at.dataset}@${name}`;
  const known = new Map(seen?.snapshots.map(({ name, guid }) => [`${at.dataset}@${name}`, guid]));
  const isSeen = part.every((snapshot) => known.has(fullName(snapshot)));
  const there = isSeen ? known : await guidsOf(context, at.host, part.map(fullName));
  const found = part.filter((snapshot) => there.has(fullName(snapshot)));
  const isSame = (snapshot: DestroyedSnapshot): boolean => there.get(fullName(snapshot)) === snapshot.guid;
  return { same: found.filter(isSame), other: found.filter((snapshot) => !isSame(snapshot)) };
}

/** What a failed `zfs destroy` says about one snapshot; 2.1 calls held ones busy. */
export function reasonsIn(stderr: string): (fullName: string) => string | undefined {
  const lines = stderr.split("\n");
  return (fullName) => {
    for (const start of [`cannot destroy snapshot ${fullName}: `, `cannot destroy '${fullName}': `]) {
      const line = lines.find((candidate) => candidate.startsWith(start));
      if (line === undefined) continue;
      const reason = line.slice(start.length);
      if (reason.startsWith("it's being held")) return "held";
      if (reason.startsWith("dataset is busy")) return "busy: held, being sent, or mounted below .zfs/snapshot";
      return reason;
    }
    return undefined;
  };
}

/** What of the list is still there, and why. */
export function resultOf(at: At, all: readonly DestroyedSnapshot[], destruction: Destruction): Result {
  const { failures, problem, interrupted } = destruction;
  if (failures.length === 0) return done();
  const gone = all.length - failures.length;
  const message = `${failures.length} of ${all.length} snapshots of ${at.host}:${at.dataset} are still there: ${reasonsOf(failures)}; ${gone === 0 ? "nothing was destroyed" : `the other ${gone} are gone`}`;
  return { outcome: interrupted ? "interrupted" : "failed", error: { ...problem, message } };
}

const SHOWN = 5;

/** `@a, @b: held; @c: snapshot has dependent clones`: each reason once, with the first names. */
function reasonsOf(failures: readonly Failure[]): string {
  const byReason = new Map<string, string[]>();
  for (const { snapshot, why } of failures) {
    const names = byReason.get(why) ?? [];
    byReason.set(why, names);
    names.push(`@${snapshot.name}`);
  }
  return [...byReason]
    .map(([why, names]) => {
      const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
      return `${names.slice(0, SHOWN).join(", ")}${more}: ${why}`;
    })
    .join("; ");
}
