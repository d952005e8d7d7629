import type { Host, Manifest } from "../model/manifest.ts";
import type { KitCommands } from "../model/recovery-kit.ts";
import type { DatasetName } from "../model/units.ts";
import { type Observations, parentOf } from "../planner/observed.ts";
import { encryptedAbove, isRaw, NOT_BESIDE } from "../planner/restore/datasets.ts";
import type { SnapshotPoint } from "../planner/restore/places.ts";
import type { Copy, Source } from "../planner/sources.ts";
import { mountCommand, receiveCommand, receivedSettingsCommand, sendCommand } from "../remotes/zfs/commands.ts";
import { tarIn, tarOut } from "../remotes/zfs/files.ts";
import { quote, quoteAll } from "../transport/shell.ts";
import { besideOf, topOf } from "./beside.ts";
import type { Facts } from "./facts.ts";
import { asRoot, FILES, needsSudo, on } from "./shell.ts";

/** Copies of one remote on one host. */
export interface ZfsPlace {
  readonly host: Host;
  /** Roots of what lies there; none is in another one. */
  readonly roots: readonly string[];
  /** It may have to be plugged in. */
  readonly removable: boolean;
}

export function listDatasets({ host, roots, removable }: ZfsPlace): KitCommands {
  const pools = [...new Set(roots.map((root) => root.split("/", 1)[0] ?? ""))];
  const columns = "name,creation,used,encryption,keystatus";
  const list = ["zfs", "list", "-r", "-t", "filesystem,volume,snapshot", "-o", columns, "-s", "creation", ...roots];
  const imports = pools.map(
    (pool) =>
      `${asRoot(host, ["zpool", "list", "-H", "-o", "name", pool])} || ${asRoot(host, ["zpool", "import", "-N", pool])}`,
  );
  return {
    about: "See what is there",
    notes: removable
      ? [
          "Plug the disk in first. With -N nothing of it is mounted; a pool that another machine used last needs -f as well.",
        ]
      : [],
    script: [...(removable ? imports.map((line) => on(host, line)) : []), on(host, asRoot(host, list))],
  };
}

export interface Wanted {
  readonly manifest: Manifest;
  readonly observations: Observations;
  readonly facts: Facts;
  readonly source: Source;
  /** Datasets of the same host that come back from the same place, this one included. */
  readonly together: readonly DatasetName[];
}

/** The name of a dataset's newest snapshot, when it is asked for: what was the newest on paper may be gone. */
const newestOf = (host: Host, dataset: string): string =>
  `"$(${asRoot(host, ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-d", "1", "-s", "createtxg", dataset])} | tail -n 1)"`;

/** A dataset with what it was set to; `point` is the newest that was seen of the copy. */
export function restoreDataset(
  { manifest, observations, facts, source, together }: Wanted,
  copy: Copy,
  point: SnapshotPoint | undefined,
): KitCommands {
  const from = hostNamed(manifest, copy.host);
  const to = hostNamed(manifest, source.host);
  const at = { host: source.host, dataset: besideOf(source.dataset, together) as DatasetName };
  const raw = point ? isRaw(observations, point) : copy.remote.raw === "always";
  const encryption = !raw && encryptedAbove(observations, at) !== undefined ? ("inherit" as const) : undefined;
  const send = sendCommand({
    dataset: copy.target,
    to: "newest",
    base: null,
    range: false,
    raw,
    ...(encryption && { encryption }),
    // together with a raw stream, they make the receiving zfs abort
    withProperties: raw ? false : "received",
  });
  const receive = receiveCommand({
    target: at.dataset,
    initial: true,
    resumed: false,
    ...(encryption && { encryption }),
    replacesPlaceholder: false,
    datasetType: point?.dataset.type ?? "filesystem",
    properties: {},
    excludeProperties: NOT_BESIDE,
    restores: "received",
  });
  const sending = on(from, `${asRoot(from, send.slice(0, -1))} ${newestOf(from, copy.target)}`);
  const opened = raw ? [loadKey({ observations, facts, source, point }, to, at.dataset)] : [];
  const settings = `${asRoot(from, receivedSettingsCommand({ host: copy.host, dataset: copy.target }))} | sed '/\\t-$/d'`;
  return {
    about: `${source.address} to ${at.host}:${at.dataset}`,
    source: source.address,
    notes: [
      ...(point || copy.remote.raw === "always"
        ? []
        : [
            "It could not be seen. If the copy is encrypted and its key is not loaded there, write -w in the place of -b.",
          ]),
      ...(raw
        ? [
            "It comes back encrypted as it was, and asks for its key. The last line prints what it was set to: set what matters.",
          ]
        : []),
    ],
    script: [
      ...parents(source.dataset, at.dataset, together).map((name) =>
        on(to, asRoot(to, ["zfs", "create", "-p", "-o", "canmount=off", name])),
      ),
      `${sending} | ${on(to, asRoot(to, receive), "stream")}`,
      ...opened,
      ...(point?.dataset.type === "volume" ? [] : [on(to, asRoot(to, mountCommand(at)))]),
      ...(raw ? [on(from, settings)] : []),
    ],
  };
}

