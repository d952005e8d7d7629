import { describe, expect, test } from "vitest";
import type { TypeName } from "../../src/model/units.ts";
import { snapshotName } from "../../src/planner/types.ts";
import { find } from "../property/world.ts";
import * as zfs from "../property/zfs.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import {
  away,
  back,
  begin,
  change,
  copyOf,
  DAY,
  destroyedBy,
  type Event,
  edit,
  goOn,
  HOUR,
  type Life,
  later,
  pass,
  passes,
  planned,
  type Scenario,
  short,
  snapshotsIn,
  taken,
  undoEdit,
  withheldBy,
} from "./realistic.ts";

/**
 * The guards with their default numbers, over what years of Holdfast have left. What is expected is the sum of all
 * passes since the last event, and of the one that comes then.
 */
type Row = readonly [what: string, scenario: Scenario, expected: string, correction?: Event];
type Check = (life: Life, made: ZfsPlan, correction?: Event) => void;

function table(name: string, check: Check, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, scenario, expected, correction] of rows)
      test(what, () => {
        const life = scenario();
        const made = planned(life);
        expect(short([...life.plans, made])).toBe(expected);
        check(life, made, correction);
      });
  });
}

/** Nobody is asked for anything, then or before. */
const isSilent: Check = (life, made) => {
  expect([...life.earlier, ...life.plans, made].flatMap(({ blocked }) => blocked)).toEqual([]);
  doesWhatItSays(life, made);
};

/** What is withheld stays until as many deletions are allowed, as the remedy says; one less changes nothing. */
const asksForConsent: Check = (life, made) => {
  const withheld = withheldBy(made);
  expect(withheld).not.toEqual([]);
  const destroyed = new Set(destroyedBy(made));
  expect(withheld.filter((one) => destroyed.has(one))).toEqual([]);
  for (const { remedies } of made.blocked)
    expect(remedies).toContain(`holdfast apply --allow-destroy ${withheld.length}`);
  expect(withheldBy(planned(life, { allowDestroy: withheld.length - 1 }))).toEqual(withheld);

  const other = copyOf(life);
  const allowed = planned(other, { allowDestroy: withheld.length });
  expect(allowed.blocked).toEqual([]);
  expect(destroyedBy(allowed)).toEqual([...destroyedBy(made), ...withheld].sort());
  doesWhatItSays(other, allowed);
  doesWhatItSays(life, made);
};

/** It waits for consent, or for `correction` (by default undoing what was edited): then it is as if nothing had happened. */
const isForgotten: Check = (life, made, correction = undoEdit) => {
  if (withheldBy(made).length > 0) asksForConsent(life, made);
  else doesWhatItSays(life, made);
  correction(life);
  const corrected = planned(life);
  expect({ blocked: corrected.blocked, destroyed: destroyedBy(corrected) }).toEqual({ blocked: [], destroyed: [] });
  doesWhatItSays(life, corrected);
};

/** What it destroys is gone then, and no more; planned again, nothing is left to do. */
function doesWhatItSays(life: Life, made: ZfsPlan): void {
  const before = snapshotsIn(life.world);
  pass(life, made);
  const left = new Set(snapshotsIn(life.world));
  expect(before.filter((one) => !left.has(one)).sort()).toEqual(destroyedBy(made));
  const again = planned(life);
  expect({ operations: again.operations, withheld: withheldBy(again) }).toEqual({
    operations: [],
    withheld: withheldBy(made),
  });
}

const data = "tank/data";
const everything = `
version: 1
hosts:
  nas: { address: nas.example.net, hostKeys: ["ssh-ed25519 AAAAB3Nz"] }
  cellar: { address: cellar.example.net, hostKeys: ["ssh-ed25519 AAAAB3Nz"] }
remotes:
  vault: { type: zfs, host: cellar, root: "vault/backups/{host}" }
  usb: { type: zfs, root: usb/backups, removable: true }
datasets:
`;
const byCount = `${everything}
  "nas:tank/data":
    keep: { hourly: 48, daily: 30, weekly: 8, monthly: 24, yearly: 3 }
    remotes: { vault: { keep: { hourly: 24, daily: 60, weekly: 8, monthly: 36 } } }
`;
const withUsb = byCount.replace("36 } }", "36 } }, usb: { keep: { daily: 30, monthly: 24 } }");
const byAge = `${everything}
  "nas:tank/data":
    keep: { hourly: { count: 0, within: 2d }, daily: { count: 0, within: 30d } }
    remotes: { vault: { keep: { daily: { count: 0, within: 60d } } } }
`;
const fleet = `${everything}
  "nas:tank/vm/*": { keep: { daily: 7 }, remotes: { vault: {} } }
`;
const types = (declared: string): readonly [from: string, to: string] => [
  "hosts:",
  `snapshotTypes: { ${declared} }\nhosts:`,
];
/** Dailies at a time that one day of the year does not have, and another one has twice. */
const atNight = byCount.replace(...types('daily: { schedule: "30 2 * * *", timezone: Europe/Berlin }'));

