import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";
import { type Deployed, GitSource, withoutSecret } from "../../src/service/git-source.ts";
import { Git } from "../../src/transport/git.ts";
import { connectHosts, type Hosts } from "../../src/transport/index.ts";

const here = "here" as HostName;
const local: Host = { name: here, local: true, address: "", port: 22, user: "", hostKeys: [], sudo: false };

let folder = "";
let hosts: Hosts;
let problem: string | undefined;
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-git-"));
  problem = undefined;
  mkdirSync(at("home"));
  for (const name of ["trusted", "stranger"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `${name}@example.net`, "-f", at(name)]);
  writeFileSync(at("signers"), `trusted@example.net ${readFileSync(at("trusted.pub"), "utf8")}`);
  // what an admin has told git on this machine
  writeFileSync(at("home", ".gitconfig"), `[gpg "ssh"]\n\tallowedSignersFile = ${at("signers")}\n`);
  git(folder, "init", "-q", "--bare", "-b", "main", "origin.git");
  git(folder, "clone", "-q", "origin.git", "work");
  hosts = connectHosts(new Map([[here, local]]), { env: { ...process.env, HOME: at("home") } });
});
afterEach(async () => {
  await hosts.close();
  rmSync(folder, { recursive: true, force: true });
});

function git(where: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: at("home"), GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };
  return execFileSync("git", args, { cwd: where, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Commits a manifest, signed with a key unless there is none, and pushes it. Returns the commit. */
function commit(text: string, key: string | null = "trusted", ...more: readonly string[]): string {
  writeFileSync(at("work", "holdfast.yaml"), text);
  git(at("work"), "add", "-A");
  const who = ["-c", "user.name=me", "-c", `user.email=${key ?? "nobody"}@example.net`];
  const signing =
    key === null ? [] : ["-c", "gpg.format=ssh", "-c", `user.signingkey=${at(key)}`, "-c", "commit.gpgsign=true"];
  git(at("work"), ...who, ...signing, "commit", "-q", "-m", text, ...more);
  git(at("work"), "push", "-q", "--force", "origin", "HEAD:main");
  return git(at("work"), "rev-parse", "HEAD");
}

const follow = (verify = true): GitSource =>
  new GitSource({
    url: at("origin.git"),
    branch: "main",
    verify,
    folder: at("state"),
    judge: async () => problem,
    git: (where, argv) => new Git(hosts, here, where).run(argv, { timeoutMs: 60_000 }),
  });

const shown = (source: GitSource): string => readFileSync(join(source.clone, "holdfast.yaml"), "utf8");

async function expectKept(source: GitSource, before: string, why: RegExp): Promise<Deployed> {
  const deployed = await source.update();
  expect(deployed).toEqual({ commit: before, error: expect.stringMatching(why) });
  expect(shown(source)).toBe("one");
  return deployed;
}

describe("a branch that is followed", () => {
  test("a signed commit is a deployment, and so is the next one", async () => {
    const source = follow();
    for (const text of ["one", "two"]) {
      const made = commit(text);
      expect(await source.update()).toEqual({ commit: made });
      expect(shown(source)).toBe(text);
    }
    expect(await source.update()).toMatchObject({ commit: expect.any(String) });
  });

  test.each([
    ["unsigned", null],
    ["signed by somebody else", "stranger"],
  ])("a commit that is %s does not come into force", async (_, key) => {
    const source = follow();
    const before = commit("one");
    await source.update();
    commit("two", key);
    await expectKept(source, before, /is not signed by anybody this machine trusts/);
  });

  test("without verification, any", async () => {
    const source = follow(false);
    commit("one", null);
    expect((await source.update()).error).toBeUndefined();
    expect(shown(source)).toBe("one");
  });

  test("a rewritten branch is not followed, until somebody says so", async () => {
    const source = follow();
    const before = commit("one");
    await source.update();
    const made = commit("two", "trusted", "--amend");
    const { error = "" } = await expectKept(source, before, /main was rewritten/);
    const [, remedy = ""] = /If that is meant: git (.*)$/.exec(error) ?? [];
    git(folder, ...remedy.split(" "));
    expect(await source.update()).toEqual({ commit: made });
  });

  test("a remote that cannot be reached changes nothing, also for a service that starts anew", async () => {
    const source = follow();
    const before = commit("one");
    await source.update();
    renameSync(at("origin.git"), at("away"));
    for (const one of [source, follow()]) {
      expect(await one.update()).toEqual({ commit: before, unreachable: expect.stringMatching(/^cannot fetch main/) });
      expect(shown(one)).toBe("one");
    }
    renameSync(at("away"), at("origin.git"));
    expect(await source.update()).toEqual({ commit: before });
  });

  test("a manifest that is wrong is no deployment: a restart begins with the last good one", async () => {
    const source = follow();
    const before = commit("one");
    await source.update();
    commit("two");
    problem = "it is wrong";
    await expectKept(source, before, /^it is wrong$/);
    await expectKept(follow(), before, /^it is wrong$/);
    problem = undefined;
    expect((await source.update()).error).toBeUndefined();
    expect(shown(source)).toBe("two");
  });

  test("nothing was ever in force", async () => {
    expect(await follow().update()).toEqual({ unreachable: expect.stringMatching(/cannot fetch main/) });
    commit("one", "stranger");
    expect(await follow().update()).toEqual({ error: expect.stringMatching(/is not signed/) });
  });

  test("nothing of a repository is run, and no link of it leads anywhere", async () => {
    const source = follow();
    const hook = `#!/bin/sh\ntouch '${at("ran")}'\n`;
    mkdirSync(at("state", "git"), { recursive: true });
    mkdirSync(at("home", "template", "hooks"), { recursive: true });
    for (const name of ["post-checkout", "reference-transaction"])
      writeFileSync(at("home", "template", "hooks", name), hook, { mode: 0o755 });
    writeFileSync(
      at("home", ".gitconfig"),
      `${readFileSync(at("home", ".gitconfig"), "utf8")}[init]\n\ttemplateDir = ${at("home", "template")}\n`,
    );
    symlinkSync("/etc/shadow", at("work", "link.yaml"));
    commit("one");
    await source.update();
    expect(existsSync(at("ran"))).toBe(false);
    expect(readFileSync(join(source.clone, "link.yaml"), "utf8")).toBe("/etc/shadow");
  });

  test("what somebody changed in the clone is undone", async () => {
    const source = follow();
    commit("one");
    await source.update();
    writeFileSync(join(source.clone, "holdfast.yaml"), "changed");
    writeFileSync(join(source.clone, "more.yaml"), "added");
    await source.update();
    expect(shown(source)).toBe("one");
    expect(existsSync(join(source.clone, "more.yaml"))).toBe(false);
  });
});

test.each([
  ["https://me:secret@git.example.net/x.git", "https://git.example.net/x.git"],
  ["https://ghp_secret@git.example.net/x.git", "https://git.example.net/x.git"],
  ["HTTP://secret@git.example.net/x.git", "HTTP://git.example.net/x.git"],
  ["ssh://git:secret@git.example.net/x.git", "ssh://git@git.example.net/x.git"],
  ["ssh://git@git.example.net/x.git", "ssh://git@git.example.net/x.git"],
  ["git@git.example.net:x.git", "git@git.example.net:x.git"],
])("of %s nothing is shown that is secret", (url, shown) => {
  expect(withoutSecret(`fatal: ${url}: no`)).toBe(`fatal: ${shown}: no`);
});
