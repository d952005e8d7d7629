import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Heard {
  readonly method: string;
  /** With what stands after `?`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request; the default is an empty 200. */
export type Answer = (response: ServerResponse, heard: Heard, count: number) => void;

/** An HTTP server on loopback that writes down what it hears. */
export async function receiver(initial: Answer = (response) => response.end()) {
  const heard: Heard[] = [];
  const waiting: (() => void)[] = [];
  let answer = initial;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString("utf8") };
      heard.push(one);
      answer(response, one, heard.length);
      for (const go of waiting.splice(0)) go();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    bodies: () => heard.map(({ body }) => JSON.parse(body)),
    answers(next: Answer) {
      answer = next;
    },
    /** Resolves when so many requests were heard in all. */
    async count(many: number): Promise<void> {
      while (heard.length < many) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
export type Receiver = Awaited<ReturnType<typeof receiver>>;

/** Where nobody listens. */
export async function refusing(): Promise<string> {
  const one = await receiver();
  await one.close();
  return one.url;
}
