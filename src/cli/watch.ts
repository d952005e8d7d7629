import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { togetherWith } from "../apply/graph.ts";
import { Limits } from "../apply/index.ts";
import { newPowers } from "../host/powers.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ServiceSource } from "../model/service.ts";
import type { EpochSeconds } from "../model/units.ts";
import { assess } from "../planner/status.ts";
import { systemClock } from "../service/clock.ts";
import { historyFile } from "../service/history.ts";
import { Keeper } from "../service/keeper.ts";
import { Service } from "../service/service.ts";
import { split } from "../service/split.ts";
import { acquireLock } from "../transport/index.ts";
import { connectSystemd } from "../transport/systemd.ts";
import { type GlobalOptions, openLog, stateFolder } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Followed, followFiles, followGit } from "./followed.ts";
import type { Log } from "./log.ts";
import { releaseMemorySoon } from "./memory.ts";
import { VERSION } from "./package.ts";
import { logService } from "./service-log.ts";
import { Sides } from "./sides.ts";
import { Locks, openWorkshop, type Shared } from "./workshop.ts";

export interface WatchOptions extends GlobalOptions {
  readonly git?: string;
  readonly branch?: string;
  readonly path?: string;
  readonly every?: string;
  /** False with `--no-verify`. */
  readonly verify: boolean;
}

/** Something that the service does beside its work, such as answering HTTP. */
export interface Part {
  readonly name: string;
  /** What of the manifest it depends on: started anew when that changes; undefined: not started. */
  readonly settings: (manifest: Manifest) => unknown;
  /** It can run by both manifests at once: by the one before it does until it has started by the other. */
  readonly mayOverlap?: (before: Manifest, after: Manifest) => boolean;
  readonly start: (service: ServiceSource, means: PartMeans) => Promise<RunningPart>;
}

export interface RunningPart {
  /** Goes over to another manifest as it runs; false where it has to be started anew. */
  adapt?(manifest: Manifest): Promise<boolean>;
  close(): Promise<void>;
}

