import { createHash, createHmac } from "node:crypto";

/** A public host key, and where it was found to be this host's. */
export interface KnownKey {
  readonly type: string;
  /** The key's wire form, base64. */
  readonly key: string;
  /** `hosts.nas01.hostKeys`, `/root/.ssh/known_hosts:12`. */
  readonly from: string;
}

export interface KnownHostsEntry extends KnownKey {
  readonly marker?: "revoked" | "cert-authority";
  /** Comma-separated patterns, or one hashed name. */
  readonly names: string;
}

/** Lines that are no entries are skipped, as ssh does. */
export function parseKnownHosts(text: string, file: string): KnownHostsEntry[] {
  const entries: KnownHostsEntry[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === undefined || words[0] === "" || words[0].startsWith("#")) continue;
    const marker = words[0].startsWith("@") ? words.shift()?.slice(1) : undefined;
    const [names, type, key] = words;
    if (names === undefined || type === undefined || key === undefined) continue;
    if (!isKeyOfType(type, key)) continue;
    if (marker !== undefined && marker !== "revoked" && marker !== "cert-authority") continue;
    entries.push({ names, type, key, from: `${file}:${index + 1}`, ...(marker === undefined ? {} : { marker }) });
  }
  return entries;
}

/** Whether the base64 text is a key of that type: the wire form starts with the type's name. */
export function isKeyOfType(type: string, key: string): boolean {
  return keyType(Buffer.from(key, "base64")) === type;
}

/** The type that a key's wire form says it is; undefined when it is none. */
export function keyType(wire: Buffer): string | undefined {
  if (wire.length < 4) return undefined;
  const length = wire.readUInt32BE(0);
  return length > 0 && length <= 64 && wire.length > 4 + length ? wire.toString("latin1", 4, 4 + length) : undefined;
}

/** What known_hosts calls a host: `name`, or `[name]:port` for another port than 22. */
const hostLabel = (address: string, port: number): string =>
  port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;

/**
 * The entries that speak of a host. As ssh does, keys of the plain name count for another port when nothing is known under
 * `[name]:port`; revocations always count.
 */
export function entriesFor(entries: readonly KnownHostsEntry[], address: string, port: number): KnownHostsEntry[] {
  const exact = entries.filter((entry) => matches(entry.names, hostLabel(address, port)));
  const plain = port === 22 ? [] : entries.filter((entry) => matches(entry.names, address.toLowerCase()));
  const good = exact.some((entry) => entry.marker !== "revoked") ? exact : [...exact, ...plain];
  return [...new Set([...good, ...plain.filter((entry) => entry.marker === "revoked")])];
}

function matches(names: string, label: string): boolean {
  if (names.startsWith("|")) return matchesHash(names, label);
  let found = false;
  for (const name of names.toLowerCase().split(",")) {
    const negated = name.startsWith("!");
    if (!globMatches(negated ? name.slice(1) : name, label)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/** `|1|SALT|HASH`: HMAC-SHA1 of the label, keyed with the salt. */
function matchesHash(hashed: string, label: string): boolean {
  const [, version, salt, hash] = hashed.split("|");
  if (version !== "1" || salt === undefined || hash === undefined) return false;
  return createHmac("sha1", Buffer.from(salt, "base64")).update(label).digest("base64") === hash;
}

/** `*` and `?`, as ssh has them: `[` is a plain character, and there is no way to escape. */
function globMatches(glob: string, text: string): boolean {
  const pattern = glob
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${pattern}$`).test(text);
}

/** As ssh-keygen -l prints it: `SHA256:…`. */
export const fingerprint = (key: string | Buffer): string =>
  `SHA256:${createHash("sha256")
    .update(typeof key === "string" ? Buffer.from(key, "base64") : key)
    .digest("base64")
    .replace(/=+$/, "")}`;
