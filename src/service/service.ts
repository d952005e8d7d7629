import type { Operation, Plan, Unobserved } from "../model/plan.ts";
import type { EngineEvents, OperationReport, Report } from "../model/report.ts";
import type {
  ManifestState,
  PassResult,
  ServiceActions,
  ServiceEvents,
  ServiceSource,
  ServiceView,
  Taken,
} from "../model/service.ts";
import type { Status } from "../model/status.ts";
import type { Address, EpochSeconds, Seconds, TypeName } from "../model/units.ts";
import { Attempts } from "./attempts.ts";
import { Busy } from "./busy.ts";
import { choose } from "./choose.ts";
import { type Clock, isoOf } from "./clock.ts";
import { Events } from "./events.ts";
import type { History, HistoryFile } from "./history.ts";
import { resultOfLook, resultOfRun, worst } from "./outcome.ts";
import { interval, retryDelay } from "./pace.ts";
import { Picture, type Seen } from "./picture.ts";
import { Shift } from "./shift.ts";
import { firstTick, knownSources, schedulesIn } from "./sources.ts";
import type { Part } from "./split.ts";
import { Timetable, type Trigger } from "./timetable.ts";
import { type Look, Refused, type Workshop } from "./workshop.ts";

export interface ServiceOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly version: string;
  readonly history: HistoryFile;
  readonly log: Log;
  /** Parts of a plan that may run apart from each other. */
  readonly split: (operations: readonly Operation[]) => readonly Part[];
  /** How every source is; without it the view has no status. */
  readonly assess?: (workshop: Workshop, look: Look, known: Pick<History, "lastAttempts" | "lastSeen">) => Status;
  /** The loop has turned. */
  readonly onTurn?: () => void;
  /** The longest time until it turns again; default: 30 s. */
  readonly turnMs?: number;
}

export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** The loop turns at least so often: a clock that was set is noticed, and a watchdog sees that it lives. */
const TURN_MS = 30_000;
/** Changes are told together. */
const TELL_MS = 250;

interface Found {
  readonly seen: Seen;
  /** What may be started now. */
  readonly chosen: readonly Operation[];
  /** Why nothing may be. */
  readonly obstacle?: string;
}

/**
 * The loop: looks, and does what there is to do, source by source. Level-triggered: whatever it is woken by means only
 * "look again", so that nothing is lost with a missed event, a restart or a clock that jumps.
 */
export class Service implements ServiceSource {
  readonly #options: ServiceOptions;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #startedAt: string;
  readonly #timetable: Timetable;
  readonly #attempts: Attempts;
  readonly #busy = new Busy();
  readonly #picture: Picture;
  /** What has to end before the service does. */
  readonly #ends = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  readonly #urgent = new AbortController();

  #shift: Shift;
  #manifest: ManifestState;
  #turnedAt: number;
  #isLooking = false;
  #lookFailures = 0;
  #view: ServiceView | undefined;
  #isTelling = false;
  /** Ends the loop's sleep; ends the wait for a source. */
  #wake = new AbortController();
  #freed = new AbortController();

  constructor(workshop: Workshop, manifest: ManifestState, options: ServiceOptions) {
    const { clock, log, history } = options;
    this.#options = options;
    this.#clock = clock;
    this.#timetable = new Timetable(clock);
    this.#attempts = new Attempts(clock, options.chance);
    this.#picture = new Picture(clock, history, this.#attempts);
    this.#events = new Events((error) => log.error({ error: String(error) }, "a part of the service failed"));
    this.#turnedAt = clock.now();
    this.#startedAt = isoOf(this.#turnedAt);
    this.#shift = this.#shiftOf(workshop);
    this.#manifest = manifest;
  }

  readonly actions: ServiceActions = {
    snapshot: (type, sources) => this.#snapshot(type, sources),
    reconcile: () => this.#ask("asked"),
  };

  on<K extends keyof ServiceEvents>(kind: K, listener: (event: ServiceEvents[K]) => void): () => void {
    return this.#events.on(kind, listener);
  }

