import type { Blocked, Operation, Summary, Unobserved } from "./plan.ts";
import type { Address, HostName, RemoteName } from "./units.ts";

/** What a change of the manifest alone does: two plans over the same inventory and clock, and their difference. */
export interface Comparison {
  readonly formatVersion: 1;
  readonly base: ComparedManifest;
  readonly head: ComparedManifest;
  readonly self: HostName | null;
  /** ISO 8601, UTC. */
  readonly observedAt: string;
  /** ISO 8601, UTC. */
  readonly now: string;
  readonly complete: boolean;
  readonly unobserved: readonly Unobserved[];
  /** The change in a sentence. */
  readonly headline: string;
  /** What is done because of the change. Operations are cut down to what the base's plan does not do. */
  readonly does: PlanPart;
  /** What the base's plan does and the head's does not. */
  readonly stops: PlanPart;
  readonly sources: { readonly added: readonly Address[]; readonly ended: readonly Address[] };
  readonly copies: { readonly added: readonly CopyName[]; readonly ended: readonly CopyName[] };
  /** What the head's manifest can make machines do and the base's cannot: `hook: systemctl stop app`. */
  readonly powers?: readonly string[];
  /** Keys of sources that both manifests have, with another value. */
  readonly keys: readonly ChangedKey[];
}

export interface ComparedManifest {
  /** As it was named: a path, `git:REF`. */
  readonly manifest: string;
  readonly digest: string;
}

export interface PlanPart {
  readonly operations: readonly Operation[];
  readonly blocked: readonly Blocked[];
  readonly summary: Summary;
}

export interface CopyName {
  readonly source: Address;
  readonly remote: RemoteName;
  /** True when the copy is on another host than its source. */
  readonly offSite: boolean;
}

export interface ChangedKey {
  readonly source: Address;
  readonly key: string;
  /** As the manifest would write it; absent where the key was not there. */
  readonly before?: string;
  readonly after?: string;
}
