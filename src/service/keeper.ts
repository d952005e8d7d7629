import { createHash } from "node:crypto";
import type { Manifest } from "../model/manifest.ts";
import type { ManifestState } from "../model/service.ts";
import { type Clock, isoOf } from "./clock.ts";
import { difference, type NamedText } from "./difference.ts";

/** What the manifest is made from, as it is now. */
export interface Material {
  readonly files: readonly NamedText[];
  /** Absolute: where relative paths start. */
  readonly folder: string;
  /** Patterns of what is suspended on this machine. */
  readonly suspended: readonly string[];
  /** What this machine allows, in a form that can be compared; absent where nobody asked. */
  readonly policies?: string;
  /** Where a git repository is followed. */
  readonly commit?: string;
  /** Why there is nothing to read. */
  readonly error?: string;
  /** Why there may be something newer than this. */
  readonly unreachable?: string;
}

export interface KeeperOptions {
  /** As people know it: a path, or a repository. */
  readonly path: string;
  readonly clock: Clock;
  /** Never rejects. */
  readonly read: () => Promise<Material>;
  /** The manifest that it makes, or what is wrong with it. */
  readonly parse: (material: Material) => { readonly manifest: Manifest } | { readonly error: string };
  /** Another manifest is in force; `changes` is what differs in its files, as a unified diff. */
  readonly onManifest: (manifest: Manifest, changes: readonly string[]) => void;
  /** This machine no longer allows what the one in force does; `onManifest` comes when it has one again that it allows. */
  readonly onForbidden: () => void;
  readonly onState: (state: ManifestState) => void;
}

/** What is being written is waited for: it has to be the same twice, so long apart. */
const STABLE_MS = 300;

/**
 * Keeps the manifest that is in force: the last good one, whatever becomes of its files. However often it is asked to
 * look, it looks once at a time.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #stop = new AbortController();
  #inForce: { readonly manifest: Manifest; readonly material: Material; readonly loadedAt: string };
  #state: ManifestState;
  #isForbidden = false;
  #unreachable: string | undefined;
  /** What was judged last, good or not. */
  #judged: string;
  #isAsked = false;
  #checking: Promise<void> | undefined;

  constructor(manifest: Manifest, material: Material, options: KeeperOptions) {
    this.#options = options;
    this.#inForce = { manifest, material, loadedAt: isoOf(options.clock.now()) };
    this.#judged = digestOf(material);
    this.#unreachable = material.unreachable;
    this.#state = this.#stateOf(undefined);
  }

  get state(): ManifestState {
    return this.#state;
  }

  /** Looks whether anything is new. Never rejects. */
  check(): Promise<void> {
    this.#isAsked = true;
    this.#checking ??= this.#checkAll().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#checking;
  }

  async #checkAll(): Promise<void> {
    const { signal } = this.#stop;
    while (this.#isAsked && !signal.aborted) {
      this.#isAsked = false;
      let material = await this.#options.read();
      if (digestOf(material) === this.#judged) continue;
      for (let before = ""; before !== digestOf(material) && !signal.aborted; ) {
        before = digestOf(material);
        await this.#options.clock.sleep(STABLE_MS, signal);
        material = await this.#options.read();
      }
      if (!signal.aborted) this.#judge(material);
    }
  }

  #judge(material: Material): void {
    this.#judged = digestOf(material);
    this.#unreachable = material.unreachable;
    const parsed = material.error === undefined ? this.#options.parse(material) : { error: material.error };
    if ("error" in parsed) {
      this.#stay(parsed.error, material);
      return;
    }
    const before = this.#inForce;
    const wasForbidden = this.#isForbidden;
    this.#isForbidden = false;
    const { manifest } = parsed;
    const isSame = manifest.digest === before.manifest.digest && sameList(material, before.material);
    const loadedAt = isSame ? before.loadedAt : isoOf(this.#options.clock.now());
    this.#inForce = { manifest: isSame ? before.manifest : manifest, material, loadedAt };
    if (!isSame || wasForbidden)
      this.#options.onManifest(this.#inForce.manifest, difference(before.material.files, material.files));
    this.#tell(undefined);
  }

  /** The last good one stays in force, unless this machine forbids it by now. */
  #stay(error: string, { policies }: Material): void {
    const { manifest, material } = this.#inForce;
    const parsed = this.#options.parse({ ...material, ...(policies !== undefined && { policies }) });
    const refusal = "error" in parsed ? parsed.error : undefined;
    const wasForbidden = this.#isForbidden;
    this.#isForbidden = refusal !== undefined;
    if (this.#isForbidden && !wasForbidden) this.#options.onForbidden();
    if (!this.#isForbidden && wasForbidden) this.#options.onManifest(manifest, []);
    this.#tell(refusal === undefined || refusal === error ? error : `${refusal}\n${error}`);
  }

  #tell(error: string | undefined): void {
    this.#state = this.#stateOf(error);
    this.#options.onState(this.#state);
  }

  #stateOf(error: string | undefined): ManifestState {
    const { manifest, material, loadedAt } = this.#inForce;
    return {
      path: this.#options.path,
      digest: manifest.digest,
      valid: error === undefined,
      loadedAt,
      ...(error !== undefined && { error }),
      ...(this.#isForbidden && { stopped: true }),
      ...(this.#unreachable !== undefined && { unreachable: this.#unreachable }),
      ...(material.commit !== undefined && { commit: material.commit }),
    };
  }
}

const digestOf = (material: Material): string => createHash("sha256").update(JSON.stringify(material)).digest("hex");

const sameList = (one: Material, other: Material): boolean =>
  JSON.stringify(one.suspended) === JSON.stringify(other.suspended);
