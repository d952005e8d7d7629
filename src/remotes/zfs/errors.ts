import type { At } from "../../model/plan.ts";
import type { Problem } from "../../model/report.ts";
import { poolOf } from "../../model/units.ts";
import { quote } from "../../transport/shell.ts";

/** What a message of `zfs` means for us. */
export type Meaning =
  /** The stream ended early; what arrived is saved. */
  | "cut"
  /** The copy was written to. */
  | "modified"
  /** The copy's newest snapshot is not the base any more: somebody received or destroyed in the meantime. */
  | "moved"
  | "name-taken"
  /** A half-received stream is in the way: left over, or being received by somebody else right now. */
  | "partial"
  | "exists"
  | "bookmark-exists"
  | "busy"
  | "space"
  | "key"
  | "raw"
  | "raw-base"
  | "large-blocks"
  | "plaintext-properties"
  /** Only says that the sender ended. */
  | "sender-ended"
  | "stale-token"
  | "dead-token"
  | "no-token"
  | "parent-missing"
  | "missing"
  | "held"
  | "cloned"
  | "children"
  | "later-snapshots"
  | "permission"
  /** The pool disregards what `zfs allow` granted. */
  | "delegation"
  /** Only root may unmount. */
  | "mounted"
  | "property"
  | "feature"
  | "suspended"
  | "unknown";

/** Where it happened, and what the reader would need to grant or free. */
export interface Where {
  readonly at: At;
  /** The account `zfs` runs as there. */
  readonly user: string;
  /** What `zfs allow` has to give for this operation, and where. */
  readonly permissions: string;
  readonly permissionsOn: string;
  /** Where that is best given, once for all: above `permissionsOn`. */
  readonly grantOn?: string;
}

interface Known {
  readonly meaning: Meaning;
  readonly pattern: RegExp;
  readonly message: (where: Where, match: RegExpExecArray) => string;
  readonly hint?: (where: Where) => string;
}

const place = ({ at }: Where): string => `${at.host}:${at.dataset}`;
const planAgain = (): string => "run holdfast plan again: it sees what is there now";

/** The line that grants rights. */
export const grantOf = ({ at, user, permissionsOn, grantOn }: Where, rights: readonly string[]): string =>
  `as root on ${at.host}: zfs allow -u ${user} ${rights.join(",")} ${quote(grantOn ?? permissionsOn)}`;

