/** What restic prints, line by line: JSON where it parses, otherwise text. Every field may be missing. */

export type Message =
  | {
      readonly kind: "status";
      readonly files: number;
      readonly totalFiles: number;
      readonly bytes: number;
      readonly totalBytes: number;
      readonly currentFiles: readonly string[];
      readonly secondsRemaining?: number;
    }
  | { readonly kind: "summary"; readonly summary: Readonly<Record<string, unknown>> }
  /** A file that could not be read. */
  | { readonly kind: "unreadable"; readonly item: string; readonly message: string }
  /** Why restic ended. */
  | { readonly kind: "exit"; readonly message: string }
  | { readonly kind: "changed"; readonly newId: string }
  | { readonly kind: "other" }
  | { readonly kind: "text"; readonly text: string };

export type Json = Readonly<Record<string, unknown>>;

export const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
export const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function readMessage(line: string): Message {
  const json = line.startsWith("{") ? parseJson(line) : undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: restic clears the terminal's line, also where there is none
  if (!isJson(json)) return { kind: "text", text: line.replace(/\x1b\[\d*K/g, "").trimEnd() };
  switch (json.message_type) {
    case "status":
      return statusOf(json);
    case "summary":
      return { kind: "summary", summary: json };
    case "error":
      return { kind: "unreadable", item: textOf(json.item) ?? "", message: errorOf(json.error) };
    case "exit_error":
      return { kind: "exit", message: textOf(json.message) ?? "" };
    case "changed":
      return { kind: "changed", newId: textOf(json.new_snapshot_id) ?? "" };
    default:
      return { kind: "other" };
  }
}

function statusOf(json: Json): Message {
  const secondsRemaining = numberOf(json.seconds_remaining);
  return {
    kind: "status",
    files: numberOf(json.files_done) ?? numberOf(json.files_restored) ?? 0,
    totalFiles: numberOf(json.total_files) ?? 0,
    bytes: numberOf(json.bytes_done) ?? numberOf(json.bytes_restored) ?? 0,
    totalBytes: numberOf(json.total_bytes) ?? 0,
    currentFiles: textsOf(json.current_files),
    ...(secondsRemaining !== undefined && { secondsRemaining }),
  };
}

/** Before 0.16 an error is Go's own: `{ "Op": "open", "Path": "…", "Err": 13 }`. */
function errorOf(error: unknown): string {
  if (!isJson(error)) return textOf(error) ?? "";
  const message = textOf(error.message);
  if (message !== undefined) return message;
  const reason = typeof error.Err === "number" ? `error ${error.Err}` : textOf(error.Err);
  return [[textOf(error.Op), textOf(error.Path)].filter(Boolean).join(" "), reason].filter(Boolean).join(": ");
}
