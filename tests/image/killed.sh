#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Killed at any instant while an archive is unpacked: nothing is half there, the next run works,
# and without a cache nothing is left at all. The same when two want one thing at once, when
# the disk is full, and when the place belongs to somebody else. SBX_TEST_FULL=1: more instants.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck disable=SC2034 # lib.sh looks at it
IN_MEMORY=1
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

count=20
[ -z "${SBX_TEST_FULL:-}" ] || count=90
make_images many.tar root.tar oci.tar
export SBX tmp images

# What the files of many.tar are, seen from a root.
sum='cd / && find many -type f | sort | xargs sha256sum | sha256sum'
wanted=$(tar -C "$tmp/work" -xf "$images/many.tar" many && cd "$tmp/work" && find many -type f | sort | xargs sha256sum |
	sha256sum && rm -r many)
export sum wanted

# Layers that can be seen are whole; every third time the next run is made, which has to be as
# the first one, and what the killed one was making is gone after it.
cat >"$tmp/look" <<'END'
n=$(cat "$tmp/looked" 2>/dev/null || echo 0)
echo $((n + 1)) >"$tmp/looked"
cd "$XDG_CACHE_HOME/sbx/images" 2>/dev/null || exit 0
for root in layers/*/root; do
	[ -d "$root" ] || continue
	count=$("$SBX" unshare find "$root" -path '*/many/*' -type f | wc -l)
	[ "$count" = 1000 ] || { echo "$root has $count files"; exit 1; }
done
if [ $((n % 3)) = 2 ]; then
	said=$(timeout -s KILL 60 "$SBX" run --no-config --net none -R "$images/many.tar" -- sh -c "$sum" 2>&1)
	[ "$said" = "$wanted" ] || { echo "the next run said: $said"; exit 1; }
	left=$(ls new)
	[ -z "$left" ] || { echo "left in new/: $left"; exit 1; }
fi
# From the beginning again.
"$SBX" unshare rm -rf "$XDG_CACHE_HOME/sbx/images/layers" "$XDG_CACHE_HOME/sbx/images/images" "$XDG_CACHE_HOME/sbx/images/files"
END
cat >"$tmp/nothing" <<'END'
left=$("$SBX" unshare find "$HOME" "$XDG_CACHE_HOME" "$XDG_CONFIG_HOME" "$TMPDIR" "$tmp/work" /tmp /var/tmp /dev/shm -xdev \
	-newer "$tmp/stamp" ! -path "$tmp" -user "$(id -u)" 2>/dev/null | grep -e "^$tmp" -e sbx)
[ -z "$left" ] || { echo "left: $left"; exit 1; }
END

plan 19

ok 'killed while it fills the cache: nothing is half there' timeout -s KILL 500 python3 "$image_here/kills.py" \
	"$count" 'sh "$tmp/look"' "$SBX" run --no-config --net none -R "$images/many.tar" -- true
is 'the run after the last of them is whole' \
	"$(run --net none -R "$images/many.tar" -- sh -c "$sum")" "$wanted"
is 'and nothing is left of what was being made' "$(ls "$XDG_CACHE_HOME/sbx/images/new")" ''
"$SBX" unshare rm -rf "$XDG_CACHE_HOME/sbx"
sleep 0.01
touch "$tmp/stamp"
sleep 0.01
ok 'R7: killed without a cache: nothing is left in the file system' timeout -s KILL 500 python3 "$image_here/kills.py" \
	"$count" 'sh "$tmp/nothing"' "$SBX" run --no-config --net none --no-cache -R "$images/many.tar" -- true
is 'R7: and nothing after a run that ended by itself' \
	"$(run --net none --no-cache -R "$images/many.tar" -- true && sh "$tmp/nothing")" ''
sbx list >/dev/null
is 'the runtime directory is clean after the next look at it' "$(find "$tmp/run" -mindepth 2 | head)" ''

# ---- at once ---------------------------------------------------------------------------------

for n in 1 2 3 4; do
	{ run --net none -R "$images/many.tar" -- sh -c "$sum" >"$tmp/said.$n"; } &
	waiting="$waiting $!"
done
# shellcheck disable=SC2086
wait $waiting
waiting=
is 'four at once on an empty cache: all are whole' "$(cat "$tmp"/said.? | sort -u)" "$wanted"
is 'and the layer is there once' "$(find "$XDG_CACHE_HOME/sbx/images/layers" -mindepth 1 -maxdepth 1 | wc -l)" 1
is 'with nothing beside it' "$(ls "$XDG_CACHE_HOME/sbx/images/new")" ''
mkdir -p "$XDG_CACHE_HOME/sbx/images/new/0123456789abcdef/root/x"
: >"$XDG_CACHE_HOME/sbx/images/new/0123456789abcdef/lock"
is 'what a killed one left goes with the next run, also if that has nothing to unpack' \
	"$(run --net none -R "$images/many.tar" -- true && ls "$XDG_CACHE_HOME/sbx/images/new")" ''
"$SBX" unshare rm -rf "$XDG_CACHE_HOME/sbx"

# ---- a full disk -------------------------------------------------------------------------------

# small SIZE SCRIPT: $XDG_CACHE_HOME is a disk of this size. There is but one id in there, so
# all files belong to root.
small() {
	timeout -s KILL 60 env SIZE="$1" OWN="$(id -u)" GROUP="$(id -g)" unshare -Urm sh -c '
		mount -n -t tmpfs -o "size=$SIZE,mode=700" none "$XDG_CACHE_HOME" || exit 77
		exec unshare -U --map-user="$OWN" --map-group="$GROUP" sh -c "$1"' sh "$2" 2>&1 </dev/null
}
said=$(small 1M '"$SBX" run --no-config --net none --squash-ids -R "$images/many.tar" -- true; echo "status $?"
	ls "$XDG_CACHE_HOME/sbx/images/layers" "$XDG_CACHE_HOME/sbx/images/images" | grep -c .
	"$SBX" run --no-config --net none --squash-ids --no-cache -R "$images/many.tar" -- echo alive')
like 'a full disk is one line that says so' "$said" 'sbx: cannot *No space left on device*'
like 'with a hint at a run without cache' "$said" '*sbx: hint: *--no-cache*'
like 'and status 125' "$said" '*status 125*'
like 'which works' "$said" '*alive'

# ---- whose it is -------------------------------------------------------------------------------

within_ids sh -c 'mkdir -m 755 "$tmp/other" "$tmp/other/sbx" && cp -r "$1" "$tmp/other/root" && chown -R 1000:1000 "$tmp/other"' sh \
	"$images"
said=$(XDG_CACHE_HOME=$tmp/other run --net none -R "$images/root.tar" -- true)
like "somebody else's cache directory is refused by name" "$said" "sbx: cannot *$tmp/other*"
like 'with a hint at a run without cache' "$said" '*sbx: hint: *--no-cache*'
is 'and a run without it works' \
	"$(XDG_CACHE_HOME=$tmp/other run --net none --no-cache -R "$images/root.tar" -- echo alive)" alive
is 'R3: an archive of somebody else is a root' "$(run --net none -R "$tmp/other/root/root.tar" -- echo alive)" alive
mkdir "$tmp/second"
is 'a second cache is filled by itself' "$(XDG_CACHE_HOME=$tmp/second run --net none -R "$images/oci.tar" --entrypoint '' -- cat /app/changed)" \
	'changed of 2'
