import type { CopyKeys, Retention } from "../model/manifest.ts";
import type { RemoteName, TypeName } from "../model/units.ts";
import type { Copy, Found } from "./sources.ts";
import { writeRetention, writeSeconds } from "./write.ts";

export interface Provenance {
  readonly key: string;
  /** As the manifest would write it. */
  readonly value: string;
  /** `datasets."nas*:tank/data" (holdfast.yaml:12)`, `policies.standard`, `defaults`, `default`. */
  readonly from: string;
}

interface Settled {
  readonly recursive: Found<boolean> | undefined;
  readonly skip: Found<readonly string[]> | undefined;
  readonly policy: Found<string> | undefined;
  readonly take: Found<readonly TypeName[]> | undefined;
  readonly taken: readonly TypeName[];
  readonly keep: Found<Retention> | undefined;
  readonly pin: Found<readonly string[]> | undefined;
  readonly maxAge: Found<number> | undefined;
  readonly suspend: Found<boolean> | undefined;
  readonly remotes: Found<ReadonlyMap<RemoteName, CopyKeys>> | undefined;
  readonly copies: readonly Copy[];
}

/** Every key of a source in the words of the manifest, with where each value comes from. */
export function provenanceOf(settled: Settled): Provenance[] {
  const row = <T>(
    key: string,
    found: Found<T> | undefined,
    fallback: string,
    write: (value: T) => string,
  ): Provenance => ({
    key,
    value: found ? write(found.value) : fallback,
    from: found ? fromOf(found) : "default",
  });
  return [
    row("policy", settled.policy, "-", String),
    row("recursive", settled.recursive, "false", String),
    row("skip", settled.skip, "[]", list),
    {
      key: "take",
      value: list(settled.taken),
      from: settled.take ? fromOf(settled.take) : "default: the scheduled types of keep",
    },
    row("keep", settled.keep, "{}", writeRetention),
    row("pin", settled.pin, "[]", list),
    row("maxAge", settled.maxAge, "-", writeSeconds),
    row("suspend", settled.suspend, "false", String),
    ...settled.copies.flatMap((copy) => copyRows(copy, settled)),
  ];
}

function copyRows(copy: Copy, { remotes, keep }: Settled): Provenance[] {
  const { name } = copy.remote;
  const keys = remotes?.value.get(name);
  const here = remotes ? `${fromOf(remotes)}` : "default";
  const keepFrom = () => {
    if (keys?.keep) return here;
    if (copy.remote.keep) return `remotes.${name}`;
    return keep ? `${fromOf(keep)}, the source's own keep` : "default";
  };
  return [
    {
      key: `remotes.${name}.target`,
      value: `${copy.host}:${copy.target}`,
      from: keys?.target ? here : `remotes.${name}.root`,
    },
    { key: `remotes.${name}.keep`, value: writeRetention(copy.keep), from: keepFrom() },
  ];
}

function fromOf({ link, policy }: Found<unknown>): string {
  if (!link) return "defaults";
  const { key, place } = link.entry;
  const entry = `datasets."${key}" (${place.file}:${place.line})`;
  return policy === undefined ? entry : `policies.${policy}, named by ${entry}`;
}

const list = (values: readonly string[]): string => `[${values.join(", ")}]`;
