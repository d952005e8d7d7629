import type { HookAction, Text } from "../model/manifest.ts";
import type { Problem } from "../model/report.ts";
import type { HostName } from "../model/units.ts";
import { request } from "../transport/http.ts";
import { readSecret, type Secret } from "../transport/secret.ts";
import { quoteAll } from "../transport/shell.ts";
import { LONGEST_TIMER_MS } from "../transport/timers.ts";
import { type Hosts, TransportError } from "../transport/types.ts";

export interface ActionContext {
  readonly hosts: Hosts;
  /** The caller's environment, for secrets that are kept there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

interface Call {
  /** Where a command runs; an HTTP call is made from here. */
  readonly host: HostName;
  readonly timeoutMs: number;
  /** What a command is told, on top of the environment that any command gets. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Undefined when it went well. Throws a `TransportError` where the host is lost, or for an abort. */
export function runAction(action: HookAction, call: Call, context: ActionContext): Promise<Problem | undefined> {
  const patient = { ...call, timeoutMs: Math.min(call.timeoutMs, LONGEST_TIMER_MS) };
  return "command" in action ? runCommand(action.command, patient, context) : callUrl(action.http, patient, context);
}

/** What went wrong with the last words of the command, where there is room for one line only. */
export function inOneLine({ message, command, output }: Problem): string {
  const said = output?.split("\n").slice(-3).join("; ");
  return `${message}${command === undefined ? "" : ` (${command})`}${said ? `: ${said}` : ""}`;
}

const OWN_FAULT: ReadonlySet<TransportError["kind"]> = new Set<TransportError["kind"]>([
  "timeout",
  "not-found",
  "output-limit",
]);

async function runCommand(
  argv: readonly string[],
  { host, timeoutMs, variables }: Call,
  { hosts, signal }: ActionContext,
): Promise<Problem | undefined> {
  const command = quoteAll(argv);
  try {
    const { code, signal: ending, stdout, stderr } = await hosts.run(host, argv, { signal, timeoutMs, env: variables });
    if (code === 0) return undefined;
    const output = lastLines(`${stdout}${stderr}`);
    return { message: `the hook ended with ${ending ?? `exit code ${code}`}`, command, ...(output && { output }) };
  } catch (error) {
    if (!(error instanceof TransportError && OWN_FAULT.has(error.kind))) throw error;
    if (error.kind === "timeout") {
      const message = `the hook took longer than ${timeoutMs / 1000} s and was ended`;
      return { message, command, hint: "`timeout` of the hook gives it more" };
    }
    return { message: error.message, command, ...(error.hint !== undefined && { hint: error.hint }) };
  }
}

const LINES = 20;
const lastLines = (text: string): string => text.trimEnd().split("\n").slice(-LINES).join("\n");

async function callUrl(
  { url, method, headers, body }: Extract<HookAction, { http: unknown }>["http"],
  { timeoutMs }: Call,
  { env, signal }: ActionContext,
): Promise<Problem | undefined> {
  const read = async (text: Text, what: string): Promise<string | Secret> =>
    typeof text === "string" ? text : readSecret(text, { what, env, signal });
  const values = Object.entries(headers).map(
    async ([name, text]) => [name, await read(text, `header ${name} of a hook`)] as const,
  );
  const answer = await request({
    url: await read(url, "url of a hook"),
    method,
    headers: Object.fromEntries(await Promise.all(values)),
    ...(body !== undefined && { body }),
    timeoutMs,
    signal,
  });
  return answer.ok ? undefined : { message: `the hook's HTTP ${method} ${answer.message}` };
}
