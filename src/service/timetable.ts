import type { EpochSeconds } from "../model/units.ts";
import type { Clock } from "./clock.ts";

/** Why the service looks: of several reasons, the first of these. */
const TRIGGERS = ["asked", "manifest", "due", "retry", "interval"] as const;
export type Trigger = (typeof TRIGGERS)[number];

/** What was just done is looked at again after this, together with what else ends meanwhile. */
const SETTLE_MS = 2_000;
/** A clock that was set back by more than this makes every tick new. */
const SET_BACK_MS = 1_000;

/**
 * When to look. Schedules go by the machine's clock, everything else by the monotonic one, so that a clock which is set
 * neither hurries nor holds up anything.
 */
export class Timetable {
  readonly #clock: Clock;
  readonly #asked = new Set<Trigger>();
  /** By the monotonic clock. */
  #interval = 0;
  #notBefore = 0;
  #settle: number | undefined;
  /** By the machine's clock: the first tick that the last look did not know, and when that look began. */
  #tick: number | undefined;
  #lastLook = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ask(trigger: Trigger): void {
    this.#asked.add(trigger);
  }

  /** Something was done: whether anything is left is asked soon. */
  settle(): void {
    this.#settle = this.#clock.monotonic() + SETTLE_MS;
  }

  /** A look begins: it answers all that called for it so far. */
  begin(): void {
    this.#asked.clear();
    this.#settle = undefined;
  }

  /** A look that began at `at` has ended; `everyMs` to the next one. */
  looked(at: number, tick: EpochSeconds | undefined, everyMs: number): void {
    this.#lastLook = at;
    this.#tick = tick === undefined ? undefined : tick * 1000;
    this.#interval = this.#clock.monotonic() + everyMs;
    this.#notBefore = 0;
  }

  /** A look came to nothing. */
  failed(delayMs: number): void {
    this.#notBefore = this.#clock.monotonic() + delayMs;
    this.#interval = this.#notBefore;
  }

  /** Why to look now, if there is a reason. `retryAt`: when something that was left is tried again. */
  calling(retryAt: number | undefined): Trigger | undefined {
    const asked = TRIGGERS.find((trigger) => this.#asked.has(trigger));
    if (asked !== undefined) return asked;
    const { inMs, reason } = this.next(retryAt);
    return inMs <= 0 ? reason : undefined;
  }

  /** The next look, and why. */
  next(retryAt: number | undefined): { readonly inMs: number; readonly reason: Trigger } {
    const [now, even] = [this.#clock.now(), this.#clock.monotonic()];
    const all: { inMs: number; reason: Trigger }[] = [];
    if (now < this.#lastLook - SET_BACK_MS) all.push({ inMs: 0, reason: "due" });
    if (this.#tick !== undefined) all.push({ inMs: this.#tick - now, reason: "due" });
    if (retryAt !== undefined) all.push({ inMs: retryAt - even, reason: "retry" });
    if (this.#settle !== undefined) all.push({ inMs: this.#settle - even, reason: "retry" });
    all.push({ inMs: this.#interval - even, reason: "interval" });
    const first = all.reduce((one, other) => (other.inMs < one.inMs ? other : one));
    return { ...first, inMs: Math.max(0, this.#notBefore - even, first.inMs) };
  }
}
