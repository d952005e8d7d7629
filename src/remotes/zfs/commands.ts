import type { At, ReplaceOperation, SendOperation, StreamOptions } from "../../model/plan.ts";
import type { DatasetName } from "../../model/units.ts";

/** The `zfs` command lines of every operation. Pure; names and values are passed as they are, quoting is transport's. */

/**
 * One argument may hold 128 KiB, and over SSH a whole command is one argument of the remote shell; quoting needs room.
 */
const LIST_BYTES = 64 * 1024;
const LIST_NAMES = 300;

/** Splits names so that each part fits one command line; keeps their order. */
export function batches<T>(
  items: readonly T[],
  lengthOf: (item: T) => number,
  limit: { readonly bytes: number; readonly count?: number } = { bytes: LIST_BYTES, count: LIST_NAMES },
): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const length = lengthOf(item) + 1;
    if (part.length > 0 && (bytes + length > limit.bytes || part.length >= (limit.count ?? Number.POSITIVE_INFINITY))) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += length;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

export const byteLength = (text: string): number => Buffer.byteLength(text);

/** Properties that only file systems have: `receive -o` of one of them makes receiving a volume fail. */
const FILESYSTEM_ONLY = new Set([
  "aclinherit",
  "aclmode",
  "acltype",
  "atime",
  "canmount",
  "casesensitivity",
  "defaultgroupobjquota",
  "defaultgroupquota",
  "defaultprojectobjquota",
  "defaultprojectquota",
  "defaultuserobjquota",
  "defaultuserquota",
  "devices",
  "dnodesize",
  "exec",
  "filesystem_limit",
  "longname",
  "mountpoint",
  "nbmand",
  "normalization",
  "overlay",
  "quota",
  "recordsize",
  "refquota",
  "relatime",
  "setuid",
  "sharenfs",
  "sharesmb",
  "snapdir",
  "special_small_blocks",
  "utf8only",
  "version",
  "vscan",
  "xattr",
  "zoned",
]);
const VOLUME_ONLY = new Set(["volblocksize", "volsize", "volthreading"]);

const applies = (property: string, type: StreamOptions["datasetType"]): boolean =>
  !(type === "volume" ? FILESYSTEM_ONLY : VOLUME_ONLY).has(property);

/** The properties asked for on the received side, without those its kind of dataset does not have. */
export function receivedProperties(options: Pick<StreamOptions, "properties" | "datasetType">): [string, string][] {
  return Object.entries(options.properties).filter(([name]) => applies(name, options.datasetType));
}

export const ADOPTED = "holdfast:adopted";
export const PLACEHOLDER = "holdfast:placeholder";
/** On what is being restored, until all of it is there (planner/restore/marks.ts). */
const RESTORING = "holdfast:restoring";
/** On what was restored beside a source: the name it had then. */
export const RESTORED = "holdfast:restored";
/** On what a restore in place put aside: the name it got. */
export const REPLACED = "holdfast:replaced";

export interface SendArguments {
  readonly dataset: DatasetName;
  /** Short name of the snapshot that is sent. */
  readonly to: string;
  /** `@NAME` or `#NAME`; null for a full stream. */
  readonly base: string | null;
  /** Everything between base and `to` as well (`-I`); never from a bookmark. */
  readonly range: boolean;
  readonly raw: boolean;
  readonly encryption?: StreamOptions["encryption"];
  /** `-p`; `received`: `-b`, what the dataset received rather than what it has. */
  readonly withProperties: boolean | "received";
}

/** `isPlain`: the source is not encrypted. */
export function sendArguments(operation: SendOperation, isPlain: boolean): SendArguments {
  const { from, base, to, snapshots, raw, encryption, restores } = operation;
  // properties of an encrypted dataset travel only with a raw stream
  const withProperties = operation.withProperties && (raw || isPlain);
  return {
    dataset: from.dataset,
    to: to.name,
    base: base === null ? null : base.bookmark === undefined ? `@${base.name}` : `#${base.bookmark}`,
    range: snapshots.length > 1,
    raw,
    ...(encryption && { encryption }),
    withProperties: withProperties && restores === "received" ? "received" : withProperties,
  };
}

function sendOptions({ dataset, base, range, raw, encryption, withProperties }: SendArguments): string[] {
  const options = encryption === "inherit" ? ["-L", "-c"] : ["-L", "-e", "-c"];
  if (withProperties) options.push(withProperties === "received" ? "-b" : "-p");
  if (raw) options.push("-w");
  if (base !== null) {
    if (range && base.startsWith("#")) throw new Error(`a range cannot start at the bookmark ${dataset}${base}`);
    options.push(range ? "-I" : "-i", `${dataset}${base}`);
  }
  return options;
}

export const sendCommand = (send: SendArguments): string[] => [
  "zfs",
  "send",
  "-vP",
  ...sendOptions(send),
  `${send.dataset}@${send.to}`,
];
/** Prints what the same `zfs send` would send, and how much. */
export const estimateCommand = (send: SendArguments): string[] => [
  "zfs",
  "send",
  "-nvP",
  ...sendOptions(send),
  `${send.dataset}@${send.to}`,
];
export const resumeCommand = (token: string): string[] => ["zfs", "send", "-vP", "-t", token];
export const estimateResumeCommand = (token: string): string[] => ["zfs", "send", "-nvP", "-t", token];

