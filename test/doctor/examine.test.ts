import { describe, expect, test } from "vitest";
import { examine } from "../../src/doctor/index.ts";
import type { Check } from "../../src/model/diagnosis.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { EpochSeconds, RemoteName } from "../../src/model/units.ts";
import { type RunResult, TransportError } from "../../src/transport/types.ts";
import { fakeHosts, type Machine } from "../inventory/fake-hosts.ts";
import { manifest } from "../inventory/manifests.ts";

const row = (name: string, mountpoint = "/x"): string =>
  `${name}\tfilesystem\t${name.length}\t1\t1700000000\t100\t90\t-\t-\t-\t90\t-\toff\t-\t-\t0\tyes\t${mountpoint}\t5000\n`;
const world: Record<string, Machine> = {
  nas: { pools: ["tank"], rows: row("tank") + row("tank/data") },
  vault: { pools: ["backup"], rows: row("backup") + row("backup/data", "/srv") },
};
const sketch = manifest({
  self: null,
  hosts: ["nas", "vault"],
  remotes: { vault: { host: "vault", root: "backup" } },
  datasets: { "nas:tank/data": { vault: "backup/data" } },
});

/** What machines without any fault say; a command is known by its words. */
const healthy: Readonly<Record<string, string>> = {
  true: "",
  "sh -c id -u; id -un || id -u; id -Gn": "0\nroot\nroot\n",
  "zfs version": "zfs-2.3.2-1\nzfs-kmod-2.3.2-1\n",
};

type Answer = string | Partial<RunResult> | Error;

/** The checks of one host; `answers` by `HOST: COMMAND`, as much of it as is needed. */
async function checksOf(host: string, answers: Readonly<Record<string, Answer>> = {}, of: Manifest = sketch) {
  const hosts = fakeHosts(world, (name, argv) => {
    const words = argv.join(" ");
    const spoilt = Object.entries(answers).find(
      ([key]) => key === name || `${name}: ${words} `.startsWith(`${key} `),
    )?.[1];
    if (spoilt instanceof Error) return spoilt;
    const usual = Object.entries(healthy).find(([key]) => words === key)?.[1];
    const pool = name === "nas" ? "tank" : "backup";
    const stdout =
      usual ??
      (words === "date +%s"
        ? `${Math.floor(Date.now() / 1000)}\n`
        : words.startsWith("zpool list -Hp")
          ? `${pool}\t42\tONLINE\n`
          : words.includes("canmount,mountpoint")
            ? "backup/data\tcanmount\tnoauto\nbackup/data\tmountpoint\t/srv\n"
            : undefined);
    const well = { code: 0, stderr: "", stdout: stdout ?? "" };
    if (typeof spoilt === "string") return { ...well, stdout: spoilt };
    if (spoilt !== undefined) return { ...well, ...spoilt };
    return stdout === undefined ? undefined : well;
  });
  const { signal } = new AbortController();
  const diagnosis = await examine(of, hosts, { allHosts: false, env: {}, now: 1_800_000_000 as EpochSeconds, signal });
  const checks = diagnosis.hosts.find((each) => each.host === host)?.checks ?? [];
  const about = (what: Check["about"]) => checks.filter((check) => check.about === what);
  return { checks, about, wrong: checks.filter(({ result }) => result !== "good") };
}

