import { isUtf8 } from "node:buffer";
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { HostPolicy } from "../host/host-file.ts";
import { type ManifestFiles, parseManifestFiles, readManifestFiles } from "../manifest/index.ts";
import { parseDuration } from "../manifest/units.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Manifest } from "../model/manifest.ts";
import { renderDiagnostics } from "../render/diagnostics.ts";
import { visible } from "../render/text.ts";
import { systemClock } from "../service/clock.ts";
import { type Deployed, GitSource, withoutSecret } from "../service/git-source.ts";
import type { Material } from "../service/keeper.ts";
import { watchPath } from "../service/watch-files.ts";
import { Git } from "../transport/git.ts";
import { type GlobalOptions, lookup, stateFolder, suspendedHere, withSuspended } from "./context.ts";
import { EXIT, Failure } from "./exit.ts";
import { forbiddenHere, policiesHere } from "./here.ts";
import { here, thisMachine } from "./manifest-place.ts";
import { connect } from "./world.ts";

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

const FETCH_MS = 5 * 60_000;

/** A manifest in a git repository, in a clone of our own. */
export async function followGit(options: GlobalOptions, given: GitGiven): Promise<Followed> {
  const { git: url, branch = "main", path = "holdfast.yaml", every = "1m", verify } = given;
  if (!/^[\w][\w./-]*$/.test(branch) || branch.includes(".."))
    throw new Failure(`--branch ${visible(branch)} cannot be the name of a branch`);
  const parts = path.split("/");
  if (isAbsolute(path) || parts.includes("..") || parts.includes(".git"))
    throw new Failure(`--path ${visible(path)} leads out of the repository`, { hint: "it is relative to its root" });
  const seconds = parseDuration(every);
  if (seconds === undefined)
    throw new Failure(`--every ${visible(every)} is no time at all`, { hint: "as in --every 1m" });
  const state = await stateFolder();
  const hosts = await connect({ hosts: new Map([[here, thisMachine]]) }, options);
  const source = new GitSource({
    url,
    branch,
    verify,
    folder: state,
    judge: async () => {
      const found = await readClone();
      const judged = found.error === undefined ? judge(found, options) : { error: found.error };
      return "error" in judged ? judged.error : undefined;
    },
    git: async (folder, argv) => new Git(hosts, here, folder).run(argv, { timeoutMs: FETCH_MS }),
  });
  const settings = { ...lookup(options), path: join(source.clone, path) };
  const name = `${withoutSecret(url)}, ${branch}: ${path}`;
  let deployed: Deployed = {};
  const readClone = async (): Promise<Material> => {
    const read = await readManifestFiles(settings);
    const { commit } = deployed;
    return material("diagnostics" in read ? errorOf(read.diagnostics) : read, commit === undefined ? {} : { commit });
  };
  const update = async (): Promise<void> => {
    const { commit, error } = deployed;
    const before = { ...(commit !== undefined && { commit }), ...(error !== undefined && { error }) };
    try {
      const found = await source.update();
      // what was wrong with the branch is so still, as far as anybody knows
      deployed = found.unreachable === undefined ? found : { ...before, ...found };
    } catch (error) {
      deployed = { ...before, unreachable: error instanceof Error ? error.message : String(error) };
    }
  };
  const followed: Omit<Followed, "first"> = {
    name,
    read: async () => {
      const { commit, error, unreachable } = deployed;
      if (commit === undefined) return material(error ?? unreachable ?? `nothing of ${name} is in force yet`);
      const found = await readClone();
      return { ...found, ...(error !== undefined && { error }), ...(unreachable !== undefined && { unreachable }) };
    },
    parse: (read) => judge(read, options),
    watch: async (onChange, onError) => {
      const unwatch = await watchPath(state, onChange, onError);
      const stop = new AbortController();
      const asking = (async () => {
        while (!stop.signal.aborted) {
          await systemClock.sleep(seconds * 1000, stop.signal);
          if (stop.signal.aborted) return;
          await update();
          onChange();
        }
      })();
      return async () => {
        stop.abort();
        await Promise.all([asking, unwatch()]);
        await hosts.close();
      };
    },
  };
  return {
    ...followed,
    first: async () => {
      await update();
      // what was in force when the service ended is so still, although the remote cannot be reached now
      return firstOf(deployed.commit === undefined ? followed : { ...followed, read: readClone });
    },
  };
}

interface GitGiven {
  readonly git: string;
  readonly branch?: string;
  readonly path?: string;
  readonly every?: string;
  readonly verify: boolean;
}

/** What this machine allows; nothing, and why, where its own file cannot be relied upon. */
type Rules = { readonly policies: readonly HostPolicy[] } | { readonly refusal: string };

function rulesHere(): Rules {
  try {
    return { policies: policiesHere() };
  } catch (error) {
    const isOurs = error instanceof Failure;
    return { refusal: isOurs ? textOf(error) : `what this machine allows cannot be told: ${(error as Error).message}` };
  }
}

const textOf = ({ message, hint }: Failure): string => `${message}\n${hint ?? ""}`;

/** What was read, with what this machine adds to it. Never rejects: what cannot be told is an error to show. */
async function material(read: ManifestFiles | string, more: { readonly commit?: string } = {}): Promise<Material> {
  const policies = JSON.stringify(rulesHere());
  const nothing = { files: [], folder: "/", suspended: [], policies, ...more };
  if (typeof read === "string") return { ...nothing, error: read };
  try {
    const isText = read.files.every(({ text }) => typeof text === "string" || isUtf8(text));
    if (!isText) return { ...nothing, error: errorOf(parseManifestFiles(read, lookup({})).diagnostics) };
    const files = read.files.map(({ name, text }) => ({
      name,
      text: typeof text === "string" ? text : Buffer.from(text).toString("utf8"),
    }));
    return { files, folder: read.folder, suspended: await suspendedHere(), policies, ...more };
  } catch (error) {
    if (error instanceof Failure) return { ...nothing, error: textOf(error) };
    throw error;
  }
}

function judge(read: Material, options: GlobalOptions): { readonly manifest: Manifest } | { readonly error: string } {
  const { manifest, diagnostics } = parseManifestFiles(read, lookup(options));
  if (manifest === undefined) return { error: errorOf(diagnostics) };
  const rules = JSON.parse(read.policies ?? '{"policies":[]}') as Rules;
  if ("refusal" in rules) return { error: rules.refusal };
  const denied = forbiddenHere(manifest, rules.policies);
  return denied.length > 0 ? { error: errorOf(denied) } : { manifest: withSuspended(manifest, read.suspended) };
}

async function firstOf({ read, parse }: Omit<Followed, "first">): ReturnType<Followed["first"]> {
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
