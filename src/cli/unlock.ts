import { type UsedRepository, usedRepositories } from "../manifest/repositories.ts";
import { scopeOf } from "../manifest/scope.ts";
import type { Manifest } from "../model/manifest.ts";
import type { OwnLock, Unlocked, UnlockedRepository } from "../model/unlocked.ts";
import { visible } from "../render/text.ts";
import { renderUnlocked } from "../render/unlocked.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions, requireManifest } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { lockNames } from "./lock.ts";
import { type Unavailable, withRemotes } from "./remotes.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, connect } from "./world.ts";

interface UnlockOptions extends GlobalOptions {
  readonly json?: true;
  readonly allHosts?: boolean;
}

/** Shows every lock, and removes those that were left behind. Works beside a running apply, whose locks are left alone. */
export async function unlock(options: UnlockOptions, names: readonly string[]): Promise<ExitCode> {
  const manifest = await requireManifest(options);
  const wanted = chosen(manifest, options, names);
  const own = await ownLocks(manifest);
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const concerned = { ...options, repositories: wanted };
    const repositories = await withRemotes(manifest, hosts, concerned, interruption, ({ unavailable }) =>
      Promise.all(wanted.map((used) => clear(used, hosts, unavailable, interruption.signal))),
    );
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    const unlocked: Unlocked = { formatVersion: 1, repositories, own };
    if (options.json) answerJson(unlocked);
    else answer(renderUnlocked(unlocked, { ...forStdout(options), now: clock() }));
    return codeOf(unlocked);
  } finally {
    interruption.release();
    await hosts.close();
  }
}

function codeOf({ repositories, own }: Unlocked): ExitCode {
  if (repositories.some(({ problem }) => problem !== undefined)) return EXIT.incomplete;
  const isLocked = repositories.some(({ locks }) => locks?.some(({ removed }) => !removed));
  return isLocked || own.some(({ held }) => held) ? EXIT.locked : EXIT.ok;
}

/** A name that is no repository is a mistake, not one that has no locks. */
function chosen(manifest: Manifest, { allHosts = false }: UnlockOptions, names: readonly string[]): UsedRepository[] {
  const used = usedRepositories(manifest, scopeOf(manifest, { allHosts }));
  const known = [...new Set<string>(used.map(({ repository }) => repository.name))];
  for (const name of names) {
    if (known.includes(name)) continue;
    const isZfs = [...manifest.remotes.values()].some((remote) => remote.name === name && remote.type === "zfs");
    throw new Failure(
      isZfs
        ? `${name} is a remote of ZFS, which has no locks`
        : `no restic repository that this host works with is called ${visible(name)}`,
      {
        hint:
          known.length === 0
            ? "there is none here; with --all-hosts also others'"
            : `repositories here: ${known.join(", ")}`,
      },
    );
  }
  return names.length === 0 ? used : used.filter(({ repository }) => names.includes(repository.name));
}

async function ownLocks(manifest: Manifest): Promise<OwnLock[]> {
  const { inspectLock } = await import("../transport/index.ts");
  return Promise.all(lockNames(manifest).map((name) => inspectLock({ name, env: process.env })));
}

async function clear(
  used: UsedRepository,
  hosts: Hosts,
  unavailable: Unavailable,
  signal: AbortSignal,
): Promise<UnlockedRepository> {
  const { key, host } = used;
  const at = { repository: key, host };
  const problem = unavailable.get(key);
  if (problem !== undefined) return { ...at, problem: said(problem) };
  const [{ openRepository }, { ResticFailed }, { TransportError }] = await Promise.all([
    import("../remotes/restic/restic.ts"),
    import("../remotes/restic/errors.ts"),
    import("../transport/types.ts"),
  ]);
  try {
    const cleared = await openRepository(used, { hosts, env: process.env, signal }).clearLocks();
    return { ...at, locks: cleared.locks, ...(cleared.problem && { problem: said(cleared.problem) }) };
  } catch (error) {
    // where there is no repository, there is no lock
    if (error instanceof ResticFailed)
      return error.kind === "absent" ? { ...at, locks: [] } : { ...at, problem: said(error.problem) };
    if (error instanceof TransportError) return { ...at, problem: said(error) };
    throw error;
  }
}

const said = ({ message, hint }: { readonly message: string; readonly hint?: string | undefined }) => ({
  message,
  ...(hint !== undefined && { hint }),
});
