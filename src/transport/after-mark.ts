import { Transform, type TransformCallback } from "node:stream";

/** More than this before the mark is not a greeting any more. */
const MOST = 64 * 1024;

/** Passes on what comes after the line that is the mark; what came before is kept aside. */
export class AfterMark extends Transform {
  readonly #line: Buffer;
  readonly finished: Promise<void>;
  #before: Buffer = Buffer.alloc(0);
  #found = false;

  constructor(mark: string) {
    super({ highWaterMark: 256 * 1024 });
    this.#line = Buffer.from(`${mark}\n`);
    this.finished = new Promise((resolve) => {
      this.once("end", resolve);
      this.once("close", resolve);
    });
  }

  get found(): boolean {
    return this.#found;
  }

  get before(): string {
    return this.#before.toString("utf8");
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#found) {
      done(null, chunk);
      return;
    }
    const all = Buffer.concat([this.#before, chunk]);
    const at = all.indexOf(this.#line);
    if (at === -1) {
      this.#before = all.length > MOST ? all.subarray(all.length - MOST) : all;
      done();
      return;
    }
    this.#found = true;
    this.#before = Buffer.from(all.subarray(0, at));
    const rest = all.subarray(at + this.#line.length);
    if (rest.length > 0) this.push(rest);
    done();
  }
}
