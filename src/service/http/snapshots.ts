import type { ServiceSource, ServiceView } from "../../model/service.ts";
import type { Address, TypeName } from "../../model/units.ts";
import { type Answer, json, refuse } from "./answer.ts";

/** Longer names than ZFS takes need not be looked at. */
const isName = (text: string): boolean => text.length > 0 && text.length <= 255 && !/\p{Cc}/u.test(text);

/** The source that an address means; without a host, as everywhere, the one on this machine. */
function sourceMeant(given: string, { self, status }: ServiceView): Address | undefined {
  const known = new Set<string>(status?.sources.map(({ source }) => source));
  return [given, ...(self === null ? [] : [`${self}:${given}`])].find((one): one is Address => known.has(one));
}

/** Takes snapshots of a type, of all sources or those named by their addresses, and answers with the report. */
export async function takeSnapshots(
  service: ServiceSource,
  type: string | null,
  sources: readonly string[],
  parameter: string,
): Promise<Answer> {
  if (type === null || !isName(type))
    return refuse(
      400,
      `which type of snapshot is not said`,
      `add ?${parameter}=daily, or another type of the manifest`,
    );
  const view = service.view();
  if (!view.ready || view.status === undefined)
    return refuse(503, "nothing was observed yet", "ask again when /readyz answers 200", { "Retry-After": "5" });
  const unknown = sources.find((source) => sourceMeant(source, view) === undefined);
  if (unknown !== undefined)
    return refuse(
      404,
      `there is no source ${isName(unknown) ? unknown : "of that name"}`,
      "sources are named by their addresses, HOST:DATASET or HOST:/PATH, as /api/v1/status has them; HOST: may be left out of those of this machine",
    );
  try {
    const { report, missed } = await service.actions.snapshot(
      type as TypeName,
      sources.length === 0 ? undefined : sources.flatMap((source) => sourceMeant(source, view) ?? []),
    );
    const [first] = missed;
    if (first && report.operations.length === 0)
      return refuse(
        500,
        `nothing was taken: ${first.host} could not be seen: ${first.reason}`,
        first.hint ?? "holdfast doctor looks for why",
      );
    const isDone = report.finished && report.operations.every(({ outcome }) => outcome === "done");
    return json(report, isDone && first === undefined ? 200 : 500);
  } catch (error) {
    return refuse(
      422,
      error instanceof Error ? error.message : String(error),
      hintOf(error) ?? "see the types in the manifest, and the log of the service",
    );
  }
}

const hintOf = (error: unknown): string | undefined =>
  error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
