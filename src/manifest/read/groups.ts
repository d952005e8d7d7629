import type { Group } from "../../model/manifest.ts";
import type { Group as GroupKeys } from "../generated/types.ts";
import { readDataset } from "./addresses.ts";
import type { Context } from "./context.ts";
import type { Reading } from "./reading.ts";

export function readGroups(context: Context, groups: readonly GroupKeys[], { naming }: Reading): Group[] {
  return groups.map((keys) => {
    const path = context.pathOf(keys);
    keys.sources.forEach((source, index) => {
      readDataset(context, naming, source, [...path, "sources", String(index)], "a group");
    });
    return context.remember({ sources: keys.sources, place: context.place(path) }, path);
  });
}
