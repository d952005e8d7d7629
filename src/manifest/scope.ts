import type { Manifest, ZfsRemote } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";

/** What this process is responsible for, of all that the manifest describes. */
export interface Scope {
  /** Takes snapshots at, and thins, sources on this host. */
  sources(host: HostName): boolean;
  /** Transfers to, and thins, copies of this host's sources on this remote. */
  copies(host: HostName, remote: ZfsRemote): boolean;
}

/** `mode: push` makes the source's host responsible for a copy, `pull` the remote's; a controller is for everything. */
export function scopeOf(manifest: Manifest, options: { readonly allHosts: boolean }): Scope {
  const { self } = manifest;
  const everything = manifest.controller || options.allHosts;
  return {
    sources: (host) => everything || host === self,
    copies: (host, remote) => everything || (remote.mode === "pull" ? (remote.host ?? host) : host) === self,
  };
}
