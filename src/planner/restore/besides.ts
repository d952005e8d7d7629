import type { HostName } from "../../model/units.ts";
import { isWithin, type Observations } from "../observed.ts";
import { isBeside } from "./marks.ts";

/** Whether a dataset of this host stands beside a source, restored or put aside, or lies below one that does. */
export function besides(observations: Observations, host: HostName): (name: string) => boolean {
  const found = [...observations.datasets(host).values()].filter(isBeside);
  return (name) => found.some((beside) => isWithin(name, beside.name));
}
