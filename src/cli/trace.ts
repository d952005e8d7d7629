import type { HostName } from "../model/units.ts";
import type { Hosts } from "../transport/types.ts";
import { type GlobalOptions, openLog } from "./context.ts";

/** With `--log-level debug` every command is logged with how it ended; no argument ever holds a secret. */
export async function withDebugLog(hosts: Hosts, options: GlobalOptions): Promise<Hosts> {
  if (options.logLevel !== "debug") return hosts;
  const log = await openLog(options);
  const timed = async <T>(
    host: HostName,
    argv: readonly string[],
    work: Promise<T>,
    end: (result: T) => object,
  ): Promise<T> => {
    const start = performance.now();
    const ms = (): number => Math.round(performance.now() - start);
    try {
      const result = await work;
      log.debug({ host, ms: ms(), ...end(result) }, argv.join(" "));
      return result;
    } catch (error) {
      log.debug({ host, ms: ms(), error: String(error) }, argv.join(" "));
      throw error;
    }
  };
  return {
    run: (host, argv, run) => timed(host, argv, hosts.run(host, argv, run), ({ code }) => ({ code })),
    read: (host, argv, onBytes, run) =>
      timed(host, argv, hosts.read(host, argv, onBytes, run), ({ code }) => ({ code })),
    pipe: (spec, pipe) =>
      timed(
        spec.from.host,
        [...spec.from.argv, "|", spec.to.host, ...spec.to.argv],
        hosts.pipe(spec, pipe),
        ({ sender, receiver, filters }) => ({ sender: sender.code, receiver: receiver.code, filters: filters.length }),
      ),
    close: () => hosts.close(),
  };
}
