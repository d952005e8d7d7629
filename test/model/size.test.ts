import { expect, test } from "vitest";
import { part, size } from "../../src/model/size.ts";

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
