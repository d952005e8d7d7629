import type { Manifest } from "../model/manifest.ts";
import type { PassResult, ServiceSource } from "../model/service.ts";
import type { Address, EpochSeconds } from "../model/units.ts";
import { type Patience, SERVICE_PATIENCE } from "./attempts.ts";
import { beatOf } from "./beat.ts";
import { type Desk, type NotifyLog, openDesk } from "./desk.ts";
import { afterLook } from "./failures.ts";
import { openHearts } from "./hearts.ts";
import { memoryFile } from "./memory.ts";
import { sightOfStatus } from "./sight.ts";

export type { NotifyLog } from "./desk.ts";
export { openRunNotices, type RunNotices } from "./one-run.ts";
export { sendTests } from "./try-out.ts";

export interface NotificationOptions {
  /** The one in force. */
  readonly manifest: () => Manifest;
  /** For secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to remember what was told; absent: nowhere, and a restart tells everything that is bad once more. */
  readonly stateFolder?: string;
  readonly log: NotifyLog;
  /** Default: the system's clock. */
  readonly now?: () => EpochSeconds;
  readonly patience?: Patience;
  /** Of one attempt; default: 10 s. */
  readonly timeoutMs?: number;
}

export interface Notifications {
  counts: Desk["counts"];
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Listens no longer; gives what is under way a few seconds, and remembers what arrived. */
  close(): Promise<void>;
}

export const TIMEOUT_MS = 10_000;
const GRACE_MS = 5000;
const systemClock = (): EpochSeconds => Math.floor(Date.now() / 1000) as EpochSeconds;

/** Tells of what a service finds, and that it is alive. Never holds it up. */
export function startNotifications(service: ServiceSource, options: NotificationOptions): Notifications {
  const { manifest, env, stateFolder, log, now = systemClock } = options;
  const shared = {
    env,
    log,
    now,
    patience: options.patience ?? SERVICE_PATIENCE,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  };
  const file = stateFolder === undefined ? undefined : memoryFile(stateFolder, service.view().manifest.path);
  const desk = openDesk({ ...shared, manifest, ...(file !== undefined && { file }) });
  const hearts = openHearts({ ...shared, manifest });
  const results = new Map<Address, PassResult>();
  let startedAt: number | undefined;
  let lastSeconds: number | undefined;

  const ends = [
    service.on("started", () => {
      if (startedAt !== undefined) return;
      startedAt = now();
      hearts.beat({ kind: "start", text: "" });
    }),
    service.on("tried", (operations) => desk.tried(operations)),
    service.on("reconciled", ({ source, result, seconds }) => {
      results.set(source, result);
      lastSeconds = seconds;
    }),
    service.on("assessed", ({ status, plan }) => {
      const known = new Set(status.sources.map(({ source }) => source));
      for (const source of results.keys()) if (!known.has(source)) results.delete(source);
      const seconds = startedAt === undefined ? lastSeconds : now() - startedAt;
      startedAt = undefined;
      const told = new Set(status.sources.filter(({ health }) => health === "failed").map(({ source }) => source));
      const more = [...results].flatMap(([source, result]) =>
        result === "failed" && !told.has(source) ? [`failed: ${source}: its last pass failed`] : [],
      );
      desk
        .look((before) => {
          const failures = afterLook(before, plan);
          return { failures, sight: sightOfStatus(status, failures) };
        })
        .then((sight) => hearts.beat(beatOf(sight, more, seconds)))
        .catch(() => undefined);
    }),
  ];

  return {
    counts: desk.counts,
    async idle() {
      await desk.idle();
      await hearts.idle();
    },
    async close() {
      for (const end of ends) end();
      await Promise.all([desk.close(GRACE_MS), hearts.close(GRACE_MS)]);
    },
  };
}
