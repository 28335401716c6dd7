#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a policy denies is told: who, what, why, and how to allow it; once each, and never so that
# anybody has to wait for it.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sandbox/lib.sh
. "$here/lib.sh"

own_place
cp "${ASKER:?the path of the asker}" asker
run() {
	timeout -s KILL 60 "$SBX" run --no-config --explain on "$@" </dev/null
}
# lines FILE: how many denials it tells
lines() {
	grep -c '^sbx: denied: ' "$1"
}
document_fits() { # SCHEMA FILE
	python3 "$here/validate.py" "$here/../../docs/schema/$1.json" <"$2"
}
all_fit() { # SCHEMA FILE
	python3 "$here/validate.py" --lines "$here/../../docs/schema/$1.json" <"$2"
}
echo '{}' | python3 "$here/validate.py" "$here/../../docs/schema/list.json" >why
can_validate=$?
member() { # FILE EXPRESSION
	python3 -c "import json, sys; print(json.load(open(sys.argv[1]))$2)" "$1" 2>&1
}

plan 43

# ---- one line ------------------------------------------------------------------------------

said=$(run -- ./asker again 1 2>&1)
like 'a denial is told' "$said" 'sbx: denied: pid [0-9]* (asker): socket(*) -> EAFNOSUPPORT \[default:[0-9]*: *\]; allow with --policy default+socket'
is 'the command sees the errno' "$(run -- ./asker again 1 2>/dev/null; echo $?)" 0
is 'what it advises helps' "$(run --policy default+socket -- ./asker again 1 2>&1 | grep -c denied)" 0
is 'nothing is said of what is allowed' "$(run -- true 2>&1)" ''
run -- ./asker again 50 2>errors
is 'the same one is told once' "$(lines errors)" 1
is 'and counted' "$(tail -n 1 errors)" 'sbx: 49 more denials of 1 kind; --denials FILE counts them'
run -- sh -c './asker again 1; ./asker kinds 3' 2>errors
is 'kinds are told apart' "$(lines errors)" 3
is 'off says nothing' "$(run --explain off -- ./asker again 1 2>&1; echo $?)" 0
is 'nor does auto without a terminal' "$(run --explain auto -- ./asker again 1 2>&1; echo $?)" 0
like 'the name of a program is made printable' \
	"$(run -- sh -c 'cp asker "$(printf "e\033[2Jl")" && "./$(printf "e\033[2Jl")" again 1' 2>&1)" \
	'sbx: denied: pid [0-9]* (e\\x1b*) *'
if command -v python3 >/dev/null; then
	at() {
		timeout -s KILL 60 python3 "$here/terminal.py" "$@"
	}
	ok 'auto tells it at a terminal' at 'expect denied: pid [0-9]+ \(asker\)[^\n]*\r\n' 'status 0' -- \
		"$SBX" run --no-config -- ./asker again 1
	ok 'and leaves no stairs on a raw one' at 'expect denied[^\n]*\r\n' 'expect here\r\n' \
		'absent denied[^\r\n]*\n' -- "$SBX" run --no-config -t -- \
		sh -c './asker again 1; sleep 0.2; echo here'
else
	skip 'auto tells it at a terminal' 'python3 is not installed'
	skip 'and leaves no stairs on a raw one' 'python3 is not installed'
fi

# ---- other ways to run ---------------------------------------------------------------------

for way in --no-init '--cap-add=SYS_ADMIN -u 0'; do
	# shellcheck disable=SC2086
	run $way -- ./asker again 1 2>errors
	is "$way: a denial is told" "$? $(lines errors)" '0 1'
done
"$SBX" run --no-config --explain on -d --log log --name told -- \
	sh -c './asker again 2; exec sleep 30' </dev/null
until_true grep -q denied log
is 'a detached run tells it to its log' "$(lines log)" 1
"$SBX" kill -s KILL told
is 'it is told below locked limits' "$(run --rlimit nofile=8 -- ./asker again 1 2>&1 | grep -c denied)" 1

# ---- for programs --------------------------------------------------------------------------

run --log-format json -- ./asker again 3 2>log.json
is 'JSON has a line for each kind and one for the rest' "$(wc -l <log.json | tr -d ' ')" 2
run --denials found -- ./asker kinds 2 2>/dev/null
is '--denials lists the kinds' "$(member found '["count"]') $(grep -c '"call"' found)" '2 2'
run --denials found -- ./asker kinds 400 2>/dev/null
is 'of too many it counts the rest' \
	"$(member found '["count"]') $(member found '["beyond"]') $(grep -c '"call"' found)" '400 144 256'
cp found many
run --denials found -- true
is 'without a denial it is empty' "$(member found '["denials"]')" '[]'
run --denials found -- no-such-command 2>/dev/null
is 'as it is without a command' "$(member found '["count"]')" 0
timeout -s TERM 2 "$SBX" run --no-config --denials found -- \
	sh -c 'trap "" TERM; ./asker again 3; kill -KILL $$' 2>/dev/null
