import { createHash } from "node:crypto";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Guards, HostPattern, Manifest } from "../model/manifest.ts";
import { approvalProblems } from "./check/approvals.ts";
import { directoryProblems } from "./check/directories.ts";
import { groupProblems } from "./check/groups.ts";
import { keepProblems } from "./check/keep.ts";
import { Known } from "./check/known.ts";
import { lengthProblems } from "./check/lengths.ts";
import { notificationProblems } from "./check/notifications.ts";
import { remoteProblems } from "./check/remotes.ts";
import { repositoryProblems } from "./check/repositories.ts";
import { requireProblems } from "./check/require.ts";
import { targetProblems } from "./check/targets.ts";
import { tieProblems } from "./check/ties.ts";
import type { ManifestDocument } from "./generated/types.ts";
import { mergeTrees } from "./merge.ts";
import { inOrder, type Problem, secretSpans, toDiagnostic } from "./problem.ts";
import { prune } from "./prune.ts";
import { readApprovals } from "./read/approvals.ts";
import { Context } from "./read/context.ts";
import { readDirectories } from "./read/directories.ts";
import { readGroups } from "./read/groups.ts";
import { readHeartbeats } from "./read/heartbeats.ts";
import { readHosts } from "./read/hosts.ts";
import { readRetention } from "./read/keep.ts";
import { readNotifications } from "./read/notifications.ts";
import { type Naming, readPattern, splitKey } from "./read/patterns.ts";
import type { Reading } from "./read/reading.ts";
import { readMirrors, readRemotes } from "./read/remotes.ts";
import type { SecretFile } from "./read/secrets.ts";
import { whoAmI } from "./read/self.ts";
import { readService } from "./read/service.ts";
import { readEntries, readPolicies } from "./read/sources.ts";
import { readSnapshotTypes, readTimezone } from "./read/types.ts";
import { readRequirements, readVerify } from "./read/verify.ts";
import type { ParseOptions } from "./settings.ts";
import { maxProblems, structureProblems } from "./structure.ts";
import { decode, maxTotalBytes } from "./text.ts";
import { find, type MapTree, type Path, type Tree, toData } from "./tree.ts";
import { parseYaml } from "./yaml.ts";

/** One file of a manifest: its name as the user would say it, and what is in it. */
export interface ManifestFile {
  readonly name: string;
  readonly text: string | Uint8Array;
}

export interface ParsedManifest {
  /** Absent when any diagnostic is an error. */
  readonly manifest?: Manifest;
  /** In the order of the files. */
  readonly diagnostics: readonly Diagnostic[];
  /** For `warnOfReadableSecrets`. */
  readonly secretFiles: readonly SecretFile[];
}

/**
 * The manifest that the files make together, or everything that is wrong with them. Never throws for what they contain;
 * bounded in time and memory. No I/O.
 */
export function parseManifest(files: readonly ManifestFile[], options: ParseOptions): ParsedManifest {
  const { trees, diagnostics } = readFiles(files);
  const [first, ...others] = trees;
  if (!first || trees.length < files.length) return { diagnostics: inOrder(diagnostics), secretFiles: [] };
  const merged = mergeTrees([first, ...others]);
  const result = readDocument(merged.tree, options);
  const all = [...diagnostics, ...merged.diagnostics];
  const isWrong = all.some(({ severity }) => severity === "error");
  return {
    ...(result.manifest && !isWrong ? { manifest: result.manifest } : {}),
    diagnostics: inOrder([...all, ...result.diagnostics]),
    secretFiles: result.secretFiles,
  };
}

function readFiles(files: readonly ManifestFile[]): { trees: readonly MapTree[]; diagnostics: readonly Diagnostic[] } {
  const trees: MapTree[] = [];
  const diagnostics: Diagnostic[] = [];
  let total = 0;
  for (const { name, text } of files) {
    const source = decode(name, text);
    if ("severity" in source) {
      diagnostics.push(source);
      continue;
    }
    total += source.text.length;
    if (total > maxTotalBytes) {
      const message = `the files of the manifest hold more than ${maxTotalBytes / 1024} KiB together`;
      const place = { file: name, line: 1, column: 1 };
      diagnostics.push({ severity: "error", code: "too-large", message, hint: "leave out what is no manifest", place });
      break;
    }
    const parsed = parseYaml(source);
    diagnostics.push(...parsed.diagnostics);
    if (parsed.tree) trees.push(parsed.tree);
  }
  return { trees, diagnostics };
}

function readDocument(tree: MapTree, options: ParseOptions): ParsedManifest {
  const data = toData(tree);
  const digest = createHash("sha256").update(canonical(data)).digest("hex");
  const structure = structureProblems(data);
  const context = new Context(tree, options);
  rememberItems(context, data, []);
  const { document, broken } = prune(data, structure);
  const manifest = document && readManifest(context, document, digest);
  const problems = [...structure, ...context.problems, ...(manifest ? check(manifest, context, broken) : [])];
  const isError = ({ severity }: Problem) => severity !== "warning";
  const unsaid = problems.filter(({ path }) => !isBroken(find(tree, path)?.value));
  const mostSerious = [...unsaid.filter(isError), ...unsaid.filter((problem) => !isError(problem))].slice(
    0,
    maxProblems,
  );
  const secrets = secretSpans(tree, problems);
  return {
    ...(manifest && !problems.some(isError) ? { manifest } : {}),
    diagnostics: mostSerious.map((problem) => toDiagnostic(tree, problem, secrets)),
    secretFiles: context.secretFiles,
  };
}