/** What has to be above it: on a new machine only the pool is there. */
function parents(dataset: DatasetName, target: DatasetName, together: readonly DatasetName[]): DatasetName[] {
  const parent = parentOf(target);
  if (parent === undefined || !parent.includes("/") || topOf(dataset, together) !== dataset) return [];
  return [parent];
}

/** From where its key was loaded at the source, as far as that is known. */
function loadKey(
  {
    observations,
    facts,
    source,
    point,
  }: Pick<Wanted, "observations" | "facts" | "source"> & { readonly point: SnapshotPoint | undefined },
  to: Host,
  target: DatasetName,
): string {
  const there = observations.look(source.host, source.dataset);
  const own = there.state === "present" ? there.dataset.encryptionroot : undefined;
  const root = own === undefined ? `${point?.from.host}:${point?.dataset.encryptionroot}` : `${source.host}:${own}`;
  const known = facts.zfsKeys.get(root)?.keylocation;
  const isTyped = known === undefined || known === "prompt" || known === "none";
  const argv = ["zfs", "load-key", "-L", isTyped ? "prompt" : known, target];
  return on(to, asRoot(to, argv), isTyped ? "terminal" : "nothing");
}

/** Files and folders can be had without the whole of it. */
export const isReadable = (point: SnapshotPoint | undefined): boolean =>
  point?.dataset.type !== "volume" && point?.dataset.keystatus !== "unavailable";

/** `$file` out of the newest snapshot of `$copy`, wherever that is mounted. */
export function restoreFile(host: Host): KitCommands {
  const sudo = needsSudo(host) ? "sudo -n " : "";
  const newest = `"$(${asRoot(host, ["zfs", "list", "-H", "-t", "snapshot", "-o", "name", "-d", "1", "-s", "createtxg"])} "$copy" | tail -n 1)"`;
  const tar = `${quoteAll(tarOut([]).slice(0, -2))} --directory="$at" --null --files-from=-`;
  // both come on stdin: nothing in their names is read by a shell on the way
  const script = [
    "IFS= read -r copy && at=$(mktemp -d)",
    `${sudo}mount -t zfs ${newest} "$at"`,
    `{ ${sudo}${tar}; code=$?; ${sudo}umount "$at"; rmdir "$at"; exit $code; }`,
  ].join(" && ");
  const far = host.local ? `sh -c ${quote(script)}` : on(host, script, "stream");
  return {
    about: `One file or folder, into ${FILES}`,
    notes: [
      "Set copy to the dataset here that is the copy, and file to what is wanted, relative to the source. Volumes, and copies whose key is not loaded here, come back only as a whole.",
    ],
    script: [
      `mkdir -p ${FILES}`,
      `printf '%s\\n./%s\\0' "\${copy:?set it first}" "\${file:?set it first}" | ${far} | ${quoteAll(tarIn(FILES))}`,
    ],
  };
}

export function hostNamed(manifest: Pick<Manifest, "hosts">, name: Copy["host"]): Host {
  const host = manifest.hosts.get(name);
  if (host === undefined) throw new Error(`${quote(name)} is no host of the manifest`);
  return host;
}
