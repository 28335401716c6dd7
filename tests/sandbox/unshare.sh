#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx unshare: the caller's subordinate ids and nothing else.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/work"
cd "$tmp/work" || exit 1

sbx() {
	timeout -s KILL 20 "$SBX" unshare "$@" </dev/null
}
namespaces() {
	for kind in mnt net pid ipc uts cgroup; do
		readlink "/proc/self/ns/$kind"
	done
}

plan 32

# ---- what it is ----------------------------------------------------------------------------

is 'the command is 0 inside' "$(sbx id -u)" 0
[ "$(sbx readlink /proc/self/ns/user)" != "$(readlink /proc/self/ns/user)" ]
result $? 'in a user namespace of its own'
is 'every other namespace is the caller'"'"'s' \
	"$(sbx sh -c 'for kind in mnt net pid ipc uts cgroup; do readlink /proc/self/ns/$kind; done')" \
	"$(namespaces)"
is 'so is the directory' "$(sbx pwd)" "$(pwd)"
is 'and the environment' "$(A_VARIABLE=kept sbx sh -c 'echo "$A_VARIABLE"')" kept
is 'and the streams' "$(echo text | timeout 20 "$SBX" unshare cat 2>&1)" text
is 'and every descriptor' "$(echo text >file; sbx cat /dev/fd/7 7<file)" text
is 'no descriptor is added' "$(sbx sh -c 'ls /proc/self/fd')" "$(sh -c 'ls /proc/self/fd' </dev/null)"
"$SBX" unshare sh -c 'echo $$' >"$tmp/pid" &
wait $!
is 'the command is the process that was called' "$(cat "$tmp/pid")" "$!"
is 'one id is enough where it is asked for' \
	"$(sbx --map single cat /proc/self/uid_map | tr -s ' ')" " 0 $(id -u) 1"

# ---- files of subordinate ids --------------------------------------------------------------

if [ "$(sbx --map subuid true 2>&1; echo $?)" = 0 ]; then
	sbx sh -c 'mkdir -p tree/deep; echo text >tree/deep/file; chown -R 5:6 tree; chmod -R go= tree'
	[ "$(stat -c %u tree)" != "$(id -u)" ]
	result $? 'a tree of a subordinate id is made'
	is 'inside it has the id of the sandbox' "$(sbx stat -c %u:%g tree/deep)" 5:6
	if [ "$(id -u)" = 0 ]; then
		skip 'outside it cannot be removed' 'root can remove everything'
	else
		rm -rf tree 2>/dev/null
		[ -d tree ]
		result $? 'outside it cannot be removed'
	fi
	is 'it can be read' "$(sbx cat tree/deep/file)" text
	ok 'and removed' sbx rm -r tree
	[ ! -e tree ]
	result $? 'it is gone'
else
	for name in made inside outside read removed gone; do
		skip "a tree of a subordinate id: $name" 'this user has no subordinate ids'
	done
fi

# ---- how it ends ---------------------------------------------------------------------------

fails 'the status is the command'"'"'s' 7 sbx sh -c 'exit 7'
fails 'a signal is 128 + n' 143 sbx sh -c 'kill -TERM $$'
"$SBX" unshare sh -c 'echo up; exec sleep 15' >"$tmp/said" &
until_true grep -q up "$tmp/said"
kill -TERM $!
wait $!
is 'a signal to it is one to the command' $? 143
fails 'a command that is missing is 127' 127 sbx no-such-program
like 'and named' "$(sbx no-such-program 2>&1)" 'sbx: cannot start no-such-program: not found in PATH'
fails 'a file that is missing is 127' 127 sbx /no/such/program
: >plain
fails 'one that is not executable is 126' 126 sbx ./plain
like 'and named' "$(sbx ./plain 2>&1)" 'sbx: cannot start ./plain: it is not executable*'
fails 'no command is 125' 125 sbx
fails 'an unknown option is 125' 125 sbx --mapp single true
fails 'an unknown map is 125' 125 sbx --map many true
fails 'options of the command are its own' 3 sbx sh -c 'exit 3' --map
is 'it does not need its child to be waited for' \
	"$(sh -c 'trap "" CHLD; exec "$SBX" unshare id -u')" 0

# ---- what may be missing -------------------------------------------------------------------

export SBX
if [ "$(without -- true)" = 'status 0' ] && [ -e /etc/subuid ] && [ -e /etc/subgid ] &&
	[ -e /usr/bin/newuidmap ]; then
	is 'without subordinate ids there is one id' \
		"$(without /etc/subuid /etc/subgid -- '"$SBX" unshare cat /proc/self/uid_map' | tr -s ' ')" \
		" 0 $(id -u) 1
status 0"
	output=$(without /etc/subuid /etc/subgid -- '"$SBX" unshare --map subuid true')
	like 'or an error, if they are asked for' "$output" 'sbx: cannot map subordinate ids*125'
	output=$(helpless unshare true)
	case $output in
	*sbx*) like 'without newuidmap it says so' "$output" 'sbx: cannot *newuidmap*hint*125' ;;
	*) skip 'without newuidmap it says so' 'it cannot be taken away here' ;;
	esac
else
	for name in ids range newuidmap; do
		skip "without $name" 'no namespace to take it away in'
	done
fi
