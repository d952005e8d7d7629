import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface Connections {
  /** Ends those that no request runs on; the others end with their answer. */
  closeIdle(): void;
  readonly count: number;
}

/**
 * Keeps so many connections at most. Where there is no room, the one that has been without a complete request for longest
 * goes: whoever opens thousands, or sends a header for ever, keeps nobody else out.
 */
export function limitConnections(server: Server, most: number): Connections {
  const idle = new Set<Socket>();
  const busy = new Map<Socket, number>();
  let isClosing = false;
  const count = (): number => idle.size + busy.size;
  server.on("connection", (socket: Socket) => {
    if (count() >= most) makeRoom();
    if (count() >= most) {
      socket.destroy();
      return;
    }
    idle.add(socket);
    socket.once("close", () => {
      idle.delete(socket);
      busy.delete(socket);
    });
  });
  server.on("request", ({ socket }, response) => {
    idle.delete(socket);
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (busy.get(socket) ?? 1) - 1;
      if (left > 0) busy.set(socket, left);
      else {
        busy.delete(socket);
        if (isClosing) socket.destroySoon();
        else if (!socket.destroyed) idle.add(socket);
      }
    });
  });
  function makeRoom(): void {
    const [oldest] = idle;
    if (oldest === undefined) return;
    idle.delete(oldest);
    oldest.destroy();
  }
  return {
    closeIdle() {
      isClosing = true;
      for (const socket of idle) socket.destroy();
    },
    get count() {
      return count();
    },
  };
}
