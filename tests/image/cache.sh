#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is kept of images: found again, shared, bounded, removed, and never half of it seen,
# whoever is killed when. Two users are two $XDG_CACHE_HOME.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

plan 60
make_images root.tar oci docker.tar one.tar
kept=$XDG_CACHE_HOME/sbx/images
kills=${SBX_TEST_FULL:+70}
kills=${kills:-10}
schemas=$image_here/../../docs/schema

# Files that were just changed are not believed to stay what they are.
touch -d '1 minute ago' "$images"/*.tar "$images/oci/index.json"
old_enough() {
	[ $(($(date +%s) - $(stat -c %Z "$1"))) -ge 3 ]
}
until_true old_enough "$images/oci/index.json"

# how_many DIR: names in a directory of the cache
how_many() {
	find "$kept/$1" -mindepth 1 -maxdepth 1 | wc -l | tr -d ' '
}

# said_by TEXT PATTERN: a line of it
said_by() {
	printf '%s\n' "$1" | grep -q -- "$2"
}

# ---- kept and found again ------------------------------------------------------------------

quick() { # ROOT COMMAND...
	root=$1
	shift
	run --net none -R "$root" -- "$@"
}

is 'a run from a file' "$(quick "$images/root.tar" cat /data/file)" content
is 'R35 R36 it is kept, as one image of one layer' "$(how_many images) $(how_many layers) $(how_many files) $(how_many new)" '1 1 1 0'
is 'all of it is for its owner alone' "$(find "$kept" -maxdepth 2 -type d -perm /077 -o -maxdepth 2 -type f -perm /077)" ''
inode=$(stat -c %i "$kept"/layers/*)
before=$(stat -c %Y "$kept"/images/*)
touch -d '1 hour ago' "$kept"/images/*
is 'it runs again' "$(quick "$images/root.tar" cat /data/file)" content
is 'from the same layer' "$(stat -c %i "$kept"/layers/*)" "$inode"
ok 'and is noted as used now' test "$(stat -c %Y "$kept"/images/*)" -ge "$before"
is 'R21 what is written is not kept' "$(quick "$images/root.tar" sh -c 'echo x >/data/file; rm /etc/passwd'; quick "$images/root.tar" cat /data/file)" content

sum=$(sha256sum <"$images/root.tar")
like 'R36 list tells digest, source and layers' "$(sbx image list | sed -n 2p)" "$(printf %.12s "$sum")*1 *$images/root.tar"
sbx image list --json >listed
python3 "$image_here/../sandbox/validate.py" "$schemas/image-list.json" <listed >why 2>&1
case $? in
77) skip 'list --json fits its schema' "$(cat why)" ;;
*) ok 'list --json fits its schema' test ! -s why ;;
esac

# ---- layers of several images --------------------------------------------------------------

quick "oci:$images/oci:latest" true
quick "oci:$images/oci:small" true
quick "$images/docker.tar" true
is 'images share their layers' "$(how_many images) $(how_many layers)" '4 4'
is 'and look as they are' "$(quick "oci:$images/oci:latest" 'cat /app/again /app/changed /app/removed; ls /app/old')" \
	"$(printf 'kept of 1\nchanged of 2\nremoved of 3\nc\nd')"
is 'one of them without what is above' "$(quick "oci:$images/oci:small" 'cat /app/changed; ls /app/old')" \
	"$(printf 'changed of 1\na\nb')"
sbx image gc --max 0 --dry-run >/dev/null
is 'a dry run removes nothing' "$(how_many images) $(how_many layers)" '4 4'

# ---- in use --------------------------------------------------------------------------------

mkfifo go
# The layer is held by the sandbox, also where its file is not open.
timeout -s KILL 60 "$SBX" run --no-config --net none -R "$images/root.tar" -- \
	sh -c 'echo ready; read line; cat /data/file' <go >used 2>&1 &
user=$!
exec 9>go
until_true grep -q ready used
ok 'R45 everything may go' sbx image gc --all
is 'but what a sandbox uses' "$(how_many images) $(how_many layers) $(how_many new)" '1 1 0'
echo >&9
exec 9>&-
wait "$user"
is 'which goes on' "$(tail -n 1 used)" content
like 'and then it goes' "$(sbx image gc --all | tail -n 1)" 'removed 1 image, 1 layer: * MiB'
is 'without a trace' "$(how_many images) $(how_many layers) $(how_many new) $(how_many files)" '0 0 0 0'

# ---- bounded -------------------------------------------------------------------------------

quick "$images/root.tar" true
touch -d '2 days ago' "$kept"/images/*
is 'R45 a bound makes the least recently used go' "$(quick "$images/one.tar" /busybox true --cache-size 3M >/dev/null
	run --net none --cache-size 3M -R "$images/docker.tar" -- true
	sbx image list | grep -c root.tar)" 0
ok 'nothing that went is left' test "$(how_many new)" = 0
quick "$images/root.tar" true
touch -d '2 days ago' "$kept"/images/"$(sha256sum <"$images/root.tar" | cut -c 1-64)"*
like 'by age' "$(sbx image gc --older 1d | tail -n 1)" 'removed 1 image, 1 layer: *'
sbx image gc --all >/dev/null

# ---- at once -------------------------------------------------------------------------------

for i in 1 2 3 4; do
	quick "$images/root.tar" cat /data/file >"at-once.$i" &
	eval "worker$i=\$!"
done
# shellcheck disable=SC2154
wait "$worker1" "$worker2" "$worker3" "$worker4"
is 'four first runs at once all work' "$(cat at-once.*)" "$(printf 'content\ncontent\ncontent\ncontent')"
quick "$images/one.tar" /busybox true
is 'and one layer stays of them' "$(how_many layers) $(how_many new)" '2 0'
is 'another user has none of it' "$(XDG_CACHE_HOME=$tmp/other sbx image list)" ''
ok 'who looks makes nothing' test ! -e "$tmp/other"
is 'and what that user runs is kept there' "$(XDG_CACHE_HOME=$tmp/other quick "$images/root.tar" cat /data/file
	find "$tmp/other/sbx/images/layers" -mindepth 1 -maxdepth 1 | wc -l)" "$(printf 'content\n1')"

# ---- killed --------------------------------------------------------------------------------

# Many files, so that there are many instants.
python3 -c '
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from archives import Tar
tar = Tar().directory("./").add("busybox", open(sys.argv[2], "rb").read(), mode=0o755)
for i in range(300):
    tar.add(f"file{i}", "x" * 100, uid=i % 3, gid=i % 3)
sys.stdout.buffer.write(tar.add("last", "last\n").bytes())' "$image_here" "$busybox" >many.tar

# killed_at FRACTION COMMAND...: with SIGKILL, that many hundredths of $whole after the start
killed_at() {
	at=$(awk "BEGIN { printf \"%.3f\", $whole * $1 / 100 }")
	shift
	setsid "$@" </dev/null >/dev/null 2>&1 &
	victim=$!
	sleep "$at"
	kill -KILL "$victim" 2>/dev/null
	wait "$victim" 2>/dev/null
	[ $? != 137 ] || hits=$((hits + 1))
}

# elapsed COMMAND...: seconds
elapsed() {
	start=$(date +%s.%N)
	"$@" >/dev/null 2>&1
	awk "BEGIN { print $(date +%s.%N) - $start }"
}

whole_run() {
	"$SBX" run --no-config --net none -R many.tar -- /busybox true
}

sbx image gc --all >/dev/null
whole=$(elapsed whole_run)
wrong='' hits=0
for i in $(seq "$kills"); do
	sbx image gc --all >/dev/null
	killed_at $((i * 37 % 100)) "$SBX" run --no-config --net none -R many.tar -- /busybox true
	for layer in "$kept"/layers/*; do
		[ ! -e "$layer" ] || [ "$(find "$layer/root" | wc -l)" = 303 ] || wrong="$wrong half($i)"
	done
	[ "$(quick many.tar /busybox sh -c 'busybox cat /last; busybox ls / | busybox grep -c file')" = "$(printf 'last\n300')" ] ||
		wrong="$wrong run($i)"
	sbx image gc >/dev/null || wrong="$wrong gc($i)"
	[ "$(how_many new)" = 0 ] || wrong="$wrong left($i)"
done
is "killed $kills times while it extracts: nothing half made is seen, the next run works, nothing is left" "$wrong" ''

whole_gc() {
	sbx image gc --all
}

quick many.tar /busybox true
say "$hits of them were hit"
whole=$(elapsed whole_gc)
wrong='' hits=0
for i in $(seq "$kills"); do
	quick many.tar /busybox true || wrong="$wrong first($i)"
	killed_at $((i * 37 % 100)) "$SBX" image gc --all
	[ "$(quick many.tar /busybox sh -c 'busybox cat /last; busybox ls / | busybox grep -c file')" = "$(printf 'last\n300')" ] ||
		wrong="$wrong run($i)"
	sbx image gc >/dev/null || wrong="$wrong gc($i)"
	[ "$(how_many new)" = 0 ] || wrong="$wrong left($i)"
done
is "killed $kills times while it removes: the next run works, nothing is left" "$wrong" ''

# cut_off HUNDREDTHS: a run with SIGTERM while it extracts, and what that has left
cut_off() {
	"$SBX" image gc --all >/dev/null
	timeout -s TERM "$(awk "BEGIN { print $whole * $1 / 100 }")" "$SBX" run --no-config --net none -R many.tar -- /busybox true </dev/null >/dev/null 2>&1
	how_many new
}
is 'ended by a signal while it extracts, it puts that in order' "$(cut_off 30; cut_off 60)" "$(printf '0\n0')"
say "$hits of them were hit"
sbx image gc --all >/dev/null

# ---- places that are no good ---------------------------------------------------------------

# refused PLACE: a run with this $XDG_CACHE_HOME, in words
refused() {
	XDG_CACHE_HOME=$1 quick "$images/one.tar" /busybox echo alive
	echo "status $?"
}

chmod 770 "$kept/layers"
like 'what others can write to is not used' "$(refused "$XDG_CACHE_HOME")" '*layers: others can write to it*--no-cache*status 125'
is 'but --no-cache runs' "$(run --net none --no-cache -R "$images/root.tar" -- echo alive)" alive
chmod 700 "$kept/layers"
mkdir "$tmp/linked"
ln -s "$XDG_CACHE_HOME/sbx" "$tmp/linked/sbx"
like 'nor what is a link' "$(refused "$tmp/linked")" '*linked/sbx: it is a link*--no-cache*status 125'
mkdir -m 500 "$tmp/readonly"
like 'a place that cannot be written' "$(refused "$tmp/readonly")" '*readonly*Permission denied*--no-cache*status 125'
like 'a relative one' "$(refused relative)" '*XDG_CACHE_HOME is not absolute*--no-cache*status 125'
like 'none at all' "$(unset XDG_CACHE_HOME HOME; quick "$images/one.tar" /busybox true; echo "status $?")" \
	'*neither XDG_CACHE_HOME nor HOME*--no-cache*status 125'
mkdir "$tmp/small"
# shellcheck disable=SC2016 # for the shell inside
full=$(timeout -s KILL 60 unshare -Urm sh -c 'mount -t tmpfs -o size=1M none "$1" || exit 77
	XDG_CACHE_HOME="$1" "$2" run --no-config --net none -R "$3" -- /busybox true; echo "status $?"
	find "$1" -name root -path "*layers*"; du -s "$1" | cut -f 1' sh "$tmp/small" "$SBX" "$images/root.tar" 2>&1 </dev/null)
case $? in
77) skip 'a full disk is told, and a layer is whole or not there' 'no tmpfs can be mounted' ;;
*) like 'a full disk is told, and a layer is whole or not there' "$full" '*No space left on device*status 125*[0-9]' ;;
esac
quick "$images/one.tar" /busybox true
echo '{' >"$kept/images/$(basename "$(find "$kept/images" -name '*.json')")"
is 'a text that cannot be read is none' "$(quick "$images/one.tar" /busybox echo alive; sbx image list | wc -l | tr -d ' ')" "$(printf 'alive\n3')"

# ---- after a loss of power ------------------------------------------------------------------

sbx image gc --all >/dev/null
is_synced() {
	[ "$(find "$kept/layers" -name synced | wc -l)" = "${1:-1}" ]
}
# It is written out beside the command, and need not be done before that ends.
mkfifo written
timeout -s KILL 60 "$SBX" run --no-config --net none -R "$images/root.tar" -- sh -c 'read line' <written >/dev/null 2>&1 &
writer=$!
waiting="$waiting $writer"
exec 8>written
ok 'a layer is written to the disk beside the run' until_true is_synced
exec 8>&-
wait "$writer"
inode=$(stat -c %i "$kept"/layers/*)
echo '{"boot": "another"}' >"$(echo "$kept"/layers/*/layer.json)"
is 'then it is used in the next boot' "$(quick "$images/root.tar" cat /data/file) $(stat -c %i "$kept"/layers/*)" "content $inode"
: >"$(echo "$kept"/layers/*/layer.json)"
rm "$kept"/layers/*/synced
# What the crash has emptied:
within_ids sh -c ": >'$(echo "$kept"/layers/*/root/data/file)'"
is 'else it is extracted again' "$(quick "$images/root.tar" cat /data/file)" content
is 'and what was spoiled is gone' "$(how_many layers) $(how_many new)" '1 0'

