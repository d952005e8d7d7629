import type { Remedy } from "../model/manifest.ts";
import type { EpochSeconds, RemoteName } from "../model/units.ts";

/** What a plan depends on besides the manifest and the inventory. */
export interface PlanOptions {
  readonly now: EpochSeconds;
  /** `[HOST:]DATASET`, globs allowed: only these sources. */
  readonly target?: readonly string[];
  /** `[HOST:]DATASET`, globs allowed: all but these sources. */
  readonly exclude?: readonly string[];
  /** Also what other hosts are responsible for. */
  readonly allHosts?: boolean;
  /** Most withheld deletions to let through. */
  readonly allowDestroy?: number;
  readonly resolve?: ReadonlyMap<RemoteName, Remedy>;
  /** Repositories that are not there are made where the manifest says so; default: true. */
  readonly mayInit?: boolean;
  /** Copies that lack files are made again, be there something newer or not. */
  readonly retryPartial?: boolean;
}
