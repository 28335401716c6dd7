#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signals to sbx reach the command, job control works through it, and no signal from inside
# reaches anybody outside.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

own_place
export SBX tmp
log=$tmp/log

# A shell ignores INT and QUIT in what it puts into the background: this takes them back.
cat >"$tmp/listening.py" <<'END'
import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT):
	signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
# A job of its own, as a shell would make it: a group whose leader's parent could continue it.
if os.getpgrp() != os.getpid():
	os.setpgid(0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
END
command -v python3 >/dev/null || skip_all 'python3 is not installed'

run() {
	timeout -s KILL 60 "$SBX" run --no-config "$@" </dev/null
}
# begin SCRIPT: the launcher of a shell that runs it is $launcher; it has said "ready"
begin() {
	: >"$log"
	python3 "$tmp/listening.py" "$SBX" run --no-config --timeout 60 -- sh -c "$1" \
		>"$log" 2>&1 </dev/null &
	launcher=$!
	until_true grep -q ready "$log"
}
finish_run() {
	kill -KILL "$launcher" 2>/dev/null
	wait "$launcher" 2>/dev/null
}
# is_in STATE PID: its letter in /proc
is_in() {
	[ "$(sed 's/.*) //' "/proc/$2/stat" | cut -c1)" = "$1" ]
}
# The number of times that the log has a line.
said() {
	[ "$(grep -c "$1" "$log")" -ge "$2" ]
}

plan 39

# ---- passed on -----------------------------------------------------------------------------

begin '
for name in HUP INT QUIT USR1 USR2 TERM WINCH CONT 40; do
	trap "echo got $name" $name
done
echo ready
while :; do sleep 0.1; done'
for name in HUP INT QUIT USR1 USR2 TERM WINCH CONT 40; do
	kill -"$name" "$launcher"
	until_true grep -qx "got $name" "$log"
	result $? "$name reaches the command" || say "$(cat "$log")"
done
kill -0 "$launcher"
result $? 'and the launcher lives on'
for times in 2 3 4 5 6 7 8; do
	kill -USR1 "$launcher"
	until_true said 'got USR1' "$times"
done
result $? 'each time'
finish_run

begin 'echo ready; exec sleep 50'
kill -TERM "$launcher"
wait "$launcher"
is 'TERM ends a command that does not care' $? 143
begin 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
kill -TERM "$launcher"
wait "$launcher"
is 'a command that ends by its own will has its own status' $? 5
: >"$log"
"$SBX" run --no-config --stop-signal USR2 -- sh -c \
	'trap "echo got USR2; exit 6" USR2; trap "" TERM; echo ready; while :; do sleep 0.1; done' \
	>"$log" 2>&1 </dev/null &
launcher=$!
until_true grep -q ready "$log"
kill -TERM "$launcher"
wait "$launcher"
is 'TERM becomes the stop signal that was asked for' $? 6

# A group that is signalled as a whole: the command gets the signal from the launcher alone.
if command -v setsid >/dev/null; then
	: >"$log"
	setsid sh -c 'echo $$ >"$1"; exec python3 "$tmp/listening.py" "$SBX" run --no-config -- sh -c "
		trap \"echo got INT\" INT; echo ready; while :; do sleep 0.1; done"' sh \
		"$tmp/leader" >"$log" 2>&1 </dev/null &
	until_true grep -q ready "$log"
	kill -INT "-$(cat "$tmp/leader")"
	until_true grep -q 'got INT' "$log"
	sleep 0.5
	is 'a signal to the group of the launcher arrives once' "$(grep -c 'got INT' "$log")" 1
	# A service manager that ends a unit signals each of its processes.
	server=$(pgrep -x -P "$(cat "$tmp/leader")" sbx-net)
	for name in HUP INT QUIT TERM TSTP USR1 ALRM; do
		kill -"$name" "$server"
	done
	sleep 0.3
	is_in S "$server"
	result $? 'none of it ends or stops what serves the network' || say "$(cat "$log")"
	kill -KILL "$(cat "$tmp/leader")"
else
	skip 'a signal to the group of the launcher arrives once' 'there is no setsid'
	skip 'none of it ends or stops what serves the network' 'there is no setsid'
fi

# ---- job control ---------------------------------------------------------------------------

# No shell: one that waits for its vfork does not stop while the child stands still in it.
cat >ticks.py <<'END'
import time
print("ready", flush=True)
while True:
    print("tick", flush=True)
    time.sleep(0.1)
END
begin "exec python3 ticks.py"
kill -TSTP "$launcher"
until_true is_in T "$launcher"
result $? 'TSTP stops the launcher, as it stops the command'
before=$(wc -l <"$log")
sleep 0.5
is 'which stands still' "$(wc -l <"$log")" "$before"
kill -CONT "$launcher"
until_true said tick $((before + 2))
result $? 'CONT lets both go on'
is_in T "$launcher"
is 'the launcher as well' $? 1
finish_run

begin 'echo ready; kill -STOP $$; echo continued; exit 4'
until_true is_in T "$launcher"
result $? 'a command that stops itself stops the launcher'
kill -CONT "$launcher"
wait "$launcher"
is 'and goes on with it' $? 4

# ---- nobody outside is hit -----------------------------------------------------------------

# as_group SCRIPT: what a shell says that shares its process group with sbx
as_group() {
	timeout -s KILL 30 sh -c "$1; echo \"alive \$?\"" 2>/dev/null </dev/null
}
is 'kill(0, KILL) from inside' \
	"$(as_group '"$SBX" run --no-config -- sh -c "kill -KILL 0"')" 'alive 137'
is 'kill(0, KILL) without an init' \
	"$(as_group '"$SBX" run --no-config --no-init -- sh -c "kill -KILL 0; exit 3"')" 'alive 3'
is 'kill(-1, KILL) from inside' \
	"$(as_group '"$SBX" run --no-config -- sh -c "kill -KILL -1; exit 3"')" 'alive 3'
is 'kill(-1, TERM) does not end the init' \
	"$(as_group '"$SBX" run --no-config -- sh -c "trap : TERM; kill -TERM -1; kill -KILL 1; exit 3"')" \
	'alive 3'
is 'nor can the command stop the init' \
	"$(run -- sh -c 'kill -STOP 1; kill -STOP -1; exit 3' 2>/dev/null; echo $?)" 3
is 'nor trace it' "$(run -- sh -c 'cat /proc/1/environ /proc/1/maps; ls /proc/1/fd/' 2>/dev/null)" ''
is 'its command line tells nothing of the caller' \
	"$(run -- sh -c 'tr "\0" " " </proc/1/cmdline' | grep -c -e --no-config)" 0

# ---- what the caller had -------------------------------------------------------------------

masks='Sig(Blk|Ign):	0000000000000000'
is 'nothing is blocked or ignored inside' \
	"$(run -- grep -cE "^$masks" /proc/self/status)" 2
is 'nor if the caller ignored everything' "$(sh -c 'trap "" HUP INT QUIT TERM PIPE CHLD USR1 TSTP
	exec "$SBX" run --no-config -- grep -cE "$1" /proc/self/status' sh "^$masks" </dev/null)" 2
is 'ended children are noticed if the caller ignored them' \
	"$(sh -c 'trap "" CHLD; timeout -s KILL 20 "$SBX" run --no-config -- sh -c "exit 7"; echo $?')" 7
is 'and if they go to the one who writes maps' \
	"$(sh -c 'trap "" CHLD; timeout -s KILL 20 "$SBX" run --no-config --map subuid -- sh -c "exit 7"; echo $?' \
		2>&1 | sed 's/^sbx: .*subordinate.*/7/' | tail -n 1)" 7
cat >"$tmp/blocked.py" <<'END'
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.argv[1], sys.argv[1:])
END
is 'nothing is blocked inside if the caller blocked everything' \
	"$(python3 "$tmp/blocked.py" "$SBX" run --no-config -- \
		grep -cE "^$masks" /proc/self/status </dev/null)" 2
