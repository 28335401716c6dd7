#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --pure: a program that prints all it can see prints the same twice, and something else
# without it. R2, R49.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"
here=$(cd "$(dirname "$0")" && pwd -P)

own_place
plan 18

probe() { # ARG...
	timeout -s KILL 60 "$SBX" run --no-config --ro "$here" "$@" -- "$here/pure_probe.sh" </dev/null 2>&1
}

# The caller is another one each time, as far as that can be.
probe --pure >"$tmp/first"
is 'the probe runs' "$?" 0
(
	umask 077
	# shellcheck disable=SC3045 # dash has it
	ulimit -n 1024
	export LANG=de_DE.UTF-8 TERM=xterm HOME=/ USER=nobody PERL_HASH_SEED=7 TZ=Asia/Tokyo
	probe --pure 9</dev/null
) >"$tmp/second"
ok 'it prints the same twice, whatever the caller is' diff -u "$tmp/first" "$tmp/second"

probe --net none >"$tmp/plain"
# differs WORD [REASON]: the line that begins so, without --pure; or why it need not differ
differs() {
	if [ -n "${2-}" ]; then
		skip "without --pure: another $1" "$2"
		return
	fi
	grep "^$1" "$tmp/first" >"$tmp/a"
	grep "^$1" "$tmp/plain" >"$tmp/b"
	fails "without --pure: another $1" 1 cmp "$tmp/a" "$tmp/b"
}
missing() { # PROGRAM
	command -v "$1" >/dev/null || echo "there is no $1"
}
differs machine
differs map
differs first
differs python "$(missing python3)"
differs perl "$(missing perl)"
differs uptime "$(awk '$1 < 120 { print "this machine has just started" }' /proc/uptime)"
differs user "$([ "$(id -u)" = 1000 ] && echo 'the caller is 1000 as well')"

is 'the host is called sbx' "$(sed -n 's/^host //p' "$tmp/first")" sbx
is 'there is one processor' "$(sed -n 's/^processors //p' "$tmp/first")" '1 1 0'
is 'there is loopback alone' "$(sed -n 's/^interfaces //p' "$tmp/first")" 1
like 'the command is process 2, with umask 022' "$(sed -n 's/^pid //p' "$tmp/first")" '2, umask 0022, in *'
like 'only standard streams are inherited' "$(sed -n 's/^descriptors //p' "$tmp/first")" '0 1 2 3 '

# shellcheck disable=SC2016 # for the shell inside
is '-e is added' "$(timeout -s KILL 60 "$SBX" run --pure -e X=1 -- sh -c 'echo $X$TZ' </dev/null)" 1UTC
fails 'a network is refused by name' 125 timeout -s KILL 60 "$SBX" run --pure --net user -- true
like 'and the message names both' "$(timeout -s KILL 60 "$SBX" run --pure --net user -- true 2>&1)" \
	'*--net user with --pure*'
like 'clocks start at zero for every child' \
	"$(timeout -s KILL 60 "$SBX" run --pure -- sh -c 'sh -c "cat /proc/uptime"' </dev/null)" '[0-9].*'
