import type { Operation, Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import { size } from "../model/size.ts";
import { duration } from "./text.ts";

/** Less says nothing of how fast a place is. */
const LEAST_BYTES = 2 ** 20;
/** Bytes per second of a gigabit network, about: for a place of which nothing is known. */
const USUAL_RATE = 100 * 2 ** 20;

interface Move {
  readonly place: string;
  readonly bytes: number;
}

/**
 * One line that says how long a restore will take: by how fast data went to and from the same places lately. Undefined
 * where nothing is restored, or the plan does not know how much it is.
 */
export function howLong(
  { operations }: Pick<Plan, "operations">,
  reports: readonly OperationReport[],
): string | undefined {
  const moves: Move[] = [];
  for (const operation of operations) {
    const move = moveOf(operation);
    if (move === undefined) continue;
    if (move.bytes === undefined) return undefined;
    moves.push({ place: move.place, bytes: move.bytes });
  }
  if (moves.length === 0) return undefined;
  const rates = new Map([...new Set(moves.map(({ place }) => place))].map((place) => [place, rateOf(place, reports)]));
  const seconds = moves.reduce((sum, { place, bytes }) => sum + bytes / (rates.get(place) ?? USUAL_RATE), 0);
  const known = [...rates].flatMap(([place, rate]) =>
    rate === undefined ? [] : [`as fast as it lately went with ${place} (${size(rate)}/s)`],
  );
  const unknown = [...rates].filter(([, rate]) => rate === undefined).map(([place]) => place);
  const assumed = `if ${unknown.join(", ")} gives ${size(USUAL_RATE)}/s; how fast it is is not known here`;
  return `About ${duration(Math.max(1, seconds))}, ${[...known, ...(unknown.length > 0 ? [assumed] : [])].join("; ")}.`;
}

function moveOf(operation: Operation): { readonly place: string; readonly bytes: number | undefined } | undefined {
  switch (operation.kind) {
    case "send":
      return operation.restores && { place: operation.remote, bytes: operation.estimate };
    case "resume":
      return operation.restores && { place: operation.remote, bytes: operation.remaining };
    case "restore-files":
      return { place: operation.remote, bytes: operation.estimate };
    default:
      return undefined;
  }
}

/** The median, in bytes per second. */
function rateOf(place: string, reports: readonly OperationReport[]): number | undefined {
  const rates = reports
    .filter(({ remote, outcome }) => remote === place && outcome === "done")
    .flatMap(({ bytes = 0, seconds }) => (bytes >= LEAST_BYTES && seconds > 0 ? [bytes / seconds] : []))
    .sort((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)];
}
