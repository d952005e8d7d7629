import type { Approval, Manifest, Remedy } from "../model/manifest.ts";
import type { Blocked, Note } from "../model/plan.ts";
import type { Address, DatasetName, EpochSeconds, HostName, RemoteName } from "../model/units.ts";

/** What the user agreed to: approvals in the manifest that have not lapsed, and the options of this run. */
export interface Consents {
  /** The first of these remedies for a blocked copy that somebody agreed to; what this run asks for comes first. */
  remedy(source: Address, remote: RemoteName, possible: readonly Remedy[]): Remedy | undefined;
  /** Approvals for withheld deletions of one source. */
  destroys(source: Address): readonly Extract<Approval, { kind: "destroy" }>[];
  orphan(host: HostName, dataset: DatasetName): boolean;
  /** Most withheld deletions that this run lets through. */
  readonly allowDestroy: number;
  /** The most deletions on one copy that somebody agreed to. */
  allowed(source: Address, remote: RemoteName): number;
  /** Approvals that no longer hold. */
  readonly notes: readonly Note[];
}

interface Options {
  readonly now: EpochSeconds;
  readonly allowDestroy: number;
  readonly resolve: ReadonlyMap<RemoteName, Remedy>;
}

/** A source without a host is one of this machine. */
const isNamed = ({ self }: Manifest, written: string, address: string): boolean =>
  written === address || (self !== null && `${self}:${written}` === address);

/** Without the remedies that were chosen for copies which are blocked all the same. */
export function withoutRemedies(manifest: Manifest, blocked: readonly Blocked[]): Manifest {
  const isInVain = (approval: Approval): boolean =>
    approval.kind === "resolve" &&
    blocked.some(({ source, remote }) => remote === approval.remote && isNamed(manifest, approval.source, source));
  return { ...manifest, approvals: manifest.approvals.filter((approval) => !isInVain(approval)) };
}

export function consentsOf(manifest: Manifest, { now, allowDestroy, resolve }: Options): Consents {
  const valid = manifest.approvals.filter((approval) => now < approval.until);
  const lapsed = manifest.approvals.filter((approval) => now >= approval.until);
  const names = (written: string, address: string) => isNamed(manifest, written, address);
  const remedies = valid.filter((approval) => approval.kind === "resolve");
  const destroys = valid.filter((approval) => approval.kind === "destroy");
  const orphans = valid.filter((approval) => approval.kind === "orphan");
  return {
    allowDestroy,
    allowed: (source, remote) =>
      Math.max(
        allowDestroy,
        ...destroys
          .filter((approval) => names(approval.source, source) && (approval.remote ?? remote) === remote)
          .map((approval) => approval.destroy),
      ),
    remedy: (source, remote, possible) =>
      [
        resolve.get(remote),
        remedies.find((approval) => approval.remote === remote && names(approval.source, source))?.resolve,
      ].find((remedy) => remedy !== undefined && possible.includes(remedy)),
    destroys: (source) => destroys.filter((approval) => names(approval.source, source)),
    orphan: (host, dataset) => orphans.some((approval) => names(approval.orphan, `${host}:${dataset}`)),
    notes: lapsed.map(
      (approval): Note => ({
        kind: "lapsed-approval",
        message: `the approval at ${approval.place.file}:${approval.place.line} lapsed on ${approval.untilText}; take it out or renew it`,
      }),
    ),
  };
}
