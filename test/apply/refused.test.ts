import { describe, expect, test } from "vitest";
import type { Manifest } from "../../src/model/manifest.ts";
import type { RunContext } from "../../src/remotes/zfs/context.ts";
import { diagnose } from "../../src/remotes/zfs/context.ts";
import type { Where } from "../../src/remotes/zfs/errors.ts";
import { inspectReceived } from "../../src/remotes/zfs/received.ts";
import { runOperations } from "../../src/remotes/zfs/run.ts";
import { type Hosts, type RunResult, TransportError } from "../../src/transport/types.ts";
import { at, createOp } from "./operations.ts";

const ok = (stdout: string): RunResult => ({ code: 0, stdout, stderr: "" });
const granted = (dataset: string, rights: string, kind = "Local+Descendent"): string =>
  `---- Permissions on ${dataset} ---\n${kind} permissions:\n\tuser backup ${rights}\n`;

/** A machine whose `zfs allow` says what is given by dataset. */
function contextOf(
  allowed: Readonly<Record<string, string>>,
  more: (line: string) => RunResult | undefined = () => undefined,
): { context: RunContext; commands: string[] } {
  const commands: string[] = [];
  const hosts = {
    async run(_: unknown, argv: readonly string[]) {
      const line = argv.join(" ");
      commands.push(line);
      const special = more(line);
      if (special !== undefined) return special;
      if (argv[0] === "sh") return ok("1000\nbackup\nbackup users\n");
      return ok(argv[1] === "allow" ? (allowed[argv[2] ?? ""] ?? "") : "zfs-2.3.2-1\nzfs-kmod-2.3.2-1\n");
    },
  } as unknown as Hosts;
  const manifest = { hosts: new Map(), remotes: new Map() } as unknown as Manifest;
  const never = new AbortController().signal;
  const context = { hosts, manifest, signal: never, urgent: never, created: () => {} } as unknown as RunContext;
  return { context, commands };
}

describe("an operation that was refused", () => {
  const where: Where = {
    at: at("pool/my copy", "vault"),
    user: "backup",
    permissions: "receive,create,mount",
    permissionsOn: "pool/my copy",
  };
  const refused = "cannot receive incremental stream: permission denied";

  test("names the rights that the account lacks, and the line that grants just those", async () => {
    const { context } = contextOf({ "pool/my copy": granted("pool", "receive,create") });
    expect(await diagnose(context, refused, where, "", "")).toMatchObject({
      message: "backup lacks mount on vault:pool/my copy",
      hint: "as root on vault: zfs allow -u backup mount 'pool/my copy'",
      lacking: ["mount"],
    });
  });

  test.each<[string, string, string[]]>([
    ["the dataset itself", "pool/my copy", ["create"]],
    ["what is to be made below", "pool", ["receive", "create", "mount"]],
  ])("what is granted for one dataset alone counts for %s", async (_, permissionsOn, lacking) => {
    const { context } = contextOf({ [permissionsOn]: granted(permissionsOn, "receive,mount", "Local") });
    expect(await diagnose(context, refused, { ...where, permissionsOn }, "", "")).toMatchObject({ lacking });
  });

  test.each<[string, Parameters<typeof contextOf>]>([
    ["has all of them", [{ "pool/my copy": granted("pool", "create,mount,receive") }]],
    [
      "cannot be asked",
      [{}, (line) => (line.startsWith("zfs allow") ? { code: 1, stdout: "", stderr: "no" } : undefined)],
    ],
    [
      "cannot be reached any more",
      [
        {},
        () => {
          throw new TransportError("connection-lost", "gone");
        },
      ],
    ],
  ])("whose account %s: all that it takes", async (_, given) => {
    const { context } = contextOf(...given);
    expect(await diagnose(context, refused, where, "", "")).toMatchObject({
      message: "backup may not do this on vault:pool/my copy",
      hint: "as root on vault: zfs allow -u backup receive,create,mount 'pool/my copy'",
      lacking: [],
    });
  });

  test.each([
    ["2.3.2-1", "receive:append"],
    ["2.1.11-1", "receive"],
  ])("where nothing is ever deleted, on OpenZFS %s: %s", async (version, right) => {
    const { context } = contextOf({}, (line) => (line === "zfs version" ? ok(`zfs-${version}\n`) : undefined));
    const { lacking } = await diagnose(context, refused, { ...where, permissions: "receive:append" }, "", "");
    expect(lacking).toEqual([right]);
  });

  test("is asked for no rights when it failed for another reason", async () => {
    const { context, commands } = contextOf({});
    await diagnose(context, "out of space", where, "", "");
    expect(commands).toEqual([]);
  });
});

