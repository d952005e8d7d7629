import type { Dataset, Snapshot } from "../../model/inventory.ts";
import type { At, VerifyOperation } from "../../model/plan.ts";
import { type Bytes, poolOf } from "../../model/units.ts";
import {
  BLOCK_MIB,
  compareBlocks,
  compareGroup,
  compareListings,
  type Difference,
  GROUPS,
  list,
  type Means,
  readGroup,
  type Side,
  shown,
} from "../drills/compare.ts";
import { isAskable, ONLY_COPY, ONLY_SOURCE } from "../drills/entries.ts";
import type { Found } from "../drills/outcome.ts";
import { inGroups, Sampler, sampledBlocks } from "../drills/sample.ts";
import { IN_SNAPSHOT, MOUNT_SNAPSHOT } from "../snapshot-scripts.ts";
import { OperationFailed, type RunContext, run } from "./context.ts";

/** A snapshot where it is. */
interface Point {
  readonly at: At;
  readonly dataset: Dataset;
  readonly snapshot: Snapshot;
}

type OnDataset = Extract<VerifyOperation["of"], At>;

/** A copy on a ZFS remote: its snapshot and the source's are read where they are, and only sums travel. */
export async function verifyDataset(operation: VerifyOperation, of: OnDataset, context: RunContext): Promise<Found> {
  const copy = await pointOf(of, of.snapshot, context);
  if (copy === undefined)
    throw new OperationFailed({ message: `${of.host}:${of.dataset}@${of.snapshot.name} is not there any more` });
  const { against } = operation;
  const source = against && (await pointOf(against, against.snapshot, context).catch(unseen));
  if (copy.dataset.keystatus === "unavailable") return verifyLocked(operation, copy, context);
  const isReadable = source !== undefined && source.dataset.keystatus !== "unavailable";
  if (of.datasetType === "volume") return verifyVolume(operation, copy, isReadable ? source : undefined, context);
  return isReadable
    ? compareFiles(operation, copy, source, context)
    : readFiles(
        operation,
        copy,
        source === undefined ? "the source has no such snapshot any more" : KEY_AT_SOURCE,
        context,
      );
}

const KEY_AT_SOURCE = "the source's key is not loaded";

/** A source that cannot be seen leaves nothing to compare with. */
function unseen(error: unknown): undefined {
  if (error instanceof OperationFailed) return undefined;
  throw error;
}

async function pointOf(at: At, ref: OnDataset["snapshot"], context: RunContext): Promise<Point | undefined> {
  const guid = context.guidOf(ref);
  const dataset = await context.observe(at);
  const snapshot = dataset?.snapshots.find((each) => each.guid === guid);
  return dataset && snapshot ? { at: { host: at.host, dataset: at.dataset }, dataset, snapshot } : undefined;
}

const sideOf = ({ at, dataset, snapshot }: Point): Side => ({
  host: at.host,
  inside: (argv) => [
    ...["sh", "-c", IN_SNAPSHOT, "sh", MOUNT_SNAPSHOT],
    ...[at.dataset, snapshot.name, dataset.mountpoint ?? ""],
    ...argv,
  ],
});

const meansOf = ({ hosts, signal }: RunContext): Means => ({ hosts, signal });

