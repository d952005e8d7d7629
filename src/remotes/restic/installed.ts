import { type Hosts, TransportError } from "../../transport/types.ts";
import { ResticFailed } from "./errors.ts";
import type { Session } from "./session.ts";
import { isAtLeast, OLDEST, parseVersion, type ResticVersion } from "./version.ts";

const known = new WeakMap<Hosts, Map<string, Promise<ResticVersion>>>();

/** Of the restic on the session's host, asked once. Throws `ResticFailed` where there is none that can be used. */
export function versionOn(session: Session): Promise<ResticVersion> {
  const { hosts } = session.options;
  const { host } = session.place;
  const versions = known.get(hosts) ?? new Map<string, Promise<ResticVersion>>();
  known.set(hosts, versions);
  let version = versions.get(host);
  if (version === undefined) {
    version = ask(session);
    versions.set(host, version);
    version.catch(() => versions.delete(host));
  }
  return version;
}

async function ask(session: Session): Promise<ResticVersion> {
  const { host } = session.place;
  const install = `install restic ${OLDEST} or newer on ${host}: apt install restic, or a release from restic.net`;
  try {
    const { stdout, stderr } = await session.exec(["restic", "version"], { timeoutMs: session.answerMs });
    const version = parseVersion(stdout);
    if (version === undefined) {
      const said = (stderr || stdout).trim().split("\n", 1)[0];
      throw new ResticFailed("not-installed", {
        message: `${host}: \`restic version\` says no version: ${said || "nothing at all"}`,
        hint: install,
      });
    }
    if (isAtLeast(version, OLDEST)) return version;
    throw new ResticFailed("too-old", { message: `${host}: restic ${version.text} is too old`, hint: install });
  } catch (error) {
    if (!(error instanceof TransportError) || error.kind !== "not-found") throw error;
    throw new ResticFailed(
      "not-installed",
      { message: `${host}: restic is not installed`, hint: install },
      { cause: error },
    );
  }
}
