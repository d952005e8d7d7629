import type { Clock } from "../../src/service/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly end: () => void;
}

/** Time that passes only when a test says so. */
export class FakeClock implements Clock {
  #even = 1000;
  /** From the monotonic clock to the machine's. */
  #offset: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: string) {
    this.#offset = Date.parse(start) - this.#even;
  }

  now(): number {
    return this.#even + this.#offset;
  }

  monotonic(): number {
    return this.#even;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const sleeper = { at: this.#even + Math.max(0, ms), end };
      if (signal.aborted) resolve();
      else {
        this.#sleepers.add(sleeper);
        signal.addEventListener("abort", end, { once: true });
      }
    });
  }

  /** Sets the machine's clock. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  /** Lets so much time pass, and everything happen that has its time in it. */
  async pass(ms: number): Promise<void> {
    const end = this.#even + ms;
    await settled();
    for (let next = this.#first(end); next !== undefined; next = this.#first(end)) {
      this.#even = Math.max(this.#even, next.at);
      next.end();
      await settled();
    }
    this.#even = end;
  }

  #first(end: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (sleeper.at <= end && (first === undefined || sleeper.at < first.at)) first = sleeper;
    return first;
  }
}

/** Everything that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
