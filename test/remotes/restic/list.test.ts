import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DirectoryPath } from "../../../src/model/units.ts";
import type { ListOptions } from "../../../src/remotes/restic/list.ts";
import { openRepository } from "../../../src/remotes/restic/restic.ts";
import { connectHosts } from "../../../src/transport/index.ts";
import { makeRepository } from "./repository.ts";
import { host, localHost, PASSWORD, repository, startBench, toolsAvailable, VERSIONS, type Version } from "./tools.ts";

const bench = startBench();
const at = (name: string): string => join(bench.folder, name);
const source = at("source") as DirectoryPath;
mkdirSync(source);
writeFileSync(join(source, "file"), "text");
const polynomial = "2897a8ed325553";
let count = 0;
function fresh(): string {
  const location = at(`repository-${count++}`);
  makeRepository(location, { password: PASSWORD });
  return location;
}

const asked: readonly (readonly [Version, string, ListOptions])[] = VERSIONS.flatMap((version) => [
  [version, "all of it", {}] as const,
  [version, "the copies alone", { copiesOnly: true }] as const,
]);

describe.skipIf(!toolsAvailable).concurrent.each(asked)("what there is, by restic %s: %s", (version, _, options) => {
  test.each([
    ["no folder", at("none")],
    ["an empty folder", at("empty")],
    ["local:", `local:${at("none")}`],
  ])("certainly absent: %s", async (_, location) => {
    mkdirSync(at("empty"), { recursive: true });
    expect(await bench.open(version, location).list(options)).toEqual({ state: "absent" });
  });

  test("its identity", async () => {
    const location = at(`known-${version}-${options.copiesOnly}`);
    const known = { id: makeRepository(location, { password: PASSWORD, polynomial }), chunkerPolynomial: polynomial };
    const unknown = { id: "", chunkerPolynomial: "" };
    expect(await bench.open(version, location).list(options)).toMatchObject({
      state: "observed",
      ...(options.copiesOnly ? unknown : known),
      copies: [],
      locks: [],
    });
  });

  test("a wrong password", async () => {
    expect(await bench.open(version, fresh(), { env: { PASSWORD: "wrong" } }).list(options)).toMatchObject({
      state: "unobserved",
      reason: "usb: the password is wrong, or the repository has no key for it",
      hint: expect.stringContaining("restic key list"),
    });
  });

  test("a password that cannot be read", async () => {
    const password = { file: at("no-such-file") };
    expect(await bench.open(version, fresh(), { password }).list(options)).toMatchObject({
      state: "unobserved",
      reason: expect.stringMatching(/^password of usb: file .*no-such-file does not exist/),
    });
  });

  test("nothing is mounted where something should be", async () => {
    expect(await bench.open(version, at("none"), { requireMount: bench.folder }).list(options)).toEqual({
      state: "unobserved",
      reason: `usb: nothing is mounted at ${bench.folder}`,
      hint: "mount it; `requireMount` of usb asks for that",
    });
    expect(await bench.open(version, at("none"), { requireMount: "/" }).list(options)).toEqual({ state: "absent" });
  });

  test("a server that refuses the user is no absent repository", async () => {
    const server = createServer((_, response) => response.writeHead(401).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const inventory = await bench.open(version, `rest:http://me:hush@127.0.0.1:${port}/x`).list(options);
    await new Promise((resolve) => server.close(resolve));
    expect(inventory).toMatchObject({ state: "unobserved", reason: expect.stringMatching(/access is refused: .*401/) });
    expect(JSON.stringify(inventory)).not.toContain("hush");
  });

  test("a server that does not answer is given up after a time", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const inventory = await bench.open(version, `rest:http://127.0.0.1:${port}/x`, { answerMs: 700 }).list(options);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(inventory).toMatchObject({ state: "unobserved", reason: "usb did not answer within 0.7 s" });
  });

  test("a refused connection: its reason", async () => {
    const inventory = await bench.open(version, "rest:http://127.0.0.1:1/x", { answerMs: 700 }).list(options);
    expect(inventory).toMatchObject({ state: "unobserved", reason: expect.stringContaining("connection refused") });
  });

  test("a copy that cannot be read makes the listing incomplete, although restic exits with 0", async () => {
    const location = fresh();
    const cache = `${location}-cache`;
    const restic = bench.open(version, location, { cacheFolder: cache });
    const { id } = await restic.backup({ from: { folder: source }, host, tags: [] });
    const file = join(location, "snapshots", id ?? "");
    chmodSync(file, 0o600);
    writeFileSync(file, "garbage");
    rmSync(cache, { recursive: true });
    expect(await restic.list(options)).toMatchObject({
      state: "unobserved",
      reason: expect.stringContaining("the listing lacks something"),
      hint: expect.stringContaining("restic check"),
    });
  });

  test("copies that may not be listed are not none, although restic exits with 0", async () => {
    const location = fresh();
    chmodSync(join(location, "snapshots"), 0);
    expect(await bench.open(version, location, { obeysModes: true }).list(options)).toMatchObject({
      state: "unobserved",
      reason: expect.stringContaining("permission denied"),
    });
  });
});

describe("restic itself", () => {
  test.each([
    ["", "nas: restic is not installed"],
    ["restic 0.13.1 compiled with go1.18 on linux/amd64", "nas: restic 0.13.1 is too old"],
    ["restic, what?", "nas: `restic version` says no version: restic, what?"],
  ])("%j", async (said, reason) => {
    const bin = at(`bin-${count++}`);
    mkdirSync(bin);
    if (said !== "") writeFileSync(join(bin, "restic"), `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
    symlinkSync("/bin/sh", join(bin, "sh"));
    const hosts = connectHosts(new Map([[host, localHost]]), { env: { PATH: bin } });
    const { signal } = new AbortController();
    const restic = openRepository({ host, repository }, { hosts, env: { PASSWORD }, signal });
    expect(await restic.list()).toMatchObject({
      state: "unobserved",
      reason,
      hint: expect.stringContaining("install restic 0.14 or newer on nas"),
    });
    await expect(restic.version()).rejects.toMatchObject({ message: reason });
    await hosts.close();
  });
});
