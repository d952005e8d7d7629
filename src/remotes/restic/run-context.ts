import type { Dataset } from "../../model/inventory.ts";
import type { Manifest, Repository } from "../../model/manifest.ts";
import type { At, AtRepository, OperationId, SnapshotRef } from "../../model/plan.ts";
import type { FileProgress } from "../../model/report.ts";
import { type Bytes, type Guid, hostOfKey, nameOfKey } from "../../model/units.ts";
import type { RepositoryPlace } from "./access.ts";
import { openRepository, type Restic } from "./restic.ts";
import type { ResticOptions } from "./session.ts";

/** What an operation on a repository needs to run. */
export interface RepositoryContext extends ResticOptions {
  readonly manifest: Manifest;
  /** Ends everything at once, also what ends something. */
  readonly urgent: AbortSignal;
  /** Throws when the operation that creates it did not succeed. */
  guidOf(ref: SnapshotRef): Guid;
  /** As it is now; null: there is none. Throws where it cannot be seen. */
  observe(at: At): Promise<Dataset | null>;
  /** Tells which id a backup got. */
  created(id: OperationId, copy: string): void;
  /** What an operation of this run made; undefined while it has not succeeded. */
  readonly createdBy: (id: OperationId) => string | undefined;
  progress(id: OperationId, bytes: Bytes, expected: Bytes | undefined, files?: FileProgress): void;
}

export const repositoryOf = (
  { manifest }: Pick<RepositoryContext, "manifest">,
  { repository }: AtRepository,
): Repository => {
  const name = nameOfKey(repository);
  const found = manifest.mirrors.get(name) ?? manifest.remotes.get(name);
  if (found === undefined || ("type" in found && found.type !== "restic")) throw new Error(`no repository ${name}`);
  return found as Repository;
};

export function placeOf(context: Pick<RepositoryContext, "manifest">, at: AtRepository): RepositoryPlace {
  const of = hostOfKey(at.repository);
  return { repository: repositoryOf(context, at), host: at.host, ...(of !== undefined && { of }) };
}

export const open = (context: RepositoryContext, at: AtRepository): Restic =>
  openRepository(placeOf(context, at), context);
