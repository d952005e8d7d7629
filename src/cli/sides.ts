import type { Manifest } from "../model/manifest.ts";
import type { ServiceSource } from "../model/service.ts";
import { Failure } from "./exit.ts";
import type { Part, PartMeans, RunningPart } from "./watch.ts";

interface Running {
  readonly settings: string;
  readonly manifest: Manifest;
  readonly part: RunningPart;
}

/**
 * The parts of the service, each changed or started anew when what it depends on changes. One that cannot be is tried again,
 * and what ran before goes on until then: no backup depends on it, but somebody looks at it.
 */
export class Sides {
  readonly #parts: readonly Part[];
  readonly #service: ServiceSource;
  readonly #means: Omit<PartMeans, "manifest">;
  readonly #running = new Map<string, Running>();
  /** By part: why it is not as it should be. */
  readonly #troubles = new Map<string, string>();
  #manifest: Manifest | undefined;
  #last = Promise.resolve();

  constructor(parts: readonly Part[], service: ServiceSource, means: Omit<PartMeans, "manifest">) {
    this.#parts = parts;
    this.#service = service;
    this.#means = means;
  }

  /** `strict`: one that cannot be started ends the command. */
  follow(manifest: Manifest, strict = false): Promise<void> {
    this.#manifest = manifest;
    this.#last = this.#last.then(async () => {
      for (const part of this.#parts) await this.#update(part, manifest, strict);
    });
    return this.#last;
  }

  /** Tries once more what could not be started or changed. */
  async retry(): Promise<void> {
    if (this.#troubles.size > 0 && this.#manifest) await this.follow(this.#manifest);
  }

  /** Has what can do so read anew what its settings refer to, such as the file of a token. */
  reload(): Promise<void> {
    this.#last = this.#last.then(() => {
      for (const [name, running] of this.#running)
        if (running.part.adapt) this.#running.set(name, { ...running, settings: "" });
    });
    return this.#manifest ? this.follow(this.#manifest) : this.#last;
  }

  close(): Promise<void> {
    this.#last = this.#last
      .catch(() => {})
      .then(async () => {
        for (const { part } of [...this.#running.values()].reverse()) await part.close();
      });
    return this.#last;
  }

  async #update(part: Part, manifest: Manifest, strict: boolean): Promise<void> {
    const wanted = part.settings(manifest);
    const settings = JSON.stringify(wanted);
    const running = this.#running.get(part.name);
    if (running?.settings === settings) {
      this.#troubles.delete(part.name);
      return;
    }
    try {
      if (wanted === undefined) await this.#end(part.name);
      else if (running && (await running.part.adapt?.(manifest)))
        this.#running.set(part.name, { ...running, settings, manifest });
      else await this.#begin(part, manifest, settings);
      this.#troubles.delete(part.name);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (strict) throw error instanceof Failure ? error : new Failure(`${part.name}: ${message}`, { cause: error });
      if (this.#troubles.get(part.name) !== message)
        this.#means.log.error({ error: message }, `${part.name} is not as the manifest has it; it is tried again`);
      this.#troubles.set(part.name, message);
    }
  }

  async #begin(part: Part, manifest: Manifest, settings: string): Promise<void> {
    const before = this.#running.get(part.name);
    const isInTheWay = before && !part.mayOverlap?.(before.manifest, manifest);
    if (isInTheWay) await this.#end(part.name);
    const started = await part.start(this.#service, { ...this.#means, manifest });
    this.#running.set(part.name, { settings, manifest, part: started });
    if (!isInTheWay) await before?.part.close();
  }

  async #end(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await running?.part.close();
  }
}
