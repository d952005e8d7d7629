import type { Inventory } from "../model/inventory.ts";
import type { Manifest, Text } from "../model/manifest.ts";
import { isOnRepository, type Operation, type Plan, type ZfsOperation } from "../model/plan.ts";
import type { HostName } from "../model/units.ts";
import { restoringMark } from "../planner/restore/marks.ts";
import {
  adoptCommand,
  batches,
  bookmarkCommand,
  byteLength,
  createPlaceholderCommand,
  destroyBookmarkCommand,
  destroyDatasetCommand,
  destroySnapshotsCommand,
  discardCommand,
  makeCommand,
  mountCommand,
  REPLACED,
  RESTORED,
  receiveCommand,
  receivedSettingsCommand,
  renameCommand,
  resumeCommand,
  rollbackCommand,
  sendArguments,
  sendCommand,
  setCommand,
  settleCommand,
  snapshotCommand,
  unmountCommand,
} from "../remotes/zfs/commands.ts";
import { visible } from "../render/text.ts";
import { quoteAll } from "../transport/shell.ts";
import { repositoryCommands, restoreFilesCommands, verifyCommands } from "./repository-commands.ts";

/** Without what may be secret in it. */
function writeUrl(url: Text): string {
  if (typeof url !== "string") return "(a secret address)";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The commands that `apply` runs for each operation of a plan, one a line; they hold no secret. */
export function commandLines(
  plan: Pick<Plan, "operations">,
  manifest: Manifest,
  inventory: Pick<Inventory, "hosts" | "repositories">,
): (operation: Operation) => string[] {
  const together = new Map<string, string[]>();
  for (const one of plan.operations)
    if (one.kind === "create")
      together.set(one.atomic, [...(together.get(one.atomic) ?? []), `${one.at.dataset}@${one.name}`]);
  const on = (host: HostName, argv: readonly string[]): string =>
    visible(`${host}$ ${quoteAll(manifest.hosts.get(host)?.sudo ? ["sudo", "-n", ...argv] : argv)}`);
  const isPlain = (host: HostName, dataset: string): boolean => {
    const state = inventory.hosts[host];
    const found = state?.state === "observed" ? state.datasets.find(({ name }) => name === dataset) : undefined;
    return (found?.encryption ?? "off") === "off";
  };
  const destroys = (operation: ZfsOperation, snapshots: readonly { readonly name: string }[]): string[] =>
    batches(snapshots, ({ name }) => byteLength(operation.at.dataset) + byteLength(name) + 1).map((part) =>
      on(
        operation.at.host,
        destroySnapshotsCommand(
          operation.at,
          part.map(({ name }) => name),
        ),
      ),
    );

  return (operation) => {
    if (isOnRepository(operation)) return repositoryCommands(operation, manifest, inventory);
    if (operation.kind === "restore-files") return restoreFilesCommands(operation, manifest, inventory);
    if (operation.kind === "verify") return verifyCommands(operation, manifest);
    if (operation.kind === "hook")
      return "command" in operation.action
        ? [`${operation.at.host}$ ${visible(quoteAll(operation.action.command))}`]
        : [visible(`${operation.action.http.method} ${writeUrl(operation.action.http.url)}`)];
    const { at } = operation;
    switch (operation.kind) {
      case "create": {
        // one command takes all of them: it is shown where the first one is
        const names = together.get(operation.atomic) ?? [];
        return names[0] === `${at.dataset}@${operation.name}` ? [on(at.host, snapshotCommand(names))] : [];
      }
      case "adopt":
        return [on(at.host, adoptCommand(at))];
      case "discard":
        return [on(at.host, discardCommand(at))];
      case "rollback":
        return [
          ...destroys(operation, operation.destroys),
          ...(operation.unbookmarks ?? []).map(({ name }) => on(at.host, destroyBookmarkCommand(at, name))),
          on(at.host, rollbackCommand(at, operation.to.name)),
        ];
      case "replace":
        return [
          ...(operation.unmounts ?? []).flatMap((dataset) => [
            on(at.host, unmountCommand(dataset)),
            on(at.host, setCommand({ ...at, dataset }, { canmount: "noauto" })),
          ]),
          ...(operation.remote === undefined ? [on(at.host, setCommand(at, { [REPLACED]: operation.renameTo }))] : []),
          on(at.host, renameCommand(operation)),
        ];
      case "make":
        return [
          ...operation.createParents.map((parent) => on(at.host, createPlaceholderCommand(parent))),
          on(at.host, makeCommand(at, restoringMark(at, operation.beside))),
        ];
      case "settle":
        return [
          ...(operation.settingsOf
            ? [`${on(operation.settingsOf.host, receivedSettingsCommand(operation.settingsOf))}  # set all of these`]
            : []),
          ...(operation.datasetType === "filesystem" ? [on(at.host, mountCommand(at))] : []),
          ...(operation.beside ? [on(at.host, setCommand(at, { [RESTORED]: at.dataset }))] : []),
          on(at.host, settleCommand(at)),
        ];
      case "send": {
        const { base, from } = operation;
        const send = sendCommand(sendArguments(operation, isPlain(from.host, from.dataset)));
        const receive = receiveCommand({ ...operation, target: at.dataset, initial: base === null, resumed: false });
        return [
          ...operation.createParents.map((parent) => on(at.host, createPlaceholderCommand(parent))),
          `${on(from.host, send)} | ${on(at.host, receive)}`,
        ];
      }
      case "resume": {
        const initial = operation.base === null;
        const receive = receiveCommand({ ...operation, target: at.dataset, initial, resumed: true });
        return [`${on(operation.from.host, resumeCommand(operation.token))} | ${on(at.host, receive)}`];
      }
      case "bookmark": {
        const origin = operation.fromBookmark === undefined ? `@${operation.of.name}` : `#${operation.fromBookmark}`;
        return [on(at.host, bookmarkCommand(at, origin, operation.bookmark))];
      }
      case "unbookmark":
        return operation.bookmarks.map(({ name }) => on(at.host, destroyBookmarkCommand(at, name)));
      case "destroy":
        return destroys(operation, operation.snapshots);
      case "destroy-orphan":
        return [...destroys(operation, operation.snapshots), on(at.host, destroyDatasetCommand(at))];
    }
  };
}
