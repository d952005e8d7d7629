import type { HostName } from "../../model/units.ts";
import type { Hosts } from "../../transport/types.ts";

/** A folder on a host, and what has to stand around a command so that it runs in there. */
export interface Side {
  readonly host: HostName;
  readonly inside: (argv: readonly string[]) => readonly string[];
}

export interface Means {
  readonly hosts: Hosts;
  readonly signal: AbortSignal;
}
