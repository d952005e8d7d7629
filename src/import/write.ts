import { Document, isMap, isNode, isScalar, type Node, type Pair, visit } from "yaml";
import type { Remark } from "../model/import.ts";
import { visible } from "../render/text.ts";
import type { Draft } from "./draft.ts";

/** Columns that a line takes at most, where it can be helped. */
const WIDTH = 110;

/** The manifest as a file: remarks stand above what they are about, those about all of it at its top. */
export function writeManifest({ document, remarks }: Draft, from: readonly string[]): string {
  const yaml = new Document(document, { version: "1.2" });
  yaml.commentBefore = comment([
    `What ${from.map(visible).join(" and ")} ${from.length > 1 ? "say" : "says"}, as holdfast import understands it: read it before it is used.`,
    ...remarks.filter(({ at }) => at === undefined).map(line),
  ]);
  for (const section of pairsOf(yaml.contents)) {
    if (isScalar(section.key)) section.key.spaceBefore = isMap(section.value);
    for (const entry of pairsOf(section.value)) {
      const about = remarks.filter(({ at }) => at?.[0] === keyOf(section) && at[1] === keyOf(entry));
      if (isScalar(entry.key) && about.length > 0) entry.key.commentBefore = comment(about.map(line));
      compact(entry);
    }
  }
  return yaml.toString({ lineWidth: 0 });
}

const line = ({ file, line: number, message }: Remark): string => visible(`${file}:${number}: ${message}`);

const keyOf = ({ key }: Pair): string => (isScalar(key) ? String(key.value) : "");
const pairsOf = (node: unknown): readonly Pair[] => (isMap(node) ? node.items : []);

/** Text that is itself without quotes, and is easily read so. */
const PLAIN = /^(?!(?:on|off|yes|no)$)[a-z0-9/~][\w./~-]*$/i;

const style = (node: Node): void =>
  visit(node, {
    Collection: (_, collection) => {
      collection.flow = true;
    },
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && !PLAIN.test(scalar.value)) scalar.type = "QUOTE_DOUBLE";
    },
  });

/** In one line where it fits; else a line for each key. */
function compact(entry: Pair, indent = 2): void {
  const { value } = entry;
  if (isScalar(entry.key)) style(entry.key);
  if (isNode(value)) style(value);
  const text = new Document({ [keyOf(entry)]: value }).toString({ lineWidth: 0 });
  if (!isMap(value) || text.length + indent <= WIDTH) return;
  value.flow = false;
  for (const each of pairsOf(value)) compact(each, indent + 2);
}

function comment(texts: readonly string[]): string {
  return texts.flatMap((text) => wrapped(text).map((part, index) => `${index === 0 ? " " : "   "}${part}`)).join("\n");
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
