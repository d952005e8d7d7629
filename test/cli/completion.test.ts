import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { readBashLine } from "../../src/cli/completion/bash.ts";
import { candidates, placeholdersOf, VALUES } from "../../src/cli/completion/candidates.ts";
import { createProgram } from "../../src/cli/program.ts";
import { declaredNames } from "../../src/manifest/declared.ts";
import { useHoldfast } from "./harness.ts";

const holdfast = useHoldfast();
const program = createProgram(() => {});
const names = declaredNames([
  { name: "a.yaml", text: "remotes: { vault: {}, b2: {} }\nmirrors: { wasabi: {} }\nhosts: { nas: {} }\n" },
  { name: "b.yaml", text: "datasets: { tank: {}, 'tank/*': {} }\ndirectories: { /etc: {} }\n" },
]);

/** `holdfast plan -f |`: what is offered there, in the order in which it is. */
function offered(line: string): readonly string[] | "files" {
  const { words, current } = readBashLine(line, "");
  const offer = candidates(program, words.slice(1), current, names);
  return offer === "files" ? offer : offer.map(({ value }) => value);
}

describe("what may come next", () => {
  test.each([
    ["holdfast explain ", ["tank", "/etc"]],
    ["holdfast list ", ["tank", "tank/*", "/etc"]],
    ["holdfast list tank ", ["tank", "tank/*", "/etc"]],
    ["holdfast explain -v --on ", ["vault", "b2", "wasabi"]],
    ["holdfast explain --on=", ["--on=vault", "--on=b2", "--on=wasabi"]],
    ["holdfast restore tank --from=b2 --to-host ", ["nas"]],
    ["holdfast restore --all ", ["nas"]],
    ["holdfast apply --resolve ", ["vault=rollback", "vault=replace", "b2=rollback", "b2=replace"]],
    ["holdfast completion ", ["bash", "zsh", "fish"]],
    ["holdfast --as ", ["nas", "none"]],
    ["holdfast notify test --only email ", ["webhook", "ntfy", "slack", "discord", "telegram", "gotify", "email"]],
    ["holdfast notify ", ["test", "help"]],
    ["holdfast plan --out ", "files"],
    ["holdfast plan --out=", "files"],
    ["holdfast plan -vf ", "files"],
    ["holdfast plan -fx.yaml --target ", ["tank", "tank/*", "/etc"]],
    ["holdfast restore --repository ", "files"],
    ["holdfast find x --limit ", []],
    ["holdfast find --newer -- ", []],
    ["holdfast list -- --", ["tank", "tank/*", "/etc"]],
    ["holdfast nonsense ", []],
    ["holdfast plan --nonsense=", []],
  ])("%s", (line, expected) => {
    expect(offered(line)).toEqual(expected);
  });

  test("after the last argument, options", () => {
    expect(offered("holdfast version ")).toEqual(expect.arrayContaining(["--json", "--file", "--help"]));
  });

  test("the names of commands for help, and of none that people do not type", () => {
    const commands = offered("holdfast ");
    expect(commands).toContain("plan");
    expect(commands).not.toContain("complete");
    expect(offered("holdfast help ")).toEqual(commands);
  });
});

test("all that stands for a value in the help is known", () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const commands = all(program).filter((command) => command.name() !== "complete");
  const valued = commands.flatMap(({ options, registeredArguments }) => [...options, ...registeredArguments]);
  const placeholders = valued.filter(({ argChoices }) => argChoices === undefined).flatMap(placeholdersOf);
  const known = new Set(Object.keys(VALUES));
  expect(placeholders.filter((one) => !known.has(one) && !/^[a-z]+$/.test(one))).toEqual([]);
  expect([...known].filter((one) => one !== "COMMAND" && !placeholders.includes(one))).toEqual([]);
});

describe("a line of bash", () => {
  test.each([
    ['holdfast list a\\ b \'c d\' "e \\" f" g', ["holdfast", "list", "a b", "c d", 'e " f'], "g", "", ""],
    ["holdfast list nas:ta", ["holdfast", "list"], "nas:ta", "nas:", ""],
    ["holdfast list --on=va", ["holdfast", "list"], "--on=va", "--on=", ""],
    ["holdfast list 'nas:my f", ["holdfast", "list"], "nas:my f", "", "'"],
    ['holdfast list nas:"my f', ["holdfast", "list"], "nas:my f", "nas:", '"'],
    ["holdfast list nas\\:ta", ["holdfast", "list"], "nas:ta", "", ""],
    ["holdfast $(date) `date` ", ["holdfast", "$(date)", "`date`"], "", "", ""],
    ["holdfast list '' ", ["holdfast", "list", ""], "", "", ""],
    ["holdfast list \\", ["holdfast", "list"], "", "", ""],
  ])("%s", (line, words, current, kept, quote) => {
    expect(readBashLine(line, ":=")).toEqual({ words, current, kept, quote });
  });
});

describe("whatever the manifest is, an answer and no message", () => {
  const complete = (...words: string[]) => holdfast.run(["complete", "zsh", "--", "holdfast", ...words]);

  test.each([
    ["none", undefined, []],
    ["one that is not YAML", "{{{{", []],
    [
      "one with mistakes in it",
      "version: 7\nremotes: { vault: { type: what }, vault: {} }\nhosts: 3\n",
      ["vault\tremote"],
    ],
    ["one that is cut in the middle", 'remotes: { vault: {}, b2: { repository: "s3:', ["vault\tremote", "b2\tremote"]],
    [
      "names that would break the line",
      'remotes: { "a\\nb": {}, "a\\tb": {}, "\\e[2J": {}, "\\u202e": {}, ok: {} }',
      ["ok\tremote"],
    ],
  ])("%s", async (_, text, expected) => {
    if (text !== undefined) holdfast.write("holdfast.yaml", text);
    expect(await complete("explain", "--on", "")).toEqual({
      code: 0,
      stdout: ["names", ...expected].map((line) => `${line}\n`).join(""),
      stderr: "",
    });
  });

  test("nor is a message made of what no script asks", async () => {
    expect(await holdfast.run(["complete", "zsh"])).toMatchObject({ code: 0, stderr: "" });
  });
});

test("an unknown shell is named, and those that there are", async () => {
  const { code, stderr } = await holdfast.run(["completion", "csh"]);
  expect(stderr).toContain("Allowed choices are bash, zsh, fish");
  expect(code).toBe(1);
});
