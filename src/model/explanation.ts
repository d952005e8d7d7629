import type { AnyAt, KeptReason } from "./plan.ts";
import type { Address, Guid, RemoteName, TypeName } from "./units.ts";

/** The answer of `holdfast explain`. */
export type Explanation = SourceExplanation | SnapshotExplanation;

/** What a source's keys are and where each comes from. */
export interface SourceExplanation {
  readonly formatVersion: 1;
  readonly kind: "source";
  readonly source: Address;
  /** Only where one copy was asked for. */
  readonly remote?: RemoteName;
  readonly keys: readonly ExplainedKey[];
  /** What is planned here, and what is in the way. */
  readonly verdicts: readonly Verdict[];
}

export interface ExplainedKey {
  readonly key: string;
  /** As the manifest would write it. */
  readonly value: string;
  /** The entry, policy or default that sets it. */
  readonly from: string;
}

/** Why a snapshot, or a copy in a repository, is kept, destroyed, sent or blocked. */
export interface SnapshotExplanation {
  readonly formatVersion: 1;
  readonly kind: "snapshot";
  readonly source: Address;
  /** Absent: at the source itself. */
  readonly remote?: RemoteName;
  readonly at: AnyAt;
  readonly name: string;
  /** Absent for a snapshot that the plan creates, and for copies of what is no snapshot. */
  readonly guid?: Guid;
  /** restic's id of a copy, where one in a repository was asked for. */
  readonly copy?: string;
  /** ISO 8601, UTC. */
  readonly created?: string;
  /** Absent: no declared type matches its name. */
  readonly type?: TypeName;
  /** All of them, where a copy is of several. */
  readonly types?: readonly TypeName[];
  readonly places: readonly Presence[];
  readonly verdicts: readonly Verdict[];
}

/** Where the same point in time exists, matched by guid. */
export interface Presence {
  /** Absent: at the source itself. */
  readonly remote?: RemoteName;
  readonly at: AnyAt;
  readonly state: "snapshot" | "bookmark" | "copy" | "partial" | "absent" | "unobserved";
  /** Its name there, where it is another one. */
  readonly name?: string;
}

export interface Verdict {
  readonly what:
    | "create"
    | "keep"
    | "destroy"
    | "send"
    | "backup"
    | "copy"
    | "forget"
    | "resume"
    | "bookmark"
    /** Not on that remote, and not planned to go there. */
    | "not-sent"
    | "blocked"
    | "foreign"
    | "suspended"
    /** How the last drill of the copy went. */
    | "verified"
    /** Something that `require` asks for and is not so. */
    | "short"
    | "unobserved";
  /** The copy it is about. */
  readonly remote?: RemoteName;
  /** The rule that keeps it. */
  readonly rule?: KeptReason;
  readonly reason: string;
  /** What to do about it. */
  readonly remedies?: readonly string[];
}
