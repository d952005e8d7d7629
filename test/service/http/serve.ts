import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { ServiceView } from "../../../src/model/service.ts";
import { type HttpOptions, type HttpServer, type Limits, serveHttp } from "../../../src/service/http/index.ts";
import { badDay, type FakeService, fakeService, NOW } from "./fixture.ts";

export const TOKEN = "a-token-of-some-length";

export interface Serving {
  readonly service: FakeService;
  readonly server: HttpServer;
  readonly port: number;
  readonly log: { readonly level: string; readonly message: string }[];
}

/** A server of its own, gone after the test. */
export async function serving(
  options: Partial<HttpOptions> & { readonly limits?: Partial<Limits> } = {},
  view: ServiceView = badDay(),
  service = fakeService(view),
): Promise<Serving> {
  const log: { level: string; message: string }[] = [];
  const server = await serveHttp(service, {
    listen: { host: "127.0.0.1", port: 0 },
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", body: "holdfast_build_info 1\n" }),
    log: {
      info: (_, message) => log.push({ level: "info", message }),
      warn: (_, message) => log.push({ level: "warn", message }),
    },
    now: () => NOW * 1000,
    ...options,
  });
  onTestFinished(() => server.close());
  return { service, server, port: Number(new URL(server.address).port), log };
}

/** A connection as no HTTP library would make it. */
export function dial(port: number, ...lines: readonly string[]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.off("error", reject);
      socket.on("error", () => {}); // cut off by the server: the close tells
      if (lines.length > 0) socket.write(lines.join("\r\n"));
      resolve(socket);
    });
    socket.once("error", reject);
    onTestFinished(() => void socket.destroy());
  });
}

/** All that comes until the server ends it. */
export function everything(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
    });
    socket.once("close", () => resolve(text));
  });
}

/** Sends a request line and headers, and reads the answer until the server closes. */
export async function raw(port: number, ...lines: readonly string[]): Promise<string> {
  return everything(await dial(port, ...lines, "Connection: close", "", ""));
}

export const statusOf = (answer: string): number => Number(answer.split(" ", 2)[1]);
