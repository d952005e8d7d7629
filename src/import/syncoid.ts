import { datasetFault } from "../manifest/names.ts";
import type { Remark } from "../model/import.ts";
import { type Call, callsOf } from "./crontab.ts";
import { isWithin, machineFault } from "./names.ts";

/** A dataset here, or on a machine that is reached over SSH. */
export interface End {
  readonly host?: string;
  /** Absent: whoever runs syncoid. */
  readonly user?: string;
  readonly dataset: string;
}

/** What one call of syncoid does, again and again. */
export interface Transfer {
  readonly line: number;
  readonly source: End;
  readonly target: End;
  readonly recursive: boolean;
  /** Regular expressions of datasets that are left out. */
  readonly excluded: readonly string[];
  /** When it runs, where that is known; absent where it takes no snapshots of its own. */
  readonly sync?: { readonly schedule?: string; readonly keepsAll: boolean };
  readonly raw: boolean;
  readonly compress: boolean;
  /** `10MiB/s` */
  readonly limit?: string;
  readonly port?: number;
  readonly identity?: string;
  readonly sudo: boolean;
  /** Properties set on what is received, and not taken from the stream. */
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/** Options, and whether a value follows. */
const OPTIONS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(
    [
      "compress",
      "identifier",
      "source-bwlimit",
      "target-bwlimit",
      "mbuffer-size",
      "pv-options",
      "exclude",
      "exclude-datasets",
      "exclude-snaps",
      "include-snaps",
      "sendoptions",
      "recvoptions",
      "sshconfig",
      "sshkey",
      "sshport",
      "sshcipher",
      "sshoption",
      "insecure-direct-connection",
    ].map((name) => [name, true]),
  ),
  ...Object.fromEntries(
    [
      "recursive",
      "skip-parent",
      "no-stream",
      "no-sync-snap",
      "keep-sync-snap",
      "create-bookmark",
      "use-hold",
      "preserve-recordsize",
      "preserve-properties",
      "no-rollback",
      "delete-target-snapshots",
      "debug",
      "quiet",
      "monitor-version",
      "dumpsnaps",
      "no-command-checks",
      "no-resume",
      "no-clone-handling",
      "no-privilege-elevation",
      "force-delete",
    ].map((name) => [name, false]),
  ),
};
const SHORT: Readonly<Record<string, string>> = { r: "recursive", c: "sshcipher", o: "sshoption" };

/** What is left out, and what that means. All others are taken over, or Holdfast does the same anyway. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "skip-parent":
    "the dataset itself is copied, too; where its target is no copy of it, that is shown as blocked, and what is below goes on",
  "no-stream": "the snapshots in between are copied, too",
  "exclude-snaps": "which snapshots are copied is said by `keep` of the copy",
  "include-snaps": "which snapshots are copied is said by `keep` of the copy",
  "preserve-recordsize": "`withProperties` sends all properties, or none",
  sshconfig: "SSH is set up by `hosts` alone",
  sshcipher: "Holdfast chooses the cipher",
  sshoption: "SSH is set up by `hosts` alone",
  "insecure-direct-connection": "everything goes through SSH",
  "delete-target-snapshots": "nothing is destroyed at the target, until `keep` of the copy has numbers",
  "no-clone-handling": "a clone is sent in full in any case",
  "no-resume": "a transfer that was cut is resumed",
  "force-delete": "a copy that diverged is blocked, until somebody chooses a remedy",
};

type Found = ReadonlyMap<string, readonly string[]>;

/** Every call of syncoid in a crontab or script that is understood, and remarks about all that is not. */
export function readSyncoid(
  file: string,
  text: string,
): { transfers: readonly Transfer[]; remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  const transfers = callsOf("syncoid", text).flatMap((call): Transfer[] => {
    const remark = (message: string): Transfer[] => {
      remarks.push({ file, line: call.line, message });
      return [];
    };
    if (call.unknown !== undefined)
      return remark(`this call of syncoid is left out: ${call.unknown} is known only when it runs`);
    const { options, rest, unknown } = optionsOf(call.words);
    for (const option of unknown) remark(`${option} is no option of syncoid, and was left out`);
    const [source, target, ...more] = rest;
    if (source === undefined || target === undefined || more.length > 0)
      return remark(`this call of syncoid is left out: it takes a source and a target, and has ${rest.length} of them`);
    const ends = [source, target].map(endOf) as [End, End];
    for (const { dataset, host, user } of ends) {
      const fault = datasetFault(dataset) ?? machineFault(host, user);
      if (fault !== undefined) return remark(`this call of syncoid is left out: ${dataset} ${fault}`);
    }
    if (ends[0].host === ends[1].host && isWithin(ends[1].dataset, ends[0].dataset))
      return remark("this call of syncoid is left out: its target lies in its source");
    for (const [option] of options) {
      const meaning = LEFT_OUT[option];
      if (meaning !== undefined) remark(`--${option} is not taken over: ${meaning}`);
    }
    return [transferOf(call, ends, options, remark)];
  });
  return { transfers, remarks };
}

