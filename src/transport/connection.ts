import { randomBytes } from "node:crypto";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import PQueue from "p-queue";
import ssh2, { type AnyAuthMethod, type Client, type ClientChannel } from "ssh2";
import type { Host } from "../model/manifest.ts";
import { AfterMark } from "./after-mark.ts";
import { ALL_ALGORITHMS, algorithmsFor, type HostKeys, isAccepted, loadHostKeys, refusal } from "./host-keys.ts";
import { type Identities, type Identity, loadIdentities } from "./identity.ts";
import type { Ended, Running } from "./running.ts";
import { loginCommand } from "./shell.ts";
import { TransportError } from "./types.ts";

/** Servers refuse more by default (`MaxSessions 10`), and somebody else may share the connection's account. */
const CHANNELS = 8;

export interface ConnectionOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly graceMs: number;
}

/** An open connection, and what it took to open it: the OpenSSH client is given exactly the same. */
interface Session {
  readonly client: Client;
  readonly identity: Identity;
  readonly hostKeys: HostKeys;
}

/** The one SSH connection to a host: opened by the first command, shared by all, opened anew after it was lost. */
export class Connection {
  readonly host: Host;
  /** Separates what start-up files print from what commands print. */
  readonly mark = `holdfast-${randomBytes(8).toString("hex")}`;
  /** What the account's start-up files printed on stdout before the latest command. */
  noise: string | undefined;
  readonly #options: ConnectionOptions;
  readonly #jump: Connection | undefined;
  readonly #channels = new PQueue({ concurrency: CHANNELS });
  #session: Promise<Session> | undefined;
  #closed = false;
  /** Ends what is being opened at present. */
  #giveUp: (error: Error) => void = () => {};

  constructor(host: Host, jump: Connection | undefined, options: ConnectionOptions) {
    this.host = host;
    this.#jump = jump;
    this.#options = options;
  }

