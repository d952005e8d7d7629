import fc from "fast-check";
import { expect, test } from "vitest";
import type { Hit } from "../../../src/model/found.ts";
import { Records } from "../../../src/remotes/zfs/find.ts";

const nul = Buffer.from([0]);
const record = (type: string, size: number, time: string, path: Buffer): Buffer[] => [
  ...[type, `${size}`, time].flatMap((text) => [Buffer.from(text), nul]),
  ...[Buffer.from("./"), path, nul],
];
const printed = Buffer.concat([
  nul,
  ...record("f", 12, "1700000000.7500000000", Buffer.from("a/é\n\tb")),
  ...record("d", 9, "-2.0000000000", Buffer.from([0x62, 0xff, 0xc3])),
  ...record("l", 7, "1700000000.0000000010", Buffer.from("c")),
]);

test("hits are read by bytes, however they come", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: printed.length })), (cuts) => {
      const found: [Hit, string][] = [];
      const records = new Records((hit, path) => found.push([hit, path]));
      expect(records.isBegun).toBe(false);
      const places = [0, ...cuts.toSorted((a, b) => a - b), printed.length];
      for (const [index, end] of places.slice(1).entries()) {
        const chunk = Buffer.from(printed.subarray(places[index], end));
        records.add(chunk);
        chunk.fill(0xaa); // it is valid only during the call
      }
      expect(records.isBegun).toBe(true);
      expect(found).toEqual([
        [{ path: "a/é\n\tb", exact: true, type: "file", size: 12, modified: "1700000000.750000000" }, "a/é\n\tb"],
        [{ path: "b\\xff\\xc3", exact: false, type: "folder", modified: "-2.000000000" }, "b\ufffd\ufffd"],
        [{ path: "c", exact: true, type: "link", modified: "1700000000.000000001" }, "c"],
      ]);
    }),
  );
});
