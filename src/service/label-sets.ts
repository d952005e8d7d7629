import type { BlockedReason, OperationKind } from "../model/plan.ts";
import type { Outcome } from "../model/report.ts";
import type { PassResult } from "../model/service.ts";
import type { Condition, CopyStatus } from "../model/status.ts";

/** All values that a label can have: series that are there at 0 from the start can be added up, and tell a first time. */

/** Records, so that a value that is new in the model does not compile until it is here. */
const keysOf = <K extends string>(all: Readonly<Record<K, unknown>>): readonly K[] => Object.keys(all) as K[];

export const RESULTS = keysOf<PassResult>({ clean: 0, waiting: 0, failed: 0, blocked: 0 });
export const OUTCOMES = keysOf<Outcome>({ done: 0, failed: 0, partial: 0, stale: 0, skipped: 0, interrupted: 0 });
export const CONDITIONS = keysOf<Condition["type"]>({ Ready: 0, Reconciling: 0, Blocked: 0, Stalled: 0 });

/** Where something is done, or is in the way: at a source, at its copies of a kind, or at whole repositories. */
type Where = "dataset" | "directory" | CopyStatus["kind"] | "repository";

const operations: Readonly<Record<OperationKind, readonly Where[]>> = {
  create: ["dataset"],
  adopt: ["dataset", "zfs"],
  discard: ["zfs"],
  rollback: ["zfs"],
  replace: ["zfs"],
  send: ["zfs"],
  resume: ["zfs"],
  // only by a restore, which no plan of the manifest has
  make: [],
  settle: [],
  "restore-files": [],
  bookmark: ["zfs"],
  unbookmark: ["zfs"],
  destroy: ["dataset", "zfs"],
  // of sources that are gone
  "destroy-orphan": [],
  init: ["repository"],
  backup: ["restic"],
  copy: ["mirror"],
  forget: ["restic", "mirror"],
  prune: ["repository"],
  check: ["repository"],
  verify: ["zfs", "restic", "mirror"],
  unlock: ["repository"],
  hook: ["dataset", "directory"],
};
export const KINDS = keysOf(operations);

const reasons: Readonly<Record<BlockedReason, readonly Where[]>> = {
  "source-missing": ["dataset", "restic"],
  ambiguous: ["dataset"],
  diverged: ["zfs"],
  modified: ["zfs"],
  "no-common-base": ["zfs"],
  occupied: ["zfs"],
  "name-conflict": ["zfs"],
  "name-too-long": ["zfs"],
  encryption: ["zfs", "restic"],
  feature: ["zfs"],
  redacted: ["zfs"],
  "partial-receive": ["zfs"],
  "no-files": ["restic"],
  "no-repository": ["restic", "mirror"],
  // only of a restore
  "no-copy": [],
  unseen: [],
  restoring: ["dataset"],
  group: ["dataset"],
  withheld: ["dataset", "zfs", "restic", "mirror"],
  "first-contact": ["dataset", "zfs", "restic", "mirror"],
  clock: ["dataset", "zfs", "restic", "mirror"],
  verify: ["dataset", "zfs", "restic", "mirror"],
  remedy: ["zfs"],
  // of sources that are gone
  orphan: [],
  bug: ["dataset"],
};

const at =
  <K extends string>(all: Readonly<Record<K, readonly Where[]>>) =>
  (where: Where): readonly K[] =>
    keysOf(all).filter((key) => all[key].includes(where));

/** What can be planned there. */
export const kindsAt = at(operations);
/** What can be in the way there. */
export const reasonsAt = at(reasons);
