import type { At } from "../../model/plan.ts";
import type { DatasetName, Guid, HostName } from "../../model/units.ts";
import { done, type Result } from "../result.ts";
import { bookmarksAfter } from "./bookmarks.ts";
import {
  adoptCommand,
  bookmarkCommand,
  destroyBookmarkCommand,
  discardCommand,
  mountCommand,
  REPLACED,
  renameCommand,
  rollbackCommand,
  setCommand,
  unmountCommand,
} from "./commands.ts";
import {
  LONG_PATIENCE_MS,
  must,
  OperationFailed,
  type OperationOf,
  type RunContext,
  run,
  whereOf,
  whereOnRemote,
} from "./context.ts";
import { destroySnapshots, resultOf } from "./destroy.ts";
import { guidsOf } from "./guids.ts";

/** The operations that are one command each. */

export async function adopt(operation: OperationOf<"adopt">, context: RunContext): Promise<Result> {
  await must(context, adoptCommand(operation.at), whereOnRemote(context, operation, "userprop"));
  return done();
}

export async function discard(operation: OperationOf<"discard">, context: RunContext): Promise<Result> {
  await must(context, discardCommand(operation.at), whereOnRemote(context, operation, "destroy,mount"), {
    orElse: ["no-token", "missing"],
  });
  return done();
}

/** Destroys by name what follows, then goes back one step: `rollback -r` would also destroy what nobody named. */
export async function rollback(operation: OperationOf<"rollback">, context: RunContext): Promise<Result> {
  const { at, to, destroys, unbookmarks = [] } = operation;
  const unknown = await unknownAfter(operation, context);
  if (unknown !== undefined) {
    const message = `${at.host}:${at.dataset} has ${unknown} after @${to.name}, which the plan does not know`;
    return { outcome: "stale", error: { message, hint: "run holdfast plan again" } };
  }
  // One that cannot go makes the rollback impossible: then the others are not given up for nothing.
  const destruction = await destroySnapshots(operation, destroys, context, { whole: true });
  if (destruction.failures.length > 0) return resultOf(at, destroys, destruction);
  for (const { name } of unbookmarks)
    await must(context, destroyBookmarkCommand(at, name), whereOf(context, at, "destroy,mount"), {
      orElse: ["missing"],
    });
  await must(context, rollbackCommand(at, to.name), whereOnRemote(context, operation, "rollback"), {
    timeoutMs: LONG_PATIENCE_MS,
  });
  return done();
}

/** What would make the rollback impossible after the rest is gone. */
async function unknownAfter(
  { at, to, destroys, unbookmarks = [] }: OperationOf<"rollback">,
  context: RunContext,
): Promise<string | undefined> {
  const dataset = await context.observe(at);
  const own = dataset?.snapshots.find(({ guid }) => guid === context.guidOf(to));
  if (!dataset || !own) return undefined;
  const known = new Set([...destroys, ...unbookmarks].map(({ name, guid }) => `${name} ${guid}`));
  const isUnknown = ({ name, guid }: { readonly name: string; readonly guid: Guid }) => !known.has(`${name} ${guid}`);
  const snapshot = dataset.snapshots.find((one) => one.createtxg > own.createtxg && isUnknown(one));
  const bookmark = bookmarksAfter(dataset, own).find(isUnknown);
  return snapshot ? `@${snapshot.name}` : bookmark && `#${bookmark.name}`;
}

export async function replace(operation: OperationOf<"replace">, context: RunContext): Promise<Result> {
  const { at, renameTo, remote, unmounts = [] } = operation;
  await takeOutOfUse(at.host, unmounts, context);
  // a mark with another name than its own means nothing: cut here, nothing has happened
  if (remote === undefined)
    await must(context, setCommand(at, { [REPLACED]: renameTo }), whereOf(context, at, "userprop"));
  const parent = at.dataset.slice(0, at.dataset.lastIndexOf("/"));
  await must(context, renameCommand(operation), whereOnRemote(context, operation, "rename,create,mount", parent));
  return done();
}

/**
 * What is renamed aside must not come back to where its successor belongs. One that is in use ends it: then everything is
 * mounted as before.
 */
async function takeOutOfUse(host: HostName, datasets: readonly DatasetName[], context: RunContext): Promise<void> {
  const unmounted: DatasetName[] = [];
  try {
    for (const dataset of datasets) {
      const at = { host, dataset };
      await must(context, unmountCommand(dataset), whereOf(context, at, "mount"));
      unmounted.push(dataset);
    }
  } catch (error) {
    for (const dataset of unmounted.reverse()) await run(context, host, mountCommand({ dataset }));
    throw error;
  }
  for (const dataset of datasets) {
    const at = { host, dataset };
    await must(context, setCommand(at, { canmount: "noauto" }), whereOf(context, at, "canmount"));
  }
}

export async function bookmark(operation: OperationOf<"bookmark">, context: RunContext): Promise<Result> {
  const { at, of, fromBookmark } = operation;
  const origin = fromBookmark === undefined ? `@${of.name}` : `#${fromBookmark}`;
  const guid = context.guidOf(of);
  // A snapshot that this plan took had no guid yet when the plan named its bookmark.
  await makeBookmark(context, at, origin, operation.bookmark.replace("{guid}", guid), guid);
  return done();
}

/** One that exists with the same guid will do. True when it was made now. */
export async function makeBookmark(
  context: RunContext,
  at: At,
  origin: string,
  name: string,
  guid: Guid,
): Promise<boolean> {
  const result = await must(context, bookmarkCommand(at, origin, name), whereOf(context, at, "bookmark"), {
    orElse: ["bookmark-exists"],
  });
  if (result.code === 0) return true;
  const full = `${at.dataset}#${name}`;
  const there = (await guidsOf(context, at.host, [full], "bookmark")).get(full);
  if (there === guid) return false;
  throw new OperationFailed({
    message: `${at.host}:${full} is the bookmark of another snapshot: guid ${there ?? "unknown"} instead of ${guid}`,
    hint: `zfs destroy '${full}' there, then plan again`,
  });
}
