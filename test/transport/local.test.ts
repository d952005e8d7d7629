import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";
import { connectHosts, type Hosts, Secret } from "../../src/transport/index.ts";
import { eventually, processesWith, watchForLeftovers } from "./leftovers.ts";

const here = "here" as HostName;
const host: Host = { name: here, local: true, address: "here", port: 22, user: "root", hostKeys: [], sudo: false };
const env = { PATH: process.env.PATH, HOME: "/nowhere", XDG_CACHE_HOME: "/cache", SECRET_TOKEN: "leak" };
const { TMPDIR, expectNothingLeft } = watchForLeftovers();
let hosts: Hosts;
beforeAll(() => {
  hosts = connectHosts(new Map([[here, host]]), { env, graceMs: 200 });
});
afterAll(async () => {
  await hosts.close();
  await expectNothingLeft();
});
/** One that nothing else on the machine has on its command line. */
const word = (): string => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;

describe("a command on this machine", () => {
  test.each([0, 1, 2, 255])("exit code %d is a result", async (code) => {
    const result = await hosts.run(here, ["sh", "-c", `echo out; echo err >&2; exit ${code}`]);
    expect(result).toEqual({ code, stdout: "out\n", stderr: "err\n" });
  });

  test("a signal is a result without an exit code", async () => {
    expect(await hosts.run(here, ["sh", "-c", "kill -9 $$"])).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test("its environment is built: nothing leaks in, sbin is on PATH, the language is C", async () => {
    const { stdout } = await hosts.run(here, ["env"]);
    const lines = new Map(stdout.split("\n").map((line) => line.split("=", 2) as [string, string]));
    expect(lines.get("LC_ALL")).toBe("C");
    expect(lines.get("HOME")).toBe("/nowhere");
    expect(lines.get("PATH")).toBe(`${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`);
    expect(lines.get("XDG_CACHE_HOME")).toBe("/cache");
    expect(stdout).not.toContain("leak");
  });

  test("stdin is empty", async () => {
    expect((await hosts.run(here, ["cat"])).stdout).toBe("");
  });

  test("a program that is not there", async () => {
    await expect(hosts.run(here, ["no-such-program", "list"])).rejects.toMatchObject({
      kind: "not-found",
      host: "here",
      message: "here: no-such-program is not installed here",
    });
  });

  test("output beyond the bound is an error, not a cut answer", async () => {
    const run = hosts.run(here, ["head", "-c", "100000", "/dev/zero"], { maxOutput: 99_999 });
    await expect(run).rejects.toMatchObject({ kind: "output-limit" });
    const whole = await hosts.run(here, ["head", "-c", "99999", "/dev/zero"], { maxOutput: 99_999 });
    expect(whole.stdout.length).toBe(99_999);
  });

  test("of endless stderr the end is kept", async () => {
    const { stderr } = await hosts.run(here, ["sh", "-c", "seq 100000 >&2; echo last >&2"]);
    expect(stderr.length).toBeLessThan(70_000);
    expect(stderr.endsWith("100000\nlast\n")).toBe(true);
  });

  test("timeout: the whole group is ended, also what ignores SIGTERM", async () => {
    const mark = word();
    const script = `trap '' TERM; sh -c "trap '' TERM; while :; do sleep 0.05; done" ${mark} & while :; do sleep 0.05; done`;
    const run = hosts.run(here, ["sh", "-c", script, mark], { timeoutMs: 100 });
    await expect(run).rejects.toMatchObject({ kind: "timeout", message: "sh -c did not end within 0.1 s" });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("silence beyond the idle timeout; output refreshes it", async () => {
    const silent = hosts.run(here, ["sh", "-c", "echo a; sleep 60"], { idleTimeoutMs: 150 });
    await expect(silent).rejects.toMatchObject({
      kind: "timeout",
      message: expect.stringMatching(/printed nothing for 0.15 s/),
    });
    const script = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done";
    expect(await hosts.run(here, ["sh", "-c", script], { idleTimeoutMs: 400 })).toMatchObject({ code: 0 });
  });

  test("abort ends it; an aborted signal starts nothing that stays", async () => {
    const mark = word();
    const controller = new AbortController();
    const run = hosts.read(here, ["sh", "-c", "echo up; sleep 60", mark], () => controller.abort(), {
      signal: controller.signal,
    });
    await expect(run).rejects.toMatchObject({ kind: "aborted" });
    await expect(hosts.run(here, ["sleep", "60", mark], { signal: controller.signal })).rejects.toMatchObject({
      kind: "aborted",
    });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("a grandchild that keeps the output open does not hold the result", async () => {
    const mark = word();
    const result = await hosts.run(here, ["sh", "-c", `sh -c 'while :; do sleep 0.05; done' ${mark} & echo done`]);
    expect(result).toMatchObject({ code: 0, stdout: "done\n" });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("read hands out everything as it comes, in order", async () => {
    let text = "";
    const result = await hosts.read(here, ["seq", "200000"], (chunk) => {
      text += chunk.toString("latin1");
    });
    expect(result).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(text.split("\n").length).toBe(200_001);
    expect(text.endsWith("199999\n200000\n")).toBe(true);
  });

  test("variables of its own, on top of the others", async () => {
    const own = { PLAIN: "a 'b'\n$c", HIDDEN: new Secret("hush"), HOME: "/elsewhere" };
    const { stdout } = await hosts.run(here, ["sh", "-c", 'printf "%s|" "$PLAIN" "$HIDDEN" "$HOME" "$LC_ALL"'], {
      env: own,
    });
    expect(stdout).toBe("a 'b'\n$c|hush|/elsewhere|C|");
    expect((await hosts.run(here, ["env"])).stdout).not.toContain("HIDDEN");
  });

  test("what sudo runs gets none: it would drop them silently", async () => {
    const own = connectHosts(new Map([[here, { ...host, sudo: true }]]), { env });
    await expect(own.run(here, ["zfs", "list"], { env: { A: "b" } })).rejects.toMatchObject({ kind: "internal" });
    await own.close();
  });

  test("both streams line by line, the last ones without a newline", async () => {
    const out: string[] = [];
    const err: string[] = [];
    const script = "printf 'a\\n\\nb\\303'; printf 'x\\ny' >&2; sleep 0.05; printf '\\251c\\n'; printf last; exit 3";
    const result = await hosts.run(here, ["sh", "-c", script], {
      onLine: (line) => out.push(line),
      onErrorLine: (line) => err.push(line),
    });
    expect(result).toEqual({ code: 3, stdout: "", stderr: "x\ny" });
    expect(out).toEqual(["a", "", "b\u00e9c", "last"]);
    expect(err).toEqual(["x", "y"]);
  });

  test("a line without an end is cut, and the next one is whole", async () => {
    const lengths: number[] = [];
    const script = "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo next";
    await hosts.run(here, ["sh", "-c", script], { onLine: (line) => lengths.push(line.length) });
    expect(lengths).toEqual([1024 * 1024, 4]);
  });

  test("what the reader of a line throws ends the command and comes out", async () => {
    const run = hosts.run(here, ["yes"], {
      onLine: () => {
        throw new Error("not what I expected");
      },
    });
    await expect(run).rejects.toThrow("not what I expected");
  });

  test("the signal it is ended by, for all it started; what it does then is waited for", async () => {
    const file = join(mkdtempSync(join(TMPDIR, "signal-")), "told");
    const controller = new AbortController();
    const child = "trap 'sleep 0.1; echo child >>$1; exit' INT; echo up; while :; do sleep 0.02; done";
    const script = `trap 'echo parent >>$1' INT; sh -c "$2" sh "$1"; exit`;
    const run = hosts.run(here, ["sh", "-c", script, "sh", file, child], {
      signal: controller.signal,
      endsBy: "SIGINT",
      onLine: () => controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ kind: "aborted" });
    expect(readFileSync(file, "utf8")).toBe("child\nparent\n");
    rmSync(dirname(file), { recursive: true });
  });

  test("what the reader throws ends the command and comes out", async () => {
    const run = hosts.read(here, ["yes"], () => {
      throw new Error("not what I expected");
    });
    await expect(run).rejects.toThrow("not what I expected");
  });

  test("a host that the manifest does not have", async () => {
    await expect(hosts.run("there" as HostName, ["true"])).rejects.toMatchObject({ kind: "internal" });
  });
});

describe("sudo", () => {
  /** A sudo that shows how it was called, or refuses as the real one does. */
  async function withSudo<T>(script: string, use: (hosts: Hosts) => Promise<T>): Promise<T> {
    const directory = mkdtempSync(join(tmpdir(), "sudo-"));
    writeFileSync(join(directory, "sudo"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const path = `${directory}:${process.env.PATH}`;
    const own = connectHosts(new Map([[here, { ...host, sudo: true }]]), { env: { PATH: path } });
    try {
      return await use(own);
    } finally {
      await own.close();
      rmSync(directory, { recursive: true });
    }
  }

  test("runs zfs, without asking for a password, and nothing else", async () => {
    await withSudo('printf "%s\\n" "$*"', async (own) => {
      expect((await own.run(here, ["zfs", "list", "a b"])).stdout).toBe("-n zfs list a b\n");
      expect((await own.run(here, ["echo", "plain"])).stdout).toBe("plain\n");
    });
  });

  test.each([
    ["sudo: a password is required", "sudo", /sudo refuses to run zfs: sudo: a password is required/],
    ["Sorry, user backup is not allowed to execute '/usr/sbin/zfs' as root on nas.", "sudo", /sudo refuses to run zfs/],
    ["sudo: zfs: command not found", "not-found", /zfs is not installed/],
  ])("%s", async (said, kind, message) => {
    await withSudo(`echo ${JSON.stringify(said)} >&2; exit 1`, async (own) => {
      await expect(own.run(here, ["zfs", "list"])).rejects.toMatchObject({
        kind,
        message: expect.stringMatching(message),
      });
    });
  });

  test("an error of zfs itself stays a result", async () => {
    await withSudo("echo \"cannot open 'tank': dataset does not exist\" >&2; exit 1", async (own) => {
      expect(await own.run(here, ["zfs", "list", "tank"])).toMatchObject({ code: 1 });
    });
  });
});
