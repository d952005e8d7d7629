import { afterAll, beforeAll, expect, test } from "vitest";
import { type Receiver, receiver } from "../notify/receivers.ts";
import { validator } from "../published-schema.ts";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
let good: Receiver;
let bad: Receiver;
beforeAll(async () => {
  good = await receiver();
  bad = await receiver((response) => response.writeHead(403).end("invalid_token"));
  holdfast.write("ntfy.url", `${good.url}/backups\n`);
  holdfast.write("slack.url", `${bad.url}/services/T000/hunter2hunter2`);
  holdfast.write(
    "holdfast.yaml",
    "version: 1\nnotifications:\n  - { type: ntfy, url: { file: ntfy.url } }\n  - { type: slack, url: { file: slack.url } }\n",
  );
  holdfast.write("none.yaml", "version: 1\n");
});
afterAll(async () => {
  await good.close();
  await bad.close();
});

test("says for each whether it arrived", async () => {
  const { code, stdout, stderr } = await holdfast.run(["notify", "test"]);
  expect(stdout.replaceAll(holdfast.folder, "")).toBe(
    "✓ arrived  ntfy   file /ntfy.url   HTTP 200\n! failed   slack  file /slack.url  HTTP 403: invalid_token\n",
  );
  expect([code, stderr]).toEqual([3, ""]);
  expect(good.bodies().at(-1)).toMatchObject({ topic: "backups", title: expect.stringMatching(/: a test message$/) });
});

test("some types only, as JSON of the published schema", async () => {
  const { code, stdout } = await holdfast.run(["notify", "test", "--json", "--only", "ntfy", "email"]);
  const answer = JSON.parse(stdout);
  expect(validator("notify-test.v1")(answer)).toBe(true);
  expect([code, answer.notifications]).toEqual([
    0,
    [{ type: "ntfy", secret: `file ${holdfast.path("ntfy.url")}`, arrived: true, answer: "HTTP 200" }],
  ]);
});

test.each([
  [["-f", "none.yaml"], "the manifest has no notifications\n"],
  [["--only", "email"], "the manifest has no notifications of type email\n"],
  [["--only", "fax"], "Allowed choices are webhook, ntfy"],
])("%j ends with what is missing", async (args, message) => {
  const { code, stderr } = await holdfast.run(["notify", "test", ...args]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
});

test("has help with examples", async () => {
  const { code, stdout } = await holdfast.run(["notify", "test", "--help"]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("holdfast notify test --only email ntfy")]);
  expect((await holdfast.run(["notify", "--help"])).stdout).toContain("holdfast notify test");
});
