import { type DestinationStream, type Logger, pino } from "pino";
import { oneLine, visible } from "../render/text.ts";
import { tell } from "./terminal.ts";

export type Level = "debug" | "info" | "warn" | "error" | "silent";
export type Format = "pretty" | "json";
export type Log = Logger;

/** A log on stderr, which Node writes synchronously: nothing is lost when the process ends. */
export const createLog = (level: Level, format: Format): Log =>
  pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === "json" ? { write: tell } : prettyStream,
  );

/** What messages say themselves; for programs that read the log. */
const FOR_PROGRAMS = new Set(["id", "source"]);

/** `2026-11-22T00:05:00.123Z info  message  key=value`. */
const prettyStream: DestinationStream = {
  write(line) {
    const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const details = Object.entries(rest)
      .filter(([key]) => !FOR_PROGRAMS.has(key))
      .map(([key, value]) => `  ${key}=${wordOf(value)}`);
    tell(`${String(time)} ${String(level).padEnd(5)} ${oneLine(String(msg ?? ""))}${details.join("")}\n`);
  },
};

const wordOf = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"]+$/.test(text) ? visible(text) : visible(JSON.stringify(text));
};
