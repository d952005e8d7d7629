import type { DatasetName } from "../model/units.ts";

/** A copy that would be mounted: `zfs get -Hp -o name,property,value,source canmount,mountpoint` says so. */
export interface Trap {
  readonly dataset: DatasetName;
  readonly mountpoint: string;
}

/** Copies that the next boot mounts, over whatever is there. */
export function trapsIn(listed: string): Trap[] {
  const datasets = new Map<string, Map<string, string>>();
  for (const line of listed.split("\n")) {
    const [name, property, value] = line.split("\t");
    if (name === undefined || property === undefined || value === undefined) continue;
    const settings = datasets.get(name) ?? new Map<string, string>();
    datasets.set(name, settings.set(property, value));
  }
  return [...datasets].flatMap(([dataset, settings]) => {
    const mountpoint = settings.get("mountpoint") ?? "none";
    const mounts = settings.get("canmount") === "on" && mountpoint.startsWith("/");
    return mounts ? [{ dataset: dataset as DatasetName, mountpoint }] : [];
  });
}