  view(): ServiceView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Works until `stop`; then ends what runs, cleanly, and at once when `urgent` comes too. */
  async run(stop: AbortSignal, urgent: AbortSignal): Promise<void> {
    forward(stop, this.#stop);
    forward(urgent, this.#urgent);
    const { signal } = this.#stop;
    signal.addEventListener("abort", () => this.#wake.abort(), { once: true });
    while (!signal.aborted) {
      this.#turn();
      const { inMs } = this.#nextLook();
      const longest = this.#options.turnMs ?? TURN_MS;
      await this.#clock.sleep(
        this.#isLooking || this.#isHalted ? longest : Math.min(longest, Math.ceil(inMs)),
        this.#wake.signal,
      );
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
    while (this.#ends.size > 0) await Promise.allSettled([...this.#ends]);
    this.#save();
    await this.#shift.supersede();
  }

  /** What is in force may be so no longer: what runs comes to its end, and until `adopt` nothing is started or looked at. */
  halt(): void {
    this.#track(this.#shift.supersede());
    this.#changed();
  }

  /** Puts another manifest in force. What runs by the one before comes to its end, and nothing more of it is started. */
  adopt(workshop: Workshop): void {
    const before = this.#shift;
    this.#shift = this.#shiftOf(workshop);
    this.#track(before.supersede());
    this.#ask("manifest");
  }

  /** What the manifest is like now; the one in force may be another. */
  tellManifest(state: ManifestState): void {
    this.#manifest = state;
    this.#events.emit("manifest", state);
    this.#changed();
  }

  #ask(trigger: Trigger): void {
    this.#timetable.ask(trigger);
    this.#wake.abort();
  }

  #turn(): void {
    this.#turnedAt = this.#clock.now();
    this.#options.onTurn?.();
    const trigger = this.#isLooking || this.#isHalted ? undefined : this.#timetable.calling(this.#retryAt());
    if (trigger !== undefined) this.#track(this.#look(trigger));
    this.#changed();
  }

  get #isHalted(): boolean {
    return this.#shift.superseded.aborted;
  }

  #retryAt(): number | undefined {
    return this.#attempts.next((source) => this.#busy.has(source));
  }

