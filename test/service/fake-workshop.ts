import { Engine } from "../../src/apply/engine.ts";
import { togetherWith } from "../../src/apply/graph.ts";
import { Limits } from "../../src/apply/lanes.ts";
import type { Inventory } from "../../src/model/inventory.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import { isOnDataset, type Operation, type Plan } from "../../src/model/plan.ts";
import type { ManifestState } from "../../src/model/service.ts";
import type { EpochSeconds, Guid, HostName, Seconds } from "../../src/model/units.ts";
import { plan, planSnapshot } from "../../src/planner/index.ts";
import type { Result } from "../../src/remotes/result.ts";
import type { History } from "../../src/service/history.ts";
import { type Log, Service, type ServiceOptions } from "../../src/service/service.ts";
import { split } from "../../src/service/split.ts";
import type { Workshop } from "../../src/service/workshop.ts";
import { execute, startRun } from "../property/execute.ts";
import { toInventory, type World } from "../property/world.ts";
import type { FakeClock } from "./fake-clock.ts";

/** Comes before an operation is carried out: waits, or ends it in its own way. */
export type Gate = (operation: Operation) => Result | undefined | Promise<Result | undefined>;

/** A workshop on a simulated world: the real planner and engine, and nothing of the outside. */
export class FakeWorkshop implements Workshop {
  readonly manifest: Manifest;
  readonly world: World;
  /** By the machine's clock: when each look began. */
  readonly looks: number[] = [];
  readonly started: string[] = [];
  gate: Gate = () => undefined;
  /** Somebody else's work. */
  lockedBy: string | undefined;
  locks = 0;
  lookFails: Error | undefined;
  closed = false;
  readonly #clock: FakeClock;
  readonly #limits = new Limits(4);

  constructor(manifest: Manifest, world: World, clock: FakeClock) {
    this.manifest = manifest;
    this.world = world;
    this.#clock = clock;
  }

  async look(signal: AbortSignal) {
    signal.throwIfAborted();
    this.looks.push(this.#clock.now());
    if (this.lookFails) throw this.lookFails;
    const inventory = this.#inventory();
    const made = plan(this.manifest, inventory, { now: this.#now(), mayInit: false });
    return { inventory, plan: made, observeSeconds: { ["a" as HostName]: 0 as Seconds } };
  }

  async lock() {
    if (this.lockedBy !== undefined) return { reason: this.lockedBy };
    this.locks += 1;
    return {
      release: () => {
        this.locks -= 1;
      },
    };
  }

  async planSnapshot(...[type, sources]: Parameters<Workshop["planSnapshot"]>) {
    return planSnapshot(this.manifest, this.#inventory(), { now: this.#now(), type, ...(sources && { sources }) });
  }

  run(made: Plan, { signal, urgent, superseded, onEvent }: Parameters<Workshop["run"]>[1]) {
    const run = startRun(this.world, this.#now());
    const engine = new Engine(
      made,
      { limits: this.#limits, signal, urgent, superseded, onEvent, now: () => new Date(this.#clock.now()) },
      {
        eyes: {
          observe: async ({ host, dataset }) => {
            const there = this.#inventory().hosts[host];
            if (there?.state !== "observed") return { state: "unobserved", reason: "away" };
            const found = there.datasets.find(({ name }) => name === dataset);
            return found === undefined ? { state: "absent" } : { state: "present", dataset: found };
          },
          skim: async () => undefined,
          glance: async (host, datasets) => {
            const there = this.#inventory().hosts[host];
            const all = there?.state === "observed" ? there.datasets : [];
            return new Map<string, Guid>(
              all.filter(({ name }) => datasets.includes(name)).map(({ name, guid }) => [name, guid]),
            );
          },
          list: async () => ({ state: "unobserved", reason: "there is none" }),
        },
        run: async (operations, context) => {
          this.started.push(...operations.map(({ id }) => id));
          const results = await Promise.all(operations.map((operation) => this.gate(operation)));
          const ended = results.find((result) => result !== undefined);
          if (ended) return new Map(operations.map(({ id }) => [id, ended]));
          const mine = operations.filter(isOnDataset);
          execute(run, { operations: mine, ids: mine.map(({ id }) => id), dependsOn: [], after: [] });
          for (const { id } of mine) {
            const guid = run.created.get(id);
            if (guid !== undefined) context.created(id, guid);
          }
          return new Map(operations.map(({ id }) => [id, { outcome: "done" }]));
        },
      },
    );
    return engine.run();
  }

  async close() {
    this.closed = true;
  }

  #inventory(): Inventory {
    return toInventory(this.world, this.#now());
  }

  #now(): EpochSeconds {
    return Math.floor(this.#clock.now() / 1000) as EpochSeconds;
  }
}

export const manifestState: ManifestState = {
  path: "/etc/holdfast/holdfast.yaml",
  digest: "0",
  valid: true,
  loadedAt: "2026-01-01T00:00:00.000Z",
};

const silent: Log & { readonly lines: string[] } = {
  lines: [],
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/** A log that remembers. */
export function notebook(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const note = (level: string) => (details: object, message: string) => {
    const error = "error" in details ? ` (${String(details.error)})` : "";
    lines.push(`${level} ${message}${error}`);
  };
  return { lines, debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
}

/** A service at work on fake time; `end` stops it and waits for its end. */
export function startService(
  workshop: Workshop,
  clock: FakeClock,
  options: Partial<ServiceOptions> = {},
): { readonly service: Service; readonly end: () => Promise<void>; readonly saved: History[] } {
  const saved: History[] = [];
  const service = new Service(workshop, manifestState, {
    clock,
    chance: () => 0.5,
    version: "0.0.0",
    history: {
      path: "/nowhere",
      load: () => ({ runs: [], conditions: new Map(), lastAttempts: [], lastSeen: [] }),
      save: (history) => {
        saved.push(history);
      },
    },
    log: silent,
    split: (operations) => split(operations, togetherWith),
    ...options,
  });
  const stop = new AbortController();
  const running = service.run(stop.signal, new AbortController().signal);
  return {
    service,
    saved,
    end: () => {
      stop.abort();
      return running;
    },
  };
}
