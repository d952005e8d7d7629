import { type Manifest, type ZfsRemote, zfsRemotes } from "../../model/manifest.ts";
import type { HostName, RemoteName } from "../../model/units.ts";
import { anyMatcher } from "../../planner/patterns.ts";
import { datasetFault } from "../names.ts";
import type { Problem } from "../problem.ts";
import { quote } from "../words.ts";
import { isWithin, parentOf, type StaticSource, type StaticZfsCopy } from "./sources.ts";

/** Copies that would land on each other, on a root, or inside what they are copied from. */
export function targetProblems(manifest: Manifest, sources: readonly StaticSource[]): Problem[] {
  return [
    ...sharedRoots(sources),
    ...collisions(manifest, sources),
    ...sources.flatMap((source) => filledRoots(source)),
  ];
}

/** Without `{host}`, `tank/data` of two hosts would be one copy. */
function sharedRoots(sources: readonly StaticSource[]): Problem[] {
  const users = new Map<RemoteName, { readonly remote: ZfsRemote; readonly hosts: Map<HostName, StaticSource> }>();
  for (const source of sources) {
    for (const { remote, keys } of source.zfsCopies()) {
      if (remote.host === undefined || remote.root.includes("{host}") || keys.target !== undefined) continue;
      const user = users.get(remote.name) ?? { remote, hosts: new Map() };
      users.set(remote.name, user);
      if (!user.hosts.has(source.host)) user.hosts.set(source.host, source);
    }
  }
  return [...users.values()].flatMap(({ remote, hosts }): Problem[] => {
    const [first, second] = [...hosts.values()];
    if (!first || !second) return [];
    return [
      {
        code: "needs-host",
        message: `sources of ${[...hosts.keys()].slice(0, 5).join(", ")} use remote ${remote.name}, so its root must contain {host}`,
        hint: `write \`root: ${remote.root}/{host}\``,
        path: ["remotes", remote.name, "root"],
        related: [first, second].map(({ path, host }) => ({ path, message: `a source of ${host}` })),
      },
    ];
  });
}

interface Landed {
  readonly source: StaticSource;
  readonly copy: StaticZfsCopy;
}

function collisions(manifest: Manifest, sources: readonly StaticSource[]): Problem[] {
  const roots = rootsOf(manifest);
  const landed = new Map<string, Landed>();
  const problems: Problem[] = [];
  for (const source of sources) {
    for (const copy of source.zfsCopies()) {
      if (copy.target === undefined) {
        if (copy.keys.target !== undefined && copy.base === source.dataset)
          problems.push(targetOfPattern(source, copy));
        continue;
      }
      const at = `${copy.host}:${copy.target}`;
      const other = landed.get(at);
      const root = roots.get(at);
      if (root) problems.push(isRoot(copy, at, root));
      else if (at === source.address) problems.push(ontoItself(source, copy));
      else if (other) {
        if (!sharesRoot(other.copy, copy)) problems.push(sameTarget(source, copy, at, other));
      } else problems.push(...badTarget(source, copy));
      if (!other) landed.set(at, { source, copy });
    }
  }
  return problems;
}

/** `HOST:DATASET` of every remote's root, for every host its copies may come from. */
function rootsOf(manifest: Manifest): ReadonlyMap<string, ZfsRemote> {
  const roots = new Map<string, ZfsRemote>();
  for (const remote of zfsRemotes(manifest)) {
    for (const host of manifest.hosts.keys()) {
      roots.set(`${remote.host ?? host}:${remote.root.replaceAll("{host}", host)}`, remote);
    }
  }
  return roots;
}

/** Then `sharedRoots` has said it for all of the remote's sources at once. */
const sharesRoot = (a: StaticZfsCopy, b: StaticZfsCopy): boolean =>
  a.remote === b.remote && a.keys.target === undefined && b.keys.target === undefined;

const targetOfPattern = (source: StaticSource, copy: StaticZfsCopy): Problem => ({
  code: "same-target",
  message: `all that ${source.address} matches would be copied to ${copy.keys.target}`,
  hint: "leave target out, or give each dataset an entry of its own",
  ...pointAt(copy),
});

const pointAt = ({ keys, path }: StaticZfsCopy) =>
  keys.target === undefined ? ({ path, at: "key" } as const) : { path: [...path, "target"] };

const isRoot = (copy: StaticZfsCopy, at: string, root: ZfsRemote): Problem => ({
  code: "target-is-root",
  message: `the target ${at} is the root of remote ${root.name} itself`,
  hint: "name a dataset below it, or leave target out",
  ...pointAt(copy),
  related: [{ path: ["remotes", root.name, "root"], message: "the root" }],
});

const ontoItself = (source: StaticSource, copy: StaticZfsCopy): Problem => ({
  code: "target-is-source",
  message: `the copy of ${source.address} on remote ${copy.remote.name} would be ${source.address} itself`,
  hint: "name another target or another root",
  ...pointAt(copy),
});

const sameTarget = (source: StaticSource, copy: StaticZfsCopy, at: string, other: Landed): Problem => ({
  code: "same-target",
  message:
    other.source.address === source.address
      ? `remotes ${other.copy.remote.name} and ${copy.remote.name} would both keep ${source.address} at ${at}`
      : `${other.source.address} and ${source.address} would both be copied to ${at}`,
  hint: "give one of them another target, or its remote another root",
  ...pointAt(copy),
  related: [{ path: other.copy.path, message: "the other copy" }],
});

/** Where the root is fine by itself, and what comes of it is not. */
function badTarget(source: StaticSource, copy: StaticZfsCopy): Problem[] {
  const { remote, keys, target = "" } = copy;
  // what is wrong by itself has been reported
  if (datasetFault(keys.target ?? remote.root.replaceAll("{host}", "h")) !== undefined) return [];
  const fault = datasetFault(target);
  if (fault === undefined) return [];
  return [
    {
      code: "bad-dataset",
      message: `the copy of ${source.address} on remote ${remote.name} would be ${quote(target)}, which ${fault}`,
      hint: "choose another root, or name a target",
      ...pointAt(copy),
    },
  ];
}

/** A recursion that contains the root it fills would copy its own copies. */
function filledRoots(source: StaticSource): Problem[] {
  if (!source.isRecursive || source.isPattern) return [];
  const skip = source.find("skip");
  const skipped = typeof skip === "object" ? anyMatcher(skip.value) : () => false;
  return source.zfsCopies().flatMap(({ remote, host, keys, target, path }): Problem[] => {
    const root = keys.target === undefined ? remote.root.replaceAll("{host}", source.host) : (target ?? "");
    if (host !== source.host || !isWithin(root, source.dataset) || target === source.dataset) return [];
    for (let name: string | undefined = root; name !== undefined && name !== source.dataset; name = parentOf(name)) {
      if (skipped(name)) return [];
    }
    return [
      {
        code: "root-in-recursion",
        message: `${source.address} is recursive and contains ${root}, where remote ${remote.name} keeps its copies: they would be copied too`,
        hint:
          root === source.dataset
            ? "choose a root elsewhere"
            : `add \`skip: ["${root}/**"]\`, or choose a root elsewhere`,
        path: source.path,
        at: "key",
        related: [
          keys.target === undefined
            ? { path: ["remotes", remote.name, "root"], message: "the root" }
            : { path, message: "the target" },
        ],
      },
    ];
  });
}
