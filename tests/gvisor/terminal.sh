#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A person at a terminal, with gVisor behind it: runsc would change the owner of the terminal it
# is given, so it has one of its own, and the person's comes back as it was.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip_all 'python3 is not installed'
needs_runsc

at() {
	timeout -s KILL 60 python3 "$gvisor_here/../sandbox/terminal.py" "$@"
}
run="$SBX run --no-config --runtime runsc --runsc $runsc --net none"

plan 13

# The words of $run are apart: none has a blank.
# shellcheck disable=SC2086
{
	ok 'all three streams are on it' at 'expect all three' 'status 0' -- \
		$run -t -- sh -c '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all three'
	ok 'that is the default where all three are a terminal' at 'expect terminal' 'status 7' -- \
		$run -- sh -c '[ -t 1 ] && echo terminal; exit 7'
	ok 'where one is not, there is none' at 'expect none' -- \
		sh -c "$run -- sh -c '[ -t 1 ] || echo none' | cat"
	ok 'owner and mode of the outer one stay' at 'expect as it was' 'status 0' -- \
		sh -c 'before=$(stat -Lc "%u:%g %a" /dev/fd/0); "$@" -- true
			[ "$(stat -Lc "%u:%g %a" /dev/fd/0)" = "$before" ] && echo as it was' sh $run
	ok 'also if only one stream is on it' at 'expect as it was' 'status 0' -- \
		sh -c 'before=$(stat -Lc "%u:%g %a" /dev/fd/0); "$@" -- true </dev/null >/dev/null
			[ "$(stat -Lc "%u:%g %a" /dev/fd/0)" = "$before" ] && echo as it was' sh $run
	ok 'it has the size of the outer one' at 'expect 31 99' -- $run -t -- stty size
	ok 'and follows it' at 'expect ready' 'resize 40 120' 'expect now 40 120' 'send \r' 'status 0' -- \
		$run -t -- sh -c 'echo ready; until [ "$(stty size)" = "40 120" ]; do sleep 0.1; done; echo now $(stty size); read -r _'
	ok 'what is typed is read, and shown once' at 'expect ready' 'send hello\r' 'expect got hello' \
		'absent hello[^$]*hello[^$]*hello' 'status 0' -- $run -t -- sh -c 'echo ready; read -r line; echo "got $line"'
	ok 'the end of the input arrives' at 'expect ready' 'send ^D' 'expect ended' 'status 0' -- \
		$run -t -- sh -c 'echo ready; cat; echo ended'
	ok 'much is shown whole' at 'expect (?s)begin.*4999\r\n5000\r\nend' 'status 0' -- \
		$run -t -- sh -c 'echo begin; seq 5000; echo end'
	ok '^C reaches the command' at 'expect ready' 'modes raw' 'send ^C' 'expect interrupted' 'status 9' 'same' -- \
		$run -t -- sh -c 'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 0.1; done'
	ok 'and ends one that does not care; the modes come back' at 'expect ready' 'modes raw' 'send ^C' 'status 130' 'same' -- \
		$run -t -- sh -c 'echo ready; exec sleep 20'
	ok 'also if sbx is told to end' at 'expect ready' 'modes raw' 'kill TERM' 'status 143' 'same' -- \
		$run -t -- sh -c 'echo ready; exec sleep 20'
}
