import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";
import { connectHosts, type Hosts, type HostsOptions, Secret } from "../../src/transport/index.ts";
import { eventually, processesWith, watchForLeftovers } from "../transport/leftovers.ts";
import { startLink } from "./proxy.ts";
import { freePort, keygen, publicKey, type Sshd, sshAvailable, startSshd } from "./sshd.ts";

const nas = "nas" as HostName;
const word = (): string => `mark-${process.pid}-${Math.random().toString(36).slice(2)}`;

describe.skipIf(!sshAvailable)("commands over SSH", { timeout: 60_000 }, () => {
  let sshd: Sshd;
  const { expectNothingLeft } = watchForLeftovers();
  beforeAll(async () => {
    sshd = await startSshd();
  }, 60_000);
  afterAll(async () => {
    await sshd.stop();
    await expectNothingLeft();
  }, 60_000);

  /** Connects to one host, and closes whatever happens. */
  async function using<T>(
    changes: Partial<Host>,
    use: (hosts: Hosts) => Promise<T>,
    options: Partial<HostsOptions> = {},
  ): Promise<T> {
    const env = { PATH: process.env.PATH, HOME: sshd.directory };
    const hosts = connectHosts(new Map([[nas, sshd.host("nas", changes)]]), { env, graceMs: 500, ...options });
    try {
      return await use(hosts);
    } finally {
      await hosts.close();
    }
  }
  const fails = (changes: Partial<Host>, options: Partial<HostsOptions> = {}): Promise<unknown> =>
    using(
      changes,
      (hosts) =>
        hosts.run(nas, ["true"]).then(
          () => undefined,
          (error: unknown) => error,
        ),
      options,
    );

  test("output, errors and exit codes come back; arguments arrive as they are", async () => {
    await using({}, async (hosts) => {
      expect(await hosts.run(nas, ["sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({
        code: 3,
        stdout: "out\n",
        stderr: "err\n",
      });
      const words = ["$(reboot)", "a'b", "two words", "new\nline", "`id`", "*", "-rf", "", "\\", "é"];
      const { stdout } = await hosts.run(nas, ["printf", "%s\\0", ...words]);
      expect(stdout.split("\0").slice(0, -1)).toEqual(words);
      expect((await hosts.run(nas, ["sh", "-c", 'echo "$LC_ALL $PATH"'])).stdout).toMatch(
        /^C .*:\/usr\/sbin:\/sbin\n$/,
      );
      expect((await hosts.run(nas, ["cat"])).stdout).toBe("");
    });
  });

  test("variables reach the command, and no argument list on either side", async () => {
    await using({}, async (hosts) => {
      const secret = `hush-${word()}\n'two' $lines`;
      const seen = new Set<string>();
      const script = 'printf "%s\\0%s\\0" "$PLAIN" "$HIDDEN"; exec sleep 0.3';
      const result = await hosts.run(nas, ["sh", "-c", script], {
        env: { PLAIN: "a b", HIDDEN: new Secret(secret) },
        onLine: () => {
          for (const command of processesWith("hush-")) seen.add(command);
        },
      });
      expect(result.code).toBe(0);
      expect([...seen]).toEqual([]);
      const { stdout } = await hosts.run(nas, ["sh", "-c", script], {
        env: { PLAIN: "a b", HIDDEN: new Secret(secret) },
      });
      expect(stdout).toBe(`a b\0${secret}\0`);
    });
  });

  test("both streams line by line", async () => {
    await using({}, async (hosts) => {
      const out: string[] = [];
      const err: string[] = [];
      const result = await hosts.run(nas, ["sh", "-c", "echo a; echo b >&2; printf c"], {
        onLine: (line) => out.push(line),
        onErrorLine: (line) => err.push(line),
      });
      expect(result).toMatchObject({ code: 0, stdout: "", stderr: "b\n" });
      expect([out, err]).toEqual([["a", "c"], ["b"]]);
    });
  });

  test("what is ended may clean up, and what does not end is killed with all it started", async () => {
    await using({}, async (hosts) => {
      const ended = async (script: string, endsBy: "SIGTERM" | "SIGINT"): Promise<void> => {
        const controller = new AbortController();
        const run = hosts.run(nas, ["sh", "-c", script, mark], {
          signal: controller.signal,
          endsBy,
          onLine: () => controller.abort(),
        });
        await expect(run).rejects.toMatchObject({ kind: "aborted" });
      };
      const mark = word();
      const file = join(sshd.directory, mark);
      // a shell's background commands ignore SIGINT, and a shell cannot trap what it was started to ignore; others can
      const cleans = `exec perl -e '$| = 1; $SIG{$ARGV[0]} = sub { select undef, undef, undef, 0.1; open F, ">>$ARGV[1]"; print F "$ARGV[0]\n"; exit }; print "up\n"; sleep 60'`;
      await ended(`${cleans} INT ${file}`, "SIGINT");
      await ended(`${cleans} TERM ${file}`, "SIGTERM");
      expect(readFileSync(file, "utf8")).toBe("INT\nTERM\n");
      await ended(
        `trap '' TERM; (while :; do sleep 0.1; done) & echo up; while :; do sleep 0.1; done; : ${mark}`,
        "SIGTERM",
      );
      await eventually(() => expect(processesWith(mark)).toEqual([]));
    });
  });

  test("one connection for everything, more commands at once than a server allows sessions", async () => {
    const link = await startLink(sshd.port);
    await using({ port: link.port, hostKeys: [sshd.hostKey] }, async (hosts) => {
      const results = await Promise.all(
        Array.from({ length: 15 }, (_, index) => hosts.run(nas, ["sh", "-c", `sleep 0.05; echo ${index}`])),
      );
      expect(results.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 15 }, (_, index) => index));
      expect(link.connections).toBe(1);
    });
    await link.close();
  });

  test("a program that is not there", async () => {
    await using({}, async (hosts) => {
      await expect(hosts.run(nas, ["no-such-program"])).rejects.toMatchObject({
        kind: "not-found",
        host: "nas",
        message: "nas: no-such-program is not installed there, or not in PATH",
      });
    });
  });

  test("a lot of output on both streams", async () => {
    await using({}, async (hosts) => {
      let size = 0;
      const script = "head -c 30000000 /dev/zero; head -c 5000000 /dev/zero >&2";
      const result = await hosts.read(nas, ["sh", "-c", script], (chunk) => {
        size += chunk.length;
      });
      expect(result.code).toBe(0);
      expect(size).toBe(30_000_000);
    });
  });

  test("timeout, silence and abort end the command over there", async () => {
    await using({}, async (hosts) => {
      const mark = word();
      const controller = new AbortController();
      const hang = (options: object): Promise<unknown> =>
        hosts.read(nas, ["sh", "-c", "echo up; exec sleep 60", mark], () => controller.abort(), options);
      const sleep = ["sh", "-c", "while :; do sleep 0.1; done", mark];
      await expect(hosts.run(nas, sleep, { timeoutMs: 200 })).rejects.toMatchObject({ kind: "timeout", host: "nas" });
      await expect(hosts.run(nas, sleep, { idleTimeoutMs: 200 })).rejects.toMatchObject({ kind: "timeout" });
      await expect(hang({ signal: controller.signal })).rejects.toMatchObject({ kind: "aborted" });
      await eventually(() => expect(processesWith(mark)).toEqual([]));
    });
  });

  test("closing the connections ends what still runs", async () => {
    const mark = word();
    await using({}, async (hosts) => {
      const running = hosts.run(nas, ["sh", "-c", "while :; do sleep 0.1; done", mark]).catch(() => {});
      await eventually(() => expect(processesWith(mark)).not.toEqual([]));
      await hosts.close();
      await running;
    });
    await eventually(() => expect(processesWith(mark)).toEqual([]));
  });

  describe("a link that fails", () => {
    test("cut while a command runs: connection lost, the command ends over there, the next one connects anew", async () => {
      const link = await startLink(sshd.port);
      const mark = word();
      await using({ port: link.port }, async (hosts) => {
        const running = hosts.read(nas, ["sh", "-c", "echo up; while :; do sleep 0.1; done", mark], () => link.cut());
        await expect(running).rejects.toMatchObject({
          kind: "connection-lost",
          message: expect.stringMatching(/^nas: connection lost/),
        });
        await eventually(() => expect(processesWith(mark)).toEqual([]));
        expect((await hosts.run(nas, ["echo", "again"])).stdout).toBe("again\n");
        expect(link.connections).toBe(2);
      });
      await link.close();
    });

    test("cut between the last byte and the exit code is not success", async () => {
      const link = await startLink(sshd.port);
      await using({ port: link.port }, async (hosts) => {
        let text = "";
        const running = hosts.read(nas, ["sh", "-c", "echo all; exec sleep 5"], (chunk) => {
          text += chunk;
          link.cut();
        });
        await expect(running).rejects.toMatchObject({ kind: "connection-lost" });
        expect(text).toBe("all\n");
      });
      await link.close();
    });

    test("silent for three keep-alives", async () => {
      const link = await startLink(sshd.port);
      await using(
        { port: link.port },
        async (hosts) => {
          const running = hosts.read(nas, ["sh", "-c", "echo up; exec sleep 5"], () => link.freeze());
          await expect(running).rejects.toMatchObject({
            kind: "connection-lost",
            message: "nas: connection lost: Keepalive timeout",
          });
        },
        { keepAliveMs: 100 },
      );
      await link.close();
    });

    test("nobody listens", async () => {
      const error = await fails({ port: await freePort() });
      expect(error).toMatchObject({
        kind: "unreachable",
        host: "nas",
        hint: expect.stringContaining("no SSH server listens"),
      });
    });

    test("a name that does not exist", async () => {
      expect(await fails({ address: "nas.invalid" })).toMatchObject({ kind: "unreachable", host: "nas" });
    });

    test("somebody listens and says nothing", async () => {
      const link = await startLink(sshd.port);
      link.freeze();
      expect(await fails({ port: link.port }, { connectTimeoutMs: 300 })).toMatchObject({ kind: "unreachable" });
      await link.close();
    });

    test("nobody waits for that when it is interrupted", async () => {
      const link = await startLink(sshd.port);
      link.freeze();
      const interruption = new AbortController();
      await using(
        { port: link.port },
        async (hosts) => {
          const running = hosts.run(nas, ["true"], { signal: interruption.signal });
          await eventually(() => expect(link.connections).toBe(1));
          interruption.abort();
          await expect(running).rejects.toMatchObject({ kind: "aborted" });
        },
        { connectTimeoutMs: 3_600_000 },
      );
      await link.close();
    });
  });

  describe("host keys", () => {
    const known = (text: string): Partial<Host> => {
      const file = join(sshd.directory, `known-${word()}`);
      writeFileSync(file, text.replaceAll("LABEL", `[127.0.0.1]:${sshd.port}`).replaceAll("KEY", sshd.hostKey));
      return { hostKeys: [], knownHostsFile: file };
    };
    const fingerprintOf = (line: string): string => {
      const file = join(sshd.directory, `${word()}.pub`);
      writeFileSync(file, `${line}\n`);
      return execFileSync("ssh-keygen", ["-lf", file], { encoding: "utf8" }).split(" ")[1] ?? "";
    };
    const works = (changes: Partial<Host>): Promise<void> =>
      using(changes, async (hosts) => expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 }));

    test("from the manifest", () => works({}));
    test("from a known_hosts file", () => works(known("LABEL KEY\n")));
    test("among others", () => works(known("other KEY\n# x\n*,!127.0.0.1 KEY\nLABEL KEY\n")));
    test("from a hashed known_hosts file", async () => {
      const changes = known("LABEL KEY\n");
      execFileSync("ssh-keygen", ["-q", "-H", "-f", changes.knownHostsFile ?? ""], { stdio: "ignore" });
      expect(readFileSync(changes.knownHostsFile ?? "", "utf8")).toMatch(/^\|1\|/);
      await works(changes);
    });
    test("from the user's own known_hosts", async () => {
      const home = join(sshd.directory, "home");
      execFileSync("mkdir", ["-p", join(home, ".ssh")]);
      writeFileSync(join(home, ".ssh", "known_hosts"), `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
      await using(
        { hostKeys: [] },
        async (hosts) => expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 }),
        { env: { HOME: home } },
      );
    });

    test("another key: both fingerprints, and the line to write", async () => {
      const other = publicKey(keygen(join(sshd.directory, word())));
      const error = await fails({ hostKeys: [other] });
      expect(error).toMatchObject({ kind: "host-key", host: "nas" });
      const { message, hint } = error as { message: string; hint: string };
      expect(message).toContain(`offered  ssh-ed25519 ${fingerprintOf(sshd.hostKey)}`);
      expect(message).toContain(`known    ssh-ed25519 ${fingerprintOf(other)}  (hosts.nas.hostKeys)`);
      expect(hint).toContain(`hostKeys: ["${sshd.hostKey}"]`);
    });

    test("a key of another type: the offered one is shown all the same", async () => {
      const other = publicKey(keygen(join(sshd.directory, word()), { type: "ecdsa" }));
      const error = await fails({ hostKeys: [other] });
      expect(error).toMatchObject({ kind: "host-key", message: expect.stringContaining(fingerprintOf(sshd.hostKey)) });
    });

    test("no known key: refused, with the line to write", async () => {
      expect(await fails(known("other KEY\n"))).toMatchObject({
        kind: "host-key",
        message: expect.stringMatching(/is not known \(looked in .*known-/),
        hint: expect.stringContaining(`hostKeys: ["${sshd.hostKey}"]`),
      });
    });

    test("revoked, although it is listed as good, too", async () => {
      expect(await fails(known("LABEL KEY\n@revoked * KEY\n"))).toMatchObject({
        kind: "host-key",
        message: expect.stringContaining("revoked"),
      });
    });

    test("a certificate authority is refused clearly", async () => {
      expect(await fails(known("@cert-authority LABEL KEY\n"))).toMatchObject({
        kind: "host-key",
        message: expect.stringContaining("host certificates are not supported"),
      });
    });

    test("a file that cannot be read, a line that is no key", async () => {
      expect(await fails({ hostKeys: [], knownHostsFile: "/no/such/file" })).toMatchObject({ kind: "host-key" });
      expect(await fails({ hostKeys: ["ssh-ed25519 garbage"] })).toMatchObject({
        kind: "host-key",
        message: expect.stringContaining("is not a public key"),
      });
    });

    test.each(["rsa", "ecdsa"])("the server has an %s key", async (type) => {
      const own = await startSshd({ hostKeyType: type });
      try {
        const hosts = connectHosts(new Map([[nas, own.host("nas")]]), { env: {} });
        expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 });
        await hosts.close();
      } finally {
        await own.stop();
      }
    });
  });

  describe("identities", () => {
    const PASSPHRASE = "correct horse battery staple";
    let agent: ChildProcess | undefined;
    let socket = "";
    let locked = "";
    beforeAll(async () => {
      locked = keygen(join(sshd.directory, "locked"), { passphrase: PASSPHRASE });
      sshd.authorize(`${locked}.pub`);
      writeFileSync(join(sshd.directory, "passphrase"), `${PASSPHRASE}\n`);
      const agentKey = keygen(join(sshd.directory, "agent-key"));
      sshd.authorize(`${agentKey}.pub`);
      socket = join(sshd.directory, "agent");
      agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
      await new Promise((resolve) => agent?.stdout?.once("data", resolve));
      execFileSync("ssh-add", ["-q", agentKey], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    }, 60_000);
    afterAll(() => {
      agent?.kill();
    });

    const works = (changes: Partial<Host>, env: Record<string, string> = {}): Promise<void> =>
      using(changes, async (hosts) => expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 }), {
        env: { PATH: process.env.PATH, ...env },
      });
    const file = (name: string): string => join(sshd.directory, name);

    test.each(["rsa", "ecdsa", "ed25519"])("a file with an %s key", async (type) => {
      const key = keygen(file(`key-${type}`), { type });
      sshd.authorize(`${key}.pub`);
      await works({ identity: { file: key } });
    });
    test("a file in the old PEM format", async () => {
      execFileSync("ssh-keygen", ["-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", file("pem")]);
      sshd.authorize(file("pem.pub"));
      await works({ identity: { file: file("pem") } });
    });
    test("an agent", () => works({ identity: { agent: true } }, { SSH_AUTH_SOCK: socket }));
    test("the environment", () => works({ identity: { env: "KEY" } }, { KEY: readFileSync(sshd.identity, "utf8") }));
    test("a command", () => works({ identity: { command: ["cat", sshd.identity] } }));
    test("a systemd credential", () =>
      works({ identity: { credential: "id" } }, { CREDENTIALS_DIRECTORY: sshd.directory }));
    test("a passphrase by reference", () =>
      works({ identity: { file: locked, passphrase: { file: file("passphrase") } } }));

    test("nothing named: the agent", async () => {
      const { identity: _, ...host } = sshd.host("nas");
      const hosts = connectHosts(new Map([[nas, host]]), { env: { HOME: file("empty"), SSH_AUTH_SOCK: socket } });
      expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 });
      await hosts.close();
    });

    test("nothing named: the usual files, past an agent that is dead and a key that is locked", async () => {
      const home = file("usual");
      execFileSync("mkdir", ["-p", join(home, ".ssh")]);
      execFileSync("cp", [locked, join(home, ".ssh", "id_ed25519")]);
      execFileSync("cp", [sshd.identity, join(home, ".ssh", "id_rsa")]);
      writeFileSync(file("dead-agent"), "");
      const { identity: _, ...host } = sshd.host("nas");
      const env = { HOME: home, SSH_AUTH_SOCK: file("dead-agent") };
      const hosts = connectHosts(new Map([[nas, host]]), { env });
      expect(await hosts.run(nas, ["true"])).toMatchObject({ code: 0 });
      await hosts.close();
    });

    test("not let in: who, where, with what, and what to do", async () => {
      const stranger = keygen(file("stranger"));
      expect(await fails({ identity: { file: stranger } })).toMatchObject({
        kind: "authentication",
        message: expect.stringMatching(/^nas: .*@127.0.0.1 does not let us in \(tried file .*stranger\)/),
        hint: expect.stringContaining("authorized_keys"),
      });
    });

    test.each<[string, () => NonNullable<Host["identity"]>, RegExp]>([
      ["no agent", () => ({ agent: true }), /SSH_AUTH_SOCK is not set/],
      ["no file", () => ({ file: "/no/such/key" }), /identity of host nas: file .* does not exist/],
      ["a locked key without passphrase", () => ({ file: locked }), /is encrypted and no passphrase is given/],
      ["a wrong passphrase", () => ({ file: locked, passphrase: { env: "WRONG" } }), /the passphrase is wrong/],
      ["a public key", () => ({ file: `${sshd.identity}.pub` }), /public key|no private key/],
      ["no key at all", () => ({ file: file("passphrase") }), /is no private key/],
    ])("%s: says so, and nothing of the secret", async (_, identity, message) => {
      const error = await fails({ identity: identity() }, { env: { WRONG: "wrong horse", PATH: process.env.PATH } });
      expect(error).toMatchObject({ kind: "secret", message: expect.stringMatching(message) });
      expect(inspect(error, { depth: 10 })).not.toMatch(/horse|PRIVATE KEY|b3BlbnNzaC1rZXk/);
    });
  });

  describe("behind a jump host", () => {
    const jump = "bastion" as HostName;
    const far = "far" as HostName;

    test("both ends are verified and share nothing with other hosts", async () => {
      const second = await startSshd();
      const link = await startLink(second.port);
      const map = new Map([
        [jump, sshd.host("bastion")],
        [far, second.host("far", { jump, port: link.port })],
      ]);
      const hosts = connectHosts(map, { env: {} });
      expect((await hosts.run(far, ["echo", "hello"])).stdout).toBe("hello\n");
      await hosts.close();
      // A jump host that is not what it should be stops everything behind it.
      const wrong = publicKey(keygen(join(sshd.directory, word())));
      const distrusted = connectHosts(map.set(jump, sshd.host("bastion", { hostKeys: [wrong] })), { env: {} });
      await expect(distrusted.run(far, ["true"])).rejects.toMatchObject({ kind: "host-key", host: "bastion" });
      await distrusted.close();
      await link.close();
      await second.stop();
    });

    test("a target that the jump host cannot reach", async () => {
      const port = await freePort();
      const map = new Map([
        [jump, sshd.host("bastion")],
        [far, sshd.host("far", { jump, port })],
      ]);
      const hosts = connectHosts(map, { env: {} });
      await expect(hosts.run(far, ["true"])).rejects.toMatchObject({
        kind: "unreachable",
        host: "far",
        message: expect.stringContaining("through bastion"),
      });
      await hosts.close();
    });
  });

  describe("a login shell with a mind of its own", () => {
    const withShell = async (wrapper: string, use: (hosts: Hosts) => Promise<void>): Promise<void> => {
      const own = await startSshd({ config: `ForceCommand ${wrapper}` });
      const hosts = connectHosts(new Map([[nas, own.host("nas")]]), { env: {} });
      try {
        await use(hosts);
      } finally {
        await hosts.close();
        await own.stop();
      }
    };

    test("what start-up files print is not taken for the answer", async () => {
      await withShell('echo Welcome; echo beware >&2; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"', async (hosts) => {
        expect(await hosts.run(nas, ["sh", "-c", "echo out; echo err >&2"])).toEqual({
          code: 0,
          stdout: "out\n",
          stderr: "err\n",
        });
      });
    });

    test("one that runs nothing: an error with what it said, never an empty answer", async () => {
      await withShell('echo "This account is currently not available."', async (hosts) => {
        await expect(hosts.run(nas, ["true"])).rejects.toMatchObject({
          kind: "shell",
          message: expect.stringContaining("This account is currently not available."),
        });
      });
    });
  });
});
