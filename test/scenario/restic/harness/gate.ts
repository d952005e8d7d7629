import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** Stands before a server of HTTP and can hold a request for ever: what asked for it is then killed. */
export interface Gate {
  readonly port: number;
  /**
   * Resolves when a request that fits, such as `POST /repository/data/…`, has arrived, and nothing passes any more: `before` it reached the server, or once
   * it was carried out there and only the answer is missing.
   */
  hold(request: RegExp, when: "before" | "after"): Promise<void>;
  /** Lets everything pass again; what was held is lost. */
  open(): void;
  close(): Promise<void>;
}

export async function openGate(target: number): Promise<Gate> {
  let held: { readonly request: RegExp; readonly when: "before" | "after"; reached(): void } | undefined;
  let isShut = false;
  const agent = new http.Agent({ keepAlive: true });
  const server = http.createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    request.on("error", () => {});
    const reached = held?.request.test(line) ? held : undefined;
    if (reached?.when === "before") shut();
    if (isShut) return;
    const { method, url, headers } = request;
    const onward = http.request({ port: target, host: "127.0.0.1", method, path: url, headers, agent }, (answer) => {
      if (reached?.when === "after") {
        answer.resume();
        answer.once("end", shut);
        return;
      }
      if (isShut) return void answer.resume();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  function shut(): void {
    isShut = true;
    held?.reached();
    held = undefined;
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hold: (request, when) =>
      new Promise((resolve) => {
        held = { request, when, reached: resolve };
      }),
    open() {
      isShut = false;
      server.closeAllConnections();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      agent.destroy();
    },
  };
}
