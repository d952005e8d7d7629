import type { Manifest } from "../../model/manifest.ts";
import type { HostName, RemoteName } from "../../model/units.ts";
import type { Path } from "../tree.ts";
import { StaticSources } from "./sources.ts";
import { StaticDirectory } from "./static-directories.ts";

/** All that the manifest protects, as far as it is known without an inventory. */
export class Known {
  readonly manifest: Manifest;
  readonly isBroken: (path: Path) => boolean;
  readonly datasets: StaticSources;
  readonly directories: readonly StaticDirectory[];

  constructor(manifest: Manifest, isBroken: (path: Path) => boolean) {
    this.manifest = manifest;
    this.isBroken = isBroken;
    this.datasets = new StaticSources(manifest, isBroken);
    this.directories = manifest.directories.map((entry) => new StaticDirectory(manifest, entry, isBroken));
  }

  /** Remotes with copies of the source at an address; `undefined` where there is no such source. */
  remotesOf(address: string): readonly RemoteName[] | "broken" | undefined {
    const directory = this.directories.find((each) => each.address === address);
    const colon = address.indexOf(":");
    const dataset = this.datasets.at(address.slice(0, colon) as HostName, address.slice(colon + 1));
    if (!directory && !dataset.isCovered) return undefined;
    const remotes = directory ? directory.find("remotes") : dataset.find("remotes");
    return remotes === "broken" ? "broken" : [...(remotes?.value.keys() ?? [])];
  }

  /** The remote whose copies a mirror holds; a remote's own. */
  originalOf(name: RemoteName): RemoteName {
    return this.manifest.mirrors.get(name)?.of ?? name;
  }
}
