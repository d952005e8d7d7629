import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { RepositoryInventory } from "../../../src/model/inventory.ts";
import type { KeepByTime } from "../../../src/model/manifest.ts";
import type { Address, HostName } from "../../../src/model/units.ts";
import type { PlanContext } from "../../../src/planner/context.ts";
import { verdictOn } from "../../../src/remotes/restic/plan-side.ts";
import { copiesOf } from "../../../src/remotes/restic/plan-views.ts";
import { makeManifest } from "../../property/manifests.ts";
import { randomCases, seedText } from "../../random.ts";
import { makeRepository, type WrittenSnapshot, writeSnapshots } from "./repository.ts";
import { PASSWORD, repository, run, startBench, toolsAvailable, VERSIONS, type Version } from "./tools.ts";

const bench = startBench();
const location = join(bench.folder, "repository");
const histories = 16;
const { seed } = randomCases(0, "keepByTime histories");

/** Where calendars differ from arithmetic: new years, ISO weeks 52, 53 and 1, ends of months, leap days, changes of clocks. */
const edges = [
  "2019-12-29T23:00:00Z",
  "2020-02-29T12:00:00Z",
  "2020-12-31T22:30:00Z",
  "2021-01-03T23:30:00Z",
  "2021-01-31T00:00:00Z",
  "2021-03-28T01:00:00Z",
  "2021-03-31T23:00:00Z",
  "2021-10-31T00:30:00Z",
  "2022-01-01T00:00:00Z",
  "2024-02-29T00:00:00Z",
  "2024-12-30T00:00:00Z",
  "2025-01-01T12:00:00Z",
  "2099-12-31T23:59:59Z",
].map((text) => Date.parse(text) / 1000);

const [FUTURE = 0] = edges.slice(-1);

const HOUR = 3600;
const spans = [1, 60, HOUR, 24 * HOUR, 7 * 24 * HOUR, 31 * 24 * HOUR, 366 * 24 * HOUR];
const offsets = [-720, -570, -480, -210, -60, 0, 60, 120, 330, 345, 525, 765, 840];

/** Whole ones, so that some are as far apart as a policy says, to the nanosecond. */
const times = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -3, max: 3, noNaN: true }));

interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly offset: number;
}

/** Around one or more edges, by one or more clocks. */
const historyOf = (around: readonly number[], clocks: readonly number[]): fc.Arbitrary<Moment[]> =>
  fc.uniqueArray(
    fc.record({
      seconds: fc
        .tuple(fc.constantFrom(...around), fc.constantFrom(...spans), times)
        .map(([edge, span, times]) => edge + Math.round(span * times)),
      nanoseconds: fc.oneof(fc.constantFrom(0, 1, 999_999_999), fc.nat({ max: 999_999_999 })),
      offset: fc.constantFrom(...clocks),
    }),
    // of equal moments restic keeps whichever it happens to load first
    { selector: ({ seconds, nanoseconds }) => `${seconds} ${nanoseconds}`, minLength: 1, maxLength: 40, size: "max" },
  );
const history = fc.oneof(
  historyOf(edges, offsets),
  historyOf(edges, [60, 120]),
  fc.constantFrom(...edges).chain((edge) => historyOf([edge], offsets)),
  historyOf([FUTURE], offsets),
);

