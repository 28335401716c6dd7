#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever kills the launcher of a sandbox in gVisor, at whatever instant, leaves nothing: no process, no mount,
# no file. SBX_TEST_FULL=1: more instants, and all is gone within the second that is promised for a machine
# that has nothing else to do.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root
command -v python3 >/dev/null || skip_all 'python3 is not installed'

export TMPDIR="$tmp/tmp"
mkdir "$tmp/tmp" "$tmp/data"
count=10 seconds=10
[ -z "${SBX_TEST_FULL:-}" ] || { count=34 seconds=1; }

# What the first run makes is there before: caches.
gvisor --no-config --net none -R "$root" -- true || say 'it does not start'

snapshot() {
	find "$tmp" -path "$tmp/cache" -prune -o -path "$tmp/run" -prune -o -path "$tmp/said" -prune -o \
		-path "$tmp/before" -prune -o -path "$tmp/after" -prune -o -printf '%p %y %m %U\n' | sort
	find "$XDG_CACHE_HOME" | sort
	grep -F "$tmp" /proc/self/mountinfo
	stat -c %n "/tmp/sbx-$(id -u)" /tmp/.gvisor* /tmp/runsc* 2>/dev/null
}

# dies DESCRIPTION OPTION...
dies() {
	description=$1
	shift
	snapshot >"$tmp/before"
	timeout -s KILL 300 python3 "$gvisor_here/kills.py" "$count" 2 "$seconds" "$SBX" run --no-config \
		--runtime runsc --runsc "$runsc" "$@" -- sh -c 'trap "" TERM HUP INT; (sleep 300 &); echo up; sleep 300' >"$tmp/said" 2>&1
	result $? "$description: no process is left"
	say "$(cat "$tmp/said")"
	snapshot >"$tmp/after"
	output=$(diff "$tmp/before" "$tmp/after")
	result $? "$description: no file and no mount" || say "$output"
	is "$description: nothing is listed, and there is no entry" \
		"$("$SBX" list 2>&1; find "$XDG_RUNTIME_DIR" -mindepth 2)" ''
}

plan 9

dies 'without a network' --net none -R "$root"
dies 'with netstack and a bind' --net user -R "$root" --rw "$tmp/data:/data"
dies "with the host's root" --net none
