import type { Inventory } from "../model/inventory.ts";
import type { Manifest } from "../model/manifest.ts";
import type {
  At,
  AtRepository,
  BackupOperation,
  CopyId,
  RepositoryOperation,
  RestoreFilesOperation,
  VerifyOperation,
} from "../model/plan.ts";
import { backupFlags } from "../remotes/restic/backup.ts";
import { SCRATCH } from "../remotes/restic/drill-scratch.ts";
import { escapePattern, sparseFlag } from "../remotes/restic/restore.ts";
import { repositoryOf } from "../remotes/restic/run.ts";
import { type BackupFrom, fileName, startFrom } from "../remotes/restic/sources.ts";
import { OLDEST, parseVersion, type ResticVersion } from "../remotes/restic/version.ts";
import { tarIn, tarOut } from "../remotes/zfs/files.ts";
import { visible } from "../render/text.ts";
import { quoteAll } from "../transport/shell.ts";

/** What `apply` runs for an operation on a repository, one command a line; where it is shows as far as it is no secret. */
export function repositoryCommands(
  operation: RepositoryOperation,
  manifest: Manifest,
  { repositories }: Pick<Inventory, "repositories">,
): string[] {
  const { at } = operation;
  const restic = (argv: readonly string[], more = ""): string =>
    `${at.host}$ ${visible(`${more}${placeOf(manifest, at)} restic ${quoteAll(argv)}`)}`;
  switch (operation.kind) {
    case "init":
      return [restic(operation.chunkerOf ? ["init", "--copy-chunker-params"] : ["init"])];
    case "backup": {
      const version = versionAt(at, repositories);
      return [restic(backupWords(operation, manifest, version), inside(operation))];
    }
    case "copy":
      return [restic(["copy", "--", ...operation.copies.map(idOf)])];
    case "forget":
      return [restic(["forget", "--", ...operation.copies.map(({ id }) => id)])];
    case "prune":
      return [restic(["prune", ...(operation.maxUnused === undefined ? [] : [`--max-unused=${operation.maxUnused}`])])];
    case "check": {
      const { subset } = operation;
      return [restic(["check", ...(subset ? [`--read-data-subset=${subset.part}/${subset.of}`] : [])])];
    }
    case "unlock":
      return [restic(["unlock"])];
  }
}

/** The oldest there may be, where it is not known. */
function versionAt({ repository }: AtRepository, repositories: Inventory["repositories"]): ResticVersion {
  const there = repositories?.[repository];
  const observed = there?.state === "observed" ? parseVersion(`restic ${there.resticVersion}`) : undefined;
  return observed ?? (parseVersion(`restic ${OLDEST}.0`) as ResticVersion);
}

const idOf = (copy: CopyId): string => ("id" in copy ? copy.id : `(the backup of ${copy.name})`);

const placeOf = (manifest: Manifest, at: AtRepository): string => {
  const { location } = repositoryOf({ manifest }, at);
  if (typeof location !== "string") return "RESTIC_REPOSITORY=(a secret)";
  return `RESTIC_REPOSITORY=${quoteAll([location.replaceAll("{host}", at.host)])}`;
};

function backupWords(operation: BackupOperation, manifest: Manifest, version: ResticVersion): string[] {
  const { at, from, snapshot, stdin, files, tags, parent } = operation;
  const known = snapshot && "guid" in snapshot ? [`guid=${snapshot.guid}`] : [];
  const source: BackupFrom =
    "directory" in from
      ? stdin
        ? { command: stdin, filename: fileName(from.directory) }
        : { folder: from.directory }
      : { dataset: from.dataset, snapshot: snapshot?.name ?? "" };
  const flags = backupFlags(
    repositoryOf({ manifest }, at),
    {
      from: source,
      host: from.host,
      tags: [...tags, ...known],
      ...(parent && { parent: idOf(parent) }),
      ...(files && { files }),
    },
    version,
  );
  return ["backup", "--json", ...flags, ...startFrom(source, files, version).words];
}

/** Where restic is when it reads. */
function inside({ from, snapshot, stdin }: BackupOperation): string {
  if (stdin) return "";
  if ("directory" in from) return `cd ${quoteAll([from.directory])} && `;
  return `cd (${from.dataset}@${snapshot?.name}, mounted) && `;
}

/** The main one of a drill, on each side: what it looks at is chosen while it runs. */
export function verifyCommands({ at, of, against }: VerifyOperation, manifest: Manifest): string[] {
  const read = (where: At, name: string): string =>
    `${where.host}$ ${visible(`cd (${where.dataset}@${name}, mounted read-only) && sha256sum FILE…`)}`;
  const source = against ? [read(against, against.snapshot.name)] : [];
  if ("snapshot" in of) return [...source, read(of, of.snapshot.name)];
  const id = "identity" in of.copy ? of.copy.name : `(the backup of ${of.copy.name})`;
  const words = ["restore", "--verify", id, "--target", `${SCRATCH}…`];
  return [...source, `${at.host}$ ${visible(`${placeOf(manifest, of)} restic ${quoteAll(words)} --include=FILE…`)}`];
}

/** The same for files that are brought back. */
export function restoreFilesCommands(
  operation: RestoreFilesOperation,
  manifest: Manifest,
  { repositories }: Pick<Inventory, "repositories">,
): string[] {
  const { at, from, paths } = operation;
  const place =
    "dataset" in at ? `"$(zfs get -H -o value mountpoint ${quoteAll([at.dataset])})"` : quoteAll([at.directory]);
  if ("copy" in from) {
    const within = from.within === "/" ? from.copy.id : `${from.copy.id}:${from.within}`;
    const only = paths.map((path) => `--include=/${escapePattern(path)}`);
    const words = quoteAll([within, ...only]);
    const target = [`--target ${place}`, ...sparseFlag(versionAt(from, repositories))].join(" ");
    const restic = `${placeOf(manifest, from)} restic restore ${words} ${target}`;
    return [`${at.host}$ ${visible(restic)}`];
  }
  const mount = quoteAll(["mount", "-t", "zfs", `${from.dataset}@${from.snapshot.name}`, "/mnt"]);
  const receive = quoteAll(tarIn("INTO")).replace("--directory=INTO", `--directory=${place}`);
  return [
    visible(`${from.host}$ ${mount} && cd /mnt && ${quoteAll(tarOut(paths))} | ${at.host}$ ${receive}`),
    `${from.host}$ umount /mnt`,
  ];
}
