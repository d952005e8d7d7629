import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../model/manifest.ts";
import type { Connection } from "./connection.ts";
import { algorithmsFor, type HostKeys } from "./host-keys.ts";
import type { Identity } from "./identity.ts";
import { serveKey } from "./key-agent.ts";
import { loginCommand, quoteAll } from "./shell.ts";

/**
 * The OpenSSH client, for streams: it is as fast as this process would be, without taking its time. It gets what the
 * connection used and nothing else: the same host keys, the one identity that was let in, no configuration file.
 */
export class SshClients {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #connectTimeoutMs: number;
  readonly #keepAliveMs: number;
  readonly #agents: Server[] = [];
  readonly #prepared = new Map<Connection, Promise<readonly string[]>>();
  #directory: Promise<string> | undefined;

  constructor(options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly connectTimeoutMs: number;
    readonly keepAliveMs: number;
  }) {
    this.#env = options.env;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.#keepAliveMs = options.keepAliveMs;
  }

  /** A directory that only this user may enter; gone after `close`. */
  directory(): Promise<string> {
    this.#directory ??= mkdtemp(join(this.#env.TMPDIR ?? tmpdir(), "holdfast-"));
    return this.#directory;
  }

  /** The command that runs a script on the host of that connection, which is opened and verified first. */
  async command(connection: Connection, jumps: readonly Connection[], script: string): Promise<string[]> {
    await connection.session();
    const options = await this.#options(connection, jumps);
    return ["ssh", ...options, ...destination(connection.host), loginCommand(script)];
  }

  async close(): Promise<void> {
    for (const agent of this.#agents.splice(0)) agent.close();
    const directory = await this.#directory;
    this.#directory = undefined;
    this.#prepared.clear();
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }

  async #options(connection: Connection, [jump, ...further]: readonly Connection[]): Promise<string[]> {
    let own = this.#prepared.get(connection);
    if (own === undefined) {
      own = this.#prepare(connection, `h${this.#prepared.size}`);
      this.#prepared.set(connection, own);
      own.catch(() => this.#prepared.delete(connection));
    }
    if (jump === undefined) return [...(await own)];
    const { address, port } = connection.host;
    const target = `${address.includes(":") ? `[${address}]` : address}:${port}`;
    const proxy = ["ssh", ...(await this.#options(jump, further)), "-W", target, ...destination(jump.host)];
    return [...(await own), "-o", `ProxyCommand=${quoteAll(proxy).replaceAll("%", "%%")}`];
  }

  async #prepare(connection: Connection, alias: string): Promise<readonly string[]> {
    const { identity, hostKeys } = await connection.session();
    const directory = await this.directory();
    const knownHosts = join(directory, `${alias}.known_hosts`);
    await writeFile(knownHosts, knownHostsText(alias, hostKeys), { mode: 0o600 });
    const options: Record<string, string> = {
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      HostKeyAlias: alias,
      UserKnownHostsFile: knownHosts,
      GlobalKnownHostsFile: "/dev/null",
      HostKeyAlgorithms: algorithmsFor(hostKeys).join(","),
      CheckHostIP: "no",
      UpdateHostKeys: "no",
      IdentityAgent: `"${await this.#agentFor(identity, join(directory, `${alias}.agent`))}"`,
      IdentityFile: "none",
      PreferredAuthentications: "publickey",
      Ciphers: "^aes128-gcm@openssh.com",
      Compression: "no",
      ConnectTimeout: String(Math.ceil(this.#connectTimeoutMs / 1000)),
      ServerAliveInterval: String(Math.max(1, Math.ceil(this.#keepAliveMs / 1000))),
      ServerAliveCountMax: "3",
      LogLevel: "ERROR",
    };
    return [
      "-F",
      "none",
      "-T",
      "-a",
      "-x",
      ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    ];
  }

  async #agentFor(identity: Identity, path: string): Promise<string> {
    if (identity.kind === "agent") return identity.socket;
    this.#agents.push(await serveKey(identity.key, path));
    return path;
  }
}

const destination = ({ address, port, user }: Host): string[] => ["-l", user, "-p", String(port), "--", address];

/** The manifest's way is one more known_hosts line; a revoked key stays refused. */
const knownHostsText = (alias: string, { accepted, revoked }: HostKeys): string =>
  [
    ...revoked.map(({ type, key }) => `@revoked ${alias} ${type} ${key}\n`),
    ...accepted.map(({ type, key }) => `${alias} ${type} ${key}\n`),
  ].join("");
