import type { Manifest, Mirror, Remote, SecretReference, Text } from "../model/manifest.ts";
import type { HostName } from "../model/units.ts";

/** What a manifest can make this machine do, each as a line of text that is compared and shown. */
export interface Powers {
  readonly hooks: readonly string[];
  readonly commands: readonly string[];
  readonly destinations: readonly string[];
  readonly repositories: readonly string[];
}
export const KINDS = ["hooks", "commands", "destinations", "repositories"] as const;
export type Kind = (typeof KINDS)[number];

export function powersOf(manifest: Manifest): Powers {
  const found = { hooks: new Set<string>(), commands: new Set<string>() };
  collect(manifest, "", found);
  const remotes: (Remote | Mirror)[] = [...manifest.remotes.values(), ...manifest.mirrors.values()];
  const exact = [
    ...[...manifest.policies.values()].map((keys) => ({ keys, host: undefined })),
    ...manifest.datasets.map(({ keys }) => ({ keys })),
  ].flatMap(({ keys }) =>
    [...(keys.remotes ?? [])].flatMap(([name, { target }]) => {
      const remote = manifest.remotes.get(name);
      return target === undefined || remote?.type !== "zfs" ? [] : [`${addressOf(manifest, remote.host)}:${target}`];
    }),
  );
  const roots = remotes.flatMap((remote) =>
    "root" in remote ? [`${addressOf(manifest, remote.host)}:${remote.root}`] : [],
  );
  return {
    hooks: [...found.hooks].sort(),
    commands: [...found.commands].sort(),
    destinations: [...new Set([...roots, ...exact])].sort(),
    repositories: [
      ...new Set(remotes.flatMap((remote) => ("location" in remote ? [textOf(remote.location)] : []))),
    ].sort(),
  };
}

/** What one manifest can do and another cannot: `hook: systemctl stop app`. */
export function newPowers(before: Manifest, after: Manifest): string[] {
  const [old, fresh] = [powersOf(before), powersOf(after)];
  return KINDS.flatMap((kind) =>
    fresh[kind].filter((power) => !old[kind].includes(power)).map((power) => `${NAMES[kind]}: ${power}`),
  );
}

export const NAMES: Readonly<Record<Kind, string>> = {
  hooks: "hook",
  commands: "command",
  destinations: "destination",
  repositories: "repository",
};

/** Everything that is run, wherever in the manifest it stands: what later versions add is found, too. */
function collect(value: unknown, key: string, found: { hooks: Set<string>; commands: Set<string> }): void {
  if (typeof value !== "object" || value === null) return;
  const isHook = key === "before" || key === "after";
  if (isHook && "http" in value) found.hooks.add(callOf(value.http));
  if ("command" in value && isWords(value.command)) {
    (isHook ? found.hooks : found.commands).add(inWords(value.command));
    return;
  }
  if ("stdin" in value && isWords(value.stdin)) found.commands.add(inWords(value.stdin));
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  for (const [name, one] of entries) collect(one, String(name), found);
}

const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string");

/** As a shell would take it. */
const inWords = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");

function callOf(http: unknown): string {
  const { url, method } = http as { readonly url: Text; readonly method: string };
  return `http ${method} ${textOf(url)}`;
}

const textOf = (text: Text): string => (typeof text === "string" ? text : referenceOf(text));

function referenceOf(reference: SecretReference): string {
  if ("file" in reference) return `file ${reference.file}`;
  if ("env" in reference) return `env ${reference.env}`;
  if ("credential" in reference) return `credential ${reference.credential}`;
  return `command ${inWords(reference.command)}`;
}

/** The address rather than the name: another address is another destination. */
function addressOf({ hosts }: Pick<Manifest, "hosts">, name: HostName | undefined): string {
  const host = name === undefined ? undefined : hosts.get(name);
  if (host === undefined || host.local) return "local";
  return host.port === 22 ? host.address : `${host.address}:${host.port}`;
}
