import type { Diagnostic } from "./diagnostic.ts";

/** The answer of `holdfast validate --json`. */
export interface Validation {
  readonly formatVersion: 1;
  /** True when there is no error; warnings do not count. */
  readonly valid: boolean;
  /** Digest of the manifest's meaning; absent when it is not valid. */
  readonly digest?: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The answer of `holdfast version --json`. */
export interface Version {
  readonly formatVersion: 1;
  readonly holdfast: string;
  readonly node: string;
  /** Versions of the formats that are read and written. */
  readonly formats: { readonly plan: 1; readonly report: 1; readonly inventory: 1; readonly manifest: 1 };
}
