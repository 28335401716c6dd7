#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A runsc that lies, floods and leaves traps, and callers with little left: each is told in a sentence, in
# bounded time. Of the folder of runsc, which may be a home directory, nothing else is in sight.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_range
small_root

runsc=$tmp/runsc
limit=20

# told DESCRIPTION PATTERN ARG...: 125, and what is said
told() {
	description=$1 pattern=$2
	shift 2
	output=$("$@" 2>&1)
	status=$?
	# shellcheck disable=SC2254 # it is a pattern
	case $status:$output in
	125:$pattern) result 0 "$description" ;;
	*) result 1 "$description" || say "$status: $output" ;;
	esac
}

starts() {
	gvisor --no-config --net none -R "$root" -- true
}

plan 9

# ---- what it leaves behind -------------------------------------------------------------------

ended='sbx: cannot start gVisor: *'

stand_in "$runsc" <<'PLAY'
create pid 9999
PLAY
told 'a process that is not there' "$ended" starts

stand_in "$runsc" <<'PLAY'
create pid 1
PLAY
told 'the init itself' "$ended" starts

stand_in "$runsc" <<'PLAY'
create fifo /bundle/pid
create exit 0
PLAY
told 'a pipe in the place of its pid' "$ended" starts

stand_in "$runsc" <<'PLAY'
create fifo /log/output
PLAY
told 'a pipe in the place of its output' "$ended" starts

stand_in "$runsc" <<'PLAY'
create fifo /log/log
create fifo /log/panic
create exit 1
PLAY
told 'pipes in the place of its logs' "$ended" starts

# ---- its folder ------------------------------------------------------------------------------

mkdir -p "$tmp/home/gvisor-bin"
echo 'a canary' >"$tmp/home/canary"
echo helper >"$tmp/home/gvisor-bin/helper"
runsc=$tmp/home/runsc
stand_in "$runsc" <<'PLAY'
create list /runsc
create list /runsc/gvisor-bin
create exit 1
PLAY
told 'of its folder it sees what belongs to it' '*runsc says: gvisor-bin runsc*' starts
stand_in "$runsc" <<'PLAY'
create list /runsc/gvisor-bin
create exit 1
PLAY
told 'and its companions' '*runsc says: helper*' starts

# ---- few open files --------------------------------------------------------------------------

few() {
	(
		# shellcheck disable=SC3045 # all shells that are sh somewhere have it
		ulimit -n 12
		"$@"
	)
}
told 'few open files natively' '*Too many open files*ulimit -n*' \
	few "$SBX" run --no-config --net none -R "$root" -- true
# By itself: a shell needs descriptors for its own redirections.
told 'and with gVisor' '*Too many open files*ulimit -n*' \
	few "$SBX" run --no-config --runtime runsc --runsc "$runsc" --net none -R "$root" -- true
