import type { KeepRule, Retention } from "../model/manifest.ts";
import type { KeptReason } from "../model/plan.ts";
import type { EpochSeconds, TypeName } from "../model/units.ts";
import { retainByTime } from "./retention-by-time.ts";
import type { View } from "./view.ts";
import { writeCount, writeSeconds } from "./write.ts";

export interface Why {
  readonly reason: KeptReason;
  readonly detail: string;
}

/** Why each snapshot is kept, in the order of the views; `undefined` for surplus and foreign ones. */
export type Verdict = readonly (readonly Why[] | undefined)[];

/** Those that a rule counts, not merely leaves alone. */
export function countedOf(views: readonly View[], verdict: Verdict): View[] {
  return views.filter((_, index) => isCounted(verdict[index]));
}

export const isCounted = (whys: readonly Why[] | undefined): boolean =>
  whys !== undefined && whys[0]?.reason !== "unlisted";

/** Whether a type is kept at all: more than none. */
export function keepsType(retention: Retention, type: TypeName): boolean {
  if (retention.by === "time") return true;
  const rule = retention.types.get(type);
  return rule !== undefined && (rule.count > 0 || rule.within !== undefined);
}

/**
 * Which snapshots a retention keeps and why.
 * `views` are in order, oldest first; foreign ones are not looked at. `zone` is for the
 * calendar rules, where a snapshot has no recorded offset.
 */
export function retain(retention: Retention, views: readonly View[], now: EpochSeconds, zone: string): Verdict {
  return retention.by === "type"
    ? retainByType(retention.types, views, now)
    : retainByTime(retention, views, now, zone);
}

type Types = Extract<Retention, { by: "type" }>["types"];

function retainByType(types: Types, views: readonly View[], now: EpochSeconds): Verdict {
  const verdict = new Array<readonly Why[] | undefined>(views.length);
  const states = new Map<TypeName, TypeState>();
  for (let index = views.length - 1; index >= 0; index--) {
    const view = views[index] as View;
    const { type } = view;
    if (type === undefined) continue;
    let state = states.get(type);
    if (!state) {
      state = typeState(type, types.get(type));
      states.set(type, state);
    }
    const { rule } = state;
    if (!rule) {
      verdict[index] = state.unlisted;
      continue;
    }
    const counted = state.seen++ < rule.count;
    const young = rule.within !== undefined && view.creation >= now - rule.within;
    if (counted) verdict[index] = young ? state.both : state.count;
    else if (young) verdict[index] = state.within;
  }
  return verdict;
}

interface TypeState {
  readonly rule: KeepRule | undefined;
  readonly count: readonly Why[];
  readonly within: readonly Why[];
  readonly both: readonly Why[];
  readonly unlisted: readonly Why[];
  seen: number;
}

function typeState(type: TypeName, rule: KeepRule | undefined): TypeState {
  const count: Why = { reason: "count", detail: `${type}: ${writeCount(rule?.count ?? 0)}` };
  const within: Why = { reason: "within", detail: `${type}: within ${writeSeconds(rule?.within ?? 0)}` };
  const unlisted: Why = { reason: "unlisted", detail: `${type} is not in keep` };
  return { rule, count: [count], within: [within], both: [count, within], unlisted: [unlisted], seen: 0 };
}
