#!/bin/bash
# Runs inside a test machine, on an empty pool, and prints one JSON object: what this OpenZFS said in every
# situation that Holdfast must understand. test/tools/capture writes them to test/tools/zfs-VERSION/NAME.json.
# Guids, times and tokens differ from run to run; nothing else should.
#
#   capture-zfs.sh POOL
set -u
export LC_ALL=C
base=$1/case out=$(mktemp -d) && cd "$out" || exit 1
columns=name,type,guid,createtxg,creation,used,referenced,userrefs,clones,origin,written,receive_resume_token,encryption,keystatus,encryptionroot,redacted,mounted,mountpoint,available
kinds=filesystem,volume,snapshot,bookmark
overrides='-o readonly=on -o canmount=noauto -x mountpoint'

say() { # NAME SHELL-COMMAND: run it, keep everything it says; the exit code of a pipe is that of its last part
  printf %s "$2" > "$1.command"
  bash -c "$2" > "$1.stdout" 2> "$1.stderr" < /dev/null
  printf %s $? > "$1.exit"
}
list() { say "$1" "zfs list -Hp -t $kinds -r -o $columns $2"; }
token() { zfs get -Hp -o value receive_resume_token "$1"; }
random() { head -c "$1" /dev/urandom; }
as_backup() { say "$1" "su backup -s /bin/bash -c \"$2\""; }

zfs create "$base"
say version 'zfs version'
say pools 'zpool list -Hp -o name,guid,health,size,allocated,free,readonly'
say pools-missing 'zpool list -Hp -o name,guid,health nopool'

# --- one of each kind
data=$base/data
zfs create "$data"; random 6000000 > "/$data/a"; zfs snapshot "$data@s1"; zfs hold holdfast "$data@s1"; zfs bookmark "$data@s1" "$data#s1"
zfs clone "$data@s1" "$base/clone"; random 3000000 > "/$data/b"; zfs snapshot "$data@s2"; zfs snapshot "$data@with space"
zfs create -V 16M "$base/volume"; zfs snapshot "$base/volume@s1"
echo passphrase | zfs create -o encryption=on -o keyformat=passphrase "$base/encrypted"; zfs snapshot "$base/encrypted@s1"; zfs create "$base/encrypted/child"
echo passphrase | zfs create -o encryption=on -o keyformat=passphrase "$base/locked"; zfs unmount "$base/locked"; zfs unload-key "$base/locked"; zfs snapshot "$base/locked@s1"
zfs create -u -o canmount=off -o holdfast:placeholder=on "$base/placeholder"
zfs set holdfast:adopted=on "$data"; zfs create "$data/child"
zfs send -L -e -c "$data@s2" | head -c 4000000 | zfs receive -u -s "$base/cut-initial" 2> /dev/null
zfs send -L -e -c "$data@s1" | zfs receive -u "$base/cut-increment"
zfs send -L -e -c -i @s1 "$data@s2" | head -c 1500000 | zfs receive -u -s "$base/cut-increment" 2> /dev/null
zfs snapshot "$base/clone@theirs"; zfs redact "$data@s1" redaction "$base/clone@theirs"; zfs send --redact redaction "$data@s1" | zfs receive -u "$base/redacted"
zpool sync
list list-every-kind "$base"
list list-missing-root "$base/missing $base/volume"
list list-missing-pool nopool/data
list list-overlapping-roots "$base/data $base/data/child"
say get-own-properties "zfs get -Hp -s local -t filesystem,volume -r -o name,property,value holdfast:adopted,holdfast:placeholder $base"
say get-own-properties-none "zfs get -Hp -s local -t filesystem,volume -r -o name,property,value holdfast:adopted,holdfast:placeholder $base/volume"
say get-own-properties-missing-root "zfs get -Hp -s local -t filesystem,volume -r -o name,property,value holdfast:adopted,holdfast:placeholder $base/missing $base/data"
say files-in-an-empty-dataset "zfs userspace -Hpn -o objused $base/placeholder"
say files-in-a-dataset "zfs userspace -Hpn -o objused $data"
say holds "zfs holds -H $data@s1"
zfs snapshot "$data@s3"

# --- sizes and progress
say send-size-full "zfs send -nvP -L -e -c $data@s1"
say send-size-increment "zfs send -nvP -L -e -c -i @s1 $data@s2"
say send-size-range "zfs send -nvP -L -e -c -I @s1 $data@s3"
say send-size-from-bookmark "zfs send -nvP -L -e -c -i $data#s1 $data@s2"
say send-size-missing "zfs send -nvP -L -e -c $data@missing"
say send-progress "zfs send -vP -L -e -c $data@s1 | (sleep 2.5; cat > /dev/null)"
say send-key-not-loaded "zfs send -L -e -c $base/locked@s1 > /dev/null"
say send-encrypted-with-properties-not-raw "zfs send -p -L -e -c $base/encrypted@s1 > /dev/null"

