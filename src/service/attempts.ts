import type { Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { PassResult } from "../model/service.ts";
import type { Address, EpochSeconds } from "../model/units.ts";
import type { Clock } from "./clock.ts";
import { failuresIn, placeKey } from "./conditions.ts";
import { FRESH, type Pace, paceAfterLook, paceAfterRun, WAIT_MS } from "./pace.ts";
import { firstTick, type KnownSource, unseenAt } from "./sources.ts";

/** How the last attempts at every source ended, and when the next one is. */
export class Attempts {
  readonly #clock: Clock;
  readonly #chance: () => number;
  readonly #paces = new Map<Address, Pace>();
  /** By the machine's clock: when something was last started. */
  readonly #triedAt = new Map<Address, number>();
  /** By place: what failed last. */
  readonly #failures = new Map<string, string>();
  /** By place: looks in a row that could not see it. */
  #blindLooks: ReadonlyMap<string, number> = new Map();

  constructor(clock: Clock, chance: () => number) {
    this.#clock = clock;
    this.#chance = chance;
  }

  begun(source: Address): void {
    this.#triedAt.set(source, this.#clock.now());
  }

  afterRun(source: Address, result: PassResult, reports: readonly OperationReport[]): void {
    this.#paces.set(source, paceAfterRun(this.#paces.get(source) ?? FRESH, result, this.#at()));
    for (const [key, failure] of failuresIn(reports)) {
      if (failure === undefined) this.#failures.delete(key);
      else this.#failures.set(key, failure);
    }
  }

  /** After each look: whatever is done meanwhile, a place that stays out of sight is one that nothing reaches. */
  saw(plan: Pick<Plan, "unobserved">, sources: readonly KnownSource[]): void {
    const blind = sources.flatMap((source) =>
      [undefined, ...source.remotes].flatMap((remote) =>
        unseenAt(plan, source, remote).length > 0 ? placeKey(source.address, remote) : [],
      ),
    );
    this.#blindLooks = new Map(blind.map((key) => [key, this.blindLooks(key) + 1]));
  }

  /** `heldUp`: somebody else is at work there. */
  afterLook({ address, remotes }: Pick<KnownSource, "address" | "remotes">, result: PassResult, heldUp: boolean): void {
    const at = this.#at();
    const pace = paceAfterLook(this.#paces.get(address) ?? FRESH, result, at);
    const notBefore = heldUp && result === "waiting" ? Math.max(pace.notBefore, at.now + WAIT_MS) : pace.notBefore;
    this.#paces.set(address, { ...pace, notBefore });
    if (result !== "clean" && result !== "blocked") return;
    for (const remote of [undefined, ...remotes]) this.#failures.delete(placeKey(address, remote));
  }

  /** It failed a moment ago, and nothing has become due since. */
  isLeftAlone(source: Address, known: Pick<KnownSource, "schedules"> | undefined): boolean {
    const pace = this.#paces.get(source);
    if (pace === undefined || this.#clock.monotonic() >= pace.notBefore) return false;
    const tried = this.#triedAt.get(source);
    if (known === undefined || tried === undefined) return true;
    const tick = firstTick(known.schedules, Math.floor(tried / 1000) as EpochSeconds);
    return tick === undefined || tick * 1000 > this.#clock.now();
  }

  /** By the monotonic clock: when something is tried again. */
  next(isBusy: (source: Address) => boolean): number | undefined {
    let first: number | undefined;
    for (const [source, { notBefore }] of this.#paces)
      if (notBefore > 0 && (first === undefined || notBefore < first) && !isBusy(source)) first = notBefore;
    return first;
  }

  /** What is no longer there is not tried again. */
  keepOnly(isKnown: (source: Address) => boolean): void {
    for (const source of this.#paces.keys()) {
      if (isKnown(source)) continue;
      this.#paces.delete(source);
      this.#triedAt.delete(source);
      for (const key of this.#failures.keys())
        if (key === source || key.startsWith(`${source} `)) this.#failures.delete(key);
    }
  }

  failure(key: string): string | undefined {
    return this.#failures.get(key);
  }

  failures(source: Address): number {
    return this.#paces.get(source)?.failures ?? 0;
  }

  blindLooks(key: string): number {
    return this.#blindLooks.get(key) ?? 0;
  }

  #at(): { readonly now: number; readonly chance: number } {
    return { now: this.#clock.monotonic(), chance: this.#chance() };
  }
}
