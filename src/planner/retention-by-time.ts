import type { KeepByTime } from "../model/manifest.ts";
import type { EpochSeconds } from "../model/units.ts";
import { back, calendar, compareMoments, inZone, type Moment } from "./moment.ts";
import type { Why } from "./retention.ts";
import type { View } from "./view.ts";
import { writeCalendar } from "./write.ts";

interface Dated extends Moment {
  readonly whys: Why[];
}

const rules = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;

/**
 * restic's rules: newest first, a rule keeps a snapshot when its bucket differs from that of the last one that rule kept;
 * the oldest is kept by any rule with count left; `within` counts back from the newest that is not in the future.
 * Of a snapshot without a recorded offset the time is taken as a clock in `zone` showed it.
 */
export function retainByTime(
  policy: KeepByTime,
  views: readonly View[],
  now: EpochSeconds,
  zone: string,
): (readonly Why[] | undefined)[] {
  const all = views.map(({ type, creation, recorded }): Dated | undefined => {
    if (type === undefined) return undefined;
    const moment = recorded ? { seconds: creation, ...recorded } : inZone(creation, zone);
    return { ...moment, whys: [] };
  });
  // reversed first: the sort is stable, so of equal moments the last in order stays first
  const dated = all
    .filter((each) => each !== undefined)
    .reverse()
    .sort((a, b) => compareMoments(b, a));
  const keep = ({ whys }: Dated, detail: string) => whys.push({ reason: "time", detail });

  if (policy.within) {
    const newest = dated.find(({ seconds }) => seconds <= now);
    // none where all are in the future: then nothing is too old
    const start = newest && back(newest, policy.within);
    for (const each of dated) {
      if (start && compareMoments(each, start) <= 0) break;
      keep(each, `within: ${writeCalendar(policy.within)}`);
    }
  }
  for (const each of dated.slice(0, policy.last ?? 0)) keep(each, `last: ${policy.last}`);
  for (const rule of rules) {
    let left = policy[rule] ?? 0;
    let previous: number | undefined;
    for (const [index, each] of dated.entries()) {
      if (left <= 0) break;
      const bucket = calendar[rule](each);
      if (bucket !== previous) keep(each, `${rule}: ${policy[rule]}`);
      else if (index === dated.length - 1) keep(each, `${rule}: ${policy[rule]}, as the oldest`);
      else continue;
      previous = bucket;
      left--;
    }
  }
  return all.map((each) => (each && each.whys.length > 0 ? each.whys : undefined));
}