const quiet = "2026-05-20T10:30Z";
const nas = (...events: Event[]): Scenario => begin(byCount, quiet, [data], events);
const nasAt = (at: string, ...events: Event[]): Scenario => begin(byCount, at, [data], events);
const withDisk = (...events: Event[]): Scenario => begin(withUsb, quiet, [data], events);
const aged = (...events: Event[]): Scenario => begin(byAge, quiet, [data], events);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const vms = (count: number, ...events: Event[]): Scenario =>
  begin(
    fleet,
    quiet,
    upTo(count).map((i) => `tank/vm/${i}`),
    events,
  );

const YEAR = 365 * DAY;
/** Holdfast runs twice a day: enough for more hourlies than are kept. */
const aMonth = passes(60, 12 * HOUR);
const vaultThins = edit(["host: cellar,", "host: cellar, whileAway: thin,"]);
const frozen30Days = nas(away("vault"), aMonth);
const thinned30Days = nas(vaultThins, away("vault"), aMonth);

/** By a button, ten seconds apart, or whatever else is too fast. */
const pressed = (type: string, times: number): Event =>
  taken(
    data,
    (time) => snapshotName(type as TypeName, time),
    upTo(times).map((i) => i * 10),
  );
/** What another tool has left. */
const autosnaps = (days: number): Event =>
  taken(
    data,
    (time) => `autosnap_${new Date(time * 1000).toISOString().slice(0, 10)}_daily`,
    upTo(days).map((i) => 10 * HOUR + i * DAY),
  );
const adopt = edit(types('daily: { adopt: ["autosnap_*_daily"] }'));
const added = change((world) => void zfs.create(world, "nas", "tank/vm/new"));
/** Holdfast has never run. */
const unmanaged = change((world) => {
  const dataset = find(world, "nas", data);
  if (dataset) Object.assign(dataset, { snapshots: [], bookmarks: [], own: new Map() });
  world.hosts.get("cellar")?.pools.get("vault")?.datasets.delete(`vault/backups/nas/${data}`);
});

table("time goes by", isSilent, [
  ["nothing is due", nas(), ""],
  ["a day", nas(passes(24)), "+24h 1d; >vault 25; -here 24h 1d; -vault 24h 1d"],
  ["several passes within an hour", nas(passes(4, HOUR / 4)), "+1h; >vault 1; -here 1h; -vault 1h"],
  ["a new year", nasAt("2026-12-31T23:30Z", passes(1)), "+1h 1d 1m 1y; >vault 3; -here 1h 1d 1m 1y; -vault 1h 1d 1m"],
  [
    "a leap day",
    nasAt("2028-02-28T23:30Z", passes(3, DAY / 2)),
    "+3h 2d 1m; >vault 6; -here 3h 2d 1m; -vault 3h 2d 1m",
  ],
  [
    "the clocks go forward",
    begin(atNight, "2026-03-29T00:40Z", [data], [passes(24)]),
    "+24h 2d 1w; >vault 27; -here 24h 2d 1w; -vault 24h 2d 1w",
  ],
  [
    "the clocks go back",
    begin(atNight, "2026-10-25T00:20Z", [data], [passes(26)]),
    "+26h 2d 1w; >vault 29; -here 26h 2d 1w; -vault 26h 2d 1w",
  ],
  ["a day, kept by age", aged(passes(24)), "+24h 1d; -here 24h 1d; >vault 1; -vault 1d"],
]);

