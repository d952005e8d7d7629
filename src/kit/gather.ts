import type { Host, SecretReference } from "../model/manifest.ts";
import type { At } from "../model/plan.ts";
import type { KitKey } from "../model/recovery-kit.ts";
import type { DatasetName, Guid, HostName, RepositoryKey } from "../model/units.ts";
import type { RepositoryPlace } from "../remotes/restic/access.ts";
import { openRepository } from "../remotes/restic/restic.ts";
import { loadHostKeys } from "../transport/host-keys.ts";
import { loadIdentities } from "../transport/identity.ts";
import { fingerprint, type KnownKey } from "../transport/known-hosts.ts";
import { readSecret } from "../transport/secret.ts";
import type { Hosts } from "../transport/types.ts";
import type { Facts, Had, Identified, Proof } from "./facts.ts";
import { slowFingerprint } from "./fingerprint.ts";
import { type Needed, secretId } from "./secrets.ts";

/** What facts are asked for. */
export interface Questions {
  /** What the manifest refers to; the keys of `hosts` are among `hosts`. */
  readonly secrets: readonly Needed[];
  readonly hosts: readonly Host[];
  /** Encryption roots that were seen. */
  readonly roots: readonly At[];
  readonly repositories: readonly (RepositoryPlace & { readonly key: RepositoryKey })[];
}

export interface Means {
  /** Absent where nothing may be contacted. */
  readonly hosts?: Hosts;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** False: no secret is read to make a fingerprint of it. */
  readonly fingerprints: boolean;
}

/** Reads and asks, and changes nothing. What cannot be had is told with the reason: nothing here ends a kit. */
export async function gatherFacts(questions: Questions, means: Means): Promise<Facts> {
  const [identities, hostKeys, zfsKeys, repositoryKeys] = await Promise.all([
    eachOf(
      questions.hosts,
      ({ name }) => name,
      (host) => identitiesOf(host, means),
    ),
    eachOf(
      questions.hosts,
      ({ name }) => name,
      (host) => hostKeysOf(host, means),
    ),
    keysOf(questions.roots, means),
    repositoryKeysOf(questions.repositories, means),
  ]);
  const secrets = new Map<string, Proof>();
  // one after the other: each takes 128 MiB for a moment
  for (const needed of questions.secrets) {
    const id = secretId(needed.reference);
    if (!secrets.has(id)) secrets.set(id, await proofOf(needed, identities, means));
  }
  return { secrets, identities, hostKeys, zfsKeys, repositoryKeys };
}

const NOT_WANTED = "no fingerprint was asked for";

async function eachOf<T, K, V>(
  items: readonly T[],
  keyOf: (item: T) => K,
  make: (item: T) => Promise<V>,
): Promise<Map<K, V>> {
  return new Map(await Promise.all(items.map(async (item): Promise<[K, V]> => [keyOf(item), await make(item)])));
}

async function proofOf(
  needed: Needed,
  identities: Facts["identities"],
  { env, signal, fingerprints }: Means,
): Promise<Proof> {
  const { kind, what, reference } = needed;
  if (kind === "identity") return identityProof(reference, identities);
  // whoever has the copies can read the addresses as well
  if (!fingerprints) return { unread: NOT_WANTED };
  try {
    const secret = await readSecret(reference, { what, env, signal });
    return { fingerprint: await slowFingerprint(Buffer.from(secret.reveal())) };
  } catch (error) {
    return { unread: reasonOf(error) };
  }
}

/** The key was read already, with its passphrase. */
function identityProof(reference: SecretReference, identities: Facts["identities"]): Proof {
  for (const found of identities.values()) {
    if ("unread" in found) continue;
    const same = found.value.find(({ reference: one }) => one !== undefined && secretId(one) === secretId(reference));
    if (same?.fingerprint) return { fingerprint: same.fingerprint };
  }
  return { unread: "it could not be read" };
}

