import type { Host } from "../../model/manifest.ts";
import type { HostName } from "../../model/units.ts";
import type { Host as HostKeys, Identity, ManifestDocument } from "../generated/types.ts";
import type { Path } from "../tree.ts";
import type { Context } from "./context.ts";
import { readSecret } from "./secrets.ts";
import type { Self } from "./self.ts";

/** Every host that is reached: the declared ones, and this machine where keys without HOST mean it. */
export function readHosts(context: Context, document: ManifestDocument, { self, extra }: Self): Map<HostName, Host> {
  const hosts = new Map<HostName, Host>();
  const defaults = document.defaults?.host ?? {};
  for (const name of context.declared("hosts")) {
    const keys = document.hosts?.[name] ?? {};
    const path = ["hosts", name];
    const host = name as HostName;
    const identity = keys.identity
      ? readIdentity(context, keys.identity, [...path, "identity"])
      : readIdentity(context, defaults.identity, ["defaults", "host", "identity"]);
    const knownHosts = keys.knownHostsFile ?? (keys.hostKeys ? undefined : defaults.knownHostsFile);
    const jump = keys.jump ?? (defaults.jump === name ? undefined : defaults.jump);
    if (keys.hostKeys && keys.knownHostsFile !== undefined) {
      context.report({
        code: "conflicting-keys",
        message: `hosts.${name} has both hostKeys and knownHostsFile`,
        hint: "leave one of them out: either the keys are listed here, or in that file",
        path: [...path, "knownHostsFile"],
        at: "key",
      });
    }
    hosts.set(host, {
      name: host,
      local: host === self,
      address: keys.address ?? name,
      port: keys.port ?? defaults.port ?? 22,
      user: keys.user ?? defaults.user ?? context.options.user,
      ...(identity && { identity }),
      hostKeys: (keys.hostKeys ?? []).map((line) => line.trim().split(/ +/).slice(0, 2).join(" ")),
      ...(knownHosts === undefined ? {} : { knownHostsFile: context.file(knownHosts) }),
      ...(jump === undefined ? {} : { jump: jump as HostName }),
      sudo: keys.sudo ?? defaults.sudo ?? false,
    });
  }
  checkJumps(context, document, hosts);
  if (extra !== undefined) hosts.set(extra, thisMachine(extra, context.options.user));
  return hosts;
}

const thisMachine = (name: HostName, user: string): Host => ({
  name,
  local: true,
  address: name,
  port: 22,
  user,
  hostKeys: [],
  sudo: false,
});

function readIdentity(context: Context, identity: Identity | undefined, path: Path): Host["identity"] {
  if (!identity) return undefined;
  const { passphrase, agent, ...reference } = identity;
  const key = agent ? { agent } : readSecret(context, reference, path);
  const secret = passphrase && readSecret(context, passphrase, [...path, "passphrase"]);
  return { ...key, ...(secret && { passphrase: secret }) };
}

function checkJumps(context: Context, document: ManifestDocument, hosts: ReadonlyMap<HostName, Host>): void {
  const declared = context.declared("hosts");
  const ofDefaults = document.defaults?.host?.jump;
  if (ofDefaults !== undefined) context.reference("host", ofDefaults, declared, ["defaults", "host", "jump"]);
  for (const [name, keys] of Object.entries<HostKeys>(document.hosts ?? {})) {
    const path = ["hosts", name, "jump"];
    if (keys.jump !== undefined && !context.reference("host", keys.jump, declared, path)) continue;
    const way = [name];
    let next = hosts.get(name as HostName)?.jump;
    while (next !== undefined && !way.includes(next)) {
      way.push(next);
      next = hosts.get(next)?.jump;
    }
    if (next !== name) continue;
    const message = `hosts.${name} is reached through itself: ${[...way, name].join(" → ")}`;
    context.report({ code: "jump-loop", message, hint: "let one of them be reached directly", path });
  }
}
