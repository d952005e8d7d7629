import { expect, test } from "vitest";
import type { Blocked } from "../../src/model/plan.ts";
import type { SimulatedPlace, Simulation } from "../../src/model/simulation.ts";
import type { Address, EpochSeconds, HostName, RemoteName, Seconds, TypeName } from "../../src/model/units.ts";
import { renderSimulation } from "../../src/render/simulation.ts";

const nas = "nas" as HostName;
const start = "2026-03-28T23:00:00Z";
const end = "2026-03-29T22:00:00Z";
const taken = Date.parse(start) / 1000;

const place = (name: string, count: number, types: readonly string[], more: Partial<SimulatedPlace> = {}) =>
  ({
    name: name as RemoteName,
    kind: "restic",
    at: { host: nas, repository: `${name}@nas` },
    keep: "{ daily: 2 }",
    dates: [start, end].map((at, index) => ({
      at,
      count,
      types: types.map((type) => ({ type: type as TypeName, count, oldest: taken as EpochSeconds })),
      ...(types.length > 0 && { oldest: { creation: taken as EpochSeconds, age: (index * 23 * 3600) as Seconds } }),
    })),
    firstDestroyed: [],
    ...more,
  }) as SimulatedPlace;

const blocked = (source: string, message: string): Blocked => ({
  source: `nas:${source}` as Address,
  remote: "usb" as RemoteName,
  at: { host: nas, dataset: "usb/b" } as Blocked["at"],
  reason: "modified",
  message,
  evidence: [],
  remedies: [`look at ${source}`],
});

const simulation: Simulation = {
  formatVersion: 1,
  self: nas,
  manifestDigest: "0",
  timezone: "Europe/Berlin",
  from: "nothing",
  start,
  end,
  complete: true,
  unobserved: [],
  blocked: [],
  withheld: [],
  groups: [
    {
      sources: ["a", "b", "c", "d", "e", "f"].map((name) => `nas:/${name}` as Address),
      suspended: false,
      places: [
        place("b2", 3, ["hourly", "daily"]),
        place("cold", 0, [], {
          firstDestroyed: [{ type: "daily" as TypeName, creation: taken as EpochSeconds, at: end }],
        }),
        place("gone", 0, [], { unobserved: "no route", dates: [] }),
      ],
      steadySince: end,
    },
  ],
};
const render = (parts: Partial<Simulation>) => renderSimulation({ ...simulation, ...parts }, { color: false });

test("a table by the clocks of the manifest's zone", () => {
  expect(render({})).toBe(`From 2026-03-29 00:00 (Europe/Berlin) for 23 h, as if nothing were there yet.

/a, /b, /c, /d and 2 more: 6 sources, each
  b2    b2@nas    { daily: 2 }
  cold  cold@nas  { daily: 2 }
  gone  gone@nas  { daily: 2 }

  DATE              IN    B2                            OLDEST  COLD  OLDEST  GONE  OLDEST
  2026-03-29 00:00  now   3 hourly, 3 daily (3 copies)  0 s     none  -       ?     ?
  2026-03-30 00:00  23 h  3 hourly, 3 daily (3 copies)  23 h    none  -       ?     ?

  First forgotten on cold: daily on 2026-03-30 00:00 (taken 2026-03-29 00:00).
  From 2026-03-30 00:00 on the counts stay the same.
`);
});

test("where no place was seen, there is no table", () => {
  const places = [place("gone", 0, [], { unobserved: "no route", dates: [] })];
  const text = render({ groups: [{ sources: ["nas:/a" as Address], suspended: false, places }] });
  expect(text.split("\n").slice(2)).toEqual([
    "/a",
    "  gone  gone@nas  { daily: 2 }",
    "",
    "  Nobody can tell: none of these places was seen.",
    "",
  ]);
});

test("what is in the way is said once, and shows no control character", () => {
  const text = render({
    groups: [],
    blocked: [blocked("tank/a", "nas:tank/a diverged\u001b[2J"), blocked("tank/b", "nas:tank/b diverged\u001b[2J")],
    withheld: [blocked("tank/c", "3 snapshots")],
  });
  expect(text.split("\n").slice(1)).toEqual([
    "",
    "There is no source to simulate.",
    "",
    "! blocked, and taken to stay so: tank/a and 1 other source on usb: nas:tank/a diverged\\x1b[2J",
    "    next: look at tank/a",
    "! withheld, and taken to be agreed to: tank/c on usb: 3 snapshots",
    "",
  ]);
});
