import type { Machine } from "../test/scenario/harness/machine.ts";
import { median, ratio, seconds, table } from "./measure.ts";

/** MiB of two sizes: what the longer one takes more is the flow, the rest is what an operation costs besides. */
export const sizes = { little: 1, much: 65 } as const;
/** The one that Holdfast prefers: the fastest of OpenSSH's on processors with AES, which emulated ones have not. */
const cipher = "aes128-gcm@openssh.com";

/** Seconds of the two sizes. */
export interface Flow {
  readonly little: number;
  readonly much: number;
  /** Processor seconds of Holdfast itself that the longer one took more. */
  readonly cpu: number;
}

export const overSsh = ({ address, name }: Machine, command: string): string =>
  `ssh -F '${address.sshConfig}' -c ${cipher} ${name} ${command}`;

/** A table of the throughput of both, and Holdfast's share of a core. */
export function compared(
  runs: Readonly<Record<"hand" | "holdfast", readonly Flow[]>>,
  byHand: string,
): { readonly rows: string; readonly share: number } {
  const flow = (of: readonly Flow[]): number => median(of.map(({ little, much }) => much - little));
  const row = (name: string, of: readonly Flow[]): string[] => [
    name,
    seconds(median(of.map(({ little }) => little))),
    `${((sizes.much - sizes.little) / flow(of)).toFixed(2)} MiB/s`,
    ratio(flow(runs.hand) / flow(of)),
  ];
  return {
    rows: table(
      ["", `${sizes.little} MiB`, "throughput", "of that by hand"],
      [row(byHand, runs.hand), row("Holdfast", runs.holdfast)],
    ),
    share: median(runs.holdfast.map(({ little, much, cpu }) => cpu / (much - little))),
  };
}