: >"$log"
python3 "$tmp/blocked.py" "$SBX" run --no-config -- \
	sh -c 'echo ready; exec sleep 50' >"$log" 2>&1 </dev/null &
launcher=$!
until_true grep -q ready "$log"
kill -TERM "$launcher"
wait "$launcher"
is 'and TERM still ends it' $? 143

# What a script has put into the background is no part of what its terminal interrupts.
: >"$log"
sh -c '"$SBX" run --no-config -- sh -c "echo ready; exec sleep 50" >"$1" 2>&1 </dev/null &
	echo $! >"$2"' sh "$log" "$tmp/pid"
launcher=$(cat "$tmp/pid")
until_true grep -q ready "$log"
kill -INT "$launcher"
kill -QUIT "$launcher"
sleep 0.5
kill -0 "$launcher"
result $? 'an ignored INT stays ignored'
kill -KILL "$launcher"

# ---- while the sandbox is being made --------------------------------------------------------------

# The command has started, and nobody has told the launcher yet: strace holds what would.
name='a signal at the very start reaches the command'
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	: >"$log"
	strace -f -o /dev/null -e trace=sendmsg -e inject=sendmsg:delay_enter=700000 \
		"$SBX" run --no-config --map single --groups keep -- \
		sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done' \
		>"$log" 2>/dev/null </dev/null &
	tracer=$!
	until_true grep -q ready "$log"
	kill -TERM "$(pgrep -P "$tracer" -x "$(basename "$SBX")")"
	wait "$tracer"
	is "$name" $? 5
else
	skip "$name" 'strace is not installed'
fi

# A call of the set-up that takes seconds, and that no signal interrupts: strace holds it.
name='a TERM ends a start that hangs'
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	strace -f -o /dev/null -e trace=move_mount -e inject=move_mount:delay_enter=8000000 \
		"$SBX" run --no-config --map single --groups keep -- echo started \
		>"$log" 2>/dev/null </dev/null &
	tracer=$!
	until_true pgrep -P "$tracer" -x "$(basename "$SBX")" >"$tmp/pid"
	sleep 1
	launcher=$(tail -n 1 "$tmp/pid")
	began=$(date +%s%N)
	kill -TERM "$launcher"
	until_true sh -c '! kill -0 "$1" 2>/dev/null' sh "$launcher"
	[ $((($(date +%s%N) - began) / 1000000)) -lt 5000 ]
	result $? "$name"
	wait "$tracer"
	is 'with the status of the signal, and nothing was started' "$? $(cat "$log")" '143 '
else
	skip "$name" 'strace is not installed'
	skip 'with the status of the signal, and nothing was started' 'strace is not installed'
fi
