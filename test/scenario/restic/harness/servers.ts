import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { tools } from "../../../remotes/restic/tools.ts";
import { freePort, startSshd } from "../../../ssh/sshd.ts";

/** A server on loopback that keeps repositories in a folder of this machine. */
export interface Server {
  readonly port: number;
  /** What lies where a repository's location leads. */
  readonly folder: string;
  stop(): Promise<void>;
}

export interface Account {
  readonly user: string;
  readonly password: string;
}

/** `rest:http://USER:PASSWORD@127.0.0.1:PORT/NAME` is kept at `FOLDER/NAME`. */
export async function startRestServer(
  options: { readonly account?: Account; readonly appendOnly?: true } = {},
): Promise<Server> {
  const { account, appendOnly } = options;
  const folder = mkdtempSync(join(tmpdir(), "rest-server-"));
  if (account !== undefined) {
    const hash = createHash("sha1").update(account.password).digest("base64");
    writeFileSync(join(folder, ".htpasswd"), `${account.user}:{SHA}${hash}\n`);
  }
  return start(folder, (port) => [
    "rest-server",
    `--path=${folder}`,
    `--listen=127.0.0.1:${port}`,
    ...(account === undefined ? ["--no-auth"] : []),
    ...(appendOnly ? ["--append-only"] : []),
  ]);
}

/** How `restic` reaches folders of this machine by SFTP. */
export interface Sftp {
  /** `PREFIX/PATH` is a location. */
  readonly prefix: string;
  /** What stands in for `ssh`: the account's own settings, for a client that cannot be given others. */
  readonly ssh: string;
  stop(): Promise<void>;
}

/** A real sshd where there is one; otherwise what one would start. */
export async function startSftp(): Promise<Sftp> {
  const where = `sftp:${userInfo().username}@127.0.0.1:`;
  if (!existsSync("/usr/sbin/sshd")) {
    return { prefix: where, ssh: `exec '${folderOfTools()}/sftp-server'`, stop: async () => {} };
  }
  const sshd = await startSshd({ config: "Subsystem sftp internal-sftp" });
  const known = join(sshd.directory, "known_hosts");
  writeFileSync(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
  const settings = [`UserKnownHostsFile=${known}`, "BatchMode=yes", "IdentitiesOnly=yes"].map((each) => `-o ${each}`);
  const ssh = `exec /usr/bin/ssh -F none -p ${sshd.port} -i '${sshd.identity}' ${settings.join(" ")} "$@"`;
  return { prefix: where, ssh, stop: () => sshd.stop() };
}

function folderOfTools(): string {
  if ("missing" in tools) throw new Error(`the real tools are missing: ${tools.missing}`);
  return tools.folder;
}

async function start(folder: string, command: (port: number) => readonly string[]): Promise<Server> {
  const port = await freePort();
  const [program = "", ...args] = command(port);
  const server = spawn(join(folderOfTools(), program), args, {
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.on("data", (chunk: Buffer) => (log += chunk));
  const ended = new Promise((resolve) => server.once("exit", resolve));
  while (!(await answers(port))) {
    if (server.exitCode !== null) throw new Error(`${program} ended: ${log}`);
    await setTimeout(10);
  }
  return {
    port,
    folder,
    async stop() {
      server.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
