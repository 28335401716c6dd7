#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx needs nothing from its caller, hands nothing on unasked, says nothing when all is well,
# and leaves no process behind.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

plan 29
mkdir "$tmp/work"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null
}

# bare WORD...: from an empty environment
bare() {
	env -i timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null
}


path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# ---- the environment -------------------------------------------------------------------

names=$(bare -- env | sed 's/=.*//' | sort | tr '\n' ' ')
is 'from nothing it makes these variables' "$names" 'HOME LANG PATH TERM USER '
is 'PATH is the usual one' "$(bare -- sh -c 'echo $PATH')" "$path"
is 'HOME is the account'\''s' "$(bare -- sh -c 'echo $HOME')" \
	"$(getent passwd "$(id -u)" | cut -d: -f6)"
is 'USER is the account'\''s' "$(bare -- sh -c 'echo $USER')" "$(id -un)"
export SECRET=hidden http_proxy=http://proxy.test:3128 no_proxy=localhost
is 'a variable of the caller stays outside' "$(run -- sh -c 'echo $SECRET')" ''
is 'so does a proxy' "$(run -- sh -c 'echo $http_proxy')" ''
is 'until it is asked for' "$(run '--keep-env=*_proxy' -- sh -c 'echo $http_proxy $no_proxy$SECRET')" \
	'http://proxy.test:3128 localhost'
is 'the caller'\''s PATH finds no command' "$(PATH=$tmp/work:$PATH run -- sh -c 'echo $PATH')" "$path"
unset http_proxy no_proxy

# It is found by its own name neither in PATH nor in the current directory.
cp "$SBX" "$tmp/work/sbx"
is 'a copy of it starts by a relative name' "$(env -i ./sbx run --no-config --net none -- echo here 2>&1)" here
if [ -x "${SBX%/*}/sbx-net" ]; then
	cp "${SBX%/*}/sbx-net" "$tmp/work/sbx-net"
	is 'with what serves the network beside it' "$(env -i ./sbx run --no-config -- echo here 2>&1)" here
else
	skip 'with what serves the network beside it' 'it lies elsewhere'
fi
rm -f "$tmp/work/sbx" "$tmp/work/sbx-net"

# ---- silence ---------------------------------------------------------------------------

is 'a command that succeeds: not a word' "$(run -- true 2>&1)" ''
is 'a command that fails: not a word' "$(run -- false 2>&1)" ''
is 'a shell at the end of its input: not a word' "$(run -- sh 2>&1)" ''
fails 'and its status is 0' 0 run -- sh
is 'a closed standard input: not a word' "$("$SBX" run --no-config -- true <&- 2>&1)" ''
is 'a pipe passes through as it is' \
	"$(printf 'a\0b\n\n' | "$SBX" run --no-config -- cat | od -An -c | tr -d ' ')" 'a\0b\n\n'
is 'standard output and standard error stay apart' \
	"$(run -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out
is 'a time zone makes no noise' "$(TZ=Europe/Berlin run -- date +%Z 2>&1 >/dev/null)" ''
is 'one that is chosen holds' "$(run --tz Asia/Tokyo -- date +%Z 2>&1)" JST
like 'one that is unknown is named' "$(run --tz Nowhere/Land -- true 2>&1)" \
	'sbx: cannot *Nowhere/Land*'

# ---- the network -----------------------------------------------------------------------

is 'there is one interface beside the loopback' "$(run -- sh -c 'ls /sys/class/net' | tr '\n' ' ')" 'lo tap0 '
is 'without a network there is one' "$(run --net none -- sh -c 'ls /sys/class/net' 2>&1)" lo
like 'it is up' "$(run -- cat /sys/class/net/lo/flags 2>&1)" '*[13579bBdDfF]'
is 'no route leads out' "$(run --net none -- sh -c 'wc -l </proc/net/route' 2>&1)" 1
if command -v python3 >/dev/null; then
	ok 'it carries packets to itself' run -- python3 -c '
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname(), 5)
client.sendall(b"x")
assert server.accept()[0].recv(1) == b"x"'
	fails 'and to nobody else' 1 run --net none -- python3 -c '
import socket, sys
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError:
    sys.exit(1)'
else
	skip 'it carries packets to itself' 'python3 is not installed'
	skip 'and to nobody else' 'python3 is not installed'
fi

# ---- no daemon -------------------------------------------------------------------------

# The fraction tells it from all others.
asleep() {
	pgrep -fx "sleep 44444\.$$"
}
"$SBX" run --no-config -- sleep "44444.$$" </dev/null &
child=$!
until_true asleep >/dev/null
is 'a sandbox is a child of its caller, and has two of its own' \
	"$(pgrep -P "$child" | xargs -n 1 ps -o comm= -p | sort | tr '\n' ' ')" 'sbx-init sbx-net '
is 'and the launcher is one of ours, not of a daemon' "$(ps -o ppid= -p "$child" | tr -d ' ')" $$
kill -KILL "$child"
wait "$child" 2>/dev/null
run -- sh -c "(setsid sleep 44444.$$ &) ; exit 0"
until_true sh -c '! pgrep -fx "sleep 44444\.$1" >/dev/null' sh $$
result $? 'nothing of it is left, killed or ended' || say "$(asleep)"
