import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type ManifestFiles, parseManifestFiles, readManifestFiles } from "../manifest/index.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Manifest } from "../model/manifest.ts";
import { renderDiagnostics } from "../render/diagnostics.ts";
import type { Material } from "../service/keeper.ts";
import { watchPath } from "../service/watch-files.ts";
import { type GlobalOptions, lookup, stateFolder, suspendedHere, withSuspended } from "./context.ts";
import { EXIT, Failure } from "./exit.ts";

/** Where a service has its manifest from. */
export interface Followed {
  /** As people know it. */
  readonly name: string;
  /** The manifest to begin with; without a good one there is no service. */
  first(): Promise<{ readonly manifest: Manifest; readonly material: Material }>;
  read(): Promise<Material>;
  parse(material: Material): { readonly manifest: Manifest } | { readonly error: string };
  /** Calls when something may be new. Returns what ends it. */
  watch(onChange: () => void, onError: (error: unknown) => void): Promise<() => Promise<void>>;
}

/** A manifest in files, where it is. */
export async function followFiles(options: GlobalOptions): Promise<Followed> {
  const path = placeOf(options);
  const state = await stateFolder();
  const settings = { ...lookup(options), path };
  const followed: Omit<Followed, "first"> = {
    name: path,
    read: async () => {
      const read = await readManifestFiles(settings);
      return material("diagnostics" in read ? errorOf(read.diagnostics) : read);
    },
    parse: (read) => judge(read, options),
    watch: async (onChange, onError) => {
      const ends = await Promise.all([path, state].map((one) => watchPath(one, onChange, onError)));
      return async () => {
        await Promise.all(ends.map((end) => end()));
      };
    },
  };
  return { ...followed, first: () => firstOf(followed) };
}

/** What was read, with what this machine adds to it. Never rejects: what cannot be told is an error to show. */
export async function material(
  read: ManifestFiles | string,
  more: { readonly commit?: string } = {},
): Promise<Material> {
  const nothing = { files: [], folder: "/", suspended: [], ...more };
  if (typeof read === "string") return { ...nothing, error: read };
  try {
    const isText = read.files.every(({ text }) => typeof text === "string" || isUtf8(text));
    if (!isText) return { ...nothing, error: errorOf(parseManifestFiles(read, lookup({})).diagnostics) };
    const files = read.files.map(({ name, text }) => ({
      name,
      text: typeof text === "string" ? text : Buffer.from(text).toString("utf8"),
    }));
    return { files, folder: read.folder, suspended: await suspendedHere(), ...more };
  } catch (error) {
    if (error instanceof Failure) return { ...nothing, error: `${error.message}\n${error.hint ?? ""}` };
    throw error;
  }
}

export function judge(
  read: Material,
  options: GlobalOptions,
): { readonly manifest: Manifest } | { readonly error: string } {
  const { manifest, diagnostics } = parseManifestFiles(read, lookup(options));
  return manifest === undefined
    ? { error: errorOf(diagnostics) }
    : { manifest: withSuspended(manifest, read.suspended) };
}

export async function firstOf({ read, parse }: Omit<Followed, "first">): ReturnType<Followed["first"]> {
  const found = await read();
  const parsed = found.error === undefined ? parse(found) : { error: found.error };
  if ("error" in parsed)
    throw new Failure(`the manifest is not valid\n${parsed.error}`, { code: EXIT.invalidManifest });
  return { manifest: parsed.manifest, material: found };
}

const errorOf = (diagnostics: readonly Diagnostic[]): string =>
  renderDiagnostics(diagnostics, { color: false }).trimEnd();

/** The absolute path that is followed, links and all: what it leads to may become another. */
function placeOf({ file }: GlobalOptions): string {
  const candidates = file === undefined ? ["holdfast.yaml", "/etc/holdfast/holdfast.yaml", "/etc/holdfast"] : [file];
  const found = candidates.map((one) => resolve(one)).find((one) => existsSync(one));
  if (found === undefined)
    throw new Failure("there is no manifest to watch", {
      code: EXIT.invalidManifest,
      hint: "give one with -f FILE or -f FOLDER",
    });
  return found;
}
