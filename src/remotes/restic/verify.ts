import type { DrillRecord } from "../../model/drill.ts";
import type { RepositoryCopy } from "../../model/inventory.ts";
import type { AtRepository, VerifyOperation } from "../../model/plan.ts";
import type { Bytes, DirectoryPath } from "../../model/units.ts";
import { type Kind, lostIn } from "../drills/attributes.ts";
import {
  compareGroup,
  type Difference,
  isOfAttributes,
  list,
  type Means,
  MOST_DIFFERENCES,
  type Side,
  shown,
} from "../drills/compare.ts";
import { differenceOf, type Entry, isAskable } from "../drills/entries.ts";
import type { Found } from "../drills/outcome.ts";
import { type Candidate, type GroupLimits, inGroups, Sampler } from "../drills/sample.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import { inScratch } from "./drill-scratch.ts";
import { ResticFailed } from "./errors.ts";
import { record } from "./record.ts";
import type { Restic } from "./restic.ts";
import { open, type RepositoryContext } from "./run-context.ts";
import { drillTags, identityOf, marksOf } from "./tags.ts";

type OnRepository = Extract<VerifyOperation["of"], AtRepository>;

/** Of one restore: its names on one command line, its files in the scratch folder together. */
const GROUPS: GroupLimits = { files: 400, nameBytes: 40_000, bytes: 4 * 2 ** 30 };

/**
 * A copy in a repository: a part of it is restored into a scratch folder, read back by restic, and compared with the source's
 * snapshot where there is one, otherwise with what the copy says of itself.
 */
export async function verifyRepository(
  operation: VerifyOperation,
  of: OnRepository,
  context: RepositoryContext,
): Promise<Found> {
  const restic = open(context, of);
  const copy = await copyOf(of, restic, context);
  const within = marksOf(copy) !== undefined || copy.paths.length !== 1 ? "/" : (copy.paths[0] ?? "/");
  const sampler = new Sampler(operation.seed, operation.sample);
  const all = new Map<string, Entry>();
  await restic.nodes({ id: copy.id, within }, (entry) => {
    all.set(entry.path, entry);
    // of a folder all that is in it would be restored
    if (entry.type !== "d" && entry.type !== "s" && isAskable(entry))
      sampler.add({ path: entry.path, bytes: entry.size });
  });
  const source = await sourceOf(operation, context);
  const missing = source === undefined || of.isSelection ? [] : await lackedOf(all, source, context);
  const { chosen, isWhole, large } = sampler.sample();
  const files = large === undefined ? chosen : [...chosen, large];
  const groups = inGroups(files, GROUPS);
  const room = Math.max(0, ...groups.map((group) => group.reduce((sum, { bytes }) => sum + bytes, 0)));
  const drill = { operation, restic, copy, within, all, context, ...(source && { source }) };
  const { differences, isOwnerKept, lost } = await inScratch(
    { source: operation.source, at: of },
    room,
    context,
    (folder) => restoreInTurn(drill, groups, folder),
  );
  return {
    of: of.copy.name,
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    message: [
      `${isWhole ? "all of it" : "a sample"} restored, verified by restic, and compared with ${source === undefined ? "what the copy has on record" : `the source's @${operation.against?.snapshot.name}`}`,
      ...(isOwnerKept ? [] : ["not owners and attributes, as restic does not run as root"]),
      ...(lost.size === 0
        ? []
        : [`not ${[...lost].map((kind) => KINDS[kind]).join(", ")}, which /var/tmp cannot keep`]),
    ].join("; "),
    differences: [...missing, ...differences],
  };
}

const KINDS: Readonly<Record<Kind, string>> = {
  acl: "access control lists",
  user: "extended attributes (user.*)",
  trusted: "extended attributes (trusted.*)",
  security: "extended attributes (security.*)",
};

/** Of several equal ones the newest. */
async function copyOf(
  { copy, repository }: OnRepository,
  restic: Restic,
  context: RepositoryContext,
): Promise<RepositoryCopy> {
  const identity = "identity" in copy ? copy.identity : context.createdBy(copy.createdBy);
  const there = await restic.list({ copiesOnly: true });
  if (there.state !== "observed")
    throw new ResticFailed("other", {
      message: `${repository} cannot be listed: ${there.state === "unobserved" ? there.reason : "it is not there"}`,
    });
  const found = there.copies.findLast((each) => identityOf(each) === identity && marksOf(each)?.isPartial !== true);
  if (found) return found;
  throw new ResticFailed("missing-source", { message: `${repository} has no complete copy of ${copy.name} any more` });
}

