import type { Retention, SourceKeys, ZfsRemote } from "../model/manifest.ts";
import type { Blocked } from "../model/plan.ts";
import type { Address, DatasetName, HostName } from "../model/units.ts";

/** One concrete dataset to protect, with every key settled. */
export interface Source {
  readonly address: Address;
  readonly host: HostName;
  readonly dataset: DatasetName;
  readonly keys: Required<Omit<SourceKeys, "policy" | "maxAge" | "remotes" | "recursive" | "skip">> &
    Pick<SourceKeys, "maxAge">;
  readonly copies: readonly Copy[];
  /** Each key with its value and where it comes from, for `explain`. */
  readonly provenance: readonly Provenance[];
}

/** Where one source's copy on one remote lives, and how much of it stays. */
export interface Copy {
  readonly remote: ZfsRemote;
  readonly host: HostName;
  readonly target: DatasetName;
  readonly keep: Retention;
}

export interface Provenance {
  readonly key: string;
  /** As the manifest would write it. */
  readonly value: string;
  /** `datasets."nas*:tank/data" (holdfast.yaml:12)`, `policies.standard`, `defaults`, `default`. */
  readonly from: string;
}

export interface ResolvedSources {
  readonly sources: readonly Source[];
  readonly blocked: readonly Blocked[];
}
