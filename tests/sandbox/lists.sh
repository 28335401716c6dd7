#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Running sandboxes have names, are listed, take signals and can be waited for; a killed
# launcher leaves nothing that the next command does not remove.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

own_place
state=$XDG_RUNTIME_DIR/sbx

sbx() {
	timeout -s KILL 20 "$SBX" "$@" </dev/null
}
run() {
	timeout -s KILL 20 "$SBX" run --no-config "$@" </dev/null
}
# The names in the list, on one line.
names() {
	sbx list | awk 'NR > 1 { printf "%s ", $1 }'
}
is_gone() {
	! [ -e "$state/$1" ]
}
has_entry() {
	[ -e "$state/$1/entry.json" ]
}
# The pid of the launcher that has this name.
launcher() {
	sed -n 's/.*"launcher": *\([0-9]*\).*/\1/p' "$state/$1/entry.json"
}
# begin_wait NAME: $waiter is the pid of a `sbx wait` that holds the file of the status
begin_wait() {
	"$SBX" wait "$1" </dev/null &
	waiter=$!
	until_true holds "$waiter" "$state/$1/status"
}
holds() {
	[ -n "$(find "/proc/$1/fd" -lname "$2" 2>/dev/null)" ]
}
init() {
	sbx list | awk -v name="$1" '$1 == name { print $2 }'
}

plan 64

# ---- list ----------------------------------------------------------------------------------

is 'nothing runs: nothing is listed' "$(sbx list; echo $?)" 0
is 'the same as JSON' "$(sbx list --json)" '{"version":1,"sandboxes":[]}'
ok 'a run gets a name' run -d --name first -- sleep 60
ok 'another one' run -d --name second -- sh -c 'exec sleep 61'
is 'both are listed, the oldest first' "$(names)" 'first second '
like 'with the command' "$(sbx list)" '*sleep 60*'
like 'as JSON too' "$(sbx list --json)" \
	'{"version":1,"sandboxes":[{"id":"first","name":"first","pid":*,"started":"*Z","command":\["sleep","60"\],"root":"host","detached":true},*'
like 'the pid is that of the init' "$(tr '\0' ' ' <"/proc/$(init first)/status" | head -n 1)" \
	'Name:*sbx*'
is 'the state directory is closed to others' "$(stat -c %a "$state" "$state/first" | tr '\n' ' ')" \
	'700 700 '
fails 'an unknown option is refused' 125 sbx list --jsn
run -d -- sleep 62
like 'a detached run without a name gets one' "$(names)" 'first second run-[0-9]* '
like 'which it did not ask for' "$(sbx list --json)" '*"name":null,*'
sbx kill -s KILL "$(names | sed 's/.*\(run-[0-9]*\).*/\1/')"

run -- sleep 5 &
running=$!
until_true sh -c '"$SBX" list | grep -q "sleep 5"'
result $? 'a run in the foreground is listed too'
kill "$running" 2>/dev/null
wait "$running" 2>/dev/null
until_true sh -c '! "$SBX" list | grep -q "sleep 5"'
result $? 'and leaves the list at its end'
run -- true
is 'a short run leaves nothing' "$(find "$state" -mindepth 1 -maxdepth 1 -name 'run-*')" ''

run -d --name odd -- sh -c 'exec sleep 63' "$(printf 'a\033[31mb')" "$(printf 'x\377y')"
is 'what a command is called cannot reach the terminal' \
	"$(sbx list | LC_ALL=C tr -d '\040-\176\n')" ''
like 'and is whole in JSON' "$(sbx list --json)" '*"a\\\\x1b\[31mb","x\\\\xffy"*'
sbx kill -s KILL odd

# ---- names ---------------------------------------------------------------------------------

output=$(run --name first -- true 2>&1)
is 'a name that is taken is refused' $? 125
like 'and named' "$output" 'sbx: cannot *first*running*'
output=$(run --dry-run --name first -- true 2>&1)
is 'before the start too' $? 125
for name in '' . .. a/b ../a -a 'a b' "$(printf 'a\nb')" "$(printf '%065d' 0)"; do
	fails "'$(echo "$name" | tr '\n' ' ')' is no name" 125 run --name "$name" -- true
done
ok 'sixty-four letters are one' run --name "$(printf '%064d' 0)" -- true

rm -f "$tmp"/racer.*
for i in 1 2 3 4 5 6; do
	(run --name race -- sleep 3 2>/dev/null; echo $? >"$tmp/racer.$i") &
	echo $! >>"$tmp/racers"
done
while read -r racer; do
	wait "$racer"
done <"$tmp/racers"
is 'of six starts with one name one wins' "$(cat "$tmp"/racer.? | sort -n | tr '\n' ' ')" \
	'0 125 125 125 125 125 '
is_gone race
result $? 'and leaves nothing'

# ---- kill and wait -------------------------------------------------------------------------

output=$(sbx kill frist 2>&1)
is 'an unknown name is 125' $? 125
like 'the nearest one is named' "$output" '*hint: *first*'
fails 'no name is 125' 125 sbx kill
fails 'an unknown signal is 125' 125 sbx kill -s NOPE first
fails 'a signal that would hit the launcher is 125' 125 sbx kill -s STOP first
begin_wait first
ok 'kill stops' sbx kill first
wait "$waiter"
is 'and who waits learns how it ended' $? 143
is_gone first
result $? 'the entry is gone'
is 'the other one runs on' "$(names)" 'second '
fails 'there is nothing left to wait for' 125 sbx wait first