async function identitiesOf(host: Host, { env }: Means): Promise<Had<readonly Identified[]>> {
  const { identity } = host;
  const reference = identity === undefined || "agent" in identity ? undefined : referenceOf(identity);
  try {
    const { identities } = await loadIdentities(host, env);
    return {
      value: identities.map((one): Identified => {
        if (one.kind === "agent") return { unread: "an agent has it" };
        const { key, from } = one;
        return {
          file: from,
          ...(reference && { reference }),
          fingerprint: { kind: "ssh", type: key.type, value: fingerprint(key.getPublicSSH()) },
        };
      }),
    };
  } catch (error) {
    return { unread: reasonOf(error) };
  }
}

function referenceOf({
  passphrase: _,
  ...reference
}: SecretReference & { readonly passphrase?: unknown }): SecretReference {
  return reference as SecretReference;
}

async function hostKeysOf(host: Host, { env }: Means): Promise<Had<readonly KnownKey[]>> {
  try {
    const { accepted, sources } = await loadHostKeys(host, env);
    return accepted.length > 0 ? { value: accepted } : { unread: `none is known (looked in ${sources.join(", ")})` };
  } catch (error) {
    return { unread: reasonOf(error) };
  }
}

const PATIENCE_MS = 60_000;
/** Longer than any key: of `passphrase` ZFS takes 512 bytes. */
const LONGEST_KEY = 4096;
const ASKED = ["guid", "keyformat", "keylocation"] as const;

async function keysOf(roots: readonly At[], means: Means): Promise<Facts["zfsKeys"]> {
  const found = new Map<string, KitKey & Proof>();
  if (means.hosts === undefined) return found;
  for (const host of new Set(roots.map((root) => root.host))) {
    const there = roots.filter((root) => root.host === host).map(({ dataset }) => dataset);
    for (const key of await propertiesOf(host, there, means.hosts, means.signal))
      found.set(`${host}:${key.root}`, { ...key, ...(await keyProof(host, key, means, means.hosts)) });
  }
  return found;
}

async function propertiesOf(
  host: HostName,
  roots: readonly DatasetName[],
  hosts: Hosts,
  signal: AbortSignal,
): Promise<KitKey[]> {
  const argv = ["zfs", "get", "-Hp", "-o", "name,property,value", ASKED.join(","), ...new Set(roots)];
  const result = await hosts.run(host, argv, { signal, timeoutMs: PATIENCE_MS }).catch(() => undefined);
  const values = new Map<string, Map<string, string>>();
  for (const line of result?.stdout.split("\n") ?? []) {
    const [name, property, value] = line.split("\t");
    if (name === undefined || property === undefined || value === undefined) continue;
    values.set(name, (values.get(name) ?? new Map()).set(property, value));
  }
  return [...values].map(([root, of]) => ({
    root: root as DatasetName,
    guid: (of.get("guid") ?? "0") as Guid,
    keyformat: of.get("keyformat") ?? "",
    keylocation: of.get("keylocation") ?? "prompt",
  }));
}

async function keyProof(host: HostName, { keylocation }: KitKey, means: Means, hosts: Hosts): Promise<Proof> {
  if (!keylocation.startsWith("file://")) return { unread: "it is in no file" };
  if (!means.fingerprints) return { unread: NOT_WANTED };
  const path = keylocation.slice("file://".length);
  const chunks: Buffer[] = [];
  const argv = ["head", "-c", String(LONGEST_KEY), "--", path];
  const { signal } = means;
  const keep = (chunk: Buffer): void => void chunks.push(Buffer.from(chunk));
  const result = await hosts.read(host, argv, keep, { signal, timeoutMs: PATIENCE_MS }).catch(() => undefined);
  if (result?.code !== 0 || chunks.length === 0) return { unread: `${path} could not be read on ${host}` };
  return { fingerprint: await slowFingerprint(Buffer.concat(chunks)) };
}

async function repositoryKeysOf(places: Questions["repositories"], means: Means): Promise<Facts["repositoryKeys"]> {
  const { hosts, env, signal } = means;
  const found = new Map<RepositoryKey, string>();
  if (hosts === undefined) return found;
  await Promise.all(
    places.map(async ({ key, ...place }) => {
      const id = await openRepository(place, { hosts, env, signal })
        .currentKey()
        .catch(() => undefined);
      if (id !== undefined) found.set(key, id);
    }),
  );
  return found;
}

/** What transport says of secrets never holds what was read. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