# --- tokens
say token-initial "zfs send -nvP -t $(token "$base/cut-initial")"
say token-increment "zfs send -nvP -t $(token "$base/cut-increment")"
say token-garbage 'zfs send -nvP -t 1-garbage'
say token-not-hexadecimal "zfs send -nvP -t $(token "$base/cut-initial" | sed 's/........$/zzzzzzzz/')"
zfs create -o recordsize=1M "$base/large"; random 6000000 > "/$base/large/a"; zfs snapshot "$base/large@s1"
zfs send -L -e -c "$base/large@s1" | head -c 3000000 | zfs receive -u -s "$base/cut-large" 2> /dev/null
say token-large-blocks "zfs send -nvP -t $(token "$base/cut-large")"
random 4000000 > "/$base/encrypted/a"; zfs snapshot "$base/encrypted@s2"
zfs send -w "$base/encrypted@s2" | head -c 2000000 | zfs receive -u -s "$base/cut-raw" 2> /dev/null
say token-raw "zfs send -nvP -t $(token "$base/cut-raw")"
list list-cut-raw "$base/cut-raw"
zfs create "$base/lost"; random 3000000 > "/$base/lost/a"; zfs snapshot "$base/lost@s1"; random 3000000 > "/$base/lost/b"; zfs snapshot "$base/lost@s2"
zfs send "$base/lost@s1" | zfs receive -u "$base/cut-lost"; zfs send -i @s1 "$base/lost@s2" | head -c 1500000 | zfs receive -u -s "$base/cut-lost" 2> /dev/null
lost=$(token "$base/cut-lost")
zfs bookmark "$base/lost@s1" "$base/lost#s1"; zfs destroy "$base/lost@s1"
say token-base-is-a-bookmark "zfs send -nvP -t $lost"
zfs destroy "$base/lost#s1"
say token-base-destroyed "zfs send -nvP -t $lost"
zfs destroy "$base/lost@s2"
say token-target-destroyed "zfs send -nvP -t $lost"
zfs snapshot "$base/lost@s2"
say token-target-recreated "zfs send -nvP -t $lost"
zfs destroy -r "$base/lost"
say token-dataset-destroyed "zfs send -nvP -t $lost"

# --- receiving
say receive "zfs send -p -L -e -c $data@s1 | zfs receive -u -s $overrides -o holdfast:adopted=on $base/copy"
say receive-properties "zfs get -Hp -o property,value,source readonly,canmount,mountpoint,holdfast:adopted $base/copy"
say receive-cut "zfs send -L -e -c $data@s1 | head -c 2000000 | zfs receive -u -s $base/cut"
say receive-cut-at-once "zfs send -L -e -c $data@s1 | head -c 400 | zfs receive -u -s $base/cut-at-once"
say receive-over-a-partial-initial "zfs send -L -e -c $data@s1 | zfs receive -u -s $base/cut"
say receive-over-a-partial-increment "zfs send -L -e -c -i @s1 $data@s2 | zfs receive -u -s $base/cut-increment"
say receive-abort "zfs receive -A $base/cut"
say receive-abort-nothing "zfs receive -A $base/copy"
say receive-abort-missing "zfs receive -A $base/cut"
say receive-onto-an-existing "zfs send -L -e -c $data@s2 | zfs receive -u -s $base/copy"
say receive-the-same-again "zfs send -L -e -c -I @s1 $data@s2 | zfs receive -u -s $base/copy && zfs send -L -e -c -I @s1 $data@s2 | zfs receive -v -u -s $base/copy"
say receive-missing-parent "zfs send -L -e -c $data@s1 | zfs receive -u -s $base/no/such/parent"
zfs send -L -e -c "$data@s1" | zfs receive -u "$base/behind"
say receive-base-missing "zfs send -L -e -c -i @s2 $data@s3 | zfs receive -u -s $base/behind"
zfs snapshot "$base/behind@clean"
say receive-after-a-clean-extra "zfs send -L -e -c -i @s1 $data@s2 | zfs receive -u -s $base/behind"
list list-after-a-clean-extra "$base/behind"
zfs send -L -e -c "$data@s1" | zfs receive "$base/modified"; echo more > "/$base/modified/more"; zpool sync
say receive-onto-modified "zfs send -L -e -c -i @s1 $data@s2 | zfs receive -u -s $base/modified"
zfs snapshot "$base/modified@theirs"
say receive-onto-diverged "zfs send -L -e -c -i @s1 $data@s2 | zfs receive -u -s $base/modified"
zfs send -L -e -c "$data@s1" | zfs receive -u "$base/samename"; zfs snapshot "$base/samename@s2"
say receive-same-name-other-guid "zfs send -L -e -c -i @s1 $data@s2 | zfs receive -u -s $base/samename"
say receive-volume-with-canmount "zfs send -L -e -c $base/volume@s1 | zfs receive -u -s -o canmount=noauto $base/volume-copy"
say receive-volume-without-mountpoint "zfs send -L -e -c $base/volume@s1 | zfs receive -u -s -x mountpoint $base/volume-copy"
zfs send -L -e -c "$base/large@s1" | zfs receive -u "$base/large-copy"; random 1000 > "/$base/large/b"; zfs snapshot "$base/large@s2"
say receive-needs-large-blocks "zfs send -e -c -i @s1 $base/large@s2 | zfs receive -u -s $base/large-copy"
zfs create -o quota=3M "$base/small"
say receive-over-quota "zfs send -L -e -c $data@s1 | zfs receive -u -s $base/small/copy"
zfs send -w "$base/encrypted@s1" | zfs receive -u "$base/raw-copy"; zfs snapshot "$base/raw-copy@theirs"
say receive-raw-after-a-clean-extra "zfs send -w -i @s1 $base/encrypted@s2 | zfs receive -u -s $base/raw-copy"
say receive-onto-a-placeholder-without-force "zfs send -L -e -c $data@s1 | zfs receive -u -s $base/placeholder"
say receive-raw-onto-a-placeholder "zfs send -w $base/encrypted@s1 | zfs receive -F -u -s $base/placeholder"
say receive-onto-a-placeholder "zfs send -L -e -c $data@s1 | zfs receive -F -u -s $overrides $base/placeholder"

