import type { Readable } from "node:stream";

/** A command that runs, here or on the far end of a connection. */
export interface Running {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** After both streams ended. Rejected with a `TransportError` when nobody can say how it ended. */
  readonly ended: Promise<Ended>;
  /** Sees to it that it ends, politely at first. */
  stop(): void;
}

export interface Ended {
  readonly code: number | null;
  readonly signal?: string;
}
