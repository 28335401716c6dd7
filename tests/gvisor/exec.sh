#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sandbox in gVisor can be entered, asked what it uses and wrote, and stopped, by the same
# words as any other.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"

needs_runsc
needs_range

sbx() {
	timeout -s KILL 20 "$SBX" "$@" </dev/null
}
enter() {
	timeout -s KILL 20 "$SBX" exec "$@" </dev/null 2>&1
}
seen_inside() { # TEXT
	enter web ps ax | grep -q "$1"
}
unseen_inside() {
	! seen_inside "$1"
}

plan 32

ok 'a sandbox runs' gvisor --no-config --net none -d --name web --log "$tmp/log" --env A=1 -- \
	sh -c 'echo begun; dmesg 2>/dev/null >/tmp/kernel; exec sleep 60'
like 'what enters it is beside its command' "$(enter web ps ax)" '*1 *sleep 60*ps ax*'
like 'and has the same kernel' "$(enter web sh -c 'cat /tmp/kernel; dmesg')" '*gVisor*'
is 'it has the environment and the directory' "$(enter web sh -c 'echo "$A $PWD"')" "1 $PWD"
is 'another directory' "$(enter -w /usr web pwd)" /usr
is 'and other variables' "$(OUTER=3 enter -e A=2 -e OUTER --env=B=4 web sh -c 'echo "$A $OUTER $B"')" '2 3 4'
is 'a directory that is not there' "$(enter -w /nowhere web true | head -n 1)" \
	'sbx: cannot enter the working directory /nowhere'
is 'it is the same user' "$(enter web id -u)" "$(id -u)"
is 'or another, by name' "$(enter -u nobody web id -u)" "$(id -u nobody)"
is 'or by number' "$(enter -u 3:4 web sh -c 'id -u; id -g' | tr '\n' ' ')" '3 4 '
fails 'but one that is there' 125 enter -u nobody-at-all web true
fails 'its status passes through' 7 enter web sh -c 'exit 7'
fails 'also the one that runsc fails with' 128 enter web sh -c 'exit 128'
fails 'as that of a signal does' 137 enter web sh -c 'kill -KILL $$'
fails 'a program that is not there' 127 enter web nothing-of-the-sort
fails 'one that is none' 126 enter web /etc/passwd
fails 'a name that nobody has' 125 enter wob true
is 'its streams are apart' "$("$SBX" exec web sh -c 'echo a; echo b >&2' </dev/null 2>/dev/null)" a
printf 'one\ntwo\n' >in
is 'a file as its input goes on where it stopped' \
	"$({ "$SBX" exec -i web sh -c 'read x; echo $x'; cat; } <in | tr '\n' ' ')" 'one two '
is 'it is no sandbox of its own' "$(sbx list | awk 'NR > 1 { printf "%s ", $1 }')" 'web '
like 'it may have a terminal' \
	"$(script -qec "'$SBX' exec -t web sh -c 'test -t 0 && test -t 2 && stty size && echo whole'" /dev/null </dev/null | tr -d '\r\000' | tr '\n' ' ')" \
	'*whole *'
if command -v python3 >/dev/null; then
	ok 'whose keys send signals' timeout -s KILL 30 python3 "$gvisor_here/../sandbox/terminal.py" \
		'expect ready' 'send ^C' 'expect interrupted' 'status 3' 'same' -- \
		"$SBX" exec -t web sh -c 'trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.1; done'
else
	skip 'whose keys send signals' 'python3 is not installed'
fi

# ---- its life ------------------------------------------------------------------------------

"$SBX" exec web sleep 71 </dev/null &
killed=$!
ok 'another process is there for a while' until_true seen_inside 'sleep 71'
kill -KILL "$killed"
ok 'until sbx exec is killed' until_true unseen_inside 'sleep 71'
wait "$killed" 2>/dev/null
"$SBX" exec web sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' </dev/null &
told=$!
until_true seen_inside 'exit 9'
kill -TERM "$told"
wait "$told"
is 'signals are passed on' $? 9
"$SBX" exec web sleep 72 </dev/null &
left=$!
until_true seen_inside 'sleep 72'
is 'what it wrote is shown' "$(sbx logs web)" begun
like 'what it uses' "$(sbx stats --json web)" '*"id":"web"*"memory_bytes":[1-9]*'
ok 'it is stopped' sbx stop -t 2 web
wait "$left"
is 'and what had entered it with it' $? 137
is 'nothing is left' "$(sbx list)$(ls "$XDG_RUNTIME_DIR/sbx")" ''
fails 'and nothing to enter' 125 enter web true

# ---- powers --------------------------------------------------------------------------------

gvisor --no-config --net none -d --name strict --policy default-mkdir-mkdirat -- sleep 60 2>/dev/null
like 'runsc gives no filter to what enters, and sbx says so' "$(enter strict mkdir /tmp/new)" '*note: gVisor differs:*no seccomp filter*'
sbx kill -s KILL strict