/** In order: the first that matches explains the message. Patterns match output whose white space is single spaces. */
const KNOWN: readonly Known[] = [
  {
    meaning: "suspended",
    pattern: /pool I\/O is currently suspended/,
    message: (where) => `the pool of ${place(where)} is suspended: its disks do not answer`,
    hint: () => "look at `zpool status`, then `zpool clear`",
  },
  {
    meaning: "delegation",
    pattern: /delegated administration is disabled on pool/,
    message: (where) => `the pool of ${place(where)} disregards all rights that zfs allow grants`,
    hint: (where) => `as root on ${where.at.host}: zpool set delegation=on ${poolOf(where.at.dataset)}`,
  },
  {
    meaning: "mounted",
    pattern: /cannot unmount '[^']*': (?:permission denied|operation not permitted)/i,
    message: (where) => `${place(where)} is mounted, and only root may unmount it`,
    hint: (where) => `as root on ${where.at.host}: zfs unmount ${quote(where.at.dataset)}`,
  },
  {
    meaning: "permission",
    pattern: /permission denied|operation not permitted/i,
    message: (where) => `${where.user} may not do this on ${place(where)}`,
    hint: (where) => grantOf(where, where.permissions.split(",")),
  },
  {
    meaning: "space",
    pattern: /space quota exceeded/,
    message: (where) => `a quota at ${place(where)} is exhausted`,
    hint: (where) =>
      `raise the quota; what was received stays for the next run, \`zfs receive -A ${where.at.dataset}\` frees it`,
  },
  {
    meaning: "space",
    pattern: /out of space|no space left/i,
    message: (where) => `the pool of ${place(where)} is full`,
    hint: (where) =>
      `free space there; what was received stays for the next run, \`zfs receive -A ${where.at.dataset}\` frees it`,
  },
  {
    meaning: "modified",
    pattern: /has been modified since most recent snapshot/,
    message: (where) => `${place(where)} was written to since its newest snapshot (reading it with atime on is enough)`,
    hint: planAgain,
  },
  {
    meaning: "moved",
    pattern: /most recent snapshot of .* does not match incremental source|incremental source .* does not exist/,
    message: (where) => `${place(where)} changed while this ran: its newest snapshot is not the base any more`,
    hint: planAgain,
  },
  {
    meaning: "name-taken",
    pattern: /cannot restore to (\S.*): destination already exists/,
    message: (where, match) => `${where.at.host}:${match[1]} exists there with another guid: it is another snapshot`,
    hint: () => "rename or destroy the one there, then plan again",
  },
  {
    meaning: "partial",
    pattern: /contains partially-complete state/,
    message: (where) => `${place(where)} holds a half-received stream, or somebody else is receiving there right now`,
    hint: () => "wait until the other one is done; the next plan resumes what was left",
  },
  {
    meaning: "raw",
    pattern: /cannot perform raw receive on top of existing unencrypted dataset/,
    message: (where) => `${place(where)} holds plaintext: an encrypted (raw) stream cannot go on from there`,
    hint: () => "give this remote `raw: never`, or move the plaintext copy aside with --resolve REMOTE=replace",
  },
  {
    meaning: "raw-base",
    pattern: /IV set guid mismatch/,
    message: (where) => `${place(where)} got an increment that was not raw: raw ones do not fit any more`,
    hint: () => "the copy needs a new full send: --resolve REMOTE=replace",
  },
  {
    meaning: "key",
    pattern: /key must be loaded|encryption key not loaded|key is not loaded/i,
    message: (where) => `the encryption key for ${place(where)} is not loaded`,
    hint: () => "`zfs load-key` there, or send raw (`raw: auto`): raw streams need no key",
  },
  {
    meaning: "plaintext-properties",
    pattern: /may not be sent with properties without the raw flag/,
    message: (where) => `${place(where)} is encrypted: its settings travel only with a raw stream`,
    hint: () => "set `withProperties: false` for this remote, or `raw: auto`",
  },
  {
    meaning: "large-blocks",
    pattern: /requires -L \(--large-block\)|large-block/,
    message: (where) => `${place(where)} has large blocks: a stream without -L does not fit`,
  },
  {
    meaning: "stale-token",
    pattern: /kernel modules must be upgraded to receive this stream/,
    message: (where) =>
      `${place(where)} refuses to go on with its half-received stream: it changed, or belongs to another one`,
    hint: planAgain,
  },
  {
    meaning: "dead-token",
    pattern: /resume token is corrupt|used in the initial send no longer exists|incremental source .* no longer exists/,
    message: (where) =>
      `the half-received stream cannot be continued from ${place(where)}: what it was made from is gone`,
    hint: planAgain,
  },
  {
    meaning: "feature",
    pattern: /unsupported (?:feature|version)|pool must be upgraded|stream has unsupported/,
    message: (where) => `the OpenZFS on ${where.at.host} does not understand this stream`,
    hint: () => "compare `zfs version` and `zpool get all` (feature@…) of both ends; the older one needs the upgrade",
  },
  {
    meaning: "property",
    pattern: /property '([^']+)' does not apply to datasets of this type/,
    message: (where, match) => `${place(where)} cannot have the property ${match[1]}`,
    hint: () => "take it out of the remote's `properties`",
  },
  {
    meaning: "held",
    pattern: /it's being held|tag already exists|snapshot is held/,
    message: (where) => `a snapshot of ${place(where)} is held`,
    hint: (where) => `zfs holds -r ${where.at.dataset} shows by whom; zfs release TAG SNAPSHOT lets it go`,
  },
  {
    meaning: "cloned",
    pattern: /has dependent clones/,
    message: (where) => `a snapshot of ${place(where)} has a clone`,
    hint: () => "destroy or promote the clone first",
  },
  {
    meaning: "children",
    pattern: /(?:filesystem|volume) has children/,
    message: (where) => `${place(where)} still has snapshots or children that the plan does not know`,
    hint: planAgain,
  },
  {
    meaning: "later-snapshots",
    pattern: /more recent snapshots or bookmarks exist/,
    message: (where) => `${place(where)} has later snapshots or bookmarks that the plan does not know`,
    hint: planAgain,
  },
  {
    meaning: "no-token",
    pattern: /does not have any resumable receive state to abort/,
    message: (where) => `${place(where)} has no half-received stream`,
  },
  {
    meaning: "parent-missing",
    pattern: /unable to restore to destination|parent does not exist/,
    message: (where) => `the dataset that should hold ${place(where)} does not exist`,
    hint: planAgain,
  },
  {
    meaning: "bookmark-exists",
    pattern: /cannot create bookmark .*: bookmark exists/,
    message: (where) => `${place(where)} has a bookmark of that name already`,
  },
  {
    meaning: "exists",
    pattern: /destination '?[^']*'? exists|must specify -F to overwrite|dataset already exists/,
    message: (where) => `${place(where)} exists already`,
    hint: planAgain,
  },
  {
    meaning: "busy",
    pattern: /(?:dataset|pool) is busy|pool or dataset is busy/,
    message: (where) => `${place(where)} is busy: somebody receives, sends or uses it`,
    hint: () => "nothing is lost; the next run tries again",
  },
  {
    meaning: "cut",
    pattern: /checksum mismatch or incomplete stream|[Pp]artially received snapshot is saved/,
    message: (where) => `the stream to ${place(where)} was cut`,
    hint: () => "the next run resumes",
  },
  {
    meaning: "sender-ended",
    pattern: /failed to read from stream/,
    message: (where) => `the sender ended before ${place(where)} had everything`,
  },
  {
    meaning: "missing",
    pattern:
      /(?:cannot open|bookmark) '([^']+)'(?:: dataset)? does not exist|(?:cannot open|bookmark) '([^']+)': no such pool|dataset does not exist|could not find any snapshots to destroy/,
    message: (where, match) => {
      const name = match[1] ?? match[2];
      return `${name === undefined ? place(where) : `${where.at.host}:${name}`} does not exist (any more)`;
    },
    hint: planAgain,
  },
];

