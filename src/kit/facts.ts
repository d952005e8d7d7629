import type { SecretReference } from "../model/manifest.ts";
import type { KitFingerprint, KitKey } from "../model/recovery-kit.ts";
import type { HostName, RepositoryKey } from "../model/units.ts";
import type { KnownKey } from "../transport/known-hosts.ts";

/** What a kit tells beside the manifest and the inventory: where something could not be had, why. */
export interface Facts {
  /** By `secretId`. */
  readonly secrets: ReadonlyMap<string, Proof>;
  /** Of hosts that are reached over SSH: the keys that open them, with where each is from. */
  readonly identities: ReadonlyMap<HostName, Had<readonly Identified[]>>;
  readonly hostKeys: ReadonlyMap<HostName, Had<readonly KnownKey[]>>;
  /** By `HOST:ROOT`. */
  readonly zfsKeys: ReadonlyMap<string, KitKey & Proof>;
  /** The key that the password opens, as `restic key list` names it. */
  readonly repositoryKeys: ReadonlyMap<RepositoryKey, string>;
}

export type Had<T> = { readonly value: T } | { readonly unread: string };

/** How a secret is known again. */
export interface Proof {
  readonly fingerprint?: KitFingerprint;
  readonly unread?: string;
}

export interface Identified extends Proof {
  /** Absent where an agent has it. */
  readonly file?: string;
  /** Where the manifest says so. */
  readonly reference?: SecretReference;
}
