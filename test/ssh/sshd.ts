import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Host } from "../../src/model/manifest.ts";
import type { HostName } from "../../src/model/units.ts";

/** A private OpenSSH server on loopback, with its own keys, that lets in whoever has `identity`. */
export interface Sshd {
  readonly port: number;
  readonly directory: string;
  /** A private key file that is let in. */
  readonly identity: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** The manifest's host for it; `changes` on top. */
  host(name: string, changes?: Partial<Host>): Host;
  authorize(publicKeyFile: string): void;
  stop(): Promise<void>;
}

const SSHD = "/usr/sbin/sshd";
const NEEDED = [SSHD, "/usr/bin/ssh", "/usr/bin/pv", "/usr/bin/zstd"];

/** Whether the tests here can run; installs what is missing where that is allowed. In CI they must. */
export const sshAvailable = ((): boolean => {
  if (NEEDED.every((path) => existsSync(path))) return true;
  try {
    execFileSync(fileURLToPath(new URL("setup", import.meta.url)), { stdio: ["ignore", "ignore", "inherit"] });
    return true;
  } catch (error) {
    if (process.env.CI === "true") throw error;
    return false;
  }
})();

/** A key that is quick to make and to unlock: the shortest that counts as one, and a passphrase hashed once. */
export function keygen(path: string, options: { readonly type?: string; readonly passphrase?: string } = {}): string {
  const { type = "ed25519", passphrase = "" } = options;
  const size = type === "rsa" ? ["-b", "2048"] : [];
  execFileSync("ssh-keygen", ["-q", "-t", type, ...size, "-a", "1", "-N", passphrase, "-C", "test", "-f", path]);
  return path;
}

/** Type and key of a public key file, without the comment. */
export const publicKey = (path: string): string => readFileSync(`${path}.pub`, "utf8").split(" ").slice(0, 2).join(" ");

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function startSshd(
  options: { readonly config?: string; readonly hostKeyType?: string } = {},
): Promise<Sshd> {
  const directory = mkdtempSync(join(tmpdir(), "sshd-"));
  const port = await freePort();
  const hostKeyFile = keygen(join(directory, "host_key"), { type: options.hostKeyType ?? "ed25519" });
  const identity = keygen(join(directory, "id"));
  const authorized = join(directory, "authorized_keys");
  writeFileSync(authorized, readFileSync(`${identity}.pub`));
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true });
  const config = join(directory, "sshd_config");
  writeFileSync(
    config,
    // One key exchange, the fastest: a client's first choice costs each of hundreds of connections a tenth of a second.
    `Port ${port}
KexAlgorithms curve25519-sha256
ListenAddress 127.0.0.1
HostKey ${hostKeyFile}
AuthorizedKeysFile ${authorized}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
${options.config ?? ""}
`,
  );
  const server = spawn(SSHD, ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  server.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  await listening(port, server, () => log);
  const hostKey = publicKey(hostKeyFile);
  return {
    port,
    directory,
    identity,
    hostKey,
    host: (name, changes = {}) => ({
      name: name as HostName,
      local: false,
      address: "127.0.0.1",
      port,
      user: userInfo().username,
      identity: { file: identity },
      hostKeys: [hostKey],
      sudo: false,
      ...changes,
    }),
    authorize(file) {
      writeFileSync(authorized, readFileSync(file), { flag: "a" });
    },
    async stop() {
      const ended = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function listening(port: number, server: ChildProcess, log: () => string): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("close", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
    if (server.exitCode !== null) throw new Error(`sshd ended: ${log()}`);
    await setTimeout(10);
  }
}
