import type { Entry, Keep, KeepRule } from "../manifest/generated/types.ts";
import { isBelow, parentOf } from "./names.ts";

/** What is to be done with a dataset. */
export interface Wanted {
  readonly keep: Keep;
  readonly take: readonly string[];
  readonly copies: readonly WantedCopy[];
}

export interface WantedCopy {
  readonly remote: string;
  /** The dataset that the transfer was written for, and where that one goes. */
  readonly base: string;
  readonly target: string;
  /** True where the copy lies where the remote's root has it anyway. */
  readonly isBelowRoot: boolean;
  readonly keep: Keep;
}

/** A dataset that a configuration speaks of; the empty name stands above all pools. What is absent is left alone. */
export interface Place {
  readonly dataset: string;
  readonly own?: Wanted | undefined;
  /** What is wanted for the datasets below it, as far as no other place is nearer. */
  readonly below?: Wanted | undefined;
}

/**
 * The manifest's entries that mean just these places. An entry's keys reach all that is below it, so where that differs
 * from the dataset itself, a second entry `DATASET/*` says so. `prefix`: `HOST:`, or nothing. `scheduled`: types with a
 * schedule, which are taken where an entry does not say which.
 */
export function entriesFor(
  places: readonly Place[],
  prefix: string,
  scheduled: ReadonlySet<string>,
): Readonly<Record<string, Entry>> {
  const sorted = [...places].sort((a, b) => (a.dataset < b.dataset ? -1 : 1));
  const around = ({ dataset }: Place): Place[] => sorted.filter((other) => isBelow(dataset, other.dataset));
  const entries: [string, Entry][] = [];
  const add = (key: string, wanted: Wanted, outer: readonly Place[], keys: Entry, base?: string): void => {
    entries.push([
      `${prefix}${key}`,
      { ...keys, ...takeOf(wanted, outer, scheduled), keep: wanted.keep, ...remotesOf(wanted, outer, base) },
    ]);
  };
  const nearest = (place: Place): Place | undefined => around(place).at(-1);
  const isUniform = ({ own, below }: Place): boolean => same(own, below);
  /** A pattern means it whatever is left out of a recursion. */
  const isMeantByPattern = (place: Place): boolean => {
    const outer = nearest(place);
    return outer?.below !== undefined && !isUniform(outer) && (parentOf(place.dataset) ?? "") === outer.dataset;
  };
  for (const place of sorted) {
    const { dataset, own, below } = place;
    const outer = around(place);
    const left = sorted.filter((other) => !other.own && nearest(other) === place && !isMeantByPattern(other));
    const skip = below && left.length > 0 ? { skip: left.map((other) => other.dataset) } : {};
    const isInherited = isUniform(place) && same(own, outer.at(-1)?.below) && left.length === 0;
    const isSuspended = !own && isMeantByPattern(place);
    if (isSuspended) entries.push([`${prefix}${dataset}`, { recursive: false, suspend: true }]);
    if (own && !isInherited)
      add(dataset, own, outer, isUniform(place) ? { recursive: true, ...skip } : recursion(outer), dataset);
    if (below && !isUniform(place))
      add(dataset === "" ? "*" : `${dataset}/*`, below, [...outer, place], {
        recursive: true,
        ...skip,
        ...(isSuspended && { suspend: false }),
      });
  }
  return Object.fromEntries(entries);
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** False has to be written only where something around says true. */
const recursion = (outer: readonly Place[]): Entry => (outer.some(({ below }) => below) ? { recursive: false } : {});

function takeOf({ take, keep }: Wanted, outer: readonly Place[], scheduled: ReadonlySet<string>): Entry {
  const isUsual = (one: Pick<Wanted, "take" | "keep"> | undefined): boolean =>
    one === undefined ||
    same(
      one.take,
      Object.keys(one.keep).filter((type) => scheduled.has(type)),
    );
  const isInWay = outer.some(({ own, below }) => !isUsual(own) || !isUsual(below));
  return isUsual({ take, keep }) && !isInWay ? {} : { take: [...take] };
}

/** `base`: the dataset whose target is written; absent for what is below one, whose targets follow from that. */
function remotesOf({ copies, keep }: Wanted, outer: readonly Place[], base?: string): Entry {
  if (copies.length === 0) {
    const hasOthers = outer.some(({ own, below }) => own?.copies.length || below?.copies.length);
    return hasOthers ? { remotes: {} } : {};
  }
  if (base === undefined && copies.some(({ isBelowRoot }) => !isBelowRoot)) return {};
  return {
    remotes: Object.fromEntries(
      copies.map((copy) => [
        copy.remote,
        {
          ...(base !== undefined && !copy.isBelowRoot && { target: targetAt(copy, base) }),
          ...(!same(copy.keep, keep) && { keep: copy.keep }),
        },
      ]),
    ),
  };
}

export const targetAt = ({ base, target }: Pick<WantedCopy, "base" | "target">, dataset: string): string =>
  `${target}${dataset.slice(base.length)}`;

/** Whether both have the same copies, with the same said of how many stay. */
export const sameCopies = (a: Wanted, b: Wanted): boolean => same(said(a), said(b));

const said = ({ copies, keep }: Wanted): unknown =>
  copies.map((copy) => [copy.remote, same(copy.keep, keep) ? undefined : copy.keep]);

/** The more of each type. */
export const more = (a: Keep, b: Keep): Keep =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((type) => [type, moreOf(a[type] ?? 0, b[type] ?? 0)]),
  );

function moreOf(a: KeepRule, b: KeepRule): KeepRule {
  if (a === "all" || b === "all") return "all";
  const [first, second] = [a, b].map((rule) => (typeof rule === "number" ? { count: rule, within: "" } : rule));
  if (!first || !second) return a;
  const count = Math.max(first.count, second.count);
  const within = lengthOf(first.within) > lengthOf(second.within) ? first.within : second.within;
  return within === "" ? count : { count, within };
}

const SECONDS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };
/** Of a length with one unit. */
const lengthOf = (text: string): number => Number.parseInt(text || "0", 10) * (SECONDS[text.slice(-1)] ?? 0);

/** A length of time with one unit; rounded up, from ten days on to whole days. */
export function written(seconds: number): string {
  const days = seconds / 86_400;
  if (days >= 10 || Number.isInteger(days)) return `${Math.ceil(days)}d`;
  const minutes = Math.ceil(seconds / 60);
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}
