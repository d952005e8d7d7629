import type { Problem } from "../../model/report.ts";
import { isAtLeast, type ResticVersion } from "./version.ts";

export type ResticFailureKind =
  /** There is certainly no repository. */
  | "absent"
  | "locked"
  | "wrong-password"
  /** It does not answer, or not in time. */
  | "unreachable"
  | "no-space"
  | "permission"
  /** The server lets nothing be removed. */
  | "append-only"
  /** restic, or a program it needs, is not there. */
  | "not-installed"
  | "too-old"
  | "mount-missing"
  /** What is at the place that files are to go to is not theirs. */
  | "occupied"
  /** What was to be read is not there. */
  | "missing-source"
  /** The command whose output was to be kept failed. */
  | "command-failed"
  /** Something in the repository cannot be read. */
  | "damaged"
  /** A creation that was cut left a key, and no repository. */
  | "half-made"
  /** A password, or another secret, cannot be read. */
  | "secret"
  | "interrupted"
  | "other";

/** Who holds a lock, as restic tells it. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly user: string;
  /** As restic writes it, UTC. */
  readonly since?: string;
  readonly exclusive: boolean;
}

/** restic did not do what it should. Holds no secret. */
export class ResticFailed extends Error {
  override readonly name = "ResticFailed";
  readonly kind: ResticFailureKind;
  readonly problem: Problem;
  readonly holder: LockHolder | undefined;

  constructor(
    kind: ResticFailureKind,
    problem: Problem,
    details: { readonly holder?: LockHolder; readonly cause?: unknown } = {},
  ) {
    super(problem.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.problem = problem;
    this.holder = details.holder;
  }
}

/** How restic ended. */
export interface Ending {
  readonly code: number | null;
  /** What it wrote to stderr, or the end of that. */
  readonly text: string;
  /** The line of it that says why. */
  readonly reason: string;
  readonly version: ResticVersion;
}

/** Below 0.17 an absent repository is told by the end of a sentence; that of a server which lets nobody in begins alike. */
const ABSENT = /^Fatal: unable to open config file: .*(?:does not exist|no such file or directory)\.?$/m;
const NO_BUCKET = /bucket does not exist/;

const LOCKED =
  /repository is already locked( exclusively)? by PID (\d+) on (.*) by (.*?)(?: \(UID \d+, GID \d+\))?$(?:\s*^lock was created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))?/m;

