import type { DrillResult } from "../../src/model/drill.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { Operation, Plan } from "../../src/model/plan.ts";
import type { Bytes, EpochSeconds, Seconds } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { writeRecord } from "../../src/remotes/zfs/drill-record.ts";
import { build, type Spec, specs } from "./histories.ts";
import type { Judge } from "./judges.ts";
import { day } from "./manifests.ts";
import { property } from "./trial.ts";
import { allDatasets, cloneWorld, toInventory } from "./world.ts";

const verify = { schedule: { schedule: "0 6 * * *", timezone: "UTC" }, within: (30 * day) as Seconds };
const require = {
  copies: 3,
  offsite: 1,
  immutable: 1,
  encrypted: true,
  verifiedWithin: (30 * day) as Seconds,
} as const;

/** The same scenario without drills, with them, and with what a drill of every copy came to `hoursAgo`. */
function plans(
  spec: Spec,
  result: DrillResult,
  hoursAgo: number,
): readonly [without: Plan, withDrills: Plan, after: Plan] {
  const { manifest, world, now, options } = build(spec, plan);
  const all = { ...options, now: now as EpochSeconds };
  const verified: Manifest = { ...manifest, defaults: { ...manifest.defaults, verify }, require };
  const drilled = cloneWorld(world);
  const time = (now - hoursAgo * 3600) as EpochSeconds;
  const last = { time, result, of: "x", files: 1, bytes: 1 as Bytes, differs: result === "failed" ? ["a"] : [] };
  for (const { dataset } of allDatasets(drilled)) dataset.own.set("verified", writeRecord({ last }));
  return [
    plan(manifest, toInventory(world, now), all),
    plan(verified, toInventory(world, now), all),
    plan(verified, toInventory(drilled, now), all),
  ];
}

const isDrill = ({ kind }: Operation): boolean => kind === "verify";
const ids = ({ operations }: Plan): string[] => operations.filter((one) => !isDrill(one)).map(({ id }) => id);
/** The planner's own check: a step that cannot work, or something that would be left to do. */
const bugs = ({ blocked }: Plan): string[] =>
  blocked.filter(({ reason }) => reason === "bug").map(({ message }) => message);

/** Drills are added to what is done; nothing waits for one, and once they are done none is due. */
const addNothingElse: Judge = (spec) => {
  const [without, withDrills, passed] = plans(spec, "passed", 0);
  const drills = withDrills.operations.filter(isDrill);
  const drillIds = new Set(drills.map(({ id }) => id));
  const waiting = withDrills.operations.filter(
    (one) => !isDrill(one) && [...one.dependsOn, ...(one.after ?? [])].some((id) => drillIds.has(id)),
  );
  const others = withDrills.operations.length - drills.length;
  return [
    ...(bugs(without).length === 0 ? [...bugs(withDrills), ...bugs(passed)] : []),
    ...(`${ids(without)}` === `${ids(withDrills)}` ? [] : ["drills change what else is planned"]),
    ...(`${ids(without)}` === `${ids(passed)}` ? [] : ["a drill that passed changes what else is planned"]),
    ...waiting.map(({ id }) => `${id} waits for a drill`),
    ...(withDrills.operations.slice(others).every(isDrill) ? [] : ["something comes after a drill"]),
    // a copy that this plan makes anew has forgotten
    ...passed.operations
      .filter((one) => isDrill(one) && one.dependsOn.length === 0)
      .map(({ id }) => `${id} is due again`),
  ];
};

/** While a drill of any copy is a failed one, its source loses nothing that nobody agreed to, and nothing else changes. */
const keepAll: Judge = (spec) => {
  const unasked = {
    ...spec,
    allowDestroy: undefined,
    manifest: { ...spec.manifest, approvals: [] },
    approveOrphans: false,
  };
  const [without, , failed] = plans(unasked, "failed", 1);
  const bad = new Set(failed.verified?.filter(({ result }) => result === "failed").map(({ source }) => source));
  const isThinning = (one: Operation): boolean => one.kind === "destroy" && bad.has(one.source);
  const wanted = new Set(failed.operations.map(({ id }) => id));
  const lost = without.operations.filter((one) => {
    const isForDeletion =
      one.kind === "destroy" || one.kind === "adopt" || one.kind === "bookmark" || one.kind === "unbookmark";
    return !isForDeletion && !wanted.has(one.id);
  });
  return [
    ...(bugs(without).length === 0 ? bugs(failed) : []),
    ...failed.operations.filter(isThinning).map(({ id }) => `${id}, although a drill failed`),
    ...lost.map(({ id }) => `${id} is not done, because a drill failed`),
    ...[...bad].flatMap((source) =>
      failed.blocked.some((entry) => entry.source === source && entry.reason === "verify")
        ? []
        : [`${source} does not say why`],
    ),
  ];
};

property("drills come last and change nothing else, and once done they are done", 0.03, specs(), addNothingElse);
property("a drill that failed keeps all of its source", 0.03, specs(), keepAll);