# ---- kept above ----------------------------------------------------------------------------

mkdir upper
above() { # ROOT
	run --net none -R "$1" --upper upper -- cat /data/file
	echo "status $?"
}
run --net none -R "$images/root.tar" --upper upper -- sh -c 'echo changed >/data/file'
is 'what is kept above an image is there again' "$(above "$images/root.tar")" "$(printf 'changed\nstatus 0')"
like 'above another it is refused' "$(above "oci:$images/oci:latest")" '*it was begun with the image sha256:*status 125'
sbx image gc --all >/dev/null
is 'above the same, extracted again, it is not' "$(above "$images/root.tar")" "$(printf 'changed\nstatus 0')"
is 'nor without a cache' "$(run --net none --no-cache -R "$images/root.tar" --upper upper -- cat /data/file)" changed

# ---- inspect -------------------------------------------------------------------------------

sbx image gc --all >/dev/null
like 'inspect shows what an image says' "$(sbx image inspect "oci:$images/oci:latest")" \
	'kind *oci*platform *linux/*entrypoint */bin/sh*env *PATH=*user *1000:1000*workdir */srv*ports *53/udp*layers *sha256:*'
sbx image inspect --json - <"$images/docker.tar" >inspected
python3 "$image_here/../sandbox/validate.py" "$schemas/image-inspect.json" <inspected >why 2>&1
case $? in
77) skip 'inspect --json of a stream fits its schema' "$(cat why)" ;;
*) ok 'inspect --json of a stream fits its schema' test ! -s why ;;
esac
is 'and keeps nothing' "$(how_many layers) $(how_many images) $(how_many new)" '0 0 0'
like 'what would have to be fetched is said how' "$(sbx image inspect docker://debian)" '*images are not fetched*skopeo copy docker://debian *'
fails 'a directory is no image' 125 sbx image inspect "$images/root"

