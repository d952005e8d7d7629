import type { ServiceEvents, ServiceSource, ServiceView } from "../model/service.ts";

/** A single run as a service would show it, to whoever listens to one. */
export interface OneRun {
  readonly service: Pick<ServiceSource, "view" | "on">;
  emit<K extends keyof ServiceEvents>(kind: K, event: ServiceEvents[K]): void;
  /** What is known from now on. */
  show(view: ServiceView): void;
}

type Listeners = { readonly [K in keyof ServiceEvents]: Set<(event: ServiceEvents[K]) => void> };

export function oneRun(first: ServiceView): OneRun {
  let view = first;
  const listeners: Listeners = {
    started: new Set(),
    progress: new Set(),
    finished: new Set(),
    reconciled: new Set(),
    tried: new Set(),
    ran: new Set(),
    assessed: new Set(),
    manifest: new Set(),
    changed: new Set(),
  };
  const emit: OneRun["emit"] = (kind, event) => {
    for (const listener of listeners[kind]) listener(event);
  };
  return {
    service: {
      view: () => view,
      on(kind, listener) {
        listeners[kind].add(listener);
        return () => listeners[kind].delete(listener);
      },
    },
    emit,
    show(next) {
      view = next;
      emit("changed", next);
    },
  };
}
