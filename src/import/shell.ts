/** One command of a line: its words, without redirections. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** Why its words are not all known: something the shell works out when it runs. */
  readonly unknown?: string;
}

interface Reading {
  readonly commands: ShellCommand[];
  words: string[];
  /** The word being read; undefined between words. */
  word: string | undefined;
  unknown: string | undefined;
}

const SPACE = /\s/;

/** Splits a line of a shell into its commands and words. `variables`: those that are known. Nothing is ever run. */
export function shellCommands(line: string, variables: ReadonlyMap<string, string>): readonly ShellCommand[] {
  const state: Reading = { commands: [], words: [], word: undefined, unknown: undefined };
  const add = (text: string): void => {
    state.word = (state.word ?? "") + text;
  };
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? "";
    if (quote === "'") {
      if (char === "'") quote = "";
      else add(char);
    } else if (char === "\\") add(line[++at] ?? "");
    else if (char === "`" || (char === "$" && /^\$[\w{(@*?#!$-]/.test(line.slice(at)))) {
      const [whole = char, name] = /^\$\{?(\w+)\}?/.exec(line.slice(at)) ?? [];
      const value = name === undefined ? undefined : variables.get(name);
      if (value === undefined) state.unknown ??= name === undefined ? "what another command prints" : whole;
      add(value ?? "");
      at += whole.length - 1;
    } else if (char === '"') {
      quote = quote === "" ? '"' : "";
      add("");
    } else if (quote === '"') add(char);
    else if (char === "'") {
      quote = "'";
      add("");
    } else if (SPACE.test(char)) endWord(state);
    else if (char === "#" && state.word === undefined) break;
    else if (/[<>]/.test(char)) at = skipRedirection(state, line, at);
    else if (/[;&|(){}]/.test(char)) endCommand(state);
    else add(char);
  }
  endCommand(state);
  return state.commands;
}

function endWord(state: Reading): void {
  if (state.word !== undefined) state.words.push(state.word);
  state.word = undefined;
}

function endCommand(state: Reading): void {
  endWord(state);
  const { words, unknown } = state;
  if (words.length > 0) state.commands.push({ words, ...(unknown !== undefined && { unknown }) });
  state.words = [];
  state.unknown = undefined;
}

/** `2>&1`, `>> FILE`: its number before, and the word after, belong to it. */
function skipRedirection(state: Reading, line: string, at: number): number {
  if (/^\d+$/.test(state.word ?? "")) state.word = undefined;
  endWord(state);
  const [whole = ""] = /^[<>]+&?\s*[^\s;&|<>()]*/.exec(line.slice(at)) ?? [];
  return at + whole.length - 1;
}