# --- while a receive runs: the sender stands still until told to go on
mkfifo gate
(zfs send -L -e -c "$base/large@s1" | (dd bs=64k iflag=fullblock count=40 2> /dev/null; read -r _ < gate; cat) | zfs receive -u -s "$base/running") &
until zfs list "$base/running" > /dev/null 2>&1; do sleep 0.2; done
list list-while-receiving "$base/running"
say receive-while-receiving "zfs send -t $(token "$base/running") | zfs receive -u -s $base/running"
say receive-abort-while-receiving "zfs receive -A $base/running"
say destroy-while-sending "zfs destroy $base/large@s1"
echo > gate; wait

# --- destroying, holding, naming
say destroy-unknown "zfs destroy $data@no1,no2"
say destroy-cloned "zfs destroy $data@s1,s3"
say destroy-base-of-a-partial "zfs destroy $base/cut-increment@s1"
zfs hold keep "$data@s2"
say destroy-held "zfs destroy $data@s2,s3"
say destroy-not-a-snapshot-list "zfs destroy $data@s3,no1"
say destroy-bookmark-missing "zfs destroy $data#missing"
say hold-twice "zfs hold keep $data@s2"
say release-absent "zfs release absent $data@s2"
say bookmark-of-a-bookmark "zfs bookmark $data#s1 $data#again"
say bookmark-exists "zfs bookmark $data@s2 $data#s1"
say bookmark-missing-snapshot "zfs bookmark $data@missing $data#missing"
say snapshot-exists "zfs snapshot $data@s2 $base/clone@s2"
say snapshot-missing-dataset "zfs snapshot $base/missing@s9"
say rollback-not-the-newest "zfs rollback $data@s1"
say create-exists "zfs create -u $data"
say create-missing-parent "zfs create -u $base/no/such"

# --- without rights
as_backup denied-snapshot "zfs snapshot $data@denied"
as_backup denied-destroy "zfs destroy $data@s2"
as_backup denied-send "zfs send $data@s2 > /dev/null"
as_backup denied-bookmark "zfs bookmark $data@s2 $data#denied"
say denied-receive "zfs send $data@s2 | su backup -s /bin/bash -c 'zfs receive -u $base/denied'"
as_backup denied-set "zfs set holdfast:adopted=on $data"

node -e '
const fs = require("fs");
const cases = {};
for (const file of fs.readdirSync(".").filter((name) => name.endsWith(".command")).sort()) {
  const name = file.slice(0, -".command".length);
  const read = (part) => fs.readFileSync(`${name}.${part}`, "utf8");
  cases[name] = { command: read("command"), exit: Number(read("exit")), stdout: read("stdout"), stderr: read("stderr") };
}
process.stdout.write(JSON.stringify(cases));'
cd / && rm -rf "$out"
