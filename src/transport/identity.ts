import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2, { type ParsedKey } from "ssh2";
import type { Host } from "../model/manifest.ts";
import { describeSecret, readSecret } from "./secret.ts";
import { TransportError } from "./types.ts";

/** One way to prove who we are: a private key in memory, or an agent that has some. */
export type Identity =
  | { readonly kind: "key"; readonly key: ParsedKey; readonly from: string }
  | { readonly kind: "agent"; readonly socket: string; readonly from: string };

export interface Identities {
  readonly identities: readonly Identity[];
  /** Keys that were passed over, and why, for the message when nothing else is let in. */
  readonly skipped: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the manifest names; without that what ssh itself would try: the agent, then the usual key files. */
export async function loadIdentities(host: Host, env: Environment): Promise<Identities> {
  const { identity } = host;
  if (identity === undefined) return usualIdentities(env);
  if ("agent" in identity) {
    if (!env.SSH_AUTH_SOCK) {
      throw new TransportError("secret", `identity of host ${host.name}: no SSH agent: SSH_AUTH_SOCK is not set`, {
        host: host.name,
        hint: "start an agent, or name a key with `identity: { file: … }`",
      });
    }
    return { identities: [{ kind: "agent", socket: env.SSH_AUTH_SOCK, from: "SSH agent" }], skipped: [] };
  }
  const what = `identity of host ${host.name}`;
  const text = await readSecret(identity, { what, env });
  const passphrase =
    identity.passphrase === undefined
      ? undefined
      : await readSecret(identity.passphrase, { what: `passphrase of the ${what}`, env });
  const from = describeSecret(identity);
  const key = parse(text.reveal(), passphrase?.reveal());
  if (typeof key === "string") {
    throw new TransportError("secret", `${what}: ${from} ${key}`, {
      host: host.name,
      ...(key === ENCRYPTED ? { hint: "say where its passphrase is: `identity: { …, passphrase: { file: … } }`" } : {}),
    });
  }
  return { identities: [{ kind: "key", key, from }], skipped: [] };
}

async function usualIdentities(env: Environment): Promise<Identities> {
  const identities: Identity[] = [];
  const skipped: string[] = [];
  const socket = env.SSH_AUTH_SOCK;
  if (socket && (await exists(socket))) identities.push({ kind: "agent", socket, from: "SSH agent" });
  if (env.HOME === undefined) return { identities, skipped };
  for (const name of ["id_ed25519", "id_ecdsa", "id_rsa"]) {
    const path = join(env.HOME, ".ssh", name);
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const key = parse(text, undefined);
    if (typeof key === "string") skipped.push(`${path} ${key}`);
    else identities.push({ kind: "key", key, from: path });
  }
  return { identities, skipped };
}

const ENCRYPTED = "is encrypted and no passphrase is given";

/** The key, or what is wrong with it; never any of its text. */
function parse(text: string, passphrase: string | undefined): ParsedKey | string {
  const parsed = ssh2.utils.parseKey(text, passphrase);
  if (!(parsed instanceof Error)) return parsed.isPrivateKey() ? parsed : "is a public key; the private one is needed";
  if (passphrase === undefined && /no passphrase given/i.test(parsed.message)) return ENCRYPTED;
  if (passphrase !== undefined && /passphrase|decrypt|integrity|malformed/i.test(parsed.message)) {
    return "cannot be decrypted: the passphrase is wrong";
  }
  return "is no private key in a format that can be read (OpenSSH or PEM; ed25519, ECDSA or RSA)";
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
