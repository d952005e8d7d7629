import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { startLink } from "../test/ssh/proxy.ts";
import { startSshd } from "../test/ssh/sshd.ts";
import { holdfast, inFolder, median, megabytes, runNode, seconds, table, type Usage } from "./measure.ts";
import { lastHour, record, recordedHosts } from "./recording.ts";

const datasets = 1000;
const snapshots = 100;

interface Pass extends Usage {
  readonly connections: number;
  /** By host. */
  readonly calls: readonly (readonly string[])[];
}

/** What a pass costs that finds nothing to do: `apply` on the machine with the sources, a remote behind SSH on loopback. */
export async function noOp(rounds: number): Promise<string> {
  return inFolder(async (folder) => {
    const sshd = await startSshd({ config: `SetEnv PATH=${join(folder, "vault/bin")}:/usr/bin:/bin` });
    const link = await startLink(sshd.port);
    try {
      const vault = {
        address: "127.0.0.1",
        port: link.port,
        user: sshd.host("vault").user,
        identity: { file: sshd.identity },
        hostKeys: [sshd.hostKey],
      };
      await record(folder, {
        datasets,
        snapshots,
        newest: lastHour(Date.now() / 1000),
        hosts: { nas: { address: "nas" }, vault },
      });
      const env = { PATH: `${join(folder, "nas/bin")}:${process.env.PATH}` };
      const runs: Pass[] = [];
      while (runs.length < rounds) {
        const before = link.connections;
        const ran = await runNode([holdfast, "apply", "--yes", "--json", "--as", "nas"], { cwd: folder, env });
        const { operations } = JSON.parse(ran.stdout);
        if (operations.length > 0) throw new Error(`there was something to do: ${ran.stdout.slice(0, 500)}`);
        runs.push({ ...ran, connections: link.connections - before, calls: await callsOf(folder) });
      }
      const each = (value: (pass: Pass) => number): string =>
        [...new Set(runs.map(value))].sort((a, b) => a - b).join(" or ");
      const counts = recordedHosts.map((host, index) => [
        host,
        each(({ calls }) => calls[index]?.filter((call) => call.startsWith("zfs list ")).length ?? 0),
        each(({ calls }) => calls[index]?.length ?? 0),
        host === "nas" ? "–" : each(({ connections }) => connections),
      ]);
      return `## A pass with nothing to do

\`holdfast apply\` with ${datasets.toLocaleString("en")} datasets of ${snapshots} snapshots and one remote with as many; ${rounds} runs.
To reach: exactly one \`zfs list\` per host, one SSH connection.

${table(["host", "`zfs list`", "`zfs` and `zpool` processes", "SSH connections"], counts)}
Each took ${seconds(median(runs.map(({ wall }) => wall)))} (median), ${seconds(median(runs.map(({ cpu }) => cpu)))} of processor time and ${megabytes(median(runs.map(({ memory }) => memory)))}.
`;
    } finally {
      await link.close();
      await sshd.stop();
    }
  });
}

/** What each host was asked since the last time. */
async function callsOf(folder: string): Promise<string[][]> {
  return Promise.all(
    recordedHosts.map(async (host) => {
      const file = join(folder, host, "calls");
      const calls = (await readFile(file, "utf8")).split("\n").filter((call) => call !== "");
      await rm(file);
      return calls;
    }),
  );
}