run -d --name own -- sh -c 'sleep 1; exit 7'
fails 'wait ends as the command did' 7 sbx wait own
run -d --name quick -- true
sbx wait quick 2>/dev/null
like 'or finds none that was faster' $? '[01]*'

run -d --name traps --stop-signal INT --log "$tmp/log" -- sh -c '
	trap "echo INT; exit 3" INT; trap "echo USR1" USR1; echo ready; while :; do sleep 0.1; done'
until_true grep -q ready "$tmp/log"
ok 'another signal is passed to the command' sbx kill -s USR1 traps
until_true grep -q USR1 "$tmp/log"
result $? 'which gets it'
begin_wait traps
ok 'kill sends the stop signal of the run' sbx kill traps
wait "$waiter"
is 'and the command ended by its own will' $? 3

run -d --name stubborn -- sh -c 'trap "" TERM INT HUP; while :; do sleep 1; done'
begin_wait stubborn
ok 'KILL ends what nothing else ends' sbx kill --signal=KILL stubborn second
wait "$waiter"
is 'with the status of a killed one' $? 137
until_true sh -c '[ -z "$("$SBX" list)" ]'
result $? 'several names at once, and nothing runs'

# ---- a launcher that was killed ------------------------------------------------------------

run -d --name dies -- sleep 60
begin_wait dies
kill -KILL "$(launcher dies)"
wait "$waiter"
is 'the waiter of a killed launcher gets 137' $? 137
is 'it is not listed' "$(names)" ''
until_true sh -c '"$SBX" list >/dev/null; ! [ -e "$XDG_RUNTIME_DIR/sbx/dies" ]'
result $? 'and the list has removed it'
run -d --name dies -- sleep 60
dying=$(launcher dies)
kill -KILL "$dying"
until_true sh -c '! kill -0 "$1" 2>/dev/null' sh "$dying"
ok 'its name is free once it is gone' run --name dies -- true
run -d --name dies -- sleep 60
sbx kill -s KILL dies
ok 'so is that of a killed sandbox' run --name dies -- true

# An entry is believed only with the start time of its process.
mkdir -m 700 "$state/forged"
: >"$state/forged/status"
cat >"$state/forged/entry.json" <<END
{"version": 1, "named": true, "init": $$, "init_start": 1, "launcher": $$, "launcher_start": 1,
 "started": "2025-01-01T00:00:00.000Z", "root": "host", "detached": true, "stop_signal": 15,
 "command": ["sleep"]}
END
cat >"$tmp/hold.py" <<'END'
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
time.sleep(15)
END
if command -v python3 >/dev/null; then
	python3 "$tmp/hold.py" "$state/forged" "$tmp/held" &
	holder=$!
	until_true test -e "$tmp/held"
	fails 'a pid that is another process now is not signalled' 125 sbx kill -s TERM forged
	is 'nor listed' "$(names)" ''
	kill "$holder"
	wait "$holder" 2>/dev/null
else
	skip 'a pid that is another process now is not signalled' 'python3 is not installed'
	skip 'nor listed' 'python3 is not installed'
fi

# ---- where it stands -----------------------------------------------------------------------

mkdir -m 700 "$tmp/other"
ln -s "$tmp/other" "$tmp/linked"
XDG_RUNTIME_DIR=$tmp/linked run -- sh -c 'sleep 0.5'
is 'a link is not used as the directory' "$(ls -A "$tmp/other")" ''
mkdir -m 777 "$tmp/wide"
chmod 777 "$tmp/wide"
XDG_RUNTIME_DIR=$tmp/wide run -- sh -c 'sleep 0.5'
is 'nor is one that others can write to' "$(ls -A "$tmp/wide")" ''
is 'in the end there is nothing' "$(sbx list; ls "$state")" ''

cat >"$tmp/spare" <<'END'
mkdir "$tmp/new"
mount -t tmpfs -o mode=1777 none "$tmp/new" || exit 77
cp "$SBX" "$tmp/new/sbx"
mount -n --move "$tmp/new" /tmp || exit 77
cd / || exit
SBX=/tmp/sbx
"$SBX" run --no-config --cwd off --net none --name spare --map single -- sleep 0.3 || exit
"$SBX" run --no-config --cwd off --net none -d --name spare --map single -- sleep 60 || exit
stat -c "%a %n" /tmp/sbx-*
"$SBX" list | awk 'NR > 1 { print $1 }'
"$SBX" kill -s KILL spare
mkdir /tmp/empty
XDG_RUNTIME_DIR=/tmp/empty "$SBX" run --no-config --cwd off --net none -- sleep 0.2
chmod 755 /tmp/sbx-*
XDG_RUNTIME_DIR=/nowhere "$SBX" run --no-config --cwd off --net none --name spare -- true 2>&1 | head -n 1
END
if unshare -Urm true 2>/dev/null; then
	output=$(env -u XDG_RUNTIME_DIR SBX="$SBX" tmp="$tmp" timeout -s KILL 20 unshare -Urm sh "$tmp/spare" 2>&1)
	status=$?
	like 'without a runtime directory there is a spare one' "$output" '700 /tmp/sbx-0
spare*'
	like 'which is refused if others can use it' "$output" '*sbx: cannot *sbx-0*'
	is 'and all that ends well' "$status" 0
else
	for name in 1 2 3; do
		skip "the spare directory, $name" 'unshare cannot make a namespace here'
	done
fi
