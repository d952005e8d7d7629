import { describe, expect, test } from "vitest";
import { parseToken } from "../../src/inventory/token.ts";
import { captured, VERSIONS } from "./captured.ts";

/** A guid as `zfs send -nvP -t` prints it, in decimal. */
const guidIn = (stdout: string, field: string): string =>
  BigInt(new RegExp(`${field} = (0x[0-9a-f]+)`).exec(stdout)?.[1] ?? "0").toString();

describe.each(VERSIONS)("a token as OpenZFS %s explains it", (version) => {
  const read = (name: string): ReturnType<typeof parseToken> => parseToken(captured(version, name));
  const said = (name: string): string => captured(version, name).stdout;

  test("of an increment", () => {
    const content = read("token-increment");
    expect(content).toMatchObject({
      toName: expect.stringMatching(/\/data@s2$/),
      toGuid: guidIn(said("token-increment"), "toguid"),
      fromGuid: guidIn(said("token-increment"), "fromguid"),
      raw: false,
      usable: true,
    });
    expect(content?.toGuid).toMatch(/^[1-9]\d+$/);
    expect(content?.bytes).toBeGreaterThan(1_000_000);
    expect(content?.remaining).toBeGreaterThan(0);
    expect(content).not.toHaveProperty("problem");
  });

  test("of a first stream, of a raw one, of one with large blocks", () => {
    expect(read("token-initial")).toMatchObject({ usable: true, raw: false });
    expect(read("token-initial")).not.toHaveProperty("fromGuid");
    expect(read("token-raw")).toMatchObject({ usable: true, raw: true });
    expect(read("token-large-blocks")).toMatchObject({ usable: true });
  });

  test("whose base is left as a bookmark only", () => {
    expect(read("token-base-is-a-bookmark")).toMatchObject({ usable: true, fromGuid: expect.any(String) });
  });

  test.each([
    ["token-base-destroyed", /cannot resume send: /],
    ["token-target-destroyed", /used in the initial send no longer exists/],
    ["token-dataset-destroyed", /used in the initial send no longer exists/],
    ["token-target-recreated", /is no longer the same snapshot/],
  ])("%s: known, but not usable", (name, problem) => {
    expect(read(name)).toMatchObject({
      usable: false,
      toGuid: guidIn(said(name), "toguid"),
      problem: expect.stringMatching(problem),
    });
  });

  test.each(["token-garbage", "token-not-hexadecimal"])("%s: nothing is known", (name) => {
    expect(read(name)).toBeUndefined();
  });
});

describe("a token", () => {
  const contents =
    "resume token contents:\nnvlist version: 0\n\ttoguid = 0xfe6e8128e933ee9\n\tbytes = 0x10\n\ttoname = tank/a b@x y\n";

  test("explained on stderr, as older versions do", () => {
    expect(parseToken({ code: 0, stdout: "", stderr: `${contents}size\t77\n` })).toEqual({
      toName: "tank/a b@x y",
      toGuid: BigInt("0xfe6e8128e933ee9").toString(),
      raw: false,
      bytes: 16,
      remaining: 77,
      usable: true,
    });
  });

  test("an estimate that ran below zero is none", () => {
    const content = parseToken({ code: 0, stdout: `${contents}size\t18446744073709415384\n`, stderr: "" });
    expect(content).not.toHaveProperty("remaining");
    expect(content).toMatchObject({ usable: true });
  });

  test("a failure without words still says something", () => {
    expect(parseToken({ code: 1, stdout: contents, stderr: "" })).toMatchObject({
      usable: false,
      problem: "zfs send ended with 1",
    });
  });
});
