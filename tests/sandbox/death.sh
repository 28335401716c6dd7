#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever kills the launcher, at whatever instant, ends the sandbox: no process, no mount, no
# file and no name is left. SBX_TEST_FULL=1: more instants; SBX_TEST_EMULATED=1: fewer.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'

own_place
export TMPDIR="$tmp/tmp" SBX
mkdir "$tmp/tmp"
count=60
[ -z "${SBX_TEST_EMULATED:-}" ] || count=10
[ -z "${SBX_TEST_FULL:-}" ] || count=500

# A crowd that nothing but the end of its namespace ends: sessions of their own, double
# forks, signals ignored. Its first process says a word when it is up.
cat >crowd <<'END'
trap "" TERM HUP INT QUIT
for i in 1 2 3; do
	(setsid sh -c 'trap "" TERM; (sleep 300 & setsid sleep 300 & sleep 300) & exec sleep 300' &)
done
echo up
sleep 300
END
snapshot() {
	find "$tmp/work" "$tmp/tmp" | sort
	stat -c %n "/tmp/sbx-$(id -u)" 2>/dev/null
	grep -F "$tmp" /proc/self/mountinfo
}
# dies DESCRIPTION OPTION...
dies() {
	description=$1
	shift
	snapshot >"$tmp/before"
	ok "$description: no process is left" timeout -s KILL 600 \
		python3 "$here/death.py" "$count" "$SBX" run --no-config "$@" -- sh ./crowd
	snapshot >"$tmp/after"
	ok "$description: no file and no mount" diff "$tmp/before" "$tmp/after"
	is "$description: nothing is listed" "$("$SBX" list)" ''
	is "$description: and no entry" "$(find "$XDG_RUNTIME_DIR" -mindepth 2)" ''
}

plan 31

"$SBX" run --no-config -- true
fails 'what is left over is found' 1 python3 "$here/death.py" 2 sh ./crowd

dies 'by default'
dies 'with a name' --name crowd
if "$SBX" run --no-config --map subuid -- true 2>/dev/null; then
	dies 'with subordinate ids' --map subuid
else
	for what in process file listed entry; do
		skip "with subordinate ids: $what" 'this user has none'
	done
fi
dies 'with an empty directory as home of writes' --cwd cow --tmpfs /mnt:size=1M
dies 'in the pid namespace of the caller' --share pid
count=$((count / 6))
dies 'without an init' --no-init

# ---- detached ------------------------------------------------------------------------------

"$SBX" run --no-config -d --name away --log "$tmp/log" --pid-file "$tmp/pid" -- sh ./crowd
until_true grep -q up "$tmp/log"
init=$(cat "$tmp/pid")
kill -KILL "$(sed -n 's/.*"launcher": *\([0-9]*\).*/\1/p' "$XDG_RUNTIME_DIR/sbx/away/entry.json")"
until_true sh -c "! [ -e /proc/$init/ns/pid ]"
result $? 'a detached sandbox ends with its launcher'
until_true sh -c '"$SBX" list; [ -z "$(find "$XDG_RUNTIME_DIR" -mindepth 2)" ]' >/dev/null
result $? 'and leaves the list'

# ---- the parent ----------------------------------------------------------------------------

# parent OPTION...: a shell that runs sbx is killed; $tmp/pid is the launcher's
parent() {
	rm -f "$tmp/log"
	sh -c '"$SBX" run --no-config "$@" -- sh ./crowd >"$tmp/log" </dev/null &
		echo $! >"$tmp/pid"; wait' sh "$@" &
	shell=$!
	until_true grep -q up "$tmp/log" 2>/dev/null
	kill -KILL "$shell"
	wait "$shell" 2>/dev/null
}
is_alive() {
	[ -e "/proc/$1/ns/pid" ] && kill -0 "$1" 2>/dev/null
}
is_dead() {
	! is_alive "$1" || [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" = Z ]
}
export tmp
parent --die-with-parent
until_true is_dead "$(cat "$tmp/pid")"
result $? 'with --die-with-parent it ends with its parent'
parent
sleep 0.5
is_alive "$(cat "$tmp/pid")"
result $? 'without, it outlives its parent'
kill -KILL "$(cat "$tmp/pid")"

nohup "$SBX" run --no-config -- sh -c 'echo up; exec sleep 30' >"$tmp/log" 2>/dev/null </dev/null &
launcher=$!
until_true grep -q up "$tmp/log"
kill -HUP "$launcher"
sleep 0.5
is_alive "$launcher"
result $? 'a run behind nohup outlives the terminal'
kill -KILL "$launcher" 2>/dev/null
wait "$launcher" 2>/dev/null
is 'in the end nothing is listed' "$("$SBX" list)" ''
