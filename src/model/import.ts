/** The answer of `holdfast import --json`. */
export interface Imported {
  readonly formatVersion: 1;
  /** The manifest, as YAML. */
  readonly manifest: string;
  /** What was decided, and what could not be taken over. */
  readonly remarks: readonly Remark[];
}

/** Something of another tool's configuration that means something else here, or nothing. */
export interface Remark {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
  /** Keys that lead to what it is about in the manifest, such as `["datasets", "tank"]`; absent: all of it. */
  readonly at?: readonly string[];
}
