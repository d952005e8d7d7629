import type { CopyKeys, Expectation, FileSelection, Hook, Retention, Verify } from "../model/manifest.ts";
import type { RemoteName, TypeName } from "../model/units.ts";
import type { Copy, Found, RepositoryTarget } from "./sources.ts";
import { writeExpectation, writeFiles, writeHooks, writeRetention, writeSeconds, writeVerify } from "./write.ts";

export interface Provenance {
  readonly key: string;
  /** As the manifest would write it. */
  readonly value: string;
  /** `datasets."nas*:tank/data" (holdfast.yaml:12)`, `policies.standard`, `defaults`, `default`. */
  readonly from: string;
}

/** What directories have too. */
interface SettledKeys {
  readonly policy: Found<string> | undefined;
  readonly take: Found<readonly TypeName[]> | undefined;
  readonly taken: readonly TypeName[];
  readonly keep: Found<Retention> | undefined;
  readonly maxAge: Found<number> | undefined;
  readonly suspend: Found<boolean> | undefined;
  readonly priority: Found<number> | undefined;
  readonly verify: Found<Verify> | undefined;
  readonly expect: Found<Expectation> | undefined;
  readonly files: Found<FileSelection> | undefined;
  readonly hooks: Found<readonly Hook[]> | undefined;
  readonly requireMount: Found<string> | undefined;
  readonly remotes: Found<ReadonlyMap<RemoteName, CopyKeys>> | undefined;
  readonly repositories: readonly RepositoryTarget[];
}
interface SettledDataset extends SettledKeys {
  readonly recursive: Found<boolean> | undefined;
  readonly skip: Found<readonly string[]> | undefined;
  readonly pin: Found<readonly string[]> | undefined;
  readonly copies: readonly Copy[];
}
interface SettledDirectory extends SettledKeys {
  readonly stdin: Found<readonly string[]> | undefined;
}

/** Every key of a dataset in the words of the manifest, with where each value comes from. */
export const datasetProvenance = (settled: SettledDataset): Provenance[] => [
  row("policy", settled.policy, "-", String),
  row("recursive", settled.recursive, "false", String),
  row("skip", settled.skip, "[]", list),
  takeRow(settled, "default: the scheduled types of keep"),
  row("keep", settled.keep, "{}", writeRetention),
  row("pin", settled.pin, "[]", list),
  row("maxAge", settled.maxAge, "-", writeSeconds),
  row("suspend", settled.suspend, "false", String),
  ...priorityRows(settled),
  ...verifyRows(settled),
  ...readingRows(settled),
  ...settled.copies.flatMap((copy) => copyRows(copy, settled)),
  ...settled.repositories.flatMap((target) => repositoryRows(target, settled)),
];

/** The same of a directory. */
export const directoryProvenance = (settled: SettledDirectory): Provenance[] => [
  row("policy", settled.policy, "-", String),
  takeRow(settled, "default: the scheduled types that its remotes keep"),
  // of remotes that say nothing of their own
  ...(settled.keep ? [row("keep", settled.keep, "{}", writeRetention)] : []),
  row("maxAge", settled.maxAge, "-", writeSeconds),
  row("suspend", settled.suspend, "false", String),
  ...priorityRows(settled),
  ...verifyRows(settled),
  ...(settled.stdin ? [row("stdin", settled.stdin, "", list)] : []),
  ...readingRows(settled),
  ...settled.repositories.flatMap((target) => repositoryRows(target, settled)),
];

const priorityRows = ({ priority }: SettledKeys): Provenance[] =>
  priority === undefined ? [] : [row("priority", priority, "0", String)];

const verifyRows = ({ verify }: SettledKeys): Provenance[] =>
  verify === undefined ? [] : [row("verify", verify, "", writeVerify)];

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

const takeRow = ({ take, taken }: SettledKeys, fallback: string): Provenance => ({
  key: "take",
  value: list(taken),
  from: take ? fromOf(take) : fallback,
});

/** How files are read: only what is set. */
const readingRows = ({ expect, files, hooks, requireMount }: SettledKeys): Provenance[] => [
  ...(expect ? [row("expect", expect, "", writeExpectation)] : []),
  ...(files ? [row("files", files, "", writeFiles)] : []),
  ...(requireMount ? [row("requireMount", requireMount, "", String)] : []),
  ...(hooks ? [row("hooks", hooks, "", writeHooks)] : []),
];

function repositoryRows(
  { remote, at, keep, mirrors }: RepositoryTarget,
  { remotes, keep: own }: SettledKeys,
): Provenance[] {
  const { name } = remote;
  const keys = remotes?.value.get(name);
  const keepFrom = () => {
    if (keys?.keep) return remotes ? fromOf(remotes) : "default";
    if (remote.keep) return `remotes.${name}`;
    return own ? `${fromOf(own)}, the source's own keep` : "default";
  };
  return [
    { key: `remotes.${name}.repository`, value: at.repository, from: `remotes.${name}` },
    { key: `remotes.${name}.keep`, value: writeRetention(keep), from: keepFrom() },
    ...mirrors.map(({ mirror, keep: there }) => ({
      key: `mirrors.${mirror.name}.keep`,
      value: writeRetention(there),
      from: mirror.keep ? `mirrors.${mirror.name}` : `what ${name} keeps`,
    })),
  ];
}

function copyRows(copy: Copy, { remotes, keep }: SettledDataset): Provenance[] {
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

function fromOf({ link, policy, byHand }: Found<unknown>): string {
  if (byHand !== undefined) return `holdfast suspend ${byHand}`;
  if (!link) return "defaults";
  const { key, place } = link.entry;
  const section = "pattern" in link.entry ? "datasets" : "directories";
  const entry = `${section}."${key}" (${place.file}:${place.line})`;
  return policy === undefined ? entry : `policies.${policy}, named by ${entry}`;
}

const list = (values: readonly string[]): string => `[${values.join(", ")}]`;
