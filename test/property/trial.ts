import fc from "fast-check";
import { test } from "vitest";
import type { OperationId } from "../../src/model/plan.ts";
import { plan as realPlan } from "../../src/planner/index.ts";
import { randomCases, seedText } from "../random.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import { Cut, execute, linearize, Stale, startRun, type Unit, unitsOf } from "./execute.ts";
import { build, planAt, type Scenario, type Spec } from "./histories.ts";
import { Referee } from "./invariants.ts";
import { showManifest, showOperation, showPlan, showPreconditions, showWorld } from "./show.ts";
import { cloneWorld, type World } from "./world.ts";
import { ZfsError } from "./zfs.ts";

/** A test of its own: the property on its share of the worlds. */
export function property(
  name: string,
  share: number,
  worlds: fc.Arbitrary<Spec>,
  judge: (spec: Spec) => readonly string[],
): void {
  const cases = randomCases(share, name);
  test(name, { timeout: 86_400_000 }, () => {
    process.stderr.write(`${cases.numRuns} worlds, ${seedText}: ${name}\n`);
    fc.assert(
      fc.property(worlds, (spec) => {
        const wrong = judge(spec);
        if (wrong.length > 0) throw new Error(`\n${wrong.join("\n")}\n\n${describeSpec(spec)}`);
      }),
      { ...cases, reporter: report },
    );
  });
}

/** The counterexample as a person reads it. */
function describeSpec(spec: Spec): string {
  const { manifest, world, now, options } = build(spec, realPlan);
  return [
    showManifest(manifest),
    `now ${new Date(now * 1000).toISOString()} options ${JSON.stringify({ ...options, resolve: [...(options.resolve ?? [])] })}`,
    showWorld(world),
    "plan:",
    showPlan(planAt({ manifest, world, now, options }, world, now, realPlan)),
    `past: ${spec.past.map((h) => `${h.what}(+${h.later}s ${h.which} ${h.how})`).join(" ")}; shape ${spec.shape}`,
  ].join("\n");
}

function report<T>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const { errorInstance: error } = details;
  const how = `${seedText}, path "${details.counterexamplePath}", after ${details.numRuns} worlds`;
  const failure = new Error(`${how}: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && !error.message.startsWith("\n")) failure.cause = error;
  throw failure;
}

export interface PassOptions {
  /** Chooses the order among the commands that are ready; without it the plan's own. */
  readonly pick?: (ready: number) => number;
  /** Whether the nth command fails: before it does anything, or after a part of it. */
  readonly fails?: (nth: number) => "no" | { readonly after: number } | "before";
  /** Killed before this command; with `cut` in the middle of it. */
  readonly killedAt?: number;
  readonly cut?: number;
  /** Somebody else works in the world, before the nth command. Then commands may be stale, or fail. */
  readonly meanwhile?: (world: World, nth: number) => void;
}

/** A scenario that is being played, with all that went wrong against the promises. */
export class Trial {
  readonly scenario: Scenario;
  readonly world: World;
  private referee: Referee;
  readonly wrong: string[] = [];
  now: number;
  /** What the user asks for once, on the command line. */
  private asked: Scenario["options"];
  /** Before the latest pass, for whoever reads what went wrong after it. */
  private earlier: { readonly world: World; readonly plan: ZfsPlan } | undefined;

  constructor(spec: Spec) {
    this.scenario = build(spec, realPlan);
    this.world = this.scenario.world;
    this.now = this.scenario.now;
    this.referee = new Referee(this.scenario);
    this.asked = this.scenario.options;
  }

  plan(): ZfsPlan {
    const plan = planAt({ ...this.scenario, options: this.asked }, this.world, this.now, realPlan);
    this.earlier = { world: cloneWorld(this.world), plan };
    for (const b of plan.blocked) if (b.reason === "bug") this.note([`bug: ${b.message} ${b.evidence.join("; ")}`]);
    return plan;
  }

  /** Plans and applies; returns the plan. */
  pass(options: PassOptions = {}): ZfsPlan {
    const plan = this.plan();
    this.referee = new Referee({ ...this.scenario, options: this.asked, now: this.now, world: this.world });
    this.note(this.referee.judgePlan(plan, this.world));
    this.apply(plan, options);
    const { allHosts, target, resolve } = this.asked;
    // who was refused what they asked for does not want another remedy instead
    const isRefused = plan.blocked.some(({ remote, waiting }) => waiting && remote && resolve?.has(remote));
    this.asked = {
      ...(isRefused && resolve && { resolve }),
      ...(allHosts === undefined ? {} : { allHosts }),
      ...(target === undefined ? {} : { target }),
    };
    return plan;
  }

  private apply(plan: ZfsPlan, options: PassOptions): void {
    const run = startRun(this.world, this.now);
    const done = new Set<OperationId>();
    const units = unitsOf(plan);
    const ordered = linearize(units, options.pick ?? (() => 0));
    for (const [nth, unit] of ordered.entries()) {
      if (options.killedAt === nth && options.cut === undefined) return;
      options.meanwhile?.(this.world, nth);
      if (!unit.dependsOn.every((id) => done.has(id))) continue;
      const fails = options.killedAt === nth ? { after: options.cut ?? 0 } : (options.fails?.(nth) ?? "no");
      if (fails !== "before" && this.step(run, unit, fails === "no" ? undefined : fails.after, options))
        for (const id of unit.ids) done.add(id);
      if (options.killedAt === nth) return;
    }
  }

  /** One command; did it succeed? */
  private step(run: ReturnType<typeof startRun>, unit: Unit, cut: number | undefined, options: PassOptions): boolean {
    const before = cloneWorld(this.world);
    let failure: unknown;
    try {
      execute(run, unit, cut);
    } catch (error) {
      failure = error;
    }
    const wrong = this.referee.judgeStep(unit, before, this.world, options.meanwhile !== undefined);
    if (wrong.length > 0)
      this.note([
        ...wrong,
        `it had checked ${showPreconditions(unit.operations)}`,
        showWorld(before),
        "became",
        showWorld(this.world),
      ]);
    if (failure === undefined) return true;
    if (!(failure instanceof Stale || failure instanceof Cut || failure instanceof ZfsError)) throw failure;
    if (cut === undefined && options.meanwhile === undefined) this.note([`${unit.ids} failed: ${failure.message}`]);
    return false;
  }

  note(wrong: readonly string[]): void {
    if (wrong.length > 0 && this.wrong.length === 0 && this.earlier) {
      const { world, plan } = this.earlier;
      wrong = [
        ...wrong,
        "",
        `in the pass at ${new Date(this.now * 1000).toISOString()}:`,
        showWorld(world),
        showPlan(plan),
        "",
      ];
    }
    this.wrong.push(...wrong);
  }

  /** There must be nothing left to do. */
  expectEmpty(when: string): ZfsPlan {
    const plan = this.plan();
    if (plan.operations.length > 0) this.note([`${when}: ${plan.operations.map(showOperation).join("; ")}`]);
    return plan;
  }
}
