import { connect, createServer, type Socket } from "node:net";

/** A link to a port on loopback that can be cut, frozen, or slow. */
export interface Link {
  readonly port: number;
  /** Connections that were made through it. */
  readonly connections: number;
  /** Bytes that went to the port. */
  readonly sent: number;
  /** Resets every connection, as a router that lost its state does. */
  cut(): void;
  /** Nothing passes any more and nobody is told, as with a pulled cable. */
  freeze(): void;
  /** From now on new connections lead elsewhere; those that are open stay. */
  redirect(port: number): void;
  close(): Promise<void>;
}

export async function startLink(first: number, options: { readonly bytesPerSecond?: number } = {}): Promise<Link> {
  const sockets = new Set<Socket>();
  let target = first;
  let frozen = false;
  let closed = false;
  let connections = 0;
  let sent = 0;
  const server = createServer((near) => {
    if (closed) {
      near.destroy(); // it had been accepted already
      return;
    }
    connections += 1;
    const far = connect(target, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        if (!frozen) (socket === near ? far : near).destroy();
      });
    }
    const pass = (from: Socket, to: Socket, count: (bytes: number) => void): void => {
      from.on("data", (chunk: Buffer) => {
        if (frozen) return;
        count(chunk.length);
        to.write(chunk);
        if (options.bytesPerSecond === undefined) return;
        from.pause();
        setTimeout(() => from.resume(), (chunk.length / options.bytesPerSecond) * 1000).unref();
      });
      from.once("end", () => frozen || to.end());
    };
    pass(near, far, (bytes) => {
      sent += bytes;
    });
    pass(far, near, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    get connections() {
      return connections;
    },
    get sent() {
      return sent;
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    freeze() {
      frozen = true;
    },
    redirect(port) {
      target = port;
    },
    async close() {
      closed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
