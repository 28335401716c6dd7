#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A person at a terminal: the sandbox has one of its own, and the person's comes back as it
# was.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'
own_place

at() {
	timeout -s KILL 120 python3 "$here/terminal.py" "$@"
}

plan 32

# ---- a terminal of its own -----------------------------------------------------------------

ok 'tty names it' at 'expect /dev/(pts/[0-9]+|console)' 'status 0' -- \
	"$SBX" run --no-config -t -- tty
ok 'all three streams are on it, and /dev/tty is it' at 'expect all three' 'expect by name' \
	'status 0' -- "$SBX" run --no-config -t -- \
	sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all three; echo by name >/dev/tty'
ok 'it is another one than the person has' at 'expect another' 'status 0' -- \
	sh -c 'outer=$(stat -Lc %d:%i /dev/fd/0); inner=$("$0" run --no-config -t -- stat -Lc %d:%i /dev/fd/0)
		[ "$outer" != "$inner" ] && echo another' "$SBX"
ok 'that is the default where all three are a terminal' at 'expect /dev/(pts/[0-9]+|console)' \
	'modes cooked' 'status 0' -- "$SBX" run --no-config -- tty
ok 'where one is not, there is none' at 'expect none' -- \
	sh -c '"$0" run --no-config -- sh -c "[ -t 1 ] || echo none" | cat' "$SBX"
ok 'the status is passed on' at 'status 7' -- "$SBX" run --no-config -t -- sh -c 'exit 7'
ok 'it has the size of the outer one' at 'expect 31 99' -- "$SBX" run --no-config -t -- stty size
ok 'and follows it' at 'expect ready' 'resize 40 120' 'expect now 40 120' 'send ^C' -- \
	"$SBX" run --no-config -t -- \
	sh -c 'trap "echo now \$(stty size)" WINCH; echo ready; while :; do sleep 0.1; done'
ok 'what is typed is read' at 'expect ready' 'send hello\r' 'expect got hello' 'status 0' -- \
	"$SBX" run --no-config -t -- sh -c 'echo ready; read -r line; echo "got $line"'
ok 'and shown once' at 'expect ready' 'send hello\r' 'expect done' 'absent hello[^$]*hello' -- \
	"$SBX" run --no-config -t -- sh -c 'echo ready; read -r line; echo done'
ok 'the end of the input arrives' at 'expect ready' 'send ^D' 'expect ended' 'status 0' -- \
	"$SBX" run --no-config -t -- sh -c 'echo ready; cat; echo ended'
ok 'much is shown whole' at 'expect (?s)begin.*29999\r\n30000\r\nend' -- \
	"$SBX" run --no-config -t -- sh -c 'echo begin; seq 30000; echo end'
ok 'what is shown last is not lost' at 'expect 5000\r\n' 'status 0' -- \
	"$SBX" run --no-config -t -- seq 5000

# ---- keys that send signals ----------------------------------------------------------------

ok '^C reaches the command' at 'expect ready' 'send ^C' 'expect interrupted' 'status 0' -- \
	"$SBX" run --no-config -t -- \
	sh -c 'trap "echo interrupted; exit 0" INT; echo ready; while :; do sleep 0.1; done'
ok 'and ends one that does not care, and sbx with it' at 'expect ready' 'send ^C' 'status -2' -- \
	"$SBX" run --no-config -t -- sh -c 'echo ready; exec sleep 20'
ok '^C reaches it without a terminal of its own' at 'expect ready' 'send ^C' 'expect once' \
	'absent once[^$]*once' 'status 0' -- "$SBX" run --no-config --tty=off -- \
	sh -c 'trap "echo once; sleep 1; exit 0" INT; echo ready; while :; do sleep 0.1; done'
# shellcheck disable=SC1003 # it is no escape
ok '^\ as well' at 'expect ready' 'send ^\' 'expect quit' 'status 0' -- \
	"$SBX" run --no-config -t -- \
	sh -c 'trap "echo quit; exit 0" QUIT; echo ready; while :; do sleep 0.1; done'
