import type { EpochSeconds } from "../model/units.ts";

/** What reading a manifest depends on besides its text. */
export interface ParseOptions {
  /** `--as` or HOLDFAST_AS: the name of a host, or `none`. */
  readonly as?: string;
  /** The machine's own name. */
  readonly hostname: string;
  /** Who runs Holdfast: the user that other hosts are logged in to as, unless the manifest names one. */
  readonly user: string;
  /** What `~/` stands for in paths. */
  readonly home?: string;
  /** Absolute: where relative paths start. */
  readonly folder: string;
  readonly now: EpochSeconds;
}
