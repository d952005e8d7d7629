# shellcheck shell=bash
# For `build` of the folders beside it, which sources this: programs out of Debian's packages, unpacked into a cache.
# Nothing is installed, no root is needed.
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
tools=${here##*/}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/$tools
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "$tools: $*" >&2; }
fail() { say "$@"; exit 1; }
mirror() { cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true; }
obstacle() { # WHAT: why nothing can be fetched here, or nothing
  local container='docker run --rm -it -v "$PWD":/src -w /src node:20-bookworm make test'
  for needed in apt-get dpkg-deb flock tar; do
    command -v "$needed" > /dev/null || { echo "$1 from Debian's packages, and $needed is missing: $container"; return; }
  done
  [[ -e $keyring ]] || { echo "$1 from Debian's packages, and $keyring is missing: $container"; return; }
  [[ -n $(mirror) ]] || echo "No Debian mirror is in /etc/apt: $container"
}

# Goes on only where they have to be made: `out` is where they shall be in the end, `work` a folder for it that is removed.
# What is printed: `out`, or with `entry` set the path of that in it.
entry=
once() { # WHAT VARIANT ARGUMENTS: `The restic tools come`, '' or the name of a smaller set, and those of the build
  # changed scripts never meet stale programs
  out=$cache/$(printf '%s' "$(< "$here/build")$(< "$here/../debian.sh")" | sha256sum | cut -c1-12)$2
  if [[ ${3:-} == --check ]]; then
    [[ ! -e $out ]] || exit 0
    obstacle "$1"
    [[ -z $(obstacle "$1") ]]; exit
  fi
  # One build at a time: whoever waits here finds it done.
  if [[ ! -e $out ]]; then
    [[ -z $(obstacle "$1") ]] || fail "$(obstacle "$1")"
    mkdir -p "$cache"
    exec 9> "$cache/lock"
    flock 9
  fi
  [[ ! -e $out ]] || { echo "$out${entry:+/$entry}"; exit 0; }
  work=$(mktemp -d "$cache/part.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{apt/lists/partial,apt/cache/archives/partial,debs,bin}
}

# As if nothing were installed here, whatever apt is set up for.
own=(-q -y -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none
  -o Debug::NoLocking=1)
apt() { # WHAT-FAILED ARGUMENTS
  local folders=(-o Dir::Etc::SourceList="$work/apt/debian.sources" -o Dir::State="$work/apt"
    -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache")
  apt-get "${own[@]}" "${folders[@]}" "${@:2}" > "$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; fail "$1"; }
}
suites() { # SUITE...: where packages come from
  printf '%s\n' 'Types: deb' "URIs: $(mirror)" "Suites: $*" 'Components: main' "Signed-By: $keyring" > "$work/apt/debian.sources"
  : > "$work/apt/status"
  say "fetching from Debian"
  apt 'no package lists' update
}
download() { # PACKAGE[/SUITE]...: into $work/debs
  (cd "$work/debs" && apt "cannot download $*" download "$@")
}

# They are there for good.
finish() { # FOLDER
  mv "$1" "$out"
  echo "$out${entry:+/$entry}"
}
