import type { RepositoryInventory } from "../../src/model/inventory.ts";
import type { Manifest, ResticRemote } from "../../src/model/manifest.ts";
import type { SimulatedPlace } from "../../src/model/simulation.ts";
import type { Address, DatasetName, EpochSeconds, HostName, RemoteName } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import { simulate } from "../../src/planner/simulate/index.ts";
import { World } from "../../src/planner/world.ts";
import { build, type Spec, specs } from "./histories.ts";
import { byType, day, layout, repositoryNamed } from "./manifests.ts";
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

/** With a repository that is still to be made, of every source that has remotes. */
function withDisk(manifest: Manifest): Manifest {
  const name = "disk" as RemoteName;
  const disk: ResticRemote = {
    ...repositoryNamed(name, { init: true, keep: byType({ daily: 2, hourly: 3 }) }),
    type: "restic",
  };
  return {
    ...manifest,
    remotes: new Map([...manifest.remotes, [name, disk]]),
    datasets: manifest.datasets.map(({ keys, ...entry }) => ({
      ...entry,
      keys: keys.remotes ? { ...keys, remotes: new Map([...keys.remotes, [name, {}]]) } : keys,
    })),
  };
}

const absent: RepositoryInventory = { state: "absent" };
const noDisks = Object.fromEntries(Object.keys(layout).map((host) => [`disk@${host}`, absent]));

/** What a simulation shows of its first date is what the plan for that moment, carried out, leads to. */
function beginsWithThePlan(spec: Spec): readonly string[] {
  const { manifest: without, world, now } = build(spec, plan);
  const manifest = withDisk(without);
  const inventory = { ...toInventory(world, now), repositories: noDisks };
  const clock = now as EpochSeconds;
  const applied = new World(inventory, clock);
  const all = { now: clock, allHosts: true, allowDestroy: Number.MAX_SAFE_INTEGER };
  for (const operation of plan(manifest, inventory, all).operations) applied.run(operation);
  const after = applied.inventory();
  const namesAt = (source: Address, at: SimulatedPlace["at"]): string[] => {
    if ("dataset" in at) {
      const there = after.hosts[at.host];
      const found = there?.state === "observed" ? there.datasets.find(({ name }) => name === at.dataset) : undefined;
      return found?.snapshots.map(({ name }) => name) ?? [];
    }
    const there = "repository" in at ? after.repositories?.[at.repository] : undefined;
    return (there?.state === "observed" ? there.copies : []).flatMap(({ tags }) =>
      tags.includes(`source=${source}`)
        ? tags.flatMap((tag) => (tag.startsWith("type=") ? [`${tag.slice(5)}-1`] : []))
        : [],
    );
  };
  const simulation = simulate(manifest, inventory, { dates: [clock], from: "observed", allHosts: true, mostPasses });
  return simulation.groups.flatMap(({ sources, places }) => {
    // what cannot be seen is left out here, and may hold things up there
    if (places.some(({ unobserved }) => unobserved !== undefined)) return [];
    return places.flatMap(({ name, kind, at, dates }) =>
      // of the others of a group only their own place is known here
      (kind === "source" ? sources : sources.slice(0, 1)).flatMap((source) => {
        const [host = "", dataset = ""] = source.split(":");
        const own = { host: host as HostName, dataset: dataset as DatasetName };
        const expected = countsIn(manifest, namesAt(source, kind === "source" ? own : at)) || "none";
        const types = (dates[0]?.types ?? []).map(({ type, count }) => `${count} ${type}`);
        const shown = types.sort().join(", ") || "none";
        return shown === expected ? [] : [`${source} on ${name}: ${shown}, but the plan leaves ${expected}`];
      }),
    );
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
