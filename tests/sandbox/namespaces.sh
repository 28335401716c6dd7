#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each kind of namespace is the sandbox's own, --share opens one, --join enters another; what
# can be reached through an opened one shows that the test would see it.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
attack=${ATTACK:-$here/attack}
[ -x "$attack" ] || skip_all 'there is no attack program'

mkdir "$tmp/work"
cp "$attack" "$tmp/work/attack"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
inside() { # KIND OPTION...
	kind=$1
	shift
	run "$@" -- readlink "/proc/self/ns/$kind"
}
differs() { # KIND OPTION...
	got=$(inside "$@")
	case $got in
	"$1:["*) [ "$got" != "$(readlink "/proc/self/ns/$1")" ] ;;
	*) say "$got" && false ;;
	esac
}
attempt() { # NAME OPTION...
	name=$1
	shift
	run -e CANARY_PORT -e CANARY_SHM -e CANARY_ABSTRACT -e CANARY_PID "$@" -- ./attack try "$name" | cut -d' ' -f1
}

plan 55

# ---- the sandbox's own -------------------------------------------------------------------

for kind in user mnt pid ipc uts cgroup net; do
	differs "$kind"
	result $? "the $kind namespace is its own"
done
is 'the time namespace is the one of outside' "$(inside time)" "$(readlink /proc/self/ns/time)"

# ---- shared ------------------------------------------------------------------------------

canary CANARY_PORT port
canary CANARY_SHM shm
export CANARY_ABSTRACT="sbx-shared-$$"
canary CANARY_READY abstract "$CANARY_ABSTRACT"
sleep 200 &
export CANARY_PID=$!
waiting="$waiting $!"

for kind in net ipc pid uts cgroup; do
	is "--share $kind: it is the one of outside" "$(inside "$kind" --share "$kind")" "$(readlink "/proc/self/ns/$kind")"
done
differs net --share ipc
result $? 'sharing one opens no other'
is 'a service on the loopback is out of reach' "$(attempt loopback)" held
is 'but with --share net' "$(attempt loopback --share net)" REACHED
is 'so is an abstract socket' "$(attempt abstract-socket)" held
is 'but with --share net, where Landlock does not hold it' \
	"$(attempt abstract-socket --share net --landlock off)" REACHED
is 'shared memory is out of reach' "$(attempt shared-memory)" held
is 'but with --share ipc' "$(attempt shared-memory --share ipc)" REACHED
is 'a process is out of reach' "$(attempt process)" held
is 'but with --share pid' "$(attempt process --share pid)" REACHED
is 'with --proc host it is seen' "$(run --proc host -- sh -c "cat /proc/$CANARY_PID/comm")" sleep
fails 'and cannot be signalled' 1 run --proc host -- kill -0 "$CANARY_PID"
fails 'nor looked into' 1 run --proc host -- cat "/proc/$CANARY_PID/environ"
fails 'with --share pid neither' 1 run --share pid -- cat "/proc/$CANARY_PID/environ"
fails 'nor can its files be reached' 1 run --share pid -- cat "/proc/$CANARY_PID/root/etc/passwd"
fails 'a new /proc needs a pid namespace of its own' 125 run --share pid --proc new -- true
is 'with --proc none there is none' "$(run --proc none -- ls -A /proc)" ''
is 'with --proc pids there are processes only' "$(run --proc pids -- sh -c 'ls -d /proc/[a-z]* | wc -l')" 2
fails 'what is no namespace cannot be shared' 125 run --share mountain -- true
fails 'nor can that of users or mounts' 125 run --share user -- true

# The tree of a sandbox without a pid namespace ends with its command as far as it can be seen.
# are_asleep COUNT SECONDS: so many of this test, which the fraction tells from all others
are_asleep() {
	[ "$(pgrep -fx "sleep $2\.$$" | wc -l)" = "$1" ]
}
run --share pid -- sh -c "sleep 4321.$$ & (sleep 4321.$$ &); exit 0" >/dev/null
until_true are_asleep 0 4321
result $? 'with --share pid what was left running is ended'
"$SBX" run --no-config --share pid -- sh -c "sleep 4322.$$ & sleep 4322.$$" </dev/null >/dev/null 2>&1 &
launcher=$!
until_true are_asleep 2 4322
kill -KILL "$launcher"
until_true are_asleep 0 4322
result $? 'and when the launcher is killed'

