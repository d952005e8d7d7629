import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, test as base, beforeAll, describe, expect } from "vitest";
import { runHooks } from "../../src/hooks/run.ts";
import type { HookAction, Host } from "../../src/model/manifest.ts";
import type { HookOperation } from "../../src/model/plan.ts";
import type { OperationReport, Outcome } from "../../src/model/report.ts";
import type { Address, DirectoryPath, HostName, RemoteName, Seconds } from "../../src/model/units.ts";
import { connectHosts, type Hosts } from "../../src/transport/index.ts";
import { type Sshd, sshAvailable, startSshd } from "../ssh/sshd.ts";
import { eventually, watchForLeftovers } from "../transport/leftovers.ts";

const nas = "nas" as HostName;
const { TMPDIR: folder } = watchForLeftovers();
let hosts: Hosts;
let sshd: Sshd | undefined;
const reach = (host: Host): void => {
  hosts = connectHosts(new Map([[nas, host]]), { env: { PATH: process.env.PATH, HOME: folder }, graceMs: 300 });
};
const here: Host = { name: nas, local: true, address: "", port: 22, user: "", hostKeys: [], sudo: false };

const hook = (action: HookAction, more: Partial<HookOperation> = {}): HookOperation => ({
  id: "hook",
  kind: "hook",
  source: "nas:/srv" as Address,
  at: { host: nas, directory: "/srv" as DirectoryPath },
  remote: "usb" as RemoteName,
  around: "backup",
  phase: "before",
  action,
  timeout: 60 as Seconds,
  onFailure: "abort",
  encloses: ["backup"],
  reason: "",
  dependsOn: [],
  preconditions: [],
  ...more,
});

async function run(one: HookOperation, { outcome, signal }: { outcome?: Outcome; signal?: AbortSignal } = {}) {
  const never = new AbortController().signal;
  const report = outcome && ({ id: "backup", outcome, error: { message: "no" } } as OperationReport);
  const context = { hosts, env: { TOKEN: "s3cret" }, signal: signal ?? never, urgent: never, reportOf: () => report };
  return (await runHooks([one], context)).get(one.id);
}

const script = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
};

describe.for([["here"], ["over SSH"]] as const)("a command %s", { timeout: 60_000 }, ([where]) => {
  beforeAll(async () => {
    if (where === "over SSH" && sshAvailable) sshd = await startSshd();
    reach(sshd?.host("nas") ?? here);
  });
  afterAll(async () => {
    await hosts.close();
    await sshd?.stop();
  });
  const test = where === "over SSH" ? base.skipIf(!sshAvailable) : base;
  const told = join(folder, "told");
  const tell = script("tell", `printf '%s|' "$@" >'${told}'; env | grep ^HOLDFAST_ | sort >>'${told}'`);

  test("gets its own words, and is told what it stands around", async () => {
    expect(await run(hook({ command: [tell, "two words", "$(reboot)", ""] }))).toEqual({ outcome: "done" });
    expect(readFileSync(told, "utf8")).toBe(
      "two words|$(reboot)||HOLDFAST_AROUND=backup\nHOLDFAST_PHASE=before\nHOLDFAST_REMOTE=usb\nHOLDFAST_SOURCE=nas:/srv\n",
    );
  });

  test.each([
    ["done", "complete"],
    ["partial", "partial"],
    ["failed", "failed"],
    ["stale", "failed"],
    ["interrupted", "interrupted"],
    ["skipped", "skipped"],
  ] as const)("after one that was %s it hears %s", async (outcome, word) => {
    await run(hook({ command: [tell] }, { phase: "after" }), { outcome });
    const error = outcome === "done" ? "" : "HOLDFAST_ERROR=no\n";
    expect(readFileSync(told, "utf8")).toContain(`HOLDFAST_AROUND=backup\n${error}HOLDFAST_OUTCOME=${word}\n`);
  });

  test("that fails says so with its last words", async () => {
    const bad = script("bad", "echo it is locked >&2; exit 7");
    expect(await run(hook({ command: [bad] }))).toEqual({
      outcome: "failed",
      error: { message: "the hook ended with exit code 7", command: bad, output: "it is locked" },
    });
    expect(await run(hook({ command: [bad] }, { onFailure: "warn" }))).toEqual({
      outcome: "done",
      warnings: [`the hook ended with exit code 7 (${bad}): it is locked`],
    });
    expect(await run(hook({ command: ["no-such-program"] }))).toMatchObject({ outcome: "failed" });
  });

  test("that takes too long is ended with all that it started, be it deaf or not", async () => {
    const child = join(folder, "child");
    const slow = script(
      "slow",
      `trap '' TERM\nsh -c 'trap "" TERM; echo $$ >"${child}"; while :; do sleep 1; done' &\nwait`,
    );
    const result = await run(hook({ command: [slow] }, { timeout: 1 as Seconds }));
    expect(result).toMatchObject({
      outcome: "failed",
      error: { message: "the hook took longer than 1 s and was ended" },
    });
    const pid = Number(readFileSync(child, "utf8"));
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"));
  });

  test("may be given more time than a timer of Node can wait for", async () => {
    expect(await run(hook({ command: [tell] }, { timeout: (60 * 86_400) as Seconds }))).toEqual({ outcome: "done" });
  });

  test("before is ended by an interruption, after is not", async () => {
    const signal = AbortSignal.abort();
    expect(await run(hook({ command: [tell] }), { signal })).toMatchObject({ outcome: "interrupted" });
    expect(await run(hook({ command: [tell] }, { phase: "after" }), { signal })).toEqual({ outcome: "done" });
  });
});

