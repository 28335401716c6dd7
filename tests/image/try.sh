#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx try: what a command changed is listed as it is, committed whole or not at all, kept and
# discarded, whoever is killed when.
# shellcheck disable=SC2016
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sandbox/lib.sh
. "$here/../sandbox/lib.sh"

plan 59
own_place
export XDG_STATE_HOME="$tmp/state"
kept="$tmp/state/sbx/try"

try() {
	timeout 60 "$SBX" try --no-config --net none "$@" </dev/null
}

# about WORDS...: of those that are kept
about() {
	timeout 60 "$SBX" try "$@" </dev/null
}

# fresh: an empty current directory
fresh() {
	cd "$tmp" || exit 1
	chmod -R u+rwx "$tmp/work"
	rm -rf "$tmp/work"
	mkdir "$tmp/work"
	cd "$tmp/work" || exit 1
}

nothing_is_kept() {
	[ -z "$(ls -A "$kept")" ]
}

only_kept() {
	ls -A "$kept"
}

if ! try --discard -- true >"$tmp/said" 2>&1; then
	grep -q 'as a layer has to be\|the file system is' "$tmp/said" &&
		skip_all "$(sed 1q "$tmp/said")"
fi

# ---- the list ----
printf one >a
printf two >b
printf x >'odd
name'
mkdir d
printf in >d/in
printf '%s\n' 'all:' '	printf made >out' >Makefile
output=$(try --discard -- sh -c 'make -s; rm a; printf more >>b')
is 'exactly what changed is listed' "$output" '-      3      -  a
~      3      7  b
+      -      4  out
1 created (4), 1 changed (7), 1 removed (3)'
is 'a discarded try leaves the directory as it was' "$(cat a b; ls out 2>/dev/null)" onetwo
ok 'and nothing else' nothing_is_kept

output=$(try --commit -- sh -c 'make -s; rm a; printf more >>b')
result $? 'make, rm and a commit succeed' || say "$output"
is 'a commit brings back what was listed' "$(ls a 2>/dev/null; cat b out)" twomoremade
ok 'and keeps nothing' nothing_is_kept