# A start that fails has nobody to end what it had begun, but itself.
"$SBX" run --no-config --share pid --cap-add ALL -- true </dev/null >"$tmp/left" 2>&1
nobody_holds() {
	[ -z "$(find /proc/[0-9]*/fd -lname "$1" 2>/dev/null)" ]
}
until_true nobody_holds "$tmp/left"
result $? 'a start that fails with --share pid leaves nobody behind'

# ---- host name and settings --------------------------------------------------------------

is '--hostname' "$(run --hostname box -- cat /proc/sys/kernel/hostname)" box
is 'the one of outside stays' "$(run --hostname box -- true; cat /proc/sys/kernel/hostname)" "$(cat /proc/sys/kernel/hostname)"
fails 'not with --share uts' 125 run --hostname box --share uts -- true
is '--sysctl with dots' "$(run --sysctl net.ipv4.ip_default_ttl=77 -- cat /proc/sys/net/ipv4/ip_default_ttl)" 77
is '--sysctl with slashes' "$(run --sysctl net/ipv4/ip_default_ttl=78 -- cat /proc/sys/net/ipv4/ip_default_ttl)" 78
like 'one of the whole machine is refused' "$(run --sysctl kernel.panic=1 -- true)" 'sbx: cannot *kernel.panic*whole machine*'
fails 'one that is climbed to too' 125 run --sysctl net.ipv4/../../kernel.panic=1 -- true
fails 'one of a namespace that is shared too' 125 run --share net --sysctl net.ipv4.ip_default_ttl=77 -- true

# ---- joined ------------------------------------------------------------------------------

"$SBX" run --no-config --hostname joined --pid-file "$tmp/pid" -- sh -c 'echo up; exec sleep 200' </dev/null >"$tmp/joined" 2>&1 &
waiting="$waiting $!"
until_true grep -q up "$tmp/joined"
until_true test -s "$tmp/pid"
# The init cannot be looked into, its child can.
init=$(cat "$tmp/pid")
member=$(pgrep -P "$init")
of=/proc/$member/ns
for kind in net ipc uts; do
	is "--join $kind" "$(inside "$kind" --join "$kind:$of/$kind")" "$(readlink "$of/$kind")"
done
is '--join user' "$(inside user --join "user:$of/user" --join "net:$of/net")" "$(readlink "$of/user")"
output=$(run --join "user:$of/user" --cap-add ALL -- ./attack try undo-mounts undo-mounts-nested)
case $output in
"$(printf 'held undo-mounts\nheld undo-mounts-nested')" | 'sbx: cannot '*) result 0 'with all capabilities the mounts hold there too' ;;
*) result 1 'with all capabilities the mounts hold there too' || say "$output" ;;
esac
is 'the host name comes along' "$(run --join "uts:$of/uts" -- cat /proc/sys/kernel/hostname)" joined
like 'what is no namespace is named' "$(run --join "net:$tmp/said" -- true)" "sbx: cannot join the net namespace $tmp/said: it is not a namespace*"
like 'and one of another kind' "$(run --join "net:$of/uts" -- true)" 'sbx: cannot join the net namespace *: it is of another kind*'
like 'and one that is missing' "$(run --join "net:/nowhere" -- true)" 'sbx: cannot join the net namespace /nowhere*'
if [ "$(id -u)" != 0 ]; then
	like 'and one of somebody else' "$(run --join net:/proc/self/ns/net -- true)" 'sbx: cannot join the net namespace *: it is not yours*'
else
	skip 'and one of somebody else' 'all belong to root'
fi
mkfifo "$tmp/pipe"
fails 'a pipe does not hold it up' 125 run --join "net:$tmp/pipe" -- true
fails 'a kind that is none is 125' 125 run --join "house:$of/net" -- true
