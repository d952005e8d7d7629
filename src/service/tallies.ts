import type { OperationKind, Plan } from "../model/plan.ts";
import type { OperationReport } from "../model/report.ts";
import type { PassResult, ServiceEvents, ServiceView } from "../model/service.ts";
import type { Status } from "../model/status.ts";
import type { Address, RemoteName } from "../model/units.ts";
import { RESULTS } from "./label-sets.ts";

/** What has been counted of one source since the start, or was last known of it. */
export interface Tallies {
  reconciled(source: Address, result: PassResult): number;
  transferred(source: Address, remote: RemoteName): number;
  /** Seconds since 1970; 0 where that was never seen. */
  lastSuccess(source: Address, remote?: RemoteName): number;
  onReconciled(event: ServiceEvents["reconciled"]): void;
  onFinished(report: OperationReport, at: number): void;
  onAssessed(event: { readonly status: Status; readonly plan: Plan }): void;
}

/** What brings something new to a place. */
const BRINGING: ReadonlySet<OperationKind> = new Set(["create", "send", "resume", "backup", "copy"]);
const TRANSFERS: ReadonlySet<OperationKind> = new Set(["send", "resume", "backup", "copy"]);

const keyOf = (source: Address, what = ""): string => `${source}\0${what}`;

/** From what is known already: the last status, and what is remembered of the time before. */
export function createTallies({ runs, status: first }: Pick<ServiceView, "runs" | "status">): Tallies {
  const passes = new Map<string, number>();
  const bytes = new Map<string, number>();
  const successes = new Map<string, number>();

  const succeeded = (key: string, at: number): void => {
    successes.set(key, Math.max(at, successes.get(key) ?? 0));
  };
  const brought = ({ kind, outcome, source, remote }: OperationReport, at: number): void => {
    if (outcome === "done" && BRINGING.has(kind)) succeeded(keyOf(source, remote), at);
  };
  for (const { operations, finishedAt } of runs)
    for (const operation of operations) brought(operation, Math.floor(Date.parse(finishedAt) / 1000));

  const assessed = (status: Status): void => {
    const at = Math.floor(Date.parse(status.observedAt) / 1000);
    const known = new Set<string>();
    for (const { source, own, copies } of status.sources) {
      for (const result of RESULTS) known.add(keyOf(source, result));
      for (const { place, remote } of [
        { place: own, remote: undefined },
        ...copies.map((copy) => ({ place: copy, remote: copy.remote })),
      ]) {
        known.add(keyOf(source, remote));
        if (place?.health === "ok") succeeded(keyOf(source, remote), at);
      }
    }
    for (const tally of [passes, bytes, successes])
      for (const key of tally.keys()) if (!known.has(key)) tally.delete(key);
  };
  if (first) assessed(first);

  return {
    reconciled: (source, result) => passes.get(keyOf(source, result)) ?? 0,
    transferred: (source, remote) => bytes.get(keyOf(source, remote)) ?? 0,
    lastSuccess: (source, remote) => successes.get(keyOf(source, remote)) ?? 0,
    onReconciled({ source, result }) {
      const key = keyOf(source, result);
      passes.set(key, (passes.get(key) ?? 0) + 1);
    },
    onFinished(report, at) {
      brought(report, at);
      const { kind, source, remote, bytes: moved = 0 } = report;
      if (!TRANSFERS.has(kind) || remote === undefined) return;
      const key = keyOf(source, remote);
      bytes.set(key, (bytes.get(key) ?? 0) + moved);
    },
    onAssessed: ({ status }) => assessed(status),
  };
}