output=$(try -- sh -c 'cat b d/in >/dev/null; : >>b; touch -r b d/in; ls')
like 'what was only read, or opened, is no change' "$output" '*~*d/in  (time or attributes)*1 changed*'
about --discard "$(only_kept)" || exit 1
is 'nothing is said of nothing' "$(try -- true)" 'nothing was changed'
ok 'and nothing kept of it' nothing_is_kept
is 'names are made printable' "$(try --discard -- sh -c 'rm "odd
name"; : >"$(printf "\033[31m")"' | sed 's/  */ /g')" '+ - 0 \x1b[31m
- 1 - odd\x0aname
1 created (0), 1 removed (1)'
is 'a mode alone is a change' "$(try --discard -- chmod 600 b)" '~      7      7  b  (mode 0644 -> 0600)
1 changed (7)'
is 'a tree that is removed is listed file by file' "$(try --discard -- rm -r d)" '-      -      -  d/
-      2      -  d/in
2 removed (2)'
is 'a moved file goes and comes' "$(try --discard -- mv b c)" '-      7      -  b
+      -      7  c
1 created (7), 1 removed (7)'
is 'JSON tells the same' "$(try --discard --json -- rm b | sed 's/"name":"[^"]*"/"name":""/')" \
	"{\"version\":1,\"name\":\"\",\"directories\":[{\"path\":\"$PWD\",\"changes\":[{\"kind\":\"removed\",\"path\":\"b\",\"type\":\"f\",\"before\":7,\"mode_before\":\"0644\"}]}]}"
output=$(try --diff --discard -- sh -c 'printf "two\nthree\n" >b; printf "\0" >bin; ln -s /etc/passwd link; rm d/in')
like 'differences are shown as diff does' "$output" '*--- a/b*+++ b/b*-twomore*+three*'
like 'a binary file is said to be one' "$output" '*inary files /dev/null and b/bin differ*'
like 'a link is told, and not followed' "$output" '*+++ b/link
+link to /etc/passwd*'
like 'a removed file is shown' "$output" '*--- a/d/in
+++ /dev/null*-in*'

# ---- status ----
fails 'the status is the command'"'"'s' 7 try --discard -- sh -c 'exit 7'
fails 'a command that is missing' 127 try -- no-such-command
ok 'keeps nothing' nothing_is_kept
try --commit -- sh -c 'printf half >b; exit 3' >"$tmp/said" 2>&1
is 'the status of one that fails is its own with --commit' $? 3
is 'and what it did is not committed' "$(cat b)" twomore
like 'but kept, which is said' "$(cat "$tmp/said")" '*not committed: the command ended with status 3*kept as sh-*'
about --discard "$(only_kept)" || exit 1
try --commit=always -- sh -c 'printf half >b; exit 3' >/dev/null 2>&1
is '--commit=always commits it' "$?$(cat b)" 3half

# ---- kept ----
fresh
printf 1 >a
try --keep first -- sh -c 'printf 2 >>a' >"$tmp/said"
like 'a kept one is told by name' "$(cat "$tmp/said")" '*kept as first: *'
is 'the directory is as it was' "$(cat a)" 1
like 'it is listed' "$(about --list)" '*first *'"$PWD"'*'
is 'what it changed is, too' "$(about --list first | tail -n 1)" '1 changed (2)'
is 'another command goes on from there' "$(try --keep first -- sh -c 'cat a; printf 3 >>a' | sed 1q)" \
	'12~      1      3  a'
ok 'a kept one is committed by name' about --commit first
is 'with all that was done' "$(cat a)" 123
ok 'and is gone' nothing_is_kept
fails 'a name that is unknown' 125 about --commit first
fails 'a word behind --commit is no command' 125 about --commit true
try --keep elsewhere -- sh -c 'printf 4 >a' >/dev/null
mkdir other
fails 'it is a try of that directory alone' 125 sh -c "cd other && timeout 60 '$SBX' try --no-config --net none --keep elsewhere -- true"
ok 'a kept one is discarded by name' about --discard elsewhere

# ---- originals that changed ----
fresh
printf 1 >a
printf 1 >b
try --keep stale -- sh -c 'printf 2 >a; printf 2 >new' >/dev/null
printf mine >a
fails 'a commit over a file that changed meanwhile is refused' 125 about --commit stale
like 'and names it' "$output" '*commit: a was changed meanwhile; nothing was done*'
is 'and does nothing' "$(cat a; ls new 2>/dev/null)" mine
about --discard stale
# While the command runs, too: it waits for a file that only the outside makes.
mkdir "$tmp/signal"
(until [ -e "$tmp/signal/go" ]; do sleep 0.05; done; printf mine >b; : >"$tmp/signal/done") &
waiting=$!
try --commit --rw "$tmp/signal" -- sh -c ': >"$1/go"; until [ -e "$1/done" ]; do sleep 0.05; done; printf 3 >b' sh "$tmp/signal" >"$tmp/said" 2>&1
is 'a change while the command runs is found' "$?$(cat b)" 125mine
waiting=
about --discard "$(only_kept)" || exit 1

# ---- several directories ----
mkdir "$tmp/second"
printf 1 >"$tmp/second/file"
try --commit --cow "$tmp/second" -- sh -c "printf 22 >a; printf 22 >$tmp/second/file" >"$tmp/said"
is 'a second directory is tried and committed' "$(cat a "$tmp/second/file")" 2222
like 'its paths are whole' "$(cat "$tmp/said")" "*$tmp/second/file*"
try --commit --in "$tmp/second" -- sh -c 'printf 3 >file' >/dev/null
is '--in names another directory' "$(cat "$tmp/second/file")" 3
fails 'without a copy-on-write directory nothing is tried' 125 try --cwd ro -- true
fails 'a try of what holds the layers is refused' 125 env XDG_STATE_HOME="$PWD/state" \
	timeout 60 "$SBX" try --no-config --net none -- true
fails 'the home is refused as sbx run does' 125 env HOME="$PWD" timeout 60 "$SBX" try --no-config -- true

# ---- hostile commands ----
fresh
mkdir d "$tmp/outside"
printf secret >"$tmp/outside/file"
ln -s "$tmp/outside" way
try --commit -- sh -c 'rm -r d; ln -s "$1" d; rm way; mkdir way; printf x >way/file; ln -s "$1/made" new' sh "$tmp/outside" >/dev/null
is 'planted links are brought back as links' "$(readlink d) $(readlink new)" "$tmp/outside $tmp/outside/made"
is 'and lead no file outside' "$(cat "$tmp/outside/file"; ls "$tmp/outside")" secretfile
is 'a link that became a directory is one' "$(cat way/file)" x
try --commit -- sh -c 'mkdir -m 0 closed; mkfifo pipe; mkdir deep; cd deep; i=0; while [ $i -lt 120 ]; do mkdir d; cd d; i=$((i + 1)); done; : >end' >/dev/null
is 'closed and deep directories and pipes come along' \
	"$(stat -c '%a %F' closed pipe | tr '\n' ' ')$(find deep | wc -l)" '0 directory 644 fifo 122'

# ---- killed ----
fresh
printf 1 >a
"$SBX" try --no-config --net none -- sh -c 'printf 2 >a; : >b; exec sleep 60' </dev/null >/dev/null 2>&1 &
waiting=$!
running() { ls "$kept"/*/0/upper/b >/dev/null 2>&1; }
until_true running
kill -KILL "$waiting"
wait "$waiting" 2>/dev/null
waiting=
try -- true >/dev/null
ok 'the next try removes what a killed one left' nothing_is_kept
is 'of which nothing was committed' "$(cat a)" 1

# A commit of many files is killed at an instant that nobody chose: all or nothing of it is
# there after the next try.
rounds=6
[ -z "${SBX_TEST_FULL:-}" ] || rounds=200
torn=0
left=0
i=0
while [ "$i" -lt "$rounds" ]; do
	fresh
	mkdir old
	for n in 1 2 3 4 5 6 7 8 9; do printf old >old/$n; done
	try --keep killed -- sh -c 'for n in 1 2 3 4 5 6 7; do printf new >old/$n; done; rm old/8 old/9; mkdir -p x/y; for n in $(seq 200); do : >x/y/$n; done' >/dev/null
	"$SBX" try --commit killed >/dev/null 2>&1 &
	sleep "0.00$((i * 7 % 40))"
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	# finishes it, or undoes it: then it is there to be committed
	try -- true >/dev/null
	find . -name '.sbx-try*' | grep -q . && left=$((left + 1))
	[ ! -e "$kept/killed" ] || about --commit killed >/dev/null || torn=$((torn + 1))
	[ "$(cat old/*)$(find x | wc -l)" = newnewnewnewnewnewnew202 ] || torn=$((torn + 1))
	i=$((i + 1))
done
is 'a commit that is killed is undone or finished' "$torn" 0
is 'and leaves no temporary name' "$left" 0
ok 'nor anything else' nothing_is_kept

# ---- a large directory ----
fresh
files=5000
[ -z "${SBX_TEST_FULL:-}" ] || files=50000
mkdir tree
(cd tree && seq "$files" | split -l 1 -a 4 - file.)
before=$(du -s "$kept" 2>/dev/null | cut -f 1)
try --keep large -- sh -c 'printf x >>tree/file.aaab; rm tree/file.aaac; : >new' >"$tmp/said"
is 'of a large directory only the changes are listed' "$(tail -n 2 "$tmp/said" | sed 1q)" \
	'1 created (0), 1 changed (3), 1 removed (2)'
after=$(du -s "$kept" 2>/dev/null | cut -f 1)
[ $((after - before)) -lt 200 ]
result $? 'and nothing of it was copied' || say "$before $after"
about --discard large

# ---- a terminal ----
output=$(timeout 60 python3 "$here/try_ask.py" "$SBX" 2>&1)
result $? 'on a terminal it asks' || say "$output"
