import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Of a longer line the beginning is handed out, in characters. */
const LONGEST = 1024 * 1024;

/** Makes lines of chunks, the last one too where its newline is missing. */
export class Lines {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  readonly #longest: number;
  #rest = "";

  constructor(onLine: (line: string) => void, longest = LONGEST) {
    this.#onLine = onLine;
    this.#longest = longest;
  }

  add(chunk: Buffer): void {
    this.#split(this.#decoder.write(chunk));
  }

  end(): void {
    this.#split(this.#decoder.end());
    if (this.#rest !== "") this.#emit(this.#rest);
    this.#rest = "";
  }

  #split(text: string): void {
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const line = this.#rest + text.slice(start, end);
      this.#rest = "";
      start = end + 1;
      this.#emit(line);
    }
    if (this.#rest.length <= this.#longest) this.#rest += text.slice(start);
  }

  #emit(line: string): void {
    this.#onLine(line.slice(0, this.#longest));
  }
}

/** Hands out a stream line by line. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  const lines = new Lines(onLine);
  stream.on("data", (chunk: Buffer) => lines.add(chunk));
  stream.on("end", () => lines.end());
}
