import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where what outlives a restart is kept: `HOLDFAST_STATE_DIR`, what systemd made for the unit, /var/lib/holdfast for root,
 * and a folder of their own for others. Nothing else is lost with it.
 */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const [made] = (env.STATE_DIRECTORY ?? "").split(":");
  if (env.HOLDFAST_STATE_DIR) return env.HOLDFAST_STATE_DIR;
  if (made) return made;
  if (process.getuid?.() === 0) return "/var/lib/holdfast";
  return join(env.XDG_STATE_HOME || join(env.HOME ?? homedir(), ".local/state"), "holdfast");
}
