import type { Approval, Manifest } from "../model/manifest.ts";
import { isInPlace, isRestore, type Plan } from "../model/plan.ts";
import type { Report } from "../model/report.ts";
import { suspendedByHand } from "../planner/suspended.ts";
import { renderPlan } from "../render/plan.ts";
import { summaryLine } from "../render/summary.ts";
import { visible } from "../render/text.ts";
import type { Hosts } from "../transport/types.ts";
import { carryOut, emptyReport, exitCodeOf } from "./carry-out.ts";
import { commandLines } from "./command-lines.ts";
import { agreed } from "./consent.ts";
import { forStderr, forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { type Interruption, onInterrupt } from "./interrupt.ts";
import { lockHosts } from "./lock.ts";
import type { MetricsFile } from "./metrics-file.ts";
import { openNotices } from "./notices.ts";
import { makePlan, type PlanningOptions } from "./plan.ts";
import { type Remotes, withRemotes } from "./remotes.ts";
import { answer, answerJson, tell } from "./terminal.ts";
import { clock, connect, observeWorld, type World } from "./world.ts";

interface ApplyOptions extends GlobalOptions, PlanningOptions {
  readonly yes?: true;
  /** Of a saved plan that gives a source's present state up. */
  readonly confirm?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly metricsFile?: string;
}

export async function apply(options: ApplyOptions, saved: string | undefined): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const reviewed = saved === undefined ? undefined : await savedPlan(saved, manifest, options);
  if (options.confirm !== undefined && !reviewed?.operations.some(isInPlace))
    throw new Failure(`nothing in this plan gives up what --confirm ${visible(options.confirm)} names`, {
      hint: "leave it out; it is for a saved restore in place",
    });
  const interruption = onInterrupt();
  const lock = await lockHosts(manifest, options, interruption.signal);
  const hosts = await connect(manifest, options);
  const notices = await openNotices(manifest, { ...options, isSaved: reviewed !== undefined });
  try {
    const concerned = { ...options, ...(reviewed && { plan: reviewed }) };
    return await withRemotes(manifest, hosts, concerned, interruption, planAndApply);
  } catch (error) {
    await notices.broke(error);
    throw error;
  } finally {
    interruption.release();
    await hosts.close();
    lock.release();
  }

  async function planAndApply(remotes: Remotes): Promise<ExitCode> {
    const { plan, world } = reviewed
      ? { plan: reviewed }
      : await currentPlan(manifest, hosts, options, { ...interruption, ...remotes });
    const metrics = await metricsFor(options, manifest);
    const ended = async (code: ExitCode, seen?: World): Promise<ExitCode> => {
      await notices.ended(plan, code);
      return metrics === undefined ? code : metrics.write(code, async () => seen ?? observed(remotes));
    };
    if (plan.operations.length === 0) return ended(nothingToDo(plan, options), world);
    const details = options.verbose && {
      verbose: true,
      ...(world && { commands: commandLines(plan, manifest, world.inventory) }),
    };
    if (!options.json) answer(renderPlan(plan, { ...forStdout(options), ...details }));
    else if (!options.yes) tell(renderPlan(plan, { ...forStderr(options), ...details }));
    if (!(await agreed(plan, options, interruption.signal))) return EXIT.error;
    notices.begun();
    const isSaved = reviewed !== undefined;
    const onReport = (report: Report): void => {
      metrics?.onReport(report);
      notices.onReport(report);
    };
    const means = { manifest, hosts, options, interruption, remotes, isSaved, ...metrics, onReport };
    return ended(await carryOut(plan, means));
  }

  function observed({ unavailable }: Remotes): Promise<World> {
    return observeWorld(manifest, hosts, { ...options, unavailable, signal: interruption.signal });
  }
}

async function metricsFor(
  { metricsFile, ...options }: ApplyOptions,
  manifest: Manifest,
): Promise<MetricsFile | undefined> {
  if (metricsFile === undefined) return undefined;
  const { openMetricsFile } = await import("./metrics-file.ts");
  return openMetricsFile(metricsFile, manifest, options);
}

async function currentPlan(
  manifest: Manifest,
  hosts: Hosts,
  options: ApplyOptions,
  { signal, unavailable }: Pick<Interruption, "signal"> & Pick<Remotes, "unavailable">,
): Promise<{ readonly plan: Plan; readonly world?: World }> {
  const world = await observeWorld(manifest, hosts, { ...options, unavailable, signal });
  return { plan: await makePlan(manifest, world, options), world };
}

/** What was reviewed is what runs: another manifest or another identity would mean something else. */
async function savedPlan(path: string, manifest: Manifest, options: ApplyOptions): Promise<Plan> {
  const planning = (["target", "exclude", "allowDestroy", "resolve", "allHosts", "retryPartial"] as const).find(
    (name) => options[name] !== undefined,
  );
  if (planning !== undefined)
    throw new Failure("a saved plan is applied as it was reviewed", {
      hint: "give --target, --exclude, --allow-destroy, --resolve, --retry-partial and --all-hosts to `holdfast plan --out` instead",
    });
  const { readPlan } = await import("./documents.ts");
  const plan = await readPlan(path);
  if (plan.manifestDigest !== manifest.digest)
    throw new Failure(`${visible(path)} was made from another manifest; nothing was done`, {
      code: EXIT.stale,
      hint: "plan again with the manifest as it is now",
    });
  if (plan.self !== manifest.self)
    throw new Failure(
      `${visible(path)} was made as ${plan.self ?? "a controller"}, this is ${manifest.self ?? "a controller"}`,
      {
        hint: `apply it as that: --as ${plan.self ?? "none"}`,
      },
    );
  const lapsed = isRestoring(plan) ? undefined : lapsedSince(plan, manifest);
  if (lapsed !== undefined)
    throw new Failure(
      `the approval at ${lapsed.place.file}:${lapsed.place.line}, which held when this plan was made, lapsed on ${lapsed.untilText}; nothing was done`,
      { code: EXIT.stale, hint: "plan again; or renew the approval first, and then plan again" },
    );
  const suspended = plan.operations.find(
    (one) => !isRestoring(plan) && suspendedByHand(manifest, one.source) !== undefined,
  );
  if (suspended !== undefined)
    throw new Failure(`${visible(suspended.source)} is suspended since this plan was made; nothing was done`, {
      code: EXIT.stale,
      hint: `plan again, or first: holdfast resume ${visible(suspendedByHand(manifest, suspended.source) ?? "")}`,
    });
  return plan;
}

/** What a plan rests on is not written in it: any approval that has lapsed may be what it was reviewed with. */
function lapsedSince({ now }: Plan, { approvals }: Manifest): Approval | undefined {
  const planned = Date.parse(now) / 1000;
  return approvals.find(({ until }) => planned < until && until <= clock());
}

/** Somebody brings a source back on purpose, suspended or not. */
const isRestoring = ({ operations }: Plan): boolean => operations.some(isRestore) || operations.some(isInPlace);

function nothingToDo(plan: Plan, options: ApplyOptions): ExitCode {
  const report = emptyReport(plan);
  if (options.json) answerJson(report);
  else if (plan.blocked.length + plan.unobserved.length > 0) answer(renderPlan(plan, forStdout(options)));
  else answer(`${summaryLine(plan)}\n`);
  return exitCodeOf(report, plan);
}