table("nothing runs for a while", isSilent, [
  [
    "a laptop that was asleep for three weeks",
    nas(later(21 * DAY)),
    "+1h 1d 1w 1m; >vault 4; -here 1h 1d 1w 1m; -vault 1h 1d 1w 1m",
  ],
  [
    "a machine that was off for half a year",
    nas(later(180 * DAY)),
    "+1h 1d 1w 1m; >vault 4; -here 1h 1d 1w 1m; -vault 1h 1d 1w 1m",
  ],
  ["a night, kept by age", aged(later(10 * HOUR)), "+1h; -here 10h"],
]);

table("the clock is set", isSilent, [
  ["back an hour", nas(later(-HOUR), passes(2)), "+1h; >vault 1; -here 1h; -vault 1h"],
  ["back an hour, kept by age", aged(later(-HOUR), passes(2)), "+1h; -here 1h"],
  [
    "ahead a year: of what is counted the oldest goes",
    nas(later(YEAR)),
    "+1h 1d 1w 1m 1y; >vault 4; -here 1h 1d 1w 1m 1y; -vault 1h 1d 1w 1m",
  ],
  ["and back again", nas(later(YEAR), passes(2), later(-YEAR)), "+1h; >vault 1; -here 1h; -vault 1h"],
]);

table("a remote is away", isSilent, [
  ["30 days, and the source thins", thinned30Days, "+60h 30d 4w 1m; -here 60h 4w"],
  ["and back", goOn(thinned30Days, back("vault")), ">vault 59; -here 30d 1m; -vault 24h 30d 4w 1m"],
  ["a disk that is back after 30 days", withDisk(away("usb"), passes(30, DAY), back("usb")), ">usb 31; -usb 30d 1m"],
  ["30 days, and the source is frozen", frozen30Days, "+60h 30d 4w 1m"],
  ["and back", goOn(frozen30Days, back("vault")), ">vault 59; -here 60h 30d 4w 1m; -vault 24h 30d 4w 1m"],
  ["still away, but the source thaws", goOn(frozen30Days, vaultThins), "-here 60h 4w"],
]);

table("the manifest is edited", isSilent, [
  ["more are kept", nas(edit(["daily: 30", "daily: 90"]), passes(14)), "+14h 1d; >vault 15; -here 14h; -vault 14h 1d"],
  ["fewer are kept", nas(edit(["daily: 30", "daily: 21"])), "-here 9d"],
  ["half of them", nas(edit(["hourly: 48", "hourly: 24"])), "-here 24h"],
  ["most of them go, but no more than five", nas(edit(["weekly: 8", "weekly: 3"])), "-here 5w"],
  ["fewer on the remote", nas(edit(["daily: 60", "daily: 45"])), "-vault 15d"],
  ["a few less in a hundred datasets", vms(100, edit(["daily: 7", "daily: 5"])), "-here 200d; -vault 200d"],
  ["a type is left out: its snapshots stay", nas(edit([", yearly: 3", ""])), ""],
  [
    "a type is added",
    nas(edit(["hourly: 48", "quarter: 16, hourly: 48"], types('quarter: { schedule: "*/15 * * * *" }')), passes(2)),
    "+2 quarter 2h; >vault 2; -here 2h; -vault 2h",
  ],
  ["a remote is added to a source of years", nas(edit([byCount, withUsb])), ">usb 54"],
  ["a remote is taken from a source", withDisk(edit([withUsb, byCount])), "orphans 1"],
  ["and is away", withDisk(away("usb"), passes(2), edit([withUsb, byCount])), ""],
  ["a dataset is added", vms(3, added), "+1d; >vault 1; @here"],
  ["the first of all", nas(unmanaged, passes(1)), "+1h 1d 1w 1m 1y; >vault 4; @here"],
]);

// Its gap looks like a clock that ran ahead.
table("normal, but it looks like a disaster", asksForConsent, [
  [
    "a laptop that was asleep for three weeks, kept by age",
    aged(later(21 * DAY)),
    "+1h 1d; >vault 1; !here clock 48h 21d; !vault clock 21d",
  ],
]);

