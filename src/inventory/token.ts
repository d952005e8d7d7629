import type { ResumeState } from "../model/inventory.ts";
import type { Bytes, Guid } from "../model/units.ts";

type Content = NonNullable<ResumeState["content"]>;

/** Beyond this an estimate is an underflow: `zfs send` prints 2^64 minus a little for some tokens. */
const ABSURD = 2 ** 62;

export const tokenCommand = (token: string): string[] => ["zfs", "send", "-nvP", "-t", token];

/**
 * Reads what `zfs send -nvP -t TOKEN` printed: on stdout, by older versions on stderr. Undefined when the token could not
 * even be decoded.
 */
export function parseToken(result: {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}): Content | undefined {
  const fields = new Map<string, string>();
  let remaining: number | undefined;
  for (const line of `${result.stdout}\n${result.stderr}`.split("\n")) {
    const field = /^\s+(\w+) = (.*)$/.exec(line);
    if (field?.[1] !== undefined && field[2] !== undefined) fields.set(field[1], field[2]);
    const size = /^size\t(\d+)$/.exec(line);
    if (size !== null) remaining = Number(size[1]);
  }
  const toName = fields.get("toname");
  const toGuid = guid(fields.get("toguid"));
  if (toName === undefined || toGuid === undefined) return undefined;
  const fromGuid = guid(fields.get("fromguid"));
  const problem = /^cannot .*$/m.exec(result.stderr)?.[0];
  return {
    toName,
    toGuid,
    ...(fromGuid !== undefined && { fromGuid }),
    raw: fields.has("rawok"),
    bytes: Number(fields.get("bytes") ?? 0) as Bytes,
    ...(remaining !== undefined && remaining < ABSURD && { remaining: remaining as Bytes }),
    usable: result.code === 0,
    ...(result.code !== 0 && { problem: problem ?? `zfs send ended with ${result.code}` }),
  };
}

/** Printed in hexadecimal without leading zeros; everywhere else guids are decimal. */
function guid(text: string | undefined): Guid | undefined {
  return text !== undefined && /^0x[0-9a-f]+$|^\d+$/i.test(text) ? (BigInt(text).toString() as Guid) : undefined;
}