/** The first that fits; exit codes come before words. */
const WORDS: readonly (readonly [ResticFailureKind, RegExp])[] = [
  ["wrong-password", /wrong password or no key found/],
  ["not-installed", /unable to (?:open|create) repository at .*executable file not found/],
  [
    "command-failed",
    /command failed: exit status|failed to run command|executable file not found|^holdfast: the command ended with/m,
  ],
  ["interrupted", /signal (?:interrupt|terminated) received/],
  ["no-space", /no space left on device|disk quota exceeded|insufficient storage|quota exceeded|\b507\b/i],
  ["append-only", /blob not removed, server response: 403|Remove\(<.*\b403\b|Remove\(<.*Access ?Denied/],
  [
    "missing-source",
    /all (?:target|source) directories\/files do not exist|^holdfast: .* is not mounted$|cd: .*(?:No such file|can't cd to)/m,
  ],
  ["half-made", /repository already contains keys/],
  [
    "damaged",
    /invalid data returned|ciphertext verification failed|repository contains errors|packs from index missing/,
  ],
  [
    "permission",
    /permission denied|operation not permitted|read-only file system|access ?denied|\b40[13]\b|InvalidAccessKeyId|SignatureDoesNotMatch|no credentials found|invalid_client|unable to authenticate/i,
  ],
  [
    "unreachable",
    /connection refused|connection reset|no such host|no route to host|network is unreachable|i\/o timeout|timed out|deadline exceeded|TLS handshake|certificate|Could not resolve|server unexpectedly closed|unable to start the sftp session|unable to open repository at|\b50[0234]\b|EOF$/im,
  ],
];

/** What went wrong, told apart so far as something different is to be done about it. */
export function classify({ code, text, version }: Pick<Ending, "code" | "text" | "version">): ResticFailureKind {
  if (code === 10) return "absent";
  if (code === 11 || LOCKED.test(text)) return "locked";
  if (code === 12) return "wrong-password";
  if (code === 130) return "interrupted";
  if (!isAtLeast(version, "0.17") && ABSENT.test(text) && !NO_BUCKET.test(text)) return "absent";
  return WORDS.find(([, words]) => words.test(text))?.[0] ?? "other";
}

export function holderIn(text: string): LockHolder | undefined {
  const found = LOCKED.exec(text);
  if (found === null) return undefined;
  const [, exclusive, pid, host = "", user = "", since] = found;
  return {
    pid: Number(pid),
    host,
    user,
    exclusive: exclusive !== undefined,
    ...(since !== undefined && { since: `${since.replace(" ", "T")}Z` }),
  };
}

/** What cannot get better by trying again, although restic tries for a quarter of an hour. */
export const isHopeless = (line: string): boolean =>
  /returned error, retrying after .*(?:permission denied|read-only file system|\b40[13]\b|access ?denied|InvalidAccessKeyId|SignatureDoesNotMatch)/i.test(
    line,
  );

/** The pauses between attempts grow: nobody has listened there for several seconds. */
export const isRefused = (line: string): boolean =>
  /returned error, retrying after (?:\d+m|\d\d+\.?\d*s).*(?:connection refused|no such host)/.test(line);

export const withoutRetry = (line: string): string => line.replace(/^.* returned error, retrying after [^:]*: /, "");

/** A sentence and a hint; `where` is the repository's name in the manifest. */
export function describe(kind: ResticFailureKind, { code, text, reason }: Ending, where: string): Problem {
  const said = withoutRetry(reason) || `restic ended with ${code ?? "a signal"}`;
  const holder = holderIn(text);
  switch (kind) {
    case "absent":
      return {
        message: `there is no repository ${where}`,
        hint: `\`init: true\` at ${where} in the manifest: the next apply creates it; or restic init`,
      };
    case "locked":
      return {
        message: `${where} is locked${holder === undefined ? "" : ` by ${describeHolder(holder)}`}`,
        hint: `wait until that has ended, or give \`retryLock\` at ${where} a longer time; what was left behind is removed after half an hour`,
      };
    case "wrong-password":
      return {
        message: `${where}: the password is wrong, or the repository has no key for it`,
        hint: `see that \`password\` of ${where} is the one the repository was made with: restic key list`,
      };
    case "unreachable":
      return {
        message: `${where} cannot be reached: ${said}`,
        hint: /not a directory/.test(said)
          ? `what is there is no folder: correct \`repository\` of ${where}`
          : "is the server up, and the network?",
      };
    case "no-space":
      return {
        message: `${where}: no space is left: ${said}`,
        hint: /unable to create lock/.test(text)
          ? "not even a lock fits there, and without one restic removes nothing: remove or move something else there, or add space; then apply again"
          : "free or add space there; `maintenance: { prune: … }` frees what was forgotten",
      };
    case "permission":
      return {
        message: `${where}: access is refused: ${said}`,
        hint: "check the credentials in `environment`, and owner and mode of files",
      };
    case "append-only":
      return {
        message: `${where}: the server lets nothing be removed: ${said}`,
        hint: `if that is meant: \`deletions: never\` at ${where} in the manifest`,
      };
    case "not-installed":
      return { message: `${where}: a program is missing: ${said}`, hint: "install it on that host, or put it on PATH" };
    case "missing-source":
      return { message: `what is to be read is not there: ${said}`, hint: "create or mount it, or correct its path" };
    case "command-failed":
      return {
        message: `the command whose output is kept failed: ${said}`,
        hint: "no copy was made; try the command by hand",
      };
    case "damaged":
      return {
        message: `${where}: something in the repository cannot be read: ${said}`,
        hint: "restic check tells what, and how to repair it",
      };
    case "half-made":
      return {
        message: `${where} has keys, but no configuration: its creation was cut short`,
        hint: "where the folders data and snapshots there hold no file: delete the folder keys, and apply again; where they do, the file config was lost, and must be brought back first",
      };
    case "interrupted":
      return { message: "interrupted", hint: "run again: what arrived is not sent twice" };
    default:
      return {
        message: `${where}: ${said}`,
        hint: `try it by hand: restic -r … snapshots, as the account Holdfast uses`,
      };
  }
}

const describeHolder = ({ pid, host, user, since, exclusive }: LockHolder): string =>
  `${user} on ${host} (pid ${pid}${since === undefined ? "" : `, since ${since}`}${exclusive ? ", exclusively" : ""})`;
