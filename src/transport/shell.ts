import type { EndSignal } from "./types.ts";

/**
 * The sh scripts that run commands, and their quoting. Everything that a user named arrives here as one word of an
 * argument list and leaves quoted.
 *
 * Three things an SSH server does not do are done by the scripts. A command ends when its channel or connection goes: the
 * script's stdin is a life line, and whoever holds its other end ends the command by closing it, the kernel included when
 * that process dies. A command gets environment variables: they come first on the life line, because arguments are shown to
 * everybody on a machine; after them nothing is ever written there. And it is known that and how a command ended: lines that
 * start with `mark`, a random word, tell it.
 */

const SBIN = "/usr/local/sbin:/usr/sbin:/sbin";

/** One word for a POSIX shell, whatever is in it. */
export function quote(word: string): string {
  if (word.includes("\0")) throw new Error("an argument holds a NUL character");
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export const quoteAll = (argv: readonly string[]): string => argv.map(quote).join(" ");

/** For the account's login shell, be it sh, bash, zsh, fish or csh: hands over to sh at once. */
export const loginCommand = (script: string): string => `exec /bin/sh -c ${quote(script)}`;

/** `PATH` with the places of system tools behind what is there already. */
export const withSystemPath = (path: string | undefined): string => `${path || "/usr/local/bin:/usr/bin:/bin"}:${SBIN}`;

const environment = `PATH=$PATH:${SBIN} LC_ALL=C; export PATH LC_ALL`;

/** What start-up files print comes before the mark; what the script prints comes after it. */
export const marked = (mark: string, script: string): string =>
  `echo ${mark}; echo ${mark} >&2\n${environment}\n${script}`;

/**
 * Descriptors of every script: 9 is the life line, 8 where the sender's messages go, 7 where all others go. The shell's
 * own notices (`Terminated`) go nowhere: they would look like a command's.
 */
const DESCRIPTORS = "exec 9<&0 7>&2 2>/dev/null";
const NONE = "9<&- 8>&- 7>&-";

/**
 * Runs a command with the life line beside it and leaves its exit code in `$code`. The watcher waits with the shell's own
 * `read`, so that killing it leaves nothing behind.
 */
const watched = (command: string, redirections: string): string => `${command} ${redirections} ${NONE} & child=$!
{ read -r _; kill "$child"; } <&9 >/dev/null 2>&1 ${NONE} & watcher=$!
wait "$child"; code=$?
kill "$watcher"`;

/** Reads what `writeVariables` wrote. `export` takes a word as it is, and is part of every shell. */
const READ_VARIABLES = `while IFS= read -r holdfast_line; do
case $holdfast_line in
.) break ;;
+*) holdfast_variable="$holdfast_variable
\${holdfast_line#+}" ;;
*) holdfast_variable=\${holdfast_line#=} ;;
esac
export "$holdfast_variable"
done <&9
[ "$holdfast_line" = . ] || exit 125`;

/** A line `=NAME=VALUE` each, `+` before what follows a newline in a value, `.` at the end. */
export function writeVariables(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new Error(`${JSON.stringify(name)} is no name of an environment variable`);
    if (value.includes("\0")) throw new Error(`the environment variable ${name} holds a NUL character`);
    return `=${name}=${value.replaceAll("\n", "\n+")}\n`;
  });
  return `${lines.join("")}.\n`;
}

export interface CommandOptions {
  /** The command's variables come on the life line. */
  readonly readsVariables: boolean;
  readonly endsBy: EndSignal;
  /** From that signal to SIGKILL. */
  readonly graceSeconds: number;
}

const signal = (name: EndSignal): string => name.slice("SIG".length);

/**
 * One command with nothing on its stdin. Unlike one of a pipe it is ended with all it started, where the script leads a
 * process group as sshd sees to, and killed when it takes longer than the grace. It is told every second: a shell's
 * background command ignores SIGINT until it has asked for it.
 */
