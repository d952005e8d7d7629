import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa, execaSync } from "execa";
import type { Shell } from "../../../src/cli/completion/scripts.ts";

const root = join(import.meta.dirname, "../../..");
const tools = execaSync("bash", [join(root, "test/shell-tools/build")]).stdout;

const TAB = "\t";
/** Keys of their own: put all that is offered into the line; write the line into a file. */
const ALL = "\x18a";
const SHOW = "\x18s";

/** A shell as somebody has it in front of them, with completion loaded as docs/install.md says. */
interface Setup {
  /** Files of its home. */
  readonly files: (shown: string) => Readonly<Record<string, string>>;
  readonly start: string;
}
const SETUPS: Readonly<Record<Shell, Setup>> = {
  bash: {
    files: (shown) => ({
      rc: [
        "PS1='ready> '",
        "bind 'set bell-style none'",
        `bind '"\\C-xa": insert-completions'`,
        `show() { printf %s "$READLINE_LINE" > ${shown}.part && mv ${shown}.part ${shown}; }`,
        `bind -x '"\\C-xs": show'`,
        "source <(holdfast completion bash)",
      ].join("\n"),
    }),
    start: "exec bash --noprofile --rcfile rc -i",
  },
  zsh: {
    files: (shown) => ({
      ".zshrc": [
        `fpath=(${tools}/functions/Completion ${tools}/functions/Completion/*(/N) ${tools}/functions/Zle)`,
        "PS1='ready> '",
        "unsetopt beep",
        "autoload -Uz compinit && compinit -D",
        "zstyle ':completion:all-matches::::' completer _all_matches _complete",
        "zstyle ':completion:all-matches:*' insert true",
        "zle -C all-matches complete-word _generic",
        "bindkey -e",
        "bindkey '^Xa' all-matches",
        `show() { print -rn -- "$BUFFER" > ${shown}.part && mv ${shown}.part ${shown}; }`,
        "zle -N show",
        "bindkey '^Xs' show",
        "source <(holdfast completion zsh)",
      ].join("\n"),
    }),
    start: `exec ${tools}/bin/zsh -d -i`,
  },
  fish: {
    files: (shown) => ({
      ".config/fish/config.fish": [
        "function fish_prompt; echo -n 'ready> '; end",
        "function fish_greeting; end",
        "function fish_update_completions; end", // would read all manual pages, beside us
        `bind \\cxs 'commandline -b | string collect | read -z line; echo -n (string trim -r -c \\n -- "$line") > ${shown}.part; mv ${shown}.part ${shown}'`,
        "holdfast completion fish | source",
      ].join("\n"),
    }),
    start: `exec ${tools}/bin/fish -i`,
  },
};

/** Starts it anew for each line: what is left of one is in no other. */
export function useShell(shell: Shell, program: string, folder: string) {
  const home = mkdtempSync(join(tmpdir(), "holdfast-shell-"));
  const shown = join(home, "shown");
  const bin = join(home, "bin");
  const env = {
    HOME: home,
    ZDOTDIR: home,
    PATH: `${bin}:${process.env.PATH}`,
    TERM: "xterm",
    LC_ALL: "C.UTF-8",
  };
  const write = (name: string, text: string): void => {
    mkdirSync(join(home, name, ".."), { recursive: true });
    writeFileSync(join(home, name), text);
  };
  write("bin/holdfast", `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(join(bin, "holdfast"), 0o755);
  for (const [name, text] of Object.entries(SETUPS[shell].files(shown))) write(name, text);

  /** The line after these keys. */
  async function press(keys: string): Promise<string> {
    rmSync(shown, { force: true });
    const start = `stty cols 200; cd '${home}' && export OLDPWD && ${SETUPS[shell].start}`;
    const child = execa("script", ["-qefc", start, "/dev/null"], { env, reject: false, all: true, cwd: home });
    let screen = "";
    child.all.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
    });
    const until = async (is: () => boolean, what: string): Promise<void> => {
      for (const end = Date.now() + 30_000; !is(); await sleep(20))
        if (Date.now() > end) throw new Error(`${shell}: no ${what}; it shows ${JSON.stringify(screen)}`);
    };
    try {
      await until(() => screen.includes("ready> "), "prompt");
      screen = "";
      child.stdin?.write(`cd '${folder}'; printf 'th%s\\n' ere\r`);
      await until(() => /there\s[\s\S]*ready> /.test(screen), "second prompt");
      child.stdin?.write(keys + SHOW);
      await until(() => existsSync(shown), "line");
      return readFileSync(shown, "utf8");
    } finally {
      child.kill("SIGKILL");
      await child;
    }
  }

  return {
    /** What Tab makes of a line. */
    tab: (line: string) => press(line + TAB),
    /** All that is offered for the end of a line, as the shell would quote it. */
    offers: async (line: string): Promise<string> => {
      if (shell !== "fish") return (await press(line + ALL)).slice(line.length);
      const ask = 'for one in (complete -C "$argv[1]"); string escape -- (string split -f 1 \\t -- $one); end';
      const { stdout } = await execa(join(tools, "bin/fish"), ["-c", ask, line], { env, cwd: folder });
      return stdout.replaceAll("\n", " ");
    },
    /** What the words of a command line mean to the shell. */
    words: async (line: string): Promise<string[]> => {
      const program = shell === "bash" ? "bash" : join(tools, "bin", shell);
      const options = { bash: ["--norc"], zsh: ["-f"], fish: [] }[shell];
      const { stdout } = await execa(program, [...options, "-c", `printf '%s\\n' ${line}`], { env, cwd: folder });
      return stdout.split("\n");
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
