import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DrillRecord } from "../../../src/model/drill.ts";
import type { Address, Bytes, EpochSeconds } from "../../../src/model/units.ts";
import { drillOf, drillTags, maintenanceOf, marksOf } from "../../../src/remotes/restic/tags.ts";
import { newer, readCopies, readRecord, writeCopies, writeRecord } from "../../../src/remotes/zfs/drill-record.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const record: fc.Arbitrary<DrillRecord> = fc
  .record({
    time: fc.nat(4e9).map((time) => time as EpochSeconds),
    result: fc.constantFrom("passed" as const, "limited" as const, "failed" as const),
    of: text,
    files: fc.nat(),
    bytes: fc.nat().map((bytes) => bytes as Bytes),
    differs: fc.array(
      text.filter((name) => name !== ""),
      { maxLength: 5 },
    ),
    limit: fc.constantFrom(undefined, "key" as const, "read" as const),
  })
  .map(({ limit, ...rest }) => ({ ...rest, ...(limit && { limit }) }));

describe("a record of a drill", () => {
  test("is read back as it was written, in a property and in tags", () => {
    fc.assert(
      fc.property(record, fc.nat(4e9), (last, time) => {
        const good = last.result === "failed" ? (time as EpochSeconds) : last.time;
        const written = writeRecord({ last, good });
        expect(readRecord(written)).toEqual({ last, good });
        expect(written).toMatch(/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/);
        const copies = new Map([
          ["vault", { last, good }],
          ["usb", { last, good }],
        ]);
        expect(readCopies(writeCopies(copies))).toEqual(copies);
        const { time: _, ...marks } = last;
        expect(drillOf({ tags: drillTags({ ...marks, source: "nas:/a b,c" as Address }) })).toEqual({
          ...marks,
          source: "nas:/a b,c",
        });
      }),
    );
  });

  test("is no copy of the source, and no record of maintenance", () => {
    const tags = drillTags({
      source: "nas:/a" as Address,
      result: "passed",
      of: "x",
      files: 1,
      bytes: 1 as Bytes,
      differs: [],
    });
    expect([marksOf({ tags }), maintenanceOf({ tags })]).toEqual([undefined, undefined]);
  });

  test("is short enough for a property, whatever files are called", () => {
    const differs = Array.from({ length: 100 }, () => "\u{1f600}".repeat(4000));
    const last = { time: 1 as EpochSeconds, result: "failed", of: "x", files: 1, bytes: 1 as Bytes, differs } as const;
    expect(writeRecord({ last }).length).toBeLessThan(8000);
    const names = ["vault", "usb", "cloud", "attic", "office"];
    const copies = writeCopies(new Map(names.map((name) => [name, { last }])));
    expect(copies.length).toBeLessThan(8192);
    expect([...readCopies(copies)].map(([name, { last }]) => [name, last.result])).toEqual(
      names.map((name) => [name, "failed"]),
    );
  });

  test.each(["", "-", "on", "passed", "passed yesterday", "good 2026-11-22T06:00:00Z"])("%j is none", (written) => {
    expect(readRecord(written)).toBeUndefined();
  });

  test("of two the later counts, with the later of what was good", () => {
    const at = (time: number, result: DrillRecord["result"], good?: number) => ({
      last: { time: time as EpochSeconds, result, of: "", files: 0, bytes: 0 as Bytes, differs: [] },
      ...(good !== undefined && { good: good as EpochSeconds }),
    });
    expect(newer(at(5, "failed", 1), at(3, "passed", 3))).toEqual(at(5, "failed", 3));
    expect(newer(at(3, "passed", 3), at(5, "failed", 1))).toEqual(at(5, "failed", 3));
    expect(newer(undefined, at(3, "passed", 3))).toEqual(at(3, "passed", 3));
    expect(newer(undefined, undefined)).toBeUndefined();
  });
});
