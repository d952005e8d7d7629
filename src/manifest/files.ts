import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { LoadOptions } from "./load.ts";
import type { ManifestFile, ParsedManifest } from "./parse.ts";
import { maxFileBytes } from "./text.ts";

/** The files of a manifest, as they are on the disk. */
export interface ManifestFiles {
  readonly files: readonly ManifestFile[];
  /** Absolute: where relative paths start. */
  readonly folder: string;
}

export async function readManifestFiles(options: LoadOptions): Promise<ManifestFiles | ParsedManifest> {
  const { cwd, filesOnly = false } = options;
  const found = await locate(options);
  if ("severity" in found) return { diagnostics: [found], secretFiles: [] };
  const contents = await Promise.all(found.files.map((name) => readFile(resolve(cwd, name), name, filesOnly)));
  const unreadable = contents.filter((content): content is Diagnostic => "severity" in content);
  if (unreadable.length > 0) return { diagnostics: unreadable, secretFiles: [] };
  return { files: contents as readonly ManifestFile[], folder: found.folder };
}

interface Located {
  /** As they are shown. */
  readonly files: readonly string[];
  /** Absolute. */
  readonly folder: string;
}

async function locate({ path, cwd, systemFolder = "/etc/holdfast" }: LoadOptions): Promise<Located | Diagnostic> {
  if (path !== undefined) return path === "" ? nameless : at(path, cwd, systemFolder);
  for (const candidate of ["holdfast.yaml", join(systemFolder, "holdfast.yaml"), systemFolder]) {
    const found = await at(candidate, cwd, systemFolder);
    // only what is not there leads on to the next: a manifest that cannot be read is not passed over
    if (!("severity" in found) || !["no-manifest", "empty-folder"].includes(found.code)) return found;
  }
  return {
    severity: "error",
    code: "no-manifest",
    message: `there is no manifest: neither ./holdfast.yaml nor ${systemFolder}/ has one`,
    hint: "give one with -f FILE or -f FOLDER",
  };
}

/** It would mean the current folder, which nobody who left a variable empty had in mind. */
const nameless: Diagnostic = {
  severity: "error",
  code: "no-manifest",
  message: "the manifest is named by nothing at all",
  hint: "give a file or a folder; . is the current one",
};

/** Says what may be done on a machine, beside the manifest in the system's folder. */
const HOST_FILE = "host.yaml";

async function at(path: string, cwd: string, systemFolder: string): Promise<Located | Diagnostic> {
  const absolute = resolve(cwd, path);
  try {
    if (!(await stat(absolute)).isDirectory()) return { files: [path], folder: dirname(absolute) };
    const isManifest = (name: string): boolean =>
      /^[^.].*\.ya?ml$/.test(name) && !(name === HOST_FILE && absolute === resolve(systemFolder));
    const names = (await readdir(absolute)).filter(isManifest).sort();
    if (names.length > 0) return { files: names.map((name) => join(path, name)), folder: absolute };
    const hint = "put a manifest there, or give another with -f";
    return { severity: "error", code: "empty-folder", message: `the folder ${path} has no *.yaml or *.yml`, hint };
  } catch (error) {
    return cannotRead(path, error);
  }
}

/** Reads no more than is looked at, so that an endless file is a large one. */
async function readFile(absolute: string, name: string, filesOnly: boolean): Promise<ManifestFile | Diagnostic> {
  const buffer = new Uint8Array(maxFileBytes + 1);
  let length = 0;
  let file: FileHandle | undefined;
  try {
    if (filesOnly && !(await stat(absolute)).isFile()) throw new Error("it is no file");
    file = await open(absolute, "r");
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { name, text: buffer.subarray(0, length) };
  } catch (error) {
    return cannotRead(name, error);
  } finally {
    await file?.close();
  }
}

function cannotRead(path: string, error: unknown): Diagnostic {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reasons: Record<string, string> = {
    ENOENT: "there is no such file",
    ENOTDIR: "there is no such file",
    EACCES: "it may not be read by this user",
    EISDIR: "it is a folder",
  };
  return {
    severity: "error",
    code: code === "ENOENT" || code === "ENOTDIR" ? "no-manifest" : "unreadable",
    message: `cannot read ${path}: ${reasons[code] ?? (error instanceof Error ? error.message : String(error))}`,
    hint: "give the manifest with -f FILE or -f FOLDER",
  };
}
