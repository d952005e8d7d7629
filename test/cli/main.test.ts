import { chmodSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { describe, expect, test } from "vitest";
import { fail } from "../../src/cli/failure.ts";
import { createProgram } from "../../src/cli/program.ts";
import { acquireLock } from "../../src/transport/index.ts";
import { useHoldfast } from "./harness.ts";
import { inventory, manifest } from "./world.ts";

const holdfast = useHoldfast();
holdfast.write("holdfast.yaml", manifest());
holdfast.write("inventory.json", inventory());
const recorded = ["--inventory", "inventory.json"];
const commands = [
  "plan",
  "apply",
  "status",
  "validate",
  "list",
  "explain",
  "simulate",
  "snapshot",
  "doctor",
  "unlock",
  "completion",
  "version",
];

/** Reads a command line without a process of its own; commands that it would run are not run. */
async function parse(args: readonly string[]) {
  const shown = { stdout: "", stderr: "" };
  const output = {
    writeOut: (text: string) => {
      shown.stdout += text;
    },
    writeErr: (text: string) => {
      shown.stderr += text;
    },
  };
  const program = createProgram(() => undefined).configureOutput(output);
  for (const command of program.commands) command.configureOutput(output).action(() => undefined);
  const error: unknown = await program.parseAsync(args, { from: "user" }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { ...shown, code: fail(error, { debug: false, color: false, askedForHelp: program.args[0] === "help" }) };
}

describe("the command line", () => {
  test("--help names every command and has examples", async () => {
    const { code, stdout } = await holdfast.run(["--help"]);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
    expect(stdout).toContain("Examples:");
    expect(code).toBe(0);
    expect((await holdfast.run(["help", "plan"])).code).toBe(0);
  });

  test.each(commands)("help of %s has an example of it", async (command) => {
    for (const args of [
      ["help", command],
      [command, "--help"],
    ]) {
      const { code, stdout } = await parse(args);
      expect(stdout).toMatch(new RegExp(`^Examples?:\\n {2}holdfast ${command}`, "m"));
      expect(stdout).toContain("Global Options:");
      expect(code).toBe(0);
    }
  });

  test.each([
    ["no command", []],
    ["an unknown command", ["plam"]],
    ["an unknown option", ["plan", "--jsn"]],
    ["options that exclude each other", ["plan", "--json", "--markdown"]],
    ["a plugin's line that is to be JSON", ["status", "--check", "--json"]],
    ["a missing argument", ["explain"]],
    ["too many arguments", ["version", "x"]],
    ["a wrong count", ["apply", "--allow-destroy", "-1"]],
    ["a count that is none", ["plan", "--concurrency", "many"]],
    ["a wrong remedy", ["apply", "--resolve", "vault=delete"]],
    ["more than a remedy", ["apply", "--resolve", "vault=rollback=x"]],
    ["a unit twice", ["apply", "--lock-timeout", "1d1d"]],
    ["a duration without end", ["apply", "--lock-timeout", "99999999999999999999s"]],
    ["commands as JSON", ["restore", "tank/data", "--print", "--json"]],
    ["a duration without a unit", ["apply", "--lock-timeout", "30"]],
    ["an unknown log level", ["plan", "--log-level", "loud"]],
  ])("%s is an error on stderr: 1", async (_, args) => {
    const { code, stdout, stderr } = await parse(args);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^(error: |Usage: )/);
    expect(code).toBe(1);
  });

  test("so is it for whoever started the process; a mistyped command is recognised", async () => {
    const { code, stdout, stderr } = await holdfast.run(["plam"]);
    expect(stderr).toContain("Did you mean plan?");
    expect(stdout).toBe("");
    expect(code).toBe(1);
    expect((await holdfast.run([])).code).toBe(1);
  });

  test("version, as text and JSON", async () => {
    expect((await holdfast.run(["version"])).stdout).toMatch(/^holdfast \d+\.\d+\.\d+\n$/);
    const { stdout } = await holdfast.run(["version", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ formatVersion: 1, node: process.versions.node, formats: { plan: 1 } });
  });
});

test("version loads none of the big packages, nor does completion but YAML", async () => {
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(new URL("../../", import.meta.url)),
    entryPoints: ["src/cli/main.ts"],
    outdir: "out",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    external: ["*.node", "cpu-features"],
    logLevel: "error",
  });
  const start = loadedWith(metafile, (name) => name.endsWith("main.js"));
  const version = loadedWith(metafile, (name) => /version-\w+\.js$/.test(name));
  expect(start.packages).toContain("commander");
  expect(version.inputs).toContain("src/cli/version.ts");
  for (const heavy of ["ajv", "yaml", "ssh2", "execa", "pino", "croner", "log-update", "picomatch"])
    expect([...start.packages, ...version.packages]).not.toContain(heavy);
  const complete = loadedWith(metafile, (name) => /complete-\w+\.js$/.test(name));
  expect(complete.inputs).toContain("src/cli/complete.ts");
  expect(complete.packages).toContain("yaml");
  for (const heavy of ["ajv", "ssh2", "execa", "pino", "croner", "picomatch"])
    expect(complete.packages).not.toContain(heavy);
});

