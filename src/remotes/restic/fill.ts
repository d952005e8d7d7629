import type { Variables } from "./access.ts";
import { batches, throwIfGone } from "./change.ts";
import { must } from "./must.ts";
import { variablesForSecond } from "./second.ts";
import type { Session } from "./session.ts";
import { storageFlags } from "./version.ts";

/** Creates the repository; with the chunker parameters of another one, so that what both have is recognised. */
export async function init(session: Session, options: { readonly chunkerParametersOf?: Session } = {}): Promise<void> {
  const from = options.chunkerParametersOf;
  if (from === undefined) {
    await must(session, { args: ["init"] });
    return;
  }
  await must(session, {
    args: ["init", "--copy-chunker-params"],
    variables: await variablesFrom(session, from),
    where: `${session.name}, or ${from.name} whose parameters it takes`,
  });
}

/** Copies exactly these, as far as they are not here yet. */
export async function copyFrom(session: Session, from: Session, ids: readonly string[]): Promise<void> {
  const flags = storageFlags(await session.version(), session.place.repository);
  for (const some of batches(ids)) {
    const { output } = await must(session, {
      args: ["copy", ...flags, "--", ...some],
      variables: await variablesFrom(session, from),
      where: `${session.name}, or ${from.name} from which it is filled`,
    });
    throwIfGone(output.raw, from.name);
  }
}

const variablesFrom = async (session: Session, from: Session): Promise<Variables> =>
  variablesForSecond(await from.access(), await session.access(), from.name);
