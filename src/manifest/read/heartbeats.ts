import type { Heartbeat } from "../../model/manifest.ts";
import type { Heartbeat as HeartbeatKeys } from "../generated/types.ts";
import type { Context } from "./context.ts";
import { readSecret } from "./secrets.ts";

export function readHeartbeats(context: Context, heartbeats: readonly HeartbeatKeys[]): Heartbeat[] {
  return heartbeats.map((keys) => {
    const at = context.pathOf(keys);
    return context.remember({ type: keys.type, url: readSecret(context, keys.url, [...at, "url"]) }, at);
  });
}