describe("a host", () => {
  test.each(["nas", "vault"])("%s is well", async (host) => {
    const { checks, wrong } = await checksOf(host);
    expect(wrong).toEqual([]);
    const mounts = host === "vault" ? ["mounts"] : [];
    expect(checks.map(({ about }) => about)).toEqual([
      "reach",
      "host-key",
      "zfs",
      "clock",
      "rights",
      "pool",
      ...mounts,
    ]);
  });

  test("that cannot be reached: the reason and what to do, and the other one all the same", async () => {
    const error = new TransportError("unreachable", "vault: cannot connect", { hint: "is it on?" });
    expect((await checksOf("vault", { vault: error })).checks).toEqual([
      { about: "reach", result: "problem", message: "vault: cannot connect", advice: ["is it on?"] },
    ]);
    expect((await checksOf("nas", { vault: error })).wrong).toEqual([]);
  });

  test("whose key is not the one that is known", async () => {
    const error = new TransportError("host-key", "not the one\n  offered  SHA256:x", { hint: "compare; write\n  y" });
    expect((await checksOf("vault", { vault: error })).checks).toEqual([
      { about: "host-key", result: "problem", message: error.message, advice: [error.hint] },
    ]);
  });

  test.each<[string, object, string, string | undefined]>([
    ["in the manifest", { hostKeys: ["ssh-ed25519 AAAA"] }, "hosts.nas.hostKeys", undefined],
    ["in known_hosts", { address: "nas.lan", port: 22 }, "known_hosts", "ssh-keygen -F nas.lan"],
    [
      "in a file of its own",
      { address: "::1", port: 2222, knownHostsFile: "/etc/my keys" },
      "/etc/my keys",
      "ssh-keygen -F '[::1]:2222' -f '/etc/my keys'",
    ],
  ])("whose key is known %s", async (_, keys, where, command) => {
    const hosts = new Map([...sketch.hosts].map(([name, host]) => [name, { ...host, ...keys }]));
    const [check] = (await checksOf("nas", {}, { ...sketch, hosts })).about("host-key");
    expect(check).toMatchObject({ result: "good", message: expect.stringContaining(where) });
    expect(check?.advice).toEqual(command === undefined ? [] : [expect.stringContaining(`: ${command}`)]);
  });

  test("whose datasets cannot be listed", async () => {
    const { about } = await checksOf("nas", { "nas: zfs list": { code: 1, stderr: "cannot open: I/O error\n" } });
    expect(about("zfs")).toMatchObject([{ result: "problem", message: expect.stringContaining("I/O error") }]);
  });

  test.each<[string, number, Check["result"], RegExp]>([
    ["a little ahead", 3, "good", /same/],
    ["ahead", 60, "warning", /^\d+ s ahead/],
    ["a year ahead", 31_536_000, "problem", /ahead/],
    ["an hour behind", -3600, "problem", /^3[56]\d\d s behind/],
  ])("whose clock is %s", async (_, seconds, result, message) => {
    const date = `${Math.floor(Date.now() / 1000) + seconds}\n`;
    const [check] = (await checksOf("nas", { "nas: date": date })).about("clock");
    expect(check).toMatchObject({ result, message: expect.stringMatching(message) });
  });

  test.each<[string, string, Check["result"], RegExp]>([
    ["too old", "zfs-2.0.3-1\nzfs-kmod-2.0.3-1\n", "problem", /older than 2\.1/],
    ["newer than its kernel's", "zfs-2.3.2-1\nzfs-kmod-2.1.11-1\n", "warning", /the kernel has 2\.1\.11/],
    ["of an unknown kernel", "zfs-2.3.2-1\n", "warning", /unknown/],
  ])("whose OpenZFS is %s", async (_, version, result, message) => {
    const [check] = (await checksOf("nas", { "nas: zfs version": version })).about("zfs");
    expect(check).toMatchObject({ result, message: expect.stringMatching(message) });
  });

  test.each<[string, string, Check["result"]]>([
    ["degraded", "tank\t10\tDEGRADED\n", "problem"],
    ["nearly full", "tank\t85\tONLINE\n", "warning"],
    ["full", "tank\t97\tONLINE\n", "problem"],
    ["full, as 2.1 prints it", "tank\t97%\tONLINE\n", "problem"],
  ])("whose pool is %s", async (_, line, result) => {
    expect((await checksOf("nas", { "nas: zpool list -Hp": line })).about("pool")).toMatchObject([{ result }]);
  });
});

