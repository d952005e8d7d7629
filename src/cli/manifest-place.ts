import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Host } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";
import type { GlobalOptions } from "./context.ts";
import { Failure } from "./exit.ts";

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
