import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../model/manifest.ts";
import {
  entriesFor,
  fingerprint,
  isKeyOfType,
  type KnownHostsEntry,
  type KnownKey,
  keyType,
  parseKnownHosts,
} from "./known-hosts.ts";
import { TransportError } from "./types.ts";

/** What is known of one host's keys before it is asked. */
export interface HostKeys {
  readonly accepted: readonly KnownKey[];
  readonly revoked: readonly KnownKey[];
  /** Certificate authorities that are said to sign its key: not supported, and told so. */
  readonly authorities: readonly KnownKey[];
  /** Where was looked, for messages. */
  readonly sources: readonly string[];
}

/** The manifest's `hostKeys`; else its `knownHostsFile`; else the user's and the system's known_hosts. */
export async function loadHostKeys(host: Host, env: Readonly<Record<string, string | undefined>>): Promise<HostKeys> {
  const entries: KnownHostsEntry[] = [];
  const sources: string[] = [];
  if (host.hostKeys.length > 0) {
    const from = `hosts.${host.name}.hostKeys`;
    sources.push(from);
    for (const line of host.hostKeys) {
      const [type = "", key = ""] = line.trim().split(/\s+/);
      if (!isKeyOfType(type, key)) {
        throw new TransportError("host-key", `${from}: "${line.slice(0, 60)}" is not a public key`, {
          host: host.name,
          hint: `write a line as "ssh-keyscan -p ${host.port} ${host.address}" prints it, without the name in front`,
        });
      }
      entries.push({ names: host.address, type, key, from });
    }
    return sortOut(entries, sources);
  }
  for (const file of knownHostsFiles(host, env)) {
    sources.push(file);
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (missing && host.knownHostsFile === undefined) continue;
      throw new TransportError("host-key", `cannot read ${file}, which should hold the host key of ${host.name}`, {
        host: host.name,
        cause: error,
      });
    }
    entries.push(...entriesFor(parseKnownHosts(text, file), host.address, host.port));
  }
  return sortOut(entries, sources);
}

function knownHostsFiles(host: Host, env: Readonly<Record<string, string | undefined>>): string[] {
  if (host.knownHostsFile !== undefined) return [host.knownHostsFile];
  const own = env.HOME === undefined ? [] : [join(env.HOME, ".ssh", "known_hosts")];
  return [...own, "/etc/ssh/ssh_known_hosts"];
}

function sortOut(entries: readonly KnownHostsEntry[], sources: readonly string[]): HostKeys {
  const revoked = entries.filter((entry) => entry.marker === "revoked");
  return {
    accepted: entries.filter((entry) => entry.marker === undefined && !revoked.some(({ key }) => key === entry.key)),
    revoked,
    authorities: entries.filter((entry) => entry.marker === "cert-authority"),
    sources,
  };
}

const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/** Every signature algorithm that can be checked, best first. */
export const ALL_ALGORITHMS: readonly string[] = Object.values(ALGORITHMS).flat();

/** Those in which the host can prove one of the keys known of it; empty when there is none. */
export const algorithmsFor = (keys: HostKeys): string[] => {
  const types = new Set(keys.accepted.map(({ type }) => type));
  return Object.entries(ALGORITHMS).flatMap(([type, algorithms]) => (types.has(type) ? algorithms : []));
};

export const isAccepted = (keys: HostKeys, wire: Buffer): boolean => {
  const offered = wire.toString("base64");
  return keys.accepted.some(({ key }) => key === offered) && !keys.revoked.some(({ key }) => key === offered);
};

/** Why the key that a host offers is refused: both sides' fingerprints, and what to write when it is right after all. */
export function refusal(host: Host, keys: HostKeys, wire: Buffer): TransportError {
  const offered = wire.toString("base64");
  const type = keyType(wire) ?? "unknown type";
  const line = `${type} ${offered}`;
  const where = `${host.name} (${host.address}:${host.port})`;
  const shown = (key: KnownKey): string => `  known    ${key.type} ${fingerprint(key.key)}  (${key.from})`;
  const offer = `  offered  ${type} ${fingerprint(wire)}`;
  const write = `hostKeys: ["${line}"]`;
  const check = `compare with "ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub" on that machine itself; if it is the same,`;
  const make = (message: string, hint: string): TransportError =>
    new TransportError("host-key", message, { host: host.name, hint });

  const revoked = keys.revoked.find(({ key }) => key === offered);
  if (revoked !== undefined) {
    return make(
      `${where} offers a host key that is revoked (${revoked.from})\n${offer}`,
      "give the machine a new host key; do not connect until then",
    );
  }
  if (keys.accepted.length > 0) {
    return make(
      `the host key of ${where} is not the one that is known: somebody may be in between, or the machine was reinstalled\n` +
        [offer, ...keys.accepted.map(shown)].join("\n"),
      `${check} write in hosts.${host.name}\n  ${write}`,
    );
  }
  if (keys.authorities.length > 0) {
    return make(
      `${where} is known only by a certificate authority (${keys.authorities[0]?.from}); host certificates are not supported\n${offer}`,
      `${check} add to hosts.${host.name}\n  ${write}`,
    );
  }
  return make(
    `the host key of ${where} is not known (looked in ${keys.sources.join(", ")})\n${offer}`,
    `${check} add to hosts.${host.name}\n  ${write}`,
  );
}
