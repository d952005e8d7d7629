import type { OpenedRemotes } from "../hooks/remotes.ts";
import { type UsedRepository, usedRepositories } from "../manifest/repositories.ts";
import { scopeOf } from "../manifest/scope.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Plan, repositoriesOf } from "../model/plan.ts";
import type { OperationReport, Problem } from "../model/report.ts";
import type { RepositoryKey } from "../model/units.ts";
import type { Hosts, Lock } from "../transport/types.ts";
import { type GlobalOptions, openLog } from "./context.ts";
import type { Interruption } from "./interrupt.ts";

export type Unavailable = ReadonlyMap<RepositoryKey, Problem>;

/** What work between the hooks around remotes has to know of them, and tell. */
export interface Remotes {
  readonly unavailable: Unavailable;
  readonly finished: (report: OperationReport) => void;
}

const NONE: Remotes = { unavailable: new Map(), finished: () => {} };

/** Does some work between the hooks around remotes, whatever becomes of it. With a plan that is there already: of those it is about. */
export async function withRemotes<T>(
  manifest: Manifest,
  hosts: Hosts,
  options: GlobalOptions & Concerned,
  interruption: Pick<Interruption, "signal" | "urgent">,
  work: (remotes: Remotes) => Promise<T>,
): Promise<T> {
  const repositories = withHooks(manifest, options);
  if (repositories.length === 0) return work(NONE);
  const opened = await openThem(repositories, hosts, options, interruption);
  let broken = true;
  try {
    const result = await work(opened);
    broken = false;
    return result;
  } finally {
    await opened.close(broken);
  }
}

/** Does what is to come before work on these. */
export async function openThem(
  repositories: readonly UsedRepository[],
  hosts: Hosts,
  options: GlobalOptions,
  { signal, urgent }: Pick<Interruption, "signal" | "urgent">,
): Promise<OpenedRemotes> {
  const [{ openRemotes }, log, lock] = await Promise.all([
    import("../hooks/remotes.ts"),
    openLog(options),
    locksOf(options, signal),
  ]);
  const warn = (message: string): void => log.warn(message);
  return openRemotes(repositories, { hosts, env: process.env, signal, urgent, lock, warn });
}

interface Concerned {
  readonly allHosts?: boolean;
  readonly plan?: Pick<Plan, "operations">;
  /** Only these. */
  readonly repositories?: readonly UsedRepository[];
}

/** Repositories with hooks around them; with a plan those that it is about. */
export const withHooks = (manifest: Manifest, about: Concerned = {}): UsedRepository[] =>
  concerned(manifest, about).filter(({ repository }) => repository.hooks.length > 0);

function concerned(manifest: Manifest, about: Concerned): readonly UsedRepository[] {
  const { plan, allHosts = false, repositories } = about;
  if (repositories !== undefined) return repositories;
  const used = usedRepositories(manifest, scopeOf(manifest, { allHosts: allHosts || plan !== undefined }));
  if (plan === undefined) return used;
  const keys = new Set(plan.operations.flatMap(repositoriesOf));
  return used.filter(({ key }) => keys.has(key));
}

/** Looking takes seconds, and is waited for; another apply may take hours. */
const PATIENCE_MS = 30_000;

/** A second Holdfast would otherwise unmount what the first one works on. */
async function locksOf(
  { lockTimeout }: GlobalOptions,
  signal: AbortSignal,
): Promise<(key: RepositoryKey) => Promise<Lock>> {
  const [{ acquireLock }, { parseDuration }] = await Promise.all([
    import("../transport/index.ts"),
    import("../manifest/units.ts"),
  ]);
  const timeoutMs = Math.max(PATIENCE_MS, (parseDuration(lockTimeout) ?? 0) * 1000);
  return (key) =>
    acquireLock({
      name: `remote-${key.replaceAll(/[^\w.@-]/g, "_")}`,
      env: process.env,
      command: "holdfast",
      timeoutMs,
      signal,
    });
}
