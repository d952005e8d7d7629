import type { Remedy } from "../../model/manifest.ts";
import type { Blocked, BlockedReason } from "../../model/plan.ts";
import type { Copy, Source } from "../../planner/sources.ts";

/** Something in the way of a copy, before it is put into words for the plan. */
export interface Finding {
  readonly reason: BlockedReason;
  readonly message: string;
  readonly evidence: readonly string[];
  /** What `--resolve` can do about it. */
  readonly remedies: readonly Remedy[];
  /** What else can be done. */
  readonly advice?: readonly string[];
}

export function blockedCopy(
  source: Source,
  copy: Copy,
  finding: Finding,
  waiting: NonNullable<Blocked["waiting"]>,
): Blocked {
  const { name } = copy.remote;
  return {
    source: source.address,
    remote: name,
    at: { host: copy.host, dataset: copy.target },
    reason: finding.reason,
    message: finding.message,
    evidence: finding.evidence,
    remedies: [
      ...finding.remedies.flatMap((remedy) => [
        `holdfast apply --resolve ${name}=${remedy} --target ${source.address}`,
        `an approval: { source: "${source.address}", remote: ${name}, resolve: ${remedy}, until: … }`,
      ]),
      ...(finding.advice ?? []),
    ],
    waiting,
    resolvable: finding.remedies,
  };
}
