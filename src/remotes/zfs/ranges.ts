import type { View } from "../../planner/view.ts";
import type { Base } from "./base.ts";

/**
 * The streams that bring the wanted snapshots over, each as the snapshots it carries. Neighbours at the source make one
 * range; where unwanted ones lie between, and right after a bookmark, a stream is a single step. Without a base the
 * first stream is one full snapshot.
 */
export function ranges(views: readonly View[], wanted: readonly View[], base: Base | undefined): View[][] {
  if (wanted.length === 0) return [];
  const position = (view: View, from = 0) => views.findIndex(({ key }, index) => index >= from && key === view.key);
  const streams: View[][] = [];
  let previous = base && base.bookmark === undefined ? position(base.view) : undefined;
  let extensible = false;
  for (const view of wanted) {
    const index = position(view, previous === undefined ? 0 : previous + 1);
    const neighbour = previous !== undefined && index === previous + 1;
    if (neighbour && extensible) streams.at(-1)?.push(view);
    else streams.push([view]);
    // a stream that began as a single step over a gap, from a bookmark or in full cannot become a range
    extensible = neighbour;
    previous = index;
  }
  return streams;
}
