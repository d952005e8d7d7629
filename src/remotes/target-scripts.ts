/**
 * The sh scripts around files that are restored into a folder, whatever brings them. A folder that holds anything is not
 * touched, unless by the mark in it: what is there is then the beginning of this very restore.
 */

/** `FOLDER MARK`: makes the folder, and marks it before the first file. Prints why it refuses. */
export const CLAIM_FOLDER = `mkdir -p -- "$0" && cd -- "$0" || exit 1
[ -e "$1" ] && exit 0
if [ -n "$(ls -A)" ]; then
  echo "holdfast: $0 is not empty" >&2
  exit 1
fi
: >"$1"`;

/** `FOLDER MARK PATH…`: takes the mark away when all paths are there, and leaves no trace of it; prints the first that is not. */
export const FINISH_FOLDER = `cd -- "$0" || exit 1
mark=$1
shift
for path do
  if [ ! -e "./$path" ] && [ ! -L "./$path" ]; then
    [ -z "$(ls -A | grep -vxF -- "$mark")" ] && rm -f -- "$mark"
    echo "holdfast: missing $path" >&2
    exit 1
  fi
done
[ -e "$mark" ] || exit 0
times=$(mktemp) && touch -r . "$times" && rm -f -- "$mark" && touch -r "$times" . && rm -f "$times"`;

/** `FOLDER MARK`: nothing but the mark is in it. */
export const IS_BARE = `cd -- "$0" && [ -z "$(ls -A | grep -vxF -- "$1")" ]`;
