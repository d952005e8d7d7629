import { lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname, join, parse, resolve, sep } from "node:path";
import { watch } from "chokidar";

/** A burst of events is one change. */
const QUIET_MS = 200;

/**
 * Calls `onChange` when what a path leads to may have changed: written, replaced, removed, put back, or reached by
 * another link. Says it too often rather than too seldom. Returns what ends it.
 */
export async function watchPath(
  path: string,
  onChange: () => void,
  onError: (error: unknown) => void,
): Promise<() => Promise<void>> {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let current: { readonly key: string; readonly close: () => Promise<void> } | undefined;
  let opening = Promise.resolve();

  /** Watches the places that the path goes through now, if they are others than before. */
  const reopen = async (): Promise<void> => {
    const places = placesOf(path);
    const key = places.map(identityOf).join("\n");
    if (closed || key === current?.key) return;
    await current?.close();
    const isRoot = new Set(places);
    const watcher = watch(places, {
      ignoreInitial: true,
      depth: 0,
      followSymlinks: false,
      // large folders on the way are not looked through: of them only the next step matters
      ignored: (name) => !isRoot.has(name) && !isRoot.has(dirname(name)),
    });
    current = { key, close: () => watcher.close() };
    watcher.on("all", stir).on("error", onError);
    await new Promise<void>((ready) => watcher.once("ready", ready));
    // what happened before it was ready was missed
    if (placesOf(path).map(identityOf).join("\n") !== key) await reopen();
    stir();
  };
  const stir = (): void => {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => {
      opening = opening.then(reopen).catch(onError);
      onChange();
    }, QUIET_MS);
  };

  await reopen();
  return async () => {
    closed = true;
    clearTimeout(timer);
    await opening;
    await current?.close();
  };
}

/**
 * The folders in which something decides where a path leads: those of its links, and the last one; where that is not
 * there, the nearest above it that is.
 */
export function placesOf(path: string): string[] {
  const places = new Set<string>();
  let place = parse(resolve(path)).root;
  let rest = resolve(path).split(sep).filter(Boolean);
  for (let links = 0; links < 40 && rest.length > 0; ) {
    const [step = "", ...others] = rest;
    const next = join(place, step);
    const stats = lstatSync(next, { throwIfNoEntry: false });
    if (stats === undefined) break;
    if (stats.isSymbolicLink()) {
      links += 1;
      places.add(place);
      const target = resolve(place, readlinkSync(next));
      place = parse(target).root;
      rest = [...target.split(sep).filter(Boolean), ...others];
      continue;
    }
    if (!stats.isDirectory()) break;
    place = next;
    rest = others;
  }
  return [...places.add(place)].sort();
}

function identityOf(place: string): string {
  const stats = statSync(place, { throwIfNoEntry: false });
  return `${place} ${stats?.dev} ${stats?.ino}`;
}
