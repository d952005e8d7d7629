import type { ServiceEvents } from "../model/service.ts";

type Listener<K extends keyof ServiceEvents> = (event: ServiceEvents[K]) => void;

/** Tells listeners what happens, in the order in which they came. One that throws harms no other one, and no backup. */
export class Events {
  readonly #listeners = new Map<keyof ServiceEvents, Set<Listener<never>>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  on<K extends keyof ServiceEvents>(kind: K, listener: Listener<K>): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Whether anybody listens. */
  has(kind: keyof ServiceEvents): boolean {
    return (this.#listeners.get(kind)?.size ?? 0) > 0;
  }

  emit<K extends keyof ServiceEvents>(kind: K, event: ServiceEvents[K]): void {
    for (const listener of [...(this.#listeners.get(kind) ?? [])]) {
      try {
        (listener as Listener<K>)(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
