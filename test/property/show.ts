import { type Manifest, type Retention, type SourceKeys, zfsRemotes } from "../../src/model/manifest.ts";
import type { ZfsOperation } from "../../src/model/plan.ts";
import type { ZfsPlan } from "../zfs-plan.ts";
import { isObserved, type World } from "./world.ts";

/** Worlds, manifests and plans in a few lines, for whoever reads a counterexample. */
export function showWorld(world: World): string {
  const lines: string[] = [];
  for (const [host, machine] of world.hosts)
    for (const pool of machine.pools.values())
      for (const [name, d] of pool.datasets) {
        const facts = [
          ...(d.type === "volume" ? ["volume"] : []),
          ...[...d.own].map(([key, value]) => `${key}=${value}`),
          ...(d.written > 0 ? [`+${d.written}`] : []),
          ...(d.encryption === "off" ? [] : [`${d.encryption} of ${d.encryptionroot}`]),
          ...(d.rawReplica ? ["raw"] : []),
          ...(d.keyLoaded ? [] : ["key not loaded"]),
          ...(d.origin === undefined ? [] : [`clone of ${d.origin}`]),
          ...(isObserved(world, host, name) ? [] : ["UNOBSERVED"]),
        ];
        if (facts.length + d.snapshots.length + d.bookmarks.length === 0 && !d.partial) continue;
        lines.push(`${host}:${name} [${facts.join(", ")}]`);
        for (const s of d.snapshots) {
          const flags = [...s.holds.map((h) => ` held:${h}`), ...s.clones.map((c) => ` clone:${c}`)].join("");
          lines.push(`    @${s.name} guid ${s.guid} txg ${s.txg} ${iso(s.creation)} +${s.written}${flags}`);
        }
        for (const b of d.bookmarks) lines.push(`    #${b.name} guid ${b.guid} txg ${b.txg}`);
        if (d.partial) lines.push(`    %recv ${JSON.stringify(d.partial)}`);
      }
  return lines.join("\n");
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

const showKeep = (keep: Retention | undefined): string | undefined => {
  if (keep === undefined) return undefined;
  if (keep.by === "time") return `byTime ${JSON.stringify({ ...keep, by: undefined })}`;
  return `{${[...keep.types].map(([type, rule]) => `${type}:${rule.count}${rule.within === undefined ? "" : `/within ${rule.within}s`}`).join(" ")}}`;
};

function showKeys({ keep, remotes, ...rest }: SourceKeys): string {
  const copies = [...(remotes ?? [])].map(
    ([name, copy]) => `${name}(${[copy.target, showKeep(copy.keep)].filter(Boolean).join(" ")})`,
  );
  return [
    JSON.stringify(rest),
    ...(keep === undefined ? [] : [`keep ${showKeep(keep)}`]),
    ...(remotes === undefined ? [] : [`remotes ${copies.join(" ")}`]),
  ].join(" ");
}

export function showManifest(manifest: Manifest): string {
  return [
    `self ${manifest.self ?? "controller"}; guards ${JSON.stringify(manifest.guards.destroyAtMost)}`,
    `types ${[...manifest.snapshotTypes.values()].map((t) => `${t.name}(${t.schedule ?? "by hand"} ${t.timezone})`).join(" ")}`,
    ...zfsRemotes(manifest)
      .filter((r) => manifest.datasets.some((e) => e.keys.remotes?.has(r.name)))
      .map(
        (r) =>
          `remote ${r.name}: ${r.host ?? "-"}:${r.root} ${r.mode} deletions=${r.deletions} raw=${r.raw} ${r.removable ? "removable " : ""}whileAway=${r.whileAway} keep ${showKeep(r.keep)}`,
      ),
    ...manifest.datasets.map((e) => `${e.key}: ${showKeys(e.keys)}`),
    ...manifest.approvals.map((a) => `approval ${JSON.stringify({ ...a, place: undefined })}`),
  ].join("\n");
}

export function showOperation(o: ZfsOperation): string {
  const remote = "remote" in o && o.remote !== undefined ? ` [${o.remote}]` : "";
  return `${o.kind} ${o.at.host}:${o.at.dataset}${remote} ${details(o)}  (${o.reason})`;
}

function details(o: ZfsOperation): string {
  const list = (snapshots: readonly { readonly name: string }[]): string =>
    snapshots.map((s) => `@${s.name}`).join(" ");
  switch (o.kind) {
    case "create":
      return `@${o.name}`;
    case "send":
      return `${o.base === null ? "full" : `from ${o.base.bookmark === undefined ? "@" : "#"}${o.base.bookmark ?? o.base.name}`}: ${list(o.snapshots)}${o.raw ? " raw" : ""}${o.replacesPlaceholder ? " over the placeholder" : ""}`;
    case "resume":
      return `@${o.to.name}`;
    case "destroy":
    case "destroy-orphan":
      return list(o.snapshots);
    case "rollback":
      return `to @${o.to.name}, destroys ${list(o.destroys)}`;
    case "replace":
      return `→ ${o.renameTo}`;
    case "bookmark":
      return `@${o.of.name} as #${o.bookmark}`;
    case "unbookmark":
      return o.bookmarks.map((b) => `#${b.name}`).join(" ");
    case "adopt":
    case "discard":
    case "make":
    case "settle":
      return "";
  }
}

export const showPlan = (plan: ZfsPlan): string =>
  [
    ...plan.operations.map((o) => `  ${showOperation(o)}`),
    ...plan.blocked.map(
      (b) =>
        `  ! ${b.reason} ${b.source}${b.remote === undefined ? "" : ` [${b.remote}]`}: ${b.message}${b.withheld ? ` withheld ${b.withheld.snapshots.map((s) => s.name).join(" ")}` : ""}`,
    ),
    ...plan.unobserved.map((u) => `  ? ${u.host} ${u.pool ?? ""} ${u.remote ?? ""}: ${u.reason}`),
  ].join("\n");

/** What a command checks before it runs. */
export const showPreconditions = (operations: readonly ZfsOperation[]): string =>
  operations
    .flatMap((o) => o.preconditions)
    .map((p) => {
      const what =
        p.kind === "snapshot" || p.kind === "present"
          ? `@${p.snapshot.name}`
          : p.kind === "follows"
            ? `${p.base === null ? "nothing" : `@${p.base.name}`} and ${p.extras.length}`
            : p.kind === "token"
              ? p.token
              : p.kind === "quota" || p.kind === "bookmarked"
                ? (p.kind === "quota" ? p.names : p.guids).join(" ")
                : "";
      return `${p.kind} ${p.host}:${p.dataset} ${what}`;
    })
    .join("; ");
