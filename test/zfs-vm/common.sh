# Sourced by build, start and stop: where things are. Nothing here writes anything.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Every version that can be built, and the libraries Debian packages it with.
versions=(2.3 2.1)
libraries() {
  case $1 in
    2.3) echo libnvpair3linux libuutil3linux libzfs6linux libzpool6linux ;;
    2.1) echo libnvpair3linux libuutil3linux libzfs4linux libzpool5linux ;;
    *) fail "OpenZFS $1 is not known here; known: ${versions[*]}" ;;
  esac
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/zfs-vm

# The folder with vmlinuz and initramfs of a version: named after what they are built from, so a changed
# script never meets a stale machine.
image() {
  local digest
  digest=$(cat "$here/build" "$here/init" "$here/common.sh" | sha256sum | cut -c1-12)
  echo "$cache/$1-$digest"
}
built() { [[ -s $(image "$1")/initramfs ]]; }

# The folder where running machines keep their keys, ports and logs.
runs=${HOLDFAST_ZFS_VM_RUN:-${TMPDIR:-/tmp}/holdfast-zfs-vm-$UID}

say() { echo "zfs-vm: $*"; }
fail() { echo "zfs-vm: $*" >&2; exit 1; }