describe("an HTTP call", () => {
  const test = base;
  const seen: { readonly request: IncomingMessage; readonly body: string }[] = [];
  let server: Server;
  let url = "";
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      if (request.url === "/silent") return;
      let body = "";
      for await (const chunk of request) body += chunk;
      seen.push({ request, body });
      const status = { "/refused": 403, "/moved": 307 }[request.url ?? ""] ?? 204;
      response.writeHead(status, status === 307 ? { location: "/x" } : {}).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const call = (path: string, more: object = {}): HookAction => ({
    http: { url: `${url}${path}`, method: "POST", headers: {}, ...more },
  });

  test("has its method, headers and body; what is secret is read when it is made", async () => {
    const action = call("/x", { method: "PUT", headers: { Authorization: { env: "TOKEN" }, "X-A": "b" }, body: "{}" });
    expect(JSON.stringify(action)).not.toContain("s3cret");
    expect(await run(hook(action))).toEqual({ outcome: "done" });
    expect(seen.at(-1)).toMatchObject({
      request: { method: "PUT", url: "/x", headers: { authorization: "s3cret", "x-a": "b" } },
      body: "{}",
    });
  });

  test("may be given more time than a timer of Node can wait for", async () => {
    expect(await run(hook(call("/x"), { timeout: (60 * 86_400) as Seconds }))).toEqual({ outcome: "done" });
  });

  test("that is refused, unanswered or impossible fails, and its address is not told", async () => {
    const messages = [
      await run(hook(call("/refused"))),
      await run(hook(call("/moved"))),
      await run(hook(call("/silent"), { timeout: 0.2 as Seconds })),
      await run(hook({ http: { url: "http://127.0.0.1:1/secret", method: "GET", headers: {} } })),
      await run(hook({ http: { url: { env: "MISSING" }, method: "GET", headers: {} } })),
    ].map((result) => result?.error?.message);
    expect(messages).toEqual([
      "the hook's HTTP POST was answered with 403",
      "the hook's HTTP POST was answered with 307",
      "the hook's HTTP POST was not answered within 0.2 s",
      expect.stringMatching(/^the hook's HTTP GET failed: (?!.*secret)/),
      expect.stringContaining("MISSING is not set"),
    ]);
  });
});
