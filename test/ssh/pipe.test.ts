import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";
import { connectHosts, type Hosts, type HostsOptions, type PipeEnd } from "../../src/transport/index.ts";
import { eventually, processesWith, watchForLeftovers } from "../transport/leftovers.ts";
import { type Link, startLink } from "./proxy.ts";
import { keygen, type Sshd, sshAvailable, startSshd } from "./sshd.ts";

const [here, nas, vault, bastion] = ["here", "nas", "vault", "bastion"] as HostName[] as [
  HostName,
  HostName,
  HostName,
  HostName,
];
const local: Host = { name: here, local: true, address: "here", port: 22, user: "root", hostKeys: [], sudo: false };
const word = (): string => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;
const sh = (host: HostName, script: string, ...args: string[]): PipeEnd => ({
  host,
  argv: ["sh", "-c", script, ...args],
});
/** As `zfs send -v` and `zfs receive -s` behave when it ends early. */
const endless = "echo up >&2; exec yes";
const saves = (file: string): string =>
  `trap 'echo killed > ${file}; exit 9' TERM; cat >/dev/null; echo saved > ${file}; echo 'cannot receive: failed to read from stream' >&2; exit 1`;

describe.skipIf(!sshAvailable)("pipes over SSH", { timeout: 90_000 }, () => {
  let sshd: Sshd;
  let other: Sshd;
  let hosts: Hosts;
  const { TMPDIR, expectNothingLeft } = watchForLeftovers();
  const connect = (changes: Partial<Host> = {}, options: Partial<HostsOptions> = {}): Hosts =>
    connectHosts(
      new Map([
        [here, local],
        [nas, sshd.host("nas", changes)],
        [vault, other.host("vault")],
        [bastion, other.host("bastion")],
      ]),
      { env: { PATH: process.env.PATH, TMPDIR }, graceMs: 1000, ...options },
    );
  const file = (name: string): string => join(sshd.directory, name);
  /** Sends without end, and says so, once the receiver is there. */
  const whenBegun = (mark: string): string => `until [ -e ${file(mark)}-begun ]; do sleep 0.05; done; ${endless}`;
  const begins = (mark: string): string => `touch ${file(mark)}-begun; ${saves(file(mark))}`;
  const saved = (path: string): Promise<void> =>
    eventually(() => expect(existsSync(path) && readFileSync(path, "utf8")).toBe("saved\n"), 30_000);

  beforeAll(async () => {
    [sshd, other] = await Promise.all([startSshd(), startSshd()]);
    hosts = connect();
  }, 60_000);
  afterAll(async () => {
    await hosts.close();
    await Promise.all([sshd.stop(), other.stop()]);
    await expectNothingLeft();
  }, 60_000);

  const ways: [string, HostName, HostName][] = [
    ["from here", here, nas],
    ["to here", nas, here],
    ["between two hosts", nas, vault],
    ["on one far host", nas, nas],
  ];

  describe.each(ways)("%s", (_, from, to) => {
    const near = from === to;

    test("bytes arrive unchanged, messages come back apart, codes too", async () => {
      const lines: string[] = [];
      const words = ["$(reboot)", "a'b", "two words", "*", "-rf"];
      const shown = words.map((each) => `<${each}>`).join("");
      const result = await hosts.pipe(
        {
          from: sh(from, "head -c 3000000 /dev/zero; printf '<%s>' \"$@\" >&2", "sh", ...words),
          to: sh(to, "sha256sum >&2; printf '<%s>' \"$@\" >&2", "sh", ...words),
        },
        { onSenderLine: (line) => lines.push(line) },
      );
      const sum = createHash("sha256").update(Buffer.alloc(3_000_000)).digest("hex");
      expect(result).toMatchObject({ ok: true, sender: { host: from, code: 0 }, receiver: { host: to, code: 0 } });
      expect(result.receiver.stderr).toBe(`${sum}  -\n${shown}`);
      expect(result.sender.stderr).toBe(shown);
      expect(lines).toEqual([shown]);
    });

    test.each<[string, string, string, object]>([
      [
        "the sender fails",
        "echo 'no such snapshot' >&2; exit 1",
        "cat >/dev/null; echo 'cannot receive: failed to read from stream' >&2; exit 1",
        { kind: "sender", host: from, message: "no such snapshot" },
      ],
      [
        "the receiver fails",
        endless,
        "head -c 100 >/dev/null; echo 'out of space' >&2; exit 1",
        { kind: "receiver", host: to, message: "out of space" },
      ],
      [
        "the receiver fails while nothing comes",
        "exec sleep 60",
        "echo 'permission denied' >&2; exit 1",
        { kind: "receiver", host: to, message: "permission denied" },
      ],
      [
        "zfs send's 255 is no lost connection",
        "exit 255",
        "cat >/dev/null",
        { kind: "sender", host: from, message: "sender: exit code 255" },
      ],
    ])("%s", async (_name, sender, receiver, cause) => {
      const mark = word();
      const result = await hosts.pipe({ from: sh(from, sender, mark), to: sh(to, receiver, mark) });
      expect(result).toMatchObject({ ok: false, cause });
      await eventually(() => expect(processesWith(mark)).toEqual([]));
    });

    test("abort: the receiver sees the end of its input, nothing runs on", async () => {
      const mark = word();
      const controller = new AbortController();
      const result = await hosts.pipe(
        { from: sh(from, whenBegun(mark), mark), to: sh(to, begins(mark), mark) },
        { signal: controller.signal, onSenderLine: () => controller.abort() },
      );
      expect(result).toMatchObject({ ok: false, cause: { kind: "aborted" } });
      await saved(file(mark));
      await eventually(() => expect(processesWith(mark)).toEqual([]));
    });

    test("compression and a rate limit", async () => {
      const result = await hosts.pipe({
        from: sh(from, "head -c 3000000 /dev/zero"),
        to: sh(to, "sha256sum >&2"),
        compress: "zstd",
        limit: 50_000_000,
      });
      const sum = createHash("sha256").update(Buffer.alloc(3_000_000)).digest("hex");
      expect(result).toMatchObject({ ok: true, receiver: { stderr: `${sum}  -` } });
      // What goes nowhere is not compressed.
      expect(result.filters.map(({ stage }) => stage)).toEqual(near ? ["pv"] : ["zstd", "pv", "unzstd"]);
    });
  });

  test("compressed bytes are what crosses the wire", async () => {
    const link = await startLink(sshd.port);
    const through = connect({ port: link.port });
    const spec = { from: sh(here, "head -c 20000000 /dev/zero"), to: sh(nas, "cat >/dev/null") };
    expect(await through.pipe({ ...spec, compress: "zstd" })).toMatchObject({ ok: true });
    expect(link.sent).toBeLessThan(1_000_000);
    expect(await through.pipe(spec)).toMatchObject({ ok: true });
    expect(link.sent).toBeGreaterThan(20_000_000);
    await through.close();
    await link.close();
  });

  test("100 MB each way cost this process no time", async () => {
    const size = 100 * 1024 * 1024;
    await hosts.run(nas, ["true"]);
    for (const [from, to] of [
      [here, nas],
      [nas, here],
    ] as const) {
      const cpu = process.cpuUsage();
      const result = await hosts.pipe({
        from: { host: from, argv: ["head", "-c", String(size), "/dev/zero"] },
        to: sh(to, "wc -c >&2"),
      });
      const { user, system } = process.cpuUsage(cpu);
      expect(result).toMatchObject({ ok: true, receiver: { stderr: String(size) } });
      expect((user + system) / 1000).toBeLessThan(300);
    }
  });

  describe("a link that fails", () => {
    let link: Link;
    const cutting = async (
      from: HostName,
      to: HostName,
      fail: (link: Link) => void,
      options: Partial<HostsOptions> = {},
    ): Promise<void> => {
      link = await startLink(sshd.port);
      const mark = word();
      const through = connect({ port: link.port }, options);
      const result = await through.pipe(
        { from: sh(from, whenBegun(mark), mark), to: sh(to, begins(mark), mark) },
        { onSenderLine: (line) => line === "up" && fail(link) },
      );
      expect(result).toMatchObject({ ok: false, cause: { kind: "connection-lost", host: "nas" } });
      if (fail === cut) {
        await saved(file(mark));
        await eventually(() => expect(processesWith(mark)).toEqual([]));
      }
      await through.close();
      await link.close();
      await eventually(() => expect(processesWith(mark)).toEqual([]), 30_000);
    };
    const cut = (each: Link): void => each.cut();

    test.each(ways)("cut, %s: both ends end, the receiver saves, the cause is the connection", (_, from, to) =>
      cutting(from, to, cut),
    );

    // The other ways have the same two clients.
    test.each([ways[0], ways[3]].filter((way) => way !== undefined))(
      "silent, %s: noticed by keep-alives",
      (_, from, to) => cutting(from, to, (each) => each.freeze(), { keepAliveMs: 300 }),
    );
  });

  test("the stream's client verifies the host's key by itself", async () => {
    const link = await startLink(sshd.port);
    const through = connect({ port: link.port });
    await through.run(nas, ["true"]);
    // The connection for commands stays; the stream's client meets somebody else.
    link.redirect(other.port);
    const mark = word();
    const result = await through.pipe({
      from: sh(here, "echo secret"),
      to: sh(nas, `touch ${file(mark)}; cat >/dev/null`),
    });
    expect(result).toMatchObject({
      ok: false,
      cause: { message: expect.stringContaining("Host key verification failed") },
    });
    expect(existsSync(file(mark))).toBe(false);
    await through.close();
    await link.close();
  });

  describe.each(["ed25519", "ecdsa", "rsa"])("an %s key with a passphrase", (type) => {
    test("serves the stream's client, too, and lies in no file, argument or environment", async () => {
      const passphrase = `horse-${word()}`;
      const key = keygen(file(`locked-${type}`), { type, passphrase });
      sshd.authorize(`${key}.pub`);
      const through = connect(
        { identity: { file: key, passphrase: { env: "PASSPHRASE" } } },
        { env: { PATH: process.env.PATH, TMPDIR, PASSPHRASE: passphrase } },
      );
      const seen: string[] = [];
      const result = await through.pipe(
        { from: sh(here, "echo up >&2; sleep 0.3; echo data"), to: sh(nas, "wc -c >&2") },
        { onSenderLine: () => seen.push(...processesWith(passphrase)) },
      );
      expect(result).toMatchObject({ ok: true, receiver: { stderr: "5" } });
      expect(seen).toEqual([]);
      await through.close();
    });
  });

  test("through a jump host", async () => {
    const through = connect({ jump: bastion });
    for (const [from, to] of [
      [here, nas],
      [nas, here],
      [nas, vault],
    ] as const) {
      const result = await through.pipe({ from: sh(from, "echo data"), to: sh(to, "wc -c >&2") });
      expect(result).toMatchObject({ ok: true, receiver: { stderr: "5" } });
    }
    await through.close();
  });

  test("a sender whose shell prints at start is refused before its greeting gets into the data", async () => {
    const own = await startSshd({ config: 'ForceCommand echo Welcome; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"' });
    const noisy = connectHosts(
      new Map([
        [here, local],
        [nas, own.host("nas")],
      ]),
      { env: { PATH: process.env.PATH } },
    );
    await expect(noisy.pipe({ from: sh(nas, "echo data"), to: sh(here, "cat") })).rejects.toMatchObject({
      kind: "shell",
      message: expect.stringContaining('"Welcome\\n"'),
    });
    // Receiving is not disturbed by it, nor is a pipe that stays there.
    expect(await noisy.pipe({ from: sh(here, "echo data"), to: sh(nas, "wc -c >&2") })).toMatchObject({
      ok: true,
      receiver: { stderr: "5" },
    });
    expect(await noisy.pipe({ from: sh(nas, "echo data"), to: sh(nas, "wc -c >&2") })).toMatchObject({
      ok: true,
      receiver: { stderr: "5" },
    });
    await noisy.close();
    await own.stop();
  });

  test("what start-up files say on stderr is no line of the sender, nor of the receiver", async () => {
    const own = await startSshd({ config: 'ForceCommand echo Welcome >&2; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"' });
    const greeted = connectHosts(
      new Map([
        [here, local],
        [nas, own.host("nas")],
      ]),
      { env: { PATH: process.env.PATH } },
    );
    for (const [from, to] of [
      [nas, here],
      [here, nas],
      [nas, nas],
    ] as const) {
      const lines: string[] = [];
      const result = await greeted.pipe(
        { from: sh(from, "echo up >&2; echo data"), to: sh(to, "wc -c >&2") },
        { onSenderLine: (line) => lines.push(line) },
      );
      expect(result).toMatchObject({ ok: true, sender: { stderr: "up" }, receiver: { stderr: "5" } });
      expect(lines).toEqual(["up"]);
    }
    await greeted.close();
    await own.stop();
  });

  test("a host that cannot be reached: an error, nothing is started", async () => {
    const mark = word();
    const unknown = connect({
      hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJ1x0zPpDkzbJp8kTTkk2oYxkgQm8vS4XAYw8QxBhZ0"],
    });
    await expect(
      unknown.pipe({ from: sh(here, `touch ${file(mark)}; echo`), to: sh(nas, "cat") }),
    ).rejects.toMatchObject({ kind: "host-key" });
    expect(existsSync(file(mark))).toBe(false);
    await unknown.close();
  });
});
