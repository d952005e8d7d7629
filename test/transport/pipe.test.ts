import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";
import { connectHosts, type Hosts, type PipeEnd } from "../../src/transport/index.ts";
import { eventually, processesWith, watchForLeftovers } from "./leftovers.ts";

const here = "here" as HostName;
const host: Host = { name: here, local: true, address: "here", port: 22, user: "root", hostKeys: [], sudo: false };
const { TMPDIR, expectNothingLeft } = watchForLeftovers();
let hosts: Hosts;
let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "pipe-"));
  hosts = connectHosts(new Map([[here, host]]), { env: { ...process.env, TMPDIR }, graceMs: 300 });
});
afterAll(async () => {
  await hosts.close();
  rmSync(directory, { recursive: true });
  await expectNothingLeft();
});

const sh = (script: string, ...args: string[]): PipeEnd => ({ host: here, argv: ["sh", "-c", script, ...args] });
const word = (): string => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;
/** Ends as `zfs receive -s` does: notes that it saw the end of its input rather than a signal. */
const savesState = (file: string): string =>
  `trap 'echo killed > ${file}; exit 9' TERM; cat > /dev/null; echo saved > ${file}; echo 'cannot receive: failed to read from stream' >&2; exit 1`;
const contentOf = (file: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = "";
    createReadStream(file)
      .on("data", (chunk) => (text += chunk))
      .on("end", () => resolve(text.trim()))
      .on("error", reject);
  });

