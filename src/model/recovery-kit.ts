import type { Address, DatasetName, Guid, HostName } from "./units.ts";

/** The answer of `holdfast recovery-kit`: all that it takes to restore without Holdfast, and no secret. */
export interface RecoveryKit {
  readonly formatVersion: 1;
  /** ISO 8601, UTC. */
  readonly made: string;
  /** Of Holdfast. */
  readonly version: string;
  readonly manifest: KitManifest;
  /** Whose place the machine takes that the commands are run on; `null`: any that reaches the hosts. */
  readonly self: HostName | null;
  /** False where something could not be seen: that is described as the manifest has it. */
  readonly complete: boolean;
  /** What has to be looked after before this kit is of use. */
  readonly warnings: readonly string[];
  readonly secrets: readonly KitSecret[];
  /** Machines that are reached over SSH. */
  readonly machines: readonly KitMachine[];
  readonly sources: readonly KitSource[];
  /** Patterns of the manifest on hosts that could not be seen: which sources they mean is not known. */
  readonly unresolved: readonly string[];
  /** Run once, before those of any place. */
  readonly prepare: readonly KitCommands[];
  readonly places: readonly KitPlace[];
}

export interface KitManifest {
  readonly digest: string;
  /** As it was given, or found. */
  readonly path: string;
  readonly git?: {
    readonly commit: string;
    /** It is not as the commit has it. */
    readonly changed: boolean;
    /** Of the remote `origin`, without a password. */
    readonly origin?: string;
  };
}

/** Commands for bash that are run as they stand. */
export interface KitCommands {
  /** What they do. */
  readonly about: string;
  readonly source?: Address;
  readonly notes: readonly string[];
  /** Lines of one script. */
  readonly script: readonly string[];
}

/** Something that has to be kept apart from this page, by its name. */
export interface KitSecret {
  /** `password of usb`, `key of nas:tank/data`. */
  readonly what: string;
  readonly kind: "password" | "address" | "variable" | "identity" | "passphrase" | "zfs-key";
  /** As the manifest or ZFS has it; `nowhere`: somebody types it. */
  readonly where:
    | { readonly kind: "file" | "environment variable" | "command" | "credential" | "address"; readonly name: string }
    | { readonly kind: "agent" | "nowhere" | "unknown" };
  /** The machine that it is on; absent where it is the one that Holdfast runs on, and that is none of the hosts. */
  readonly host?: HostName;
  /** What cannot be read without it. */
  readonly opens: readonly string[];
  readonly fingerprint?: KitFingerprint;
  /** Why there is no fingerprint. */
  readonly unread?: string;
  /** Holdfast knows of it only on this machine, whose copies it opens. */
  readonly onlyOn?: HostName;
  readonly zfs?: KitKey;
}

export type KitFingerprint =
  /** Of a public key, as `ssh-keygen -l` prints it: `SHA256:…`. */
  | { readonly kind: "ssh"; readonly type: string; readonly value: string }
  /** scrypt of the secret without the newline at its end, in hex; the salt is text. */
  | { readonly kind: "scrypt"; readonly salt: string; readonly value: string };

/** How a dataset is encrypted, as its encryption root says. */
export interface KitKey {
  readonly root: DatasetName;
  readonly guid: Guid;
  /** `passphrase`, `hex` or `raw`. */
  readonly keyformat: string;
  /** `prompt`, or where it is loaded from. */
  readonly keylocation: string;
}

export interface KitMachine {
  readonly name: HostName;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Reached through it. */
  readonly jump?: HostName;
  readonly hostKeys: readonly { readonly type: string; readonly fingerprint: string }[];
  /** Why its host keys are not known. */
  readonly unread?: string;
}

export interface KitSource {
  readonly source: Address;
  /** Where it was mounted. */
  readonly mountpoint?: string;
  readonly copies: readonly KitCopy[];
}

export interface KitCopy {
  /** A remote or mirror. */
  readonly place: string;
  /** `HOST:DATASET`, or what it is known by in a repository. */
  readonly at: string;
  /** Of the newest that was seen: ISO 8601, UTC. */
  readonly newest?: string;
}

export interface KitPlace {
  readonly name: string;
  readonly kind: "zfs" | "restic" | "mirror";
  /** `HOST:DATASET`, or restic's own words; absent where they are a secret. */
  readonly address?: string;
  /** Of a mirror: the remote whose copies it takes. */
  readonly of?: string;
  /** The host whose restic looks after it, or whose pool it is. */
  readonly host: HostName;
  /** Of a restic repository. */
  readonly repository?: { readonly id: string; readonly key?: string };
  /** Why it could not be seen. */
  readonly unseen?: string;
  readonly needs: readonly string[];
  readonly notes: readonly string[];
  readonly commands: readonly KitCommands[];
}
