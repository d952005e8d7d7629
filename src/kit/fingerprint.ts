import { randomBytes, scrypt } from "node:crypto";
import type { KitFingerprint } from "../model/recovery-kit.ts";

/**
 * Whoever has a fingerprint can test guesses with it. So it is slow (scrypt with 128 MiB a guess), salted, so that
 * guesses for one are of no use for another, and short: it tells a typing error for certain, and a wrong guess only
 * nearly so.
 */
const COST = 2 ** 17;
const BLOCK = 8;
const BYTES = 4;
const MEMORY = 2 ** 28;

/** Of the bytes of a secret as a file has them; without the newline at the end, as `zfs` and restic take it. */
export function slowFingerprint(secret: Uint8Array, salt = randomBytes(8).toString("hex")): Promise<KitFingerprint> {
  const text = Buffer.from(secret)
    .toString("latin1")
    .replace(/\r?\n$/, "");
  return new Promise((resolve, reject) =>
    scrypt(Buffer.from(text, "latin1"), salt, BYTES, { N: COST, r: BLOCK, p: 1, maxmem: MEMORY }, (error, value) =>
      error ? reject(error) : resolve({ kind: "scrypt", salt, value: value.toString("hex") }),
    ),
  );
}

/** The same for the secret in a file, by whoever has a Node or a Python: `SALT` and `FILE` are put in. */
export const CHECKS = {
  node: `node -p 'let s=require("fs").readFileSync(0,"latin1").replace(/\\r?\\n$/,"");crypto.scryptSync(Buffer.from(s,"latin1"),process.argv[1],${BYTES},{N:${COST},r:${BLOCK},p:1,maxmem:${MEMORY}}).toString("hex")' SALT < FILE`,
  python: `python3 -c 'import hashlib,re,sys;s=re.sub(rb"\\r?\\n\\Z",b"",sys.stdin.buffer.read());print(hashlib.scrypt(s,salt=sys.argv[1].encode(),n=${COST},r=${BLOCK},p=1,maxmem=${MEMORY},dklen=${BYTES}).hex())' SALT < FILE`,
} as const;
