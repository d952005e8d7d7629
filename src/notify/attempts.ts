import pRetry from "p-retry";
import type { Delivery } from "./deliver.ts";

export interface Patience {
  /** After the first attempt. */
  readonly retries: number;
  /** Before the second attempt, about; then longer each time. */
  readonly firstPauseMs: number;
}

export const SERVICE_PATIENCE: Patience = { retries: 4, firstPauseMs: 3000 };
/** Somebody may be waiting for the command to end. */
export const COMMAND_PATIENCE: Patience = { retries: 2, firstPauseMs: 1000 };

class NotArrived extends Error {
  readonly delivery: Delivery;

  constructor(delivery: Delivery) {
    super(delivery.answer);
    this.delivery = delivery;
  }
}

/** Tries again, with growing pauses, what may go better next time. Throws for an abort only. */
export async function withRetries(
  attempt: () => Promise<Delivery>,
  { retries, firstPauseMs, signal }: Patience & { readonly signal: AbortSignal },
): Promise<Delivery> {
  const once = async (): Promise<Delivery> => {
    const delivery = await attempt();
    if (!delivery.arrived) throw new NotArrived(delivery);
    return delivery;
  };
  try {
    return await pRetry(once, {
      retries,
      minTimeout: firstPauseMs,
      maxTimeout: 60_000,
      factor: 3,
      randomize: true,
      signal,
      shouldRetry: ({ error }) => error instanceof NotArrived && !error.delivery.permanent,
    });
  } catch (error) {
    if (error instanceof NotArrived) return error.delivery;
    throw error;
  }
}
