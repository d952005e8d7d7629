import { readHeader } from "./headers.ts";
import { KEPT } from "./scripts.ts";
import type { Means, Side } from "./side.ts";

/** What a file system keeps or does not keep as a whole. */
export type Kind = "acl" | "user" | "trusted" | "security";

/** By the name that tar gives an attribute. */
export function kindOf(name: string): Kind | undefined {
  if (/^[A-Z]+\.acl\./.test(name) || /^[A-Z]+\.xattr\.system\.posix_acl_/.test(name)) return "acl";
  return /^[A-Z]+\.xattr\.(user|trusted|security)\./.exec(name)?.[1] as Kind | undefined;
}

const SAMPLES: Readonly<Record<Kind, string>> = {
  acl: "SCHILY.acl.access=user::rw-\nuser:65534:r--\ngroup::r--\nmask::r--\nother::r--\n",
  user: "SCHILY.xattr.user.holdfast=1",
  trusted: "SCHILY.xattr.trusted.holdfast=1",
  security: "SCHILY.xattr.security.holdfast=1",
};

/** Which kinds cannot be kept in the folder that commands run in on this side: a file with all of them is unpacked there. */
export async function lostIn({ hosts, signal }: Means, side: Side): Promise<ReadonlySet<Kind>> {
  const archive = archiveOf("holdfast-kept", Object.values(SAMPLES)).toString("base64");
  const { stdout } = await hosts.run(side.host, side.inside(["sh", "-c", KEPT, "sh", archive]), { signal });
  const [, headers = ""] = stdout.trimEnd().split("\t");
  const attributes = readHeader(Buffer.from(headers, "base64"))?.attributes ?? new Map<string, string>();
  const kept = new Set([...attributes.keys()].map(kindOf));
  return new Set((Object.keys(SAMPLES) as Kind[]).filter((kind) => !kept.has(kind)));
}

const BLOCK = 512;

/** An archive of one empty file, as POSIX wants it. */
function archiveOf(name: string, records: readonly string[]): Buffer {
  const lines = Buffer.from(records.map(recordOf).join(""));
  const padding = Buffer.alloc((BLOCK - (lines.length % BLOCK)) % BLOCK);
  return Buffer.concat([
    headerOf(`PaxHeaders/${name}`, lines.length, "x"),
    ...[lines, padding],
    ...[headerOf(name, 0, "0"), Buffer.alloc(2 * BLOCK)],
  ]);
}

/** Begins with its own length. */
function recordOf(text: string): string {
  const rest = ` ${text}\n`;
  let length = rest.length;
  while (`${length}${rest}`.length !== length) length += 1;
  return `${length}${rest}`;
}

function headerOf(name: string, size: number, type: string): Buffer {
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, at: number): void => void block.write(text, at, "latin1");
  put(name, 0);
  put(octal(0o644, 7), 100);
  for (const at of [108, 116]) put(octal(0, 7), at);
  put(octal(size, 11), 124);
  put(octal(0, 11), 136);
  put(" ".repeat(8), 148);
  put(type, 156);
  put("ustar\x0000", 257);
  put(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    ),
    148,
  );
  return block;
}