  session(): Promise<Session> {
    if (this.#session === undefined) {
      const opening = this.#open();
      this.#session = opening;
      const forget = (): void => {
        if (this.#session === opening) this.#session = undefined;
      };
      opening.then(({ client }) => client.once("close", forget), forget);
    }
    return this.#session;
  }

  /** For good; one that is still being opened is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#giveUp(CLOSED);
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    session?.client.end();
  }

  /**
   * Starts a script that begins with `echo MARK` on both outputs. It ends when its stdin does (shell.ts); `input` is what
   * comes first on it.
   */
  async start(script: string, input = ""): Promise<Running> {
    const { client } = await this.session();
    let free = (): void => {};
    const running = new Promise<Running>((resolve, reject) => {
      void this.#channels.add(
        () =>
          new Promise<void>((done) => {
            free = done;
            try {
              client.exec(loginCommand(script), (error, channel) => {
                if (error) {
                  reject(this.#lost(error.message));
                  return;
                }
                resolve(this.#follow(channel));
                if (input !== "") channel.write(input);
              });
            } catch (error) {
              reject(this.#lost(error instanceof Error ? error.message : String(error)));
            }
          }),
      );
    });
    const release = (): void => free();
    running.then(({ ended }) => ended.then(release, release), release);
    return running;
  }

  /** A connection from there to somewhere else, for hosts behind this one. */
  async forward(address: string, port: number): Promise<Duplex> {
    const { client } = await this.session();
    return new Promise((resolve, reject) => {
      client.forwardOut("127.0.0.1", 0, address, port, (error, channel) => {
        if (error === undefined) resolve(channel);
        else reject(new Error(`through ${this.host.name}: ${error.message}`));
      });
    });
  }

  #follow(channel: ClientChannel): Running {
    const stdout = new AfterMark(this.mark);
    const stderr = new AfterMark(this.mark);
    channel.pipe(stdout);
    channel.stderr.pipe(stderr);
    let exit: Ended | undefined;
    channel.on("exit", (code: number | null, signal?: string) => {
      exit = { code, ...(signal === undefined ? {} : { signal: signal.startsWith("SIG") ? signal : `SIG${signal}` }) };
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      channel.once("close", () => {
        stdout.end();
        stderr.end();
        void Promise.all([stdout.finished, stderr.finished]).then(() => {
          this.noise = stdout.before;
          if (exit === undefined) reject(this.#lost("the link went down before it ended"));
          else if (!stdout.found) reject(this.#refusedByShell(stdout.before + stderr.before, exit));
          else resolve(exit);
        });
      });
    });
    return {
      stdout,
      stderr,
      ended,
      stop: () => {
        channel.end();
        setTimeout(() => channel.close(), this.#options.graceMs + 1000).unref();
      },
    };
  }

  #refusedByShell(printed: string, { code, signal }: Ended): TransportError {
    const { name, user } = this.host;
    const said = printed.trim().split("\n").slice(-3).join("; ");
    return new TransportError(
      "shell",
      `${name}: the login shell of ${user} did not run the command (${signal ?? `exit code ${code}`})${said ? `: ${said}` : ""}`,
      {
        host: name,
        hint: "the account needs a shell such as /bin/sh, and no `command=` of its own in authorized_keys",
      },
    );
  }

  #lost(why: string): TransportError {
    const { name } = this.host;
    return new TransportError("connection-lost", `${name}: connection lost: ${this.#lastError ?? why}`, {
      host: name,
      hint: "what was running there may or may not have finished; run again",
    });
  }
  #lastError: string | undefined;

  async #open(): Promise<Session> {
    const hostKeys = await loadHostKeys(this.host, this.#options.env);
    const identities = await loadIdentities(this.host, this.#options.env);
    const known = algorithmsFor(hostKeys);
    this.#lastError = undefined;
    try {
      return await this.#handshake(hostKeys, identities, known.length > 0 ? known : ALL_ALGORITHMS);
    } catch (error) {
      // The host has no key of a known type: ask again for any, only to show which.
      if (error instanceof Error && /no matching host key/.test(error.message) && known.length > 0) {
        return this.#handshake(hostKeys, identities, ALL_ALGORITHMS);
      }
      throw error;
    }
  }

  async #handshake(hostKeys: HostKeys, all: Identities, algorithms: readonly string[]): Promise<Session> {
    const { host } = this;
    const { connectTimeoutMs, keepAliveMs } = this.#options;
    const sock = await this.#socket();
    const client = new ssh2.Client();
    const left = [...all.identities];
    let tried: Identity | undefined;
    let offered: Buffer | undefined;

    return new Promise<Session>((resolve, fail) => {
      let open = false;
      const reject = (error: Error): void => {
        fail(error);
        client.destroy();
      };
      client.on("ready", () => {
        open = true;
        this.#opening();
        if (tried === undefined) return;
        client.setNoDelay(true);
        resolve({ client, identity: tried, hostKeys });
      });
      client.on("error", (error: Error & { level?: string }) => {
        // An agent that does not answer is one identity less, not the end.
        if (error.level === "agent") all = { ...all, skipped: [...all.skipped, "the SSH agent does not answer"] };
        else if (open) this.#lastError = error.message;
        else if (offered !== undefined && !isAccepted(hostKeys, offered)) reject(refusal(host, hostKeys, offered));
        else if (error.level === "client-authentication") reject(this.#notLetIn(all));
        else reject(/no matching host key/.test(error.message) ? error : this.#unreachable(error));
      });
      client.on("close", () => {
        if (!open) reject(this.#unreachable(new Error("the connection was closed during the handshake")));
      });
      client.connect({
        sock,
        username: host.user,
        readyTimeout: connectTimeoutMs,
        keepaliveInterval: keepAliveMs,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: [...algorithms] as ssh2.ServerHostKeyAlgorithm[] },
        hostVerifier: (wire: Buffer): boolean => {
          offered = wire;
          return isAccepted(hostKeys, wire);
        },
        authHandler: (_left, _partial, next) => {
          tried = left.shift();
          next((tried === undefined ? false : method(host.user, tried)) as AnyAuthMethod);
        },
      });
      this.#opening(reject);
    });
  }

  async #socket(): Promise<Duplex> {
    const { address, port } = this.host;
    if (this.#jump !== undefined) {
      try {
        return await this.#jump.forward(address, port);
      } catch (error) {
        if (error instanceof TransportError) throw error;
        throw this.#unreachable(error instanceof Error ? error : new Error(String(error)));
      }
    }
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: address, port, noDelay: true });
      const fail = (error: Error): void => {
        socket.destroy();
        reject(this.#unreachable(error));
      };
      this.#opening(fail);
      socket.setTimeout(this.#options.connectTimeoutMs, () => fail(new Error("no answer")));
      socket.once("error", fail);
      socket.once("connect", () => {
        socket.setTimeout(0);
        socket.removeListener("error", fail);
        this.#opening();
        resolve(socket);
      });
    });
  }

  /** What `close` has to end while something is being opened. */
  #opening(giveUp: (error: Error) => void = () => {}): void {
    this.#giveUp = giveUp;
    if (this.#closed) giveUp(CLOSED);
  }

  #unreachable(error: Error): TransportError {
    const { name, address, port } = this.host;
    const code = "code" in error ? String(error.code) : "";
    return new TransportError("unreachable", `${name}: cannot connect to ${address}:${port}: ${error.message}`, {
      host: name,
      hint: HINTS[code] ?? `try: ssh -p ${port} ${this.host.user}@${address}`,
      cause: error,
    });
  }

  #notLetIn({ identities, skipped }: Identities): TransportError {
    const { name, address, port, user } = this.host;
    const tried = identities.map(({ from }) => from);
    return new TransportError(
      "authentication",
      `${name}: ${user}@${address} does not let us in (tried ${tried.length > 0 ? tried.join(", ") : "nothing: there is no key"}` +
        `${skipped.length > 0 ? `; passed over: ${skipped.join(", ")}` : ""})`,
      {
        host: name,
        hint: `put the public key into ~${user}/.ssh/authorized_keys there (ssh-copy-id -p ${port} ${user}@${address}), or name another with hosts.${name}.identity`,
      },
    );
  }
}

const CLOSED = new Error("it was closed before it was open");

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "no SSH server listens there: check address and port, and that sshd runs",
  ENOTFOUND: "the name does not resolve: check `address`",
  EAI_AGAIN: "the name cannot be resolved at present: check `address` and this machine's DNS",
  EHOSTUNREACH: "there is no route to it: is it switched on, and the network up?",
  ENETUNREACH: "this machine has no network to it",
};

const method = (username: string, identity: Identity): AnyAuthMethod =>
  identity.kind === "key"
    ? { type: "publickey", username, key: identity.key }
    : { type: "agent", username, agent: identity.socket };
