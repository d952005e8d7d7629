import { type Approval, type Manifest, zfsRemotes } from "../../model/manifest.ts";
import type { Problem } from "../problem.ts";
import type { Path } from "../tree.ts";
import type { Known } from "./known.ts";
import { isWithin } from "./sources.ts";

/** An approval for nothing is a misspelt approval. */
export function approvalProblems(known: Known, pathOf: (approval: Approval) => Path): Problem[] {
  return known.manifest.approvals.flatMap((approval) => {
    const path = pathOf(approval);
    return approval.kind === "orphan"
      ? orphanProblem(known.manifest, approval.orphan, path)
      : sourceProblem(known, approval, path);
  });
}

function sourceProblem(
  known: Known,
  { source, remote, kind }: Extract<Approval, { readonly source: string }>,
  path: Path,
): Problem[] {
  const remotes = known.remotesOf(source);
  if (remotes === undefined) {
    const message = `no entry of ${kind === "destroy" ? "datasets or directories" : "datasets"} covers ${source}`;
    return [{ code: "unknown-source", message, hint: "name a source as the plan shows it", path: [...path, "source"] }];
  }
  if (remote === undefined) return [];
  const { manifest } = known;
  if (kind === "resolve" && (manifest.mirrors.has(remote) || manifest.remotes.get(remote)?.type === "restic")) {
    const message = `${remote} is a restic repository, where no copy can be in the way`;
    return [{ code: "conflicting-keys", message, hint: "only zfs remotes need resolve", path: [...path, "resolve"] }];
  }
  const original = known.originalOf(remote);
  if (!manifest.remotes.has(original) || remotes === "broken" || remotes.includes(original)) return [];
  const message = `${source} has no copy on remote ${remote}`;
  return [{ code: "unknown-copy", message, hint: `its remotes: ${listed(remotes)}`, path: [...path, "remote"] }];
}

const listed = (names: readonly string[]): string => names.join(", ") || "none";

/** A warning only: what the remote's root was when the copy was made is not known any more. */
function orphanProblem(manifest: Manifest, orphan: string, path: Path): Problem[] {
  const colon = orphan.indexOf(":");
  const [host, dataset] = [orphan.slice(0, colon), orphan.slice(colon + 1)];
  const isBelowRoot = zfsRemotes(manifest).some((remote) => {
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
