import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DatasetName } from "../../src/model/units.ts";
import {
  batches,
  byteLength,
  destroySnapshotsCommand,
  estimateCommand,
  type ReceiveArguments,
  receiveCommand,
  type SendArguments,
  sendCommand,
} from "../../src/remotes/zfs/commands.ts";
import { at } from "./operations.ts";

const send = (more: Partial<SendArguments> = {}): SendArguments => ({
  dataset: "tank/a" as DatasetName,
  to: "b",
  base: null,
  range: false,
  raw: false,
  withProperties: true,
  ...more,
});
const receive = (more: Partial<ReceiveArguments> = {}): ReceiveArguments => ({
  target: "vault/a" as DatasetName,
  datasetType: "filesystem",
  initial: false,
  resumed: false,
  replacesPlaceholder: false,
  properties: { readonly: "on", canmount: "noauto" },
  excludeProperties: ["mountpoint"],
  ...more,
});

describe("zfs send", () => {
  test.each<[string, Partial<SendArguments>, string]>([
    ["full", {}, "zfs send -vP -L -e -c -p tank/a@b"],
    ["raw", { raw: true }, "zfs send -vP -L -e -c -p -w tank/a@b"],
    ["plaintext of an encrypted one", { withProperties: false }, "zfs send -vP -L -e -c tank/a@b"],
    ["one step", { base: "@a" }, "zfs send -vP -L -e -c -p -i tank/a@a tank/a@b"],
    ["a range", { base: "@a", range: true }, "zfs send -vP -L -e -c -p -I tank/a@a tank/a@b"],
    ["from a bookmark", { base: "#m" }, "zfs send -vP -L -e -c -p -i tank/a#m tank/a@b"],
  ])("%s", (_, more, expected) => {
    expect(sendCommand(send(more)).join(" ")).toBe(expected);
    expect(estimateCommand(send(more)).join(" ")).toBe(expected.replace("-vP", "-nvP"));
  });

  test("a range never starts at a bookmark: zfs has no such stream", () => {
    expect(() => sendCommand(send({ base: "#m", range: true }))).toThrow("tank/a#m");
  });
});

describe("zfs receive", () => {
  const adopted = "-o holdfast:adopted=on";
  test.each<[string, Partial<ReceiveArguments>, string]>([
    ["increment", {}, "zfs receive -s -u -o readonly=on -o canmount=noauto -x mountpoint vault/a"],
    [
      "first",
      { initial: true },
      `zfs receive -s -u -o readonly=on -o canmount=noauto ${adopted} -x mountpoint vault/a`,
    ],
    [
      "over a placeholder",
      { initial: true, replacesPlaceholder: true },
      `zfs receive -s -u -F -o readonly=on -o canmount=noauto ${adopted} -x mountpoint -x holdfast:placeholder vault/a`,
    ],
    [
      "a volume has no mount settings",
      { datasetType: "volume", properties: { readonly: "on", canmount: "noauto", atime: "off", compression: "lz4" } },
      "zfs receive -s -u -o readonly=on -o compression=lz4 vault/a",
    ],
    [
      "a file system has no size",
      { properties: { volsize: "1G", quota: "1G" }, excludeProperties: [] },
      "zfs receive -s -u -o quota=1G vault/a",
    ],
  ])("%s", (_, more, expected) => {
    expect(receiveCommand(receive(more)).join(" ")).toBe(expected);
  });

  test("-F only over a placeholder", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.constantFrom("filesystem", "volume"), (initial, placeholder, type) => {
        const argv = receiveCommand(
          receive({ initial, replacesPlaceholder: placeholder, datasetType: type as "volume" }),
        );
        expect(argv.includes("-F")).toBe(placeholder);
        expect(argv).toContain("-s");
        expect(argv).toContain("-u");
      }),
    );
  });
});

test("destroy names every snapshot, and nothing opens a range", () => {
  expect(destroySnapshotsCommand(at("tank/a b"), ["x", "y z"])).toEqual(["zfs", "destroy", "tank/a b@x,y z"]);
});

test("batches keep every item in order, within bytes and count", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 50, unit: "binary-ascii" })),
      fc.nat(100),
      fc.integer({ min: 1, max: 7 }),
      (items, bytes, count) => {
        const parts = batches(items, byteLength, { bytes, count });
        expect(parts.flat()).toEqual(items);
        for (const part of parts) {
          expect(part.length).toBeLessThanOrEqual(count);
          expect(part.length).toBeGreaterThan(0);
          if (part.length > 1)
            expect(part.reduce((sum, item) => sum + byteLength(item) + 1, 0)).toBeLessThanOrEqual(bytes);
        }
      },
    ),
  );
});