const isBroken = (tree: Tree | undefined): boolean => tree?.kind === "scalar" && tree.broken === true;

function readManifest(context: Context, document: ManifestDocument, digest: string): Manifest {
  const timezone = readTimezone(context, document.timezone, ["timezone"]) ?? "UTC";
  const snapshotTypes = readSnapshotTypes(context, document, timezone);
  const types = [...snapshotTypes.keys()];
  const declared = context.declared("hosts");
  const hasBareKeys =
    context.declared("datasets").some((key) => splitKey(key, declared).host === undefined) ||
    context.declared("directories").some((key) => key.startsWith("/"));
  const self = whoAmI(context, hasBareKeys);
  const hosts = readHosts(context, document, self);
  const naming: Naming = { self, hosts: [...hosts.keys()] };
  const reading: Reading = { naming, types, timezone };
  const remotes = readRemotes(context, document, reading);
  const keep = readRetention(context, document.defaults ?? {}, ["defaults"], types);
  const drills = document.defaults?.verify;
  const verify = drills && readVerify(context, drills, ["defaults", "verify"], timezone);
  const unprotected = document.unprotected;
  return {
    digest,
    self: self.self,
    controller: self.controller,
    timezone,
    snapshotTypes,
    hosts,
    remotes,
    mirrors: readMirrors(context, document, remotes, reading),
    policies: readPolicies(context, document, reading),
    defaults: { ...(keep && { keep }), ...(verify && { verify }) },
    datasets: readEntries(context, document, reading),
    directories: readDirectories(context, document, reading),
    groups: readGroups(context, document.groups ?? [], reading),
    guards: { destroyAtMost: { ...defaultGuards, ...document.guards?.destroyAtMost } },
    approvals: readApprovals(context, document.approvals ?? [], naming, timezone),
    ...(document.require && { require: readRequirements(context, document.require) }),
    notifications: readNotifications(context, document.notifications ?? []),
    heartbeats: readHeartbeats(context, document.heartbeats ?? []),
    ...(unprotected && {
      unprotected: {
        report: unprotected.report ?? "warn",
        ignore: (unprotected.ignore ?? []).flatMap((pattern, index): HostPattern[] => {
          const read = readPattern(context, naming, pattern, ["unprotected", "ignore", String(index)]);
          return read ? [read] : [];
        }),
      },
    }),
    service: readService(context, document.service ?? {}, ["service"]),
  };
}

const defaultGuards: Guards["destroyAtMost"] = { percent: 50, above: 5, total: 500 };

/** Where the items of lists stand, before pruning moves them. */
function rememberItems(context: Context, data: unknown, path: Path): void {
  if (typeof data !== "object" || data === null) return;
  for (const [key, value] of Object.entries(data)) {
    const at = [...path, key];
    if (Array.isArray(data) && typeof value === "object" && value !== null) context.remember(value, at);
    rememberItems(context, value, at);
  }
}

function check(manifest: Manifest, context: Context, pruned: readonly Path[]): Problem[] {
  const known = new Known(manifest, brokenBelow(pruned, context));
  const datasets = known.datasets.all();
  return [
    ...tieProblems(manifest.snapshotTypes),
    ...keepProblems(manifest, datasets),
    ...targetProblems(manifest, datasets),
    ...lengthProblems(datasets),
    ...remoteProblems(manifest),
    ...directoryProblems(known),
    ...repositoryProblems(known, (rule) => context.pathOf(rule)),
    ...groupProblems(known, (group) => context.pathOf(group)),
    ...requireProblems(known),
    ...approvalProblems(known, (approval) => context.pathOf(approval)),
    ...notificationProblems(manifest, (one) => context.pathOf(one)),
  ];
}

/** Whether something at, below or around a path was refused, by the schema or by a reader. */
function brokenBelow(pruned: readonly Path[], { problems }: Context): (path: Path) => boolean {
  const broken = [...pruned, ...problems.filter(({ severity }) => severity !== "warning").map(({ path }) => path)];
  const known = new Set(broken.flatMap((path) => path.map((_, index) => path.slice(0, index + 1).join("\0"))));
  const whole = new Set(broken.map((path) => path.join("\0")));
  return (path) =>
    known.has(path.join("\0")) || path.some((_, index) => whole.has(path.slice(0, index + 1).join("\0")));
}

/** JSON with sorted keys: the same meaning gives the same text. */
function canonical(data: unknown): string {
  if (Array.isArray(data)) return `[${data.map(canonical).join(",")}]`;
  if (typeof data !== "object" || data === null) return typeof data === "number" ? String(data) : JSON.stringify(data);
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`).join(",")}}`;
}
