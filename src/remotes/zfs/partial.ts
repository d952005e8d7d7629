import type { Dataset } from "../../model/inventory.ts";
import type { DiscardOperation, ResumeOperation } from "../../model/plan.ts";
import { size } from "../../model/size.ts";
import type { Bytes, DatasetName, Guid } from "../../model/units.ts";
import { refOf, type View } from "../../planner/view.ts";
import type { Base } from "./base.ts";
import type { Finding } from "./blocked.ts";
import type { Encryption } from "./encryption.ts";
import { type Facts, operationOn, streamOptions, targetIs, wantedThere } from "./facts.ts";

/** Why the half-received stream cannot be gone on with; `undefined` when it can. */
export function resumeProblem(
  facts: Facts,
  target: Dataset,
  remote: readonly View[],
  base: Base | undefined,
  raw: boolean,
): string | undefined {
  const content = target.resume?.content;
  if (!content) return "the token could not be read";
  if (!content.usable) return content.problem ?? "the source can no longer produce the stream";
  const to = facts.local.views.find((view) => view.key === content.toGuid);
  if (!to) return `its snapshot (guid ${content.toGuid}) is gone at the source`;
  if (content.raw !== raw) return content.raw ? "it is raw, which is no longer asked for" : "it is not raw";
  if (content.fromGuid === undefined)
    return remote.length > 0 ? "it is a full stream and there are snapshots" : undefined;
  if (content.fromGuid !== base?.view.key) return "its base is not the newest shared snapshot";
  if (base.remoteIndex !== remote.length - 1) return "another snapshot follows its base there";
  if (wantedThere(facts, remote, base)[0]?.key !== to.key) return `@${to.name} is not the next one wanted`;
  return undefined;
}

export function refuseDiscard(facts: Facts, problem: string): Finding | undefined {
  const content = facts.target?.resume?.content;
  if (content && facts.copy.remote.deletions !== "never") return undefined;
  return {
    reason: "partial-receive",
    message: `a half-received stream cannot be resumed: ${problem}`,
    evidence: content ? [`${content.toName} (guid ${content.toGuid}), ${size(content.bytes)} received`] : [],
    remedies: [],
    advice: content
      ? [`the remote is append-only: have its admin run zfs receive -A ${facts.at.dataset}`]
      : [
          "make the source reachable, so that the token can be read",
          `or throw it away by hand: zfs receive -A ${facts.at.dataset}`,
        ],
  };
}

export function resume(
  facts: Facts,
  target: Dataset,
  base: Base | undefined,
  encryption: Encryption,
  replacesPlaceholder: boolean,
): { readonly operation: ResumeOperation; readonly arrives: View } {
  const content = target.resume?.content as NonNullable<NonNullable<Dataset["resume"]>["content"]>;
  const to = facts.local.views.find((view) => view.key === content.toGuid) as View;
  const full = content.fromGuid === undefined;
  const operation: ResumeOperation = {
    ...operationOn(facts, "resume", to.name),
    ...streamOptions(facts, encryption),
    kind: "resume",
    reason: "a transfer was cut",
    dependsOn: [],
    preconditions: [
      { ...facts.from, kind: "snapshot", snapshot: refOf(to) },
      { ...facts.at, kind: "token", token: target.resume?.token ?? null },
      { ...facts.at, kind: "follows", base: full || !base ? null : refOf(base.view), extras: [] },
    ],
    token: target.resume?.token ?? "",
    to: refOf(to),
    base: full ? null : { guid: content.fromGuid as Guid },
    received: content.bytes,
    ...(content.remaining !== undefined && { remaining: content.remaining }),
    replacesPlaceholder,
    mayDiscard: facts.copy.remote.deletions !== "never",
  };
  return { operation, arrives: to };
}

export function discard(facts: Facts, target: Dataset, problem = "the copy is rolled back"): DiscardOperation {
  const content = target.resume?.content;
  return {
    ...operationOn(facts, "discard", target.name),
    kind: "discard",
    reason: `the half-received ${content?.toName ?? "stream"} cannot be resumed: ${problem}`,
    dependsOn: [],
    preconditions: [targetIs(facts), { ...facts.at, kind: "token", token: target.resume?.token ?? null }],
    bytes: content?.bytes ?? (0 as Bytes),
    ...(target.snapshots.length === 0 && target.own.placeholder !== "on" && { removesDataset: true }),
  };
}

/** A snapshot without the clone that a half-received stream makes of its base. */
export function withoutReceive(view: View, target: DatasetName): View {
  if (!view.snapshot?.clones?.includes(`${target}/%recv`)) return view;
  const { clones, ...snapshot } = view.snapshot;
  const others = clones.filter((clone) => clone !== `${target}/%recv`);
  return { ...view, snapshot: others.length === 0 ? snapshot : { ...snapshot, clones: others } };
}
