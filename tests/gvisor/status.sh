#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Statuses, signals and time with the real runsc, two sandboxes at once, and whose kernel it is.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root

run() {
	gvisor --no-config --net none -R "$root" "$@"
}

# begin NAME SCRIPT OPTION...: a shell that runs it and has said "ready"; $launcher is the launcher
begin() {
	log=$tmp/$1.log script=$2
	shift 2
	: >"$log"
	"$SBX" run --no-config --runtime runsc --runsc "$runsc" --net none -R "$root" --timeout 60 "$@" -- \
		sh -c "$script" >"$log" 2>&1 </dev/null &
	launcher=$!
	waiting="$waiting $launcher"
	until_true grep -q ready "$log" || say "$(cat "$log")"
}

# ends DESCRIPTION STATUS: what was begun last does, within ten seconds
ends() {
	until_true sh -c '! kill -0 "$1" 2>/dev/null || grep -q "^State:.Z" "/proc/$1/status"' sh "$launcher" ||
		kill -KILL "$launcher"
	wait "$launcher"
	is "$1" $? "$2" || say "$(cat "$log")"
}

plan 39

# ---- the kernel ----------------------------------------------------------------------------

output=$(run -- sh -c 'dmesg; uname -rv; cat /proc/version; ls /proc/sys/kernel/random 2>&1' 2>&1)
like 'dmesg shows the kernel of gVisor' "$output" '*Starting gVisor*'
[ "$(printf '%s\n' "$output" | grep -cF "$(uname -r)")" = 0 ]
result $? "and nothing tells the host's" || say "$output"

# ---- statuses ------------------------------------------------------------------------------

for status in 0 42 125 128; do
	fails "$status is passed on" "$status" run -- sh -c "exit $status"
done
for signal in TERM:143 KILL:137 SEGV:139; do
	fails "death by ${signal%:*} is ${signal#*:}" "${signal#*:}" run -- sh -c "kill -${signal%:*} \$\$"
done
is 'nothing is said about a command that fails' "$(run -- sh -c 'exit 125' 2>&1)" ''

: >"$root/plain"
for try in '127:no-such-program' '127:/bin/missing' '126:/plain' '126:/etc'; do
	output=$(run -- "${try#*:}" 2>&1)
	is "${try#*:} cannot be started" $? "${try%%:*}"
	like 'which is said' "$output" "sbx: cannot *${try#*:}*"
done
echo 'echo from the shell' >"$root/unmarked"
chmod +x "$root/unmarked"
output=$(run -- /unmarked 2>&1)
case "$? $output" in
'0 from the shell' | '126 sbx: cannot '*unmarked*) result 0 'a script without a mark is run by the shell, or refused' ;;
*) result 1 'a script without a mark is run by the shell, or refused' || say "$output" ;;
esac
fails 'the run ends with the command, whatever it left' 3 \
	run -- sh -c '(trap "" TERM HUP; sleep 20) & exit 3'

# ---- signals -------------------------------------------------------------------------------

loop='echo ready; while :; do sleep 0.1; done'
begin trap 'for name in HUP USR1 INT; do trap "echo got $name" $name; done; trap "echo got TERM; exit 7" TERM
'"$loop"
for name in HUP USR1; do
	kill -"$name" "$launcher"
	until_true grep -qx "got $name" "$log"
	result $? "$name reaches the command" || say "$(cat "$log")"
done
kill -TERM "$launcher"
ends 'a trap of TERM runs, and has its own status' 7
is 'it was told once' "$(grep -c 'got TERM' "$log")" 1

begin ends 'echo ready; exec sleep 50'
kill -TERM "$launcher"
ends 'TERM ends a command that does not care' 143

begin stop 'trap "" TERM; trap "exit 6" USR2; '"$loop" --stop-signal USR2
kill -TERM "$launcher"
ends 'TERM becomes the stop signal that was asked for' 6

# ---- time: the three wait side by side ------------------------------------------------------

# within NAME OPTION... -- COMMAND...: its status and what it said go to files
within() {
	name=$1
	shift
	(run "$@" >"$tmp/$name.said" 2>&1; echo $? >"$tmp/$name.status") &
}
within plain --timeout 4s -- sleep 20
within deaf --timeout 4s --kill-after 300ms -- sh -c 'trap "" TERM; '"$loop"
within asked --timeout 4s --stop-signal USR1 -- sh -c 'trap "echo USR1; exit 0" USR1; '"$loop"
for name in plain deaf asked; do
	until_true test -s "$tmp/$name.status"
done
is 'a timeout is 124' "$(cat "$tmp/plain.status")" 124
is 'also when it has to be killed' "$(cat "$tmp/deaf.status")" 124
is 'also when it ends well at the stop signal' "$(cat "$tmp/asked.status")" 124
is 'which is the one that was asked for' "$(tail -n 1 "$tmp/asked.said")" USR1

# ---- two at once ---------------------------------------------------------------------------

echo 1 >"$root/shared"
begin one 'echo one >/shared; trap "exit 11" TERM; '"$loop" --name one --hostname one
one=$launcher
begin two 'echo two >/shared; trap "cat /shared; hostname; exit 12" TERM; '"$loop" --name two --hostname two
is 'both are listed' "$("$SBX" list | awk 'NR > 1 { print $1 }' | sort | tr '\n' ' ')" 'one two '
for name in one two; do
	is "what runsc keeps of $name is for its owner alone" \
		"$(stat -c '%F %a' "$XDG_RUNTIME_DIR/sbx/$name/runsc")" 'directory 700'
done
"$SBX" kill one
launcher=$one log=$tmp/one.log
ends 'one ends' 11
launcher=${waiting##* } log=$tmp/two.log
kill -0 "$launcher"
result $? 'and the other lives on'
kill -TERM "$launcher"
ends 'until it is its turn' 12
is 'its files and its name are its own' "$(sed 1d "$log" | tr '\n' ' ')" 'two two '
is 'with what runsc kept of them' "$(find "$XDG_RUNTIME_DIR" -name runsc)" ''
is 'nothing of either is left' "$("$SBX" list; find "$XDG_RUNTIME_DIR" -mindepth 2; cat "$root/shared")" 1
