import type { Operation } from "../model/plan.ts";
import type { Address } from "../model/units.ts";

/** Operations that have to be run by one engine. */
export interface Part {
  readonly operations: readonly Operation[];
  readonly sources: readonly Address[];
}

/**
 * Parts that have nothing to do with each other: operations of one source, those that wait for each other, and those that
 * are one command (`togetherWith`) are in one. Each in the plan's order.
 */
export function split(operations: readonly Operation[], togetherWith: (operation: Operation) => string): Part[] {
  const heads = new Map<string, string>();
  const headOf = (key: string): string => {
    let head = key;
    for (let next = heads.get(head); next !== undefined; next = heads.get(head)) head = next;
    if (head !== key) heads.set(key, head);
    return head;
  };
  const join = (one: string, other: string): void => {
    const [a, b] = [headOf(one), headOf(other)];
    if (a !== b) heads.set(b, a);
  };
  const present = new Set(operations.map(({ id }) => id));
  for (const operation of operations) {
    const key = `id ${operation.id}`;
    join(key, `source ${operation.source}`);
    join(key, `with ${togetherWith(operation)}`);
    const tied = [
      ...operation.dependsOn,
      ...(operation.after ?? []),
      ...(operation.kind === "hook" ? operation.encloses : []),
    ];
    for (const id of tied) if (present.has(id)) join(key, `id ${id}`);
  }
  const parts = new Map<string, Operation[]>();
  for (const operation of operations) {
    const head = headOf(`id ${operation.id}`);
    const members = parts.get(head);
    if (members === undefined) parts.set(head, [operation]);
    else members.push(operation);
  }
  return [...parts.values()].map((members) => ({
    operations: members,
    sources: [...new Set(members.map(({ source }) => source))],
  }));
}
