import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execaSync } from "execa";
import type { Metrics } from "../../../src/service/metrics.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const programs = execaSync("bash", [join(root, "test/prometheus-tools/build")]).stdout;

export const packaged = (path: string): string => join(root, "packaging", path);

/** Runs promtool; what it says is all in `all`. */
export const promtool = (args: readonly string[], input?: string) =>
  execaSync(join(programs, "promtool"), args, { all: true, reject: false, ...(input !== undefined && { input }) });

export interface Endpoint {
  readonly address: string;
  /** Resolves when so many more scrapes have been answered. */
  scrapes(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Serves metrics on loopback, as the service does. */
export async function serve(metrics: Metrics): Promise<Endpoint> {
  let waiting: { count: number; readonly done: () => void }[] = [];
  const server = createServer((_, response) => {
    void metrics.text().then((text) => {
      response.setHeader("content-type", metrics.contentType);
      response.end(text, () => {
        for (const each of waiting) if (--each.count === 0) each.done();
        waiting = waiting.filter(({ count }) => count > 0);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    scrapes: (count) => new Promise((done) => waiting.push({ count, done })),
    close: () => closed(server),
  };
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What the API answers, as far as tests look at it. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** A time and a value; several of a range. */
  readonly values: readonly (readonly [number, string])[];
}

export interface Prometheus {
  query(expression: string): Promise<Series[]>;
  /** Over the last minute, second by second. */
  queryRange(expression: string): Promise<Series[]>;
  labelValues(label: string, selector: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** A Prometheus of its own on loopback, which scrapes `target` each second and evaluates `rules`. */
export async function startPrometheus(target: string, rules: string): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-prometheus-"));
  const port = await freePort();
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [rules],
    scrape_configs: [{ job_name: "holdfast", static_configs: [{ targets: [target] }] }],
  };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config)); // which is YAML, too
  const child = spawn(
    join(programs, "prometheus"),
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: {} },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));

  const api = async <T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string };
    if (status !== "success") throw new Error(`${JSON.stringify(parameters)}: ${error}`);
    return data;
  };
  const results = async (path: string, parameters: Readonly<Record<string, string>>): Promise<Series[]> => {
    const { result } = await api<{
      result: { metric: Series["metric"]; value?: Series["values"][number]; values?: Series["values"] }[];
    }>(path, parameters);
    return result.map(({ metric, value, values }) => ({ metric, values: values ?? (value ? [value] : []) }));
  };
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(port, child, () => said);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    query: (query) => results("query", { query }),
    queryRange(query) {
      const end = Math.floor(Date.now() / 1000);
      return results("query_range", { query, start: String(end - 60), end: String(end), step: "1" });
    },
    labelValues: (label, selector) => api(`label/${label}/values`, { "match[]": selector }),
    stop,
  };
}

const PATIENCE_MS = 60_000;

async function ready(port: number, child: { readonly exitCode: number | null }, said: () => string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (child.exitCode === null && performance.now() < until) {
    const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(100); // it tells nobody when it is
  }
  throw new Error(`prometheus is not ready: ${said()}`);
}
