/**
 * The sh scripts of drills. What they print is small, whatever they read: contents never leave the host. `find`, `tar` and
 * `sha256sum` are those of GNU.
 */

/**
 * Two lines for each file and folder: `TYPE ⇥ MODE ⇥ UID ⇥ GID ⇥ SIZE ⇥ TIME ⇥ PATH`, and where a link points to. NUL stands
 * for a newline in a name.
 */
export const LIST = `find . -xdev -path ./.zfs -prune -o -printf '%y\\t%m\\t%U\\t%G\\t%s\\t%T@\\t%p\\0%l\\0' | tr '\\n\\000' '\\000\\n'`;

/** Everything there is of a file, the same wherever and whenever it is read; no time of its last reading. */
const TAR = [
  "tar",
  "--create",
  "--file=-",
  "--format=pax",
  "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
  "--no-recursion",
  "--no-unquote",
  "--numeric-owner",
  "--xattrs",
  "--xattrs-include='*'",
  "--acls",
].join(" ");

/** `PATH…`: one sum over all of them with all that belongs to them. What cannot be read is told on stderr. */
export const SUM = `${TAR} -- "$@" | sha256sum`;

/** Enough for the headers that come before a file's contents. */
const HEADERS = 262_144;

/**
 * `PATH…`: a line each, `SUM ⇥ HEADERS`: of its contents where it is a regular file, or why they cannot be read; and the
 * beginning of what tar makes of it, in base64. Nothing at all of what is not there.
 */
export const DETAILS = `for path do
  if [ -f "$path" ] && [ ! -L "$path" ]; then sum=$({ sha256sum <"$path"; } 2>&1 | tr '\\n\\t' '  '); else sum=; fi
  printf '%s\\t%s\\n' "$sum" "$(${TAR} -- "$path" 2>/dev/null | head -c ${HEADERS} | base64 -w 0)"
done`;

/**
 * `ARCHIVE`: unpacks it, in base64, into the folder it runs in, with all that belongs to its one file, and does of that as
 * `DETAILS` does. What cannot be kept there is missing then.
 */
export const KEPT = `set -- "$1" ./holdfast-kept
printf %s "$1" | base64 -d | tar --extract --file=- --xattrs --xattrs-include='*' --acls 2>/dev/null
shift
${DETAILS}
rm -f -- "$@"`;

/** `FILE COUNT OFFSET…`: a line each, the sum of COUNT MiB from OFFSET MiB on. What cannot be read is told on stderr. */
export const BLOCKS = `file=$1 count=$2
shift 2
for offset do dd if="$file" bs=1048576 skip="$offset" count="$count" status=none | sha256sum; done`;
