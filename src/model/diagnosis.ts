import type { HostName } from "./units.ts";

/** What `holdfast doctor` found, host by host. */
export interface Diagnosis {
  readonly formatVersion: 1;
  readonly hosts: readonly HostDiagnosis[];
}

export interface HostDiagnosis {
  readonly host: HostName;
  readonly checks: readonly Check[];
}

/** Something that was looked at. */
export interface Check {
  readonly about: /** Whether commands run there at all, and how quickly. */
    | "reach"
    /** Whether the host's key is the one that is known. */
    | "host-key"
    /** OpenZFS: what the tools say and what the kernel has. */
    | "zfs"
    /** Its clock against the one here. */
    | "clock"
    /** What `zfs allow` has to grant. */
    | "rights"
    /** Space and health of a pool. */
    | "pool"
    /** Copies that the next boot or `zfs mount -a` would mount. */
    | "mounts"
    /** Programs that transfers need. */
    | "programs"
    /** A restic repository, as restic on this host finds it. */
    | "repository"
    /** A directory that is to be kept. */
    | "directory";
  readonly result: "good" | "warning" | "problem";
  /** In a sentence. */
  readonly message: string;
  /** What to do about it, each a command or a sentence; where all is well, what might be of use. */
  readonly advice: readonly string[];
}
