import type { Argument, Command, Option } from "commander";
import type { DeclaredNames } from "../../manifest/declared.ts";

/** One word that may come next. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What may come next: these, or the name of any file. Not yet cut down to what the word begins with. */
export type Offer = readonly Candidate[] | "files";

/**
 * What may come after the words of a command line, where `current` is the one that is being typed. All that commands and
 * options take is told by the program itself, by their choices or by the capitals that stand for a value.
 */
export function candidates(program: Command, words: readonly string[], current: string, names: DeclaredNames): Offer {
  const at = follow(program, words);
  const value = (of: Option | Argument | undefined): Offer => valuesOf(program, of, names);
  if (at.pending?.required) return value(at.pending);
  const [, long = ""] = at.ended ? [] : (/^(--[^=]+)=/.exec(current) ?? []);
  if (long !== "") {
    const offer = value(options(at.command).find((option) => option.long === long));
    return offer === "files" ? offer : offer.map((one) => ({ ...one, value: `${long}=${one.value}` }));
  }
  const flags = at.ended ? [] : options(at.command).map(flagOf);
  if (current.startsWith("-") && !at.ended) return flags;
  if (at.pending !== undefined) return value(at.pending);
  const commands = subcommands(at.command);
  // after a word that is none of them, there is no telling
  if (commands.length > 0) return at.operands === 0 ? commands.map(named) : [];
  const argument = argumentAt(at.command, at.operands);
  return argument === undefined ? flags : value(argument);
}

/** The value of an option among the words, wherever it stands. */
export function valueGiven(program: Command, words: readonly string[], long: string): string | undefined {
  return follow(program, words).given.get(long);
}

interface Position {
  readonly command: Command;
  /** How many arguments of the command there are already. */
  readonly operands: number;
  /** The option whose value may come next; `required`: must. */
  readonly pending: Option | undefined;
  /** After `--`, nothing is an option. */
  readonly ended: boolean;
  /** Values by the option's long name. */
  readonly given: ReadonlyMap<string, string>;
}

function follow(program: Command, words: readonly string[]): Position {
  let command = program;
  let operands = 0;
  let pending: Option | undefined;
  let ended = false;
  const given = new Map<string, string>();
  for (const word of words) {
    if (pending !== undefined && (pending.required || !word.startsWith("-"))) {
      given.set(pending.long ?? "", word);
      // of several values all but the first may be left out
      pending = pending.variadic ? optionalOf(pending) : undefined;
      continue;
    }
    pending = undefined;
    if (!ended && word === "--") ended = true;
    else if (!ended && word.length > 1 && word.startsWith("-")) {
      const { option, value } = optionIn(word, options(command));
      if (option?.long && value !== undefined) given.set(option.long, value);
      else if (option?.required || option?.optional) pending = option;
    } else {
      const inner = operands === 0 ? subcommands(command).find((one) => one.name() === word) : undefined;
      if (inner === undefined) operands++;
      else command = inner;
    }
  }
  return { command, operands, pending, ended, given };
}

const optionalOf = (option: Option): Option => Object.assign(Object.create(option) as Option, { required: false });

/** `--name`, `--name=value`, `-n`, `-nvalue`, or several short ones, of which only the last takes a value. */
function optionIn(
  word: string,
  all: readonly Option[],
): { readonly option: Option | undefined; readonly value?: string } {
  const [, long, value] = /^(--[^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (long !== undefined) {
    const option = all.find((one) => one.long === long);
    return value === undefined ? { option } : { option, value };
  }
  for (let index = 1; index < word.length; index++) {
    const option = all.find(({ short }) => short === `-${word[index]}`);
    if (!option?.required && !option?.optional) continue;
    const rest = word.slice(index + 1);
    return rest === "" ? { option } : { option, value: rest };
  }
  return { option: undefined };
}

function options(command: Command): Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

const subcommands = (command: Command): Command[] => command.createHelp().visibleCommands(command);
const named = (command: Command): Candidate => ({ value: command.name(), description: firstOf(command.description()) });
const flagOf = (option: Option): Candidate => ({
  value: option.long ?? option.short ?? "",
  description: firstOf(option.description),
});

/** The first sentence, or what comes before details. */
const firstOf = (text: string): string => text.split(/[;:.]( |$)/)[0] ?? "";

function argumentAt(command: Command, index: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[index] ?? (last?.variadic ? last : undefined);
}

function valuesOf(program: Command, of: Option | Argument | undefined, names: DeclaredNames): Offer {
  if (of === undefined) return [];
  const choices = of.argChoices;
  if (choices !== undefined) return choices.map((value) => ({ value, description: "" }));
  const found: Candidate[] = [];
  for (const placeholder of placeholdersOf(of)) {
    // what is no capitals stands for itself
    if (/^[a-z]+$/.test(placeholder)) found.push({ value: placeholder, description: "" });
    const offer = VALUES[placeholder]?.(names, program) ?? [];
    if (offer === "files") return offer;
    found.push(...offer);
  }
  return found;
}

/** `--from <REMOTE|MIRROR>`: REMOTE, MIRROR. */
export function placeholdersOf(of: Option | Argument): string[] {
  const text = "flags" in of ? (/[<[](.+)[>\]]/.exec(of.flags)?.[1] ?? "") : of.name();
  return text === "" ? [] : text.replace(/\.\.\.$/, "").split("|");
}

const describedAs =
  (description: string) =>
  (value: string): Candidate => ({ value, description });
const sources = ({ datasets, directories }: DeclaredNames): Candidate[] => [
  ...datasets.map(describedAs("dataset")),
  ...directories.map(describedAs("directory")),
];
const isPattern = ({ value }: Candidate): boolean => /[*?[\]{}]/.test(value);
const remotes = (names: DeclaredNames): Candidate[] => names.remotes.map(describedAs("remote"));
const mirrors = (names: DeclaredNames): Candidate[] => names.mirrors.map(describedAs("mirror"));
const files = (): "files" => "files";
const nothing = (): Offer => [];

/** What the capitals in the help stand for. */
export const VALUES: Readonly<Record<string, (names: DeclaredNames, program: Command) => Offer>> = {
  ADDRESS: (names) => sources(names).filter((source) => !isPattern(source)),
  COMMAND: (_, program) => subcommands(program).map(named),
  HOST: ({ hosts }) => hosts.map(describedAs("host")),
  MIRROR: mirrors,
  REMOTE: (names) => [...remotes(names), ...mirrors(names)],
  "REMOTE=REMEDY": (names) =>
    names.remotes.flatMap((remote) => ["rollback", "replace"].map((remedy) => describedAs("")(`${remote}=${remedy}`))),
  SOURCE: sources,
  TYPE: ({ snapshotTypes }) => snapshotTypes.map(describedAs("snapshot type")),

  DIR: files,
  FILE: files,
  MANIFEST: files,
  PLACE: files,
  PLAN: files,
  REPO: files,

  BRANCH: nothing,
  COPY: nothing,
  DURATION: nothing,
  ID: nothing,
  N: nothing,
  NAME: nothing,
  PATH: nothing, // in a source, or in a git repository
  PATTERN: nothing,
  SIZE: nothing,
  TIME: nothing,
  URL: nothing,
  "git:REF": nothing,
};
