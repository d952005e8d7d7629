import type { Approval } from "../../model/manifest.ts";
import type { RemoteName } from "../../model/units.ts";
import type { Approval as ApprovalKeys } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { endOfDay } from "../units.ts";
import { readDataset, readSource } from "./addresses.ts";
import type { Context } from "./context.ts";
import type { Naming } from "./patterns.ts";

/** Approvals with full addresses. One that has lapsed stays, with a warning: the plan says which it could not use. */
export function readApprovals(
  context: Context,
  approvals: readonly ApprovalKeys[],
  naming: Naming,
  timezone: string,
): Approval[] {
  return approvals.flatMap((keys) => {
    const path = context.pathOf(keys);
    const approval = readApproval(context, keys, path, naming, timezone);
    return approval ? [context.remember(approval, path)] : [];
  });
}

function readApproval(
  context: Context,
  keys: ApprovalKeys,
  path: Path,
  naming: Naming,
  timezone: string,
): Approval | undefined {
  const until = context.required(
    endOfDay(keys.until, timezone),
    [...path, "until"],
    "bad-date",
    "is not a day that exists",
  );
  if (until !== undefined && until <= context.options.now) {
    const message = `this approval lapsed with ${keys.until}`;
    context.report({
      severity: "warning",
      code: "lapsed-approval",
      message,
      hint: "remove it",
      path: [...path, "until"],
    });
  }
  if (keys.remote !== undefined) {
    const known = [...context.declared("remotes"), ...context.declared("mirrors")];
    context.reference("remote", keys.remote, known, [...path, "remote"]);
  }
  const beside = (["source", "remote"] as const).find((key) => keys.orphan !== undefined && keys[key] !== undefined);
  if (beside !== undefined) {
    const message = "an orphan is named by orphan alone: its source is gone";
    context.report({ code: "conflicting-keys", message, hint: `remove ${beside}`, path: [...path, beside], at: "key" });
  }
  const of = keys.orphan === undefined ? "source" : "orphan";
  // consent to a pattern would be consent to what nobody has looked at
  const read = of === "source" && keys.destroy !== undefined ? readSource : readDataset;
  const address = read(context, naming, keys[of] ?? "", [...path, of], "an approval");
  if (until === undefined || address === undefined) return undefined;
  const common = { until, untilText: keys.until, place: context.place(path) };
  const remote = keys.remote as RemoteName | undefined;
  if (of === "orphan") return { ...common, kind: "orphan", orphan: address };
  if (keys.destroy !== undefined) {
    return { ...common, kind: "destroy", source: address, ...(remote && { remote }), destroy: keys.destroy };
  }
  if (keys.resolve === undefined || remote === undefined) return undefined;
  return { ...common, kind: "resolve", source: address, remote, resolve: keys.resolve };
}