/** The snapshot that the copy is of, where it can be read. */
async function sourceOf({ against }: VerifyOperation, context: RepositoryContext): Promise<Side | undefined> {
  if (against === undefined) return undefined;
  const guid = context.guidOf(against.snapshot);
  const dataset = await context.observe(against);
  const snapshot = dataset?.snapshots.find((each) => each.guid === guid);
  if (!dataset || !snapshot || dataset.keystatus === "unavailable") return undefined;
  return {
    host: against.host,
    inside: (argv) => [
      ...["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT],
      ...[against.dataset, snapshot.name, dataset.mountpoint ?? ""],
      ...argv,
    ],
  };
}

/** What the source's snapshot has and the copy does not. */
async function lackedOf(all: ReadonlyMap<string, Entry>, source: Side, means: Means): Promise<Difference[]> {
  const lacked: Difference[] = [];
  await list(means, source, (entry) => {
    // restic keeps no sockets
    if (entry.path === "." || entry.type === "s" || all.has(entry.path) || lacked.length === MOST_DIFFERENCES) return;
    lacked.push({ what: shown(entry.path), how: "the copy lacks it" });
  });
  return lacked;
}

interface Drill {
  readonly operation: VerifyOperation;
  readonly restic: Restic;
  readonly copy: RepositoryCopy;
  readonly within: string;
  readonly all: ReadonlyMap<string, Entry>;
  readonly source?: Side;
  readonly context: RepositoryContext;
}

/** Group by group, so that the scratch folder never holds more than one. */
async function restoreInTurn(
  drill: Drill,
  groups: readonly (readonly Candidate[])[],
  folder: string,
): Promise<{ readonly differences: Difference[]; readonly isOwnerKept: boolean; readonly lost: ReadonlySet<Kind> }> {
  const { operation, context } = drill;
  const { host } = operation.at;
  const { stdout } = await context.hosts.run(host, ["id", "-u"], { signal: context.signal });
  const isOwnerKept = stdout.trim() === "0";
  const expected = groups.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  const found = new Map<string, Difference>();
  let lost: ReadonlySet<Kind> | undefined;
  let bytes = 0;
  for (const group of groups) {
    const into = `${folder}/files`;
    for (const each of await restoreGroup(drill, group, into)) found.set(each.what, each);
    const restored = group.filter(({ path }) => !found.has(shown(path)));
    const scratch: Side = { host, inside: (argv) => ["sh", "-c", 'cd -- "$0" && exec "$@"', into, ...argv] };
    const { source } = drill;
    const compare = (): Promise<Difference[]> =>
      source === undefined
        ? compareWithRecord(drill, restored, scratch, isOwnerKept)
        : compareGroup(context, source, scratch, restored, { isOwnerKept, ...(lost && { lost }) });
    let compared = await compare();
    // the file system of the scratch folder may be to blame, and not the copy
    if (lost === undefined && compared.some(isOfAttributes)) {
      lost = await lostIn(context, scratch);
      if (lost.size > 0) compared = await compare();
    }
    for (const each of compared) found.set(each.what, each);
    await context.hosts.run(host, ["rm", "-rf", "--", into], { signal: context.signal });
    bytes += group.reduce((sum, each) => sum + each.bytes, 0);
    context.progress(operation.id, bytes as Bytes, expected as Bytes);
  }
  return {
    differences: [...found.values()].slice(0, MOST_DIFFERENCES),
    isOwnerKept,
    lost: lost ?? new Set(),
  };
}

/** What restic itself could not bring back, or read again as it should be. */
async function restoreGroup(
  { restic, copy, within }: Drill,
  group: readonly Candidate[],
  into: string,
): Promise<Difference[]> {
  const paths = group.map(({ path }) => shown(path));
  const { failed } = await restic.restore({
    id: copy.id,
    within,
    paths,
    into: into as DirectoryPath,
    over: false,
    verify: true,
  });
  return failed.map((line) => {
    const path = paths.find((each) => line === each || line.includes(`/${each}:`) || line.startsWith(`${each}:`));
    return path === undefined
      ? { what: line.split(": ", 1)[0] ?? line, how: line.slice(line.indexOf(": ") + 2) }
      : { what: path, how: `cannot be restored: ${line.slice(line.lastIndexOf(`${path}:`) + path.length + 2)}` };
  });
}

/** Of a directory, which goes on changing, there is nothing else to compare with; its contents restic has verified. */
async function compareWithRecord(
  { all, context }: Drill,
  group: readonly Candidate[],
  scratch: Side,
  isOwnerKept: boolean,
): Promise<Difference[]> {
  if (group.length === 0) return [];
  const restored = new Map<string, Entry>();
  await list(context, scratch, (entry) => {
    restored.set(entry.path, { ...entry, target: "" });
  });
  return group.flatMap(({ path }) => {
    const how = differenceOf(all.get(path), restored.get(path), isOwnerKept);
    return how === undefined ? [] : [{ what: shown(path), how }];
  });
}

/** Remembers a drill in the repository, and forgets what it makes superfluous: of a failed one not the last good one. */
export async function rememberInRepository(
  { source, of }: VerifyOperation & { readonly of: OnRepository },
  result: DrillRecord,
  context: RepositoryContext,
): Promise<readonly string[]> {
  const outdated = result.result === "failed" ? of.outdated.filter((id) => id !== of.good) : of.outdated;
  const tags = drillTags({ ...result, source });
  await record(open(context, of), { host: of.host, filename: "drill", tags }, outdated);
  return [];
}
