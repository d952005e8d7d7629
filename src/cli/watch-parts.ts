import { startNotifications } from "../notify/index.ts";
import { serveHttp } from "../service/http/index.ts";
import { createMetrics } from "../service/metrics.ts";
import { stateFolder } from "./context.ts";
import { releaseMemorySoon } from "./memory.ts";
import { requireToken } from "./token.ts";
import type { Part } from "./watch.ts";

/** What `watch` does beside its work: each stands alone, and none holds up a backup. */
export const PARTS: readonly Part[] = [
  {
    name: "HTTP",
    settings: ({ service: { listen, token } }) => listen && { listen, token },
    async start(service, { manifest, env, log }) {
      const { listen, token } = manifest.service;
      const metrics = createMetrics(service, { onWritten: releaseMemorySoon });
      const server = await serveHttp(service, {
        listen: handedOver(env) ?? listen ?? { host: "127.0.0.1", port: 9469 },
        ...(token && { token: await requireToken(token, env) }),
        metrics: async () => ({ contentType: metrics.contentType, body: await metrics.text() }),
        log,
      });
      return {
        async close() {
          await server.close();
          metrics.close();
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
