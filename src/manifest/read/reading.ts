import type { Naming } from "./patterns.ts";

/** What the keys of remotes and sources refer to. */
export interface Reading {
  readonly naming: Naming;
  /** Names of all snapshot types. */
  readonly types: readonly string[];
  /** Of schedules that name none. */
  readonly timezone: string;
}
