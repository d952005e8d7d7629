import type { Host } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";
import { Connection } from "./connection.ts";
import { startLocal } from "./local.ts";
import { followPipe, preparePipe, type Reach } from "./pipe.ts";
import type { Running } from "./running.ts";
import { Secret } from "./secret.ts";
import { commandScript, marked, writeVariables } from "./shell.ts";
import { SshClients } from "./ssh-client.ts";
import { supervise } from "./supervise.ts";
import { type Hosts, type HostsOptions, type RunOptions, type RunResult, TransportError } from "./types.ts";

/** Nothing is contacted yet: connections are opened by the first command that needs them. */
export function connectHosts(hosts: ReadonlyMap<HostName, Host>, options: HostsOptions): Hosts {
  const { env } = options;
  const timing = {
    connectTimeoutMs: options.connectTimeoutMs ?? 20_000,
    keepAliveMs: options.keepAliveMs ?? 10_000,
    graceMs: options.graceMs ?? 10_000,
  };
  const connections = new Map<HostName, Connection>();
  const clients = new SshClients({ env, ...timing });
  const running = new Set<Running>();
  let closed = false;

  function hostOf(name: HostName): Host {
    const host = hosts.get(name);
    if (host === undefined) throw new TransportError("internal", `${name} is no host of the manifest`, { host: name });
    if (closed) throw new TransportError("internal", "the connections are closed already", { host: name });
    return host;
  }

  function connectionTo(host: Host): Connection {
    let connection = connections.get(host.name);
    if (connection === undefined) {
      const jump = host.jump === undefined ? undefined : connectionTo(hostOf(host.jump));
      connection = new Connection(host, jump, { env, ...timing });
      connections.set(host.name, connection);
    }
    return connection;
  }

  function jumpsOf(host: Host): Connection[] {
    if (host.jump === undefined) return [];
    const jump = hostOf(host.jump);
    return [connectionTo(jump), ...jumpsOf(jump)];
  }

  /** Keeps track of what runs, so that `close` leaves nothing behind. */
  function track(started: Running): Running {
    running.add(started);
    const done = (): boolean => running.delete(started);
    started.ended.then(done, done);
    return started;
  }

  async function start(host: Host, argv: readonly string[], { env: own, endsBy }: RunOptions): Promise<Running> {
    const { graceMs } = timing;
    const sudo = needsSudo(host, argv);
    if (sudo && own !== undefined) {
      throw new TransportError("internal", "sudo passes no environment variables on", { host: host.name });
    }
    const command = sudo ? ["sudo", "-n", ...argv] : argv;
    const variables = own && revealed(own);
    if (host.local) {
      return track(startLocal(command, { env, graceMs, ...(variables && { variables }), ...(endsBy && { endsBy }) }));
    }
    const connection = connectionTo(host);
    const script = commandScript(command, {
      readsVariables: variables !== undefined,
      endsBy: endsBy ?? "SIGTERM",
      graceSeconds: graceMs / 1000,
    });
    return track(await connection.start(marked(connection.mark, script), variables && writeVariables(variables)));
  }

  async function read(
    name: HostName,
    argv: readonly string[],
    onBytes: ((chunk: Buffer) => void) | undefined,
    run: RunOptions = {},
  ): Promise<RunResult> {
    const host = hostOf(name);
    const started = await abortable(start(host, argv, run), host, run.signal, (late) => late.stop());
    try {
      const result = await supervise(started, {
        ...run,
        argv,
        host: name,
        patienceMs: 2 * timing.graceMs,
        ...(onBytes === undefined ? {} : { onBytes }),
      });
      return couldRun(host, argv, result);
    } catch (error) {
      if (error instanceof TransportError && error.host === undefined) throw named(error, host);
      throw error;
    }
  }

  /** A stream cannot do without what an account's start-up files print; so they must not. */
  async function quiet(host: Host): Promise<void> {
    const connection = connectionTo(host);
    if (connection.noise === undefined) await read(host.name, ["true"], undefined);
    if (connection.noise) {
      throw new TransportError(
        "shell",
        `${host.name}: the start-up files of ${host.user}'s shell print on stdout: ${JSON.stringify(connection.noise.slice(0, 80))}`,
        {
          host: host.name,
          hint: "that would end up in the data: let them print only for interactive shells ([ -t 1 ] && …)",
        },
      );
    }
  }

  return {
    run: (name, argv, run) => read(name, argv, undefined, run),
    read: (name, argv, onBytes, run) => read(name, argv, onBytes, run),
    async pipe(spec, pipe = {}) {
      const from = hostOf(spec.from.host);
      const to = hostOf(spec.to.host);
      // Between two ends on one far host nothing needs to come here.
      const there = from.name === to.name && !from.local;
      const reach = (host: Host, argv: readonly string[]): Reach => ({
        here: there || host.local,
        sudo: needsSudo(host, argv),
        ssh: (script) => clients.command(connectionTo(host), jumpsOf(host), script),
      });
      const prepare = async (): Promise<Awaited<ReturnType<typeof preparePipe>>> => {
        if (!from.local && !there) await quiet(from);
        return preparePipe(spec, reach(from, spec.from.argv), reach(to, spec.to.argv));
      };
      const prepared = await abortable(prepare(), from, pipe.signal);
      if (there) {
        const connection = connectionTo(from);
        const started = track(await connection.start(marked(connection.mark, prepared.script)));
        return followPipe(started, prepared, pipe, timing.graceMs);
      }
      const local = startLocal(["/bin/sh", "-c", prepared.script], {
        env,
        stdin: "life-line",
        graceMs: timing.graceMs,
      });
      return followPipe(track(local), prepared, pipe, timing.graceMs);
    },
    async close() {
      closed = true;
      const left = [...running];
      for (const each of left) each.stop();
      // What the kernel holds is left to it.
      await Promise.race([
        Promise.allSettled(left.map(({ ended }) => ended)),
        new Promise((resolve) => setTimeout(resolve, 6 * timing.graceMs).unref()),
      ]);
      // Through a jump host: the far end first.
      for (const connection of [...connections.values()].reverse()) await connection.close();
      await clients.close();
    },
  };
}

