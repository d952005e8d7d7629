import type { Bytes, DatasetName, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "./units.ts";

/**
 * A manifest after parsing: units converted, defaults filled in, references checked. Patterns are still patterns: which
 * datasets they mean is known only with an inventory (planner/sources.ts).
 */
export interface Manifest {
  /** sha256 (hex) of the merged document in canonical form: the same meaning gives the same digest. */
  readonly digest: string;
  /** Who this process is; `null` is a controller that is none of the hosts (`--as none`). */
  readonly self: HostName | null;
  /** True where `hosts` is declared and `self` is none of them: everything is in this process's care. */
  readonly controller: boolean;
  /** IANA zone of every schedule that names none. */
  readonly timezone: string;
  readonly snapshotTypes: ReadonlyMap<TypeName, SnapshotType>;
  /** Every host that is reached, this one included. */
  readonly hosts: ReadonlyMap<HostName, Host>;
  readonly remotes: ReadonlyMap<RemoteName, ZfsRemote>;
  readonly policies: ReadonlyMap<string, SourceKeys>;
  readonly defaults: Pick<SourceKeys, "keep">;
  readonly datasets: readonly DatasetEntry[];
  readonly guards: Guards;
  readonly approvals: readonly Approval[];
  readonly unprotected?: { readonly report: "warn" | "off"; readonly ignore: readonly HostPattern[] };
}

/** Where in the manifest's files something stands; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface SnapshotType {
  readonly name: TypeName;
  /** Five-field cron; absent for types taken by hand. */
  readonly schedule?: string;
  readonly timezone: string;
  /** Glob patterns of names other tools gave, matched against the whole snapshot name. */
  readonly adopt: readonly string[];
}

/** A secret that is never in the manifest itself. Paths are absolute. */
export type SecretReference =
  | { readonly file: string }
  | { readonly env: string }
  | { readonly command: readonly string[] }
  | { readonly credential: string };

export interface Host {
  readonly name: HostName;
  /** This very machine: commands run directly. */
  readonly local: boolean;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identity?: (SecretReference | { readonly agent: true }) & { readonly passphrase?: SecretReference };
  /** Lines `KEYTYPE BASE64` that the host may present. */
  readonly hostKeys: readonly string[];
  readonly knownHostsFile?: string;
  readonly jump?: HostName;
  readonly sudo: boolean;
}

export interface ZfsRemote {
  readonly name: RemoteName;
  readonly type: "zfs";
  /** Absent: the source's own host (a second pool). */
  readonly host?: HostName;
  /** May contain `{host}`. */
  readonly root: string;
  readonly mode: "push" | "pull";
  readonly deletions: "allow" | "never";
  readonly raw: "auto" | "always" | "never";
  /** Set by `receive -o`; for a volume `canmount` is left out by whoever receives. */
  readonly properties: Readonly<Record<string, string>>;
  readonly excludeProperties: readonly string[];
  readonly withProperties: boolean;
  readonly compress: "off" | "zstd";
  /** Bytes per second on the wire. */
  readonly limit?: { readonly upload: Bytes };
  readonly removable: boolean;
  readonly whileAway: "freeze" | "thin";
  readonly maxAge?: Seconds;
  readonly keep?: Retention;
}

/** How many of one type stay: the newest `count` (Infinity for `all`), or whatever is younger than `within`. */
export interface KeepRule {
  readonly count: number;
  readonly within?: Seconds;
}
export interface KeepCounts {
  readonly by: "type";
  readonly types: ReadonlyMap<TypeName, KeepRule>;
}
/** A calendar length as restic writes it: `1y5m7d2h`. */
export interface CalendarDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
}
/** Thinning by timestamp whatever the type, with restic's meaning. */
export interface KeepByTime {
  readonly by: "time";
  readonly last?: number;
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  readonly within?: CalendarDuration;
}
export type Retention = KeepCounts | KeepByTime;

export interface CopyKeys {
  /** Exact dataset for the entry's own dataset; children go below it. */
  readonly target?: DatasetName;
  readonly keep?: Retention;
}

/** Keys an entry, a policy or `defaults` may set. An absent key is inherited whole; never merged. */
export interface SourceKeys {
  readonly policy?: string;
  readonly recursive?: boolean;
  /** Globs of full dataset names, without host. */
  readonly skip?: readonly string[];
  readonly take?: readonly TypeName[];
  /** `keep` or `keepByTime`: one slot, the nearest of either wins. */
  readonly keep?: Retention;
  readonly pin?: readonly ("oldest" | "oldestShared")[];
  readonly maxAge?: Seconds;
  readonly suspend?: boolean;
  readonly remotes?: ReadonlyMap<RemoteName, CopyKeys>;
}

/** `HOST:DATASET`, both parts globs; `host` is a glob over the names in `Manifest.hosts`. */
export interface HostPattern {
  readonly host: string;
  readonly dataset: string;
}

export interface DatasetEntry {
  /** The key as written. */
  readonly key: string;
  readonly pattern: HostPattern;
  readonly keys: SourceKeys;
  readonly place: Place;
}

export interface Guards {
  readonly destroyAtMost: { readonly percent: number; readonly above: number; readonly total: number };
}

interface Lapsing {
  /** The first second that it no longer holds: that day has ended in the manifest's timezone. */
  readonly until: EpochSeconds;
  /** As written, for messages. */
  readonly untilText: string;
  readonly place: Place;
}
export type Approval =
  /** Lets at most `destroy` withheld deletions of one source through; on one remote only where it is named. */
  | (Lapsing & {
      readonly kind: "destroy";
      readonly source: string;
      readonly remote?: RemoteName;
      readonly destroy: number;
    })
  | (Lapsing & {
      readonly kind: "resolve";
      readonly source: string;
      readonly remote: RemoteName;
      readonly resolve: Remedy;
    })
  /** `HOST:DATASET` of a copy whose source is gone. */
  | (Lapsing & { readonly kind: "orphan"; readonly orphan: string });

export type Remedy = "rollback" | "replace";
