import { DockerfileParser } from "dockerfile-ast";
import { expect, test } from "vitest";
import { SCRIPTS } from "../../../src/cli/completion/scripts.ts";
import { packaged, shellcheck, shellcheckText, textOf } from "./tools.ts";

test("the rc script for FreeBSD has no mistake that shellcheck knows", () => {
  const { all, exitCode } = shellcheck("--shell=sh", packaged("freebsd/holdfast"));
  expect(all).toBe("");
  expect(exitCode).toBe(0);
});

test("nor have the commands of the Containerfile", () => {
  const commands = DockerfileParser.parse(textOf("container/Containerfile"))
    .getInstructions()
    .filter((each) => each.getKeyword() === "RUN")
    .map((each) => each.getArgumentsContent());
  expect(commands.length).toBeGreaterThan(3);
  // $PACKAGES is several words, on purpose
  for (const command of commands) expect(shellcheckText(command ?? "", "--exclude=SC2086").all).toBe("");
});

test("nor has what completes in bash", () => {
  expect(shellcheckText(SCRIPTS.bash, "--shell=bash").all).toBe("");
});

test("what shellcheck knows is noticed", () => {
  expect(shellcheckText("echo $1").all).toContain("SC2086");
});
