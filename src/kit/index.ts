import type { KitCopy, KitManifest, KitPlace, KitSecret, KitSource, RecoveryKit } from "../model/recovery-kit.ts";
import type { DatasetName, EpochSeconds, HostName } from "../model/units.ts";
import { isRaw } from "../planner/restore/datasets.ts";
import type { AnySource } from "../planner/restore/sources.ts";
import type { Facts } from "./facts.ts";
import type { Questions } from "./gather.ts";
import { hostsOf, type Layout, type RepositoryCopies, rootAt, rootsOf, type ZfsCopies } from "./layout.ts";
import { openRepository, restoreFiles } from "./restic.ts";
import {
  foundIdentities,
  kitSecret,
  type Needed,
  secretId,
  secretsOf,
  secretsOfHost,
  type Use,
  zfsSecret,
} from "./secrets.ts";
import { machineOf, prepareSsh, reachedHosts } from "./ssh.ts";
import { hostNamed, isReadable, listDatasets, restoreDataset, restoreFile } from "./zfs.ts";

export { gatherFacts } from "./gather.ts";
export { layoutOf } from "./layout.ts";

/** What has to be asked for, so that a kit can be made of it. */
export function questionsFor(layout: Layout): Questions {
  const hosts = reachedHosts(
    layout.manifest,
    hostsOf(layout).map(({ name }) => name),
  );
  return {
    hosts,
    secrets: [
      ...hosts.flatMap(secretsOfHost),
      ...layout.repositories.flatMap(({ repository }) => secretsOf(repository)),
    ],
    roots: rootsOf(layout),
    repositories: layout.repositories
      .filter(({ key }) => layout.inventory.repositories?.[key]?.state === "observed")
      .map(({ repository, host, of, key }) => ({ repository, host, of, key })),
  };
}

/** Everything that is known, in the order in which it is needed. Pure but for what `facts` says. */
export function makeKit(
  layout: Layout,
  facts: Facts,
  given: { readonly now: EpochSeconds; readonly version: string; readonly manifest: Omit<KitManifest, "digest"> },
): RecoveryKit {
  const { manifest, inventory, sources, unresolved } = layout;
  const reached = reachedHosts(
    manifest,
    hostsOf(layout).map(({ name }) => name),
  );
  const places = [
    ...layout.zfs.map((one) => zfsPlace(layout, facts, one)),
    ...layout.repositories.map((one) => repositoryPlace(layout, facts, one)),
  ];
  const secrets = secretsIn(layout, facts);
  const states = [...Object.values(inventory.hosts), ...Object.values(inventory.repositories ?? {})];
  return {
    formatVersion: 1,
    made: new Date(given.now * 1000).toISOString().replace(".000", ""),
    version: given.version,
    manifest: { digest: manifest.digest, ...given.manifest },
    self: manifest.self,
    complete: states.every(({ state }) => state !== "unobserved") && places.every(({ unseen }) => unseen === undefined),
    warnings: warningsOn(secrets, sources),
    secrets,
    machines: reached.map((host) => machineOf(host, facts)),
    sources: sources.map((one) => sourceIn(layout, one)),
    unresolved,
    prepare: [
      {
        about: "Where you work",
        notes: [],
        script: ["mkdir -p ~/recovery && cd ~/recovery && set -o pipefail"],
      },
      ...prepareSsh(reached, facts),
    ],
    places,
  };
}

function sourceIn({ observations }: Layout, { source, newest }: Layout["sources"][number]): KitSource {
  const there = "dataset" in source ? observations.look(source.host, source.dataset) : undefined;
  const mountpoint = there?.state === "present" ? there.dataset.mountpoint : undefined;
  const seen = (place: string) => {
    const point = [...newest].find(([name]) => name === place)?.[1];
    return point === undefined ? {} : { newest: new Date(point.taken * 1000).toISOString().replace(".000", "") };
  };
  const copies: KitCopy[] = [
    ...("dataset" in source
      ? source.copies.map(({ remote, host, target }) => ({
          place: remote.name,
          at: `${host}:${target}`,
          ...seen(remote.name),
        }))
      : []),
    ...source.repositories
      .flatMap(({ remote, at, mirrors }) => [
        { name: remote.name, at },
        ...mirrors.map((mirror) => ({ name: mirror.mirror.name, at: mirror.at })),
      ])
      .map(({ name, at }) => ({ place: name, at: `repository ${at.repository}`, ...seen(name) })),
  ];
  return { source: source.address, ...(mountpoint?.startsWith("/") && { mountpoint }), copies };
}

