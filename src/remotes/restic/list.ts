import type { RepositoryCopy, RepositoryInventory } from "../../model/inventory.ts";
import type { Bytes, EpochSeconds } from "../../model/units.ts";
import { TransportError } from "../../transport/types.ts";
import { ResticFailed } from "./errors.ts";
import { listLocks } from "./locks.ts";
import { isJson, numberOf, parseJson, textOf, textsOf } from "./messages.ts";
import type { Call, Session } from "./session.ts";
import { withPartialTags } from "./tags.ts";

/** A million copies are half of it. */
const LARGEST_LISTING = 480 * 1024 * 1024;
const LISTING_MS = 30 * 60_000;

export interface ListOptions {
  /** Who brings copies back needs to know no more; each start of restic costs half a second for the password alone. */
  readonly copiesOnly?: true;
}

/**
 * All that is in a repository, or its copies alone: then its id and polynomial are "", and there are no locks. One that is
 * certainly not there is absent; whatever else goes wrong is said, not thrown.
 */
export async function list(session: Session, { copiesOnly }: ListOptions = {}): Promise<RepositoryInventory> {
  try {
    const found = copiesOnly
      ? { id: "", chunkerPolynomial: "", copies: await listCopiesOnly(session), locks: [] }
      : await listAll(session);
    return { state: "observed", resticVersion: (await session.version()).text, ...found };
  } catch (error) {
    if (error instanceof ResticFailed && error.kind === "absent") return { state: "absent" };
    if (!(error instanceof ResticFailed || error instanceof TransportError)) throw error;
    const hint = error instanceof ResticFailed ? error.problem.hint : error.hint;
    return { state: "unobserved", reason: error.message, ...(hint !== undefined && { hint }) };
  }
}

async function listAll(session: Session) {
  const config = await readConfig(session);
  const [copies, locks] = await Promise.all([listCopies(session), listLocks(session)]);
  return { ...config, copies, locks };
}

/** After so long it is asked besides whether anybody is there at all: a listing itself may take its time. */
const PATIENCE_MS = 10_000;

async function listCopiesOnly(session: Session): Promise<RepositoryCopy[]> {
  const silent = new AbortController();
  const timer = setTimeout(
    () => void readConfig(session).catch((error: unknown) => silent.abort(error)),
    Math.min(PATIENCE_MS, session.answerMs),
  );
  try {
    return await listCopies(session, silent.signal);
  } catch (error) {
    throw silent.signal.aborted ? silent.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

async function readConfig(session: Session): Promise<{ readonly id: string; readonly chunkerPolynomial: string }> {
  const config = parseJson(
    await answer(session, { args: ["cat", "config", "--no-lock"], timeoutMs: session.answerMs }),
  );
  const id = isJson(config) ? textOf(config.id) : undefined;
  const chunkerPolynomial = isJson(config) ? textOf(config.chunker_polynomial) : undefined;
  if (id === undefined || chunkerPolynomial === undefined) throw notUnderstood(session, "cat config");
  return { id, chunkerPolynomial };
}

/** In order of time, then id. */
export async function listCopies(session: Session, signal?: AbortSignal): Promise<RepositoryCopy[]> {
  const args = ["snapshots", "--json", "--no-lock"];
  const call = { args, timeoutMs: LISTING_MS, maxOutput: LARGEST_LISTING, ...(signal && { signal }) };
  const listed = parseJson(await answer(session, call));
  // of an empty repository some versions say null
  if (listed !== null && !Array.isArray(listed)) throw notUnderstood(session, "snapshots");
  const copies = (listed ?? []).map((entry) => {
    const copy = copyOf(entry);
    if (copy === undefined) throw notUnderstood(session, "snapshots");
    return copy;
  });
  return withPartialTags(copies.sort(byTime));
}

async function answer(session: Session, call: Call): Promise<string> {
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  const { leftOut } = ended.output;
  if (leftOut === undefined) return ended.stdout;
  throw new ResticFailed("damaged", {
    message: `${session.name}: the listing lacks something: ${leftOut}`,
    hint: "restic check tells what, and how to repair it",
    ...(ended.output.tail !== undefined && { output: ended.output.tail }),
  });
}

const notUnderstood = ({ name }: Session, command: string): ResticFailed =>
  new ResticFailed("other", {
    message: `${name}: what restic ${command} printed cannot be understood`,
    hint: "please report it, with `restic version`",
  });

function copyOf(entry: unknown): RepositoryCopy | undefined {
  if (!isJson(entry)) return undefined;
  const [id, time, tree] = [textOf(entry.id), textOf(entry.time), textOf(entry.tree)];
  const milliseconds = Date.parse(time ?? "");
  if (id === undefined || time === undefined || Number.isNaN(milliseconds)) return undefined;
  const summary = isJson(entry.summary) ? entry.summary : {};
  const [original, parent] = [textOf(entry.original), textOf(entry.parent)];
  const files = numberOf(summary.total_files_processed);
  const bytes = numberOf(summary.total_bytes_processed);
  const added = numberOf(summary.data_added_packed) ?? numberOf(summary.data_added);
  return {
    id,
    ...(original !== undefined && { original }),
    ...(parent !== undefined && { parent }),
    time,
    creation: Math.floor(milliseconds / 1000) as EpochSeconds,
    tree: tree ?? "",
    host: textOf(entry.hostname) ?? "",
    paths: textsOf(entry.paths),
    tags: textsOf(entry.tags),
    ...(files !== undefined && { files }),
    ...(bytes !== undefined && { bytes: bytes as Bytes }),
    ...(added !== undefined && { added: added as Bytes }),
  };
}

const byTime = (a: RepositoryCopy, b: RepositoryCopy): number =>
  a.creation - b.creation || ascending(fraction(a), fraction(b)) || ascending(a.id, b.id);
const ascending = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
/** The digits after the whole seconds. */
const fraction = ({ time }: RepositoryCopy): string => /\.(\d+)/.exec(time)?.[1] ?? "";
