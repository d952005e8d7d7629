import type { Dataset } from "../../model/inventory.ts";
import type { Blocked, Operation } from "../../model/plan.ts";
import type { Bytes } from "../../model/units.ts";
import type { PlanContext } from "../../planner/context.ts";
import type { Why } from "../../planner/retention.ts";
import type { Copy, Source } from "../../planner/sources.ts";
import { arriving, type View, viewsOf } from "../../planner/view.ts";
import { type Base, findBase } from "./base.ts";
import { blockedCopy, type Finding } from "./blocked.ts";
import { chooseStream, type Encryption } from "./encryption.ts";
import { countedAmong, type Facts, type LocalSide, newerThan, wantedThere } from "./facts.ts";
import { missingFeatures } from "./features.ts";
import { findObstacle, nameClash, nameTooLong } from "./obstacles.ts";
import { discard, refuseDiscard, resume, resumeProblem, withoutReceive } from "./partial.ts";
import { isPlaceholder } from "./placeholder.ts";
import { refuseReplace, refuseRollback, replace, rollback } from "./remedies.ts";
import { bookmarkBase, send } from "./streams.ts";

/** What becomes of one copy: its operations, and what both sides must keep because of it. */
export interface CopyPlan {
  readonly copy: Copy;
  readonly state: "planned" | "blocked" | "away";
  readonly operations: readonly Operation[];
  readonly blocked?: Blocked;
  /** The remote's side after the transfers, by its createtxg; empty where it is absent or away. */
  readonly after: readonly View[];
  readonly dataset?: Dataset;
  /** The dataset is made, or made anew, by this plan. */
  readonly made: boolean;
  /** Newest snapshot that both sides have now. */
  readonly shared?: Base;
  /** Newest snapshot that both sides have afterwards. */
  readonly base?: Base;
  /** Snapshots of the source that must stay for this copy, by `View.key`. */
  readonly pins: ReadonlyMap<string, Why>;
}

/**
 * Rule 2 for one copy on a ZFS remote: what goes there, from which base, and what is in the way.
 * A copy outside this process's scope is planned all the same, for what it pins, and its operations dropped.
 */
export function planCopy(context: PlanContext, source: Source, local: LocalSide, copy: Copy): CopyPlan {
  const observed = context.observations.look(copy.host, copy.target);
  if (observed.state === "unobserved") {
    return { copy, state: "away", operations: [], after: [], made: false, pins: new Map() };
  }
  const target = observed.state === "present" ? observed.dataset : undefined;
  const plan = planPresent({
    context,
    source,
    local,
    copy,
    target,
    from: { host: source.host, dataset: source.dataset },
    at: { host: copy.host, dataset: copy.target },
  });
  if (context.scope.copies(source.host, copy.remote)) return plan;
  return outOfScope(plan, local);
}

/** What a copy lacks of what its keep calls for, whoever brings it there. */
export function lackingThere(context: PlanContext, source: Source, local: LocalSide, copy: Copy): readonly View[] {
  const observed = context.observations.look(copy.host, copy.target);
  const target = observed.state === "present" ? observed.dataset : undefined;
  const from = { host: source.host, dataset: source.dataset };
  const at = { host: copy.host, dataset: copy.target };
  const facts = { context, source, local, copy, target, from, at };
  return wantedThere(facts, viewsOf(target, context.classify), findBase(local, target));
}

/** Somebody else transfers: the source keeps what is still to go. */
function outOfScope(plan: CopyPlan, local: LocalSide): CopyPlan {
  const there = new Set(plan.dataset?.snapshots.map(({ guid }) => guid as string));
  const pins = new Map(plan.pins);
  const remote = plan.copy.remote.name;
  for (const view of plan.after) {
    if (!there.has(view.key)) pins.set(view.key, { reason: "waiting", detail: `${remote} has yet to get it` });
  }
  const base = findBase(local, plan.dataset);
  if (base) pins.set(base.view.key, { reason: "base", detail: `newest shared with ${remote}` });
  const { base: _, ...rest } = plan;
  const after = plan.after.filter((view) => there.has(view.key));
  return { ...rest, operations: [], after, pins, ...(base && { base }) };
}

/** The remote's side as a step of the plan finds it. */
interface Remote {
  readonly views: readonly View[];
  readonly base: Base | undefined;
  readonly encryption: Encryption;
}

function planPresent(facts: Facts): CopyPlan {
  const { context, source, local, copy, target } = facts;
  const base = findBase(local, target);
  const { encryption, problem } = chooseStream(facts, target);
  const remote = { views: viewsOf(target, context.classify), base, encryption };
  const obstacle = findObstacle(facts, remote.views, base, encryption.raw) ?? problem;
  if (!obstacle) return transfer(facts, remote);
  const found = possibleThere(facts, obstacle);
  const remedy = context.consents.remedy(source.address, copy.remote.name, found.remedies);
  if (!remedy) return block(facts, remote, found);
  if (remedy === "replace") return replaceAll(facts, remote, found);
  return problem ? replaceIfAgreed(facts, remote, found, problem) : rollBack(facts, remote, found);
}

/** Nothing is ever rolled back where nothing is deleted. */
function possibleThere({ copy }: Facts, finding: Finding): Finding {
  if (copy.remote.deletions !== "never" || !finding.remedies.includes("rollback")) return finding;
  return {
    ...finding,
    evidence: [...finding.evidence, "the remote is append-only (deletions: never), so nothing is rolled back"],
    remedies: finding.remedies.filter((remedy) => remedy !== "rollback"),
  };
}

