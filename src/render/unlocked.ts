import type { EpochSeconds } from "../model/units.ts";
import type { ClearedLock, OwnLock, Unlocked, UnlockedRepository } from "../model/unlocked.ts";
import { duration, type Palette, palette, type TextOptions, visible, visibleLines } from "./text.ts";

interface Options extends TextOptions {
  readonly now: EpochSeconds;
}

/** A repository and its locks after another, then Holdfast's own. */
export function renderUnlocked({ repositories, own }: Unlocked, options: Options): string {
  const colors = palette(options.color);
  const lines = [
    ...(repositories.length === 0 ? ["No restic repository is used here."] : []),
    ...repositories.flatMap((one) => repositoryLines(one, options.now, colors)),
    ...own.map((lock) => ownLine(lock, colors)),
  ];
  return `${lines.join("\n")}\n`;
}

function repositoryLines(
  { repository, locks, problem }: UnlockedRepository,
  now: EpochSeconds,
  colors: Palette,
): string[] {
  const name = colors.bold(visible(repository));
  const lines = (locks ?? []).flatMap((lock) => lockLines(lock, locks ?? [], now, colors));
  return [
    locks?.length === 0 ? `${name}: not locked` : name,
    ...lines,
    ...(problem === undefined ? [] : problemLines(problem, locks === undefined, colors)),
  ];
}

function problemLines(
  { message, hint }: NonNullable<UnlockedRepository["problem"]>,
  isUnseen: boolean,
  colors: Palette,
): string[] {
  const [first = "", ...more] = visibleLines(message);
  return [
    `  ${colors.red("! failed ")}  ${isUnseen ? "could not be looked at" : "nothing was removed"}: ${first}`,
    ...more.map((line) => `             ${line}`),
    ...(hint === undefined ? [] : next(hint)),
  ];
}

const next = (hint: string): string[] =>
  visibleLines(hint).map((line, index) => `             ${index === 0 ? "next: " : "      "}${line}`);

function lockLines(lock: ClearedLock, all: readonly ClearedLock[], now: EpochSeconds, colors: Palette): string[] {
  const { removed, stale } = lock;
  const who = `${visible(lock.user)}@${visible(lock.host)}, pid ${lock.pid}`;
  const age = duration(Math.max(0, now - lock.since));
  const since = `since ${new Date(lock.since * 1000).toISOString().replace(".000", "")} (${age})`;
  const what = `${who}, ${since}${lock.exclusive ? ", exclusive" : ""}`;
  const why = stale
    ? `: left behind, ${lock.why === "gone" ? "its process is gone" : "not renewed for half an hour"}`
    : "";
  const sign = removed ? colors.green("- removed") : colors.yellow(stale ? "! stays  " : "! held   ");
  return [`  ${sign}  ${what}${why}`, ...(removed ? [] : next(adviceOn(lock, all)))];
}

/** What to do about one that is still there. */
function adviceOn({ stale, here, host, pid }: ClearedLock, all: readonly ClearedLock[]): string {
  const inTheWay = all.find((other) => other.here && !other.stale);
  if (stale && inTheWay)
    return `nothing is removed while pid ${inTheWay.pid} works there from the same host: unlock again when it is done`;
  if (stale) return "unlock again; if it stays, the storage lets nothing be removed";
  return here
    ? `pid ${pid} is running on this host: wait until it is done, or end it`
    : `wait, or look on ${host} whether pid ${pid} still runs; half an hour after the last sign of it, unlock removes this`;
}

function ownLine({ path, held, holder }: OwnLock, colors: Palette): string {
  const name = `${colors.bold("Holdfast itself")} (${visible(path)})`;
  const who =
    holder &&
    `${visible(holder.command)}, pid ${holder.pid} on ${visible(holder.host)}, since ${visible(holder.since)}`;
  if (held)
    return `${name}: held by ${who}\n${next("wait until it is done; the lock goes with its process").join("\n")}`;
  return `${name}: not locked${who === undefined ? "" : `; ${who}, ended without giving it up, and locks nothing`}`;
}
