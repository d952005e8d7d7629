import type { Secret } from "../../transport/secret.ts";
import { readMessage } from "./messages.ts";

const SSH = "subprocess ssh: ";
const KEPT_LINES = 200;
const SHOWN_LINES = 20;
/** What could not be loaded is left out with exit code 0, be it one copy or all of them. */
const LEFT_OUT = /^could not load snapshots?\b|^Ignoring "/;

/** The end of what restic said on stderr: all that explains how it ended. */
export class Output {
  readonly #secrets: readonly Secret[];
  readonly #lines: string[] = [];
  #exit: string | undefined;
  #leftOut: string | undefined;

  constructor(secrets: readonly Secret[]) {
    this.#secrets = secrets;
  }

  add(line: string): void {
    const message = readMessage(line);
    if (message.kind === "exit") this.#exit = message.message;
    if (message.kind === "unreadable") this.#keep(`${message.item}: ${message.message}`);
    if (message.kind === "text" && message.text !== "") this.#keep(message.text);
  }

  /** What a listing lacks, where it said so, however much it said after that; without secrets. */
  get leftOut(): string | undefined {
    return this.#leftOut === undefined ? undefined : this.hidden(this.#leftOut);
  }

  /** As it was said, only to be understood; the reason for the end comes last. */
  get raw(): string {
    return [...this.#lines, ...(this.#exit === undefined ? [] : [this.#exit])].join("\n");
  }

  /** What to show of it, without secrets; undefined where nothing was said. */
  get tail(): string | undefined {
    return this.raw === "" ? undefined : this.hidden(this.raw.split("\n").slice(-SHOWN_LINES).join("\n"));
  }

  /** The line that says why it ended, without secrets. */
  get reason(): string {
    // of what ssh could not do restic only knows that it ended
    const ssh = this.#lines.findLast((line) => line.startsWith(SSH));
    if (ssh !== undefined) return this.hidden(ssh.slice(SSH.length));
    const fatal = this.#exit ?? this.#lines.find((line) => line.startsWith("Fatal: "));
    const [line = ""] = (fatal ?? this.#lines.at(-1) ?? "").split("\n");
    return this.hidden(line.replace(/^Fatal: /, ""));
  }

  hidden(text: string): string {
    return this.#secrets.reduce((rest, secret) => hide(rest, secret.reveal()), text);
  }

  #keep(line: string): void {
    if (this.#leftOut === undefined && LEFT_OUT.test(line)) this.#leftOut = line;
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
  }
}

/** Also as part of a URL. A word of so few letters is no secret, and would turn up everywhere. */
const hide = (text: string, secret: string): string =>
  secret.length < 4 ? text : text.replaceAll(secret, "[secret]").replaceAll(encodeURIComponent(secret), "[secret]");
