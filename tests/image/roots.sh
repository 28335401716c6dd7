#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What was asked of roots from archives and images, demand by demand (docs/demands.md).
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

make_images all
cd "$images" || exit 1
quick='--net none'

# in_image ARG...: without a network, which none of these is about
in_image() {
	# shellcheck disable=SC2086
	run $quick "$@"
}

# quiet ARG...: what it says on stderr alone
quiet() {
	timeout -s KILL 60 "$SBX" run --no-config "$@" 2>&1 >/dev/null </dev/null
}

plan 63

# ---- R2: the same each time --------------------------------------------------------------------

originals='root root.tar root.tar.gz oci oci.tar docker.tar app.aci'
# shellcheck disable=SC2086
before=$(snapshot $originals)
pure() {
	in_image --pure --record "$tmp/record.$1" -R root.tar -- sh -c 'echo $$ >/srv/x; hostname >/etc/name' ||
		return 1
	cat "$tmp/record.$1"
}
first=$(pure 1)
second=$(pure 2)
like 'R2: a pure run leaves a record' "$first" '*sha256:*'
digests() {
	printf '%s\n' "$1" | grep -oE 'sha256:[0-9a-f]{64}' | sort
}
is 'R2: two pure runs give the same digests' "$(digests "$second")" "$(digests "$first")"

# ---- R3, R19: however it is named ------------------------------------------------------------------

is 'R3: a relative name' "$(in_image -R root.tar -- cat /data/file)" content
is 'R3: a name with a blank' "$(cp root.tar 'a b.tar' && in_image -R 'a b.tar' -- cat /data/file)" content
is 'R3: a name with a colon' "$(mkdir x:y && cp root.tar x:y/z:1.tar && in_image -R x:y/z:1.tar -- cat /data/file)" content
is 'R3: a link' "$(ln -s root.tar.gz link && in_image -R link -- cat /data/file)" content
is 'R3: a file that may only be read' "$(cp root.tar ro.tar && chmod 400 ro.tar && in_image -R ro.tar -- cat /data/file)" content
is 'R3: a file of another name' "$(cp root.tar.zst something && in_image -R something -- cat /data/file)" content
is 'R3: a layout by its relative name' "$(in_image -R oci:oci:latest --entrypoint '' -- cat /app/changed)" 'changed of 2'
read_only() {
	timeout -s KILL 60 env OWN="$(id -u)" GROUP="$(id -g)" unshare -Urm sh -c '
		mount -n --bind "$PWD" "$PWD" && mount -n -o remount,ro,bind "$PWD" && cd "$PWD" || exit 77
		exec unshare -U --map-user="$OWN" --map-group="$GROUP" sh -c "$1"' sh "$1" 2>&1 </dev/null
}
export SBX
is 'R3: read-only media, an archive' \
	"$(read_only '"$SBX" run --no-config --net none --squash-ids --cwd off -R root.tar -- cat /data/file')" content
is 'R3: read-only media, a directory' \
	"$(read_only '"$SBX" run --no-config --net none --cwd off -R root -- sh -c "echo new >/data/new && cat /data/new"')" new

# ---- R4, R5: a network and mounts --------------------------------------------------------------

like 'R4: an image has a network by one option' "$(run --net user -R root.tar -- cat /etc/resolv.conf)" '*nameserver*'
mkdir "$tmp/data"
echo ours >"$tmp/data/file"
is 'R5: a directory of the host, at a place that the image lacks' \
	"$(in_image -v "$tmp/data:/not/there:ro" -R root.tar -- cat /not/there/file)" ours
is 'R5: a file of the host over one of the image' \
	"$(in_image -v "$tmp/data/file:/data/file:ro" -R root.tar -- cat /data/file)" ours
fails 'R5: read-only is read-only' 1 in_image -v "$tmp/data:/data:ro" -R root.tar -- touch /data/x

# ---- R6: archives ------------------------------------------------------------------------------

for suffix in '' .gz .bz2 .xz .zst .lz4; do
	is "R6: a tar from a pipe${suffix:+ ($suffix)}" \
		"$(sbx run --no-config --net none -R - -- cat /data/file <"root.tar$suffix")" content
done
is 'R6: from a real pipe' "$(tar -C root -c . | cat | sbx run --no-config --net none -R - -- cat /data/file)" content
is 'R6: the command has no stdin then' "$(sbx run --no-config --net none -R - -- sh -c 'cat | wc -c' <root.tar)" 0
is 'R6: an image from stdin' "$(sbx run --no-config --net none -R - <docker.tar)" 'hello /srv 1000:1000'

# ---- R7, R35: nothing kept -----------------------------------------------------------------------

"$SBX" unshare rm -rf "$XDG_CACHE_HOME/sbx"
sleep 0.01
touch "$tmp/stamp"
sleep 0.01
in_image --no-cache -R root.tar -- sh -c 'echo >/srv/x' >/dev/null
in_image -R - -- true <root.tar >/dev/null
is 'R7: nothing new is in the file system' "$(newer "$tmp/stamp" | grep -v '^$' | grep -vx "$tmp/cache")" ''
is 'R35: without a cache there is none' "$(ls "$XDG_CACHE_HOME")" ''
mkdir -m 500 "$tmp/closed"
is 'R35: nobody needs a place for one' "$(XDG_CACHE_HOME=$tmp/closed in_image --no-cache -R root.tar -- cat /data/file)" content

