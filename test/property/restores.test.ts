import type { Plan } from "../../src/model/plan.ts";
import { isInPlace, writePlace } from "../../src/model/plan.ts";
import type { Address, EpochSeconds } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { Observations } from "../../src/planner/observed.ts";
import { planRestore, type RestoreRequest, restorable } from "../../src/planner/restore/index.ts";
import { World } from "../../src/planner/world.ts";
import { build, type Spec, specs } from "./histories.ts";
import { property } from "./trial.ts";
import { toInventory } from "./world.ts";

/** Requests of every shape for each source, which need not exist any more. */
const shapes: readonly Partial<RestoreRequest>[] = [
  {},
  { withSnapshots: true },
  { recursive: true, withSnapshots: true },
  { inPlace: true },
  { inPlace: true, recursive: true },
  { from: "source" },
];

/** What is restored is new, what is not asked for stays as it was, and the same again finds nothing to do. */
function restoresSafely(spec: Spec): string[] {
  const { manifest, world, now } = build(spec, plan);
  const inventory = toInventory(world, now);
  return restorable(manifest, new Observations(inventory)).flatMap(({ address }) =>
    shapes.flatMap((shape) => {
      const request = { now: now as EpochSeconds, source: address as Address, ...shape };
      const made = planRestore(manifest, inventory, request);
      const label = `${address} ${JSON.stringify(shape)}`;
      return wrongIn(made, request, inventory).map((wrong) => `${label}: ${wrong}`);
    }),
  );
}

function wrongIn(
  made: Plan,
  { inPlace, recursive, source }: RestoreRequest,
  inventory: ReturnType<typeof toInventory>,
): string[] {
  const wrong = made.blocked.flatMap(({ reason, message }) => (reason === "bug" ? [message] : []));
  if (wrong.length > 0) return wrong;
  const simulated = new World(inventory, Math.round(Date.parse(made.now) / 1000) as EpochSeconds);
  for (const operation of made.operations) simulated.run(operation);
  const after = simulated.inventory();
  const touched = new Set(made.operations.map(({ at }) => writePlace(at)));
  if (!inPlace && made.operations.some(isInPlace)) wrong.push("it gives up what nobody said");
  for (const [host, state] of Object.entries(inventory.hosts)) {
    if (state.state !== "observed") continue;
    const there = after.hosts[host as never] as typeof state;
    const guids = new Map(there.datasets.map((dataset) => [dataset.guid, dataset]));
    for (const dataset of state.datasets) {
      const name = `${host}:${dataset.name}`;
      const survivor = guids.get(dataset.guid);
      // an empty pool or placeholder may be received over, and a stream that was cut thrown away
      if (survivor === undefined && dataset.snapshots.length > 0) wrong.push(`${name} is gone`);
      if (survivor === undefined) continue;
      const kept = new Set(survivor.snapshots.map(({ guid }) => guid));
      const lost = dataset.snapshots.filter(({ guid }) => !kept.has(guid));
      const isAskedFor = inPlace === true && (name === source || (recursive === true && name.startsWith(`${source}/`)));
      if (lost.length > 0 && !isAskedFor) wrong.push(`${name} lost ${lost.length} snapshots`);
      if (
        !touched.has(name) &&
        survivor.name === dataset.name &&
        survivor.snapshots.length !== dataset.snapshots.length
      )
        wrong.push(`${name} was changed`);
    }
  }
  return wrong;
}

property("a restore harms nothing, and ends", 0.03, specs(), restoresSafely);
