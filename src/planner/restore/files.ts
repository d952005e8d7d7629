import type {
  At,
  AtDirectory,
  Blocked,
  BlockedReason,
  Operation,
  OperationId,
  Precondition,
  RestoreFilesOperation,
} from "../../model/plan.ts";
import { writePlace } from "../../model/plan.ts";
import type { Address, Bytes } from "../../model/units.ts";
import { missingParents, type Observations } from "../observed.ts";
import { NOT_BESIDE, type Restored } from "./datasets.ts";
import { restoringMark } from "./marks.ts";
import type { Point } from "./places.ts";

/** Files that are to be brought back, and where to: into a folder, or a dataset that is made for them. */
export interface FilesRestore {
  readonly source: Address;
  readonly point: Point;
  readonly at: At | AtDirectory;
  readonly beside: boolean;
  readonly paths: readonly string[];
  /** Into what is there. */
  readonly over: boolean;
}

export function restoreFiles(observations: Observations, wanted: FilesRestore): Restored {
  const { at } = wanted;
  if ("directory" in at || wanted.over) return { operations: [files(wanted, [])], blocked: [] };
  const refuse = (reason: BlockedReason, message: string, remedies: readonly string[]): Restored => ({
    operations: [],
    blocked: [{ source: wanted.source, at, reason, message, evidence: [], remedies } satisfies Blocked],
  });
  const there = observations.look(at.host, at.dataset);
  if (there.state === "unobserved")
    return refuse("unseen", `what is at ${writePlace(at)} could not be seen: ${there.reason}`, [
      "make it reachable (its pool has to be there: zpool import, zpool create), or give another place: --to",
    ]);
  if (there.state === "absent") {
    const make = {
      ...step(wanted, "make"),
      at,
      kind: "make",
      reason: "its files go there",
      preconditions: [{ ...at, kind: "absent" }],
      beside: wanted.beside,
      createParents: missingParents(observations, at),
    } as const;
    return { operations: [make, files(wanted, [make.id]), settle(wanted, at)], blocked: [] };
  }
  if (there.dataset.own.restoring !== restoringMark(at, wanted.beside))
    return refuse("occupied", `${writePlace(at)} is there already`, ["give another place: --to DATASET, or --to DIR"]);
  return { operations: [files(wanted, []), settle(wanted, at)], blocked: [] };
}

function files(wanted: FilesRestore, dependsOn: readonly OperationId[]): RestoreFilesOperation {
  const { point, at, paths, over } = wanted;
  const isWhole = paths.length === 0;
  const size = point.kind === "copy" ? point.bytes : point.snapshot.referenced;
  const preconditions: Precondition[] =
    point.kind === "snapshot"
      ? [{ ...point.from, kind: "snapshot", snapshot: { name: point.name, guid: point.snapshot.guid } }]
      : [];
  return {
    ...step(wanted, "restore"),
    at,
    kind: "restore-files",
    reason: "asked for",
    dependsOn,
    preconditions,
    from:
      point.kind === "snapshot"
        ? { ...point.from, snapshot: { name: point.name, guid: point.snapshot.guid } }
        : // restic runs where the files go
          { ...point.at, host: at.host, copy: { name: point.name, id: point.id }, within: point.within },
    paths,
    over,
    ...(isWhole && size !== undefined && { estimate: size as Bytes }),
    ...(isWhole && point.kind === "copy" && point.files !== undefined && { files: point.files }),
  };
}

function settle(wanted: FilesRestore, at: At): Operation {
  return {
    ...step(wanted, "settle"),
    at,
    kind: "settle",
    reason: "all of it is there",
    dependsOn: [step(wanted, "restore").id],
    preconditions: [],
    datasetType: "filesystem",
    beside: wanted.beside,
    excludeProperties: NOT_BESIDE,
  };
}

const step = ({ source, point, at }: FilesRestore, kind: string) =>
  ({
    id: `${kind} ${writePlace(at)} ${point.name}`,
    source,
    remote: point.place,
    dependsOn: [] as readonly OperationId[],
  }) as const;