describe("a stream that arrived without all its settings", () => {
  const where: Where = {
    at: at("pool/host/copy", "vault"),
    user: "backup",
    permissions: "receive,create,mount,readonly,userprop",
    permissionsOn: "pool/host",
    grantOn: "pool",
  };
  const refused = ["readonly", "my:own", "atime", "compression"].map(
    (name) => `cannot receive ${name} property on pool/host/copy: permission denied`,
  );
  const settings = "readonly\toff\tdefault\nmy:own\t-\t-\ncanmount\tnoauto\tlocal\n";

  test("names the rights for what was asked for, and for what the source has beside", async () => {
    const { context } = contextOf({}, (line) => (line.startsWith("zfs get") ? ok(settings) : undefined));
    const asked = new Map([
      ["readonly", "on"],
      ["my:own", "a b"],
    ]);
    const inspected = await inspectReceived("filesystem", asked, refused.join("\n"), where, context);
    expect(inspected.problem).toMatchObject({
      message:
        "everything arrived, but readonly, my:own could not be set on vault:pool/host/copy: backup lacks readonly, userprop there",
      hint: "as root on vault: zfs allow -u backup readonly,userprop pool\nand for what has arrived: zfs set readonly=on 'my:own=a b' pool/host/copy",
    });
    expect(inspected.warnings).toEqual([
      "settings of the source that could not be kept on pool/host/copy: atime, compression\nto keep them: as root on vault: zfs allow -u backup atime,compression pool",
    ]);
  });
});

describe("snapshots of which one may not be taken", () => {
  const [a, b, c] = [
    createOp("a", "tank/a", "now"),
    createOp("b", "tank/b", "now"),
    createOp("c", "tank/c", "now"),
  ] as const;
  const denied: RunResult = { code: 1, stdout: "", stderr: "cannot create snapshots : permission denied\n" };

  test("the others are taken without it", async () => {
    const { context, commands } = contextOf(
      { "tank/a": granted("tank/a", "snapshot"), "tank/c": granted("tank/c", "snapshot") },
      (line) => {
        if (line.startsWith("zfs snapshot")) return line.includes("tank/b") ? denied : ok("");
        if (line.startsWith("zfs list")) return ok(`tank/a@${a.name}\t1\ntank/c@${c.name}\t3\n`);
        return undefined;
      },
    );
    const results = await runOperations([a, b, c], context);
    expect([...results].map(([id, { outcome }]) => [id, outcome])).toEqual([
      ["a", "done"],
      ["b", "failed"],
      ["c", "done"],
    ]);
    expect(results.get(b.id)?.error?.message).toMatch(/ lacks snapshot on .*tank\/b$/);
    expect(commands.filter((line) => line.startsWith("zfs snapshot"))).toHaveLength(2);
  });

  test("none is to blame: all of them have failed", async () => {
    const all = granted("tank", "snapshot");
    const { context, commands } = contextOf({ "tank/a": all, "tank/b": all }, (line) =>
      line.startsWith("zfs snapshot") ? denied : undefined,
    );
    const results = await runOperations([a, b], context);
    expect([...results.values()].map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
    expect(commands.filter((line) => line.startsWith("zfs snapshot"))).toHaveLength(1);
  });
});
