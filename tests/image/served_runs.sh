#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The image of a file system as root, through FUSE: it runs like any other root, its server ends
# with the sandbox, and a damaged one is told of.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

for tool in mksquashfs squashfuse; do
	command -v $tool >/dev/null || skip_all "$tool is not installed"
done
if [ ! -r /dev/fuse ] || [ ! -w /dev/fuse ]; then
	skip_all '/dev/fuse is not open to us'
fi

plan 30

make_images root.tar
mkdir tree
tar -C tree -xf "$images/root.tar" --exclude=data 2>/dev/null
mkdir tree/data
echo content >tree/data/file
mksquashfs tree root.sqsh -all-root -quiet -noappend >/dev/null 2>&1
before=$(snapshot root.sqsh)

# start [OPTION...] -- COMMAND...
start() {
	run --net none -R root.sqsh "$@"
}

# gone: the server of the last sandbox is, sooner or later
gone() {
	[ -n "$server" ] || return 1
	for _ in $(seq 100); do
		kill -0 "$server" 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# ---- as any other root -----------------------------------------------------------------------

is 'it is a root' "$(start -- cat /data/file)" content
is 'its command may fail' "$(start -- sh -c 'exit 7'; echo $?)" 7
is 'what is written is thrown away' \
	"$(start -- sh -c 'echo new >/data/new && rm /data/file && ls /data'; start -- ls /data)" "new
file"
is 'it can be read-only' "$(start --root-mode ro -- sh -c 'echo new >/data/new; cat /data/file' 2>&1 | tail -n 1)" content
like 'it is never written through' "$(start --root-mode rw -- true)" \
	"sbx: cannot use --root-mode rw: *root.sqsh is an image*--upper*"
mkdir kept
is 'what is written can be kept' \
	"$(start --upper kept -- sh -c 'echo new >/data/new'; start --upper kept -- cat /data/new)" new
is 'another user of it' "$(start -u user -- sh -c 'id -u; cat /data/file')" "1000
content"
is 'a user by number' "$(start -u 7:8 -- sh -c 'id -u; id -g')" '7
8'
is 'one id is enough' "$(start --map single -- cat /data/file)" content
is 'without an init' "$(start --no-init -- cat /data/file)" content
is 'without a cache, which it does not need' "$(start --no-cache -- cat /data/file)" content
is 'nothing of it is in the cache' "$(find "$XDG_CACHE_HOME" -type f)" ''
is 'the command does not see the server' "$(start -- sh -c 'cat /proc/[0-9]*/comm' | grep -c squash)" 0

# ---- what is told of it ------------------------------------------------------------------------

like '--dry-run tells how' "$(start --dry-run -- true)" "*root.sqsh, through FUSE, copy-on-write*"
sbx config --no-config --net none -R root.sqsh -- cat /data/file >config.json </dev/null
is 'a configuration of it runs' "$("$SBX" run --config config.json 2>&1 </dev/null)" content
like 'sbx image inspect tells what it is' "$(sbx image inspect root.sqsh)" '*squashfs image*'
like 'and so does sbx image unpack' "$(unpack root.sqsh dir)" '*squashfs image*'
ok 'which leaves nothing' test ! -e dir

# ---- repeatable ----------------------------------------------------------------------------------

is 'runs of it are the same twice' "$(start --repeat 2 -- sh -c 'echo new >/data/new'; echo $?)" 0
start --record record.json -- sh -c 'echo new >/data/new' >/dev/null
like 'what is written is recorded' "$(cat record.json)" '*sha256:*'

# ---- the server's life ---------------------------------------------------------------------------

is 'nothing was changed' "$(snapshot root.sqsh)" "$before"

# started OPTION...: a sandbox in the background that says so; $launcher is the launcher
started() {
	rm -f said
	timeout -s KILL 60 "$SBX" run --no-config --net none -R root.sqsh "$@" >said 2>&1 </dev/null &
	watcher=$!
	for _ in $(seq 100); do
		grep -q ready said 2>/dev/null && break
		sleep 0.1
	done
	launcher=$(pgrep -P "$watcher")
	server=$(pgrep -P "$launcher" squashfuse)
}

started -- sh -c 'echo ready; while cat /data/file >/dev/null; do read -r -t 0.1 _ </dev/null; done; echo over'
kill -KILL "$server"
wait "$watcher"
is 'without its server the command has errors' "$(tail -n 1 said)" over
ok 'and nothing hangs' gone

started --ro "$PWD:/mnt" -- sh -c 'echo ready; while [ ! -e /mnt/go ]; do sleep 0.1; done'
touch go
wait "$watcher"
ok 'a command that ends takes the server along' gone

started -- sh -c 'echo ready; sleep 60'
kill -KILL "$launcher"
wait "$watcher" 2>/dev/null
ok 'a launcher that is killed takes the server along' gone

started -- sh -c 'echo ready; sleep 60'
kill -TERM "$launcher"
wait "$watcher" 2>/dev/null
ok 'and so does one that is ended' gone

# ---- damaged ---------------------------------------------------------------------------------------

# damaged DESCRIPTION: bad.sqsh ends with an error or runs, in bounded time, and nobody is left
damaged() {
	timeout -s KILL 30 "$SBX" run --no-config --net none -R bad.sqsh -- cat /data/file >said 2>&1 </dev/null
	status=$?
	case $status:$(cat said) in
	0:content | 12[567]:'sbx: cannot '* | 1:*) result 0 "$1" ;;
	*) result 1 "$1" || say "$status: $(cat said)" ;;
	esac
}

size=$(stat -c %s root.sqsh)
head -c $((size / 2)) root.sqsh >bad.sqsh
damaged 'half an image'
printf hsqs >bad.sqsh
damaged 'a mark alone'
like 'which is told' "$(cat said)" 'sbx: cannot use the image *bad.sqsh: its server does not serve: *'
python3 - <<'P'
from random import Random
data = bytearray(open("root.sqsh", "rb").read())
data[96:] = Random(1).randbytes(len(data) - 96)
open("bad.sqsh", "wb").write(data)
P
damaged 'a head with noise behind it'
