import type { TextOptions } from "../render/text.ts";

/** What a text on this stream may look like: colour and width only where a person looks at it. */
export function textOptions(stream: NodeJS.WriteStream, color: boolean): TextOptions {
  const { env } = process;
  const wanted = color && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  return stream.isTTY ? { color: wanted, width: stream.columns } : { color: false };
}

/** The answer of a command. */
export const answer = (text: string): void => {
  process.stdout.write(text);
};
export const answerJson = (value: unknown): void => answer(`${JSON.stringify(value, null, 2)}\n`);

/** What is not the answer. */
export const tell = (text: string): void => {
  process.stderr.write(text);
};

/**
 * What cannot be written ends no work. `holdfast plan | head` is no error either: nobody reads the rest. `onLost`: at the
 * end of the process, when an answer found no room.
 */
export function outliveStreams(onLost: (error: Error) => void): void {
  const lost = (error: NodeJS.ErrnoException): void => {
    if (error.code === "EPIPE") return;
    process.stdout.off("error", lost).on("error", () => {});
    process.once("exit", () => onLost(error));
  };
  process.stdout.on("error", lost);
  process.stderr.on("error", () => {});
}

/** Asks, and waits for a line; the end of the input is an empty one. */
export async function ask(question: string, signal: AbortSignal): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  // readline keeps Ctrl-C to itself while it asks
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return (await Promise.race([lines.question(question, { signal }), ended])).trim();
  } finally {
    lines.close();
  }
}