/** As Go writes it. */
function written({ seconds, nanoseconds, offset }: Moment): string {
  const face = new Date((seconds + offset * 60) * 1000).toISOString().slice(0, 19);
  const fraction = nanoseconds === 0 ? "" : `.${`${nanoseconds}`.padStart(9, "0").replace(/0+$/, "")}`;
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((n) =>
    `${n}`.padStart(2, "0"),
  );
  return `${face}${fraction}${offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${hours}:${minutes}`}`;
}

const count = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 60 }));
const length = fc.record({
  years: fc.integer({ min: 1, max: 3 }),
  months: fc.integer({ min: 1, max: 14 }),
  days: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })),
  hours: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 60 })),
});
const within = fc
  .tuple(length, fc.subarray(["years", "months", "days", "hours"] as const, { minLength: 1 }))
  .map(([all, some]) => ({
    ...{ years: 0, months: 0, days: 0, hours: 0 },
    ...Object.fromEntries(some.map((unit) => [unit, all[unit]])),
  }));
const policy: fc.Arbitrary<KeepByTime> = fc
  .record(
    { last: count, hourly: count, daily: count, weekly: count, monthly: count, yearly: count, within },
    { requiredKeys: [] },
  )
  .filter(({ within, ...counts }) => within !== undefined || Object.values(counts).some((each) => each > 0))
  .map((rules) => ({ by: "time", ...rules }));

const duration = ({ years, months, days, hours }: NonNullable<KeepByTime["within"]>): string =>
  [`${years}y`, `${months}m`, `${days}d`, `${hours}h`].filter((part) => !part.startsWith("0")).join("");

const flags = ({ by: _, within, ...counts }: KeepByTime): string[] => [
  ...Object.entries(counts).map(([rule, count]) => `--keep-${rule}=${count}`),
  ...(within ? [`--keep-within=${duration(within)}`] : []),
];

/** Why each is kept, by id, as restic puts it. */
type Reasons = Readonly<Record<string, readonly string[]>>;

async function byRestic(version: Version, policy: KeepByTime): Promise<Reasons> {
  const args = ["forget", "--no-cache", "--dry-run", "--json", "--group-by=host", ...flags(policy)];
  const groups: readonly Group[] = JSON.parse(await run(bench, version, location, args));
  return Object.fromEntries(
    groups.flatMap(({ keep, reasons }) => (keep ?? []).map(({ id }, index) => [id, reasons?.[index]?.matches ?? []])),
  );
}
interface Group {
  readonly keep: readonly { readonly id: string }[] | null;
  readonly reasons: readonly { readonly matches: readonly string[] }[] | null;
}

function byHoldfast(version: Version, policy: KeepByTime, there: RepositoryInventory): Reasons {
  const manifest = makeManifest({ datasets: [] });
  const context = { manifest, now: Math.floor(Date.now() / 1000) } as PlanContext;
  const reasons = Array.from({ length: histories }, (_, index) => {
    const known = { address: sourceOf(index), host: "nas" as HostName, nameOf: () => undefined };
    const { whys } = verdictOn(context, policy, copiesOf(manifest, { repository, keep: policy }, there, known));
    return [...whys].map(
      ([{ copy }, own]) => [copy?.id ?? "", own.flatMap(({ detail }) => inWordsOf(version, policy, detail))] as const,
    );
  });
  return Object.fromEntries(reasons.flat().filter(([, words]) => words.length > 0));
}

/** restic 0.14 does not keep the oldest for the sake of counts that are left: the one difference there is. */
function inWordsOf(version: Version, { within }: KeepByTime, detail: string): string[] {
  const [rule = ""] = detail.split(":");
  if (rule === "within") return within ? [`within ${duration(within)}`] : [];
  if (!detail.endsWith(", as the oldest")) return [`${rule} snapshot`];
  return version === "0.14" ? [] : [`oldest ${rule} snapshot`];
}

const sourceOf = (index: number): Address => `nas:/${index}` as Address;

describe.skipIf(!toolsAvailable)("keepByTime", () => {
  beforeAll(() => {
    makeRepository(location, { password: PASSWORD });
    const snapshots = fc.sample(history, { seed, numRuns: histories }).flatMap((moments, index) =>
      moments.map(
        (each): WrittenSnapshot => ({
          time: written(each),
          hostname: `host-${index}`,
          tags: ["holdfast", `source=${sourceOf(index)}`],
        }),
      ),
    );
    writeSnapshots(location, PASSWORD, snapshots);
  });

  test.concurrent.each(VERSIONS)(`keeps what restic %s keeps, for the same reasons (${seedText})`, async (version) => {
    const there = await bench.open(version, location).list();
    await fc.assert(
      fc.asyncProperty(policy, async (policy) => {
        expect(byHoldfast(version, policy, there)).toEqual(await byRestic(version, policy));
      }),
      randomCases(0.01, `keepByTime ${version}`),
    );
  });
});
