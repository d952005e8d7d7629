import { once } from "node:events";
import net from "node:net";

/** A stretch of network to a port of 127.0.0.1, which can be counted and cut. */
export interface Link extends AsyncDisposable {
  /** Where it is entered: on 127.0.0.1; from inside a machine 10.0.2.2. */
  readonly port: number;
  /** Bytes carried so far: `up` towards the target, `down` from it. */
  readonly bytes: { readonly up: number; readonly down: number };
  /** Connections opened so far. */
  readonly connections: number;
  /** Resolves once `count` more bytes, of both directions together, have passed. */
  passed(count: number): Promise<void>;
  /** Cuts as soon as `count` more bytes have passed; resolves when it has. */
  cutAfter(count: number): Promise<void>;
  /**
   * Drops every connection and refuses new ones until `restore`. The near end meets a reset; the far end still gets
   * every byte that was counted, so that a test can say how much arrived, and then the end.
   */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
}

/** Bytes of an SSH channel's window: what a receiver as slow as these has not read yet is lost with the connection. */
export const sshWindow = 2 * 2 ** 20;

/** Opens a link to a port of 127.0.0.1. */
export async function openLink(target: number): Promise<Link> {
  const open = new Set<{ near: net.Socket; far: net.Socket }>();
  const marks = new Set<{ at: number; reached: () => void }>();
  const bytes = { up: 0, down: 0 };
  let connections = 0;
  let isCut = false;

  const count = (direction: "up" | "down", length: number): void => {
    bytes[direction] += length;
    for (const mark of marks) {
      if (bytes.up + bytes.down < mark.at) continue;
      marks.delete(mark);
      mark.reached();
    }
  };
  const carry = (from: net.Socket, to: net.Socket, direction: "up" | "down"): void => {
    from.on("data", (chunk: Buffer) => {
      if (to.writableEnded || to.destroyed) return;
      if (!to.write(chunk)) from.pause();
      count(direction, chunk.length);
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    // Either end may break at any time; the other one then ends too, below.
    from.on("error", () => {});
  };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    connections++;
    const far = net.connect({ host: "127.0.0.1", port: target, allowHalfOpen: true, noDelay: true });
    const pair = { near, far };
    open.add(pair);
    carry(near, far, "up");
    carry(far, near, "down");
    near.on("close", () => far.destroySoon());
    far.on("close", () => {
      near.destroySoon();
      open.delete(pair);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const after = (count: number, reached: () => void): void => {
    marks.add({ at: bytes.up + bytes.down + count, reached });
  };
  const link: Link = {
    port: (server.address() as net.AddressInfo).port,
    bytes,
    get connections() {
      return connections;
    },
    passed: (count) => new Promise((resolve) => after(count, resolve)),
    cutAfter: (count) =>
      new Promise((resolve) =>
        after(count, () => {
          link.cut();
          resolve();
        }),
      ),
    cut() {
      isCut = true;
      for (const { near } of open) near.resetAndDestroy();
    },
    restore() {
      isCut = false;
    },
    async close() {
      link.cut();
      for (const { far } of open) far.destroy();
      server.close();
      await once(server, "close");
    },
    [Symbol.asyncDispose]: () => link.close(),
  };
  return link;
}
