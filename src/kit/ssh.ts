import type { Host, Manifest } from "../model/manifest.ts";
import type { KitCommands, KitMachine } from "../model/recovery-kit.ts";
import type { HostName } from "../model/units.ts";
import { fingerprint, type KnownKey } from "../transport/known-hosts.ts";
import type { Facts } from "./facts.ts";
import { identityFile, KNOWN_HOSTS, reading, SSH_CONFIG } from "./shell.ts";

/** With the hosts that they are reached through, which come first. */
export function reachedHosts({ hosts }: Pick<Manifest, "hosts">, names: Iterable<HostName>): Host[] {
  const found = new Map<HostName, Host>();
  const add = (name: HostName | undefined): void => {
    const host = name === undefined ? undefined : hosts.get(name);
    if (host === undefined || host.local || found.has(host.name)) return;
    add(host.jump);
    found.set(host.name, host);
  };
  for (const name of names) add(name);
  return [...found.values()];
}

export function machineOf(
  { name, address, port, user, jump }: Host,
  { hostKeys }: Pick<Facts, "hostKeys">,
): KitMachine {
  const known = hostKeys.get(name);
  return {
    name,
    address,
    port,
    user,
    ...(jump !== undefined && { jump }),
    hostKeys: keysIn(known).map(({ type, key }) => ({ type, fingerprint: fingerprint(key) })),
    ...(known && "unread" in known && { unread: known.unread }),
  };
}

const keysIn = (known: ReturnType<Facts["hostKeys"]["get"]>): readonly KnownKey[] =>
  known !== undefined && "value" in known ? known.value : [];

/** Files of settings for `ssh`, so that each command needs no more than a name; nothing where no machine is reached. */
export function prepareSsh(hosts: readonly Host[], { hostKeys }: Pick<Facts, "hostKeys">): KitCommands[] {
  if (hosts.length === 0) return [];
  const known = hosts.flatMap((host) => {
    const best = bestKey(keysIn(hostKeys.get(host.name)));
    return best === undefined ? [] : [`${labelOf(host)} ${best.type} ${best.key}`];
  });
  return [
    {
      about: "How the other machines are reached",
      notes: [
        "The line of a host key may be left out when this is typed from paper: ssh then shows the fingerprint of the key and asks. Compare it with the table of machines.",
      ],
      script: [
        `cat > ${SSH_CONFIG} <<'END'`,
        ...hosts.flatMap(settingsOf),
        "END",
        ...(known.length === 0 ? [] : [`cat > ~/${KNOWN_HOSTS} <<'END'`, ...known, "END"]),
        ...hosts.flatMap(writingOfKey),
      ],
    },
  ];
}

/** `ssh` looks for `~` in the password database, whatever HOME says. */
const home = (file: string): string => `"\${HOME}/${file}"`;

function settingsOf(host: Host): string[] {
  const { name, address, port, user, jump, identity } = host;
  const file =
    identity === undefined || "agent" in identity
      ? undefined
      : "file" in identity
        ? quoted(identity.file)
        : home(identityFile(host));
  return [
    `Host ${name}`,
    `  HostName ${address.replaceAll("%", "%%")}`,
    ...(port === 22 ? [] : [`  Port ${port}`]),
    `  User ${user}`,
    ...(file === undefined ? [] : [`  IdentityFile ${file}`, "  IdentitiesOnly yes"]),
    ...(jump === undefined ? [] : [`  ProxyJump ${jump}`]),
    `  UserKnownHostsFile ${home(KNOWN_HOSTS)}`,
  ];
}

const quoted = (path: string): string => `"${path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;

/** What is in no file is written into one. */
function writingOfKey(host: Host): string[] {
  const { identity } = host;
  if (identity === undefined || "agent" in identity || "file" in identity) return [];
  const file = `~/${identityFile(host)}`;
  const read = reading(identity);
  if (read !== undefined) return [`( umask 077 && ${read} > ${file} )`];
  return [`# put the private key for ${host.name} into ${file}, and: chmod 600 ${file}`];
}

const labelOf = ({ address, port }: Host): string => (port === 22 ? address : `[${address}]:${port}`);

const SHORTEST_FIRST = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** The one that is the least to type. */
const bestKey = (keys: readonly KnownKey[]): KnownKey | undefined =>
  SHORTEST_FIRST.flatMap((type) => keys.find((key) => key.type === type) ?? [])[0] ?? keys[0];
