import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Audit } from "../model/audit.ts";
import type { Inventory } from "../model/inventory.ts";
import type { Manifest, Repository } from "../model/manifest.ts";
import type { EpochSeconds, HostName, RemoteName } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import { forStdout, type GlobalOptions } from "./context.ts";
import { EXIT, type ExitCode, Failure } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { answer, answerJson } from "./terminal.ts";
import { clock, connect } from "./world.ts";

export interface AuditOptions extends GlobalOptions {
  readonly json?: true;
  readonly repository?: string;
  readonly passwordFile?: string;
}

export async function audit(options: AuditOptions): Promise<ExitCode> {
  const found = await examine(options);
  if (options.json) answerJson(found);
  else {
    const [{ renderAudit }, { suggestManifest }] = await Promise.all([
      import("../render/audit.ts"),
      import("../audit/suggest.ts"),
    ]);
    answer(renderAudit(found, suggestManifest(found), forStdout(options)));
  }
  const isWell = found.unobserved.length === 0 && found.datasets.every(({ protection }) => protection !== "none");
  return isWell ? EXIT.ok : EXIT.incomplete;
}

/** Looks at this machine's pools, and at the repository that is given, as restic is told of it. Changes nothing. */
export async function examine(options: AuditOptions): Promise<Audit> {
  const manifest = await everythingHere(options);
  const host = manifest.self as HostName;
  const repository = manifest.remotes.get(GIVEN) as Repository | undefined;
  const interruption = onInterrupt();
  const hosts = await connect(manifest, options);
  try {
    const now = clock();
    const hasZfs = await isInstalled(hosts, host, interruption.signal);
    if (!hasZfs && repository === undefined)
      throw new Failure("there is nothing to look at: no zfs on this machine, and no repository was given", {
        hint: "restic's: --repository REPO --password-file FILE, or RESTIC_REPOSITORY and RESTIC_PASSWORD_FILE",
      });
    const [inventory, repositories] = await Promise.all([
      hasZfs ? observed(manifest, hosts, now, interruption.signal) : nothing(now),
      Promise.all(repository === undefined ? [] : [known(repository, host, hosts, interruption.signal, options)]),
    ]);
    if (interruption.signal.aborted) throw new Failure("interrupted", { code: EXIT.interrupted });
    const pure = await import("../audit/index.ts");
    return pure.audit(host, inventory, repositories, now);
  } finally {
    interruption.release();
    await hosts.close();
  }
}

const GIVEN = "repository" as RemoteName;
const nothing = (observedAt: EpochSeconds): Inventory => ({ formatVersion: 1, observedAt, hosts: {} });

/** A manifest that means every dataset of this machine, and the repository that was given. */
async function everythingHere(options: AuditOptions): Promise<Manifest> {
  const { parseManifest } = await import("../manifest/index.ts");
  const remote = await repositoryOf(options);
  const text = JSON.stringify({
    version: 1,
    datasets: { "**": { keep: { daily: 1 } } },
    ...(remote && { remotes: { [GIVEN]: remote } }),
  });
  const { manifest, diagnostics } = parseManifest([{ name: "audit", text }], {
    // without a manifest there is nothing to be a controller of
    ...(options.as === undefined || options.as === "none" ? {} : { as: options.as }),
    hostname: hostname(),
    user: "root",
    folder: process.cwd(),
    now: clock(),
  });
  if (manifest) return manifest;
  const first = diagnostics.find(({ severity }) => severity === "error");
  throw new Failure(`--repository: ${first?.message ?? "it is not understood"}`);
}

/** restic's own variables name a repository as well as the options do. */
async function repositoryOf({ repository, passwordFile }: AuditOptions): Promise<object | undefined> {
  const { env } = process;
  if (repository === undefined && !env.RESTIC_REPOSITORY) return undefined;
  const file = passwordFile ?? env.RESTIC_PASSWORD_FILE;
  if (!file && !env.RESTIC_PASSWORD)
    throw new Failure("the repository needs a password", {
      hint: "--password-file FILE, or RESTIC_PASSWORD_FILE or RESTIC_PASSWORD in the environment",
    });
  const { hasPasswordInUrl } = await import("../manifest/text.ts");
  if (repository !== undefined && hasPasswordInUrl(repository))
    throw new Failure("--repository has a password in it, which everybody on this machine can see", {
      hint: "put it into RESTIC_REPOSITORY in the environment",
    });
  const names = Object.keys(env).filter((name) => BACKENDS.test(name));
  return {
    type: "restic",
    repository: repository === undefined ? { env: "RESTIC_REPOSITORY" } : placeOf(repository),
    password: file ? { file: resolve(file) } : { env: "RESTIC_PASSWORD" },
    environment: Object.fromEntries(names.map((name) => [name, { env: name }])),
  };
}

/** Of a folder the whole path; anything else as it is. */
const placeOf = (repository: string): string => (/^[a-z0-9]+:/.test(repository) ? repository : resolve(repository));

/** Where restic and rclone take the credentials of storage from. */
const BACKENDS = /^(?:AWS|AZURE|B2|GOOGLE|OS|ST|RCLONE)_|^RESTIC_REST_/;

async function isInstalled(hosts: Hosts, host: HostName, signal: AbortSignal): Promise<boolean> {
  const { TransportError } = await import("../transport/types.ts");
  try {
    await hosts.run(host, ["zfs", "version"], { signal, timeoutMs: 60_000 });
    return true;
  } catch (error) {
    if (error instanceof TransportError && error.kind === "not-found") return false;
    throw error;
  }
}

async function observed(manifest: Manifest, hosts: Hosts, now: EpochSeconds, signal: AbortSignal): Promise<Inventory> {
  const { observe } = await import("../inventory/index.ts");
  return observe(manifest, hosts, { now, signal });
}

async function known(
  repository: Repository,
  host: HostName,
  hosts: Hosts,
  signal: AbortSignal,
  options: AuditOptions,
): Promise<import("../audit/index.ts").KnownRepository> {
  const [{ openRepository }, { maintenanceOf }, { withoutPasswords }] = await Promise.all([
    import("../remotes/restic/restic.ts"),
    import("../remotes/restic/tags.ts"),
    import("../manifest/text.ts"),
  ]);
  const inventory = await openRepository({ repository, host }, { hosts, env: process.env, signal }).list();
  const copies = inventory.state === "observed" ? inventory.copies : [];
  const checked = copies.findLast((copy) => maintenanceOf(copy)?.kinds.includes("check"))?.creation;
  return {
    name: withoutPasswords(placeOf(options.repository ?? process.env.RESTIC_REPOSITORY ?? "")),
    inventory,
    ...(checked !== undefined && { checked }),
  };
}
