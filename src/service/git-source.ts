import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunResult } from "../transport/types.ts";

export interface GitOptions {
  readonly url: string;
  readonly branch: string;
  /** Every commit has to have a signature that git can verify. */
  readonly verify: boolean;
  /** Folder of the state: the clone lies below it. */
  readonly folder: string;
  /** What is wrong with the manifest that is checked out now, if anything is. */
  readonly judge: () => Promise<string | undefined>;
  /** Runs git in a folder, which is there. */
  readonly git: (folder: string, argv: readonly string[]) => Promise<RunResult>;
}

/** What of a branch is in force on this machine. */
export interface Deployed {
  /** Absent until one was. */
  readonly commit?: string;
  /** Why what is on the branch now is not in force. */
  readonly error?: string;
  /** Why nobody knows what is on the branch now. */
  readonly unreachable?: string;
}

/** Remembers the commit in force; kept by git, so that a restart begins with it although the remote is away. */
const DEPLOYED = "refs/holdfast/deployed";
const FETCHED = "refs/holdfast/fetched";

/**
 * A clone that follows one branch. A commit is a deployment: it comes into force when it can be fetched, continues the one
 * before, and is signed by somebody this machine trusts; otherwise the one before stays.
 */
export class GitSource {
  readonly #options: GitOptions;
  /** The clone, with the files of the commit in force. */
  readonly clone: string;

  constructor(options: GitOptions) {
    const key = createHash("sha256").update(`${options.url}\n${options.branch}`).digest("hex").slice(0, 12);
    this.#options = options;
    this.clone = join(options.folder, "git", key);
  }

  /** Fetches, and puts in force what may be. Never rejects for what git says. */
  async update(): Promise<Deployed> {
    const { url, branch } = this.#options;
    await this.#make();
    const before = await this.#deployed();
    const deployed = before === undefined ? {} : { commit: before };
    const failed = (message: string): Deployed => ({ ...deployed, error: message });
    const refspec = `+refs/heads/${branch}:${FETCHED}`;
    const fetched = await this.#git(["fetch", "--quiet", "--no-tags", "--end-of-options", url, refspec]);
    if (fetched.code !== 0) {
      if (before !== undefined) await this.#checkOut(before);
      return { ...deployed, unreachable: `cannot fetch ${branch} from ${withoutSecret(url)}: ${faultIn(fetched)}` };
    }
    const fresh = (await this.#must(["rev-parse", "--verify", `${FETCHED}^{commit}`])).trim();
    const problem = fresh === before ? undefined : await this.#problemWith(fresh, before);
    if (problem === undefined) await this.#checkOut(fresh);
    const fault = problem ?? (fresh === before ? undefined : await this.#options.judge());
    if (fault !== undefined) {
      if (before !== undefined) await this.#checkOut(before);
      return failed(fault);
    }
    await this.#must(["update-ref", DEPLOYED, fresh]);
    return { commit: fresh };
  }

  async #make(): Promise<void> {
    if (existsSync(join(this.clone, ".git", "HEAD"))) return;
    mkdirSync(this.clone, { recursive: true, mode: 0o700 });
    await this.#must(["init", "--quiet", "--template="]);
  }

  async #deployed(): Promise<string | undefined> {
    const { code, stdout } = await this.#git(["rev-parse", "--verify", "--quiet", `${DEPLOYED}^{commit}`]);
    return code === 0 ? stdout.trim() : undefined;
  }

  async #problemWith(fresh: string, before: string | undefined): Promise<string | undefined> {
    const { verify, branch } = this.#options;
    const short = fresh.slice(0, 12);
    if (before !== undefined && (await this.#git(["merge-base", "--is-ancestor", before, fresh])).code !== 0)
      return (
        `${branch} was rewritten: ${short} does not continue ${before.slice(0, 12)}, which stays in force. ` +
        `If that is meant: git -C ${this.clone} update-ref -d ${DEPLOYED}`
      );
    if (!verify) return undefined;
    const verified = await this.#git(["verify-commit", "--end-of-options", fresh]);
    if (verified.code === 0) return undefined;
    const said = faultIn(verified);
    return (
      `commit ${short} is not signed by anybody this machine trusts${said === "" ? "" : ` (${said})`}. ` +
      "Sign it, let git here know the key (gpg.ssh.allowedSignersFile, or gpg --import), or start with --no-verify"
    );
  }

  /** The files are those of the commit, whatever was done to them. */
  async #checkOut(commit: string): Promise<void> {
    await this.#must(["checkout", "--quiet", "--force", "--detach", commit]);
    await this.#must(["clean", "--quiet", "-ffdx"]);
  }

  #git(argv: readonly string[]): Promise<RunResult> {
    return this.#options.git(this.clone, argv);
  }

  async #must(argv: readonly string[]): Promise<string> {
    const result = await this.#git(argv);
    if (result.code === 0) return result.stdout;
    throw new Error(`git ${argv[0]} failed in ${this.clone}: ${faultIn(result)}`);
  }
}

/** What git says went wrong, of all that it says. */
function faultIn({ stderr }: RunResult): string {
  const lines = stderr.trim().split("\n");
  return withoutSecret(lines.find((line) => /^(fatal|error):/.test(line)) ?? lines.at(-1) ?? "");
}

/**
 * Without what only its owner may know: a password, as in `ssh://user:password@host`; over HTTP the user as well, as hosting
 * sites take a token in its place.
 */
export const withoutSecret = (text: string): string =>
  text.replaceAll(/(https?:\/\/)[^/\s@]*@/gi, "$1").replaceAll(/(:\/\/[^/\s:@]*):[^/\s@]*@/g, "$1@");