ok 'a shell inside has job control' at 'expect [$#] ' \
	'send sh -c "echo up; sleep 2; echo over"\r' 'expect \nup' 'pause 0.3' 'send ^Z' \
	'expect (Stopped|suspended)' 'send fg\r' 'expect \nover' 'expect [$#] ' \
	'send exit 3\r' 'status 3' -- env PS1='$ ' "$SBX" run --no-config -e PS1='$ ' -t -- sh -i
ok '^Z stops the run, fg brings it back' at 'expect [$#] ' \
	'send "$SBX" run --no-config -t -- sh -c "echo ready; read -r x; echo got \$x"\r' \
	'expect \nready' 'modes raw' 'send ^Z' 'expect (Stopped|suspended)' 'modes cooked' \
	'send fg\r' 'modes raw' 'send word\r' 'expect got word' \
	'expect [$#] ' 'send exit 4\r' 'status 4' -- \
	env PS1='$ ' SBX="$SBX" sh -i

# ---- the person's terminal afterwards ------------------------------------------------------

ok 'its modes change while the command runs, and come back' at 'expect ready' 'modes raw' \
	'send \r' 'status 0' 'same' -- "$SBX" run --no-config -t -- sh -c 'echo ready; read -r _'
ok 'also if the command changes its own' at 'expect ready' 'send x' 'status 0' 'same' -- \
	"$SBX" run --no-config -t -- sh -c 'stty raw -echo -onlcr; echo ready; head -c 1'
for signal in TERM:15 INT:2 HUP:1 QUIT:3; do
	number=${signal#*:}
	[ "$number" = 2 ] || [ "$number" = 3 ] && number="-$number" || number=$((128 + number))
	ok "also if ${signal%:*} ends sbx" at 'expect ready' 'modes raw' "kill ${signal%:*}" \
		"status $number" 'same' -- \
		"$SBX" run --no-config -t -- sh -c 'echo ready; exec sleep 20'
done
ok 'also if the command is killed' at 'expect ready' 'status 137' 'same' -- \
	"$SBX" run --no-config -t -- sh -c 'echo ready; sleep 0.3; kill -KILL $$'
ok 'also if its time is up' at 'expect ready' 'status 124' 'same' -- \
	"$SBX" run --no-config -t --timeout 2s -- sh -c 'echo ready; exec sleep 20'
ok 'also if it cannot be started' at 'expect cannot start' 'status 127' 'same' -- \
	"$SBX" run --no-config -t -- no-such-program

# ---- what cannot be done to it -------------------------------------------------------------

inject='import fcntl, termios, sys
for fd in (0, 1, 2):
	try:
		for byte in b"echo INJECTED\n":
			fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))
		print("typed")
	except OSError:
		print("refused")'
ok 'without one of its own it has no controlling terminal' at 'expect none' -- \
	"$SBX" run --no-config --tty=off -- sh -c '(: </dev/tty) 2>/dev/null || echo none'
ok 'and cannot take the outer one' at 'expect refused' 'absent taken' -- \
	"$SBX" run --no-config --tty=off -- python3 -c 'import fcntl, os, termios
try:
	if os.getpid() == os.getpgid(0): pass
	pid = os.fork()
	if pid == 0:
		os.setsid()
		fcntl.ioctl(0, termios.TIOCSCTTY, 1)
		print("taken")
		os._exit(0)
	os.wait()
except OSError:
	print("refused")'
ok 'nor type into it' at 'expect refused' 'absent typed' 'absent INJECTED' -- \
	sh -c '"$1" run --no-config --tty=off -- python3 -c "$2"; sleep 0.2' sh "$SBX" "$inject"
ok 'what it types into its own reaches nobody' at 'expect (typed|refused)' \
	'expect [$#] ' 'absent (?m)^INJECTED' -- \
	sh -c '"$1" run --no-config -t -- python3 -c "$2"; PS1="$ " exec sh -i' sh "$SBX" "$inject"
