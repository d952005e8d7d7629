import type { Manifest } from "../model/manifest.ts";
import type { Blocked } from "../model/plan.ts";
import { matcher } from "./patterns.ts";
import type { ResolvedSources, Source } from "./sources.ts";

/** The sources that `--target` and `--exclude` leave, with what is blocked among them. */
export function selected(
  resolved: ResolvedSources,
  target: readonly string[] | undefined,
  exclude: readonly string[] | undefined,
  manifest: Manifest,
): {
  readonly sources: readonly Source[];
  readonly blocked: readonly Blocked[];
  readonly includes: (address: string) => boolean;
} {
  const any = (patterns: readonly string[]) => {
    const matchers = patterns.map(matcher);
    return (address: string) => {
      const [host] = address.split(":", 1) as [string];
      const dataset = address.slice(host.length + 1);
      const here = manifest.self === null || manifest.self === host;
      return matchers.some((matches) => matches(address) || (here && matches(dataset)));
    };
  };
  const wanted = target ? any(target) : () => true;
  const unwanted = exclude ? any(exclude) : () => false;
  const keep = (address: string) => wanted(address) && !unwanted(address);
  return {
    sources: resolved.sources.filter(({ address }) => keep(address)),
    blocked: resolved.blocked.filter(({ source }) => keep(source)),
    includes: keep,
  };
}
