import { type ChildProcess, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { type Ended, useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const EMPTY = "version: 1\nservice: { listen: off }\n";
const WITH_COMMAND = `${EMPTY}remotes: { usb: { type: restic, repository: /mnt/usb, password: { command: [pass, usb] } } }\n`;

/** How a request by that name is answered. */
async function named(port: number, name: string): Promise<number | undefined> {
  const asked = request({ port, path: "/healthz", headers: { Host: name } }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A service that runs until it is told to end. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let child: ChildProcess | undefined;
  let text = "";
  const waiting = new Set<() => void>();
  const ended = holdfast.run(["watch", ...args], {
    env,
    onStart: (started) => {
      child = started;
    },
    onStderr: (all) => {
      text = all;
      for (const look of waiting) look();
    },
  });
  return {
    ended,
    said: (pattern: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        ended.then(({ stderr }) => reject(new Error(`ended without saying ${pattern}:\n${stderr}`)), reject);
      }),
    end: (signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> => {
      child?.kill(signal);
      return ended;
    },
    pid: (): number | undefined => child?.pid,
    kill: (signal: NodeJS.Signals): void => {
      child?.kill(signal);
    },
  };
}

describe("holdfast watch", () => {
  test("logs what changed in the manifest, reads it again when it is told to, and ends with 0", async () => {
    const file = holdfast.write("one/m.yaml", EMPTY);
    const service = start(["-f", file]);
    await service.said(/watching .*one\/m\.yaml/);
    writeFileSync(file, `${EMPTY}timezone: Europe/Berlin\n`);
    await service.said(/manifest {2}\+timezone: Europe\/Berlin/);
    writeFileSync(file, `${EMPTY}timezon: Europe/Berlin\n`);
    await service.said(/does not come into force, the last good one stays/);
    service.kill("SIGHUP");
    expect(await service.end()).toMatchObject({ code: 0, stdout: "" });
  });

  test("garbage in place of the manifest, a thousand times: the last good one stays, and the next good one comes", {
    timeout: 300_000,
  }, async () => {
    const file = holdfast.write("garbage/m.yaml", EMPTY);
    const bomb = `a: &a [x]\n${[..."bcdefghij"].map((letter, index) => `${letter}: &${letter} [${`*${"abcdefghi"[index]},`.repeat(9)}]\n`).join("")}`;
    const put: readonly (() => void)[] = [
      () => writeFileSync(file, randomBytes(4096)),
      () => writeFileSync(file, EMPTY.slice(0, 1 + Math.floor(Math.random() * 8))),
      () => writeFileSync(file, ""),
      () => writeFileSync(file, `${EMPTY}\0`),
      () => writeFileSync(file, bomb),
      () => writeFileSync(file, `${"[".repeat(5000)}`),
      () => writeFileSync(file, `${EMPTY}# ${"x".repeat(2_000_000)}\nversion: 2`),
      () => writeFileSync(file, `${EMPTY}<<<<<<< HEAD\n=======\n>>>>>>> main\n`),
      () => rmSync(file, { recursive: true, force: true }),
      () => mkdirSync(file),
      () => symlinkSync(file, file),
      () => symlinkSync("/nowhere/at/all", file),
      () => renameSync(holdfast.write("garbage/other", "version: 1\nversion: 1\n"), file),
    ];
    const service = start(["-f", file]);
    await service.said(/watching/);
    const opened = readdirSync(`/proc/${service.pid()}/fd`).length;
    const zones = ["Berlin", "Paris", "Rome", "Madrid", "Vienna", "Oslo", "Athens", "Dublin", "Lisbon", "Warsaw"];
    for (const [round, zone] of zones.entries()) {
      for (let time = 0; time < 100; time++) {
        rmSync(file, { recursive: true, force: true });
        put[time % put.length]?.();
        await new Promise((done) => setImmediate(done));
      }
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, `${EMPTY}round${round}: 1\n`);
      await service.said(new RegExp(`does not come into force[\\s\\S]*round${round}`));
      writeFileSync(file, `${EMPTY}timezone: Europe/${zone}\n`);
      await service.said(new RegExp(`manifest {2}\\+timezone: Europe/${zone}`));
    }
    expect(readdirSync(`/proc/${service.pid()}/fd`).length).toBeLessThan(opened + 5);
    const { code, stderr } = await service.end();
    expect(code).toBe(0);
    // nothing but the good ones ever came into force
    expect(stderr.match(/manifest {2}\+.*/g)?.filter((line) => !line.includes("+++"))).toEqual(
      zones.map((zone) => expect.stringMatching(`\\+timezone: Europe/${zone}`)),
    );
  });

  test("does not start with a token that anybody could guess", async () => {
    const file = holdfast.write("guess/m.yaml", "version: 1\nservice: { token: { file: api.token } }\n");
    holdfast.write("guess/api.token", "hunter2\n");
    const { code, stderr } = await start(["-f", file]).ended;
    expect(stderr).toMatch(/^error: service\.token: file .*api\.token needs 16 or more printable characters/m);
    expect(stderr).toContain("next: make one: openssl rand");
    expect(stderr).not.toContain("hunter2");
    expect(code).toBe(1);
  });

  test("keeps answering while another place or token cannot be had, and takes it as soon as it can", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const listen = (port: number, token = "") =>
      `version: 1\nservice: { listen: "127.0.0.1:${port}", names: [nas01.example.net]${token} }\n`;
    const file = holdfast.write("place/m.yaml", listen(first));
    const service = start(["-f", file]);
    await service.said(/watching/);
    const ask = async (port: number, token: string): Promise<number> => {
      const headers = { Authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${port}/api/v1/reconcile`, { method: "POST", headers })).status;
    };
    expect(await ask(first, "x")).toBe(403);
    expect(await named(first, "nas01.example.net")).toBe(200);
    expect(await named(first, "evil.example")).toBe(421);
    writeFileSync(file, listen(first, ", token: { file: api.token }"));
    await service.said(/HTTP is not as the manifest has it; it is tried again.*api\.token/);
    expect(await ask(first, "x")).toBe(403);
    holdfast.write("place/api.token", "a-token-of-some-length\n");
    // the next manifest is as good as the next turn
    writeFileSync(file, `${listen(first, ", token: { file: api.token }")}timezone: Europe/Rome\n`);
    await service.said(/Rome/);
    const until = async (port: number, status: number, token = "a-token-of-some-length"): Promise<void> => {
      while ((await ask(port, token).catch(() => 0)) !== status) await new Promise((done) => setImmediate(done));
    };
    await until(first, 202);
    const other = createServer().listen(second, "127.0.0.1");
    await once(other, "listening");
    writeFileSync(file, listen(second, ", token: { file: api.token }"));
    await service.said(/HTTP is not as the manifest has it; it is tried again.*EADDRINUSE/);
    expect(await ask(first, "a-token-of-some-length")).toBe(202);
    other.close();
    await once(other, "close");
    writeFileSync(file, `${listen(second, ", token: { file: api.token }")}timezone: Europe/Oslo\n`);
    await until(second, 202);
    holdfast.write("place/api.token", "another-token-of-some-length\n");
    service.kill("SIGHUP");
    await until(second, 202, "another-token-of-some-length");
    expect(await ask(second, "a-token-of-some-length")).toBe(401);
    expect((await service.end()).code).toBe(0);
  });

  test("names what a new manifest can make this machine do", async () => {
    const file = holdfast.write("two/m.yaml", EMPTY);
    const service = start(["-f", file]);
    await service.said(/watching/);
    writeFileSync(file, WITH_COMMAND);
    await service.said(/new with this manifest {2}command: pass usb/);
    await service.said(/new with this manifest {2}repository: \/mnt\/usb/);
    expect((await service.end("SIGINT")).code).toBe(0);
  });

  test("does nothing that this machine does not allow, and no other command either", async () => {
    const env = { HOLDFAST_HOST_FILE: holdfast.write("three/host.yaml", "version: 1\ncommands: none\n") };
    const good = EMPTY;
    const bad = WITH_COMMAND;
    const file = holdfast.write("three/m.yaml", good);
    const service = start(["-f", file], env);
    await service.said(/watching/);
    writeFileSync(file, bad);
    await service.said(/does not allow the command "pass usb" on this machine/);
    expect((await service.end()).code).toBe(0);
    for (const command of [["validate"], ["plan"], ["apply", "--yes"], ["watch"]])
      expect(await holdfast.run([...command, "-f", file], { env })).toMatchObject({
        code: 5,
        stderr: expect.stringContaining("have root add it to `commands`"),
      });
  });

  test("does nothing any more once this machine forbids what is in force, or what it allows cannot be told", async () => {
    const host = holdfast.write("four/host/host.yaml", "version: 1\n");
    const file = holdfast.write("four/m.yaml", WITH_COMMAND);
    const service = start(["-f", file], { HOLDFAST_HOST_FILE: host });
    await service.said(/watching/);
    writeFileSync(host, "version: 1\ncommands: none\n");
    service.kill("SIGHUP");
    await service.said(/nothing more is started.*does not allow the command "pass usb"/);
    writeFileSync(host, "version: 1\n");
    chmodSync(host, 0o666);
    service.kill("SIGHUP");
    await service.said(/nothing more is started; others may write to/);
    rmSync(holdfast.path("four/host"), { recursive: true });
    symlinkSync("host", holdfast.path("four/host"));
    service.kill("SIGHUP");
    await service.said(/nothing more is started; what this machine allows cannot be told: ELOOP/);
    expect((await service.end()).code).toBe(0);
  });

  test.each([
    [["-f", "nowhere.yaml"], 5, "there is no manifest to watch"],
    [["--branch", "main", "-f", "m.yaml"], 1, "belong to --git"],
    [["--no-verify", "-f", "m.yaml"], 1, "belong to --git"],
    [["--git", "/nowhere", "-f", "m.yaml"], 1, "two places for one manifest"],
    [["--git", "/nowhere", "--path", "../x"], 1, "leads out of the repository"],
    [["--git", "/nowhere", "--branch", "-x"], 1, "cannot be the name of a branch"],
    [["--git", "/nowhere", "--every", "0s"], 1, "--every 0s is no time at all"],
    [["--git", "/nowhere", "--every", "soon"], 1, "It takes a duration with a unit"],
    [["--git", "/nowhere"], 5, "cannot fetch main from /nowhere: fatal: "],
  ])("%j is refused", async (args, code, message) => {
    expect(await holdfast.run(["watch", ...args])).toMatchObject({ code, stderr: expect.stringContaining(message) });
  });

  test("follows a git repository: commit by commit", async () => {
    const home = holdfast.path("home");
    mkdirSync(home, { recursive: true });
    const git = (where: string, ...args: readonly string[]): string =>
      execFileSync("git", args, {
        cwd: holdfast.path(where),
        env: { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: "1" },
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      }).trim();
    git(".", "init", "-q", "--bare", "-b", "main", "origin.git");
    git(".", "clone", "-q", "origin.git", "work");
    git(".", "config", "--global", "gpg.ssh.allowedSignersFile", holdfast.path("signers"));
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", holdfast.path("key")]);
    holdfast.write("signers", `me@example.net ${readFileSync(holdfast.path("key.pub"), "utf8")}`);
    const commit = (text: string, isSigned = true): string => {
      holdfast.write("work/nas/holdfast.yaml", text);
      const signing = ["-c", "gpg.format=ssh", "-c", `user.signingkey=${holdfast.path("key")}`];
      const who = ["-c", "user.name=me", "-c", "user.email=me@example.net", ...signing];
      git("work", "add", "-A");
      git("work", ...who, "commit", "-q", ...(isSigned ? ["-S"] : []), "-m", "change");
      git("work", "push", "-q", "origin", "HEAD:main");
      return git("work", "rev-parse", "--short=12", "HEAD");
    };
    commit(EMPTY);
    const args = ["--git", holdfast.path("origin.git"), "--path", "nas/holdfast.yaml", "--every", "1s"];
    const service = start(args, { HOME: home });
    await service.said(/watching .*origin\.git, main: nas\/holdfast\.yaml/);
    commit(`${EMPTY}timezone: Europe/Berlin\n`);
    await service.said(/manifest {2}\+timezone: Europe\/Berlin/);
    const unsigned = commit(`${EMPTY}timezone: Europe/Paris\n`, false);
    await service.said(new RegExp(`commit ${unsigned} is not signed by anybody this machine trusts`));
    renameSync(holdfast.path("origin.git"), holdfast.path("away.git"));
    await service.said(/whether there is a newer manifest cannot be told: cannot fetch main/);
    renameSync(holdfast.path("away.git"), holdfast.path("origin.git"));
    expect(await service.end()).toMatchObject({ code: 0, stderr: expect.not.stringContaining("Paris") });
    // the last good one, also for the next service
    const next = start(args, { HOME: home });
    await next.said(/watching/);
    commit(`${EMPTY}timezone: Europe/Rome\n`);
    await next.said(/-timezone: Europe\/Berlin[\s\S]*\+timezone: Europe\/Rome/);
    expect((await next.end()).code).toBe(0);
  });
});
