/** The sh scripts that bring a program to the files of a ZFS snapshot. They end with `exec`: what ends a command is to reach it. */

/** restic refuses to keep an empty folder that it is in, but not one that it is told of. */
export const READ = `for last do :; done
if [ "$last" = . ] && [ -z "$(ls -A)" ]; then
  left=$#
  while [ $((left -= 1)) -gt 0 ]; do set -- "$@" "$1"; shift; done
  shift
  set -- "$@" "$PWD"
fi
exec "$@"`;

/** Whether this account may make a mount namespace of its own. */
export const MAY_MOUNT = `[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null`;

/** Sets `place` to where `dataset` is mounted; ends with 1 where it is not, and `place` is no path either. */
export const FIND_PLACE = `while read -r what where type _; do
  [ "$type" = zfs ] || continue
  case $what in *\\\\*) what=$(printf %b "$what") ;; esac
  [ "$what" = "$dataset" ] && place=$(printf %b "$where")
done </proc/self/mounts
case $place in /*) ;; *) echo "holdfast: $dataset is not mounted" >&2; false ;; esac`;

/**
 * `SCRIPT DATASET SNAPSHOT MOUNTPOINT ARGV…`: hands over to `MOUNT_SNAPSHOT` where namespaces and mounts are allowed,
 * otherwise goes where ZFS shows the snapshots of what is mounted.
 */
export const IN_SNAPSHOT = `mount=$1 dataset=$2 snapshot=$3 place=$4
shift 4
if ${MAY_MOUNT}; then
  exec unshare -m sh -c "$mount" sh "$dataset" "$snapshot" "$place" "$@"
fi
{ ${FIND_PLACE}; } || exit 1
cd -- "$place/.zfs/snapshot/$snapshot" || exit 1
${READ}`;

/**
 * `DATASET SNAPSHOT MOUNTPOINT ARGV…`, in a mount namespace of its own: what is mounted here nobody else sees, and it goes
 * with the process. Over the mount point only where that hides nothing that restic needs.
 */
export const MOUNT_SNAPSHOT = `dataset=$1 snapshot=$2 place=$3
shift 3
for needed in "$HOME" "$XDG_CACHE_HOME" "$RESTIC_CACHE_DIR" "\${RESTIC_REPOSITORY#local:}" "\${TMPDIR:-/tmp}" "$(command -v restic)"; do
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
