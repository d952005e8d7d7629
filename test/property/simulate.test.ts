import type { Manifest } from "../../src/model/manifest.ts";
import type { EpochSeconds, HostName } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { simulate } from "../../src/planner/simulate/index.ts";
import { World } from "../../src/planner/world.ts";
import { build, type Spec, specs } from "./histories.ts";
import { day } from "./manifests.ts";
import { typeOf } from "./resolve.ts";
import { property } from "./trial.ts";
import { toInventory } from "./world.ts";

const mostPasses = 10_000;

/** `2 daily, 1 weekly`, in no order but that of the names. */
function countsIn(manifest: Manifest, names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const type = typeOf(manifest, name);
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return [...counts]
    .map(([type, count]) => `${count} ${type}`)
    .sort()
    .join(", ");
}

/** What a simulation shows of its first date is what the plan for that moment, carried out, leads to. */
function beginsWithThePlan(spec: Spec): readonly string[] {
  const { manifest, world, now } = build(spec, plan);
  const inventory = toInventory(world, now);
  const clock = now as EpochSeconds;
  const applied = new World(inventory, clock);
  const all = { now: clock, allHosts: true, allowDestroy: Number.MAX_SAFE_INTEGER };
  for (const operation of plan(manifest, inventory, all).operations) applied.run(operation);
  const after = applied.inventory();
  const simulation = simulate(manifest, inventory, { dates: [clock], from: "observed", allHosts: true, mostPasses });
  return simulation.groups.flatMap(({ sources, places }) => {
    // what cannot be seen is left out here, and may hold things up there
    if (places.some(({ unobserved }) => unobserved !== undefined)) return [];
    return places.flatMap(({ name, kind, at, dates }) => {
      if (!("dataset" in at)) return [];
      const [first] = sources;
      return sources.flatMap((source) => {
        const dataset = kind === "source" ? source.slice(source.indexOf(":") + 1) : at.dataset;
        if (kind !== "source" && source !== first) return [];
        const host = (kind === "source" ? source.slice(0, source.indexOf(":")) : at.host) as HostName;
        const there = after.hosts[host];
        const found = there?.state === "observed" ? there.datasets.find((one) => one.name === dataset) : undefined;
        const expected = countsIn(manifest, found?.snapshots.map(({ name }) => name) ?? []);
        const shown = (dates[0]?.types ?? [])
          .map(({ type, count }) => `${count} ${type}`)
          .sort()
          .join(", ");
        return shown === expected
          ? []
          : [`${source} on ${name}: ${shown || "none"}, but the plan leaves ${expected || "none"}`];
      });
    });
  });
}

/** Whatever there is: each pass of some days works, one after the other, and the same comes out again. */
function goesOn(spec: Spec): readonly string[] {
  const { manifest, world, now } = build(spec, plan);
  const inventory = toInventory(world, now);
  const dates = [now, now + 2 * day, now + 9 * day] as EpochSeconds[];
  const play = () => simulate(manifest, inventory, { dates, from: "observed", allHosts: true, mostPasses });
  const first = play();
  const wrong = first.groups.flatMap(({ sources, places }) =>
    places.flatMap(({ name, unobserved, dates: shown }) =>
      shown.length === (unobserved === undefined ? dates.length : 0)
        ? []
        : [`${sources[0]} on ${name}: ${shown.length} dates`],
    ),
  );
  return JSON.stringify(play()) === JSON.stringify(first) ? wrong : [...wrong, "another one from the same input"];
}

property("a simulation begins with what the plan leads to", 0.04, specs(), beginsWithThePlan);
property("and goes on from there", 0.004, specs(), goesOn);
