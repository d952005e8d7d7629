import { setMaxListeners } from "node:events";
import { runHooks } from "../hooks/run.ts";
import { observeDataset, UnobservedError } from "../inventory/index.ts";
import type { Manifest } from "../model/manifest.ts";
import { isHook, isOnDataset, isOnRepository, isRestoreOfFiles, isVerify, type Plan } from "../model/plan.ts";
import type { Problem, Report } from "../model/report.ts";
import type { RepositoryKey } from "../model/units.ts";
import { openRepository } from "../remotes/restic/restic.ts";
import { placeOf, runInRepository } from "../remotes/restic/run.ts";
import { restoreFiles } from "../remotes/restore-files.ts";
import { verify } from "../remotes/verify.ts";
import { guidsOf, skim } from "../remotes/zfs/guids.ts";
import { runOperations } from "../remotes/zfs/run.ts";
import type { Hosts } from "../transport/types.ts";
import { Engine, type OnEvent } from "./engine.ts";
import { Limits } from "./lanes.ts";

export { Limits } from "./lanes.ts";

export interface ApplyOptions {
  /** The manifest the plan was made from. */
  readonly manifest: Manifest;
  readonly hosts: Hosts;
  /** The caller's environment, for secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Repositories that nothing is done in, and why: what was to make them ready failed. */
  readonly unavailable?: ReadonlyMap<RepositoryKey, Problem>;
  /** How many streams flow at once; default 4. Short commands: up to 4 a pool, whatever this is. */
  readonly concurrency?: number;
  /** Instead of that: what several runs that go on at the same time share. */
  readonly limits?: Limits;
  /** Ends the run cleanly: nothing more is started, streams are cut and can be resumed, short commands finish. */
  readonly signal?: AbortSignal;
  /** Ends the run at once, without waiting for anything. */
  readonly urgent?: AbortSignal;
  /** Starts nothing more, and lets what runs come to its end. */
  readonly superseded?: AbortSignal;
  /** Hears what happens; must not throw. */
  readonly onEvent?: OnEvent;
  /** The clock of the report; default: the machine's. */
  readonly now?: () => Date;
}

const CONCURRENCY = 4;
const LOOK_MS = 10 * 60_000;

/**
 * Runs the operations of a plan and nothing else. Every precondition is looked at again right before; what depends on
 * an operation that did not succeed is skipped, the rest goes on. The report has every operation exactly once, in the
 * plan's order; a failed operation is a value in it, not an exception.
 */
export function apply(plan: Plan, options: ApplyOptions): Promise<Report> {
  const { manifest, hosts, env } = options;
  if (plan.manifestDigest !== manifest.digest) {
    throw new Error("the plan was made from another manifest");
  }
  const signal = options.signal ?? new AbortController().signal;
  const urgent = options.urgent ?? new AbortController().signal;
  const ending = AbortSignal.any([signal, urgent]);
  // Everything that runs listens to them.
  setMaxListeners(0, ending, urgent);
  const engine = new Engine(
    plan,
    {
      limits: options.limits ?? new Limits(options.concurrency ?? CONCURRENCY),
      ...(options.superseded && { superseded: options.superseded }),
      ...(options.unavailable && { unavailable: options.unavailable }),
      signal,
      urgent,
      onEvent: options.onEvent ?? (() => {}),
      now: options.now ?? (() => new Date()),
    },
    {
      eyes: {
        async observe({ host, dataset }, { own }) {
          try {
            const found = await observeDataset(hosts, host, dataset, { signal: urgent, timeoutMs: LOOK_MS, own });
            return found === null ? { state: "absent" } : { state: "present", dataset: found };
          } catch (error) {
            if (error instanceof UnobservedError) return { state: "unobserved", reason: error.message };
            throw error;
          }
        },
        skim: (at) => skim({ hosts, urgent }, at),
        glance: (host, datasets) => guidsOf({ hosts, urgent }, host, datasets, "filesystem,volume"),
        list: (at) => openRepository(placeOf({ manifest }, at), { hosts, env, signal: urgent }).list(),
      },
      async run(operations, context) {
        const means = { ...context, hosts, manifest, signal: ending, urgent };
        const [onDatasets, onRepositories, hooks, files, drills] = await Promise.all([
          runOperations(operations.filter(isOnDataset), means),
          runInRepository(operations.filter(isOnRepository), { ...means, env }),
          runHooks(operations.filter(isHook), { ...means, env }),
          restoreFiles(operations.filter(isRestoreOfFiles), { ...means, env }),
          verify(operations.filter(isVerify), { ...means, env }),
        ]);
        return new Map([...onDatasets, ...onRepositories, ...hooks, ...files, ...drills]);
      },
    },
  );
  return engine.run();
}