describe("a pipe on this machine", () => {
  test("200 MB go through unchanged and beside this process", { timeout: 60_000 }, async () => {
    const size = 200 * 1024 * 1024;
    const expected = createHash("sha256");
    for (let left = size; left > 0; left -= 1 << 20) expected.update(Buffer.alloc(1 << 20));
    const cpu = process.cpuUsage();
    const result = await hosts.pipe({
      from: { host: here, argv: ["head", "-c", String(size), "/dev/zero"] },
      to: sh("sha256sum >&2"),
    });
    const { user, system } = process.cpuUsage(cpu);
    expect(result).toMatchObject({ ok: true, sender: { code: 0 }, receiver: { code: 0 }, filters: [] });
    expect(result.receiver.stderr).toContain(expected.digest("hex"));
    // Copying that much costs more than 100 ms of this process's time; starting one does not.
    expect((user + system) / 1000).toBeLessThan(100);
  });

  test("the sender's lines come one by one while it runs, and only its messages are kept", async () => {
    const lines: string[] = [];
    const script =
      "printf 'resume token contents:\\nnvlist version: 0\\n\\ttoname = tank@a\\nfull\\ttank@a\\t100\\nsize\\t100\\n' >&2; echo data; printf '10:00:01\\t50\\ttank@a\\n' >&2; echo 'warning: odd' >&2";
    const result = await hosts.pipe(
      { from: sh(script), to: sh("cat >/dev/null; echo receiving >&2") },
      { onSenderLine: (line) => lines.push(line) },
    );
    expect(lines.slice(3)).toEqual(["full\ttank@a\t100", "size\t100", "10:00:01\t50\ttank@a", "warning: odd"]);
    expect(result).toMatchObject({ ok: true, sender: { stderr: "warning: odd" }, receiver: { stderr: "receiving" } });
  });

  test("what the receiver prints on stdout is nobody's message", async () => {
    const result = await hosts.pipe({ from: sh("echo data"), to: sh("cat") });
    expect(result).toMatchObject({ ok: true, sender: { stderr: "" }, receiver: { stderr: "" } });
  });

  test("arguments are passed on as they are", async () => {
    const words = ["$(reboot)", "a'b", "two words", "`id`", "*", "-rf", ""];
    const result = await hosts.pipe({
      from: sh("cat; printf '<%s>' \"$@\" >&2", "sh", ...words),
      to: sh("cat >/dev/null; printf '<%s>' \"$@\" >&2", "sh", ...words),
    });
    const shown = words.map((each) => `<${each}>`).join("");
    expect(result).toMatchObject({ ok: true, sender: { stderr: shown }, receiver: { stderr: shown } });
  });

  test.each<[string, string, string, object]>([
    [
      "the sender's error rather than what follows from it",
      "echo \"cannot open 'tank@a': dataset does not exist\" >&2; exit 1",
      "cat >/dev/null; echo 'cannot receive: failed to read from stream' >&2; exit 1",
      { kind: "sender", message: "cannot open 'tank@a': dataset does not exist" },
    ],
    [
      "the receiver's error rather than the sender's broken pipe",
      "exec yes",
      "head -c 100 >/dev/null; echo 'cannot receive: out of space' >&2; exit 1",
      { kind: "receiver", message: "cannot receive: out of space" },
    ],
    [
      "a receiver that refuses at once",
      "sleep 0.1; echo data",
      "echo 'cannot receive: permission denied' >&2; exit 1",
      { kind: "receiver", message: "cannot receive: permission denied" },
    ],
    [
      "a receiver that was killed",
      "exec yes",
      "kill -9 $$",
      { kind: "receiver", message: expect.stringMatching(/SIGKILL|Killed/) },
    ],
    [
      "a sender that was killed",
      "kill -9 $$",
      "cat >/dev/null; echo 'cannot receive: failed to read from stream' >&2; exit 1",
      { kind: "sender", message: "sender: ended by SIGKILL" },
    ],
    [
      "a sender that fails after everything arrived",
      "echo data; echo late >&2; exit 3",
      "cat >/dev/null",
      { kind: "sender", message: "late" },
    ],
    [
      "a program that is not there",
      "exec no-such-program",
      "cat >/dev/null; exit 1",
      { kind: "sender", message: expect.stringContaining("no-such-program") },
    ],
  ])("reports %s", async (_, from, to, cause) => {
    expect(await hosts.pipe({ from: sh(from), to: sh(to) })).toMatchObject({ ok: false, cause });
  });

  test("exit codes of both ends", async () => {
    const result = await hosts.pipe({ from: sh("exit 3"), to: sh("cat >/dev/null; exit 4") });
    expect(result).toMatchObject({ ok: false, sender: { code: 3 }, receiver: { code: 4 } });
  });

  test("abort: the sender is ended, the receiver sees the end of its input and saves what it has", async () => {
    const mark = word();
    const file = join(directory, mark);
    const controller = new AbortController();
    const result = await hosts.pipe(
      { from: sh("echo started >&2; exec yes", mark), to: sh(savesState(file), mark) },
      { signal: controller.signal, onSenderLine: () => controller.abort() },
    );
    expect(result).toMatchObject({ ok: false, cause: { kind: "aborted" }, sender: { signal: "SIGTERM" } });
    expect(await contentOf(file)).toBe("saved");
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("abort: ends that ignore it are killed after the grace", async () => {
    const mark = word();
    const controller = new AbortController();
    const stubborn = `trap '' TERM; echo up >&2; while :; do sleep 0.05; done`;
    const result = await hosts.pipe(
      { from: sh(stubborn, mark), to: sh(stubborn, mark) },
      { signal: controller.signal, onSenderLine: () => controller.abort() },
    );
    expect(result).toMatchObject({ ok: false, cause: { kind: "aborted" } });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("a sender that waits is ended when the receiver is gone", async () => {
    const mark = word();
    const result = await hosts.pipe({
      from: sh("while :; do sleep 0.05; done", mark),
      to: sh("echo full >&2; exit 1"),
    });
    expect(result).toMatchObject({ ok: false, cause: { kind: "receiver", message: "full" } });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("a receiver that hangs after its sender failed is ended", async () => {
    const mark = word();
    const result = await hosts.pipe({ from: sh("exit 1"), to: sh("while :; do sleep 0.05; done", mark) });
    expect(result).toMatchObject({ ok: false, cause: { kind: "sender" } });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  test("stalled: the same bytes reported for too long end it; progress does not", async () => {
    const stalled = "while :; do printf '10:00:01\\t4096\\ttank@a\\n' >&2; sleep 0.05; done";
    const moving = "for i in 1 2 3 4 5 6 7 8; do printf '10:00:0%s\\t%s\\ttank@a\\n' $i $i >&2; sleep 0.1; done";
    const to = sh("cat >/dev/null");
    expect(await hosts.pipe({ from: sh(stalled), to }, { stallTimeoutMs: 400 })).toMatchObject({
      ok: false,
      cause: { kind: "stalled", message: "the transfer made no progress for 0.4 s" },
    });
    expect(await hosts.pipe({ from: sh(moving), to }, { stallTimeoutMs: 500 })).toMatchObject({ ok: true });
  });

  test("a rate limit holds", { timeout: 20_000 }, async () => {
    const start = Date.now();
    const result = await hosts.pipe({
      from: { host: here, argv: ["head", "-c", "600000", "/dev/zero"] },
      to: sh("cat >/dev/null"),
      limit: 300_000,
    });
    expect(result).toMatchObject({ ok: true, filters: [{ stage: "pv", code: 0 }] });
    expect(Date.now() - start).toBeGreaterThan(1200);
  });

  test("a filter that is not installed is named, with its machine and package", async () => {
    const bare = mkdtempSync(join(tmpdir(), "bare-"));
    const poor = connectHosts(new Map([[here, host]]), { env: { PATH: bare } });
    await expect(poor.pipe({ from: sh("echo"), to: sh("cat"), limit: 100 })).rejects.toMatchObject({
      kind: "not-found",
      message: "pv is not installed on here",
      hint: expect.stringContaining("apt install pv"),
    });
    await poor.close();
    rmSync(bare, { recursive: true });
  });

  test("the death of this process ends both ends", { timeout: 30_000 }, async () => {
    const mark = word();
    const file = join(directory, mark);
    const { spawn } = await import("node:child_process");
    const module = JSON.stringify(new URL("../../src/transport/index.ts", import.meta.url).pathname);
    const spec = { from: sh("echo up >&2; exec yes", mark), to: sh(savesState(file), mark) };
    const script = `import { connectHosts } from ${module};
      const hosts = connectHosts(new Map([["here", ${JSON.stringify(host)}]]), { env: process.env });
      await hosts.pipe(${JSON.stringify(spec)}, { onSenderLine: () => console.log("up") });`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGKILL");
    await eventually(() => expect(processesWith(mark)).toEqual([]), 20_000);
    expect(await contentOf(file)).toBe("saved");
  });
});
