import type { Plan } from "../model/plan.ts";
import type { EngineEvents, OperationReport } from "../model/report.ts";
import { part, size } from "../model/size.ts";
import { renderFinished, renderProgress, renderSearch } from "../render/progress.ts";
import { forStderr, type GlobalOptions, openLog } from "./context.ts";
import type { Log } from "./log.ts";
import { tell } from "./terminal.ts";
import { Tracker } from "./tracker.ts";

/** Listens to the engine while it works. */
export interface Progress {
  readonly onEvent: <K extends keyof EngineEvents>(kind: K, event: EngineEvents[K]) => void;
  /** Shows a line that stays. */
  readonly say: (text: string) => void;
  /** Takes the live lines away. */
  readonly end: () => void;
}

type Listeners = { readonly [K in keyof EngineEvents]: (event: EngineEvents[K]) => void };

const listening =
  (listeners: Listeners): Progress["onEvent"] =>
  (kind, event) =>
    listeners[kind](event);

const FRAME_MS = 200;
const MINUTE_MS = 60_000;

const isLive = ({ logFormat }: GlobalOptions): boolean => process.stderr.isTTY && logFormat === "pretty";

/** Live lines on a terminal; otherwise, or where the log is to be JSON, a line in the log per start, end and minute. */
export async function showProgress(
  plan: Pick<Plan, "operations">,
  options: GlobalOptions & { readonly verbose?: true },
): Promise<Progress> {
  const tracker = new Tracker(plan);
  return isLive(options) ? live(tracker, options) : logged(tracker, await openLog(options));
}

/** How far a search is. */
export interface SearchProgress {
  /** So many more are searched. */
  readonly add: (snapshots: number) => void;
  /** Takes the live line away. */
  readonly end: () => void;
}

/** A live line on a terminal, otherwise nothing. */
export async function showSearch(snapshots: number, options: GlobalOptions): Promise<SearchProgress> {
  if (!isLive(options)) return { add: () => {}, end: () => {} };
  let done = 0;
  const startedAt = performance.now();
  const { end } = await liveLines(() =>
    renderSearch({ done, snapshots, seconds: (performance.now() - startedAt) / 1000 }, forStderr(options)),
  );
  return {
    add: (more) => {
      done += more;
    },
    end,
  };
}

/** Draws on stderr what stands there for as long as it is not ended. */
async function liveLines(render: () => string): Promise<Pick<Progress, "say" | "end">> {
  const { createLogUpdate } = await import("log-update");
  const lines = createLogUpdate(process.stderr);
  const draw = (): void => lines(render());
  const frames = setInterval(draw, FRAME_MS);
  return {
    say: (text) => {
      lines.clear();
      tell(`${text}\n`);
      draw();
    },
    end: () => {
      clearInterval(frames);
      lines.clear();
      lines.done();
    },
  };
}

async function live(tracker: Tracker, options: GlobalOptions & { readonly verbose?: true }): Promise<Progress> {
  const { say, end } = await liveLines(() =>
    renderProgress(tracker.running(), tracker.totals(), performance.now(), forStderr(options)),
  );
  return {
    onEvent: listening({
      started: (event) => tracker.started(event),
      progress: (event) => tracker.progress(options.verbose ? event : withoutName(event)),
      finished: (event) => {
        tracker.finished(event);
        say(renderFinished(event, forStderr(options)));
      },
    }),
    say,
    end,
  };
}

/** Names of files come and go too fast to be read unless somebody asks for them. */
function withoutName({ files, ...event }: EngineEvents["progress"]): EngineEvents["progress"] {
  return { ...event, ...(files && { files: { done: files.done, total: files.total } }) };
}

function logged(tracker: Tracker, log: Log): Progress {
  const minutes = setInterval(() => {
    const since = performance.now() - MINUTE_MS;
    for (const { label, bytes, expected, startedAt } of tracker.running())
      if (startedAt <= since)
        log.info(
          bytes === 0 ? {} : { moved: expected === undefined ? size(bytes) : part(bytes, expected) },
          `running  ${label}`,
        );
  }, MINUTE_MS);
  return {
    onEvent: listening({
      started: (event) => {
        tracker.started(event);
        const { id, expected } = event;
        log.info(
          { id, ...(expected === undefined ? {} : { expected: size(expected) }) },
          `start  ${tracker.label(id)}`,
        );
      },
      progress: (event) => tracker.progress(event),
      finished: (event) => {
        tracker.finished(event);
        logEnd(log, event);
      },
    }),
    say: (text) => log.warn(text),
    end: () => clearInterval(minutes),
  };
}

export function logEnd(log: Log, { id, source, description, outcome, seconds, bytes, error }: OperationReport): void {
  const level = outcome === "done" ? "info" : outcome === "failed" ? "error" : "warn";
  const details = {
    id,
    source,
    seconds,
    ...(bytes === undefined ? {} : { moved: size(bytes) }),
    ...(error === undefined ? {} : { error: error.message }),
  };
  log[level](details, `${outcome}  ${source}  ${description}`);
}
