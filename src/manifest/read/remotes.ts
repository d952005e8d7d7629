import type { Mirror, Remote } from "../../model/manifest.ts";
import type { RemoteName } from "../../model/units.ts";
import type { ManifestDocument } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import type { Reading } from "./reading.ts";
import { readRepository } from "./repository.ts";
import { readZfsRemote } from "./zfs-remote.ts";

export function readRemotes(context: Context, document: ManifestDocument, reading: Reading): Map<RemoteName, Remote> {
  const remotes = new Map<RemoteName, Remote>();
  for (const [key, keys] of Object.entries(document.remotes ?? {})) {
    const name = key as RemoteName;
    const path = ["remotes", key];
    const remote =
      keys.type === "zfs"
        ? readZfsRemote(context, name, keys, path, reading)
        : { ...readRepository(context, name, keys, path, reading), type: keys.type };
    remotes.set(name, remote);
  }
  return remotes;
}

export function readMirrors(
  context: Context,
  document: ManifestDocument,
  remotes: ReadonlyMap<RemoteName, Remote>,
  reading: Reading,
): Map<RemoteName, Mirror> {
  const mirrors = new Map<RemoteName, Mirror>();
  for (const [key, keys] of Object.entries(document.mirrors ?? {})) {
    const name = key as RemoteName;
    const path = ["mirrors", key];
    if (context.declared("remotes").includes(key)) {
      context.report({
        code: "duplicate-name",
        message: `${quote(key)} is the name of a remote and of a mirror`,
        hint: "call one of them otherwise",
        path,
        at: "key",
        related: [{ path: ["remotes", key], message: "the remote" }],
      });
    }
    checkOriginal(context, keys.of, key, remotes, [...path, "of"]);
    mirrors.set(name, { ...readRepository(context, name, keys, path, reading), of: keys.of as RemoteName });
  }
  return mirrors;
}

/** A mirror is filled from a restic remote. */
function checkOriginal(
  context: Context,
  of: string,
  name: string,
  remotes: ReadonlyMap<RemoteName, Remote>,
  path: Path,
): void {
  const others = [...remotes.values()].filter(({ type }) => type === "restic").map((remote) => remote.name);
  const hint =
    others.length === 0 ? "declare a remote of type restic" : `name one of ${others.slice(0, 10).join(", ")}`;
  const refuse = (message: string) => context.report({ code: "bad-original", message, hint, path });
  if (of === name) {
    refuse(`mirror ${name} would be filled from itself`);
  } else if (context.declared("remotes").includes(of)) {
    if (remotes.get(of as RemoteName)?.type !== "zfs") return;
    refuse(`remote ${of} is of type zfs, and a mirror is filled from a restic repository`);
  } else if (context.declared("mirrors").includes(of)) {
    refuse(`${of} is a mirror itself, and a mirror is filled from a remote`);
  } else context.reference("remote", of, others, path);
}
