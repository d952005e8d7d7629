import { scheduleFault } from "../manifest/units.ts";
import { shellCommands } from "./shell.ts";

/** One call of a program in a crontab or a script. */
export interface Call {
  /** From 1. */
  readonly line: number;
  /** Five cron fields; undefined where the file does not say when it runs. */
  readonly schedule?: string;
  /** What follows the program. */
  readonly words: readonly string[];
  /** What the shell works out only when it runs. */
  readonly unknown?: string;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};
const FIELDS = /^((?:[\d*][\d*,/-]*\s+){3}(?:[\d*a-z][\w*,/-]*\s+){2})(.*)$/i;

/** Every call of a program in a crontab, with or without users, or in a shell script. */
export function callsOf(program: string, text: string): readonly Call[] {
  const variables = new Map<string, string>();
  return logicalLines(text).flatMap(({ content, line }): Call[] => {
    const [, name, value] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(content) ?? [];
    if (name !== undefined && value !== undefined) {
      const [command] = shellCommands(value, variables);
      if (command === undefined || (command.words.length === 1 && command.unknown === undefined)) {
        variables.set(name, command?.words[0] ?? "");
        return [];
      }
    }
    const { schedule, command } = scheduled(content);
    return shellCommands(command, variables).flatMap(({ words, unknown }): Call[] => {
      const at = indexOfProgram(program, words);
      if (at < 0) return [];
      return [
        {
          line,
          words: words.slice(at + 1),
          ...(schedule !== undefined && { schedule }),
          ...(unknown !== undefined && { unknown }),
        },
      ];
    });
  });
}

/** A lock file may have its name, too, so that what lies in a folder of programs comes first. */
function indexOfProgram(program: string, words: readonly string[]): number {
  const usual = words.findIndex((word) => word === program || word.endsWith(`bin/${program}`));
  return usual < 0 ? words.findIndex((word) => word.endsWith(`/${program}`)) : usual;
}

/** Lines that end with a backslash go on in the next. */
function logicalLines(text: string): { readonly content: string; readonly line: number }[] {
  const lines: { content: string; line: number }[] = [];
  let isOpen = false;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const goesOn = raw.endsWith("\\");
    const part = goesOn ? raw.slice(0, -1) : raw;
    const last = lines.at(-1);
    if (isOpen && last) last.content += part;
    else lines.push({ content: part, line: index + 1 });
    isOpen = goesOn;
  }
  return lines
    .map(({ content, line }) => ({ content: content.trim(), line }))
    .filter(({ content }) => content !== "" && !content.startsWith("#"));
}

function scheduled(content: string): { readonly schedule?: string; readonly command: string } {
  const [, nickname = "", rest] = /^(@\w+)\s+(.*)$/.exec(content) ?? [];
  const named = NICKNAMES[nickname];
  if (rest !== undefined) return { command: rest, ...(named !== undefined && { schedule: named }) };
  const [, fields, command] = FIELDS.exec(content) ?? [];
  if (fields === undefined || command === undefined) return { command: content };
  const schedule = fields.trim().replace(/\s+/g, " ");
  return { command, ...(scheduleFault(schedule) === undefined && { schedule }) };
}
