import type { Approval, Manifest } from "../../model/manifest.ts";
import type { HostName } from "../../model/units.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import { isWithin, type StaticSources } from "./sources.ts";

/** An approval for nothing is a misspelt approval. */
export function approvalProblems(
  manifest: Manifest,
  sources: StaticSources,
  pathOf: (approval: Approval) => Path,
): Problem[] {
  return manifest.approvals.flatMap((approval) => {
    const path = pathOf(approval);
    return approval.kind === "orphan"
      ? orphanProblem(manifest, approval.orphan, path)
      : sourceProblem(sources, approval, path);
  });
}

function sourceProblem(
  sources: StaticSources,
  { source: address, remote }: Extract<Approval, { readonly source: string }>,
  path: Path,
): Problem[] {
  const [host, dataset] = split(address);
  const source = sources.at(host, dataset);
  if (!source.isCovered) {
    const message = `no entry of datasets covers ${address}`;
    return [{ code: "unknown-source", message, hint: "name a source as the plan shows it", path: [...path, "source"] }];
  }
  const remotes = source.find("remotes");
  const isKnown = remote !== undefined && sources.manifest.remotes.has(remote);
  if (!isKnown || remotes === "broken" || remotes?.value.has(remote)) return [];
  const known = [...(remotes?.value.keys() ?? [])].join(", ") || "none";
  const message = `${address} has no copy on remote ${remote}`;
  return [{ code: "unknown-copy", message, hint: `its remotes: ${known}`, path: [...path, "remote"] }];
}

/** A warning only: what the remote's root was when the copy was made is not known any more. */
function orphanProblem(manifest: Manifest, orphan: string, path: Path): Problem[] {
  const [host, dataset] = split(orphan);
  const isBelowRoot = [...manifest.remotes.values()].some((remote) => {
    if (remote.host !== undefined && remote.host !== host) return false;
    const parts = remote.root.split("/");
    const same = dataset.split("/").slice(0, parts.length);
    const root = parts.map((part, index) => (part.includes("{host}") ? (same[index] ?? "") : part)).join("/");
    return isWithin(dataset, root);
  });
  if (isBelowRoot) return [];
  const message = `${orphan} is below the root of no remote`;
  return [
    {
      severity: "warning",
      code: "unknown-orphan",
      message,
      hint: "write HOST:DATASET of the copy",
      path: [...path, "orphan"],
    },
  ];
}

function split(address: string): readonly [HostName, string] {
  const colon = address.indexOf(":");
  return [address.slice(0, colon) as HostName, address.slice(colon + 1)];
}