export interface ReceiveArguments
  extends Pick<StreamOptions, "encryption" | "properties" | "excludeProperties" | "datasetType" | "restores"> {
  readonly target: DatasetName;
  /** The first snapshot of this copy: the dataset is marked as ours. */
  readonly initial: boolean;
  /** The dataset was made by the stream that is gone on with: how it is encrypted is settled. */
  readonly resumed: boolean;
  /** Over Holdfast's own placeholder; the mark that it is one goes. */
  readonly replacesPlaceholder: boolean;
}

export function receiveCommand(receive: ReceiveArguments): string[] {
  const { target, initial, resumed, encryption, replacesPlaceholder, datasetType } = receive;
  const set = receivedProperties(receive);
  if (encryption === "off" && initial && !resumed) set.push(["encryption", "off"]);
  if (initial && receive.restores === undefined && !set.some(([name]) => name === ADOPTED)) set.push([ADOPTED, "on"]);
  const excluded = receive.excludeProperties.filter((name) => applies(name, datasetType));
  if (replacesPlaceholder) excluded.push(PLACEHOLDER);
  if (encryption === "inherit") excluded.push("encryption");
  return [
    "zfs",
    "receive",
    "-s",
    "-u",
    ...(replacesPlaceholder ? ["-F"] : []),
    ...set.flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...excluded.flatMap((name) => ["-x", name]),
    target,
  ];
}

export const makeCommand = ({ dataset }: At, mark: string): string[] => [
  "zfs",
  "create",
  "-u",
  "-o",
  `${RESTORING}=${mark}`,
  dataset,
];
export const settleCommand = ({ dataset }: At): string[] => ["zfs", "inherit", RESTORING, dataset];
export const mountCommand = ({ dataset }: Pick<At, "dataset">): string[] => ["zfs", "mount", dataset];
export const unmountCommand = (dataset: DatasetName): string[] => ["zfs", "unmount", dataset];
export const setCommand = ({ dataset }: At, settings: Readonly<Record<string, string>>): string[] => [
  "zfs",
  "set",
  ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  dataset,
];
/** Prints `PROPERTY ⇥ VALUE` of what came along with a stream, also where something else is set over it. */
export const receivedSettingsCommand = ({ dataset }: At): string[] => [
  "zfs",
  "get",
  "-Hp",
  "-o",
  "property,received",
  "all",
  dataset,
];

/** A parent that only holds the path: empty, never mounted, and known as ours. */
export const createPlaceholderCommand = (dataset: DatasetName): string[] => [
  "zfs",
  "create",
  "-o",
  "canmount=off",
  "-o",
  `${PLACEHOLDER}=on`,
  dataset,
];

export const forgetPlaceholderCommand = ({ dataset }: At): string[] => ["zfs", "inherit", PLACEHOLDER, dataset];

export const snapshotCommand = (fullNames: readonly string[]): string[] => ["zfs", "snapshot", ...fullNames];
/** Prints `NAME ⇥ GUID` of those that exist; exits 1 when one does not. */
export const guidsCommand = (fullNames: readonly string[], type: string): string[] => [
  "zfs",
  "list",
  "-Hp",
  "-t",
  type,
  "-o",
  "name,guid",
  ...fullNames,
];
/** Names and guids of a dataset and all it has; of its children, too, which are not asked for. */
export const skimCommand = (dataset: DatasetName): string[] => [
  ...["zfs", "list", "-Hp", "-d", "1", "-t", "filesystem,volume,snapshot,bookmark", "-o", "name,guid"],
  dataset,
];
export const adoptCommand = ({ dataset }: At): string[] => ["zfs", "set", `${ADOPTED}=on`, dataset];
export const discardCommand = ({ dataset }: At): string[] => ["zfs", "receive", "-A", dataset];
/** Goes back to the newest snapshot; refuses when there are later ones. */
export const rollbackCommand = ({ dataset }: At, to: string): string[] => ["zfs", "rollback", `${dataset}@${to}`];
/** `-u`: what is mounted stays where it is; `zfs` refuses it for volumes. */
export const renameCommand = ({
  at: { dataset },
  datasetType,
  renameTo,
}: Pick<ReplaceOperation, "at" | "datasetType" | "renameTo">): string[] => [
  "zfs",
  "rename",
  ...(datasetType === "volume" ? [] : ["-u"]),
  dataset,
  renameTo,
];
/** `origin` is `@NAME` or `#NAME`. */
export const bookmarkCommand = ({ dataset }: At, origin: string, bookmark: string): string[] => [
  "zfs",
  "bookmark",
  `${dataset}${origin}`,
  `${dataset}#${bookmark}`,
];
export const destroyBookmarkCommand = ({ dataset }: At, bookmark: string): string[] => [
  "zfs",
  "destroy",
  `${dataset}#${bookmark}`,
];
/** An explicit list, never a range. */
export const destroySnapshotsCommand = ({ dataset }: At, snapshots: readonly string[]): string[] => [
  "zfs",
  "destroy",
  `${dataset}@${snapshots.join(",")}`,
];
/** Refuses when the dataset has snapshots or children. */
export const destroyDatasetCommand = ({ dataset }: At): string[] => ["zfs", "destroy", dataset];
