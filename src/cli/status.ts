import type { Manifest } from "../model/manifest.ts";
import type { Plan } from "../model/plan.ts";
import type { Report } from "../model/report.ts";
import { type Health, type Status, worst } from "../model/status.ts";
import { visible } from "../render/text.ts";
import { forStdout, type GlobalOptions, openLog, requireManifest, stateFolder } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { makePlan } from "./plan.ts";
import { requireMatches, selects } from "./selection.ts";
import { listenOf, statusFromService } from "./service-client.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, lookAround, type World } from "./world.ts";

interface StatusOptions extends GlobalOptions {
  readonly source?: readonly string[];
  readonly fresh?: true;
  readonly check?: true;
  readonly json?: true;
  readonly inventory?: string;
  readonly allHosts?: true;
}

export async function status(options: StatusOptions): Promise<ExitCode> {
  if (options.check) return check(options);
  const { found, from } = await current(options);
  if (options.json) {
    answerJson(found);
    if (from !== undefined) (await openLog(options)).info({ from }, "the status is the service's");
  } else {
    const { renderStatus } = await import("../render/status.ts");
    const told = from === undefined ? options.inventory && ("recording" as const) : { service: from };
    answer(renderStatus(found, { ...forStdout(options), ...(told && { from: told }) }));
  }
  return isWell(found.health) ? EXIT.ok : EXIT.incomplete;
}

/** Whether all is as it should be, or will be by itself. */
const isWell = (health: Health): boolean => !["unknown", "overdue", "blocked", "failed"].includes(health);

/** A plugin's answer is one line on stdout, whatever happens: its exit codes are not ours. */
async function check(options: StatusOptions): Promise<ExitCode> {
  const { renderCheck, renderUnknown } = await import("../render/status-check.ts");
  try {
    const { line, code } = renderCheck((await current(options)).found);
    answer(`${line}\n`);
    return code;
  } catch (error) {
    const hint = error instanceof Failure && error.hint !== undefined ? `; ${error.hint}` : "";
    const { line, code } = renderUnknown(`${(error as Error).message}${hint}`);
    answer(`${line}\n`);
    return code;
  }
}

interface Found {
  readonly found: Status;
  /** Where the service is that told it; absent: it was looked at now. */
  readonly from?: string;
}

async function current(options: StatusOptions): Promise<Found> {
  const manifest = await requireManifest(options);
  const { found, ...rest } = (await told(manifest, options)) ?? { found: await fresh(manifest, options) };
  return { found: selected(found, manifest, options.source), ...rest };
}

/** By the running service, if there is one and it answers what was asked. */
async function told(manifest: Manifest, options: StatusOptions): Promise<Found | undefined> {
  if (options.fresh || options.inventory !== undefined || options.allHosts) return undefined;
  const interruption = onInterrupt();
  try {
    const answered = await statusFromService(manifest, interruption.signal);
    const from = listenOf(manifest) ?? "";
    if (answered.state === "useless")
      (await openLog(options)).warn(
        `the service at ${visible(from)} is of no use here: ${answered.reason}; looking at everything now`,
      );
    if (answered.state !== "answered") return undefined;
    const { asOf } = await import("../planner/status-later.ts");
    return { found: asOf(answered.status, clock()), from };
  } finally {
    interruption.release();
  }
}

async function fresh(manifest: Manifest, options: StatusOptions): Promise<Status> {
  return (await assessAll(manifest, await lookAround(manifest, options), options)).status;
}

/** How everything is in this world, whatever part of it a command is about. */
export async function assessAll(
  manifest: Manifest,
  world: World,
  { allHosts }: Pick<StatusOptions, "allHosts">,
  lastReports: readonly Report[] = [],
): Promise<{ readonly plan: Plan; readonly status: Status }> {
  const scope = allHosts === undefined ? {} : { allHosts };
  const [plan, { assess }, { lastSeenIn }] = await Promise.all([
    makePlan(manifest, world, scope),
    import("../planner/status.ts"),
    import("../service/history.ts"),
  ]);
  const lastSeen = lastSeenIn(await stateFolder());
  return { plan, status: assess(manifest, world.inventory, plan, { now: world.now, ...scope, lastReports, lastSeen }) };
}

function selected(status: Status, manifest: Manifest, patterns: readonly string[] | undefined): Status {
  if (patterns === undefined) return status;
  const all = status.sources.map(({ source }) => source);
  const unseen = status.unobserved.flatMap(({ host, pool, remote, repository, reason }) =>
    remote === undefined && repository === undefined
      ? [{ place: pool === undefined ? host : `${host}:${pool}`, host, ...(pool !== undefined && { pool }), reason }]
      : [],
  );
  requireMatches(manifest, all, patterns, unseen);
  const sources = status.sources.filter(({ source }) => patterns.some((one) => selects(manifest, one)(source)));
  return { ...status, sources, health: worst(sources.map(({ health }) => health)) };
}
