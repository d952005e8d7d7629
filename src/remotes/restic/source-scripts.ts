import { quoteAll } from "../../transport/shell.ts";
import { READ } from "../snapshot-scripts.ts";

/** The sh scripts that bring restic to what it reads. They end with `exec`: what ends a command is to reach restic itself. */

/** `FOLDER ARGV…` */
export const IN_FOLDER = `cd -- "$0" || exit 1\n${READ}`;

/**
 * What a command prints becomes restic's input. The script holds the pipe open until the command has succeeded; where it
 * has not, restic is ended before it sees an end of its input, and leaves no copy.
 */
export const stdinScript = (command: readonly string[], restic: readonly string[]): string => `folder=$(mktemp -d) &&
mkfifo "$folder/pipe" || exit 1
${quoteAll(restic)} <"$folder/pipe" & restic=$!
exec 3>"$folder/pipe"
rm -r "$folder"
${quoteAll(command)} >&3 3>&- </dev/null & command=$!
trap 'kill "$command"' INT TERM
wait "$command"; code=$?
if [ "$code" != 0 ]; then
  # 141: nobody reads any more, and restic says why
  [ "$code" = 141 ] || echo "holdfast: the command ended with $code" >&2
  # more than once: until restic listens for it, a shell's background command ignores this signal
  { for second in 1 2 3 4 5 6 7 8 9 10; do kill -s INT "$restic"; sleep 1; done; kill -s KILL "$restic"; } \
    >/dev/null 2>&1 3>&- & killer=$!
  wait "$restic"
  kill "$killer"
  exit 1
fi
exec 3>&-
wait "$restic"`;