async function compareFiles(
  { id, seed, sample }: VerifyOperation,
  copy: Point,
  source: Point,
  context: RunContext,
): Promise<Found> {
  const means = meansOf(context);
  const [here, there] = [sideOf(source), sideOf(copy)];
  const sampler = new Sampler(seed, sample);
  const listing = await compareListings(means, here, there, (entry) => {
    if (entry.type !== "s" && isAskable(entry)) sampler.add({ path: entry.path, bytes: entry.size });
  });
  const { chosen, isWhole, large } = sampler.sample();
  const expected = chosen.reduce((sum, { bytes }) => sum + bytes, 0);
  const differences = new Map(listing.differences.map((each) => [each.what, each]));
  let bytes = 0;
  for (const group of inGroups(chosen, GROUPS)) {
    // what one side lacks is said already
    const inBoth = group.filter(({ path }) => !isOneSided(differences.get(shown(path))));
    for (const each of await compareGroup(means, here, there, inBoth)) differences.set(each.what, each);
    bytes += group.reduce((sum, each) => sum + each.bytes, 0);
    context.progress(id, bytes as Bytes, expected as Bytes);
  }
  if (large !== undefined) {
    const offsets = sampledBlocks(seed, large.bytes, BLOCK_MIB, sample);
    const [a, b] = [here, there].map((side) => ({ side, path: large.path }));
    const found = a && b ? await compareBlocks(means, a, b, offsets, () => {}) : [];
    for (const each of found) differences.set(each.what, each);
    bytes += Math.min(large.bytes, offsets.length * BLOCK_MIB * 2 ** 20);
  }
  const files = chosen.length + (large === undefined ? 0 : 1);
  return {
    of: copy.snapshot.name,
    files,
    bytes,
    message: `${isWhole ? "all of it" : "a sample"} compared with the source's @${source.snapshot.name}; names, modes, owners and times of all ${listing.entries}`,
    differences: [...differences.values()],
  };
}

const isOneSided = (difference: Difference | undefined): boolean =>
  difference !== undefined && (difference.how === ONLY_COPY || difference.how === ONLY_SOURCE);

/** Without anything to compare it with: ZFS has a checksum for every block, and tells of one that does not hold. */
async function readFiles(
  { id, seed, sample }: VerifyOperation,
  copy: Point,
  why: string,
  context: RunContext,
): Promise<Found> {
  const means = meansOf(context);
  const side = sideOf(copy);
  const sampler = new Sampler(seed, sample);
  await list(means, side, (entry) => {
    if (entry.type !== "s" && isAskable(entry)) sampler.add({ path: entry.path, bytes: entry.size });
  });
  const { chosen, isWhole } = sampler.sample();
  const differences: Difference[] = [];
  let bytes = 0;
  for (const group of inGroups(chosen, GROUPS)) {
    differences.push(...(await readGroup(means, side, group)));
    bytes += group.reduce((sum, each) => sum + each.bytes, 0);
    context.progress(id, bytes as Bytes, undefined);
  }
  return {
    of: copy.snapshot.name,
    files: chosen.length,
    bytes,
    message: `${isWhole ? "all of it" : "a sample"} was read, and compared with nothing: ${why}`,
    differences,
    limit: "read",
  };
}

/** Of a volume the blocks, where both sides show its snapshot as a device. */
async function verifyVolume(
  operation: VerifyOperation,
  copy: Point,
  source: Point | undefined,
  context: RunContext,
): Promise<Found> {
  const { id, seed, sample } = operation;
  const path = ({ at, snapshot }: Point): string => `/dev/zvol/${at.dataset}@${snapshot.name}`;
  const size = await sizeOf(copy.at, path(copy), context);
  const known = source && (await sizeOf(source.at, path(source), context));
  if (source === undefined || size === undefined || known === undefined) {
    const hint =
      source === undefined
        ? "the source has no such snapshot any more, or its key is not loaded"
        : "its snapshots are no devices; zfs set snapdev=visible on both sides makes them so";
    return readStream(operation, copy, ["zfs", "send", "-L", "-c"], `compared with nothing: ${hint}`, "read", context);
  }
  const name = copy.at.dataset;
  if (size !== known)
    return {
      of: copy.snapshot.name,
      files: 0,
      bytes: 0,
      message: "its size",
      differences: [{ what: name, how: `${size} bytes instead of ${known}` }],
    };
  const offsets = sampledBlocks(seed, size, BLOCK_MIB, sample);
  const plain = (at: At): Side => ({ host: at.host, inside: (argv) => argv });
  const expected = offsets.reduce((sum, at) => sum + Math.min(BLOCK_MIB * 2 ** 20, size - at * 2 ** 20), 0);
  const differences = await compareBlocks(
    meansOf(context),
    { side: plain(source.at), path: path(source) },
    { side: plain(copy.at), path: path(copy) },
    offsets,
    (blocks) => context.progress(id, Math.min(expected, blocks * BLOCK_MIB * 2 ** 20) as Bytes, expected as Bytes),
  );
  return {
    of: copy.snapshot.name,
    files: 0,
    bytes: expected,
    message: `${expected === size ? "all" : "a sample"} of its blocks compared with the source's @${source.snapshot.name}`,
    differences,
  };
}