describe("rights", () => {
  const account = "1000\nbackup\nbackup users\n";
  const user = { "nas: sh -c id": account, "vault: sh -c id": account };

  test("root needs none, and is told what an account of its own would", async () => {
    const [check] = (await checksOf("nas")).about("rights");
    expect(check?.advice.at(-1)).toBe("zfs allow -u USER bookmark,destroy,hold,mount,send,snapshot,userprop tank/data");
  });

  test("what an account lacks, with the line that grants it", async () => {
    const allow = "---- Permissions on tank ----\nLocal+Descendent permissions:\n\tuser backup send,snapshot,mount\n";
    const { about } = await checksOf("nas", { ...user, "nas: zfs allow tank/data": allow });
    expect(about("rights")).toEqual([
      {
        about: "rights",
        result: "problem",
        message: "backup lacks bookmark, destroy, hold, userprop on tank/data",
        advice: ["as root there: zfs allow -u backup bookmark,destroy,hold,userprop tank/data"],
      },
    ]);
  });

  test("an account with all of them", async () => {
    const allow =
      "---- Permissions on backup ----\nLocal+Descendent permissions:\n\tuser backup canmount,create,destroy,mount,receive,userprop\n";
    const { about } = await checksOf("vault", { ...user, "vault: zfs allow backup": allow });
    expect(about("rights")).toMatchObject([{ result: "good" }]);
  });

  test("a pool that disregards what is allowed", async () => {
    const { about } = await checksOf("vault", { ...user, "vault: zpool get -H -o name,value": "backup\toff\n" });
    expect(about("rights").at(-1)).toMatchObject({
      result: "problem",
      advice: ["as root there: zpool set delegation=on backup"],
    });
  });

  test("sudo is as good as root", async () => {
    const hosts = new Map([...sketch.hosts].map(([name, host]) => [name, { ...host, sudo: true }]));
    const { about } = await checksOf("nas", user, { ...sketch, hosts });
    expect(about("rights")).toMatchObject([{ result: "good", message: expect.stringContaining("sudo") }]);
  });
});

describe("copies and their mount points", () => {
  const get = "vault: zfs get -Hp -r";

  test("one that the next boot mounts", async () => {
    const listed = "backup/data\tcanmount\ton\nbackup/data\tmountpoint\t/home\nbackup/data/x\tcanmount\ton\n";
    const { about } = await checksOf("vault", { [get]: listed });
    expect(about("mounts")).toMatchObject([
      {
        result: "warning",
        message: "the next boot mounts backup/data on /home",
        advice: ["zfs set canmount=noauto backup/data"],
      },
    ]);
  });

  test("one that would cover what is mounted there", async () => {
    const listed = "backup/data\tcanmount\ton\nbackup/data\tmountpoint\t/x\n";
    const [check] = (await checksOf("vault", { [get]: listed })).about("mounts");
    expect(check).toMatchObject({ result: "problem", message: expect.stringContaining("where backup is mounted") });
  });

  test.each(["none", "legacy"])("mountpoint=%s is no trap", async (mountpoint) => {
    const listed = `backup/data\tcanmount\ton\nbackup/data\tmountpoint\t${mountpoint}\n`;
    expect((await checksOf("vault", { [get]: listed })).wrong).toEqual([]);
  });
});

test("programs that a remote asks for", async () => {
  const remotes = new Map(
    [...sketch.remotes].map(([name, remote]) => [name as RemoteName, { ...remote, compress: "zstd" as const }]),
  );
  const missing = { "vault: sh -c command": { code: 127 } };
  const { about } = await checksOf("vault", missing, { ...sketch, remotes });
  expect(about("programs")).toMatchObject([{ result: "problem", advice: ["apt-get install zstd"] }]);
  expect(
    (await checksOf("nas", { ...missing, "nas: sh -c command": "/usr/bin/zstd\n" }, { ...sketch, remotes })).wrong,
  ).toEqual([]);
  expect((await checksOf("nas", missing)).about("programs")).toEqual([]);
});
