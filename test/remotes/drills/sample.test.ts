import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inGroups, MOST_SAMPLED, Sampler, sampledBlocks } from "../../../src/remotes/drills/sample.ts";

const pick = (seed: string, limit: number | undefined, sizes: readonly number[]) => {
  const sampler = new Sampler(seed, limit);
  sizes.forEach((bytes, index) => {
    sampler.add({ path: `./${index}`, bytes });
  });
  return sampler.sample();
};
const total = (files: readonly { readonly bytes: number }[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

describe("a sample", () => {
  test("is the same for the same seed, and another for another", () => {
    const sizes = Array.from({ length: 500 }, () => 10);
    const names = (seed: string) => pick(seed, 100, sizes).chosen.map(({ path }) => path);
    expect(names("a")).toEqual(names("a"));
    expect(names("a")).not.toEqual(names("b"));
  });

  test("never has more bytes than it may, and everything where that is less", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.integer({ min: 1, max: 2000 }), (sizes, limit) => {
        const { chosen, isWhole } = pick("x", limit, sizes);
        expect(total(chosen)).toBeLessThanOrEqual(limit);
        expect(isWhole).toBe(chosen.length === sizes.length);
        if (sizes.reduce((sum, size) => sum + size, 0) <= limit) expect(isWhole).toBe(true);
      }),
    );
  });

  test("without a limit is all there is", () => {
    expect(pick("x", undefined, [1, 2, 3])).toMatchObject({ isWhole: true, chosen: [{}, {}, {}] });
  });

  test("of files that are all too large is a part of one", () => {
    const { chosen, large, isWhole } = pick("x", 10, [100, 200]);
    expect({ chosen, isWhole }).toEqual({ chosen: [], isWhole: false });
    expect([100, 200]).toContain(large?.bytes);
    expect(pick("x", 10, [100, 5]).large).toBeUndefined();
  });

  test("has a bounded number of files, however many there are, and does not forget that there are more", () => {
    const { chosen, isWhole } = pick("x", Number.MAX_SAFE_INTEGER, new Array(4 * MOST_SAMPLED + 1).fill(0));
    expect({ files: chosen.length, isWhole }).toEqual({ files: MOST_SAMPLED, isWhole: false });
  });
});

test("groups keep order, and each within its limits unless one file alone is more", () => {
  const limits = { files: 3, nameBytes: 100, bytes: 10 };
  fc.assert(
    fc.property(fc.array(fc.record({ path: fc.string({ maxLength: 40 }), bytes: fc.nat(20) })), (files) => {
      const groups = inGroups(files, limits);
      expect(groups.flat()).toEqual(files);
      for (const group of groups) {
        expect(group.length).toBeLessThanOrEqual(limits.files);
        if (group.length > 1) expect(total(group)).toBeLessThanOrEqual(limits.bytes);
      }
    }),
  );
});

test("blocks are within the device, distinct, in order, and as many as the sample asks for", () => {
  const MIB = 2 ** 20;
  expect(sampledBlocks("x", 40 * MIB, 16)).toEqual([0, 16, 32]);
  expect(sampledBlocks("x", 40 * MIB, 16, 1000 * MIB)).toEqual([0, 16, 32]);
  const some = sampledBlocks("x", 1000 * MIB, 10, 50 * MIB);
  expect(some).toHaveLength(5);
  expect(some).toEqual([...new Set(some)].sort((a, b) => a - b));
  expect(Math.max(...some)).toBeLessThan(1000);
  expect(sampledBlocks("x", 1000 * MIB, 10, 1)).toHaveLength(1);
  expect(sampledBlocks("y", 1000 * MIB, 10, 50 * MIB)).not.toEqual(some);
});
