import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface NewRepository {
  readonly password: string;
  readonly format?: 1 | 2;
  /** How files are cut; repositories with the same one find what both have. */
  readonly polynomial?: string;
}

/**
 * An empty repository as `restic init` makes it, but for the price of its password: restic spends half a second of CPU on
 * it in every command, and tests run hundreds. Returns its id.
 */
export function makeRepository(
  folder: string,
  { password, format = 2, polynomial = "209b8dec6229e1" }: NewRepository,
): string {
  mkdirSync(folder, { recursive: true });
  for (const name of ["data", "index", "keys", "locks", "snapshots"]) mkdirSync(join(folder, name));
  const id = randomBytes(32).toString("hex");
  const key: Key = { encrypt: randomBytes(32), k: randomBytes(16), r: clamped(randomBytes(16)) };
  addKey(folder, key, password);
  const config = { version: format, id, chunker_polynomial: polynomial };
  writeFileSync(join(folder, "config"), seal(key, Buffer.from(JSON.stringify(config))));
  return id;
}

/** Gives one that restic made the same price. */
export function makeCheap(folder: string, password: string): void {
  for (const name of readdirSync(join(folder, "keys"))) {
    const file = join(folder, "keys", name);
    addKey(folder, masterKey(file, password), password);
    rmSync(file);
  }
}

export interface WrittenSnapshot {
  /** As Go writes it, with up to nine digits of a second and any offset. */
  readonly time: string;
  readonly hostname: string;
  readonly tags: readonly string[];
}

/** Thousands of snapshots of nothing, of any time, for less than one backup costs. Returns their ids. */
export function writeSnapshots(folder: string, password: string, snapshots: readonly WrittenSnapshot[]): string[] {
  const [name = ""] = readdirSync(join(folder, "keys"));
  const key = masterKey(join(folder, "keys", name), password);
  return snapshots.map((snapshot) => {
    const text = JSON.stringify({ ...snapshot, tree: "0".repeat(64), paths: ["/nothing"] });
    return put(join(folder, "snapshots"), seal(key, Buffer.from(text)));
  });
}

/** A lock as somebody on another host holds it until the file is removed. Returns its path. */
export function writeLock(
  folder: string,
  password: string,
  lock: { readonly exclusive: boolean; readonly time?: string; readonly hostname?: string },
): string {
  const [name = ""] = readdirSync(join(folder, "keys"));
  const holder = { hostname: "elsewhere", username: "somebody", pid: 4711, uid: 0, gid: 0 };
  const text = JSON.stringify({ time: new Date().toISOString(), ...holder, ...lock });
  const key = masterKey(join(folder, "keys", name), password);
  return join(folder, "locks", put(join(folder, "locks"), seal(key, Buffer.from(text))));
}

function put(folder: string, content: string | Buffer): string {
  const id = createHash("sha256").update(content).digest("hex");
  writeFileSync(join(folder, id), content);
  return id;
}

function masterKey(file: string, password: string): Key {
  const { N, r, p, salt, data } = JSON.parse(readFileSync(file, "utf8"));
  const { encrypt } = derive(password, Buffer.from(salt, "base64"), { N, r, p, maxmem: 2 ** 30 });
  const sealed = Buffer.from(data, "base64");
  const text = createDecipheriv("aes-256-ctr", encrypt, sealed.subarray(0, 16)).update(sealed.subarray(16, -16));
  const master = JSON.parse(text.toString());
  const [k, clampedR] = [Buffer.from(master.mac.k, "base64"), Buffer.from(master.mac.r, "base64")];
  return { encrypt: Buffer.from(master.encrypt, "base64"), k, r: clampedR };
}

interface Key {
  readonly encrypt: Buffer;
  /** The two halves of a Poly1305-AES key. */
  readonly k: Buffer;
  readonly r: Buffer;
}

function addKey(folder: string, key: Key, password: string): void {
  const cost = { N: 2, r: 1, p: 1 };
  const salt = randomBytes(64);
  const outer = derive(password, salt, cost);
  const master = {
    mac: { k: key.k.toString("base64"), r: key.r.toString("base64") },
    encrypt: key.encrypt.toString("base64"),
  };
  const file = JSON.stringify({
    created: "2026-01-01T00:00:00Z",
    username: "test",
    hostname: "test",
    kdf: "scrypt",
    ...cost,
    salt: salt.toString("base64"),
    data: seal(outer, Buffer.from(JSON.stringify(master))).toString("base64"),
  });
  put(join(folder, "keys"), file);
}

function derive(password: string, salt: Buffer, cost: Parameters<typeof scryptSync>[3]): Key {
  const derived = scryptSync(password, salt, 64, cost);
  return { encrypt: derived.subarray(0, 32), k: derived.subarray(32, 48), r: derived.subarray(48) };
}

/** Nonce, AES-256-CTR, Poly1305-AES. */
function seal({ encrypt, k, r }: Key, text: Buffer): Buffer {
  const nonce = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", encrypt, nonce);
  const encrypted = Buffer.concat([cipher.update(text), cipher.final()]);
  const once = createCipheriv("aes-128-ecb", k, null).setAutoPadding(false).update(nonce);
  return Buffer.concat([nonce, encrypted, poly1305(encrypted, clamped(r), once)]);
}

function clamped(r: Buffer): Buffer {
  const masked = Buffer.from(r);
  for (const index of [3, 7, 11, 15]) masked[index] = (masked[index] ?? 0) & 15;
  for (const index of [4, 8, 12]) masked[index] = (masked[index] ?? 0) & 252;
  return masked;
}

const PRIME = (1n << 130n) - 5n;
const littleEndian = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex") || "0"}`);

function poly1305(text: Buffer, r: Buffer, s: Buffer): Buffer {
  const factor = littleEndian(r);
  let sum = 0n;
  for (let at = 0; at < text.length; at += 16) {
    const block = littleEndian(Buffer.concat([text.subarray(at, at + 16), Buffer.of(1)]));
    sum = ((sum + block) * factor) % PRIME;
  }
  const tag = ((sum + littleEndian(s)) & ((1n << 128n) - 1n)).toString(16).padStart(32, "0");
  return Buffer.from(tag, "hex").reverse();
}
