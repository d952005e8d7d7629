import type { Held, Workshop } from "./workshop.ts";

/** A manifest in force, with what works on it: that is closed once another one is in force and nothing uses it any more. */
export class Shift {
  readonly workshop: Workshop;
  readonly #superseded = new AbortController();
  readonly #onTrouble: (error: unknown) => void;
  /** What is in force counts as one. */
  #users = 1;
  #lock: { readonly held: Held; users: number } | undefined;

  /** `onTrouble`: it could not be closed cleanly. */
  constructor(workshop: Workshop, onTrouble: (error: unknown) => void) {
    this.workshop = workshop;
    this.#onTrouble = onTrouble;
  }

  /** Aborted when it is no longer in force. */
  get superseded(): AbortSignal {
    return this.#superseded.signal;
  }

  /** Nobody else works on its hosts meanwhile. */
  get isLocked(): boolean {
    return this.#lock !== undefined;
  }

  /** To be followed by one `leave`. */
  enter(): void {
    this.#users += 1;
  }

  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) await this.workshop.close().catch(this.#onTrouble);
  }

  /** No longer in force; said once more it means nothing. */
  async supersede(): Promise<void> {
    if (this.#superseded.signal.aborted) return;
    this.#superseded.abort();
    await this.leave();
  }

  /** Takes the lock, or a share in it; to be followed by one `unlock` unless the answer is why it cannot be had. */
  async lock(signal: AbortSignal): Promise<string | undefined> {
    if (this.#lock === undefined) {
      const held = await this.workshop.lock(signal);
      if ("reason" in held) return held.reason;
      this.#lock = { held, users: 0 };
    }
    this.shareLock();
    return undefined;
  }

  /** For one more of those who work while it is locked; to be followed by one `unlock`. */
  shareLock(): void {
    if (this.#lock !== undefined) this.#lock.users += 1;
  }

  /** The last one releases it: true. */
  unlock(): boolean {
    if (this.#lock === undefined) return false;
    this.#lock.users -= 1;
    if (this.#lock.users > 0) return false;
    this.#lock.held.release();
    this.#lock = undefined;
    return true;
  }
}
