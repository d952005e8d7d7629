import type { Bytes } from "../../model/units.ts";
import { ResticFailed } from "./errors.ts";
import { isJson, numberOf, parseJson } from "./messages.ts";
import type { Session } from "./session.ts";

export interface Stats {
  readonly files: number;
  readonly bytes: Bytes;
}

/** What a copy would be when it is restored. */
export async function stats(session: Session, id: string): Promise<Stats> {
  const call = { args: ["stats", "--json", "--no-lock", "--mode=restore-size", "--", id] };
  const ended = await session.run(call);
  if (ended.code !== 0) throw await session.failure(ended, call);
  const json = parseJson(ended.stdout);
  const files = isJson(json) ? numberOf(json.total_file_count) : undefined;
  const bytes = isJson(json) ? numberOf(json.total_size) : undefined;
  if (files !== undefined && bytes !== undefined) return { files, bytes: bytes as Bytes };
  throw new ResticFailed("other", { message: `${session.name}: what restic stats printed cannot be understood` });
}
