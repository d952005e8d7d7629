import { expect, test } from "vitest";
import { Output } from "../../../src/remotes/restic/output.ts";
import { Secret } from "../../../src/transport/secret.ts";

const said = (lines: readonly string[]): Output => {
  const output = new Output([new Secret("hunter22")]);
  for (const line of lines) output.add(line);
  return output;
};
const retries = Array.from(
  { length: 500 },
  (_, nth) => `Load(<snapshot/0123>) returned error, retrying after ${nth} ms`,
);

test.each(["could not load snapshot 0123: broken", 'Ignoring "0123": no matching ID found'])(
  "a listing that says %j lacks something, however much it says after that",
  (line) => {
    expect(said([line, ...retries]).leftOut).toBe(line);
    expect(said([...retries, line]).leftOut).toBe(line);
    expect(said(retries).leftOut).toBeUndefined();
  },
);

test("no secret in what it lacks", () => {
  expect(said(["could not load snapshot at rest:http://me:hunter22@host/"]).leftOut).toBe(
    "could not load snapshot at rest:http://me:[secret]@host/",
  );
});
