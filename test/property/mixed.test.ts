import fc from "fast-check";
import { atRepository } from "../../src/manifest/repositories.ts";
import type { RepositoryCopy, RepositoryInventory } from "../../src/model/inventory.ts";
import type { Manifest, ResticRemote } from "../../src/model/manifest.ts";
import {
  isOnRepository,
  type Operation,
  type Plan,
  type RepositoryOperation,
  type ZfsOperation,
} from "../../src/model/plan.ts";
import type { EpochSeconds, HostName, RepositoryKey } from "../../src/model/units.ts";
import { plan } from "../../src/planner/index.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import { execute, linearize, Stale, startRun, unitsOf } from "./execute.ts";
import { build, type Scenario, type Spec, specs } from "./histories.ts";
import { Referee } from "./invariants.ts";
import { layout, repositoryNamed, retention } from "./manifests.ts";
import { showManifest, showOperation, showWorld } from "./show.ts";
import { property } from "./trial.ts";
import { allDatasets, cloneWorld, toInventory, type World } from "./world.ts";

/** Datasets that ZFS remotes and a repository have copies of. */
interface Mixed extends Spec {
  readonly disk: Pick<ResticRemote, "deletions" | "whileAway" | "keep">;
  /** Which entries have it, by bits. */
  readonly users: number;
  /** It is made by the first plan, or there. */
  readonly isMade: boolean;
  readonly isAway: boolean;
  /** Which commands of the first pass fail before they do anything, by bits; those after the 16th begin anew. */
  readonly failing: number;
}

const mixed = (spec: fc.Arbitrary<Spec>): fc.Arbitrary<Mixed> =>
  fc
    .tuple(
      spec,
      fc.record({
        disk: fc.record({
          deletions: fc.constantFrom("allow" as const, "allow" as const, "never" as const),
          whileAway: fc.constantFrom("freeze" as const, "thin" as const),
          keep: retention,
        }),
        users: fc.integer({ min: 1, max: 15 }),
        isMade: fc.boolean(),
        isAway: fc.boolean(),
        failing: fc.oneof(fc.constant(0), fc.nat(65_535)),
      }),
    )
    .map(([one, more]) => ({ ...one, ...more }));

function withDisk({ manifest }: Scenario, { disk: keys, users }: Mixed): Manifest {
  const disk: ResticRemote = { ...repositoryNamed("disk", { init: true, ...keys }), type: "restic" };
  return {
    ...manifest,
    remotes: new Map([...manifest.remotes, [disk.name, disk]]),
    datasets: manifest.datasets.map((entry, index) =>
      entry.keys.remotes === undefined || ((users >> index) & 1) === 0
        ? entry
        : { ...entry, keys: { ...entry.keys, remotes: new Map([...entry.keys.remotes, [disk.name, {}]]) } },
    ),
  };
}

/** The repositories of all hosts, by what the manifest calls them. */
class Repositories {
  readonly copies = new Map<RepositoryKey, RepositoryCopy[] | undefined>();
  private ids = 0;

  constructor(manifest: Manifest, isMade: boolean) {
    const disk = [...manifest.remotes.values()].find((remote) => remote.type === "restic");
    for (const host of Object.keys(layout))
      if (disk) this.copies.set(atRepository(disk, host as HostName).repository, isMade ? undefined : []);
  }

  inventory(isAway: boolean): Record<RepositoryKey, RepositoryInventory> {
    const one = (copies: RepositoryCopy[] | undefined): RepositoryInventory => {
      if (isAway) return { state: "unobserved", reason: "it is away" };
      if (copies === undefined) return { state: "absent", resticVersion: "0.18.0" } as RepositoryInventory;
      return { state: "observed", resticVersion: "0.18.0", id: "id", chunkerPolynomial: "1", copies, locks: [] };
    };
    return Object.fromEntries([...this.copies].map(([key, copies]) => [key, one(copies)]));
  }

  run(operation: RepositoryOperation, world: World, created: ReadonlyMap<string, string>): void {
    const key = operation.at.repository;
    const there = this.copies.get(key);
    if (operation.kind === "init") this.copies.set(key, []);
    else if (there === undefined) throw new Error("there is no repository");
    else if (operation.kind === "backup") {
      const { snapshot, from, tags } = operation;
      if (!snapshot || !("dataset" in from)) throw new Error("it is of no snapshot");
      const guid = "guid" in snapshot ? snapshot.guid : created.get(snapshot.createdBy);
      const dataset = [...allDatasets(world)].find(({ host, name }) => host === from.host && name === from.dataset);
      const found = dataset?.dataset.snapshots.find((one) => one.guid === guid);
      if (!found) throw new Error(`@${snapshot.name} is not there`);
      const creation = found.creation as EpochSeconds;
      const id = `${++this.ids}`.padStart(64, "0");
      const time = new Date(creation * 1000).toISOString();
      const copy = { id, time, creation, tree: id, host: from.host, paths: [], tags: [...tags, `guid=${guid}`] };
      this.copies.set(
        key,
        [...there, copy].sort((a, b) => a.creation - b.creation || (a.id < b.id ? -1 : 1)),
      );
    } else if (operation.kind === "forget") {
      const gone = new Set(operation.copies.map(({ id }) => id));
      const left = there.filter(({ id }) => !gone.has(id));
      if (left.length + gone.size !== there.length) throw new Error("some of it is gone already");
      this.copies.set(key, left);
    } else throw new Error(`${operation.kind} was not expected`);
  }
}