is 'it is written when the command is killed' "$(member found '["count"]')" 3
"$SBX" run --no-config --denials found --timeout 300ms --kill-after 100ms -- \
	sh -c './asker again 4; exec sleep 20' 2>/dev/null
is 'and when its time is up' "$? $(member found '["count"]')" '124 4'
"$SBX" run --no-config --denials found -- sh -c './asker again 5; exec sleep 20' 2>/dev/null &
until_true sh -c '"$0" list | grep -q asker' "$SBX"
kill -TERM $!
wait $!
is 'and when the launcher is told to end' "$(member found '["count"]')" 5
fails 'a file that cannot be written is an error' 125 run --denials /no/such/folder/file -- true
mkdir way elsewhere
run --rw . --denials way/denials --stats=way/stats -- sh -c 'mv way moved && ln -s elsewhere way'
is 'a command cannot lead it elsewhere' "$(ls moved) $(ls elsewhere)" 'denials
stats '
if [ "$can_validate" = 77 ]; then
	skip 'the lines fit their schema' 'the Python module jsonschema is missing'
	skip 'the document fits its schema' 'the Python module jsonschema is missing'
else
	ok 'the lines fit their schema' all_fit log log.json
	ok 'the document fits its schema' document_fits denials many
fi

# ---- nobody is held up ---------------------------------------------------------------------

run -- ./asker kinds 2000 2>errors
is 'many kinds are answered' $? 0
[ "$(lines errors)" -le 100 ]
result $? 'and not all told' || say "$(lines errors) lines"
like 'the rest is counted' "$(tail -n 1 errors)" 'sbx: * more denials of * and more kinds; *'
run -- ./asker kinds 30 2>errors
[ "$(lines errors)" -le 20 ]
result $? 'not too many in a second' || say "$(lines errors) lines"
is 'a storm of signals is survived' "$(run -- ./asker storm 2000 2>/dev/null; echo $?)" 0
is 'threads that are gone while they wait do no harm' "$(run -- ./asker threads 2>/dev/null; echo $?)" 0
mkfifo nobody
exec 6<>nobody
is 'who does not read the lines holds nobody up' "$(run --log-format json -- sh -c \
	'for i in 1 2 3 4 5 6; do ./asker kinds 60; done; echo done' 2>nobody)" 'done'
exec 6<&-
is 'signals are served meanwhile' "$(run --timeout 500ms --kill-after 100ms -- ./asker ever 2>/dev/null; echo $?)" 124

# The supervisor is the launcher: it takes the sandbox along.
"$SBX" run --no-config --explain on --name killed -- ./asker ever 2>/dev/null &
launcher=$!
until_true sh -c '"$0" list | grep -q killed' "$SBX"
init=$("$SBX" list | awk '$1 == "killed" { print $2 }')
kill -KILL "$launcher"
wait "$launcher" 2>/dev/null
until_true sh -c '! kill -0 "$0" 2>/dev/null' "$init"
result $? 'a supervisor that is killed leaves nobody waiting'

# ---- listeners -----------------------------------------------------------------------------

is 'inside there is no second listener' "$(run -- ./asker listen 2>/dev/null)" 'Device or resource busy'
is 'unless denials are not explained' "$(run --explain off -- ./asker listen)" listens
if ./asker hold true; then
	./asker hold "$SBX" run --no-config --explain on -- ./asker again 2 2>errors </dev/null
	is 'below a listener the denials hold' $? 0
	is 'and one line says that they are not told' "$(cat errors)" \
		'sbx: denials are not explained: the filters around sbx have a listener already, and the kernel allows one; --explain off asks for no listener'
else
	skip 'below a listener the denials hold' 'no listeners in this kernel'
	skip 'and one line says that they are not told' 'no listeners in this kernel'
fi

# ---- fakes ---------------------------------------------------------------------------------

case $(uname -m) in
x86_64) number=213 ;; # epoll_create
*) number= ;;
esac
if [ "$number" ]; then
	printf '%%sbx-policy 1\n@denylist\nepoll_create: fake(7)\n' >faking
	is 'a result is faked, told or not' \
		"$(run --policy ./faking -- ./asker call $number 2>&1) $(run --explain off --policy ./faking -- ./asker call $number 2>&1)" \
		'done done'
	like 'below a listener it cannot be' \
		"$(./asker hold "$SBX" run --no-config --policy ./faking -- true 2>&1; echo $?)" \
		'sbx: cannot load the seccomp filter: fake(7) needs a listener, *125'
else
	skip 'a result is faked, told or not' 'it is for x86-64'
	skip 'below a listener it cannot be' 'it is for x86-64'
fi