const OUTPUT_LINES = 10;

/** The last lines, without usage texts and the hexadecimal tokens `zfs` likes to print. */
export function lastLines(output: string): string {
  const [said = ""] = output.split(/^usage:$/m);
  const lines = said
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/zfs send -t \S+$|A resuming stream can be generated/.test(line));
  return lines.slice(-OUTPUT_LINES).join("\n");
}

/** What `output` (stderr, and stdout where `zfs` prints errors there) says. */
export function meaningOf(output: string): Meaning {
  return find(output)?.known.meaning ?? "unknown";
}

function find(output: string): { known: Known; match: RegExpExecArray } | undefined {
  const text = output.replaceAll(/\s+/g, " ").trim();
  for (const known of KNOWN) {
    const match = known.pattern.exec(text);
    if (match !== null) return { known, match };
  }
  return undefined;
}

export type Explained = Problem & { readonly meaning: Meaning };

/** Turns what a command printed into what happened and what to do next. `command` is already fit to be shown. */
export function explain(output: string, where: Where, command: string, otherwise: string): Explained {
  const found = find(output);
  const said = lastLines(output);
  const hint = found?.known.hint?.(where);
  return {
    meaning: found?.known.meaning ?? "unknown",
    message: found === undefined ? otherwise : found.known.message(where, found.match),
    command,
    ...(said === "" ? {} : { output: said }),
    ...(hint === undefined ? {} : { hint }),
  };
}