export interface PartMeans {
  readonly manifest: Manifest;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** What runs is given so long to end, less than the 90 s that systemd waits. */
const ENDING_MS = 60_000;
/** And that which has to end at once. */
const LAST_MS = 15_000;
/** Without a sign from the loop for so long, the watchdog gets none either. */
const STUCK_MS = 120_000;

const NOT_IN_FORCE = "the new manifest does not come into force, the last good one stays";
const FORBIDDEN = "this machine no longer allows what the manifest in force does: nothing more is started";

/** Keeps doing what the manifest says, until it is told to end. */
export async function watch(options: WatchOptions, parts: readonly Part[]): Promise<ExitCode> {
  const log = await openLog(options);
  const ending = onEnd(log);
  const folder = await stateFolder();
  const { git, branch, path } = options;
  if (git === undefined && ((branch ?? path ?? options.every) !== undefined || !options.verify))
    throw new Failure("--branch, --path, --every and --no-verify belong to --git", {
      hint: "give --git URL, or -f FILE alone",
    });
  if (git !== undefined && options.file !== undefined)
    throw new Failure("--git and -f are two places for one manifest", {
      hint: "with --git, --path says where in the repository it is",
    });
  const followed = git === undefined ? await followFiles(options) : await followGit(options, { ...options, git });
  const instance = await lockInstance(followed);
  const locks = new Locks();
  const shared: Shared = { options, limits: new Limits(options.concurrency), locks, interruption: ending };
  const systemd = connectSystemd(process.env, (error) => log.warn({ error: error.message }, "systemd is not told"));
  try {
    const first = await followed.first();
    const workshop = await openWorkshop(first.manifest, shared);
    let turnedAt = performance.now();
    let inForce = first.manifest;
    let adopting = Promise.resolve();
    const keeper: Keeper = new Keeper(first.manifest, first.material, {
      path: followed.name,
      clock: systemClock,
      read: followed.read,
      parse: followed.parse,
      onManifest: (manifest, changes) => {
        for (const line of changes) log.info({}, `manifest  ${line}`);
        for (const power of newPowers(inForce, manifest)) log.warn({}, `new with this manifest  ${power}`);
        inForce = manifest;
        adopting = adopting
          .then(async () => {
            service.adopt(await openWorkshop(manifest, shared));
            void sides.follow(manifest);
          })
          .catch((error: unknown) => log.error({ error: String(error) }, "cannot put the new manifest in force"));
      },
      onForbidden: () => {
        adopting = adopting.then(() => service.halt());
      },
      onState: (state) => {
        if (state.error !== undefined) log.error({}, `${state.stopped ? FORBIDDEN : NOT_IN_FORCE}\n${state.error}`);
        if (state.unreachable !== undefined)
          log.warn({}, `whether there is a newer manifest cannot be told: ${state.unreachable}`);
        service.tellManifest(state);
      },
    });
    const service: Service = new Service(workshop, keeper.state, {
      clock: systemClock,
      chance: Math.random,
      version: VERSION,
      history: historyFile(folder, followed.name),
      log,
      assess: ({ manifest }, { inventory, plan }, { lastAttempts, lastSeen }) =>
        assess(manifest, inventory, plan, { now: seconds(plan.now), lastReports: lastAttempts, lastSeen }),
      split: (operations) => split(operations, togetherWith),
      onTurn: () => {
        turnedAt = performance.now();
        void keeper.check();
        void sides.retry();
      },
    });
    const sides = new Sides(parts, service, { env: process.env, log });
    logService(service, log);
    service.on("assessed", releaseMemorySoon);
    await sides.follow(first.manifest, true);
    const unwatch = await followed.watch(
      () => void keeper.check(),
      (error) => log.warn({ error: String(error) }, "cannot watch the manifest; it is read every half minute"),
    );
    const reload = (): void => {
      void (async () => {
        await systemd.notify("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
        await keeper.check();
        await adopting;
        await sides.reload();
        await systemd.notify("READY=1");
      })();
    };
    process.on("SIGHUP", reload);
    const alive = every(systemd.watchdogMs && systemd.watchdogMs / 2, () => {
      if (performance.now() - turnedAt < STUCK_MS) void systemd.notify("WATCHDOG=1");
    });
    log.info({ pid: process.pid }, `watching ${followed.name}`);
    void systemd.notify("READY=1", `STATUS=watching ${followed.name}`);
    ending.signal.addEventListener("abort", () => void systemd.notify("STOPPING=1"), { once: true });
    await service.run(ending.signal, ending.urgent);
    process.off("SIGHUP", reload);
    alive();
    await unwatch();
    await keeper.close();
    await sides.close();
    await systemd.notify("STATUS=ended");
    log.info({}, "ended");
    return EXIT.ok;
  } finally {
    ending.release();
    instance.release();
  }
}

/** One service for each manifest on this machine. */
async function lockInstance({ name }: Followed) {
  const key = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return acquireLock({ name: `watch-${key}`, env: process.env, command: "holdfast watch" });
}

interface Ending {
  readonly signal: AbortSignal;
  readonly urgent: AbortSignal;
  release(): void;
}

/** SIGTERM and SIGINT end what runs cleanly, within a bound; the second one at once. */
function onEnd(log: Log): Ending {
  const clean = new AbortController();
  const urgent = new AbortController();
  // everything that runs listens to them, for as long as the service lives
  setMaxListeners(0, clean.signal, urgent.signal);
  const hurry = (code: ExitCode): void => {
    urgent.abort();
    setTimeout(() => process.exit(code), LAST_MS).unref();
  };
  const end = (): void => {
    if (clean.signal.aborted) {
      log.warn({}, "ending at once");
      hurry(EXIT.interrupted);
      return;
    }
    log.info({}, "ending what runs; transfers can be resumed. Again to stop at once");
    clean.abort();
    setTimeout(() => {
      log.warn({}, `not everything has ended within ${ENDING_MS / 1000} s: it is ended now`);
      hurry(EXIT.ok);
    }, ENDING_MS).unref();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end);
  return {
    signal: clean.signal,
    urgent: urgent.signal,
    release: () => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, end);
    },
  };
}

function every(ms: number | undefined, task: () => void): () => void {
  if (ms === undefined) return () => {};
  const timer = setInterval(task, ms);
  return () => clearInterval(timer);
}

const seconds = (iso: string): EpochSeconds => Math.round(Date.parse(iso) / 1000) as EpochSeconds;
