import type { PipeCause, StageResult } from "./types.ts";
import { TransportError } from "./types.ts";

export interface Endings {
  readonly sender: StageResult;
  readonly receiver: StageResult;
  readonly filters: readonly StageResult[];
  readonly ended: "aborted" | "stalled" | undefined;
  /** Why the machine that ran the pipe could not tell. */
  readonly failure: unknown;
  readonly stallTimeoutMs: number | undefined;
}

/** Which of several failures is the first one: the others follow from it. */
export function blame({ sender, receiver, filters, ended, failure, stallTimeoutMs }: Endings): PipeCause {
  if (ended === "aborted") {
    return {
      kind: "aborted",
      host: sender.host,
      message: "the transfer was interrupted",
      hint: "run again to resume it",
    };
  }
  if (ended === "stalled") {
    return {
      kind: "stalled",
      host: sender.host,
      message: `the transfer made no progress for ${(stallTimeoutMs ?? 0) / 1000} s`,
      hint: "look at the network and at both pools (zpool status); run again to resume it",
    };
  }
  if (failed(sender) && !consequence(sender)) return of("sender", sender);
  if (failed(receiver) && !endOfInput(receiver)) return of("receiver", receiver);
  const filter = filters.find((stage) => failed(stage) && !consequence(stage));
  if (filter !== undefined) return of("filter", filter);
  const lost = [sender, receiver].find(unknown);
  if (lost !== undefined) return lostLink(lost, failure);
  return failed(sender) ? of("sender", sender) : of("receiver", receiver);
}

const unknown = ({ code, signal }: StageResult): boolean => code === null && signal === undefined;
const failed = (stage: StageResult): boolean => !unknown(stage) && stage.code !== 0;

/** Ended because the next stage did, or because it was told to. */
const consequence = ({ signal, stderr }: StageResult): boolean =>
  signal === "SIGPIPE" || signal === "SIGTERM" || /signal received|Broken pipe/i.test(stderr);

/** What a receiver says when its input ends too early. */
const endOfInput = ({ stderr }: StageResult): boolean =>
  /failed to read from stream|incomplete stream|invalid backup stream|Partially received/i.test(stderr);

function of(kind: "sender" | "receiver" | "filter", stage: StageResult): PipeCause {
  const said = stage.stderr.trim();
  const how = stage.signal === undefined ? `exit code ${stage.code}` : `ended by ${stage.signal}`;
  return { kind, host: stage.host, message: said === "" ? `${stage.stage}: ${how}` : said };
}

function lostLink(stage: StageResult, failure: unknown): PipeCause {
  const said = failure instanceof TransportError ? failure.message : stage.stderr.trim();
  return {
    kind: "connection-lost",
    host: stage.host,
    message: `${stage.host}: connection lost${said === "" ? "" : `: ${said}`}`,
    hint: "run again: what arrived is kept, and the transfer goes on from there",
  };
}
