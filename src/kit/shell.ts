import type { Host, SecretReference, Text } from "../model/manifest.ts";
import { isInvisible } from "../render/text.ts";
import { quote, quoteAll } from "../transport/shell.ts";

/** Scripts for bash that somebody reads first, and may have to type from paper. */

/** One word, whatever is in it; what cannot be seen on paper is written by its number. */
export function word(text: string): string {
  if (!isInvisible(text)) return quote(text);
  const bytes = (char: string): string =>
    [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return `$'${[...text].map((char) => (isInvisible(char) ? bytes(char) : char.replace(/[\\']/, "\\$&"))).join("")}'`;
}

/** What `prepare` writes, and every `ssh` of the kit reads. */
export const SSH_CONFIG = "~/recovery.ssh";
export const KNOWN_HOSTS = "recovery.known_hosts";

/** Where single files go. */
export const FILES = "restored-files";

/** A private key that is in no file gets one. */
export const identityFile = ({ name }: Pick<Host, "name">): string => `recovery.${name}.key`;

/** What a command gets on its stdin; without a word ssh would take the lines that are pasted after it. */
const INPUT = { nothing: "-n ", stream: "", terminal: "-t " } as const;

/** A script of one line, here or on a machine that is reached over SSH. */
export const on = (host: Host, script: string, input: keyof typeof INPUT = "nothing"): string =>
  host.local ? script : `ssh -F ${SSH_CONFIG} ${INPUT[input]}${host.name} ${quote(withPath(host, script))}`;

/** Only root's commands are found without being told where. */
const withPath = ({ user }: Host, script: string): string =>
  user === "root" ? script : `PATH=$PATH:/usr/sbin:/sbin; ${script}`;

/** Here it is root who works. */
export const needsSudo = ({ sudo, local }: Host): boolean => sudo && !local;

/** `zfs` as the account may run it. */
export const asRoot = (host: Host, argv: readonly string[]): string =>
  quoteAll(needsSudo(host) ? ["sudo", "-n", ...argv] : argv);

/** Prints a secret; undefined where only systemd can. */
export function reading(secret: SecretReference): string | undefined {
  if ("file" in secret) return `cat ${word(secret.file)}`;
  if ("env" in secret) return `printenv ${secret.env}`;
  if ("command" in secret) return secret.command.map(word).join(" ");
  return undefined;
}

/** Gives a variable its value, and so to every program that is started afterwards. */
export function exported(variable: string, value: Text): string {
  if (typeof value === "string") return `export ${variable}=${word(value)}`;
  if ("env" in value) return `export ${variable}="\${${value.env}:?it is a secret: set it first}"`;
  const isFileOfRestic = variable === "RESTIC_REPOSITORY" || variable === "RESTIC_PASSWORD";
  if ("file" in value && isFileOfRestic) return `export ${variable}_FILE=${word(value.file)}`;
  const read = reading(value);
  if (read !== undefined) return `export ${variable}="$(${read})"`;
  return `read -rsp '${variable}: ' ${variable}; export ${variable}`;
}