# ---- unpack --------------------------------------------------------------------------------

ok 'unpack makes a directory' unpack "$images/root.tar" made
is 'with the ids of a sandbox' "$(list made | grep -E '^data/(owned|setuid) ')" "$(printf 'data/owned f 644 1000 1000 6\ndata/setuid f 4755 0 0 10')"
fails 'one that is not empty is refused' 125 unpack "$images/root.tar" made
mkdir -m 711 empty
head -c 300000 "$images/root.tar" >cut.tar
fails 'what is cut short fails' 125 unpack cut.tar empty
is 'and leaves the directory as it was' "$(stat -c %a empty) $(find empty | wc -l)" '711 1'
fails 'or none' 125 unpack cut.tar none
ok 'where there was none' test ! -e none
whole=$(elapsed unpack many.tar whole)
is 'ended by a signal, it is as it was' "$(for i in 20 40 60 80; do
	timeout -s TERM "$(awk "BEGIN { print $whole * $i / 100 }")" "$SBX" image unpack many.tar ended </dev/null >/dev/null 2>&1
	[ $? != 124 ] || [ ! -e ended ] || echo "$i"
	"$SBX" unshare rm -rf ended
done)" ''

# ---- words ---------------------------------------------------------------------------------

like 'a mistyped command names the nearest' "$(sbx image lst; echo $?)" '*no such command*sbx image list*125'
like 'and so does an option' "$(sbx image gc --dryrun; echo $?)" '*no option --dryrun*--dry-run*125'