/** What an output file imports at once, directly or not. */
function loadedWith(
  { outputs }: Metafile,
  isStart: (name: string) => boolean,
): { inputs: string[]; packages: string[] } {
  const pending = Object.keys(outputs).filter(isStart);
  const seen = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const { path, kind } of outputs[name]?.imports ?? []) if (kind === "import-statement") pending.push(path);
  }
  const inputs = [...seen].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
  const packages = inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []);
  return { inputs, packages };
}

describe("validate", () => {
  test("a valid manifest", async () => {
    const { code, stdout } = await holdfast.run(["validate"]);
    expect(stdout).toBe("The manifest is valid: 1 dataset entry, 1 remote, 2 hosts.\n");
    expect(code).toBe(0);
    const { digest, ...rest } = JSON.parse((await holdfast.run(["validate", "--json"])).stdout) as Record<
      string,
      unknown
    >;
    expect(rest).toEqual({ formatVersion: 1, valid: true, diagnostics: [] });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("an invalid one: 5, with the place, a caret and what was meant", async () => {
    holdfast.write("wrong.yaml", manifest().replace("keep: { hourly", "kep: { hourly"));
    const { code, stdout, stderr } = await holdfast.run(["-f", "wrong.yaml", "validate"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: .*kep/);
    expect(stderr).toContain("--> wrong.yaml:9:5");
    expect(stderr).toMatch(/^ {2}\| {5}\^\^\^$/m);
    expect(stderr).toContain("keep");
    expect(code).toBe(5);
    const json = await holdfast.run(["-f", "wrong.yaml", "validate", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, diagnostics: [{ severity: "error" }, ...[]] });
    expect(json.code).toBe(5);
  });

  test.each([["plan"], ["apply", "--yes"], ["list"], ["snapshot", "daily"]])("%s refuses it too", async (...args) => {
    const { code, stdout } = await holdfast.run(["-f", "wrong.yaml", ...args]);
    expect(stdout).toBe("");
    expect(code).toBe(5);
  });

  test("a token that anybody could guess, where its file is here", async () => {
    holdfast.write("token.yaml", `${manifest()}service: { token: { file: api.token } }\n`);
    expect((await holdfast.run(["-f", "token.yaml", "validate"])).code).toBe(0);
    chmodSync(holdfast.write("api.token", "hunter2\n"), 0o600);
    const { code, stdout, stderr } = await holdfast.run(["-f", "token.yaml", "validate"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: service\.token: file .*api\.token needs 16 or more printable characters/);
    expect(stderr).toContain("--> token.yaml:");
    expect(stderr).toContain("openssl rand");
    expect(stderr).not.toContain("hunter2");
    expect(code).toBe(5);
    const json = await holdfast.run(["-f", "token.yaml", "validate", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, diagnostics: [{ code: "weak-token" }] });
    holdfast.write("api.token", `${"0123456789abcdef".repeat(3)}\n`);
    expect((await holdfast.run(["-f", "token.yaml", "validate"])).code).toBe(0);
  });

  test.each([[["-f", "", "validate"]], [["plan", ...recorded, "--base", ""]]])(
    "nothing is no name of a manifest: %j",
    async (args) => {
      const { code, stderr } = await holdfast.run(args);
      expect(stderr).toContain("error: the manifest is named by nothing at all");
      expect(code).toBe(5);
    },
  );

  test("a manifest that is not there says where it was looked for", async () => {
    const { code, stderr } = await holdfast.run(["-f", "nowhere.yaml", "validate"]);
    expect(stderr).toContain("cannot read nowhere.yaml: there is no such file");
    expect(code).toBe(5);
  });
});

describe("a host that cannot be reached", () => {
  test.each([
    ["plan", /! missing {3}host nas01[\s\S]*ECONNREFUSED/],
    ["list", /! host nas01 was not observed[\s\S]*ECONNREFUSED/],
  ])("%s says so and exits with 3", async (command, message) => {
    const { code, stdout } = await holdfast.run([command]);
    expect(stdout).toMatch(message);
    expect(code).toBe(3);
  });

  test("apply has nothing to do and exits with 3, also without a terminal", async () => {
    const { code, stdout } = await holdfast.run(["apply"]);
    expect(stdout).toContain("No changes. 0 kept. Incomplete: not everything could be observed.");
    expect(code).toBe(3);
  });
});

describe("apply PLAN", () => {
  const save = async (...args: string[]) => {
    expect((await holdfast.run(["plan", ...recorded, "--out", "saved.json", ...args])).code).toBe(0);
  };

  test("another manifest: 4, nothing done", async () => {
    await save();
    holdfast.write("other.yaml", manifest({ keep: "{ hourly: 5, daily: 3 }" }));
    const { code, stderr } = await holdfast.run(["-f", "other.yaml", "apply", "saved.json", "--yes"]);
    expect(stderr).toContain("error: saved.json was made from another manifest; nothing was done");
    expect(code).toBe(4);
  });

  test("comments and order of keys make no other manifest", async () => {
    await save();
    holdfast.write("same.yaml", `# a comment\n${manifest()}`);
    const { code, stderr } = await holdfast.run(["-f", "same.yaml", "apply", "saved.json"]);
    expect(stderr).toContain("nobody can be asked");
    expect(code).toBe(1);
  });

  test("another identity is refused", async () => {
    await save();
    const { code, stderr } = await holdfast.run(["apply", "saved.json", "--yes", "--as", "vault"]);
    expect(stderr).toContain("saved.json was made as a controller, this is vault");
    expect(stderr).toContain("--as none");
    expect(code).toBe(1);
  });

  test("without a terminal it needs --yes; the plan is shown first", async () => {
    await save();
    const { code, stdout, stderr } = await holdfast.run(["apply", "saved.json"]);
    expect(stdout).toMatch(/^Plan: /m);
    expect(stderr).toContain("error: nobody can be asked: the input is no terminal");
    expect(stderr).toContain("--yes");
    expect(code).toBe(1);
  });

  test("an approval that has lapsed since: 4, nothing done", async () => {
    const text = (until: string) =>
      `${manifest()}approvals: [{ source: "nas01:tank/data", destroy: 9, until: ${until} }]\n`;
    const apply = async (until: string, ...more: string[]) => {
      holdfast.write("approved.yaml", text(until));
      const made = await holdfast.run(["-f", "approved.yaml", "plan", ...recorded, "--out", "approved.json", ...more]);
      expect(made.code).toBe(0);
      // long ago for the clock of this machine, whenever that is
      const plan = JSON.parse(readFileSync(holdfast.path("approved.json"), "utf8"));
      holdfast.write("approved.json", { ...plan, now: "2001-01-01T00:00:00Z" });
      return holdfast.run(["-f", "approved.yaml", "apply", "approved.json"]);
    };
    const lapsed = await apply("2002-02-02");
    expect(lapsed.stderr).toMatch(
      /^error: the approval at approved\.yaml:\d+, which held when .* lapsed on 2002-02-02; nothing was done\n {2}next: /m,
    );
    expect(lapsed.code).toBe(4);
    for (const until of ["2000-01-01", "2199-01-01"])
      expect((await apply(until)).stderr).toContain("nobody can be asked");
  });

  test("--confirm without anything that is given up is an error", async () => {
    await save();
    for (const plan of [["saved.json"], []]) {
      const { code, stderr } = await holdfast.run(["apply", ...plan, "--yes", "--confirm", "tank/data"]);
      expect(stderr).toMatch(/^error: nothing in this plan gives up what --confirm tank\/data names\n {2}next: /);
      expect(code).toBe(1);
    }
  });

  test("options of planning belong to planning", async () => {
    const { code, stderr } = await holdfast.run(["apply", "saved.json", "--target", "tank/data"]);
    expect(stderr).toContain("a saved plan is applied as it was reviewed");
    expect(code).toBe(1);
  });

  test.each([
    ["an inventory", inventory(), /wrong\.json is no plan: /],
    ["half a plan", '{"formatVersion": 1', /wrong\.json is not JSON/],
  ])("%s is no plan", async (_, content, message) => {
    holdfast.write("wrong.json", content);
    const { code, stderr } = await holdfast.run(["apply", "wrong.json", "--yes"]);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  test("a plan somebody edited is read with care", async () => {
    await save();
    const plan = readFileSync(holdfast.path("saved.json"), "utf8");
    holdfast.write("edited.json", plan.replace('"kind": "destroy"', '"kind": "destroy-everything"'));
    const { code, stderr } = await holdfast.run(["apply", "edited.json", "--yes"]);
    expect(stderr).toMatch(/edited\.json is no plan: operations\[\d+\]/);
    expect(code).toBe(1);
  });
});

test("an apply that runs already: 11, with who it is", async () => {
  const env = { HOLDFAST_LOCK_DIR: holdfast.path("locks") };
  const lock = await acquireLock({ name: "apply-127.0.0.1-1", env, command: "the one before" });
  try {
    const { code, stderr } = await holdfast.run(["apply", "--yes"]);
    expect(stderr).toMatch(new RegExp(`^error: locked by the one before \\(pid ${process.pid} `));
    expect(code).toBe(11);
    expect((await holdfast.run(["plan"])).code).toBe(3);
  } finally {
    lock.release();
  }
});

describe("a host that accepts and never answers", () => {
  const silent = async (work: (port: number, connected: Promise<void>) => Promise<void>) => {
    let announce = (): void => undefined;
    const connected = new Promise<void>((resolve) => {
      announce = resolve;
    });
    const sockets = new Set<{ destroy(): void }>();
    const server: Server = createServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      announce();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    try {
      await work(typeof address === "object" && address !== null ? address.port : 0, connected);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  test.each([
    ["SIGTERM", ["plan"]],
    ["SIGINT", ["apply", "--yes"]],
    ["SIGINT", ["doctor"]],
  ] as const)("%s ends %j with 130", async (signal, args) => {
    await silent(async (port, connected) => {
      holdfast.write("silent.yaml", manifest({ port }));
      const { code } = await holdfast.run(["-f", "silent.yaml", ...args], {
        onStart: (child) => void connected.then(() => child.kill(signal)),
      });
      expect(code).toBe(130);
    });
  });
});

describe("streams", () => {
  test("whoever reads only the beginning gets no error", async () => {
    const { code, stderr } = await holdfast.run(["plan", ...recorded, "--json"], {
      onStart: (child) => child.stdout?.destroy(),
    });
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  test.each([
    ["plan", ["plan", ...recorded]],
    ["plan with changes", ["plan", ...recorded, "--detailed-exitcode"]],
    ["validate", ["validate"]],
    ["--help", ["--help"]],
  ])("an answer that finds no room is an error: %s", async (_, args) => {
    const { code, stderr } = await holdfast.run(args, { full: "stdout" });
    expect(stderr).toMatch(/^error: not all of the answer could be written to stdout: ENOSPC\b.*\n {2}next: .*\n$/);
    expect(code).toBe(1);
  });

  test("what went wrong besides says more than the answer that found no room", async () => {
    expect((await holdfast.run(["-f", "wrong.yaml", "validate", "--json"], { full: "stdout" })).code).toBe(5);
  });

  test.each([["pretty"], ["json"]])("a log that finds no room ends no work: %s", async (format) => {
    await holdfast.run(["plan", ...recorded, "--out", "saved.json"]);
    const { code, stdout } = await holdfast.run(["apply", "saved.json", "--yes", "--log-format", format], {
      full: "stderr",
    });
    expect(stdout).toMatch(/^Applied: /m);
    expect(code).toBe(3);
  });

  test("colours only on a terminal that wants them", async () => {
    const csi = "\u001b[";
    const args = ["plan", ...recorded];
    expect((await holdfast.run(args)).stdout).not.toContain(csi);
    expect((await holdfast.runInTerminal(args)).stdout).toContain(csi);
    expect((await holdfast.runInTerminal([...args, "--no-color"])).stdout).not.toContain(csi);
    expect((await holdfast.runInTerminal(args, { env: { NO_COLOR: "1" } })).stdout).not.toContain(csi);
    expect((await holdfast.runInTerminal(args, { env: { TERM: "dumb" } })).stdout).not.toContain(csi);
  });

  test("lines follow the width of the terminal, not of a pipe", async () => {
    const { stdout } = await holdfast.runInTerminal(["plan", ...recorded, "--no-color"]);
    const piped = (await holdfast.run(["plan", ...recorded])).stdout;
    expect(Math.max(...piped.split("\n").map((line) => line.length))).toBeGreaterThan(100);
    expect(stdout.split("\n").length).toBeGreaterThan(piped.split("\n").length);
  });

  test("an unexpected error shows its stack only when asked", async () => {
    const args = ["--as", "nobody-knows", "plan", ...recorded];
    expect((await holdfast.run(args)).stderr).not.toMatch(/^\s+at /m);
    expect((await holdfast.run([...args, "--log-level", "debug"])).stderr).toMatch(/^\s+at /m);
  });
});
