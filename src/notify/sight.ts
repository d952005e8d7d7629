import type { Manifest } from "../model/manifest.ts";
import type { Plan, Unobserved } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { CopyStatus, PlaceStatus, Status } from "../model/status.ts";
import type { Address, RemoteName, Seconds } from "../model/units.ts";
import { duration } from "../render/text.ts";
import { type Failures, placeOf } from "./failures.ts";
import type { Place, Sight, Trouble } from "./problems.ts";

/** A connection that comes back sooner is nothing to be told of: a service looks again by itself. */
const UNSEEN_PATIENCE = (15 * 60) as Seconds;

/** What a service sees. */
export function sightOfStatus(status: Status, failures: Failures): Sight {
  const left = new Map(Object.entries(failures));
  const places = status.sources.flatMap(({ source, suspended, own, copies }): Place[] => {
    const at = (place: PlaceStatus, remote?: RemoteName): Place => {
      const key = { source, ...(remote !== undefined && { remote }) };
      const failure = left.get(placeOf(key));
      left.delete(placeOf(key));
      return { ...key, ...found(place, suspended, failure) };
    };
    return [...(own ? [at(own)] : []), ...copies.map((copy: CopyStatus) => at(copy, copy.remote))];
  });
  return {
    places: [...places, ...failedElsewhere(left.values()), ...unseen(status.unobserved, UNSEEN_PATIENCE)],
    complete: status.complete,
    narrowed: false,
  };
}

function found(
  place: PlaceStatus,
  suspended: boolean,
  failure: Failures[string] | undefined,
): Pick<Place, "state" | "troubles"> {
  if (suspended || place.health === "suspended") return { state: "suspended", troubles: [] };
  const [blocked] = place.blocked;
  const more = place.blocked.length > 1 ? ` (and ${place.blocked.length - 1} more)` : "";
  const troubles: Trouble[] = [
    ...(failure
      ? [{ matter: "failed" as const, message: failure.message, remedies: failure.remedies }]
      : place.health === "failed"
        ? [{ matter: "failed" as const, message: place.message ?? "the last attempt failed", remedies: [] }]
        : []),
    ...(blocked
      ? [{ matter: "blocked" as const, message: `${blocked.message}${more}`, remedies: blocked.remedies }]
      : []),
    ...(isOverdue(place) ? [{ matter: "overdue" as const, message: ageOf(place), remedies: [] }] : []),
  ];
  return { state: place.unseen ? "unseen" : "seen", troubles };
}

/** Also where something worse is the matter. */
const isOverdue = ({ health, age, dueWithin }: PlaceStatus): boolean =>
  health === "overdue" || (age !== undefined && dueWithin !== undefined && age > dueWithin);

function ageOf({ age, dueWithin, message }: PlaceStatus): string {
  if (dueWithin === undefined) return message ?? "overdue";
  const newest = age === undefined ? "there is none yet" : `the newest is ${duration(age)} old`;
  return `${newest}, due within ${duration(dueWithin)}`;
}

/** What was done to a whole repository, or to a source that has no status of its own. */
const failedElsewhere = (failures: Iterable<Failures[string]>): Place[] =>
  [...failures].map(({ source, remote, message, remedies }) => ({
    source,
    ...(remote !== undefined && { remote }),
    state: "seen",
    loose: true,
    troubles: [{ matter: "failed", message, remedies }],
  }));

/** A host or a repository stands for all that is there. */
const unseen = (unobserved: readonly Unobserved[], patience: Seconds): Place[] =>
  unobserved
    .filter(({ expected }) => !expected)
    .map(({ host, pool, repository, remote, reason, hint }) => ({
      source: (repository ?? (pool === undefined ? host : `${host}:${pool}`)) as Address,
      ...(remote !== undefined && { remote }),
      state: "unseen",
      loose: true,
      troubles: [
        {
          matter: "failed",
          message: `cannot be seen: ${reason}`,
          remedies: hint === undefined ? ["holdfast doctor"] : [hint],
          patience,
        },
      ],
    }));

/**
 * Removable repositories that are away. A run does not know how old the copies there are: only that they are older than the
 * day on which one was first missed.
 */
export const awayInRun = ({ unobserved }: Pick<Plan, "unobserved">, manifest: Places): Place[] =>
  unobserved.flatMap(({ expected, repository, remote, reason }): Place[] => {
    if (!expected || repository === undefined || remote === undefined) return [];
    const { maxAge } = manifest.remotes.get(remote) ?? manifest.mirrors.get(remote) ?? {};
    if (maxAge === undefined) return [];
    const message = `away for longer than its maxAge of ${duration(maxAge)}: ${reason}`;
    const trouble: Trouble = { matter: "overdue", message, remedies: ["bring it back"], patience: maxAge };
    return [{ source: repository as string as Address, remote, state: "unseen", loose: true, troubles: [trouble] }];
  });

type Places = Pick<Manifest, "remotes" | "mirrors">;

/** What a single run was about. */
export interface OneRun {
  readonly plan: Plan;
  readonly operations: readonly OperationReport[];
  /** Only some sources were asked for: of the others nothing is known. */
  readonly narrowed: boolean;
}

/** What one run sees: the plan it began with, and how its operations ended. */
export function sightOfRun({ plan, operations, narrowed }: OneRun, failures: Failures): Sight {
  const found = new Map<string, { readonly at: At; readonly troubles: Trouble[] }>();
  const see = ({ source, remote }: At): Trouble[] => {
    const at = { source, ...(remote !== undefined && { remote }) };
    const known = found.get(placeOf(at)) ?? { at, troubles: [] };
    found.set(placeOf(at), known);
    return known.troubles;
  };
  for (const one of [...plan.operations, ...plan.kept, ...plan.foreign]) see(one);
  const brought = new Set(operations.filter(bringsNewer).map(placeOf));
  for (const { kind, source, remote, message } of plan.notes) {
    if (source === undefined) continue;
    const at = { source, ...(remote !== undefined && { remote }) };
    if (kind === "overdue" && !brought.has(placeOf(at))) see(at).push({ matter: "overdue", message, remedies: [] });
  }
  for (const one of plan.blocked) {
    const troubles = see(one);
    const { message, remedies } = one;
    if (!troubles.some(({ matter }) => matter === "blocked")) troubles.push({ matter: "blocked", message, remedies });
  }
  const left = new Map(Object.entries(failures));
  const suspended = new Set(plan.notes.flatMap(({ kind, source }) => (kind === "suspended" ? (source ?? []) : [])));
  const away = new Set(plan.unobserved.flatMap(({ remote }) => remote ?? []));
  const places = [...found].map(([key, { at, troubles }]): Place => {
    const failure = left.get(key);
    left.delete(key);
    if (suspended.has(at.source)) return { ...at, state: "suspended", troubles: [] };
    const failed = failure && ({ matter: "failed", message: failure.message, remedies: failure.remedies } as const);
    const state = at.remote !== undefined && away.has(at.remote) ? "unseen" : "seen";
    return { ...at, state, troubles: [...(failed ? [failed] : []), ...troubles] };
  });
  return {
    places: [...places, ...failedElsewhere(left.values()), ...unseen(plan.unobserved, 0 as Seconds)],
    complete: plan.complete,
    narrowed,
  };
}

type At = Pick<Place, "source" | "remote">;

const BRINGS: readonly OperationReport["kind"][] = ["create", "send", "resume", "backup", "copy"];
const bringsNewer = ({ kind, outcome }: OperationReport): boolean => outcome === "done" && BRINGS.includes(kind);
