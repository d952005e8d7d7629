/**
 * One string for equal bytes: a thousand datasets with the same thousand snapshot names need a thousand strings, not a
 * million. Looks bytes up without making a string first.
 */
export class Interner {
  /** Chained by hash: strings that share one are rare. */
  readonly #strings = new Map<number, string | string[]>();

  get(bytes: Buffer, from: number, to: number): string {
    let hash = 0x811c9dc5;
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
    // A small integer is the cheapest key.
    hash &= 0x3fffffff;
    const known = this.#strings.get(hash);
    if (typeof known === "string") {
      if (equal(known, bytes, from, to)) return known;
      const added = bytes.toString("latin1", from, to);
      this.#strings.set(hash, [known, added]);
      return added;
    }
    const found = known?.find((each) => equal(each, bytes, from, to));
    if (found !== undefined) return found;
    const added = bytes.toString("latin1", from, to);
    if (known === undefined) this.#strings.set(hash, added);
    else known.push(added);
    return added;
  }
}

function equal(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[from + index]) return false;
  }
  return true;
}
