import type { Operation, SnapshotRef } from "../model/plan.ts";

/** One line that says what an operation does, for progress, log and report. */
export function describe(operation: Operation): string {
  const there = `${operation.at.host}:${operation.at.dataset}`;
  switch (operation.kind) {
    case "create":
      return `create @${operation.name}`;
    case "adopt":
      return `adopt ${there}`;
    case "discard":
      return `discard the half-received stream at ${there}`;
    case "rollback":
      return `roll back ${there} to @${operation.to.name}${operation.destroys.length === 0 ? "" : `, destroying ${range(operation.destroys)}`}`;
    case "replace":
      return `rename ${there} to ${operation.renameTo}`;
    case "send":
      return `send ${range(operation.snapshots)} to ${there}`;
    case "resume":
      return `resume @${operation.to.name} to ${there}`;
    case "bookmark":
      return `bookmark @${operation.of.name} for ${operation.remote}`;
    case "unbookmark":
      return `remove ${operation.bookmarks.map(({ name }) => `#${name}`).join(", ")}`;
    case "destroy":
      return `destroy ${range(operation.snapshots)}${operation.remote === undefined ? "" : ` at ${there}`}`;
    case "destroy-orphan":
      return `destroy the orphan ${there}${operation.snapshots.length === 0 ? "" : ` with ${range(operation.snapshots)}`}`;
  }
}

function range(snapshots: readonly Pick<SnapshotRef, "name">[]): string {
  const first = snapshots[0];
  const last = snapshots.at(-1);
  if (first === undefined || last === undefined) return "nothing";
  return snapshots.length === 1 ? `@${first.name}` : `@${first.name} … @${last.name} (${snapshots.length})`;
}
