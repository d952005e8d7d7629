import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { useHoldfast } from "./harness.ts";
import * as world from "./world.ts";

const { run, write, path } = useHoldfast();

const FORMS = ["", "--html", "--json", "--no-fingerprints"];

/** What somebody could look for who has the secret, and what gives it away to whoever tries. */
function tracesOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hashes = ["md5", "sha1", "sha256", "sha512"].flatMap((name) => {
    const digest = createHash(name).update(bytes).digest();
    return [digest.toString("hex").slice(0, 12), digest.toString("base64").slice(0, 12)];
  });
  return [
    secret,
    bytes.toString("base64").replace(/=+$/, "").slice(0, -1),
    bytes.toString("hex"),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
    [...secret].reverse().join(""),
    ...hashes,
  ];
}

describe("secrets are everywhere but on the page", () => {
  const secret = (name: string): string => `S3cr<t&${name}/%41"x"`;
  const names = [
    "file",
    "url",
    "env",
    "command",
    "credential",
    "variable",
    "phrase",
    "token",
    "topic",
    "header",
    "http",
  ];
  const env = { KIT_ENV: secret("env"), KIT_VARIABLE: secret("variable"), CREDENTIALS_DIRECTORY: path("credentials") };

  const manifest = (): string => {
    const file = (name: string, text = secret(name)): string => JSON.stringify(write(`secrets/${name}`, `${text}\n`));
    mkdirSync(path("credentials"), { recursive: true });
    write("credentials/pw", secret("credential"));
    write("tell", `#!/bin/sh\ncat ${write("secrets/command", `${secret("command")}\n`)}\n`);
    chmodSync(path("tell"), 0o755);
    execFileSync("rm", ["-f", path("id"), path("id.pub")]);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", secret("phrase"), "-f", path("id")]);
    return `version: 1
hosts:
  nas01: {}
  vault:
    address: 127.0.0.1
    port: 1
    hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJsx8H0pRPyqcXlWOPoB0qkzGOlsHfA1xLe5kUDKD0cH"]
    identity: { file: ${path("id")}, passphrase: { file: ${file("phrase")} } }
remotes:
  vault: { type: zfs, host: vault, root: backup }
  a: { type: restic, repository: ${path("none")}, password: { file: ${file("file")} } }
  b: { type: restic, repository: { file: ${file("url", `rest:http://me:${secret("url")}@127.0.0.1:1/`)} }, password: { env: KIT_ENV } }
  c:
    type: restic
    repository: ${path("third")}
    password: { command: [${path("tell")}] }
    environment: { AWS_SECRET_ACCESS_KEY: { env: KIT_VARIABLE } }
mirrors:
  d: { of: a, repository: ${path("other")}, password: { credential: pw } }
datasets:
  tank/data: { keep: { daily: 3 }, remotes: { vault: {} } }
directories:
  /etc:
    keep: { daily: 3 }
    remotes: { a: {}, b: {}, c: {} }
    hooks:
      - around: backup
        before: { http: { url: { file: ${file("http")} }, method: POST, headers: { Authorization: { file: ${file("header")} } } } }
notifications:
  - { type: ntfy, url: { file: ${file("topic")} }, events: [failed] }
service: { token: { file: ${file("token")} } }
`;
  };

  test.each(FORMS)("recovery-kit %s", async (form) => {
    write("holdfast.yaml", manifest());
    const { code, stdout, stderr } = await run(["recovery-kit", "--as", "nas01", ...(form === "" ? [] : [form])], {
      env,
    });
    expect([0, 3], stderr).toContain(code);
    // the secrets were found: what is missing is not missing because nothing could be read
    if (form !== "--no-fingerprints") {
      expect(stdout.match(/SALT [`<]|"kind": "scrypt"/g)?.length).toBeGreaterThanOrEqual(6);
      const [, own = "?"] = execFileSync("ssh-keygen", ["-lf", path("id.pub")], { encoding: "utf8" }).split(" ");
      expect(stdout).toContain(own);
    } else expect(stdout).not.toMatch(/SALT [`<]/);
    for (const name of names)
      for (const trace of tracesOf(secret(name)))
        expect(stdout.includes(trace) || stderr.includes(trace), `${name}: ${trace}`).toBe(false);
    expect(stdout).not.toContain("PRIVATE KEY");
  });
});

test("with a recorded inventory no host is contacted; which commit it is made of is said", async () => {
  const git = (...argv: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.net", ...argv], {
      cwd: path("repository"),
      encoding: "utf8",
    }).trim();
  const file = write("repository/holdfast.yaml", world.manifest());
  const recorded = write("recorded.json", world.settledInventory());
  git("init", "-q");
  const kit = async () => {
    const { code, stdout, stderr } = await run([
      "recovery-kit",
      "-f",
      file,
      "--as",
      "nas01",
      "--inventory",
      recorded,
      "--json",
    ]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  expect((await kit()).manifest).toEqual({ path: file, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  git("add", ".");
  git("commit", "-qm", "the manifest");
  git("remote", "add", "origin", "https://me:hunter2@git.example.net/backups.git");
  const { manifest, sources } = await kit();
  expect(manifest.git).toEqual({
    commit: git("rev-parse", "HEAD"),
    changed: false,
    origin: "https://git.example.net/backups.git",
  });
  expect(sources).toMatchObject([
    { source: "nas01:tank/data", copies: [{ place: "vault", newest: "2026-11-30T00:00:00Z" }] },
  ]);
  write("repository/holdfast.yaml", `${world.manifest()}# more\n`);
  expect((await kit()).manifest.git.changed).toBe(true);
});

test("a source that is none is refused; help has an example", async () => {
  write("holdfast.yaml", world.manifest());
  const recorded = write("recorded.json", world.settledInventory());
  const typo = await run(["recovery-kit", "tank/dota", "--as", "nas01", "--inventory", recorded]);
  expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining("no source matches tank/dota") });
  const both = await run(["recovery-kit", "--html", "--json"]);
  expect(both.code).toBe(1);
  const help = await run(["recovery-kit", "--help"]);
  expect(help.stdout).toContain("holdfast recovery-kit --html --out recovery-kit.html");
});