class Trial {
  readonly wrong: string[] = [];
  readonly scenario: Scenario;
  readonly repositories: Repositories;

  constructor(spec: Mixed, planner: typeof plan) {
    const scenario = build(spec, planner);
    this.scenario = { ...scenario, manifest: withDisk(scenario, spec) };
    this.repositories = new Repositories(this.scenario.manifest, spec.isMade);
  }

  plan(options: Scenario["options"], isAway = false): Plan {
    const { manifest, world, now } = this.scenario;
    const inventory = { ...toInventory(world, now), repositories: this.repositories.inventory(isAway) };
    const made = plan(manifest, inventory, { now: now as EpochSeconds, ...options });
    for (const { reason, message } of made.blocked) if (reason === "bug") this.note(made, [message]);
    return made;
  }

  /** In the plan's order; what fails costs what depends on it. The backups that were made, as `backedUp` names them. */
  apply(made: Plan, options: Scenario["options"], failing = 0): string[] {
    const { world, now } = this.scenario;
    const referee = new Referee({ ...this.scenario, options });
    const run = startRun(world, now);
    const done = new Set<string>();
    const backups: string[] = [];
    // what is atomic is one command; a repository's operations are each its own
    for (const [nth, unit] of linearize(unitsOf(made as ZfsPlan), () => 0).entries()) {
      const [first] = unit.operations as readonly Operation[];
      if (!first || (failing >> (nth % 16)) & 1 || !unit.dependsOn.every((id) => done.has(id))) continue;
      const before = cloneWorld(world);
      try {
        if (isOnRepository(first)) this.repositories.run(first, world, run.created);
        else execute(run, unit);
        for (const id of unit.ids) done.add(id);
        backups.push(...backedUp({ ...made, operations: [first] }));
      } catch (error) {
        // where something failed before, what justified another operation may not have come about
        if (failing === 0 || !(error instanceof Stale))
          this.note(made, [`${unit.ids}: ${error instanceof Error ? error.message : error}`, showWorld(before)]);
      }
      if (!isOnRepository(first)) this.note(made, referee.judgeStep(unit, before, world));
    }
    return backups;
  }

  note(made: Plan, wrong: readonly string[]): void {
    if (wrong.length === 0) return;
    this.wrong.push(...wrong, ...(this.wrong.length === 0 ? [showManifest(this.scenario.manifest), shown(made)] : []));
  }
}

const shown = ({ operations, blocked }: Plan): string =>
  [...operations.map(show), ...blocked.map(({ source, reason, message }) => `! ${source} ${reason}: ${message}`)].join(
    "\n",
  );
const show = (operation: Operation): string =>
  isOnRepository(operation) ? operation.id : showOperation(operation as ZfsOperation);

/** Guids of the snapshots that a plan backs up, with where to. */
const backedUp = ({ operations }: Plan): string[] =>
  operations.flatMap((operation) =>
    operation.kind === "backup" && operation.snapshot && "guid" in operation.snapshot
      ? [`${operation.source} ${operation.snapshot.guid}`]
      : [],
  );

property("what repositories and ZFS remotes have of one source hinders neither", 0.06, mixed(specs()), (spec) => {
  const trial = new Trial(spec as Mixed, plan);
  const { options } = trial.scenario;
  if ((spec as Mixed).isAway) {
    const wanted = backedUp(trial.plan(options));
    const meanwhile = trial.plan(options, true);
    trial.apply(meanwhile, options);
    const back = trial.plan(options);
    const missing = wanted.filter((one) => !backedUp(back).includes(one));
    trial.note(
      meanwhile,
      missing.map((one) => `${one} was to be backed up, and is not any more`),
    );
  }
  const { failing } = spec as Mixed;
  if (failing > 0) {
    const broken = trial.plan(options);
    const backups = trial.apply(broken, options, failing);
    const next = backedUp(trial.plan(options));
    const lost = backedUp(broken).filter((one) => !backups.includes(one) && !next.includes(one));
    trial.note(
      broken,
      lost.map((one) => `${one} was not backed up, and is not any more`),
    );
  }
  const made = trial.plan(options);
  trial.apply(made, options);
  const rest = trial.plan(options);
  trial.note(
    rest,
    rest.operations.map((operation) => `after apply: ${operation.id}`),
  );
  return trial.wrong;
});
