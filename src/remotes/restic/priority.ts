import type { Repository } from "../../model/manifest.ts";

/** `exec` all along: what ends the command is to reach restic itself. */
const SCRIPTS: Readonly<Record<Exclude<Repository["priority"], "normal">, string>> = {
  low: `command -v nice >/dev/null && set -- nice -n 10 "$@"
exec "$@"`,
  idle: `command -v ionice >/dev/null && set -- ionice -c 3 "$@"
command -v nice >/dev/null && set -- nice -n 19 "$@"
exec "$@"`,
};

/** A command with that priority, as far as there are the programs for it. */
export const withPriority = (argv: readonly string[], priority: Repository["priority"]): readonly string[] =>
  priority === "normal" ? argv : ["sh", "-c", SCRIPTS[priority], "sh", ...argv];
