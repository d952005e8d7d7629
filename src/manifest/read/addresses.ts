import { type Address, address, type DatasetName, type DirectoryPath, type HostName } from "../../model/units.ts";
import { isGlob } from "../../planner/patterns.ts";
import type { Path } from "../tree.ts";
import { quote } from "../words.ts";
import type { Context } from "./context.ts";
import { type Naming, needsHost, readPattern } from "./patterns.ts";

const form = /^(?:([^/:]+):)?(\/.*)$/su;

/** Where what is named by a text is: `[HOST:]/PATH` rather than `[HOST:]DATASET`. */
const namesDirectory = (text: string): boolean => form.test(text);

interface DirectoryAddress {
  readonly host: HostName;
  readonly path: DirectoryPath;
}

/** `[HOST:]/PATH` with its host settled and its path in normal form; `undefined` when it cannot be used, which has been reported. */
export function readDirectory(
  context: Context,
  naming: Naming,
  text: string,
  path: Path,
): DirectoryAddress | undefined {
  const at = path.at(-1) === text ? ({ at: "key" } as const) : {};
  const [, host, written] = form.exec(text) ?? [];
  const refuse = (message: string, hint: string): undefined => {
    context.report({ code: "bad-directory", message: `${quote(text)} ${message}`, hint, path, ...at });
  };
  if (written === undefined) return refuse("is no absolute path", "write [HOST:]/PATH, such as /etc or nas01:/etc");
  if (host !== undefined && isGlob(host)) {
    return refuse("is a pattern of hosts", "directories are named one by one: write an entry for each host");
  }
  if (/[*?[\]{}]/.test(written)) {
    const hint = "name each, or the directory above them and with `files: { include: [PATH] }` what is kept of it";
    return refuse("is a pattern, and directories are named one by one", hint);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(written)) return refuse("contains a control character", "rename the directory");
  const parts = written.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) return refuse("has .. for a part", "write the path that it leads to");
  const normal = `/${parts.join("/")}` as DirectoryPath;
  if (host === undefined) {
    const self = naming.self.self;
    if (self === null) needsHost(context, naming, text, path, at);
    return self === null ? undefined : { host: self, path: normal };
  }
  if (!context.reference("host", host, naming.hosts, path, at.at)) return undefined;
  return { host: host as HostName, path: normal };
}

/** The address of exactly one source. `who` cannot name a pattern: it would be about what nobody has looked at. */
export function readSource(
  context: Context,
  naming: Naming,
  text: string,
  path: Path,
  who: string,
): Address | undefined {
  if (namesDirectory(text)) {
    const directory = readDirectory(context, naming, text, path);
    return directory && address(directory.host, directory.path);
  }
  return readDataset(context, naming, text, path, who);
}

/** The same for a dataset. */
export function readDataset(
  context: Context,
  naming: Naming,
  text: string,
  path: Path,
  who: string,
): Address | undefined {
  const pattern = readPattern(context, naming, text, path);
  if (!pattern) return undefined;
  if (!isGlob(pattern.host) && !isGlob(pattern.dataset)) {
    return address(pattern.host as HostName, pattern.dataset as DatasetName);
  }
  context.report({
    code: "bad-dataset",
    message: `${who} cannot name a pattern such as ${quote(text)}`,
    hint: "name each dataset by itself",
    path,
  });
  return undefined;
}
