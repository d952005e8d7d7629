import type { Notification } from "../model/manifest.ts";
import type { EpochSeconds } from "../model/units.ts";
import type { Matter, Problem, Problems } from "./problems.ts";

/** What one receiver was told of what is the matter, and when last; by the key of the problem. */
export type Told = Readonly<Record<string, EpochSeconds>>;

/** One thing to tell. */
export interface News {
  readonly key: string;
  readonly event: Matter | "recovered";
  /** Told before, and still so. */
  readonly reminder: boolean;
  readonly problem: Problem;
}

type Wishes = Pick<Notification, "events" | "remind">;

const WORST_FIRST: readonly News["event"][] = ["failed", "blocked", "overdue", "recovered"];

/** The difference between what is so and what a receiver was told: nothing is told twice, and nothing that has passed. */
export function newsFor({ events, remind }: Wishes, problems: Problems, told: Told, now: EpochSeconds): News[] {
  const news = Object.entries(problems).flatMap(([key, problem]): News[] => {
    const last = told[key];
    if (problem.over !== undefined)
      return last !== undefined && events.includes("recovered")
        ? [{ key, event: "recovered", reminder: false, problem }]
        : [];
    if (last !== undefined || !events.includes(problem.matter) || now < problem.tellFrom) return [];
    return [{ key, event: problem.matter, reminder: false, problem }];
  });
  const all = [...news, ...reminders(remind, problems, told, now)];
  return all.sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
}

const rank = ({ event, reminder }: News): number => WORST_FIRST.indexOf(event) * 2 + (reminder ? 1 : 0);

/** When one is due, those that soon would be come along: one message a day rather than one for each. */
function reminders(remind: Wishes["remind"], problems: Problems, told: Told, now: EpochSeconds): News[] {
  if (remind === undefined) return [];
  // a clock that was ahead when something was told does not silence it
  const ages = Object.entries(told).map(([key, last]) => ({ key, age: Math.abs(now - last) }));
  const isOpen = ({ key }: { readonly key: string }) => problems[key] !== undefined && problems[key].over === undefined;
  const open = ages.filter(isOpen);
  if (!open.some(({ age }) => age >= remind)) return [];
  return open
    .filter(({ age }) => age >= remind / 2)
    .flatMap(({ key }) => {
      const problem = problems[key];
      return problem === undefined ? [] : [{ key, event: problem.matter, reminder: true, problem }];
    });
}

/** What a receiver knows once it has these. */
export function afterTelling(told: Told, news: readonly News[], now: EpochSeconds): Told {
  const next: Record<string, EpochSeconds> = { ...told };
  for (const { key, event } of news)
    if (event === "recovered") delete next[key];
    else next[key] = now;
  return next;
}

/** Without what nobody needs to know any more: what was forgotten or is not asked for, and what is over for those who do not ask for that. */
export function withoutOld(told: Told, problems: Problems, { events }: Wishes): Told {
  return Object.fromEntries(
    Object.entries(told).filter(([key]) => {
      const problem = problems[key];
      if (problem === undefined || !events.includes(problem.matter)) return false;
      return problem.over === undefined || events.includes("recovered");
    }),
  );
}

/** What is over stays until everybody who was told of it knows that. */
export function withoutSettled(problems: Problems, everybody: readonly Told[]): Problems {
  return Object.fromEntries(
    Object.entries(problems).filter(
      ([key, { over }]) => over === undefined || everybody.some((told) => told[key] !== undefined),
    ),
  );
}