const revealed = (variables: NonNullable<RunOptions["env"]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );

/** `sudo: true` speaks of `zfs`; whatever else is run needs no rights. */
const needsSudo = (host: Host, [program]: readonly string[]): boolean => host.sudo && program === "zfs";

/** A shell's 127 and sudo's refusals mean that the command never ran. */
function couldRun(host: Host, argv: readonly string[], result: RunResult): RunResult {
  const [program = ""] = argv;
  if (result.code === 0) return result;
  if (result.code === 127 || (host.sudo && /^sudo: .*: command not found/m.test(result.stderr))) {
    throw new TransportError("not-found", `${host.name}: ${program} is not installed there, or not in PATH`, {
      host: host.name,
      hint: program === "zfs" ? "apt install zfsutils-linux, and see that the account finds it" : `install ${program}`,
    });
  }
  const refused = host.sudo
    ? /^sudo: .*|^.* is not in the sudoers file.*|^Sorry, user .*/m.exec(result.stderr)?.[0]
    : undefined;
  if (refused !== undefined) {
    throw new TransportError("sudo", `${host.name}: sudo refuses to run ${program}: ${refused}`, {
      host: host.name,
      hint: `add to sudoers there: ${host.user} ALL=(root) NOPASSWD: /usr/sbin/zfs`,
    });
  }
  return result;
}

function named(error: TransportError, host: Host): TransportError {
  return new TransportError(error.kind, `${host.name}: ${error.message}`, {
    host: host.name,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** What is being set up is shared with others and goes on; only this waiting ends. */
async function abortable<T>(
  work: Promise<T>,
  host: Host,
  signal: AbortSignal | undefined,
  undo: (late: T) => void = () => {},
): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new TransportError("aborted", `${host.name}: interrupted`, { host: host.name }));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    work.then(undo, () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