export const commandScript = (
  argv: readonly string[],
  { readsVariables, endsBy, graceSeconds }: CommandOptions,
): string => `${DESCRIPTORS}
${readsVariables ? READ_VARIABLES : ""}
trap : TERM INT
${quoteAll(argv)} </dev/null 2>&7 ${NONE} & child=$!
{ read -r _
nap=; trap '[ -z "$nap" ] || { kill "$nap"; exit; }' TERM
left=${Math.ceil(graceSeconds)}
while kill -s ${signal(endsBy)} -- "-$$" || kill -s ${signal(endsBy)} "$child"; do
[ "$left" -gt 0 ] || break
left=$((left - 1)); sleep 1 & nap=$!; wait "$nap"; nap=
done
kill -s KILL -- "-$$" || kill -s KILL "$child"; } <&9 >/dev/null 2>&1 ${NONE} & watcher=$!
wait "$child"; code=$?
while kill -0 "$child"; do wait "$child"; code=$?; done
kill "$watcher"
exit "$code"`;

/** A program between the two ends of a pipe. */
export interface Filter {
  readonly stage: string;
  readonly argv: readonly string[];
}

/** One end of a pipe as a script sees it: run by itself, or by an SSH client that runs a script elsewhere. */
export type End = { readonly argv: readonly string[]; readonly sudo: boolean } | { readonly ssh: readonly string[] };

/** `MARK missing PROGRAM WHERE` before anything is started. */
const needs = (mark: string, filters: readonly Filter[], where: string): string =>
  filters
    .map(
      ({ argv: [program = ""] }) =>
        `command -v ${program} >/dev/null || { echo "${mark} missing ${program} ${where}" >&7; exit 127; }`,
    )
    .join("\n");

const report = (mark: string, stage: string, code = "$?"): string => `echo "${mark} ${stage} ${code}"`;

/** What came before it, start-up files said. */
const started = (mark: string): string => `echo "${mark} start"`;

const filter = (mark: string, { stage, argv }: Filter): string =>
  `{ ${quoteAll(argv)} 2>&7 ${NONE}; ${report(mark, stage)} >&7; }`;

const chain = (...parts: readonly string[]): string => parts.join(" | ");

/** Writes the stream to stdout. */
function sender(mark: string, end: End): string {
  if ("ssh" in end) return `{ ${quoteAll(end.ssh)} <&9 2>&8 ${NONE}; ${report(mark, "sender-link")} >&8; }`;
  const command = quoteAll(end.argv);
  const start = `${started(mark)} >&8`;
  if (!end.sudo) return `{ ${start}; ${watched(command, "</dev/null 2>&8")}\n${report(mark, "sender", "$code")} >&8; }`;
  // What sudo runs cannot be signalled, but it ends when nobody reads what it writes.
  return `{ ${start}; ${command} </dev/null 2>&8 ${NONE}; ${report(mark, "sender")} >&8; } | { exec 6<&0
${watched("cat", "<&6 6<&-")}; }`;
}

function receiver(mark: string, end: End): string {
  const [command, stage] = "ssh" in end ? [end.ssh, "receiver-link"] : [end.argv, "receiver"];
  return `{ ${quoteAll(command)} >/dev/null 2>&7 ${NONE}; ${report(mark, stage)} >&7; }`;
}

/** A whole pipe. Its stdout carries the sender's messages, its stderr all others. */
export const pipeScript = (mark: string, from: End, filters: readonly Filter[], to: End): string => `${DESCRIPTORS} 8>&1
${needs(mark, filters, "here")}
${chain(sender(mark, from), ...filters.map((each) => filter(mark, each)), receiver(mark, to))}`;

/** The sending end, run behind an SSH client whose stdin is the life line. */
export const farSenderScript = (mark: string, from: End, filters: readonly Filter[]): string => `${environment}
${DESCRIPTORS} 8>&7
${needs(mark, filters, "sender")}
${chain(sender(mark, from), ...filters.map((each) => filter(mark, each)))}`;

/** The receiving end, run behind an SSH client whose stdin is the stream. */
export const farReceiverScript = (mark: string, to: End, filters: readonly Filter[]): string => `${started(mark)} >&2
${environment}
${DESCRIPTORS}
${needs(mark, filters, "receiver")}
${chain(...filters.map((each) => filter(mark, each)), receiver(mark, to))}`;
