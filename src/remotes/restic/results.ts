import { StringDecoder } from "node:string_decoder";
import type { Hit } from "../../model/found.ts";
import { isJson, type Json, parseJson } from "./messages.ts";

/**
 * Reads what `restic find --json` prints while it comes: all in one line, however long,
 * `[{"matches":[{…},{…}],"hits":2,"snapshot":"ID"},…]`. Old versions print what went wrong in between.
 */
export class Results {
  readonly #hitOf: (node: Json) => Hit | undefined;
  readonly #take: (id: string, hit: Hit) => void;
  readonly #most: number;
  readonly #decoder = new StringDecoder("utf8");
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  /** Of one match. */
  #node = "";
  /** Of all that is around matches. */
  #around = "";
  #hits: Hit[] = [];
  /** Copies with folders that could not be read. */
  readonly damaged = new Set<string>();
  omitted = 0;

  constructor(hitOf: (node: Json) => Hit | undefined, take: (id: string, hit: Hit) => void, most: number) {
    this.#hitOf = hitOf;
    this.#take = take;
    this.#most = most;
  }

  add(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (character === "\\") this.#isEscaped = true;
        else if (character === '"') this.#isString = false;
        continue;
      }
      if (character === '"') this.#isString = true;
      else if (character === "{" || character === "[") {
        if (++this.#depth === NODE) {
          this.#around += text.slice(start, at);
          start = at;
        }
      } else if (character === "}" || character === "]") {
        if (this.#depth-- === NODE) {
          this.#found(this.#node + text.slice(start, at + 1));
          this.#node = "";
          start = at + 1;
        } else if (this.#depth === 1) {
          this.#copyEnds(this.#around + text.slice(start, at + 1));
          this.#around = "";
          start = at + 1;
        }
      }
    }
    if (this.#depth >= NODE) this.#node += text.slice(start);
    else this.#around += text.slice(start);
  }

  /** What is said last stands alone where nothing was found. */
  end(): void {
    for (const line of this.#around.split("\n")) this.say(line);
  }

  /** A line that is no JSON. */
  say(line: string): void {
    const [, id] = /belongs to snapshot ([0-9a-f]+)/.exec(line) ?? [];
    if (id !== undefined) this.damaged.add(id);
  }

  #found(text: string): void {
    const node = parseJson(text);
    const hit = isJson(node) ? this.#hitOf(node) : undefined;
    if (hit === undefined) return;
    if (this.#hits.length < this.#most) this.#hits.push(hit);
    else this.omitted += 1;
  }

  #copyEnds(around: string): void {
    for (const line of around.split("\n")) this.say(line);
    const [, id] = /"snapshot":\s*"([0-9a-f]+)"/.exec(around) ?? [];
    for (const hit of this.#hits) if (id !== undefined) this.#take(id, hit);
    this.#hits = [];
  }
}

/** A match is an object in a list in an object in a list. */
const NODE = 4;
