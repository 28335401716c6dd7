#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The streams are the caller's, and no other descriptor reaches the command unasked.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

own_place
export SBX

sbx() {
	timeout -s KILL 30 "$SBX" run --no-config "$@"
}
# What the numbers 0, 1 and 2 of a shell inside lead to, as its child sees it.
cat >show <<'END'
sh -c 'readlink /proc/$PPID/fd/0 /proc/$PPID/fd/1 /proc/$PPID/fd/2 1>&7'
exit $?
END

plan 52

# ---- closed ones ---------------------------------------------------------------------------

for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	eval 'sbx --keep-fd 7 -- sh ./show 7>"$tmp/streams"' "$closed"
	[ $? -le 1 ]
	result $? "with $closed the command runs"
	wanted=$(echo "$closed" | tr -cd '&' | wc -c)
	[ "$(grep -c '^/dev/null$' "$tmp/streams")" -ge "$wanted" ]
	result $? 'and finds /dev/null there' || say "$(cat "$tmp/streams")"
done
is 'a closed input is empty' "$(sbx -- cat <&-)" ''
sbx -- no-such-program 2>&-
is 'an error that nobody hears is one' $? 127

# ---- pipes ---------------------------------------------------------------------------------

is 'text goes through' "$(echo text | sbx -- cat)" text
sh -c '"$SBX" run --no-config -- yes; echo $? >status' 2>/dev/null | head -n 1 >/dev/null
is 'who writes to nobody dies of it' "$(cat status)" 141
"$SBX" run --no-config -- sh -c "exec >&-; sleep 2" | { read -r _; date +%s >closed; }
date +%s >ended
[ $(($(cat ended) - $(cat closed))) -ge 1 ]
result $? 'a pipe that the command closes is closed'
is 'both streams keep their order' "$(sbx -- sh -c 'echo 1; echo 2 >&2; echo 3; echo 4 >&2' 2>&1 |
	tr '\n' ' ')" '1 2 3 4 '
head -c 3000000 /dev/urandom >big
is 'much goes through a pipe' "$(sbx -- cat <big | sbx -- cat | cksum)" "$(cksum <big)"

# ---- a file as input -----------------------------------------------------------------------

printf 'one\ntwo\nthree\n' >lines
for way in /proc/self/fd/0 /dev/stdin /dev/fd/0 /proc/1/fd/0; do
	sbx -- sh -c "echo evil >$way; echo evil >>$way; echo evil 1<>$way" <lines >/dev/null 2>&1
	is "it cannot be opened for writing as $way" "$(cat lines)" "$(printf 'one\ntwo\nthree')"
done
sbx -- sh -c 'chmod 777 /proc/self/fd/0; truncate -s 0 /proc/self/fd/0; touch -t 200001010000 /dev/stdin' \
	<lines >/dev/null 2>&1
is 'nor changed' "$(stat -c '%a %s' lines) $(($(stat -c %Y lines) > 1500000000))" \
	"$(stat -c %a big) 14 1"
is 'it is read from where it stands' "$({ read -r _; sbx -- cat; } <lines | tr '\n' ' ')" \
	'two three '
is 'and stands afterwards where the command stopped' \
	"$({ sbx -- sh -c 'read x; echo "inside $x"'; cat; } <lines | tr '\n' ' ')" \
	'inside one two three '
is 'also after three runs' "$({ for _ in 1 2 3; do sbx -- sh -c 'read x; echo $x'; done; cat; } \
	<lines | tr '\n' ' ')" 'one two three '
is 'a big one is whole' "$(sbx -- cksum <big)" "$(cksum <big)"
cp lines deleted
exec 6<deleted
rm deleted
is 'a deleted one is read' "$(sbx -- cat <&6 | tr '\n' ' ')" 'one two three '
exec 6<&-
cp big deleted
exec 6<deleted
rm deleted
is 'also if it is big' "$(sbx -- cksum <&6)" "$(cksum <big)"
exec 6<&-
cp big deleted
exec 6<deleted
rm deleted
is 'and nobody has to read it' "$(sbx -- sh -c 'exit 6' <&6; echo $?)" 6
exec 6<&-
is 'an empty one is empty' "$(: >empty; sbx -- cat <empty)" ''
is 'an input that may be written is as the caller gave it' \
	"$(cp lines both; sbx -- sh -c 'echo new >&0' <>both; head -n 1 both)" new
