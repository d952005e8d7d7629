import type { ServiceSource } from "../model/service.ts";
import { size } from "../model/size.ts";
import type { Address } from "../model/units.ts";
import type { Log } from "./log.ts";
import { logEnd } from "./progress.ts";

/** Says in the log what the service does: each operation's start and end, and what is in the way, once. */
export function logService(service: ServiceSource, log: Log): void {
  const sources = new Map<string, Address>();
  let known = new Set<string>();
  service.on("started", ({ id, description, expected }) => {
    const source = service.view().running.find((one) => one.id === id)?.source ?? "";
    if (source !== "") sources.set(id, source);
    const details = { id, source, ...(expected !== undefined && { expected: size(expected) }) };
    log.info(details, `start  ${source}  ${description}`);
  });
  service.on("finished", (report) => logEnd(log, report));
  service.on("reconciled", ({ source, result, seconds }) => log.debug({ source, seconds }, `${result}  ${source}`));
  service.on("ran", (run) => {
    log.info(
      { trigger: run.trigger },
      `pass over ${run.sources.length === 1 ? run.sources[0] : `${run.sources.length} sources`}: ${run.result}`,
    );
    known = sayNew(service, log, known);
  });
  service.on("changed", () => {
    known = sayNew(service, log, known);
  });
}

/** What was not in the way at the last look. */
function sayNew(service: ServiceSource, log: Log, known: ReadonlySet<string>): Set<string> {
  const { plan } = service.view();
  if (plan === undefined) return new Set(known);
  const lines = [
    ...plan.blocked.map((one) => `blocked  ${one.source}${one.remote ? `  → ${one.remote}` : ""}  ${one.message}`),
    ...plan.unobserved
      .filter(({ expected }) => !expected)
      .map(({ host, remote, reason }) => `unobserved  ${remote ?? host}  ${reason}`),
  ];
  for (const line of lines) if (!known.has(line)) log.warn({}, line);
  return new Set(lines);
}
