import type { Manifest } from "../model/manifest.ts";
import { startNotifications } from "../notify/index.ts";
import { serveHttp } from "../service/http/index.ts";
import { createMetrics } from "../service/metrics.ts";
import { stateFolder } from "./context.ts";
import { releaseMemorySoon } from "./memory.ts";
import { requireToken } from "./token.ts";
import type { Part } from "./watch.ts";

const placeOf = ({ listen }: Manifest["service"]) => listen ?? { host: "127.0.0.1", port: 9469 };

/** What the manifest calls this machine, and what else it is to be called. */
function namesIn({ self, hosts, service: { names = [] } }: Manifest): string[] {
  const address = self === null ? undefined : hosts.get(self)?.address;
  return [...(self === null ? [] : [self]), ...(address ? [address] : []), ...names];
}

/** What `watch` does beside its work: each stands alone, and none holds up a backup. */
export const PARTS: readonly Part[] = [
  {
    name: "HTTP",
    settings: (manifest) => {
      const { listen, token } = manifest.service;
      return listen && { listen, token, names: namesIn(manifest) };
    },
    mayOverlap: (before, after) => placeOf(before.service).port !== placeOf(after.service).port,
    async start(service, { manifest, env, log }) {
      const handed = handedOver(env);
      const admitted = async (by: Manifest) => {
        const { token } = by.service;
        return { names: namesIn(by), ...(token && { token: await requireToken(token, env) }) };
      };
      const listen = placeOf(manifest.service);
      const who = await admitted(manifest);
      const metrics = createMetrics(service, { onWritten: releaseMemorySoon });
      const server = await serveHttp(service, {
        listen: handed ?? listen,
        ...who,
        metrics: async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
        log,
      }).catch((error: unknown) => {
        metrics.close();
        throw error;
      });
      const close = async (): Promise<void> => {
        await server.close();
        metrics.close();
      };
      return {
        close,
        async adapt(wanted) {
          const there = placeOf(wanted.service);
          // a socket that was handed over is there once: closed, it is gone
          if (handed === undefined && (there.host !== listen.host || there.port !== listen.port)) return false;
          server.admit(await admitted(wanted));
          return true;
        },
      };
    },
  },
  {
    name: "notifications",
    settings: ({ notifications, heartbeats }) =>
      notifications.length + heartbeats.length > 0 ? { notifications, heartbeats } : undefined,
    async start(service, { manifest, env, log }) {
      return startNotifications(service, { manifest: () => manifest, env, stateFolder: await stateFolder(), log });
    },
  },
];

/** systemd's first descriptor, where it listens for this very process. */
function handedOver(env: Readonly<Record<string, string | undefined>>): { readonly fd: number } | undefined {
  const isOurs = env.LISTEN_PID === String(process.pid) && Number(env.LISTEN_FDS) > 0;
  return isOurs ? { fd: 3 } : undefined;
}
