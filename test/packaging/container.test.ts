import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = readFileSync(join(root, "packaging/container/Containerfile"), "utf8");
const file = DockerfileParser.parse(text);
const words = (keyword: string): string[][] =>
  file
    .getInstructions()
    .filter((each) => each.getKeyword() === keyword)
    .map((each) => each.getArguments().map((word) => word.getValue()));
const last = (keyword: string): string[] => words(keyword).at(-1) ?? [];

describe("the Containerfile", () => {
  test("has no mistake that its own linter knows", () => {
    expect(validate(text)).toEqual([]);
    expect(validate(text.replace("--interval=1m", "--interval=soon"))).not.toEqual([]);
  });

  test("copies what is there, and what is not kept from it", () => {
    const stages = file.getFROMs().map((from) => from.getBuildStage());
    const ignored = readFileSync(join(root, "packaging/container/Containerfile.dockerignore"), "utf8");
    const kept = ignored.split("\n").flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
    const used = new Set<string>();
    for (const copy of file.getCOPYs()) {
      const from = copy
        .getFlags()
        .find((flag) => flag.getName() === "from")
        ?.getValue();
      if (from === undefined) {
        for (const source of copy
          .getArguments()
          .slice(0, -1)
          .map((word) => word.getValue())) {
          expect(existsSync(join(root, source)), source).toBe(true);
          used.add(source.replace(/^\.\//, ""));
        }
      } else expect(stages).toContain(from);
    }
    expect([...used].sort()).toEqual([...kept].sort());
  });

  test("ends as an account without rights, which is stopped as `watch` wants it", () => {
    expect(last("USER")).toEqual(["holdfast"]);
    expect(last("STOPSIGNAL")).toEqual(["SIGTERM"]);
    const [entry] = file.getENTRYPOINTs();
    expect(entry?.getJSONStrings().map((word) => word.getJSONValue())).toEqual(["tini", "--", "holdfast"]);
  });

  test("has a program for each that Holdfast starts", () => {
    const installed = new Set(text.match(/install --yes[\s\S]*?&&/)?.[0].split(/[\s\\]+/));
    const packages = { ssh: "openssh-client", git: "git", zstd: "zstd", pv: "pv", restic: "restic", node: "nodejs" };
    expect(Object.values(packages).filter((name) => !installed.has(name))).toEqual([]);
  });
});

describe("its health check", () => {
  const [, command = "[]"] = /HEALTHCHECK[\s\S]*?CMD (\[.*\])/.exec(text) ?? [];
  const [program = "", ...args] = JSON.parse(command) as string[];

  test.each([
    [200, true],
    [503, false],
    [undefined, false],
  ])("when the service answers %s", async (status, healthy) => {
    const server = createServer((_, response) => void response.writeHead(status ?? 500).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const stop = () => new Promise((resolve) => server.close(resolve));
    if (status === undefined) await stop();
    const env = { PATH: process.env.PATH, HOLDFAST_HEALTH_URL: `http://127.0.0.1:${port}/healthz` };
    const ended = promisify(execFile)(program, args, { env });
    await (healthy ? expect(ended).resolves.toBeDefined() : expect(ended).rejects.toThrow());
    if (status !== undefined) await stop();
  });
});