# ---- R14, R15, R42, R43: few words ----------------------------------------------------------------

is 'R14: a root and a command are enough' "$(env -i PATH="$PATH" XDG_CACHE_HOME="$XDG_CACHE_HOME" "$SBX" run -R root.tar -- \
	cat /data/file 2>&1 </dev/null)" content
is 'R14: and an image alone' "$(in_image -R oci.tar)" 'hello /srv 1000:1000'
is 'R15: -e, -w, -u, --hostname, -v as docker has them' "$(in_image -i --rm --name image-test -e A=b -w /tmp -u 5:6 \
	--hostname box -v "$tmp/data:/mnt:ro" -R oci.tar --entrypoint '' -- sh -c 'echo $A $PWD $(id -u):$(id -g) $(hostname) $(cat /mnt/file)')" \
	'b /tmp 5:6 box ours'
is 'R15: a command takes the place of the image'"'"'s and follows its entrypoint' "$(in_image -R oci.tar -- 'echo mine')" mine
is 'R15: another entrypoint leaves the image'"'"'s command out' "$(in_image --entrypoint /bin/pwd -R oci.tar)" /srv
like 'R15: no command and none in the image' "$(in_image -R root.tar)" 'sbx: cannot *no command given*'
is 'R42: sbx says nothing when all goes well' "$(quiet --net none -R root.tar -- sh -c 'echo out')" ''
is 'R42: also the first time, into the cache' \
	"$("$SBX" unshare rm -rf "$XDG_CACHE_HOME/sbx"; quiet --net none -R docker.tar)" ''
is 'R42: a shell without input ends quietly' "$(in_image -R root.tar -- sh; echo $?)" 0
is 'R43: no word of time zones' "$(quiet --net none --tz Europe/Berlin -R root.tar -- date)" ''

# ---- R16, R41: layers ------------------------------------------------------------------------------

look='cd /app && cat kept changed removed again old/c old/d 2>&1; ls old; cat /srv/third'
merged='kept of 1
changed of 2
removed of 3
kept of 1
c of 2
d of 2
c
d
3'
for name in oci:oci:latest oci.tar oci-gz.tar oci-zst.tar docker.tar docker-first.tar; do
	is "R41: layers are flattened, deletions included ($name)" "$(in_image -R "$name" --entrypoint '' -- sh -c "$look")" "$merged"
	is "R41: and the same from memory ($name)" "$(in_image --no-cache -R "$name" --entrypoint '' -- sh -c "$look")" "$merged"
done
is 'R16: a directory and a tar of it say the same' "$(in_image -R root -- cat /data/file)" \
	"$(tar -C root -c . | sbx run --no-config --net none -R - -- cat /data/file)"

# ---- R17: devices --------------------------------------------------------------------------------

is 'R17: eight devices in a tar need no privilege' "$(in_image -R root.tar -- sh -c 'echo x >/dev/null && ls /dev/loop0 2>/dev/null; echo $?')" 1
ok 'R17: nor does unpacking it' unpack root.tar "$tmp/unpacked"
is 'R17: and they are not made' "$(list "$tmp/unpacked" | grep -cE '^dev/[^ ]+ [bc] ')" 0

# ---- R21: what is written ----------------------------------------------------------------------------

is 'R21: what is written is thrown away' \
	"$(in_image -R root.tar -- sh -c 'echo x >/data/new && rm /data/file' && in_image -R root.tar -- sh -c 'ls /data/new 2>/dev/null; cat /data/file')" content
mkdir "$tmp/upper"
is 'R21: unless asked for' "$(in_image --upper "$tmp/upper" -R root.tar -- sh -c 'echo kept >/data/new' &&
	in_image --upper "$tmp/upper" -R root.tar -- cat /data/new)" kept

# ---- R22, R40, R46: configuration is outside ---------------------------------------------------------

is 'R22: the configuration is taken back' "$("$SBX" config --no-config --net none -R root.tar -- cat /data/file 2>&1 >"$tmp/config.json" </dev/null &&
	sbx run --config "$tmp/config.json" </dev/null)" content
# shellcheck disable=SC2086
is 'R40: no archive was changed' "$(snapshot $originals)" "$before"

# ---- R37, R39: containers of other kinds --------------------------------------------------------------

is "R37: an app container image runs by its manifest" "$(in_image -R app.aci)" 'hello /srv 1000:1000'
is 'R39: a root of one static file' "$(in_image -R one.tar -- /busybox echo alive)" alive

# ---- R48: registries -----------------------------------------------------------------------------------

like 'R48: a registry is left to skopeo' "$(in_image -R docker://debian:12 -- true)" '*skopeo copy docker://debian:12 *'
fails 'R48: and is 125' 125 run -R docker://debian:12 -- true
like 'R48: a server is left to curl' "$(in_image -R https://example.com/root.tar -- true)" '*curl *https://example.com/root.tar*'

# ---- R49: a task runner's conventions ------------------------------------------------------------------

is 'R49: user, directory, home and a clean /tmp' "$(in_image -u 1000:1000 -w /srv --tmpfs /tmp:mode=1777 -e HOME=/home/user -e USER=user \
	-R root.tar -- sh -c 'echo $(id -u):$(id -g) $PWD $(stat -c %a /tmp) $HOME $USER')" '1000:1000 /srv 1777 /home/user user'
