import { createHash } from "node:crypto";

/** Random cases in a whole run of all properties, always the same ones; `make soak` asks for more, and for new ones. */
const total = Number(process.env.HOLDFAST_RUNS ?? 10_000);
const seed = Number(process.env.HOLDFAST_SEED ?? 2026);
/** Of a counterexample, as its message tells it: only that one is tried again. */
const path = process.env.HOLDFAST_PATH;

/** fast-check's parameters for a property that gets this share of the cases: its own, no other property sees them. */
export const randomCases = (share: number, property: string) => ({
  seed: createHash("sha256").update(`${seed} ${property}`).digest().readInt32LE(),
  numRuns: Math.max(1, Math.ceil(total * share)),
  ...(path !== undefined && { path }),
});

export const seedText = `HOLDFAST_SEED=${seed}`;
