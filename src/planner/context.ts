import type { Scope } from "../manifest/scope.ts";
import type { Manifest } from "../model/manifest.ts";
import type { OperationId } from "../model/plan.ts";
import type { EpochSeconds } from "../model/units.ts";
import type { Consents } from "./consent.ts";
import type { Groups } from "./groups.ts";
import type { Observations } from "./observed.ts";
import type { Schedules } from "./schedule.ts";
import type { Copy, Source } from "./sources.ts";
import type { Classify } from "./types.ts";

/** What every rule is given: the manifest, the world and the clock, with the questions that are asked often. */
export interface PlanContext {
  readonly manifest: Manifest;
  readonly now: EpochSeconds;
  readonly observations: Observations;
  readonly scope: Scope;
  readonly classify: Classify;
  readonly retryPartial: boolean;
  readonly mayInit: boolean;
  /** Sources that are snapshotted together. */
  readonly groups: Groups;
  readonly schedules: Schedules;
  readonly consents: Consents;
  /** Snapshots that rollbacks somebody agreed to would destroy in all, where the guards let no plan destroy so many. */
  readonly rolledBackInAll?: number;
  /** Datasets that go in this plan, orphans or with a half-received stream: `HOST:DATASET`, and by which operation. */
  readonly going: ReadonlyMap<string, OperationId>;
  /** Whose copy belongs where: by `HOST:DATASET` of the target. */
  readonly copies: ReadonlyMap<string, { readonly source: Source; readonly copy: Copy }>;
}
