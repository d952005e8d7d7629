import { describe, expect, test } from "vitest";
import type { KeepByTime } from "../../src/model/manifest.ts";
import type { EpochSeconds, TypeName } from "../../src/model/units.ts";
import { recordedIn } from "../../src/planner/moment.ts";
import { retain } from "../../src/planner/retention.ts";
import type { View } from "../../src/planner/view.ts";

const NOW = (Date.UTC(2026, 10, 22, 12) / 1000) as EpochSeconds;
const seconds = (time: string) => Math.floor(Date.parse(time) / 1000) as EpochSeconds;

interface Clock {
  /** What every time is without its own. */
  readonly zone?: string;
}

/** What stays of times in order, each with its reasons; `foreign …` is of no type, `zfs …` has no recorded offset. */
function kept(times: readonly string[], rules: Omit<KeepByTime, "by">, { zone = "UTC" }: Clock = {}): string[] {
  const views = times.map((text): View => {
    const [time = "", kind] = text.split(" ").reverse();
    return {
      key: text,
      name: text,
      type: kind === "foreign" ? undefined : ("any" as TypeName),
      creation: seconds(time),
      ...(kind !== "zfs" && { recorded: recordedIn(time) }),
    };
  });
  return retain({ by: "time", ...rules }, views, NOW, zone).flatMap((whys, index) =>
    whys ? [`${times[index]}  ${whys.map(({ detail }) => detail).join(" · ")}`] : [],
  );
}

type Row = readonly [
  what: string,
  times: readonly string[],
  rules: Omit<KeepByTime, "by">,
  expected: string[],
  clock?: Clock,
];
function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, times, rules, expected, clock] of rows)
      test(what, () => expect(kept(times, rules, clock)).toEqual(expected));
  });
}
const within = (length: Partial<NonNullable<KeepByTime["within"]>>) => ({
  within: { years: 0, months: 0, days: 0, hours: 0, ...length },
});

table("buckets are those of the recorded clock", [
  [
    "one day in UTC, two in Kathmandu",
    ["2026-03-01T18:00:00+05:45", "2026-03-02T00:10:00+05:45"],
    { daily: 9 },
    ["2026-03-01T18:00:00+05:45  daily: 9", "2026-03-02T00:10:00+05:45  daily: 9"],
  ],
  [
    "two days in UTC, one in Newfoundland",
    ["2026-03-01T20:00:00-03:30", "2026-03-01T23:00:00-03:30", "2026-03-02T10:00:00-03:30"],
    { daily: 2 },
    ["2026-03-01T23:00:00-03:30  daily: 2", "2026-03-02T10:00:00-03:30  daily: 2"],
  ],
  [
    "hours begin at half past in UTC",
    ["2026-03-01T10:00:00+05:30", "2026-03-01T10:59:59+05:30", "2026-03-01T11:00:00+05:30"],
    { hourly: 2 },
    ["2026-03-01T10:59:59+05:30  hourly: 2", "2026-03-01T11:00:00+05:30  hourly: 2"],
  ],
  [
    "a clock that went east and back counts a day again",
    ["2026-03-01T23:00:00Z", "2026-03-02T00:30:00+01:00", "2026-03-01T23:45:00Z"],
    { daily: 3 },
    ["2026-03-01T23:00:00Z  daily: 3", "2026-03-02T00:30:00+01:00  daily: 3", "2026-03-01T23:45:00Z  daily: 3"],
  ],
  [
    "the hour that a clock shows twice is one",
    ["2026-10-25T01:59:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"],
    { hourly: 2 },
    ["2026-10-25T01:59:00+02:00  hourly: 2", "2026-10-25T02:30:00+01:00  hourly: 2"],
  ],
]);

table("without a recorded clock it is the manifest's", [
  [
    "winter and summer",
    ["zfs 2026-01-10T22:59:59Z", "zfs 2026-01-10T23:00:00Z", "zfs 2026-07-10T21:59:59Z", "zfs 2026-07-10T22:00:00Z"],
    { daily: 4 },
    [
      "zfs 2026-01-10T22:59:59Z  daily: 4",
      "zfs 2026-01-10T23:00:00Z  daily: 4",
      "zfs 2026-07-10T21:59:59Z  daily: 4",
      "zfs 2026-07-10T22:00:00Z  daily: 4",
    ],
    { zone: "Europe/Berlin" },
  ],
  [
    "the hour that is shown twice",
    ["zfs 2026-10-25T00:30:00Z", "zfs 2026-10-25T01:30:00Z", "zfs 2026-10-25T02:30:00Z"],
    { hourly: 2 },
    ["zfs 2026-10-25T01:30:00Z  hourly: 2", "zfs 2026-10-25T02:30:00Z  hourly: 2"],
    { zone: "Europe/Berlin" },
  ],
  [
    "west of Greenwich, half an hour off",
    ["zfs 2026-03-02T03:29:59Z", "zfs 2026-03-02T03:30:00Z", "zfs 2026-03-02T12:00:00Z"],
    { daily: 2 },
    ["zfs 2026-03-02T03:29:59Z  daily: 2", "zfs 2026-03-02T12:00:00Z  daily: 2"],
    { zone: "America/St_Johns" },
  ],
]);