table("a number is mistyped", isForgotten, [
  ["daily 30 to 3", nas(edit(["daily: 30", "daily: 3"])), "!here percent 27d"],
  ["hourly 48 to 4", nas(edit(["hourly: 48", "hourly: 4"])), "!here percent 44h"],
  ["weekly 8 to 1", nas(edit(["weekly: 8", "weekly: 1"])), "!here percent 7w"],
  ["daily 60 to 6 on the remote", nas(edit(["daily: 60", "daily: 6"])), "!vault percent 54d"],
  [
    "a tenth on both",
    nas(edit(["daily: 30", "daily: 3"], ["daily: 60", "daily: 6"])),
    "!here percent 27d; !vault percent 54d",
  ],
  [
    "and snapshots go on",
    nas(edit(["hourly: 48", "hourly: 4"]), passes(3)),
    "+3h; >vault 3; -vault 3h; !here percent 47h",
    edit(["hourly: 4,", "hourly: 51,"]),
  ],
  [
    "hourly 48 to 4 while much piled up at a frozen source",
    goOn(frozen30Days, back("vault"), edit(["hourly: 48", "hourly: 4"])),
    ">vault 59; -here 30d 4w 1m; -vault 24h 30d 4w 1m; !here percent 104h",
    edit(["hourly: 4,", "hourly: 108,"]),
  ],
  ["within 30d to 3d", aged(edit(["within: 30d", "within: 3d"])), "!here percent 27d"],
  ["a type to 0 at the source", nas(edit(["daily: 30", "daily: 0"])), "!here percent 29d"],
  [
    "a type to 0 everywhere",
    nas(edit(["daily: 30", "daily: 0"], ["daily: 60", "daily: 0"])),
    "!here emptied 30d; !vault emptied 60d",
  ],
  ["a type of three to 0", nas(edit(["yearly: 3", "yearly: 0"])), "!here emptied 3y"],
  [
    "every type to 0",
    nas(edit([/(ly: )\d+/g, "$10"])),
    "!here emptied 47h 30d 8w 24m 3y; !vault emptied 23h 60d 8w 36m",
  ],
  [
    "another rule altogether",
    nas(edit([/keep: .*/, "take: [hourly, daily, weekly, monthly]\n    keepByTime: { last: 10 }"])),
    "!here emptied 3y; !here percent 38h 29d 7w 23m",
  ],
]);

table("snapshots come too fast", isForgotten, [
  [
    "an hourly schedule of every minute: half are lost before it shows",
    nas(edit(types('hourly: { schedule: "* * * * *" }')), passes(40, 60)),
    "+40h; >vault 40; -here 24h; -vault 12h; !here crowded 16h; !vault percent 28h",
    edit(["* * * * *", "0 * * * *"], ["hourly: 48", "hourly: 88"], ["hourly: 24", "hourly: 64"]),
  ],
  [
    "a button pressed 24 times",
    begin(byCount.replace("hourly: 48", "hourly: 24"), quiet, [data], [pressed("hourly", 24)]),
    ">vault 24; !here crowded 24h; !vault crowded 24h",
    edit([/hourly: 24/g, "hourly: 48"]),
  ],
  [
    "48 times",
    nas(pressed("hourly", 48)),
    ">vault 24; !here crowded 48h; !vault crowded 24h",
    edit(["hourly: 48", "hourly: 96"], ["hourly: 24", "hourly: 72"]),
  ],
]);

table("many datasets at once", isForgotten, [
  ["a few less in 500 datasets", vms(500, edit(["daily: 7", "daily: 5"])), "!here total 1000d; !vault total 1000d"],
  ["500 datasets are no longer named", vms(500, edit(["tank/vm/*", "tank/vn/*"])), "orphans 500"],
]);

table("snapshots of another tool", isForgotten, [
  [
    "3,650 dailies at first contact",
    nas(unmanaged, autosnaps(3650), adopt),
    "+1h 1w 1m 1y; >vault 63; !here first-contact 3620d",
    edit(["daily: 30", "daily: all"]),
  ],
  ["a year of them, adopted later", nas(autosnaps(365), adopt), "!here percent 365d"],
  ["as many as there are of Holdfast's own", nas(autosnaps(30), adopt), "!here crowded 30d"],
]);

table("the clock is a year ahead", isForgotten, [
  ["kept by age", aged(later(YEAR)), "+1h 1d; >vault 1; !here clock 48h 30d; !vault clock 60d", later(-YEAR)],
]);