is 'an output file is appended to' "$(echo first >out; sbx -- echo second >>out; tr '\n' ' ' <out)" \
	'first second '

# ---- other descriptors ---------------------------------------------------------------------

descriptors='cd /proc/self/fd; for fd in *; do [ -e $fd ] && [ $fd -gt 2 ] && readlink $fd; done; :'
is 'none of the others is inside' "$(sbx -- sh -c "$descriptors" 3<lines 4<lines 9>"$tmp/x" 8<"$tmp" |
	grep -v /proc/)" ''
is 'nor one far above' "$(sh -c 'exec python3 -c "
import os, sys
fd = os.open(\"lines\", os.O_RDONLY)
os.dup2(fd, 900); os.dup2(fd, 51)
os.execv(sys.argv[1], sys.argv[1:])" "$SBX" run --no-config -- sh -c "$1"' sh "$descriptors" |
	grep -v /proc/)" ''
is '--keep-fd hands one on' "$(sbx --keep-fd 7 -- sh -c 'cat <&7' 7<lines | tr '\n' ' ')" \
	'one two three '
# shellcheck disable=SC2094 # big is not read
is 'and no other' "$(sbx --keep-fd 7 -- sh -c "$descriptors" 7<lines 8<big | grep -c big)" 0
is '--preserve-fds counts from 3' "$(sbx --preserve-fds 2 -- sh -c 'cat <&3; cat <&4' 3<lines 4<lines |
	wc -l | tr -d ' ')" 6
is 'and ends there' "$(sbx --preserve-fds 2 -- sh -c 'cat <&5' 3<lines 4<lines 5<lines 2>/dev/null)" ''
fails 'one that is not open is an error' 125 sbx --keep-fd 77 -- true
fails 'so is a count too high' 125 sbx --preserve-fds 9 -- true
fails 'and one that is no number' 125 sbx --keep-fd seven -- true

# ---- --ready-fd and --status-fd ------------------------------------------------------------

mkfifo ready
"$SBX" run --no-config --ready-fd 5 -- sleep 3 5>ready &
began=$(date +%s)
is '--ready-fd says a word' "$(wc -c <ready | tr -d ' ')" 1
[ $(($(date +%s) - began)) -lt 3 ]
result $? 'when the command runs, not when it ends'
wait
sbx --ready-fd 5 -- no-such-program 5>ready 2>/dev/null &
is 'and none for a command that never ran' "$(wc -c <ready | tr -d ' ')" 0
wait
sbx --status-fd 5 -- sh -c 'cat <&5' 5>"$tmp/status" >/dev/null 2>&1
is 'the command has no part in --status-fd' "$(wc -l <"$tmp/status" | tr -d ' ')" 2
sh -c '"$SBX" run --no-config --status-fd 5 -- sh -c "exit 3" 5>&1 >/dev/null; echo $? >status' | :
is 'a reader of --status-fd that is gone does no harm' "$(cat status)" 3

# ---- detached ------------------------------------------------------------------------------

sbx -d --name one --log "$tmp/log" --pid-file "$tmp/pid" -- \
	sh -c 'cat; echo out; echo err >&2; exec sleep 30' <lines >"$tmp/said" 2>&1
is 'a detached run returns' $? 0
is 'and says nothing' "$(cat "$tmp/said")" ''
is 'the pid file is there by then' "$(cat "$tmp/pid")" \
	"$("$SBX" list | awk '$1 == "one" { print $2 }')"
until_true grep -q err "$tmp/log"
is 'what it writes is in the log, and its input is empty' "$(tr '\n' ' ' <"$tmp/log")" 'out err '
is 'the log is for its owner' "$(stat -c %a "$tmp/log")" 600
"$SBX" kill -s KILL one
sbx -d -i --name two --log "$tmp/log2" -- cat <lines
until_true grep -q three "$tmp/log2"
result $? 'with -i it keeps the input'
is 'a detached run holds no stream of the caller' \
	"$(timeout 20 sh -c '"$SBX" run --no-config -d --name three -- sleep 5 | cat; echo $?' </dev/null)" 0
"$SBX" kill -s KILL three
is 'a detached run that cannot start says why' \
	"$(sbx -d -- no-such-program 2>&1 | grep -c '^sbx: cannot start no-such-program')" 1