table("calendars", [
  [
    "the first days of a year may be in week 53 of the last",
    ["2020-12-27T12:00:00Z", "2020-12-28T12:00:00Z", "2021-01-03T12:00:00Z", "2021-01-04T12:00:00Z"],
    { weekly: 3 },
    ["2020-12-27T12:00:00Z  weekly: 3", "2021-01-03T12:00:00Z  weekly: 3", "2021-01-04T12:00:00Z  weekly: 3"],
  ],
  [
    "and the last ones in week 1 of the next",
    ["2024-12-29T12:00:00Z", "2024-12-30T12:00:00Z", "2025-01-05T12:00:00Z"],
    { weekly: 2 },
    ["2024-12-29T12:00:00Z  weekly: 2", "2025-01-05T12:00:00Z  weekly: 2"],
  ],
  [
    "new year, by the recorded clock",
    ["2025-12-31T23:30:00-05:00", "2026-01-01T00:10:00-05:00", "2026-01-01T06:00:00Z"],
    { yearly: 2, monthly: 2 },
    ["2025-12-31T23:30:00-05:00  monthly: 2 · yearly: 2", "2026-01-01T06:00:00Z  monthly: 2 · yearly: 2"],
  ],
  [
    "the same month of another year",
    ["2025-03-05T00:00:00Z", "2026-03-05T00:00:00Z"],
    { monthly: 2 },
    ["2025-03-05T00:00:00Z  monthly: 2", "2026-03-05T00:00:00Z  monthly: 2"],
  ],
]);

table("the oldest", [
  [
    "is kept by a rule that has counts left",
    ["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"],
    { daily: 2 },
    ["2026-03-01T01:00:00Z  daily: 2, as the oldest", "2026-03-01T03:00:00Z  daily: 2"],
  ],
  [
    "not by one that has none left",
    ["2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"],
    { daily: 1, last: 2 },
    ["2026-03-01T02:00:00Z  last: 2", "2026-03-01T03:00:00Z  last: 2 · daily: 1"],
  ],
  [
    "foreign ones are none",
    ["foreign 2026-02-01T01:00:00Z", "2026-03-01T03:00:00Z"],
    { daily: 9 },
    ["2026-03-01T03:00:00Z  daily: 9"],
  ],
]);

table("within", [
  [
    "counts from the newest, and what is as old as that is too old, to the nanosecond",
    ["2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500000001Z", "2026-03-02T12:00:00.5Z"],
    within({ days: 1 }),
    ["2026-03-01T12:00:00.500000001Z  within: 1d", "2026-03-02T12:00:00.5Z  within: 1d"],
  ],
  [
    "calendar months: a day that February lacks is one of March",
    ["2026-02-28T12:00:00Z", "2026-03-03T11:00:00Z", "2026-03-03T13:00:00Z", "2026-03-31T12:00:00Z"],
    within({ months: 1 }),
    ["2026-03-03T13:00:00Z  within: 1mo", "2026-03-31T12:00:00Z  within: 1mo"],
  ],
  [
    "calendar first, by the newest's clock, then hours",
    ["2026-02-27T22:59:00Z", "2026-02-27T23:01:00Z", "2026-03-30T00:00:00+01:00"],
    within({ months: 1, days: 1, hours: 24 }),
    ["2026-02-27T23:01:00Z  within: 1mo1d24h", "2026-03-30T00:00:00+01:00  within: 1mo1d24h"],
  ],
  [
    "not from what is in the future, which is kept",
    ["2026-11-20T11:00:00Z", "2026-11-21T13:00:00Z", "2026-11-22T12:00:00Z", "2027-01-01T00:00:00Z"],
    within({ hours: 24 }),
    ["2026-11-21T13:00:00Z  within: 24h", "2026-11-22T12:00:00Z  within: 24h", "2027-01-01T00:00:00Z  within: 24h"],
  ],
  [
    "where all are in the future, all are",
    ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"],
    within({ hours: 1 }),
    ["2027-01-01T00:00:00Z  within: 1h", "2028-01-01T00:00:00Z  within: 1h"],
  ],
  [
    "longer than there are years",
    ["1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
    within({ years: 999_999 }),
    ["1970-01-01T00:00:00Z  within: 999999y", "2026-01-01T00:00:00Z  within: 999999y"],
  ],
]);

table("order", [
  [
    "is that of moments, not of clocks",
    ["2026-03-01T10:00:00+02:00", "2026-03-01T08:30:00Z", "2026-03-01T05:00:00-04:00"],
    { last: 2 },
    ["2026-03-01T08:30:00Z  last: 2", "2026-03-01T05:00:00-04:00  last: 2"],
  ],
  [
    "within a second, to the nanosecond",
    ["2026-03-01T10:00:00.12Z", "2026-03-01T10:00:00.119999999Z", "2026-03-01T10:00:00Z"],
    { last: 1 },
    ["2026-03-01T10:00:00.12Z  last: 1"],
  ],
  [
    "of equal moments the last in order is the newest",
    ["zfs 2026-03-01T10:00:00Z", "zfs 2026-03-01T10:00:00.0Z"],
    { last: 1 },
    ["zfs 2026-03-01T10:00:00.0Z  last: 1"],
  ],
]);
