import fc from "fast-check";
import { expect, test } from "vitest";
import { duration, range, visible, visibleLines, wrap } from "../../src/render/text.ts";

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [80, "1 m 20 s"],
  [7200, "2 h"],
  [3 * 86_400 + 4 * 3600 + 59, "3 d 4 h"],
  [-5, "0 s"],
])("%d seconds are %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test("neighbours are a range", () => {
  expect(range([])).toBe("");
  expect(range(["a"])).toBe("@a");
  expect(range(["a", "b"])).toBe("@a, @b");
  expect(range(["a", "b", "c", "d"])).toBe("@a … @d (4)");
});

test("control characters are shown, not sent", () => {
  expect(visible("a\u001b[2Jb\nc\td\u202ee\u0085")).toBe("a\\x1b[2Jb\\nc\\td\\u202ee\\x85");
  expect(visibleLines("one\r\n\ttwo\u0007\n\n")).toEqual(["one", "    two\\x07"]);
});

test("showing a name twice changes nothing more", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => visible(visible(text)) === visible(text)));
});

test("wrapping loses no word", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 12, max: 60 }),
      (words, width) => {
        const lines = wrap(words.join(" "), width);
        expect(lines.join(" ")).toBe(words.join(" "));
        expect(lines.every((line) => line.length <= width)).toBe(true);
      },
    ),
  );
});
