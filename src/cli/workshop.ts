import type { Limits } from "../apply/index.ts";
import type { Manifest } from "../model/manifest.ts";
import type { HostName, Seconds } from "../model/units.ts";
import { type Held, Refused, type Workshop } from "../service/workshop.ts";
import type { Hosts, Lock } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";
import { Doors } from "./doors.ts";
import { Failure } from "./exit.ts";
import type { Interruption } from "./interrupt.ts";
import { lockNames } from "./lock.ts";
import { openThem, type Remotes, withHooks } from "./remotes.ts";
import { planOfSnapshot, requireType } from "./snapshot.ts";
import { connect, observeWorld } from "./world.ts";

/** What all workshops of one service share. */
export interface Shared {
  readonly options: GlobalOptions;
  readonly limits: Limits;
  readonly locks: Locks;
  readonly interruption: Pick<Interruption, "signal" | "urgent">;
}

/** Where a service works on one manifest: connections that stay open, and the same steps as `plan` and `apply`. */
export async function openWorkshop(manifest: Manifest, shared: Shared): Promise<Workshop> {
  const { options, limits, locks, interruption } = shared;
  const [{ apply }, planner] = await Promise.all([import("../apply/index.ts"), import("../planner/index.ts")]);
  const hosts = await connect(manifest, options);
  const doors = new Doors((used) => openThem([used], hosts, options, interruption));
  const all = withHooks(manifest);
  return {
    manifest,
    look: (signal) =>
      doors.within(all, async ({ unavailable }) => {
        const { timed, seconds } = withTimes(hosts);
        const { inventory, now } = await observeWorld(manifest, timed, { unavailable, signal });
        const plan = planner.plan(manifest, inventory, { now, mayInit: false });
        return { inventory, plan, observeSeconds: seconds() };
      }),
    lock: (signal) => locks.take(manifest, signal),
    run: (plan, means) =>
      // what runs for days keeps to itself no repository that it does not work on
      doors.within(withHooks(manifest, { plan }), ({ unavailable, finished }) =>
        apply(plan, {
          ...means,
          manifest,
          hosts,
          env: process.env,
          limits,
          unavailable,
          onEvent: (kind, event) => {
            means.onEvent(kind, event);
            if (kind === "finished") finished(event as Parameters<Remotes["finished"]>[0]);
          },
        }),
      ),
    planSnapshot: (type, sources, signal) =>
      doors.within(all, async ({ unavailable }) => {
        try {
          requireType(manifest, type);
          const world = await observeWorld(manifest, hosts, { unavailable, signal });
          return await planOfSnapshot(manifest, world, { type, patterns: (sources ?? []).map(literally) });
        } catch (error) {
          if (error instanceof Failure && !interruption.signal.aborted) throw new Refused(error.message, error.hint);
          throw error;
        }
      }),
    close: () => hosts.close(),
  };
}

/** An address as a pattern that means it alone. */
const literally = (address: string): string => address.replaceAll(/[\\*?[\]{}()!]/g, "\\$&");

/** The same hosts, and how long each was kept busy: from the first command to the end of its last. */
function withTimes(hosts: Hosts): { readonly timed: Hosts; readonly seconds: () => Record<HostName, Seconds> } {
  const start = performance.now();
  const ends = new Map<HostName, number>();
  const noted = <T>(host: HostName, work: Promise<T>): Promise<T> =>
    work.finally(() => ends.set(host, performance.now()));
  return {
    timed: {
      run: (host, ...rest) => noted(host, hosts.run(host, ...rest)),
      read: (host, ...rest) => noted(host, hosts.read(host, ...rest)),
      pipe: (...all) => hosts.pipe(...all),
      close: () => hosts.close(),
    },
    seconds: () => Object.fromEntries([...ends].map(([host, end]) => [host, (end - start) / 1000])) as never,
  };
}

/**
 * The locks of `apply`, each taken once by this process, whatever the number of manifests that it still works on: the
 * kernel would take a second holder here for somebody else.
 */
export class Locks {
  readonly #held = new Map<string, { readonly lock: Lock; users: number }>();

  async take(manifest: Manifest, signal: AbortSignal): Promise<Held | { readonly reason: string }> {
    const { acquireLock, LockedError } = await import("../transport/index.ts");
    const taken: string[] = [];
    const release = (): void => {
      for (const name of taken.splice(0)) this.#leave(name);
    };
    try {
      for (const name of lockNames(manifest)) {
        const known = this.#held.get(name);
        if (known) known.users += 1;
        else {
          const lock = await acquireLock({ name, env: process.env, command: "holdfast watch", signal });
          this.#held.set(name, { lock, users: 1 });
        }
        taken.push(name);
      }
      return { release };
    } catch (error) {
      release();
      if (error instanceof LockedError) return { reason: error.message };
      throw error;
    }
  }

  #leave(name: string): void {
    const known = this.#held.get(name);
    if (known === undefined) return;
    known.users -= 1;
    if (known.users > 0) return;
    known.lock.release();
    this.#held.delete(name);
  }
}
