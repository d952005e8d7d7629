import {
  type At,
  type CreateOperation,
  type DestroyOperation,
  type MakeOperation,
  type Operation,
  type OperationId,
  type SendOperation,
  writePlace,
} from "../model/plan.ts";
import type { DatasetName } from "../model/units.ts";
import { withAdoption } from "../remotes/restic/plan.ts";
import type { Guarded } from "./guards.ts";
import { isBelow, parentOf } from "./observed.ts";
import type { SourcePlan } from "./source-plan.ts";

/** What makes room, creates, then source by source: transfers, deletions, adoption, old bookmarks; what nobody owns last. */
export function inOrder(plans: readonly SourcePlan[], guarded: Guarded, orphans: readonly Operation[]): Operation[] {
  const room: Operation[] = [];
  const creates: Operation[] = [];
  const rest: Operation[] = [];
  const through = new Set(guarded.through);
  const withheldAt = new Set(guarded.withheld.map(({ deletion }) => deletion.place));
  const firstContact = new Set(
    guarded.withheld
      .filter(({ reason }) => reason === "first-contact")
      .map(({ deletion: { place } }) =>
        sideKey({ source: place.source, remote: place.adoptedBy ?? place.remote ?? "" }),
      ),
  );
  for (const plan of plans) {
    const deletions = plan.deletions.filter((deletion) => through.has(deletion));
    const first = deletions.flatMap((deletion) => (deletion.first ? [deletion.first] : []));
    room.push(...first);
    for (const operation of plan.operations) {
      if (operation.kind === "create") creates.push(withRoom(first, operation));
      else if (operation.kind === "backup" && !firstContact.has(sideKey(operation))) rest.push(withAdoption(operation));
      else rest.push(operation);
    }
    for (const deletion of deletions) {
      rest.push(...deletion.before, ...(deletion.rest ? [after(first, deletion.rest)] : []));
    }
    for (const { operation, place } of plan.adoptions) if (!withheldAt.has(place)) rest.push(operation);
    rest.push(...plan.last.map((operation) => after(first, operation)));
  }
  return dependenciesFirst(linkParents([...room, ...creates, ...rest, ...orphans]));
}

const sideKey = ({ source, remote }: { readonly source: string; readonly remote: string }): string =>
  `${source} ${remote}`;

/** A snapshot of a full pool cannot be taken before there is room. */
function withRoom(first: readonly DestroyOperation[], create: CreateOperation): CreateOperation {
  const ids = idsAt(first, create.at);
  return ids.length === 0 ? create : { ...create, after: [...(create.after ?? []), ...ids] };
}

/** What makes room goes before all else that this plan destroys of its source, here or there: that may be what justifies it. */
function after(first: readonly DestroyOperation[], rest: Operation): Operation {
  if (rest.kind === "forget" || first.length === 0) return rest;
  const same = rest.kind === "destroy" ? idsAt(first, rest.at) : [];
  const others = first.map(({ id }) => id).filter((id) => !same.includes(id));
  return {
    ...rest,
    dependsOn: [...rest.dependsOn, ...same],
    ...(others.length > 0 && { after: [...(rest.after ?? []), ...others] }),
  };
}

const idsAt = (operations: readonly DestroyOperation[], { host, dataset }: At): OperationId[] =>
  operations.filter(({ at }) => at.host === host && at.dataset === dataset).map(({ id }) => id);

/**
 * A first copy below another one of this plan waits for it: it would make a placeholder there, or be renamed aside. Where
 * the dataset above goes with its half-received stream, a placeholder is made instead.
 */
export function linkParents(operations: readonly Operation[]): Operation[] {
  const makers = new Map<string, OperationId>();
  const removers = new Map<string, OperationId>();
  for (const operation of operations) {
    const key = writePlace(operation.at);
    if (makesTarget(operation)) makers.set(key, operation.id);
    else if (operation.kind === "discard" && operation.removesDataset) removers.set(key, operation.id);
  }
  return operations.map((operation) => {
    if (!makesTarget(operation)) return operation;
    const { host, dataset } = operation.at;
    const removed: DatasetName[] = [];
    let made = parentOf(dataset);
    for (; made !== undefined && !makers.has(`${host}:${made}`); made = parentOf(made)) {
      if (removers.has(`${host}:${made}`)) removed.unshift(made);
    }
    const first = made;
    const missing = [...removed, ...operation.createParents];
    return {
      ...operation,
      dependsOn: [
        ...operation.dependsOn,
        ...removed.map((name) => removers.get(`${host}:${name}`) as OperationId),
        ...(first === undefined ? [] : [makers.get(`${host}:${first}`) as OperationId]),
      ],
      createParents: first === undefined ? missing : missing.filter((parent) => isBelow(parent, first)),
    };
  });
}

/** It brings about a copy where there was none. */
export const makesTarget = (operation: Operation): operation is SendOperation | MakeOperation =>
  operation.kind === "make" || (operation.kind === "send" && operation.base === null);

/** The same order, but for what has to wait for something that stands after it. */
function dependenciesFirst(operations: readonly Operation[]): Operation[] {
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  const ordered = new Set<Operation>();
  const add = (operation: Operation): void => {
    if (ordered.has(operation)) return;
    for (const id of [...operation.dependsOn, ...(operation.after ?? [])]) {
      const first = byId.get(id);
      if (first) add(first);
    }
    ordered.add(operation);
  };
  for (const operation of operations) add(operation);
  return [...ordered];
}
