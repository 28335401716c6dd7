#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Limits for real, as an ordinary user of a guest. The way is where cgroups come from:
#
#   limits.sh systemd|plain|old|nothing
#
# the user's systemd; a group of cgroup v2 that was given to the user; groups of cgroup v1;
# nowhere.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

way=$1
own_place
[ "$way" != systemd ] || XDG_RUNTIME_DIR=/run/user/1000

run() {
	timeout -s KILL 60 "$SBX" run --no-config "$@" </dev/null
}

# figure NAME: of the last --stats
figure() {
	jq -r ".cgroup.$1" <"$tmp/stats"
}

# at_most DESCRIPTION NUMBER LIMIT; more_than DESCRIPTION NUMBER LEAST
at_most() {
	[ "$2" -le "$3" ] 2>/dev/null
	result $? "$1" || say "$2, not at most $3"
}
more_than() {
	[ "$2" -gt "$3" ] 2>/dev/null
	result $? "$1" || say "$2, not more than $3"
}

# Groups of ours, all of them.
groups() {
	find /sys/fs/cgroup -name 'sbx-*' 2>/dev/null
}
some_there() {
	[ -n "$(groups)" ]
}
none_left() {
	[ -z "$(groups)" ]
}

test_memory() {
	output=$(run --stats="$tmp/stats" -m 24M -- tail /dev/zero 2>&1)
	is 'a memory bomb ends with 137' $? 137
	like 'and a line says why' "$output" \
		'sbx: the memory limit of 24M was reached: * killed; --memory raises it'
	at_most 'it had what it was given' "$(figure memory_peak)" 25165824
	more_than 'the kills are counted' "$(figure oom_kills)" 0
	is 'what fits is left alone' "$(run -m 24M -- sh -c 'echo fits' 2>&1)" fits
	fails 'no swap is used without a word about it' 137 run -m 24M -- dd if=/dev/zero of=/dev/null bs=40M count=1
	fails 'swap is used as far as it is given' 0 run --stats="$tmp/stats" -m 24M --memory-swap 72M -- \
		dd if=/dev/zero of=/dev/null bs=40M count=1
	fails 'and no further' 137 run -m 24M --memory-swap 32M -- dd if=/dev/zero of=/dev/null bs=40M count=1
	like 'a limit that is too small for a start is told' "$(run -m 64K -- true 2>&1)" \
		'sbx: cannot start the command: the memory limit of 64K was reached*'
}

test_pids() {
	bomb='bomb() { bomb | bomb & }; bomb; sleep 1'
	run --stats="$tmp/stats" --pids 20 --timeout 5 -- sh -c "$bomb" >/dev/null 2>&1
	ok 'a fork bomb ends' test -s "$tmp/stats"
	got=$(run --pids 8 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 3 & done 2>/dev/null
		wait' 2>&1 & sleep 1.5; pgrep -cx sleep; wait)
	at_most 'there are no more processes than --pids says' "$got" 8
	is 'one is enough for one' "$(run --pids 1 -- echo one 2>&1)" one
}

test_cpu() {
	run --stats="$tmp/stats" --cpus 0.2 --timeout 2 --kill-after 1 -- sh -c 'while :; do :; done' >/dev/null 2>&1
	more_than 'a busy command is held back' "$(figure throttled)" 3
	more_than 'for most of the time' "$(figure throttled_us)" 100000
	is 'a set of processors is seen' "$(run --cpuset 1 -- nproc 2>&1)" 1
	is 'and shown' "$(run --cpuset 1 -- sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status 2>&1)" 1
	like 'a processor that is not there is refused' "$(run --cpuset 7 -- true 2>&1)" 'sbx: cannot set cpuset.cpus to 7: *'
}

# Not every kernel can weigh: then it says so.
test_io() {
	output=$(run --io-weight 50 -- echo weighed 2>&1)
	case $output in
	weighed) result 0 'io is weighed' ;;
	*) like 'io that cannot be weighed is an error' "$output" 'sbx: cannot limit io: this kernel has no weights*' ;;
	esac
}

test_together() {
	is 'all at once' "$(run -m 64M --memory-swap 80M --pids 20 --cpus 1.5 --cpuset 0-1 -- echo all 2>&1)" all
	is 'the sandbox sees its cgroup as the root of all' \
		"$(run -m 64M -- sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u' 2>&1)" /
	output=$(run -m 24M --log-format json -- tail /dev/zero 2>&1)
	is 'the line is an object where lines are' "$(echo "$output" | jq -r .id)" limit
	run -d --name held -m 32M -- sleep 60
	ok 'a sandbox in the background has its group' some_there
	"$SBX" kill held
	ok 'which goes with it' until_true none_left
}

# The command can reach no file that would raise its limits.
test_escape() {
	output=$("$SBX" config --no-config -m 24M -- sh -c '
		echo max >/own/memory.max && echo max >/own/memory.swap.max && echo raised
		tail /dev/zero' |
		jq '.mounts += [{ destination: "/own", type: "cgroup", source: "cgroup" }]' |
		timeout -s KILL 60 "$SBX" run --no-config --config - 2>&1)
	is 'a command that can write to its cgroup stays inside of the limits' $? 137
	say "$output"
}

test_killed() {
	"$SBX" run --no-config -m 32M -- sleep 60 </dev/null &
	launcher=$!
	until_true some_there
	sleep 0.5
	kill -KILL "$launcher"
	wait "$launcher" 2>/dev/null
	run -m 32M -- true
	ok 'what a killed launcher left is gone with the next start' until_true none_left
	run -m 32M -- sh -c 'sleep 60 & exit 5'
	is 'the status is the command'\''s' $? 5
	"$SBX" run --no-config --share pid -m 32M -- sh -c 'setsid sleep 61 & exit 0' </dev/null
	ok 'without a pid namespace the group takes who is left' until_true sh -c '! pgrep -fx "sleep 61"'
}

# A group that is ours alone is used as it is, and is as it was afterwards.
test_alone() {
	scope='systemd-run --user --scope --quiet -p Delegate=yes'
	is 'in a delegated scope no other one is made' \
		"$($scope "$SBX" run --no-config -m 32M -- sh -c 'echo in; exit 0' 2>&1)" in
	is 'beside a shell another one is' \
		"$($scope sh -c '"$SBX" run --no-config -m 32M -- echo in' 2>&1)" in
	is 'so it is where nobody named the runtime directory' \
		"$(env -u XDG_RUNTIME_DIR "$SBX" run --no-config -m 32M -- echo in 2>&1)" in
}

test_nothing() {
	like 'without a group there is an error' "$(run -m 32M -- true 2>&1)" \
		'sbx: cannot limit memory: no cgroup here is this user*enable-linger*'
	fails 'and no start' 125 run --pids 20 -- echo started
	output=$(run --limits best-effort --pids 20 --cpus 1 -- echo started 2>&1)
	like 'best effort warns in one line' "$output" 'sbx: warning: cannot limit *cpu not at all
started'
	is 'and gives each process what it can' \
		"$(run --limits best-effort -m 64M -- sh -c 'ulimit -d' 2>/dev/null)" 65536
	fails '--dry-run finds out as well' 125 run --dry-run -m 32M -- true
}

case $way in
nothing)
	plan 5
	test_nothing
	exit
	;;
systemd) plan 31 ;;
*) plan 28 ;;
esac
[ "$way" = systemd ] || test_alone() { :; }
for part in memory pids cpu io together escape killed alone; do
	"test_$part"
	say "$way $part: until $(cut -d' ' -f1 /proc/uptime) s"
done
ok 'nothing is left of all groups' until_true none_left