function optionsOf(words: readonly string[]): { options: Found; rest: readonly string[]; unknown: readonly string[] } {
  const options = new Map<string, string[]>();
  const rest: string[] = [];
  const unknown: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const [, long, value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const [, short, attached] = /^-(\w)(.*)$/s.exec(word) ?? [];
    if (word === "--") {
      rest.push(...words.slice(at + 1));
      break;
    }
    const name = long === undefined ? SHORT[short ?? ""] : fullName(long);
    if (name === undefined) (word.startsWith("-") ? unknown : rest).push(word);
    else {
      const given = long === undefined ? attached || undefined : value;
      const taken = OPTIONS[name] ? (given ?? words[++at] ?? "") : "";
      options.set(name, [...(options.get(name) ?? []), taken]);
    }
  }
  return { options, rest, unknown };
}

/** Getopt takes the beginning of a name, too, where only one begins so. */
function fullName(name: string): string | undefined {
  if (name in OPTIONS) return name;
  const [only, another] = Object.keys(OPTIONS).filter((option) => option.startsWith(name));
  return another === undefined ? only : undefined;
}

function endOf(text: string): End {
  const [, user, host, dataset] = /^(?:([^@/:]*)@)?([^:/@]+):([^/:].*)$/.exec(text) ?? [];
  if (host === undefined || dataset === undefined) return { dataset: text.replace(/\/$/, "") };
  return { host, dataset: dataset.replace(/\/$/, ""), ...(user && { user }) };
}

function transferOf(
  call: Call,
  [source, target]: readonly [End, End],
  options: Found,
  remark: (message: string) => unknown,
): Transfer {
  const last = (name: string): string | undefined => options.get(name)?.at(-1);
  const compress = last("compress") ?? "";
  if (compress !== "" && compress !== "none" && !/^zstd/.test(compress))
    remark(`--compress=${compress} is not taken over: only zstd is to be had (\`compress: zstd\` of the remote)`);
  const { set, unset } = receiving(last("recvoptions") ?? "", remark);
  const sending = last("sendoptions") ?? "";
  const limits = [last("source-bwlimit"), last("target-bwlimit")].flatMap((text) => rateOf(text, remark));
  const limit = limits.sort((a, b) => a.bytes - b.bytes)[0]?.text;
  const port = Number(last("sshport"));
  const identity = last("sshkey");
  const excluded = options.get("exclude-datasets") ?? options.get("exclude") ?? [];
  return {
    line: call.line,
    source,
    target,
    recursive: options.has("recursive") || /R/.test(sending.split(/\s/)[0] ?? ""),
    excluded,
    ...(!options.has("no-sync-snap") && {
      sync: {
        keepsAll: options.has("keep-sync-snap"),
        ...(call.schedule !== undefined && { schedule: call.schedule }),
      },
    }),
    raw: /w/.test(sending),
    compress: /^zstd/.test(compress),
    ...(limit !== undefined && { limit }),
    ...(port > 0 && port < 65_536 && port !== 22 && { port }),
    ...(identity && { identity }),
    sudo: !options.has("no-privilege-elevation"),
    set,
    unset,
  };
}

/** mbuffer's own units: powers of 1024. */
function rateOf(text: string | undefined, remark: (message: string) => unknown): { bytes: number; text: string }[] {
  if (text === undefined || text === "") return [];
  const [, count, unit = ""] = /^(\d+)([kmgt]?)$/i.exec(text) ?? [];
  const power = ["", "k", "m", "g", "t"].indexOf(unit.toLowerCase());
  if (count === undefined || Number(count) === 0) {
    remark(`a limit of ${text} is not understood, and was left out`);
    return [];
  }
  const written = ["B", "KiB", "MiB", "GiB", "TiB"][power] ?? "B";
  return [{ bytes: Number(count) * 1024 ** power, text: `${count}${written}/s` }];
}

/** `ux mountpoint o compression=lz4`: flags, and a value after those that take one. */
function receiving(text: string, remark: (message: string) => unknown) {
  const set: Record<string, string> = {};
  const unset: string[] = [];
  const words = text.split(/\s+/).filter((word) => word !== "");
  while (words.length > 0) {
    const flags = words.shift() ?? "";
    const kind = flags.at(-1);
    if (kind === "x") unset.push(words.shift() ?? "");
    else if (kind === "o") {
      const [name = "", ...value] = (words.shift() ?? "").split("=");
      if (name !== "") set[name] = value.join("=");
    }
    const others = flags.replace(/[xou]/g, "");
    if (others !== "") remark(`--recvoptions ${others} is not taken over`);
  }
  return { set, unset: unset.filter((name) => name !== "") };
}
