import { quoteAll } from "../../transport/shell.ts";

/** The sh scripts that bring restic to what it reads. They end with `exec`: what ends a command is to reach restic itself. */

/** restic refuses to keep an empty folder that it is in, but not one that it is told of. */
const READ = `for last do :; done
if [ "$last" = . ] && [ -z "$(ls -A)" ]; then
  left=$#
  while [ $((left -= 1)) -gt 0 ]; do set -- "$@" "$1"; shift; done
  shift
  set -- "$@" "$PWD"
fi
exec "$@"`;

/** `FOLDER ARGV…` */
export const IN_FOLDER = `cd -- "$0" || exit 1\n${READ}`;

/**
 * `SCRIPT DATASET SNAPSHOT MOUNTPOINT ARGV…`: hands over to `MOUNT_SNAPSHOT` where namespaces and mounts are allowed,
 * otherwise goes where ZFS shows the snapshots of what is mounted.
 */
export const IN_SNAPSHOT = `mount=$1 dataset=$2 snapshot=$3 place=$4
shift 4
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
  exec unshare -m sh -c "$mount" sh "$dataset" "$snapshot" "$place" "$@"
fi
while read -r what where type _; do
  [ "$type" = zfs ] && [ "$(printf %b "$what")" = "$dataset" ] && place=$(printf %b "$where")
done </proc/self/mounts
case $place in /*) ;; *) echo "holdfast: $dataset is not mounted" >&2; exit 1 ;; esac
cd -- "$place/.zfs/snapshot/$snapshot" || exit 1
${READ}`;

/**
 * `DATASET SNAPSHOT MOUNTPOINT ARGV…`, in a mount namespace of its own: what is mounted here nobody else sees, and it goes
 * with the process. Over the mount point only where that hides nothing that restic needs.
 */
export const MOUNT_SNAPSHOT = `dataset=$1 snapshot=$2 place=$3
shift 3
for needed in "$HOME" "$RESTIC_CACHE_DIR" "\${RESTIC_REPOSITORY#local:}" "\${TMPDIR:-/tmp}" "$(command -v restic)"; do
  case $needed/ in "$place"/*) place= ;; esac
done
case $place in
/?*) [ -d "$place" ] || place= ;;
*) place= ;;
esac
if [ -z "$place" ]; then
  place=/run/holdfast/snapshots
  mkdir -p "$place" && mount -t tmpfs holdfast "$place" || exit 1
  place=$place/$dataset
  mkdir -p "$place" || exit 1
fi
mount -t zfs "$dataset@$snapshot" "$place" || exit 1
cd -- "$place" || exit 1
${READ}`;

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
