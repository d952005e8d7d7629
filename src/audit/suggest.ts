import { adoptedName } from "../model/adopted.ts";
import type { Audit, AuditedRepository, Replica } from "../model/audit.ts";
import { type DatasetName, poolOf } from "../model/units.ts";

const PERIODS = ["hourly", "daily", "weekly", "monthly"] as const;

/**
 * A manifest for what was found, to be read and changed by people: it says what else it could say. `passwordFile`: of the
 * repository.
 */
export function suggestManifest(
  { host, datasets, replicas, owners, repositories: [known] }: Audit,
  passwordFile = "/etc/holdfast/copies.password",
): string {
  const folders = foldersIn(known, host);
  const roots = outermost(datasets.map(({ dataset }) => dataset));
  const adopted = PERIODS.map((period) => owners.flatMap(({ tool }) => adoptedName(tool, period) ?? []));
  const backups = backupRoots(replicas);
  return `${[
    "version: 1",
    ...(adopted.flat().length === 0
      ? []
      : [
          "",
          "snapshotTypes: # what other tools took is counted, too",
          ...PERIODS.map((period, index) => `  ${period}: { adopt: ${list(adopted[index] ?? [])} }`),
        ]),
    "",
    "remotes:",
    ...(backups.length > 0
      ? backups.flatMap((root, index) => [`  ${nameOf(root, index)}: { type: zfs, root: ${word(root)} }`])
      : [
          "  # a second pool, or `host: NAME` and a `hosts` section for another machine:",
          "  # vault: { type: zfs, root: vault/backups }",
          "  copies: # a restic repository: a folder on another disk, sftp:, rest:, s3: …",
          "    type: restic",
          ...(known
            ? [
                `    repository: ${word(known.repository)}`,
                `    password: { file: ${word(passwordFile)} }`,
                ...(folders.length > 0
                  ? [`    adopt: [{ host: ${word(host)}, type: daily }] # what is there already is counted, too`]
                  : []),
              ]
            : [
                `    repository: ${word(`/mnt/backup/${host}`)}`,
                "    requireMount: /mnt/backup # an unplugged disk is no empty folder",
                `    password: { file: ${word(passwordFile)} } # write it down elsewhere, too`,
                "    init: true",
              ]),
        ]),
    "",
    "policies:",
    "  standard:",
    "    keep: { hourly: 24, daily: 30, weekly: 8, monthly: 12 }",
    `    remotes: { ${(backups.length > 0 ? backups.map(nameOf) : ["copies"]).map((name) => `${name}: {}`).join(", ")} }`,
    "",
    ...(roots.length > 0
      ? ["datasets:", ...roots.map((root) => `  ${word(root)}: { recursive: true, policy: standard }`)]
      : [
          "directories:",
          ...(folders.length > 0
            ? folders.map((folder) => `  ${word(folder)}: { policy: standard }`)
            : [
                "  /etc: { policy: standard }",
                '  /home: { policy: standard, files: { exclude: [.cache, "*.tmp"], excludeCaches: true } }',
              ]),
        ]),
  ].join("\n")}\n`;
}

/** What of this machine is in a repository already. */
const foldersIn = (repository: AuditedRepository | undefined, host: string): string[] => [
  ...new Set(
    (repository?.sources ?? [])
      .filter((source) => source.host === host)
      .flatMap(({ paths: [path, another] }) => (path?.startsWith("/") && another === undefined ? [path] : [])),
  ),
];

/** Those that lie in no other. */
function outermost(names: readonly DatasetName[]): DatasetName[] {
  const all = new Set<string>(names);
  const isInside = (name: string): boolean => {
    const parts = name.split("/");
    return parts.slice(1).some((_, index) => all.has(parts.slice(0, index + 1).join("/")));
  };
  return names.filter((name) => !isInside(name)).sort();
}

/** Where copies are already, named below as their sources are. */
function backupRoots(replicas: readonly Replica[]): string[] {
  const roots = replicas.flatMap(({ source, replica }) =>
    poolOf(source) !== poolOf(replica) && replica.endsWith(`/${source}`) ? [replica.slice(0, -source.length - 1)] : [],
  );
  return [...new Set(roots)].sort();
}

/** A remote's name: the pool's, made unique where one has several roots. */
const nameOf = (root: string, index: number): string => {
  const name = poolOf(root).replaceAll(/[^a-zA-Z0-9_-]/g, "-");
  return index === 0 ? name : `${name}-${index + 1}`;
};

/** Plain where YAML takes it for nothing else. */
const word = (text: string): string => (/^[a-z/][\w./-]*$/i.test(text) && !isOther(text) ? text : JSON.stringify(text));
const isOther = (text: string): boolean => /^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text);
const list = (words: readonly string[]): string => `[${words.map((each) => JSON.stringify(each)).join(", ")}]`;
