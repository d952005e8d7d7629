import type { Host, Manifest, Repository, SecretReference } from "../model/manifest.ts";
import type { KitSecret } from "../model/recovery-kit.ts";
import type { DatasetName, HostName } from "../model/units.ts";
import { quoteAll } from "../transport/shell.ts";
import type { Facts, Proof } from "./facts.ts";

/** A secret that the manifest refers to, and what it is for. */
export interface Needed {
  readonly what: string;
  readonly kind: KitSecret["kind"];
  readonly reference: SecretReference;
}

export const secretId = (reference: SecretReference): string => JSON.stringify(reference);

export function secretsOf({ name, location, password, environment }: Repository): Needed[] {
  return [
    { what: `password of ${name}`, kind: "password", reference: password },
    ...(typeof location === "string"
      ? []
      : [{ what: `address of ${name}`, kind: "address" as const, reference: location }]),
    ...[...environment].flatMap(([variable, text]) =>
      typeof text === "string" ? [] : [{ what: `${variable} of ${name}`, kind: "variable" as const, reference: text }],
    ),
  ];
}

/** What opens a machine, besides keys that `ssh` finds by itself. */
export function secretsOfHost({ name, identity }: Host): Needed[] {
  if (identity === undefined || "agent" in identity) return [];
  const { passphrase, ...reference } = identity;
  return [
    { what: `SSH key to ${name}`, kind: "identity", reference: reference as SecretReference },
    ...(passphrase === undefined
      ? []
      : [{ what: `passphrase of the SSH key to ${name}`, kind: "passphrase" as const, reference: passphrase }]),
  ];
}

/** What a secret opens, and the hosts whose copies are behind it. */
export interface Use {
  readonly opens: readonly string[];
  readonly protects: ReadonlySet<HostName>;
}

function whereOf(reference: SecretReference): KitSecret["where"] {
  if ("file" in reference) return { kind: "file", name: reference.file };
  if ("env" in reference) return { kind: "environment variable", name: reference.env };
  if ("command" in reference) return { kind: "command", name: quoteAll(reference.command) };
  return { kind: "credential", name: reference.credential };
}

/** One that Holdfast itself reads, on the machine where it runs. */
export function kitSecret(
  { self }: Pick<Manifest, "self">,
  needed: Needed,
  use: Use,
  proof: Proof | undefined,
): KitSecret {
  const { what, kind, reference } = needed;
  return {
    what,
    kind,
    where: whereOf(reference),
    ...(self !== null && { host: self }),
    opens: use.opens,
    ...proof,
    // what a command asks may be anywhere
    ...(self !== null && use.protects.has(self) && !("command" in reference) && { onlyOn: self }),
  };
}

/** Keys that the manifest does not speak of: those `ssh` finds by itself, or an agent has. */
export function foundIdentities(
  { self }: Pick<Manifest, "self">,
  host: Host,
  { identities }: Pick<Facts, "identities">,
  use: Use,
): KitSecret[] {
  const found = identities.get(host.name);
  const named = host.identity !== undefined && !("agent" in host.identity);
  if (found === undefined || named) return [];
  const common = {
    what: `SSH key to ${host.name}`,
    kind: "identity",
    ...(self !== null && { host: self }),
    opens: use.opens,
  } as const;
  if ("unread" in found) return [{ ...common, where: { kind: "unknown" }, unread: found.unread }];
  return found.value.map(({ file, fingerprint, unread }) => ({
    ...common,
    where: file === undefined ? { kind: "agent" } : { kind: "file", name: file },
    ...(fingerprint && { fingerprint }),
    ...(unread !== undefined && { unread }),
    // what an agent has came from somewhere
    ...(self !== null && file !== undefined && use.protects.has(self) && { onlyOn: self }),
  }));
}

/** The key of an encryption root. */
export function zfsSecret(host: HostName, root: DatasetName, { zfsKeys }: Pick<Facts, "zfsKeys">, use: Use): KitSecret {
  const known = zfsKeys.get(`${host}:${root}`);
  const common = { what: `key of ${host}:${root}`, kind: "zfs-key", host, opens: use.opens } as const;
  if (known === undefined) return { ...common, where: { kind: "unknown" }, unread: "it could not be asked for" };
  const { fingerprint, unread, ...zfs } = known;
  const isFile = zfs.keylocation.startsWith("file://");
  return {
    ...common,
    where: isFile
      ? { kind: "file", name: zfs.keylocation.slice("file://".length) }
      : zfs.keylocation.startsWith("http")
        ? { kind: "address", name: zfs.keylocation }
        : { kind: "nowhere" },
    ...(fingerprint && { fingerprint }),
    ...(unread !== undefined && { unread }),
    ...(isFile && use.protects.has(host) && { onlyOn: host }),
    zfs,
  };
}
