import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { Address, EpochSeconds } from "../model/units.ts";
import { COMMAND_PATIENCE, type Patience } from "./attempts.ts";
import { beatOf } from "./beat.ts";
import { type NotifyLog, openDesk } from "./desk.ts";
import { afterLook } from "./failures.ts";
import { openHearts } from "./hearts.ts";
import { memoryFile } from "./memory.ts";
import type { Sight } from "./problems.ts";
import { awayInRun, sightOfRun } from "./sight.ts";

export interface RunNoticesOptions {
  readonly manifest: Manifest;
  /** Which manifest it is. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stateFolder: string;
  readonly log: NotifyLog;
  readonly now: () => EpochSeconds;
  /** Only some sources, or a plan of another day: says nothing of how all is, so no heart beats. */
  readonly narrowed: boolean;
  readonly patience?: Patience;
  readonly timeoutMs: number;
}

/** Tells of one run, and waits until that is told. */
export interface RunNotices {
  /** Work begins. */
  begun(): void;
  /** `isDone`: all that was wanted was done. */
  ended(run: {
    readonly plan: Plan;
    readonly operations: readonly OperationReport[];
    readonly isDone: boolean;
  }): Promise<void>;
  /** It ended before there was a report. */
  broke(message: string, hint?: string): Promise<void>;
}

/** Everything together takes no longer. */
const GRACE_MS = 60_000;

export function openRunNotices(options: RunNoticesOptions): RunNotices {
  const { manifest, path, env, stateFolder, log, now, narrowed, patience = COMMAND_PATIENCE, timeoutMs } = options;
  const shared = { manifest: () => manifest, env, log, now, patience, timeoutMs };
  const desk = openDesk({ ...shared, file: memoryFile(stateFolder, path) });
  const hearts = openHearts({ ...shared, manifest: () => (narrowed ? { heartbeats: [] } : manifest) });
  const startedAt = now();
  const close = async (): Promise<void> => {
    await Promise.all([desk.close(GRACE_MS), hearts.close(GRACE_MS)]);
  };

  return {
    begun: () => hearts.beat({ kind: "start", text: "" }),
    async ended({ plan, operations, isDone }) {
      desk.tried(operations);
      let sight: Sight = { places: [], complete: false, narrowed };
      await desk.look((before) => {
        const failures = narrowed ? before : afterLook(before, plan);
        sight = sightOfRun({ plan, operations, narrowed }, failures);
        // for those alone who hear of it in time: it is no bad run
        return { failures, sight: { ...sight, places: [...sight.places, ...awayInRun(plan, manifest)] } };
      });
      const undone = isDone || sight.places.some(({ troubles }) => troubles.length > 0) ? [] : [UNDONE];
      hearts.beat(beatOf(sight, undone, now() - startedAt));
      await close();
    },
    async broke(message, hint) {
      const source = (manifest.self ?? "controller") as string as Address;
      const remedies = hint === undefined ? [] : [hint];
      const sight = await desk.look((failures) => ({
        failures,
        sight: {
          places: [
            { source, state: "unseen", loose: true, troubles: [{ matter: "failed", message, remedies }] } as const,
          ],
          complete: false,
          narrowed: true,
        },
      }));
      hearts.beat(beatOf(sight, [], now() - startedAt));
      await close();
    },
  };
}

const UNDONE = "not everything that was wanted was done; the report of `holdfast apply` says what";
