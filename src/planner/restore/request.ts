import type { Address, DatasetName, DirectoryPath, EpochSeconds, HostName } from "../../model/units.ts";

/** What is to be brought back, from when, from where and to where. */
export interface RestoreRequest {
  readonly now: EpochSeconds;
  /** One source, or all of a host. */
  readonly source: Address | { readonly allOf: HostName };
  /** The sources below it, too. */
  readonly recursive?: boolean;
  /** The source is a copy itself, of something that no manifest tells of: it gives what it once received. */
  readonly ofCopy?: boolean;
  /** The newest that is not later; default: the newest there is. */
  readonly at?: EpochSeconds;
  /** The name of a snapshot or copy, or the beginning of restic's id. */
  readonly snapshot?: string;
  /** A remote, a mirror, or `source` for the source's own snapshots; default: the best place that has it. */
  readonly from?: string;
  /** Default: beside the original. */
  readonly to?: RestoreTarget;
  /** Over the original itself. */
  readonly inPlace?: boolean;
  /** Only these files and folders, relative to the source. */
  readonly paths?: readonly string[];
  /** All snapshots up to it, not it alone. */
  readonly withSnapshots?: boolean;
}

/** Another host, a dataset (of `all`: what they go below), or a folder. */
export interface RestoreTarget {
  readonly host?: HostName;
  readonly dataset?: DatasetName;
  readonly directory?: DirectoryPath;
}

/** What the source's own snapshots are called as a place to restore from. */
export const OWN_SNAPSHOTS = "source";
