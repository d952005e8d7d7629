import type { SecretFile } from "../manifest/read/secrets.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Manifest, SecretReference } from "../model/manifest.ts";
import { isToken, TOKEN_RULE } from "../service/http/token.ts";
import { describeSecret, readSecret } from "../transport/secret.ts";
import { Failure } from "./exit.ts";

const WHAT = "service.token";
const REMEDY = "make one: openssl rand -hex 24";
const messageOf = (token: SecretReference): string => `${WHAT}: ${describeSecret(token)} ${TOKEN_RULE}`;

/** The token that the service asks for. Throws for one that cannot be read, or that anybody could guess. */
export async function requireToken(
  token: SecretReference,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const text = (await readSecret(token, { what: WHAT, env })).reveal();
  if (!isToken(text)) throw new Failure(messageOf(token), { hint: REMEDY });
  return text;
}

/** Whether the service would start with the token in a file. One that cannot be read here is nobody's concern here. */
export async function checkTokenFile(
  { service: { token } }: Manifest,
  files: readonly SecretFile[],
): Promise<readonly Diagnostic[]> {
  if (token === undefined || !("file" in token)) return [];
  const text = await readSecret(token, { what: WHAT, env: {} }).catch(() => undefined);
  if (text === undefined || isToken(text.reveal())) return [];
  const place = files.find(({ file }) => file === token.file)?.place;
  return [{ severity: "error", code: "weak-token", message: messageOf(token), hint: REMEDY, ...(place && { place }) }];
}
