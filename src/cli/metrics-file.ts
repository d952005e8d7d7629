import { resolve } from "node:path";
import type { Manifest } from "../model/manifest.ts";
import type { OperationReport, Report } from "../model/report.ts";
import type { PassResult, ServiceEvents, ServiceView } from "../model/service.ts";
import type { LastSeen, PlaceStatus, SourceStatus } from "../model/status.ts";
import type { Seconds } from "../model/units.ts";
import { type GlobalOptions, openLog, stateFolder } from "./context.ts";
import { writeWhole } from "./documents.ts";
import { EXIT, type ExitCode } from "./exit.ts";
import { VERSION } from "./package.ts";
import type { Progress } from "./progress.ts";
import { assessAll } from "./status.ts";
import type { World } from "./world.ts";

/** Listens to a run, and writes afterwards what a service would export. */
export interface MetricsFile {
  readonly onEvent: Progress["onEvent"];
  readonly onReport: (report: Report) => void;
  /**
   * Looks at all once more, since what was planned for may have changed, and writes the file. Returns how the whole ends: a
   * run that went well but cannot say so is not complete.
   */
  readonly write: (code: ExitCode, look: () => Promise<World>) => Promise<ExitCode>;
}

type Options = GlobalOptions & { readonly allHosts?: true };

export async function openMetricsFile(path: string, manifest: Manifest, options: Options): Promise<MetricsFile> {
  const [{ createMetrics }, { oneRun }, { historyFile }] = await Promise.all([
    import("../service/metrics.ts"),
    import("../service/one-run.ts"),
    import("../service/history.ts"),
  ]);
  const startedAt = new Date().toISOString();
  const run = oneRun(emptyView(manifest, options, startedAt));
  const metrics = createMetrics(run.service);
  let report: Report | undefined;

  async function write(code: ExitCode, look: () => Promise<World>): Promise<ExitCode> {
    if (code === EXIT.interrupted) return code;
    try {
      const world = await look();
      const { plan, status } = await assessAll(manifest, world, options, report && [report]);
      const view = run.service.view();
      run.show({ ...view, turnedAt: new Date().toISOString(), ready: true, inventory: world.inventory, plan, status });
      run.emit("assessed", { plan, status });
      for (const source of status.sources) run.emit("reconciled", passOf(source, report));
      await writeWhole(path, await metrics.text());
      await remember(status.sources);
      return code;
    } catch (error) {
      (await openLog(options)).error({}, `no metrics were written: ${(error as Error).message}`);
      return code === EXIT.ok ? EXIT.incomplete : code;
    } finally {
      metrics.close();
    }
  }

  /** For what a later run, or `status`, cannot see. */
  async function remember(lastSeen: readonly LastSeen[]): Promise<void> {
    const history = historyFile(await stateFolder(), resolve(path));
    try {
      history.save({ runs: [], conditions: new Map(), lastAttempts: [], lastSeen });
    } catch (error) {
      const { message } = error as Error;
      (await openLog(options)).warn({ error: message }, `what was seen is not kept: cannot write ${history.path}`);
    }
  }

  return {
    onEvent: (kind, event) => run.emit(kind, event as ServiceEvents[typeof kind]),
    onReport(done) {
      report = done;
    },
    write,
  };
}

function emptyView(manifest: Manifest, { file }: Options, startedAt: string): ServiceView {
  return {
    startedAt,
    version: VERSION,
    self: manifest.self,
    manifest: { path: file ?? "", digest: manifest.digest, valid: true, loadedAt: startedAt },
    ready: false,
    turnedAt: startedAt,
    running: [],
    runs: [],
    suspended: [],
    observeSeconds: {},
    // what is read from the file is read when the run is over
    lockHeld: false,
  };
}

function passOf({ source, own, copies }: SourceStatus, report: Report | undefined) {
  const operations = (report?.operations ?? []).filter((each) => each.source === source);
  const places = [...(own ? [own] : []), ...copies];
  const seconds = operations.reduce((sum, each) => sum + each.seconds, 0) as Seconds;
  return { source, result: resultOf(operations, places), seconds };
}

function resultOf(operations: readonly OperationReport[], places: readonly PlaceStatus[]): PassResult {
  if (operations.some(({ outcome }) => outcome === "failed" || outcome === "partial")) return "failed";
  if (places.some(({ health }) => health === "unknown")) return "failed";
  if (places.some(({ blocked }) => blocked.length > 0)) return "blocked";
  return places.some(({ health }) => health === "waiting" || health === "away") ? "waiting" : "clean";
}
