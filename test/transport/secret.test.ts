import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SecretReference } from "../../src/model/manifest.ts";
import { readSecret, Secret } from "../../src/transport/index.ts";

const VALUE = "correct horse battery staple";
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "secret-"));
  writeFileSync(join(directory, "good"), `${VALUE}\n`);
  writeFileSync(join(directory, "empty"), "\n");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const read = (reference: SecretReference, env: Record<string, string> = {}): Promise<Secret> =>
  readSecret(reference, { what: "identity of host nas", env: { PATH: process.env.PATH ?? "", ...env } });

describe("a secret", () => {
  test("shows itself only when asked by name", () => {
    const secret = new Secret(VALUE);
    const shown = [
      `${secret}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: { secret } }),
      String([secret]),
    ];
    for (const text of shown) expect(text).not.toContain("horse");
    expect(Object.values(secret)).toEqual([]);
    expect(secret.reveal()).toBe(VALUE);
  });
});

describe("reading a secret", () => {
  test.each<[string, (directory: string) => SecretReference, Record<string, string>]>([
    ["a file", (at) => ({ file: join(at, "good") }), {}],
    ["the environment", () => ({ env: "PASS" }), { PASS: VALUE }],
    ["a command", () => ({ command: ["echo", VALUE] }), {}],
    ["a credential", () => ({ credential: "good" }), {}],
  ])("from %s", async (_, reference, env) => {
    const secret = await read(reference(directory), { CREDENTIALS_DIRECTORY: directory, ...env });
    expect(secret.reveal()).toBe(VALUE);
  });

  test("a command's arguments meet no shell", async () => {
    expect((await read({ command: ["echo", "$(id) `id` *"] })).reveal()).toBe("$(id) `id` *");
  });

  test("a command gets nothing of the environment but the usual", async () => {
    const secret = await read({ command: ["env"] }, { AWS_SECRET_ACCESS_KEY: "leak", HOME: "/root" });
    expect(secret.reveal()).toContain("HOME=/root");
    expect(secret.reveal()).not.toContain("leak");
  });

  test.each<[string, (directory: string) => SecretReference, RegExp]>([
    [
      "a file that is not there",
      (at) => ({ file: join(at, "none") }),
      /identity of host nas: file .*none does not exist/,
    ],
    ["an empty file", (at) => ({ file: join(at, "empty") }), /is empty/],
    ["a folder", (at) => ({ file: at }), /cannot be read/],
    ["a variable that is not set", () => ({ env: "PASS" }), /environment variable PASS is not set/],
    ["no credentials", () => ({ credential: "ssh" }), /credential ssh .*CREDENTIALS_DIRECTORY is not set/],
    [
      "a command that is not there",
      () => ({ command: ["no-such-program"] }),
      /command no-such-program failed: no-such-program is not installed/,
    ],
    [
      "a command that fails",
      () => ({ command: ["sh", "-c", "echo half; echo no such entry >&2; exit 4"] }),
      /exit code 4\): no such entry$/,
    ],
  ])("%s: an error that says so, and nothing of the secret", async (_, reference, message) => {
    const error = await read(reference(directory)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ kind: "secret", message: expect.stringMatching(message) });
    expect(inspect(error)).not.toContain("half");
  });
});
