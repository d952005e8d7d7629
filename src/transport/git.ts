import type { HostName } from "../model/units.ts";
import type { Hosts, RunResult } from "./types.ts";

/** Plain git in one folder, without hooks, prompts, or anything else a repository could make it run. */
export class Git {
  readonly #hosts: Hosts;
  readonly #host: HostName;
  readonly #folder: string;

  /** `host`: this machine, as `hosts` knows it. */
  constructor(hosts: Hosts, host: HostName, folder: string) {
    this.#hosts = hosts;
    this.#host = host;
    this.#folder = folder;
  }

  run(
    argv: readonly string[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RunResult> {
    const command = ["env", ...QUIET, "git", ...SETTINGS, "--no-pager", "-C", this.#folder, ...argv];
    return this.#hosts.run(this.#host, command, options);
  }
}

const QUIET = ["GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "SSH_ASKPASS_REQUIRE=never"];
const SETTINGS = [
  ...["core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=false", "submodule.recurse=false"],
  ...[
    "protocol.ext.allow=never",
    "fetch.fsckObjects=true",
    "gc.autoDetach=false",
    "filter.lfs.smudge=",
    "filter.lfs.required=false",
  ],
].flatMap((setting) => ["-c", setting]);
