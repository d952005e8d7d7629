import type { CopyStatus, Health, PlaceStatus, Status } from "../model/status.ts";
import { oneLine, plural, shortAddress, visible } from "./text.ts";

/** What a monitoring plugin ends with. */
const STATES = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;
type State = keyof typeof STATES;
/** The first of these that applies to any place is the answer. */
const FIRST: readonly State[] = ["CRITICAL", "WARNING", "UNKNOWN", "OK"];

export interface CheckAnswer {
  readonly line: string;
  readonly code: (typeof STATES)[State];
}

/** Deletions that wait for somebody's consent endanger nothing. */
const HELD_BACK = new Set(["withheld", "first-contact", "clock"]);

const STATE_OF: Readonly<Record<Health, State>> = {
  ok: "OK",
  suspended: "OK",
  waiting: "OK",
  away: "OK",
  unknown: "UNKNOWN",
  overdue: "CRITICAL",
  blocked: "WARNING",
  failed: "WARNING",
};

/** Too old, or in the way of what would become too old: critical. What failed once, or only keeps too much: a warning. */
const stateOf = ({ health, overdue, blocked }: PlaceStatus): State =>
  health !== "suspended" && (overdue || blocked.some(({ reason }) => !HELD_BACK.has(reason)))
    ? "CRITICAL"
    : STATE_OF[health];

interface Place {
  readonly name: string;
  readonly place: PlaceStatus | CopyStatus;
}

/** One line, as plugins answer: `HOLDFAST OK - 12 sources|sources=12 …`. */
export function renderCheck(status: Status): CheckAnswer {
  const places = status.sources.flatMap(({ source, own, copies }): Place[] => {
    const short = shortAddress(source, status.self);
    return [
      ...(own ? [{ name: short, place: own }] : []),
      ...copies.map((copy) => ({ name: `${short} on ${visible(copy.remote)}`, place: copy })),
    ];
  });
  const states = places.map(({ place }) => stateOf(place));
  // what cannot be seen as a whole has no place of its own
  const state =
    FIRST.find((each) => states.includes(each) || (each === "UNKNOWN" && status.health === "unknown")) ?? "OK";
  const wrong = places.filter((_, index) => states[index] !== "OK");
  const worstFirst = FIRST.flatMap((each) => wrong.filter(({ place }) => stateOf(place) === each));
  const [worst] = worstFirst;
  const summary = [
    ...(worst ? [`${worst.name} ${worst.place.health}${because(worst.place)}`] : []),
    ...(worstFirst.length > 1 ? [`${plural(worstFirst.length - 1, "other place")} not in order`] : []),
    ...(!worst && state === "UNKNOWN" ? unseen(status) : []),
    `${plural(status.sources.length, "source")}${suspended(status)}`,
  ].join("; ");
  return answer(state, summary, perfdata(status, places));
}

export const renderUnknown = (reason: string): CheckAnswer => answer("UNKNOWN", oneLine(reason), "");

/** A bar begins the performance data: nothing before it may be one. */
const answer = (state: State, text: string, data: string): CheckAnswer => ({
  line: `HOLDFAST ${state} - ${text.replaceAll("|", "/")}${data === "" ? "" : `|${data}`}`,
  code: STATES[state],
});

const because = ({ message }: PlaceStatus): string => (message === undefined ? "" : `: ${oneLine(message)}`);

const unseen = ({ unobserved }: Status): string[] =>
  unobserved
    .filter(({ expected }) => !expected)
    .slice(0, 1)
    .map(({ host, repository, reason }) => `${visible(repository ?? host)}: ${oneLine(reason)}`);

const suspended = ({ sources }: Status): string => {
  const count = sources.filter((source) => source.suspended).length;
  return count === 0 ? "" : `, ${count} suspended`;
};

/** Totals, then the age of the newest in each place, critical beyond what it is due within. */
function perfdata({ sources }: Status, places: readonly Place[]): string {
  const count = (health: Health): number => places.filter(({ place }) => place.health === health).length;
  const waiting = places.flatMap(({ place }) => ("waiting" in place ? [place.waiting] : []));
  const total = (key: keyof CopyStatus["waiting"]): number => waiting.reduce((sum, each) => sum + each[key], 0);
  return [
    `sources=${sources.length}`,
    ...(["overdue", "blocked", "failed", "unknown"] as const).map((health) => `${health}=${count(health)}`),
    `withheld=${places.reduce((sum, { place }) => sum + place.withheld, 0)}`,
    `waiting=${total("snapshots")}`,
    `waiting_bytes=${total("bytes")}B`,
    ...places.flatMap(({ name, place }) =>
      place.age === undefined ? [] : [`${label(name)}=${place.age}s;;${place.dueWithin ?? ""};0`],
    ),
  ].join(" ");
}

/** Quoted as plugins have it; an equals sign would end it, a bar the line. */
const label = (name: string): string => `'${name.replaceAll("'", "''").replaceAll("=", ":").replaceAll("|", "/")}'`;
