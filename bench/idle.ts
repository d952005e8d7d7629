import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";
import { startSshd } from "../test/ssh/sshd.ts";
import { holdfast, inFolder, megabytes, percent, seconds, table } from "./measure.ts";
import { lastHour, record } from "./recording.ts";

const sources = 1000;
const snapshots = 30;
/** The service gives back what a look needed soon after it. */
const quietSeconds = 30;
const TOKEN = "0123456789abcdef0123456789abcdef";
/** A second of processor time, as /proc counts it. */
const TICKS = 100;

/** What a service costs in which nothing has to be done: processor time between two looks and for each, memory over many. */
export async function idle(looks: readonly number[]): Promise<string> {
  return inFolder(async (folder) => {
    const sshd = await startSshd({ config: `SetEnv PATH=${join(folder, "vault/bin")}:/usr/bin:/bin` });
    const port = await freePort();
    try {
      const vault = {
        address: "127.0.0.1",
        port: sshd.port,
        user: sshd.host("vault").user,
        identity: { file: sshd.identity },
        hostKeys: [sshd.hostKey],
      };
      const hosts = { nas: { address: "nas" }, vault };
      await record(folder, { datasets: sources, snapshots, newest: lastHour(Date.now() / 1000), hosts });
      await serve(folder, port);
      const service = execa(process.execPath, [holdfast, "watch", "--as", "nas"], {
        cwd: folder,
        env: {
          PATH: `${join(folder, "nas/bin")}:${process.env.PATH}`,
          HOME: folder,
          HOLDFAST_LOCK_DIR: folder,
          HOLDFAST_STATE_DIR: join(folder, "state"),
          // as the unit for systemd has it
          MALLOC_ARENA_MAX: "1",
          MALLOC_MMAP_THRESHOLD_: "131072",
        },
        extendEnv: false,
        stdin: "ignore",
        reject: false,
      });
      const pid = service.pid ?? Number.NaN;
      const ask = async (path: string, init?: RequestInit): Promise<Response> => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        return response;
      };
      /** How often it has looked at all sources. */
      const counted = async (): Promise<number> => {
        const text = await (await ask("/metrics")).text();
        const counts = text.matchAll(/^holdfast_reconcile_total\{.*result="clean".*\} (\d+)$/gm);
        return [...counts].reduce((sum, [, count]) => sum + Number(count), 0) / sources;
      };
      const looked = async (count: number): Promise<void> => {
        while ((await counted().catch(() => 0)) < count) await pause(500);
      };
      const look = async (count: number): Promise<void> => {
        await ask("/api/v1/reconcile", { method: "POST", headers: { Authorization: `Bearer ${TOKEN}` } });
        await looked(count);
      };
      await looked(1);
      const rows: string[][] = [];
      let done = 1;
      let cpu = 0;
      for (const until of looks) {
        const before = await cpuOf(pid);
        for (; done < until; done++) await look(done + 1);
        cpu += (await cpuOf(pid)) - before;
        const busy = await memoryOf(pid);
        await pause(quietSeconds * 1000);
        rows.push([String(until), megabytes(busy), megabytes(await memoryOf(pid))]);
      }
      const each = cpu / (done - 1);
      const before = await cpuOf(pid);
      await pause(60_000);
      const quiet = ((await cpuOf(pid)) - before) / 60;
      service.kill("SIGTERM");
      const { exitCode, stderr } = await service;
      if (exitCode !== 0) throw new Error(`the service ended with ${exitCode}: ${stderr}`);
      return `## An idle service

\`holdfast watch\` with ${sources.toLocaleString("en")} datasets of ${snapshots} snapshots and one remote with as many, and nothing to do.
To reach: below 1 % of a core, below 150 MB, flat.

| | processor time, all it starts included |
| --- | ---: |
| a look, and asking for the metrics until it is over | ${seconds(each)} |
| between looks | ${percent(quiet)} of a core |
| with a look every 5 minutes | ${percent(quiet + each / 300)} of a core |

${table(["looks", "memory right after", `memory ${quietSeconds} s later`], rows)}`;
    } finally {
      await sshd.stop();
    }
  });
}

/** Adds to the manifest where the service answers. */
async function serve(folder: string, port: number): Promise<void> {
  const file = join(folder, "holdfast.yaml");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  await writeFile(join(folder, "token"), TOKEN, { mode: 0o600 });
  const service = { listen: `127.0.0.1:${port}`, token: { file: "token" } };
  await writeFile(file, JSON.stringify({ ...manifest, service }));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : Number.NaN;
}

/** Seconds of processor time of a process and of the children that have ended. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS;
}

async function memoryOf(pid: number): Promise<number> {
  const [, kibibytes] = (await readFile(`/proc/${pid}/status`, "utf8")).match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return Number(kibibytes) * 1024;
}
