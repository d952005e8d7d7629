import { type HookOperation, type Operation, type SnapshotRef, writePlace } from "../model/plan.ts";
import { quoteAll } from "../transport/shell.ts";

/** One line that says what an operation does, for progress, log and report. */
export function describe(operation: Operation): string {
  const there = writePlace(operation.at);
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
      return `${operation.restores ? "restore" : "send"} ${range(operation.snapshots)} to ${there}`;
    case "resume":
      return `resume @${operation.to.name} to ${there}`;
    case "make":
      return `create ${there}`;
    case "settle":
      return `finish ${there}`;
    case "restore-files":
      return `restore files from ${writePlace(operation.from)} to ${there}`;
    case "bookmark":
      return `bookmark @${operation.of.name} for ${operation.remote}`;
    case "unbookmark":
      return `remove ${operation.bookmarks.map(({ name }) => `#${name}`).join(", ")}`;
    case "hook":
      return `${operation.phase} the ${operation.around}: ${action(operation)}`;
    case "init":
      return "create the repository";
    case "backup":
      return `back up ${operation.snapshot === undefined ? operation.types.join(", ") : `@${operation.name}`} to ${there}`;
    case "copy":
      return `copy ${count(operation.copies.length)} from ${operation.from.repository} to ${there}`;
    case "forget":
      return `forget ${count(operation.copies.length)} in ${there}`;
    case "prune":
      return "prune";
    case "check":
      return `check${operation.subset ? `, data ${operation.subset.part}/${operation.subset.of}` : ""}`;
    case "verify":
      return `verify ${"copy" in operation.of ? operation.of.copy.name : `@${operation.of.snapshot.name}`} ${"copy" in operation.of ? "in" : "at"} ${there}`;
    case "unlock":
      return `remove ${operation.holders.length === 1 ? "a stale lock" : `${operation.holders.length} stale locks`}`;
    case "destroy":
      return `destroy ${range(operation.snapshots)}${operation.remote === undefined ? "" : ` at ${there}`}`;
    case "destroy-orphan":
      return `destroy the orphan ${there}${operation.snapshots.length === 0 ? "" : ` with ${range(operation.snapshots)}`}`;
  }
}

/** Its command, or the method of its call: an address may be secret. */
function action({ action }: HookOperation): string {
  return "command" in action ? quoteAll(action.command) : `HTTP ${action.http.method}`;
}

const count = (copies: number): string => (copies === 1 ? "1 copy" : `${copies} copies`);

function range(snapshots: readonly Pick<SnapshotRef, "name">[]): string {
  const first = snapshots[0];
  const last = snapshots.at(-1);
  if (first === undefined || last === undefined) return "nothing";
  return snapshots.length === 1 ? `@${first.name}` : `@${first.name} … @${last.name} (${snapshots.length})`;
}
