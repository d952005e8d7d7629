import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Host } from "../model/manifest.ts";
import type { KitManifest } from "../model/recovery-kit.ts";
import type { HostName } from "../model/units.ts";
import { Git } from "../transport/git.ts";
import { TransportError } from "../transport/types.ts";
import type { GlobalOptions } from "./context.ts";
import { Failure } from "./exit.ts";
import { connect } from "./world.ts";

export const here = "local" as HostName;
export const thisMachine: Host = {
  name: here,
  local: true,
  address: "localhost",
  port: 22,
  user: "",
  hostKeys: [],
  sudo: false,
};

/** Where the manifest itself is, links followed: that is the place in the repository. */
export function manifestPath({ file }: Pick<GlobalOptions, "file">): string {
  const places = file === undefined ? ["holdfast.yaml", "/etc/holdfast/holdfast.yaml", "/etc/holdfast"] : [file];
  const found = places.map((place) => resolve(place)).find((place) => existsSync(place));
  if (found === undefined)
    throw new Failure("there is no manifest to compare with an older one", { hint: "give it with -f" });
  return realpathSync(found);
}

const PATIENCE_MS = 60_000;

/** Where the manifest is, and in which commit, if git keeps it. */
export async function manifestInGit(options: GlobalOptions, signal: AbortSignal): Promise<Omit<KitManifest, "digest">> {
  const path = manifestPath(options);
  const isFolder = statSync(path).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const hosts = await connect({ hosts: new Map([[here, thisMachine]]) }, options);
  try {
    const git = new Git(hosts, here, folder);
    const ask = async (...argv: string[]): Promise<string | undefined> => {
      const { code, stdout } = await git.run(argv, { timeoutMs: PATIENCE_MS, signal });
      return code === 0 ? stdout.trim() : undefined;
    };
    const what = isFolder ? "." : basename(path);
    // a repository around it that does not have it tells nothing of it
    const known = await ask("ls-files", "--error-unmatch", "--", what);
    const commit = known === undefined ? undefined : await ask("rev-parse", "--verify", "HEAD");
    if (commit === undefined) return { path };
    const [changes, origin] = await Promise.all([
      ask("status", "--porcelain", "--", what),
      ask("remote", "get-url", "origin"),
    ]);
    const { withoutSecret } = await import("../service/git-source.ts");
    return {
      path,
      git: {
        commit,
        changed: changes !== "",
        ...(origin !== undefined && origin !== "" && { origin: withoutSecret(origin) }),
      },
    };
  } catch (error) {
    if (error instanceof TransportError) return { path };
    throw error;
  } finally {
    await hosts.close();
  }
}