async function sizeOf(at: At, device: string, context: RunContext): Promise<number | undefined> {
  const { code, stdout } = await run(context, at.host, [
    "sh",
    "-c",
    '[ -b "$0" ] && blockdev --getsize64 "$0"',
    device,
  ]);
  return code === 0 ? Number(stdout.trim()) : undefined;
}

/** What can be said without the key: whether the pool knows of damage, and that its snapshots follow on the source's. */
async function verifyLocked(operation: VerifyOperation, copy: Point, context: RunContext): Promise<Found> {
  const { against } = operation;
  const source = against && (await context.observe(against).catch(unseen));
  const chain = source ? chainOf(source, copy.dataset) : "";
  const pool = poolOf(copy.at.dataset);
  const status = await run(context, copy.at.host, ["zpool", "status", "-v", pool]);
  if (status.code !== 0)
    throw new OperationFailed({ message: `zpool status ${pool} on ${copy.at.host}: ${status.stderr.trim()}` });
  const { scan, damaged } = readStatus(status.stdout, copy.at.dataset);
  const words = `its key is not loaded there, so that it was not compared; ${chain}the pool's ${scan}`;
  if (damaged.length > 0)
    return { of: copy.snapshot.name, files: 0, bytes: 0, message: words, differences: damaged, limit: "key" };
  return readStream(operation, copy, ["zfs", "send", "-w"], words, "key", context);
}

/** `12 snapshots are the source's, `. */
function chainOf(source: Dataset, copy: Dataset): string {
  const own = new Set(source.snapshots.map(({ guid }) => guid));
  const shared = copy.snapshots.filter(({ guid }) => own.has(guid)).length;
  return shared === 1
    ? "1 snapshot is the source's by its guid; "
    : `${shared} snapshots are the source's by their guids; `;
}

/** `scrub repaired 0B … with 0 errors on …`, and the files of one dataset that are known to be damaged. */
export function readStatus(
  printed: string,
  dataset: string,
): { readonly scan: string; readonly damaged: Difference[] } {
  const scan = /^\s*scan: (.*)$/m.exec(printed)?.[1]?.trim();
  const [, errors = ""] = /^errors: ([\s\S]*)$/m.exec(printed) ?? [];
  const damaged = errors
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith(`${dataset}@`) || line.startsWith(`${dataset}:`))
    .map((line) => ({ what: line, how: "damaged, as the pool knows" }));
  return {
    scan: scan === undefined || /none requested/.test(scan) ? "has never been scrubbed" : `last scan: ${scan}`,
    damaged,
  };
}

/** Every block is read where it is, and its checksum checked: of all that is there, or not at all. */
async function readStream(
  { sample }: Pick<VerifyOperation, "sample">,
  { at, snapshot }: Point,
  send: readonly string[],
  words: string,
  limit: NonNullable<Found["limit"]>,
  context: RunContext,
): Promise<Found> {
  const isRead = sample === undefined || snapshot.referenced <= sample;
  const found = { of: snapshot.name, files: 0, limit };
  if (!isRead)
    return {
      ...found,
      bytes: 0,
      message: `${words}; larger than the sample, so that it was not read`,
      differences: [],
    };
  const piped = await context.hosts.pipe(
    {
      from: { host: at.host, argv: [...send, `${at.dataset}@${snapshot.name}`] },
      to: { host: at.host, argv: ["sh", "-c", "exec cat >/dev/null"] },
    },
    { signal: context.signal },
  );
  if (piped.ok)
    return {
      ...found,
      bytes: snapshot.referenced,
      message: `every block was read and its checksum holds; ${words}`,
      differences: [],
    };
  const said = piped.sender.stderr.trim() || (piped.cause?.message ?? "");
  if (!/Input\/output error|checksum/i.test(said))
    throw new OperationFailed({ message: `${at.host}:${at.dataset}@${snapshot.name} could not be read: ${said}` });
  return {
    ...found,
    bytes: 0,
    message: words,
    differences: [{ what: `@${snapshot.name}`, how: `cannot be read: ${said.split("\n")[0]}` }],
  };
}
