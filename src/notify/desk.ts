import { type Manifest, type Notification, receiverOf } from "../model/manifest.ts";
import type { OperationReport } from "../model/report.ts";
import type { EpochSeconds } from "../model/units.ts";
import { type Patience, withRetries } from "./attempts.ts";
import { deliver, nameOf } from "./deliver.ts";
import { afterRun, type Failures } from "./failures.ts";
import { NOTHING, readMemory, writeMemory } from "./memory.ts";
import { afterTelling, type News, newsFor, withoutOld, withoutSettled } from "./news.ts";
import { noticeOf } from "./notice.ts";
import { type Sight, updated } from "./problems.ts";

/** What is written to a log; pino's has it. */
export interface NotifyLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface DeskOptions {
  readonly manifest: () => Pick<Manifest, "notifications" | "self">;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where to remember what was told; absent: nowhere. */
  readonly file?: string;
  readonly log: NotifyLog;
  readonly now: () => EpochSeconds;
  readonly patience: Patience;
  /** Of one attempt. */
  readonly timeoutMs: number;
}

export interface Counts {
  readonly delivered: number;
  /** Given up for now: what is still new is told with the next message. */
  readonly undelivered: number;
}

/**
 * Tells everybody what is new. Level-triggered: what a receiver was told is compared with what is so; one message at a time
 * goes to each, and whatever comes meanwhile is in the next. Nothing here throws, and nobody has to wait for it.
 */
export interface Desk {
  /** How operations ended. */
  tried(operations: readonly OperationReport[]): void;
  /** How all is, given what has failed; `keep` says which of that is still of interest. */
  look(see: (failures: Failures) => { readonly sight: Sight; readonly failures: Failures }): Promise<Sight>;
  counts(): ReadonlyMap<Notification["type"], Counts>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Gives what is under way `graceMs`, and remembers what arrived. */
  close(graceMs: number): Promise<void>;
}

/** After a message could not be delivered: 1, 2, 4 … minutes until the next is tried. */
const FIRST_PAUSE = 60;
const LONGEST_PAUSE = 3600;

export function openDesk(options: DeskOptions): Desk {
  const { manifest, env, file, log, now, patience, timeoutMs } = options;
  const ending = new AbortController();
  const underWay = new Map<string, { readonly news: readonly News[]; readonly done: Promise<void> }>();
  const paused = new Map<string, { readonly from: number; readonly until: number; readonly failures: number }>();
  const counts = new Map<Notification["type"], Counts>();
  let memory = NOTHING;
  let saved = JSON.stringify(memory);
  let isWritable = file !== undefined;
  // one after the other, beginning with what was remembered
  let turn = file === undefined ? Promise.resolve() : remember(file);

  async function remember(from: string): Promise<void> {
    try {
      memory = (await readMemory(from)) ?? NOTHING;
    } catch (error) {
      log.warn({ file: from }, `what was told before is forgotten: ${(error as Error).message}`);
    }
  }

  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.then(
      () => undefined,
      (error: unknown) => log.error({}, `notifications: ${error instanceof Error ? error.message : String(error)}`),
    );
    return done;
  }

  async function save(): Promise<void> {
    const text = JSON.stringify(memory);
    if (!isWritable || file === undefined || text === saved) return;
    try {
      await writeMemory(file, memory);
      saved = text;
    } catch (error) {
      // said once: the next pass would end the same
      isWritable = false;
      log.warn({ file }, `what was told cannot be remembered, so it may be told again: ${(error as Error).message}`);
    }
  }

  function tellAll(): void {
    const { notifications } = manifest();
    const told = Object.fromEntries(
      notifications.map((one) => [
        receiverOf(one),
        withoutOld(memory.told[receiverOf(one)] ?? {}, memory.problems, one),
      ]),
    );
    // what is just being told will have to be told to be over
    const soon = [...underWay.values()].map(({ news }) => afterTelling({}, news, now()));
    memory = { ...memory, told, problems: withoutSettled(memory.problems, [...Object.values(told), ...soon]) };
    for (const one of notifications) tell(one);
  }

  function tell(one: Notification): void {
    const id = receiverOf(one);
    const at = now();
    if (ending.signal.aborted || underWay.has(id) || isPaused(id, at)) return;
    const news = newsFor(one, memory.problems, memory.told[id] ?? {}, at);
    if (news.length === 0) return;
    const done = send(one, news, at).finally(() => {
      if (underWay.get(id)?.news === news) underWay.delete(id);
    });
    underWay.set(id, { news, done });
  }

  /** A clock that was ahead when the pause began does not prolong it. */
  function isPaused(id: string, at: EpochSeconds): boolean {
    const pause = paused.get(id);
    return pause !== undefined && pause.from <= at && at < pause.until;
  }

  async function send(one: Notification, news: readonly News[], at: EpochSeconds): Promise<void> {
    const id = receiverOf(one);
    const { signal } = ending;
    const notice = noticeOf(news, manifest().self, at);
    const delivery = await withRetries(() => deliver(one, notice, { env, signal, timeoutMs }), {
      ...patience,
      signal,
    }).catch((error: unknown) => {
      if (!signal.aborted) log.error({}, `notification to ${nameOf(one)}: ${String(error)}`);
      return undefined;
    });
    if (delivery === undefined) return;
    count(one.type, delivery.arrived ? "delivered" : "undelivered");
    if (!delivery.arrived) {
      const failures = (paused.get(id)?.failures ?? 0) + 1;
      const pause = Math.min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE);
      paused.set(id, { from: now(), until: now() + pause, failures });
      log.error({ items: news.length }, `notification to ${nameOf(one)} could not be delivered: ${delivery.answer}`);
      return;
    }
    paused.delete(id);
    log.info({ items: news.length }, `notification to ${nameOf(one)}: ${notice.title}`);
    await inTurn(async () => {
      memory = { ...memory, told: { ...memory.told, [id]: afterTelling(memory.told[id] ?? {}, news, at) } };
      underWay.delete(id);
      // what came meanwhile
      tellAll();
      await save();
    }).catch(() => undefined);
  }

  function count(type: Notification["type"], what: keyof Counts): void {
    const known = counts.get(type) ?? { delivered: 0, undelivered: 0 };
    counts.set(type, { ...known, [what]: known[what] + 1 });
  }

  async function idle(): Promise<void> {
    await turn;
    while (underWay.size > 0) {
      await Promise.all([...underWay.values()].map(({ done }) => done));
      await turn;
    }
  }

  return {
    tried(operations) {
      void inTurn(() => {
        memory = { ...memory, failures: afterRun(memory.failures, operations) };
      });
    },
    look: (see) =>
      inTurn(async () => {
        const { sight, failures } = see(memory.failures);
        memory = { ...memory, failures, problems: updated(memory.problems, sight, now()) };
        tellAll();
        await save();
        return sight;
      }),
    counts: () => counts,
    idle,
    async close(graceMs) {
      const grace = AbortSignal.timeout(graceMs);
      await Promise.race([idle(), new Promise((resolve) => grace.addEventListener("abort", resolve, { once: true }))]);
      ending.abort();
      await idle();
      await inTurn(save);
    },
  };
}
