#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The stand-in itself: what the other tests take for granted of it.
. "$(dirname "$0")/lib.sh"

plan 9

runsc=$tmp/runsc
stand_in "$runsc" </dev/null
like 'it tells a release' "$("$runsc" --version)" 'runsc version release-*'
is 'its flags are on stderr, as those of older releases' "$("$runsc" flags 2>/dev/null)" ''
like 'and there they are' "$("$runsc" flags 2>&1)" '*-directfs*'
like 'it lists platforms' "$("$runsc" help platforms)" 'kvm*systrap'

# run_guest ARG...: create, start, and what the guest said
run_guest() {
	mkdir -p "$tmp/runsc-state"
	"$runsc" --root="$tmp/runsc-state" --panic-log="$tmp/panic" --debug-log="$tmp/" "$@" \
		create --pid-file="$tmp/pid" sandbox >"$tmp/said" 2>&1 &&
		"$runsc" --root "$tmp/runsc-state" start sandbox
}

gone() {
	! kill -0 "$(cat "$tmp/pid")" 2>/dev/null
}

stand_in "$runsc" <<'PLAY'
guest arguments
PLAY
run_guest --network=none
until_true gone
like 'the guest tells every command line' "$(cat "$tmp/said")" '*--network=none create*start sandbox'
rm -rf "$tmp/runsc-state"

stand_in "$runsc" <<'PLAY'
guest hang
PLAY
run_guest
ok 'a guest hangs until it is killed' kill -0 "$(cat "$tmp/pid")"
"$runsc" --root "$tmp/runsc-state" kill sandbox 9
ok 'and is killed by runsc' until_true gone
rm -rf "$tmp/runsc-state"

stand_in "$runsc" <<'PLAY'
version stdout runsc version 0.0~20221219.0
create stderr cannot read client sync file: EOF
create log some log
create panic some panic
create exit 128
PLAY
is 'a played version' "$("$runsc" --version)" 'runsc version 0.0~20221219.0'
run_guest
is 'a failed start' "$? $(cat "$tmp/said") $(cat "$tmp"/runsc.log.*) $(cat "$tmp/panic")" \
	'128 cannot read client sync file: EOF some log some panic'