  #nextLook(): ReturnType<Timetable["next"]> {
    return this.#timetable.next(this.#retryAt());
  }

  async #look(trigger: Trigger): Promise<void> {
    this.#isLooking = true;
    this.#timetable.begin();
    const shift = this.#shift;
    shift.enter();
    const evenAt = this.#clock.monotonic();
    const held = { lock: false };
    try {
      const found = await this.#find(shift, trigger, held);
      if (found === undefined) return;
      this.#lookFailures = 0;
      const seen = this.#see(shift, found.seen);
      for (const part of this.#options.split(found.chosen)) this.#begin(shift, part, seen.look.plan, trigger);
      this.#settleOthers({ ...found, seen }, ((this.#clock.monotonic() - evenAt) / 1000) as Seconds);
    } catch (error) {
      if (this.#stop.signal.aborted || shift.superseded.aborted) return;
      this.#lookFailures += 1;
      const delay = retryDelay(this.#lookFailures, this.#options.chance());
      this.#timetable.failed(delay);
      this.#options.log.error({ error: messageOf(error) }, `cannot look; again in ${Math.round(delay / 1000)} s`);
    } finally {
      if (held.lock) this.#unlock(shift);
      this.#isLooking = false;
      this.#track(shift.leave());
      this.#wake.abort();
    }
  }

  /**
   * What there is, and what of it may be started. Where something is to be done, it is looked at once more with the lock:
   * somebody else may have done it meanwhile. Undefined when it no longer matters.
   */
  async #find(shift: Shift, trigger: Trigger, held: { lock: boolean }): Promise<Found | undefined> {
    const first = await this.#observe(shift, trigger);
    if (first === undefined || first.chosen.length === 0) return first;
    const wasLocked = shift.isLocked;
    const obstacle = await shift.lock(this.#stop.signal);
    if (obstacle !== undefined) return { seen: first.seen, chosen: [], obstacle };
    held.lock = true;
    return wasLocked ? first : this.#observe(shift, trigger);
  }

  async #observe({ workshop, superseded }: Shift, trigger: Trigger): Promise<Found | undefined> {
    const before = this.#busy.copy();
    const at = this.#clock.now();
    const { signal, release } = either(this.#stop.signal, superseded);
    const look = await workshop.look(signal).finally(release);
    if (this.#stop.signal.aborted || superseded.aborted) return undefined;
    const sources = knownSources(workshop.manifest, look.inventory, this.#picture.lastSeen);
    const known = new Map(sources.map((source) => [source.address, source]));
    const isPressing = trigger === "asked" || trigger === "manifest";
    const isLeftAlone = (source: Address): boolean =>
      !isPressing && this.#attempts.isLeftAlone(source, known.get(source));
    // what has ended while it was looked at may not be in what was seen
    const during = this.#busy.copy();
    const isBusy = (source: Address): boolean => before.has(source) || during.has(source);
    const chosen = choose(look.plan, {
      isFree: (source) => !isBusy(source) && !isLeftAlone(source),
      maySnapshot: (source) =>
        isBusy(source) && !isLeftAlone(source) && before.maySnapshot(source) && during.maySnapshot(source),
      isInUse: (key) => before.isInUse(key) || during.isInUse(key),
      isClosed: (key) => before.isClosed(key) || during.isClosed(key),
    });
    return { seen: { look, sources, at }, chosen };
  }

  /** Makes what was seen the present state. */
  #see({ workshop }: Shift, found: Seen): Seen {
    const { manifest } = workshop;
    const status = this.#options.assess?.(workshop, found.look, this.#picture);
    const seen = status ? judgedBy(status, found) : found;
    const { look, sources, at } = seen;
    this.#attempts.saw(look.plan, sources);
    this.#picture.see(seen, status);
    const tick = firstTick(schedulesIn(manifest, sources), Math.floor(at / 1000) as EpochSeconds);
    this.#timetable.looked(at, tick, interval(manifest.service, this.#options.chance()));
    const known = new Set([
      ...sources.map(({ address }) => address),
      ...look.plan.operations.map(({ source }) => source),
    ]);
    this.#attempts.keepOnly((source) => known.has(source) || this.#busy.has(source));
    return seen;
  }

  /** Those for which nothing was started. */
  #settleOthers({ seen: { look, sources }, chosen, obstacle }: Found, seconds: Seconds): void {
    if (obstacle !== undefined) this.#options.log.info({}, `waiting: ${obstacle}`);
    const started = new Set(chosen.map(({ source }) => source));
    const isLeft = (source: Address): boolean => !started.has(source) && !this.#busy.has(source);
    const known = new Set(sources.map(({ address }) => address));
    for (const source of sources.filter(({ address }) => isLeft(address))) {
      const result = resultOfLook(look.plan, source);
      this.#attempts.afterLook(source, result, obstacle !== undefined);
      this.#events.emit("reconciled", { source: source.address, result, seconds });
    }
    // whole repositories are no sources, and what is done to them can wait as well
    for (const address of sourcesIn(look.plan.operations))
      if (!known.has(address) && isLeft(address))
        this.#attempts.afterLook({ address, remotes: [] }, "waiting", obstacle !== undefined);
    this.#picture.outdate();
    this.#changed();
    const { status } = this.view();
    if (status) this.#events.emit("assessed", { status, plan: look.plan });
    if (chosen.length === 0) this.#save();
  }

  #begin(shift: Shift, part: Part, plan: Plan, trigger: Trigger): void {
    shift.shareLock();
    this.#track(this.#work(shift, part, plan, trigger).finally(() => this.#unlock(shift)));
  }

  /** Runs one part of a plan, and settles each source of it as soon as nothing more of it is to come. */
  async #work(shift: Shift, part: Part, plan: Plan, trigger: Trigger): Promise<Report> {
    shift.enter();
    const startedAt = isoOf(this.#clock.now());
    const evenAt = this.#clock.monotonic();
    const left = new Map(part.operations.map((operation) => [operation.id, operation]));
    const reports = new Map<Address, OperationReport[]>(part.sources.map((source) => [source, []]));
    const open = new Map(part.sources.map((source) => [source, countOf(part, source)]));
    const results: PassResult[] = [];
    for (const source of part.sources) this.#attempts.begun(source);
    this.#busy.begin(part.operations);
    this.#changed();

    const settle = (source: Address, result: PassResult): void => {
      results.push(result);
      const tried = reports.get(source) ?? [];
      this.#picture.tried(tried);
      // a snapshot beside a long transfer says nothing of how that will end
      if (result === "failed" || !this.#busy.has(source)) this.#attempts.afterRun(source, result, tried);
      this.#events.emit("tried", tried);
      const seconds = ((this.#clock.monotonic() - evenAt) / 1000) as Seconds;
      this.#events.emit("reconciled", { source, result, seconds });
      // when it is tried again has to be known now, however long the rest takes
      this.#wake.abort();
    };
    const finished = (report: OperationReport): void => {
      const operation = left.get(report.id);
      if (operation === undefined) return;
      left.delete(report.id);
      this.#ended(operation);
      const { source } = operation;
      const all = [...(reports.get(source) ?? []), report];
      reports.set(source, all);
      open.set(source, (open.get(source) ?? 0) - 1);
      this.#events.emit("finished", report);
      const isBlocked = plan.blocked.some((one) => one.source === source);
      if (open.get(source) === 0) settle(source, resultOfRun(all, isBlocked));
    };
    const onEvent = <K extends keyof EngineEvents>(kind: K, event: EngineEvents[K]): void => {
      if (kind === "started") this.#started(event as EngineEvents["started"], left.get(event.id));
      else if (kind === "progress") this.#progressed(event as EngineEvents["progress"]);
      else finished(event as OperationReport);
    };
    const means = {
      signal: this.#stop.signal,
      urgent: this.#urgent.signal,
      superseded: shift.superseded,
      onEvent,
    };
    try {
      const report = await shift.workshop.run({ ...plan, operations: part.operations }, means);
      const { sources } = part;
      const run = this.#picture.ran({
        startedAt,
        trigger,
        sources,
        result: worst(results),
        operations: report.operations,
      });
      this.#save();
      this.#changed();
      this.#events.emit("ran", run);
      return report;
    } catch (error) {
      // a bug: none of it counts as done, and none of it stays in the way
      this.#options.log.error({ error: messageOf(error) }, "a run broke off");
      for (const operation of left.values()) this.#ended(operation);
      for (const [source, count] of open) if (count > 0) settle(source, "failed");
      throw error;
    } finally {
      this.#timetable.settle();
      this.#track(shift.leave());
      this.#wake.abort();
    }
  }

  #started(event: EngineEvents["started"], operation: Operation | undefined): void {
    if (operation === undefined) return;
    this.#picture.started(operation, event);
    this.#events.emit("started", event);
    this.#changed();
  }

  #progressed(event: EngineEvents["progress"]): void {
    if (!this.#picture.progressed(event)) return;
    this.#events.emit("progress", event);
    this.#changed();
  }

  #ended(operation: Operation): void {
    this.#picture.ended(operation);
    this.#busy.ended(operation);
    this.#changed();
    this.#freed.abort();
    this.#freed = new AbortController();
  }

  /** Takes no lock: it collides with nothing, and need not wait for what somebody else transfers. */
  async #snapshot(type: TypeName, sources: readonly Address[] | undefined): Promise<Taken> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#isHalted)
        throw new Refused(
          "this machine does not allow what the manifest in force does",
          "GET /api/v1/service says what",
        );
      const shift = this.#shift;
      shift.enter();
      const freed = either(this.#freed.signal, signal);
      try {
        const plan = await shift.workshop.planSnapshot(type, sources, signal);
        const { operations } = plan;
        const isInTheWay = operations.some(({ source, kind }) =>
          kind === "create" ? this.#busy.isSnapshotting(source) : kind !== "hook" && this.#busy.has(source),
        );
        if (!isInTheWay) {
          const work = this.#work(shift, { operations, sources: sourcesIn(operations) }, plan, "asked");
          this.#track(work);
          return { report: await work, missed: missedOf(plan, sources) };
        }
        await this.#clock.sleep(TURN_MS, freed.signal);
      } finally {
        freed.release();
        this.#track(shift.leave());
      }
    }
    throw new Refused("the service is ending", "ask again when it runs");
  }

  #changed(): void {
    this.#view = undefined;
    if (this.#isTelling || !this.#events.has("changed")) return;
    this.#isTelling = true;
    void this.#clock.sleep(TELL_MS, this.#stop.signal).then(() => {
      this.#isTelling = false;
      this.#events.emit("changed", this.view());
    });
  }

  #makeView(): ServiceView {
    const shown = this.#picture.show();
    const { inMs, reason } = this.#nextLook();
    return {
      startedAt: this.#startedAt,
      version: this.#options.version,
      self: this.#shift.workshop.manifest.self,
      manifest: this.#manifest,
      turnedAt: isoOf(this.#turnedAt),
      ...(!this.#isLooking && !this.#isHalted && { nextLook: { at: isoOf(this.#clock.now() + inMs), reason } }),
      ...shown,
      lockHeld: this.#shift.isLocked,
    };
  }

  #save(): void {
    try {
      this.#picture.save();
    } catch (error) {
      const { history, log } = this.#options;
      log.warn({ error: messageOf(error) }, `the history is not kept: cannot write ${history.path}`);
    }
  }

  #shiftOf(workshop: Workshop): Shift {
    return new Shift(workshop, (error) => {
      this.#options.log.warn({ error: messageOf(error) }, "cannot close what an earlier manifest needed");
    });
  }

  #unlock(shift: Shift): void {
    if (shift.unlock()) this.#changed();
  }

  #track(work: Promise<unknown>): void {
    const end: Promise<unknown> = work.catch(() => {}).finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }
}

/** Whether what is away may be so can take more than one look to know. */
const judgedBy = ({ unobserved, complete }: Status, { look, ...seen }: Seen): Seen => ({
  ...seen,
  look: { ...look, plan: { ...look.plan, unobserved, complete } },
});

const countOf = ({ operations }: Part, source: Address): number =>
  operations.filter((operation) => operation.source === source).length;

const sourcesIn = (operations: readonly Operation[]): Address[] => [...new Set(operations.map(({ source }) => source))];

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Aborted with the first of them; leaves nothing at those that live on, which `AbortSignal.any` does. */
function either(...signals: readonly AbortSignal[]): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    },
  };
}

function forward(from: AbortSignal, to: AbortController): void {
  if (from.aborted) to.abort();
  else from.addEventListener("abort", () => to.abort(), { once: true });
}

/** Of what a plan could not see, that which was asked for. */
const missedOf = ({ unobserved }: Plan, sources: readonly Address[] | undefined): readonly Unobserved[] =>
  unobserved.filter(
    ({ host, expected }) => !expected && (sources?.some((source) => source.startsWith(`${host}:`)) ?? true),
  );