/** No operation at all: what the remote waits for and its base stay at the source. */
function block(facts: Facts, { views, base }: Remote, finding: Finding): CopyPlan {
  const { source, copy, target } = facts;
  const { name } = copy.remote;
  const pins = new Map<string, Why>();
  const newer = newerThan(facts, base);
  const waiting = countedAmong(facts, newer, newer);
  for (const { key } of waiting) pins.set(key, { reason: "waiting", detail: `${name} is blocked` });
  if (base) pins.set(base.view.key, baseWhy(facts));
  const content = target?.resume?.content;
  if (content) pins.set(content.toGuid, { reason: "partial-receive", detail: `half received by ${name}` });
  if (content?.fromGuid) {
    pins.set(content.fromGuid, { reason: "partial-receive", detail: `base of what ${name} half received` });
  }
  const there = new Set(views.map(({ key }) => key));
  const missing = waiting.filter((view) => !there.has(view.key));
  const bytes = missing.reduce((sum, view) => sum + (view.snapshot?.written ?? 0), 0) as Bytes;
  return {
    copy,
    state: "blocked",
    operations: [],
    blocked: blockedCopy(source, copy, finding, { snapshots: missing.length, bytes }),
    after: views,
    made: false,
    pins,
    ...(target && { dataset: target }),
    ...(base && { base, shared: base }),
  };
}

function rollBack(facts: Facts, remote: Remote, finding: Finding): CopyPlan {
  const { views, base, encryption } = remote;
  const to = finding.reason === "modified" ? views.at(-1) : base && views[base.remoteIndex];
  if (!to || !base) return block(facts, remote, finding);
  const kept = views.indexOf(to) + 1;
  const refusal = refuseRollback(facts, views.slice(kept), finding);
  if (refusal) return replaceIfAgreed(facts, remote, finding, refusal);
  const first = facts.target?.resume ? discard(facts, facts.target) : undefined;
  const operation = rollback(facts, to, views.slice(kept), finding, first);
  return transfer(facts, { views: views.slice(0, kept), base, encryption }, first ? [first, operation] : [operation]);
}

/** Where it cannot be rolled back, an approval to replace it counts in this pass as it would in the next. */
function replaceIfAgreed(facts: Facts, remote: Remote, finding: Finding, refusal: Finding): CopyPlan {
  const { context, source, copy } = facts;
  const agreed = context.consents.remedy(source.address, copy.remote.name, ["replace"]);
  return agreed ? replaceAll(facts, remote, finding) : block(facts, remote, refusal);
}

function replaceAll(facts: Facts, remote: Remote, finding: Finding): CopyPlan {
  const { encryption, problem } = chooseStream(facts, undefined);
  const refusal = problem ?? refuseReplace(facts, finding);
  if (refusal) return block(facts, remote, refusal);
  return transfer(facts, { views: [], base: undefined, encryption }, [replace(facts, finding)]);
}

/** Resume or discard what is half received, then send what is wanted. `remedies` have dealt with what was there. */
function transfer(facts: Facts, remote: Remote, remedies: readonly Operation[] = []): CopyPlan {
  const { copy, target } = facts;
  const operations: Operation[] = [...remedies];
  const isReplaced = remedies.some(({ kind }) => kind === "replace");
  const placeholder = !isReplaced && target !== undefined && isPlaceholder(target);
  let isThere = target !== undefined && !isReplaced;
  let { base, encryption } = remote;
  // what is half received is gone on with or thrown away: its base is no clone's origin then
  let there = target?.resume ? remote.views.map((view) => withoutReceive(view, facts.at.dataset)) : remote.views;
  if (target?.resume && remedies.length === 0) {
    const problem = resumeProblem(facts, target, remote.views, base, encryption.raw);
    if (problem === undefined) {
      const { operation, arrives } = resume(facts, target, base, encryption, placeholder);
      operations.push(operation);
      there = [...there, arriving(arrives)];
      base = baseAt(arrives, there);
    } else {
      const refusal = refuseDiscard(facts, problem);
      if (refusal) return block(facts, remote, refusal);
      operations.push(discard(facts, target, problem));
      if (remote.views.length === 0 && !placeholder) {
        isThere = false;
        encryption = chooseStream(facts, undefined).encryption;
      }
    }
  }
  const wanted = wantedThere(facts, there, base);
  const clash = nameClash(facts, there, wanted);
  if (clash) return block(facts, remote, clash);
  const tooLong = nameTooLong(facts, wanted);
  if (tooLong) return block(facts, remote, tooLong);
  const lacking = wanted.length > 0 ? missingFeatures(facts, encryption) : undefined;
  if (lacking) return block(facts, remote, lacking);
  operations.push(...send(facts, wanted, there, base, encryption, { isThere, placeholder }, operations.at(-1)?.id));
  there = [...there, ...wanted.map(arriving)];
  const last = wanted.at(-1);
  const after = last ? baseAt(last, there) : base;
  if (after) operations.push(...bookmarkBase(facts, after, operations.at(-1)?.id));
  return {
    copy,
    state: "planned",
    operations,
    after: there,
    made: remote.views.length === 0,
    pins: new Map(after ? [[after.view.key, baseWhy(facts)]] : []),
    ...(target && { dataset: target }),
    ...(remote.base && { shared: remote.base }),
    ...(after && { base: after }),
  };
}

/** What has just arrived is the newest that both sides have. */
const baseAt = (view: View, there: readonly View[]): Base => ({
  view,
  txg: view.snapshot?.createtxg as Base["txg"],
  remoteIndex: there.length - 1,
});

const baseWhy = ({ copy }: Facts): Why => ({ reason: "base", detail: `newest shared with ${copy.remote.name}` });
