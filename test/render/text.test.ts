import fc from "fast-check";
import { expect, test } from "vitest";
import { duration, part, range, size, visible, visibleLines, wrap } from "../../src/render/text.ts";

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [310 * 1024 ** 2, "310 MiB"],
  [1.2 * 1024 ** 3, "1.2 GiB"],
  [1023.9 * 1024, "1 MiB"],
  [99.99 * 1024, "100 KiB"],
  [2 ** 63, "8 EiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(size(bytes)).toBe(text);
});

test("a part is in the unit of the whole", () => {
  expect(part(4.1 * 1024 ** 3, 9.8 * 1024 ** 3)).toBe("4.1 of 9.8 GiB");
  expect(part(0, 9.8 * 1024 ** 3)).toBe("0 of 9.8 GiB");
});

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