function zfsPlace({ manifest, observations }: Layout, facts: Facts, one: ZfsCopies): KitPlace {
  const { remote, host, roots, copies } = one;
  const machine = hostNamed(manifest, host);
  const unseen = copies.flatMap(({ copy }) => {
    const there = observations.look(host, copy.target);
    return there.state === "unobserved" ? [firstLine(there.reason)] : [];
  })[0];
  return {
    // a pool of the source's own host is one a host
    name: remote.host === undefined && host !== manifest.self ? `${remote.name}@${host}` : remote.name,
    kind: "zfs",
    address: roots.map((root) => `${host}:${root}`).join(", "),
    host,
    ...(unseen !== undefined && { unseen }),
    needs: reachedHosts(manifest, [host]).map(({ name }) => `SSH key to ${name}`),
    notes: [],
    commands: [
      listDatasets({ host: machine, roots, removable: remote.removable }),
      ...copies.map(({ source, copy, point }) => {
        const together = copies.flatMap((other) => (other.source.host === source.host ? [other.source.dataset] : []));
        return restoreDataset({ manifest, observations, facts, source, together }, copy, point);
      }),
      ...(copies.some(({ point }) => isReadable(point)) ? [restoreFile(machine)] : []),
    ],
  };
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

function repositoryPlace({ inventory, manifest }: Layout, facts: Facts, one: RepositoryCopies): KitPlace {
  const { repository, key, of, sources } = one;
  const { location, name } = repository;
  const there = inventory.repositories?.[key];
  const mirror = manifest.mirrors.get(name);
  const current = facts.repositoryKeys.get(key);
  const unseen =
    there === undefined ? "it was not looked at" : there.state === "unobserved" ? firstLine(there.reason) : undefined;
  return {
    name: key,
    kind: mirror ? "mirror" : "restic",
    ...(typeof location === "string" && { address: location.replaceAll("{host}", of) }),
    ...(mirror && { of: mirror.of }),
    host: of,
    ...(there?.state === "observed" && {
      repository: { id: there.id, ...(current !== undefined && { key: current }) },
    }),
    ...(unseen !== undefined && { unseen }),
    needs: secretsOf(repository).map(({ what }) => what),
    notes: there?.state === "absent" ? ["There is no repository yet: this is where the manifest wants one."] : [],
    commands: [
      openRepository(repository, of),
      ...sources.flatMap(({ source, newest }) => restoreFiles(source, togetherWith(source, sources), newest)),
    ],
  };
}

/** Those of the same kind and host. */
function togetherWith(source: AnySource, sources: RepositoryCopies["sources"]): string[] {
  return sources.flatMap(({ source: other }): string[] => {
    if (other.host !== source.host) return [];
    if ("path" in source) return "path" in other ? [other.path] : [];
    return "dataset" in other ? [other.dataset] : [];
  });
}

function secretsIn(layout: Layout, facts: Facts): KitSecret[] {
  const { manifest, zfs, repositories, observations } = layout;
  const reached = reachedHosts(
    manifest,
    hostsOf(layout).map(({ name }) => name),
  );
  const proofOf = (needed: Needed) => facts.secrets.get(secretId(needed.reference));
  const ofHosts = reached.flatMap((host) => {
    const behind = zfs.filter((one) => one.host === host.name || isReachedThrough(layout, one.host, host.name));
    const use: Use = {
      opens: behind.map(({ remote }) => remote.name),
      protects: new Set(behind.flatMap(({ copies }) => copies.map(({ source }) => source.host))),
    };
    return [
      ...secretsOfHost(host).map((needed) => kitSecret(manifest, needed, use, proofOf(needed))),
      ...foundIdentities(manifest, host, facts, use),
    ];
  });
  const ofRepositories = repositories.flatMap(({ repository, key, sources }) => {
    const use: Use = { opens: [key], protects: new Set(sources.map(({ source }) => source.host)) };
    return secretsOf(repository).map((needed) => kitSecret(manifest, needed, use, proofOf(needed)));
  });
  const keys = new Map<string, { host: HostName; root: DatasetName; opens: string[] }>();
  const add = (host: HostName, root: DatasetName | undefined, opens: string): void => {
    if (root === undefined) return;
    const known = keys.get(`${host}:${root}`) ?? { host, root, opens: [] };
    keys.set(`${host}:${root}`, { ...known, opens: [...new Set([...known.opens, opens])] });
  };
  for (const { copies, host, remote } of zfs)
    for (const { source, copy, point } of copies) {
      const own = rootAt(observations, source.host, source.dataset);
      const there = point && rootAt(observations, host, copy.target);
      const opens = `${source.address} on ${remote.name}`;
      // a raw copy is opened by its source's key, of which it has its own root
      if (point && isRaw(observations, point) && own !== undefined) add(source.host, own, opens);
      else add(host, there, opens);
    }
  const ofZfs = [...keys.values()].map(({ host, root, opens }) =>
    zfsSecret(host, root, facts, { opens, protects: new Set(layout.sources.map(({ source }) => source.host)) }),
  );
  return [...ofHosts, ...ofRepositories, ...ofZfs];
}

function isReachedThrough({ manifest }: Layout, host: HostName, jump: HostName): boolean {
  const through = manifest.hosts.get(host)?.jump;
  return through !== undefined && (through === jump || isReachedThrough({ manifest } as Layout, through, jump));
}

function warningsOn(secrets: readonly KitSecret[], sources: Layout["sources"]): string[] {
  const only = secrets.filter(({ onlyOn }) => onlyOn !== undefined);
  const lost = [...new Set(only.map(({ onlyOn }) => onlyOn))].map((host) => {
    const there = only.filter(({ onlyOn }) => onlyOn === host);
    const [what, opens] = [there.map((one) => one.what), [...new Set(there.flatMap((one) => one.opens))]];
    return `Known only on ${host}, which is the machine to be protected: ${what.join(", ")}. With that machine they are lost, and what is behind them (${opens.join(", ")}) can no longer be reached or read. Keep them somewhere else as well.`;
  });
  const without = sources.flatMap(({ source }) =>
    source.repositories.length === 0 && ("path" in source || source.copies.length === 0)
      ? [`${source.address} has no copies anywhere: nothing on this page brings it back.`]
      : [],
  );
  return [...lost, ...without];
}
