import { statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { basename, dirname } from "node:path";
import type { ManifestFile } from "../manifest/index.ts";
import type { Manifest } from "../model/manifest.ts";
import { visible } from "../render/text.ts";
import { Git } from "../transport/git.ts";
import { type GlobalOptions, lookup, requireManifest, settled } from "./context.ts";
import { Failure } from "./exit.ts";
import { here, manifestPath, thisMachine } from "./manifest-place.ts";
import { clock, connect } from "./world.ts";

const GIT = "git:";
/** The manifest a change starts from: a file, a folder, or `git:REF` for what the repository had in its place. */
export async function baseManifest(name: string, options: GlobalOptions): Promise<Manifest> {
  if (!name.startsWith(GIT)) return requireManifest(options, name);
  const { parseManifest } = await import("../manifest/index.ts");
  const path = manifestPath(options);
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  const hosts = await connect({ hosts: new Map([[here, thisMachine]]) }, options);
  try {
    const git = new Git(hosts, here, folder);
    const ask = (argv: readonly string[], failure: string): Promise<string> => must(git, folder, argv, failure);
    const files = await filesAt(ask, name, folder === path ? undefined : basename(path));
    const { env, cwd: _, ...who } = lookup(options);
    const as = options.as ?? env.HOLDFAST_AS;
    const { username: user } = userInfo();
    const settings = { ...who, ...(as ? { as } : {}), user, home: env.HOME ?? homedir(), folder, now: clock() };
    return settled(parseManifest(files, settings), options);
  } finally {
    await hosts.close();
  }
}

/** The manifest's files as they were in the commit that `git:REF` names; all of the folder where no file is named. */
async function filesAt(
  git: (argv: readonly string[], failure: string) => Promise<string>,
  name: string,
  file: string | undefined,
): Promise<ManifestFile[]> {
  const ref = name.slice(GIT.length);
  const commit = (
    await git(["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`], `git knows no commit ${visible(ref)}`)
  ).trim();
  const listed = await git(["ls-tree", "-z", "--name-only", commit], `cannot list the folder in ${visible(ref)}`);
  const names = listed
    .split("\0")
    .filter((entry) => (file === undefined ? /^[^.].*\.ya?ml$/.test(entry) : entry === file));
  if (names.length === 0)
    throw new Failure(`${visible(ref)} has no manifest in the place of this one`, {
      hint: "name an older commit, or a file instead of git:REF",
    });
  return Promise.all(
    names.map(async (entry) => ({
      name: `${name}:${entry}`,
      text: await git(["cat-file", "blob", `${commit}:./${entry}`], `cannot read ${visible(entry)} of ${visible(ref)}`),
    })),
  );
}

/** What git prints, or the end of the command with what failed. */
async function must(git: Git, folder: string, argv: readonly string[], failure: string): Promise<string> {
  const { code, stdout, stderr } = await git.run(argv, { timeoutMs: 60_000 });
  if (code === 0) return stdout;
  if (code === 127) throw new Failure("git is not installed here", { hint: "apt install git, or give --base a file" });
  const said = visible(stderr.trim().split("\n").at(-1) ?? "");
  throw new Failure(failure, { hint: `look in ${visible(folder)}, where git says: ${said}` });
}
