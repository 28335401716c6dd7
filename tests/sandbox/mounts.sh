#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files and directories of the host appear where they are asked for, with the power that was
# asked for, and nothing is made or touched anywhere else.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(command -v busybox) || skip_all 'busybox is not installed'

plan 46
mkdir -p "$tmp/work/sub" "$tmp/data/deep" "$tmp/root/bin" "$tmp/root/etc" "$tmp/outside"
cp "$busybox" "$tmp/root/bin/busybox"
for applet in sh cat ls touch mkdir rm mv mount umount stat df grep true; do
	ln -s busybox "$tmp/root/bin/$applet"
done
echo inside >"$tmp/data/file"
echo untouched >"$tmp/outside/file"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config -R "$tmp/root" "$@" </dev/null 2>&1
}
# Every name below the directories of the host that no test may change.
trace() {
	find "$tmp/root" "$tmp/outside" -printf '%p %m %s %T@ %l\n' | sort
}
# The mount options of a place, read inside.
options_of() { # PLACE OPTION...
	place=$1
	shift
	run "$@" -- sh -c "grep ' $place ' /proc/self/mountinfo" | cut -d' ' -f6
}

before=$(trace)

# ---- read-only, writable, copy-on-write ------------------------------------------------

is 'read-only: it is there' "$(run --ro "$tmp/data:/d" -- cat /d/file)" inside
fails 'nothing is made in it' 1 run --ro "$tmp/data:/d" -- touch /d/new
fails 'nothing is written to it' 1 run --ro "$tmp/data:/d" -- sh -c 'echo x >/d/file'
fails 'nothing is removed from it' 1 run --ro "$tmp/data:/d" -- rm /d/file
fails 'it is not mounted again writable' 1 \
	run --ro "$tmp/data:/d" --cap-add ALL -- mount -o remount,bind,rw /d
fails 'it is not taken away' 1 run --ro "$tmp/data:/d" --cap-add ALL -- umount /d
like 'set-id bits and devices do not count in it' "$(options_of /d --ro "$tmp/data:/d")" 'ro,nosuid,nodev*'
is 'the host has it as before' "$(cat "$tmp/data/file"; ls "$tmp/data")" "$(printf 'inside\ndeep\nfile')"

fails 'writable: it is written through' 0 run --rw "$tmp/data:/d" -- sh -c 'echo more >/d/new'
is 'the host has it' "$(cat "$tmp/data/new")" more
is 'and it belongs to the caller' "$(stat -c %u "$tmp/data/new")" "$(id -u)"
rm -f "$tmp/data/new"
like 'set-id bits do not count in it either' "$(options_of /d --rw "$tmp/data:/d")" 'rw,nosuid,nodev*'

is 'copy-on-write: it can be changed' \
	"$(run --cow "$tmp/data:/d" -- sh -c 'echo changed >/d/file; rm -r /d/deep; cat /d/file; ls /d')" \
	"$(printf 'changed\nfile')"
is 'the host has it unchanged' "$(cat "$tmp/data/file"; ls "$tmp/data")" "$(printf 'inside\ndeep\nfile')"

# ---- spellings -------------------------------------------------------------------------

is '-v SRC:DST' "$(run -v "$tmp/data:/d" -- cat /d/file)" inside
fails '-v SRC:DST is writable' 0 run -v "$tmp/data:/d" -- touch /d/file
fails '-v SRC:DST:ro is not' 1 run -v "$tmp/data:/d:ro" -- touch /d/new
is '--mount type=bind' "$(run --mount "type=bind,src=$tmp/data,dst=/d,readonly" -- cat /d/file)" inside
fails '--mount …,readonly is read-only' 1 \
	run --mount "type=bind,src=$tmp/data,dst=/d,readonly" -- touch /d/new
is 'without DST it keeps its name' "$(run --ro "$tmp/data" -- cat "$tmp/data/file")" inside
is 'a relative SRC begins here' "$(run --ro ../data:/d -- cat /d/file)" inside
is '~ is the home' "$(HOME=$tmp/data run --ro '~:/d' -- cat /d/file)" inside
ln -s "$tmp/data" "$tmp/work/link"
is 'a SRC that is a link is followed' "$(run --ro link:/d -- cat /d/file)" inside
mkdir "$tmp/work/a:b"
echo colon >"$tmp/work/a:b/file"
is 'a colon in a name has a backslash' "$(run --ro 'a\:b:/d' -- cat /d/file)" colon
is 'one file' "$(run --ro "$tmp/data/file:/etc/one" -- cat /etc/one)" inside
is 'a later one covers an earlier one' \
	"$(run --ro "$tmp/outside:/d" --ro "$tmp/data:/d" -- cat /d/file)" inside
is 'one below another' \
	"$(run --ro "$tmp/data:/d" --ro "$tmp/outside:/d/deep" -- cat /d/deep/file)" untouched

# ---- places that are not there ---------------------------------------------------------

is 'a place is made, however deep' "$(run --ro "$tmp/data:/x/y/z" -- cat /x/y/z/file)" inside
is 'and for a file too' "$(run --ro "$tmp/data/file:/x/y/file" -- cat /x/y/file)" inside
like 'a SRC that is missing is named' "$(run --ro "$tmp/data/none:/d" -- true)" \
	"sbx: cannot *$tmp/data/none*"
fails 'and is 125' 125 run --ro "$tmp/data/none:/d" -- true
fails 'a DST that is not absolute is 125' 125 run --ro "$tmp/data:d" -- true

# ---- links in the root lead nowhere else -----------------------------------------------

ln -s "$tmp/outside" "$tmp/root/absolute"
ln -s "../../../../../../../..$tmp/outside" "$tmp/root/etc/relative"
ln -s /proc/self/root "$tmp/root/magic"
ln -s loop "$tmp/root/loop"
before=$(trace)
is 'an absolute link is one inside' \
	"$(run --ro "$tmp/data:/absolute/new" -- cat "$tmp/outside/new/file")" inside
is 'a relative one cannot climb out' \
	"$(run --ro "$tmp/data:/etc/relative/new" -- cat "$tmp/outside/new/file")" inside
is 'nor with a file' "$(run --ro "$tmp/data/file:/absolute/one" -- cat "$tmp/outside/one")" inside
fails 'a link of procfs is not followed' 125 run --ro "$tmp/data:/magic$tmp/outside/new" -- true
fails 'a link to itself is 125' 125 run --ro "$tmp/data:/loop/new" -- true
fails 'a tmpfs cannot be led out either' 0 run --tmpfs /absolute/new -- touch /absolute/new/x
is 'nor a cover' \
	"$(run --ro "$tmp/data:/absolute/new" --mask /absolute/new/file -- cat "$tmp/outside/new/file")" ''
is 'nothing of the host was touched' "$(trace)" "$before"

# ---- other kinds -----------------------------------------------------------------------

is 'a tmpfs has the size that was asked for' \
	"$(run --tmpfs /t:size=1M -- df -k /t | awk 'END { print $2 }')" 1024
is 'and the mode' "$(run --tmpfs /t:mode=0710 -- stat -c %a /t)" 710
is 'a cover leaves nothing to read' "$(run --ro "$tmp/data:/d" --mask /d/deep -- ls -A /d/deep)" ''
is 'nor of a file' "$(run --ro "$tmp/data:/d" --mask /d/file -- cat /d/file 2>/dev/null | grep -c inside)" 0
fails 'a cover is not taken away' 1 \
	run --ro "$tmp/data:/d" --mask /d/deep --cap-add ALL -- umount /d/deep
like 'a device is a device' "$(run --dev-bind /dev/null -- stat -c %F /dev/null)" '*character special*'
