import { expect, test } from "vitest";
import { readEntries } from "../../../src/remotes/zfs/look.ts";

test("names are read by bytes, whatever is in them", () => {
  const broken = Buffer.concat([Buffer.from("./é\n"), Buffer.from([0xff, 0xc3]), Buffer.from("x\0\0")]);
  const printed = [
    broken,
    Buffer.from("./link\0../some where\0alice/sub\0\0\0"),
    Buffer.from("89a4 1000 100 12 1700000000\na1ff 0 0 7 -2\n43ff 0 0 2 1700000000\n"),
  ];
  const common = { uid: 0, gid: 0, modified: "2023-11-14T22:13:20Z" };
  expect(readEntries(Buffer.concat(printed))).toEqual([
    { ...common, name: "é\n\\xff\\xc3x", type: "file", mode: "4644", uid: 1000, gid: 100, size: 12 },
    { ...common, name: "link", type: "link", mode: "0777", modified: "1969-12-31T23:59:58Z", target: "../some where" },
    { ...common, name: "sub", type: "folder", mode: "1777" },
  ]);
});

test("nothing in it", () => {
  expect(readEntries(Buffer.from("\0"))).toEqual([]);
});
