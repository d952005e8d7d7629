import type { RepositoryCopy } from "../model/inventory.ts";
import type { Repository } from "../model/manifest.ts";
import type { KitCommands } from "../model/recovery-kit.ts";
import type { HostName } from "../model/units.ts";
import type { AnySource } from "../planner/restore/sources.ts";
import { tagsOf } from "../remotes/restic/tags.ts";
import { quote } from "../transport/shell.ts";
import { besideOf } from "./beside.ts";
import { exported, FILES, word } from "./shell.ts";

/** Tells every later restic of the same shell where the repository is, and how it is opened. */
export function openRepository(repository: Repository, of: HostName): KitCommands {
  const { location, password, environment, requireMount } = repository;
  const place = typeof location === "string" ? location.replaceAll("{host}", of) : location;
  return {
    about: "Open it, and see what is there",
    notes: [
      ...(requireMount === undefined ? [] : [`Mount the disk at ${requireMount} first.`]),
      ...(typeof location === "string" && location.startsWith("sftp:")
        ? ["restic reaches it by this account's own ssh: its settings belong into ~/.ssh/config."]
        : []),
    ],
    script: [
      ...[...environment].map(([name, text]) => exported(name, text)),
      exported("RESTIC_REPOSITORY", place),
      exported("RESTIC_PASSWORD", password),
      "restic snapshots",
    ],
  };
}

/** How restic finds the newest copy of a source; `newest` is the one that was seen. */
function latestOf(source: AnySource, newest: RepositoryCopy | undefined): string {
  const [path] = newest?.paths ?? [];
  const { address } = source;
  if (newest === undefined || newest.tags.includes("holdfast") || path === undefined)
    return `latest --tag ${word(tagsOf({ source: address, types: [] })[1] ?? "")}`;
  const within = newest.paths.length === 1 ? `:${path}` : "";
  return `${word(`latest${within}`)} --host ${word(newest.host)} --path ${word(path)}`;
}

/** Files beside their original; a dataset is made for those of one. */
export function restoreFiles(
  source: AnySource,
  together: readonly string[],
  newest: RepositoryCopy | undefined,
): KitCommands[] {
  const latest = latestOf(source, newest);
  const { address } = source;
  const target = besideOf("path" in source ? source.path : source.dataset, together);
  const isDataset = "dataset" in source;
  const into = isDataset ? `"$(zfs get -H -o value mountpoint ${quote(target)})"` : word(target);
  return [
    {
      about: `${address} to ${target}`,
      source: address,
      notes: [],
      script: [...(isDataset ? [`zfs create -p ${quote(target)}`] : []), `restic restore ${latest} --target ${into}`],
    },
    {
      about: `One file or folder of ${address} into ${FILES}`,
      source: address,
      notes: [],
      script: [
        `restic restore ${latest} --include "/\${file:?set it first, relative to the source}" --target ${FILES}`,
      ],
    },
  ];
}
