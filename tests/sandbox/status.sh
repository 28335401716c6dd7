#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The status that sbx ends with says how the command ended, and what kept it from starting.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/work"
cd "$tmp/work" || exit 1

sbx() {
	timeout -s KILL 20 "$SBX" run --no-config "$@" </dev/null
}

# says DESCRIPTION STATUS TEXT WORD...: the status, and one line that has this text
says() {
	description=$1
	wanted=$2
	text=$3
	shift 3
	output=$(sbx "$@" 2>&1)
	is "$description: status" $? "$wanted"
	like "$description: message" "$output" "sbx: cannot *$text*"
	is "$description: one line" "$(echo "$output" | grep -vc '^sbx: hint: ')" 1
}

# seconds COMMAND...: how long it takes, in whole seconds
seconds() {
	began=$(date +%s)
	"$@" >/dev/null 2>&1
	echo $(($(date +%s) - began))
}

plan 74

# ---- the command's own ---------------------------------------------------------------------

for status in 0 1 7 123 124 125 126 127 128 255; do
	fails "$status is passed on" $status sbx -- sh -c "exit $status"
done
is 'nothing is said about a command that fails' "$(sbx -- sh -c 'exit 125' 2>&1)" ''
for signal in HUP:1 INT:2 QUIT:3 ILL:4 ABRT:6 KILL:9 USR1:10 SEGV:11 TERM:15; do
	fails "death by ${signal%:*} is 128 + ${signal#*:}" $((128 + ${signal#*:})) \
		sbx -- sh -c "kill -${signal%:*} \$\$"
done
fails 'the run ends with the command, whatever it left' 3 \
	sbx -- sh -c '(trap "" TERM HUP; sleep 20) & exit 3'
[ "$(seconds sbx -- sh -c '(sleep 15; :) & (setsid sleep 15 &) ; exit 0')" -lt 10 ]
result $? 'and does not wait for it'

# Died of it itself: a shell that waits sees it and can stop its loop.
if command -v python3 >/dev/null; then
	for signal in INT:2 QUIT:3; do
		is "of ${signal%:*} sbx dies as well" "$(python3 -c '
import subprocess, sys
print(subprocess.call([sys.argv[1], "run", "--no-config", "--", "sh", "-c",
	"kill -" + sys.argv[2] + " $$"]))' "$SBX" "${signal%:*}")" "-${signal#*:}"
	done
else
	skip 'of INT sbx dies as well' 'python3 is not installed'
	skip 'of QUIT sbx dies as well' 'python3 is not installed'
fi

# ---- it cannot be started ------------------------------------------------------------------

says 'a name that is not in PATH' 127 no-such-program -- no-such-program
says 'a missing file' 127 "$PWD/missing" -- "$PWD/missing"
mkdir -p deep/er
says 'a missing directory on the way' 127 "$PWD/deep/none does not exist" \
	-- "$PWD/deep/none/at/all"
echo 'no program' >plain
says 'a file that is not executable' 126 "$PWD/plain" -- "$PWD/plain"
says 'a file on the way' 127 "$PWD/plain" -- "$PWD/plain/program"
says 'a directory' 126 'it is a directory' -- "$PWD/deep"
if [ "$(id -u)" = 0 ]; then
	skip 'a closed directory on the way: status' 'root may search every directory'
	skip 'a closed directory on the way: message' 'root may search every directory'
	skip 'a closed directory on the way: one line' 'root may search every directory'
else
	mkdir -m 0 deep/closed
	says 'a closed directory on the way' 126 "$PWD/deep/closed *may not be searched" \
		-- "$PWD/deep/closed/program"
fi
printf '#!%s/nothing/here\n' "$PWD" >script
chmod +x script
says 'a missing interpreter' 126 "interpreter $PWD/nothing/here" -- ./script
printf 'echo from the shell\n' >unmarked
chmod +x unmarked
is 'a script without a mark is run by the shell' "$(sbx -- ./unmarked)" 'from the shell'
says 'an empty name' 127 'empty' -- ''
says 'no command' 125 'no command given'
says 'a directory to start in that is missing' 125 "$PWD/nowhere" -w "$PWD/nowhere" -- true
says 'an option that does not exist' 125 '--hostnam' --hostnam x -- true

# ---- time ----------------------------------------------------------------------------------

fails 'a timeout is 124' 124 sbx --timeout 300ms -- sleep 20
fails 'also when it has to be killed' 124 sbx --timeout 300ms --kill-after 300ms -- \
	sh -c 'trap "" TERM; while :; do sleep 1; done'
fails 'also when it was stopped' 124 sbx --timeout 1 -- sh -c 'kill -STOP $$; sleep 20'
fails 'also when it ends well at the stop signal' 124 sbx --timeout 300ms -- \
	sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
is 'the stop signal is the one that was asked for' "$(sbx --timeout 2s --stop-signal USR1 -- \
	sh -c 'trap "echo USR1; exit 0" USR1; while :; do sleep 0.1; done')" USR1
fails 'a command that is faster has its own status' 7 sbx --timeout 20 -- sh -c 'exit 7'
fails 'a time that no clock reaches is no timeout' 7 sbx --timeout 18446744073709551s -- sh -c 'sleep 0.3; exit 7'
fails 'and one that does not fit is refused' 125 sbx --timeout 18446744073709551616s -- true
began=$(date +%s)
fails 'a last respite that no clock reaches is one' 124 sbx --timeout 2s --kill-after 18446744073709551s -- \
	sh -c 'trap "sleep 1; exit 3" TERM; while :; do sleep 0.1; done'
[ $(($(date +%s) - began)) -ge 3 ]
result $? 'and it is granted'
fails 'without an init nobody looks at the clock' 125 sbx --no-init --timeout 300ms -- sleep 20

# ---- without an init -----------------------------------------------------------------------

is 'the command is process 1' "$(sbx --no-init -- sh -c 'echo $$')" 1
fails 'and its status is passed on' 9 sbx --no-init -- sh -c 'exit 9'
