#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The standard streams of a command in gVisor are pipes of sbx: nothing is lost, nothing is
# changed about the caller's, and who closes an end is noticed.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"

needs_runsc

# run ARG...: as gvisor, with the input of this shell
run() {
	timeout -s KILL "${limit:-30}" "$SBX" run --no-config --runtime runsc --runsc "$runsc" --net none "$@"
}
of() { # FILE: owner and mode
	stat -Lc '%u:%g %a' "$1"
}
sums() {
	cksum | cut -d ' ' -f 1,2
}

plan 26

# ---- output --------------------------------------------------------------------------------

: >out
: >error
chmod 640 out error
before="$(of out) $(of error)"
run -- sh -c 'echo one; echo two >&2; exit 5' </dev/null >out 2>error
is 'the status is passed on' $? 5
is 'each stream is the one it is' "$(cat out) $(grep -v ^sbx: error)" 'one two'
is 'owner and mode of the files are as they were' "$(of out) $(of error)" "$before"
is 'one file for both has the order of what was written' \
	"$(run -- sh -c 'for i in 1 2 3; do echo $i; echo e$i >&2; done' </dev/null 2>&1 | grep -v ^sbx: | tr '\n' ' ')" \
	'1 e1 2 e2 3 e3 '
echo before >log
run -- echo more </dev/null >>log
is 'a file is appended to' "$(tr '\n' ' ' <log)" 'before more '
is 'a pipe gets every byte' "$(run -- head -c 1000001 /dev/zero </dev/null | tr '\0' a | sums)" \
	"$(head -c 1000001 /dev/zero | tr '\0' a | sums)"
is 'also one that is read slowly' \
	"$(run -- head -c 300000 /dev/zero </dev/null | (sleep 1 && sums))" "$(head -c 300000 /dev/zero | sums)"
is 'what a child writes that is left behind is no reason to wait' \
	"$(run -- sh -c 'sleep 60 & echo first' </dev/null)" first
(
	run -- sh -c 'while echo more; do :; done 2>/dev/null; exit 4' </dev/null
	echo $? >status
) | head -n 1 >/dev/null
is 'a reader that has gone ends the writing' "$(cat status)" 4
run -- sh -c 'sleep 0.2; echo lost 2>/dev/null || echo noticed >&2' </dev/null 2>error | :
is 'also before the first word' "$(grep -v ^sbx: error)" noticed
run -- echo lost </dev/null >/dev/full 2>error
is 'a full disk is an error of the run' $? 125
like 'and it says so' "$(cat error)" '*cannot write the command?s standard output: No space left on device*'
is 'without an output there is none' "$(run -- sh -c 'echo lost; echo $? >&2' </dev/null 2>&1 >&- | grep -v ^sbx:)" 0
run --status-fd 1 -- echo text </dev/null >out
is 'what sbx tells goes there as well' "$(grep -c -e '"event":"started"' -e '"event":"exited"' -e ^text out)" 3

# Without sbx-image neither is there.
record='echo same; echo other >&2'
"$SBX" run --no-config --net none --record native.json -- sh -c "$record" </dev/null >/dev/null 2>&1
run --record record.json -- sh -c "$record" </dev/null >/dev/null 2>&1
is 'a record has the digest of what was written' "$(grep -o '"output_digest": *"[^"]*"' record.json)" \
	"$(grep -o '"output_digest": *"[^"]*"' native.json)"

# ---- input ---------------------------------------------------------------------------------

printf 'one\ntwo\nthree\n' >in
before=$(of in)
is 'a file is read' "$(run -- cat <in | tr '\n' ' ')" 'one two three '
is 'and goes on where the command stopped' \
	"$({ run -- sh -c 'read x; echo $x'; run -- sh -c 'read x; echo $x'; cat; } <in | tr '\n' ' ')" 'one two three '
is 'or did not begin' "$({ run -- true; cat; } <in | tr '\n' ' ')" 'one two three '
is 'it stays as it is' "$(of in)$(cat in)" "${before}one
two
three"
is 'a pipe is read to its end' "$(head -c 1000001 /dev/zero | run -- sh -c 'cksum | cut -d " " -f 1,2')" \
	"$(head -c 1000001 /dev/zero | sums)"
is 'without an input there is an end' "$(run -- sh -c 'cat; echo end' <&-)" end
is 'nobody to type neither' "$(run -- sh -c 'cat; echo end' </dev/null)" end
mkfifo fifo
{
	run -- sh -c 'cat; exit 3' <fifo >out
	echo $? >status
} &
waiting="$waiting $!"
exec 8>fifo
echo line >&8
ok 'a line arrives when it was written' until_true grep -q line out
exec 8>&-
wait $!
is 'and the end when that comes' "$(cat status)" 3

# ---- who is not there ------------------------------------------------------------------------

run -d --name quiet --log log2 -- sh -c 'echo begun; exec sleep 60' </dev/null
ok 'a detached one writes to its log' until_true grep -q begun log2
is 'which is shown' "$("$SBX" logs quiet)" begun
"$SBX" kill -s KILL quiet </dev/null
