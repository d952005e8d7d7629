import { FIND_PLACE, MAY_MOUNT } from "../snapshot-scripts.ts";

/**
 * `START HOW COUNT (DATASET SNAPSHOT MOUNTPOINT)… ARGUMENTS…`: `find` with the arguments from that folder on, in so many
 * snapshots in turn; to mount each, HOW is `mount`, and this runs in a mount namespace of its own. On stdout `//N` and a NUL
 * once snapshot N could be entered, and `//N CODE` and a NUL when it is done; on stderr a line `//N` before what is said of
 * it. Nothing that `find` prints has `//` in it. A link on the way to START leads out of the snapshot, and what is missing
 * has nothing in it.
 */
export const SEARCH = `start=$1 how=$2 count=$3
shift 3
at=/run/holdfast/snapshots mounted= turn=0
if [ "$how" = mount ]; then [ -d "$at" ] || mkdir -p "$at" || exit 1; fi
enter() {
  if [ "$how" = mount ]; then
    mount -t zfs "$dataset@$snapshot" "$at" && mounted=1 && cd -- "$at"
  else
    { ${FIND_PLACE}; } && cd -- "$place/.zfs/snapshot/$snapshot"
  fi
}
search() {
  dataset=$1 snapshot=$2 place=$3
  shift "$((3 * (count - turn)))"
  printf '//%s\\n' "$turn" >&2
  enter || return 1
  on=$start
  while [ "$on" != . ]; do
    if [ -L "$on" ]; then printf '//%s\\0' "$turn"; return 0; fi
    if [ -d "$on" ] && [ ! -x "$on" ]; then printf '%s: Permission denied\\n' "$on" >&2; return 1; fi
    on=\${on%/*}
  done
  printf '//%s\\0' "$turn"
  [ -d "$start" ] || return 0
  find "$start" "$@"
}
while [ "$turn" -lt "$count" ]; do
  search "$@"
  printf '//%s %s\\0' "$turn" "$?"
  if [ -n "$mounted" ]; then
    cd /
    umount "$at" 2>/dev/null || umount -l "$at"
    mounted=
  fi
  shift 3
  turn=$((turn + 1))
done`;

/** `SEARCH START COUNT …`: mounts what it searches where it may, otherwise goes where ZFS shows the snapshots of what is mounted. */
export const RUN_SEARCH = `search=$1 start=$2
shift 2
if ${MAY_MOUNT}; then
  exec unshare -m sh -c "$search" sh "$start" mount "$@"
fi
exec sh -c "$search" sh "$start" visible "$@"`;
