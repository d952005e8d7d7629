import type { Hook, HookAction } from "../model/manifest.ts";
import type { HookOperation, Operation, OperationId } from "../model/plan.ts";
import type { DirectorySource } from "./directories.ts";
import type { Source } from "./sources.ts";

/**
 * Puts the hooks of sources around their operations: several in the manifest's order before and in the reverse order
 * after, those around a run outside of the others, and of sources that are snapshotted together those of the first one
 * outside. Where there is nothing to stand around there is no hook.
 */
export function withHooks(
  operations: readonly Operation[],
  sources: readonly (Source | DirectorySource)[],
): Operation[] {
  let all = [...operations];
  for (const source of sources.toReversed()) {
    const { hooks = [] } = source.keys;
    // inner ones first: what is there already is what the next one stands around
    const indexed = hooks.map((hook, index) => ({ hook, index }));
    const outside = indexed.filter(({ hook }) => hook.around === "run");
    const inside = indexed.filter(({ hook }) => hook.around !== "run");
    for (const { hook, index } of [...outside, ...inside].reverse()) {
      // what is stopped for the next one must not be started by the end of the last one
      let last: OperationId | undefined;
      for (const enclosed of enclosures(all, source, hook)) {
        const made = enclose(all, source, hook, index, enclosed, last);
        ({ all, last } = made);
      }
    }
  }
  return all;
}

/** What one hook stands around, each time it runs. */
function enclosures(all: readonly Operation[], source: Source | DirectorySource, { around }: Hook): Operation[][] {
  const own = all.filter(
    (operation) => operation.source === source.address && operation.kind !== "hook" && operation.kind !== "verify",
  );
  const backups = own.filter(({ kind }) => kind === "backup");
  if (around === "backup") return backups.map((backup) => [backup]);
  if (around === "run") return own.length === 0 ? [] : [own];
  const creates = own.filter((operation) => operation.kind === "create");
  const instants = new Set(creates.flatMap(({ together, atomic }) => (together ? [atomic] : [])));
  const others = all.filter((operation) => operation.kind === "create" && instants.has(operation.atomic));
  return creates.length === 0 ? [] : [[...new Set([...creates, ...others])]];
}

function enclose(
  all: readonly Operation[],
  source: Source | DirectorySource,
  hook: Hook,
  index: number,
  enclosed: readonly Operation[],
  previous: OperationId | undefined,
): { readonly all: Operation[]; readonly last: OperationId | undefined } {
  const ids = new Set(enclosed.map(({ id }) => id));
  const isWithin = (operation: Operation): boolean =>
    ids.has(operation.id) || (operation.kind === "hook" && operation.encloses.some((id) => ids.has(id)));
  const within = all.filter(isWithin);
  const [first] = enclosed;
  const remote = hook.around === "backup" && first !== undefined && "remote" in first ? first.remote : undefined;
  const make = (phase: "before" | "after", action: HookAction, more: Partial<HookOperation>): HookOperation => ({
    id: `hook ${source.address} ${hook.around} ${index + 1} ${phase}${remote === undefined ? "" : ` ${first?.id}`}`,
    kind: "hook",
    source: source.address,
    at:
      "path" in source ? { host: source.host, directory: source.path } : { host: source.host, dataset: source.dataset },
    ...(remote !== undefined && { remote }),
    around: hook.around as HookOperation["around"],
    phase,
    action,
    timeout: hook.timeout,
    onFailure: hook.onFailure,
    encloses: within.map(({ id }) => id),
    reason: `${phase} ${hook.around === "run" ? "all of this" : `the ${hook.around}`}`,
    dependsOn: [],
    preconditions: [],
    ...more,
  });
  const before = hook.before && make("before", hook.before, hook.around === "run" ? {} : waitingFor(within, previous));
  const after =
    hook.after &&
    make("after", hook.after, {
      after: [...(before ? [before.id] : []), ...within.map(({ id }) => id)],
      ...(before && { closes: before.id }),
    });
  const made = all.flatMap((operation) => {
    const waiting = before && isWithin(operation) ? waitFor(operation, before) : apart(operation, ids, source);
    return [
      ...(before && operation === within[0] ? [before] : []),
      waiting,
      ...(after && operation === within.at(-1) ? [after] : []),
    ];
  });
  return { all: made, last: (after ?? within.at(-1))?.id };

  function waitFor(operation: Operation, { id, onFailure }: HookOperation): Operation {
    const known = apart(operation, ids, source);
    // what undoes something runs whatever becomes of the rest
    const isLoose = onFailure === "warn" || (operation.kind === "hook" && operation.phase === "after");
    return isLoose
      ? { ...known, after: [...(known.after ?? []), id] }
      : { ...known, dependsOn: [...known.dependsOn, id] };
  }
}

/** Nothing is stopped before what it is stopped for can begin. */
function waitingFor(
  within: readonly Operation[],
  previous: OperationId | undefined,
): Pick<HookOperation, "dependsOn"> & Pick<Partial<HookOperation>, "after"> {
  const own = new Set(within.map(({ id }) => id));
  const outside = (ids: readonly OperationId[]): OperationId[] => [...new Set(ids)].filter((id) => !own.has(id));
  const dependsOn = outside(within.flatMap((operation) => operation.dependsOn));
  const after = outside([...within.flatMap((operation) => operation.after ?? []), ...(previous ? [previous] : [])]);
  return { dependsOn, ...(after.length > 0 && { after }) };
}

/** Others that are snapshotted in the same instant would only make the time longer for which something is stopped. */
function apart(
  operation: Operation,
  within: ReadonlySet<OperationId>,
  { address }: Source | DirectorySource,
): Operation {
  if (operation.kind !== "create" || operation.together || !within.has(operation.id)) return operation;
  return operation.atomic.endsWith(` ${address}`)
    ? operation
    : { ...operation, atomic: `${operation.atomic} ${address}` };
}
