import { once } from "node:events";
import net from "node:net";

/** A stretch of network between this machine, or a machine on it, and a port here; it can be counted and cut. */
export interface Link extends AsyncDisposable {
  /** On 127.0.0.1; from inside a machine 10.0.2.2. */
  readonly port: number;
  /** Bytes carried so far: `up` towards the port, `down` from it. */
  readonly bytes: { readonly up: number; readonly down: number };
  /** Connections opened so far. */
  readonly connections: number;
  /** Resolves once `count` more bytes, of both directions together, have passed. */
  passed(count: number): Promise<void>;
  /** Cuts as soon as `count` more bytes have passed; resolves when it has. */
  cutAfter(count: number): Promise<void>;
  /** Drops every connection and refuses new ones until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

/** Opens a link to a port of 127.0.0.1. */
export async function openLink(target: number): Promise<Link> {
  const sockets = new Set<net.Socket>();
  const marks = new Set<{ at: number; reached: () => void }>();
  const bytes = { up: 0, down: 0 };
  let connections = 0;
  let isCut = false;

  /** Adds what may still pass before a mark: the bytes of a chunk beyond a cut never arrive. */
  const count = (direction: "up" | "down", length: number): void => {
    bytes[direction] += length;
    for (const mark of marks) {
      if (bytes.up + bytes.down < mark.at) continue;
      marks.delete(mark);
      mark.reached();
    }
  };
  const join = (from: net.Socket, to: net.Socket, direction: "up" | "down"): void => {
    sockets.add(from);
    from.on("data", (chunk: Buffer) => {
      count(direction, chunk.length);
      if (!to.destroyed && !to.write(chunk)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (isCut) {
      client.resetAndDestroy();
      return;
    }
    connections++;
    const upstream = net.connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
    join(client, upstream, "up");
    join(upstream, client, "down");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const link: Link = {
    port: (server.address() as net.AddressInfo).port,
    bytes,
    get connections() {
      return connections;
    },
    passed: (count) => new Promise((resolve) => marks.add({ at: bytes.up + bytes.down + count, reached: resolve })),
    cutAfter: (count) =>
      new Promise((resolve) =>
        marks.add({
          at: bytes.up + bytes.down + count,
          reached: () => {
            link.cut();
            resolve();
          },
        }),
      ),
    cut() {
      isCut = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    restore() {
      isCut = false;
    },
    async close() {
      link.cut();
      server.close();
      await once(server, "close");
    },
    [Symbol.asyncDispose]: () => link.close(),
  };
  return link;
}
