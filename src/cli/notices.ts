import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { Report } from "../model/report.ts";
import type { RunNotices } from "../notify/index.ts";
import { type GlobalOptions, openLog, stateFolder } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { clock } from "./world.ts";

/** What `apply` tells of itself where the manifest says to whom. Never keeps it from ending as it would have. */
export interface Notices {
  /** Work begins: somebody agreed. */
  begun(): void;
  readonly onReport: (report: Report) => void;
  ended(plan: Plan, code: ExitCode): Promise<void>;
  broke(error: unknown): Promise<void>;
}

interface Options extends GlobalOptions {
  readonly target?: readonly string[];
  readonly exclude?: readonly string[];
  readonly isSaved: boolean;
}

const SILENT: Notices = {
  begun: () => undefined,
  onReport: () => undefined,
  ended: async () => undefined,
  broke: async () => undefined,
};

export async function openNotices(manifest: Manifest, options: Options): Promise<Notices> {
  if (manifest.notifications.length + manifest.heartbeats.length === 0) return SILENT;
  const [{ openRunNotices, TIMEOUT_MS }, log] = await Promise.all([import("../notify/index.ts"), openLog(options)]);
  const narrowed = options.isSaved || options.target !== undefined || options.exclude !== undefined;
  const notices = openRunNotices({
    manifest,
    path: manifestPath(options),
    env: process.env,
    stateFolder: await stateFolder(),
    log,
    now: clock,
    narrowed,
    timeoutMs: TIMEOUT_MS,
  });
  const quietly = async (tell: () => Promise<void>): Promise<void> => {
    await tell().catch((error: unknown) => log.error({}, `notifications: ${(error as Error).message}`));
  };
  let report: Report | undefined;
  let isOver = false;
  return {
    begun: notices.begun,
    onReport(done) {
      report = done;
    },
    async ended(plan, code) {
      isOver = true;
      // how far it would have come is not known
      if (code === EXIT.interrupted) return;
      await quietly(() => notices.ended({ plan, operations: report?.operations ?? [], isDone: code === EXIT.ok }));
    },
    async broke(error) {
      if (!isOver && !isInterruption(error)) await quietly(() => brokeBy(notices, error));
    },
  };
}

const isInterruption = (error: unknown): boolean =>
  (error instanceof Failure && error.code === EXIT.interrupted) || (error as { kind?: unknown })?.kind === "aborted";

function brokeBy(notices: RunNotices, error: unknown): Promise<void> {
  const { message, hint } = error as { readonly message?: string; readonly hint?: string };
  return notices.broke(`holdfast apply ended early: ${message ?? String(error)}`, hint);
}

/** The same for one manifest however it is named. */
function manifestPath({ file }: GlobalOptions): string {
  const places = file === undefined ? ["holdfast.yaml", "/etc/holdfast/holdfast.yaml", "/etc/holdfast"] : [file];
  const found = places.map((place) => resolve(place)).find((place) => existsSync(place));
  return found === undefined ? resolve(places[0] ?? "") : realpathSync(found);
}
