import type { Dataset } from "../../model/inventory.ts";
import type { At } from "../../model/plan.ts";
import type { DatasetName } from "../../model/units.ts";
import type { Result } from "../result.ts";
import { bookmarkName } from "./bookmarks.ts";
import {
  createPlaceholderCommand,
  destroyBookmarkCommand,
  estimateCommand,
  sendArguments,
  sendCommand,
} from "./commands.ts";
import { failure, must, OperationFailed, type OperationOf, type RunContext, run, whereOf } from "./context.ts";
import { requireEmpty } from "./require-empty.ts";
import { makeBookmark } from "./small.ts";
import { requireSpace, sizeOf, type Transfer, transfer } from "./transfer.ts";

type Send = OperationOf<"send">;

/** Sends one stream and proves by guid that everything arrived. */
export async function send(operation: Send, context: RunContext): Promise<Result> {
  const source = await context.observe(operation.from);
  if (source === null) {
    const { host, dataset } = operation.from;
    return { outcome: "stale", error: { message: `${host}:${dataset} is not there any more` } };
  }
  const between = unlikePlanned(operation, source, context);
  if (between !== undefined) return { outcome: "stale", error: { message: between, hint: "run holdfast plan again" } };
  const stream = sendArguments(operation, source.encryption === "off");
  const estimate = estimateCommand(stream);
  const { code, size, output } = await sizeOf(estimate, operation.from, context);
  if (code !== 0) {
    throw await failure(context, { code, stderr: output }, estimate, whereOf(context, operation.from, "send"));
  }
  const work: Transfer = { ...operation, initial: operation.base === null, resumed: false };
  if (operation.replacesPlaceholder) await requireEmpty(operation.at, context);
  await requireSpace(operation.at, size, context);
  await createParents(operation.at, operation.createParents, context);
  const protection = await protectBase(operation, source, context);
  const { result } = await transfer(work, sendCommand(stream), size, context);
  if (protection.made !== undefined && result.outcome === "done") {
    await run(context, operation.from.host, destroyBookmarkCommand(operation.from, protection.made));
  }
  if (protection.warning === undefined) return result;
  return { ...result, warnings: [...(result.warnings ?? []), protection.warning] };
}

/** A range sends whatever lies between its ends: that must be what was planned. */
function unlikePlanned({ from, base, to, snapshots }: Send, source: Dataset, context: RunContext): string | undefined {
  if (base === null || snapshots.length === 1) return undefined;
  const guids = source.snapshots.map(({ guid }) => guid);
  const range = guids.slice(guids.indexOf(context.guidOf(base)) + 1, guids.indexOf(context.guidOf(to)) + 1);
  const planned = snapshots.map((ref) => context.guidOf(ref));
  if (range.length === planned.length && range.every((guid, index) => guid === planned[index])) return undefined;
  return `the snapshots of ${from.host}:${from.dataset} between @${base.name} and @${to.name} are not those that were planned`;
}

export async function createParents(at: At, parents: readonly DatasetName[], context: RunContext): Promise<void> {
  for (const parent of parents) {
    const above = parent.slice(0, parent.lastIndexOf("/"));
    const where = whereOf(context, { ...at, dataset: parent }, "create,mount,canmount,userprop", above);
    await must(context, createPlaceholderCommand(parent), where, { orElse: ["exists"] });
  }
}

interface Protection {
  /** Name of the bookmark that was made for this transfer. */
  readonly made?: string;
  readonly warning?: string;
}

/**
 * A running send does not keep its base from being destroyed, and a cut one can be resumed only while the base or a
 * bookmark of it is there. The bookmark has the name that the plan gives this remote's base, so that one left by a kill
 * is not a leak; after a cut it is exactly what the next run needs.
 */
async function protectBase(operation: Send, source: Dataset, context: RunContext): Promise<Protection> {
  const { base, from, remote } = operation;
  // a restore leaves the place it comes from as it is
  if (base === null || base.bookmark !== undefined || operation.restores) return {};
  const guid = context.guidOf(base);
  if (source.bookmarks.some((bookmark) => bookmark.guid === guid)) return {};
  const name = bookmarkName(remote, guid);
  try {
    return (await makeBookmark(context, from, `@${base.name}`, name, guid)) ? { made: name } : {};
  } catch (error) {
    if (!(error instanceof OperationFailed)) throw error;
    return { warning: `@${base.name} could not be bookmarked while it was sent from: ${error.message}` };
  }
}
