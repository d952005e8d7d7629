import type {
  Bytes,
  DatasetName,
  DirectoryPath,
  EpochSeconds,
  HostName,
  RemoteName,
  Seconds,
  TypeName,
} from "./units.ts";

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
  readonly remotes: ReadonlyMap<RemoteName, Remote>;
  /** Names are unique among remotes and mirrors. */
  readonly mirrors: ReadonlyMap<RemoteName, Mirror>;
  readonly policies: ReadonlyMap<string, SourceKeys>;
  readonly defaults: Pick<SourceKeys, "keep" | "verify">;
  readonly datasets: readonly DatasetEntry[];
  readonly directories: readonly DirectoryEntry[];
  readonly groups: readonly Group[];
  readonly guards: Guards;
  readonly approvals: readonly Approval[];
  readonly require?: Requirements;
  readonly notifications: readonly Notification[];
  readonly heartbeats: readonly Heartbeat[];
  readonly unprotected?: { readonly report: "warn" | "off"; readonly ignore: readonly HostPattern[] };
  readonly service: ServiceSettings;
  /** Not from its files: patterns of sources that `holdfast suspend` suspended on this machine, at once. */
  readonly suspended?: readonly string[];
}

/** How `holdfast watch` works. */
export interface ServiceSettings {
  /** From one look at everything to the next, when nothing else calls for one. */
  readonly every: Seconds;
  /** Percent by which `every` varies. */
  readonly jitter: number;
  /** Absent: nothing is served. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Further names that it is asked by. */
  readonly names?: readonly string[];
  /** Absent: nobody can change anything by HTTP. */
  readonly token?: SecretReference;
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

/** Where copies of sources are kept. */
export type Remote = ZfsRemote | ResticRemote;

export interface ZfsRemote {
  readonly name: RemoteName;
  readonly type: "zfs";
  /** Absent: the source's own host (a second pool). */
  readonly host?: HostName;
  /** May contain `{host}`. */
  readonly root: string;
  readonly mode: "push" | "pull";
  readonly deletions: "allow" | "never";
  /** Only where it was written. */
  readonly offsite?: boolean;
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

export const zfsRemotes = ({ remotes }: Pick<Manifest, "remotes">): ZfsRemote[] =>
  [...remotes.values()].filter((remote) => remote.type === "zfs");

/** A restic repository: a remote that backups fill, or a mirror that is filled from one. */
export interface Repository {
  readonly name: RemoteName;
  /** restic's own words for the place; where it is plain text, it may contain `{host}`. */
  readonly location: Text;
  readonly password: SecretReference;
  /** Set for every restic that works on it: credentials of the backend and its settings. */
  readonly environment: ReadonlyMap<string, Text>;
  /** Create it when it is certainly absent. */
  readonly init: boolean;
  /** Nothing is done unless something is mounted here; absolute. */
  readonly requireMount?: string;
  /** Bytes per second. */
  readonly limit: { readonly upload?: Bytes; readonly download?: Bytes };
  readonly priority: "normal" | "low" | "idle";
  readonly compression?: "auto" | "off" | "fastest" | "better" | "max";
  readonly packSize?: Bytes;
  /** Absolute; default: restic's own. */
  readonly cacheFolder?: string;
  /** How long a repository that somebody else has locked is waited for. */
  readonly retryLock?: Seconds;
  readonly deletions: "allow" | "never";
  /** Only where it was written. */
  readonly offsite?: boolean;
  readonly removable: boolean;
  readonly whileAway: "freeze" | "thin";
  readonly maxAge?: Seconds;
  readonly keep?: Retention;
  readonly maintenance: { readonly prune?: Prune; readonly check?: RepositoryCheck };
  readonly adopt: readonly AdoptRule[];
  readonly hooks: readonly Hook[];
}

export interface ResticRemote extends Repository {
  readonly type: "restic";
}

export interface Mirror extends Repository {
  /** The restic remote whose copies it takes. */
  readonly of: RemoteName;
}

/** Plain text, or a reference to where it is kept. */
export type Text = string | SecretReference;

export interface Scheduled {
  /** Five-field cron. */
  readonly schedule: string;
  readonly timezone: string;
}

export interface Prune extends Scheduled {
  /** As restic takes it: `10%`, a number of bytes, `unlimited`. */
  readonly maxUnused?: string;
}

export interface RepositoryCheck extends Scheduled {
  /** Percent of the data read each time, so that all is read in turn; absent: the structure only. */
  readonly readData?: number;
}

/** Copies that another tool made: one that has all that is given here counts like one of ours. */
export interface AdoptRule {
  readonly tag?: string;
  readonly host?: string;
  readonly path?: string;
  /** `HOST:DATASET` or `HOST:/PATH` of the source they are counted for; default: the one whose path and host they have. */
  readonly source?: string;
  /** The type they count as; default: the only one that is kept. */
  readonly type?: TypeName;
}

export interface Hook {
  readonly around: "snapshot" | "backup" | "run" | "remote";
  readonly before?: HookAction;
  /** Runs whenever `before` was tried. */
  readonly after?: HookAction;
  readonly timeout: Seconds;
  readonly onFailure: "abort" | "warn";
}
export type HookAction =
  /** A program and its arguments; no shell. */
  | { readonly command: readonly string[] }
  | {
      readonly http: {
        readonly url: Text;
        readonly method: "GET" | "POST" | "PUT";
        readonly headers: Readonly<Record<string, Text>>;
        readonly body?: string;
      };
    };

/** What is to be true of a source's files before and after they are read. */
export interface Expectation {
  readonly minFiles?: number;
  /** Percent of files or bytes that a backup may have less than the one before. */
  readonly shrinkAtMost?: number;
}

/** Restore drills of a source's copies. */
export interface Verify {
  /** When one is due; absent: only when somebody asks. */
  readonly schedule?: Scheduled;
  /** Bytes that each drill restores and compares; absent: everything. */
  readonly sample?: Bytes;
  /** A copy whose last good drill is longer ago is overdue. */
  readonly within?: Seconds;
}

/** What every source must have. */
export interface Requirements {
  /** Places the data is in, the source's own included. */
  readonly copies?: number;
  readonly offsite?: number;
  readonly immutable?: number;
  readonly encrypted?: true;
  readonly verifiedWithin?: Seconds;
}

/** What of a source's files is read, as restic has it. */
export interface FileSelection {
  /** Only these, relative to the source; everything when empty. */
  readonly include: readonly string[];
  /** Patterns; `!` in front takes back. */
  readonly exclude: readonly string[];
  readonly excludeIfPresent: readonly string[];
  readonly excludeCaches: boolean;
  readonly excludeLargerThan?: Bytes;
  readonly oneFileSystem: boolean;
}

/** Sources that are snapshotted together, all or none. */
export interface Group {
  /** `[HOST:]DATASET`, as written. */
  readonly sources: readonly string[];
  readonly place: Place;
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
  /** Of all that `restore --all` brings back, the highest comes first. */
  readonly priority?: number;
  readonly verify?: Verify;
  readonly expect?: Expectation;
  readonly files?: FileSelection;
  readonly hooks?: readonly Hook[];
  /** No files are read unless something is mounted here; absolute. */
  readonly requireMount?: string;
  readonly remotes?: ReadonlyMap<RemoteName, CopyKeys>;
}

/** Keys of a directory: `keep` is that of its copies where neither they nor the remote have their own. */
export type DirectoryKeys = Omit<SourceKeys, "recursive" | "skip" | "pin"> & {
  /** A command whose output is kept instead of files. */
  readonly stdin?: readonly string[];
};

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

export interface DirectoryEntry {
  /** The key as written. */
  readonly key: string;
  readonly host: HostName;
  /** Absolute and normal. */
  readonly path: DirectoryPath;
  readonly keys: DirectoryKeys;
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

/** What a notification tells. */
export type NotificationEvent = "failed" | "recovered" | "blocked" | "overdue";

/** Who is told when something is the matter, and when it is over. */
export type Notification = NotificationTarget & {
  readonly events: readonly NotificationEvent[];
  /** After so long what is still so is told again; absent: never. */
  readonly remind?: Seconds;
};

export type NotificationTarget =
  | {
      readonly type: "webhook";
      readonly url: SecretReference;
      readonly headers: Readonly<Record<string, Text>>;
    }
  /** The URL is the topic's. */
  | { readonly type: "ntfy"; readonly url: SecretReference; readonly token?: SecretReference }
  | { readonly type: "slack" | "discord"; readonly url: SecretReference }
  | { readonly type: "telegram"; readonly token: SecretReference; readonly chat: string; readonly server: string }
  | { readonly type: "gotify"; readonly url: SecretReference; readonly token: SecretReference }
  | {
      readonly type: "email";
      readonly smtp: { readonly url: SecretReference };
      readonly from: string;
      readonly to: readonly string[];
    };

/** Whom every clean pass is told, so that silence is noticed. */
export interface Heartbeat {
  readonly type: "healthchecks" | "uptimekuma" | "deadmanssnitch" | "get";
  readonly url: SecretReference;
}

/** The same text for two that reach the same place; holds references, and no secret. */
export function receiverOf(one: NotificationTarget | Heartbeat): string {
  switch (one.type) {
    case "telegram":
      return JSON.stringify([one.type, one.token, one.chat, one.server]);
    case "gotify":
      return JSON.stringify([one.type, one.url, one.token]);
    case "email":
      return JSON.stringify([one.type, one.smtp.url, [...one.to].sort()]);
    default:
      return JSON.stringify([one.type, one.url]);
  }
}
