#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers under systemd, in a guest: in scopes with limits for real, and as the services of
# examples/systemd. Root asks the system's manager, another user his own.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/../oci/lib.sh"

units=$(cd "$(dirname "$0")/../../examples/systemd" && pwd)
programs=${SBX_OCI%/*}
if [ "$(id -u)" = 0 ]; then
	places=/var/lib run=/run there=/etc/systemd/system
	unset XDG_RUNTIME_DIR
	manager() {
		timeout -s KILL 60 systemctl "$@" 2>&1
	}
else
	XDG_RUNTIME_DIR=/run/user/$(id -u) HOME=/home/$(id -un)
	places=$HOME/.config run=$XDG_RUNTIME_DIR there=$HOME/.config/systemd/user
	manager() {
		timeout -s KILL 60 systemctl --user "$@" 2>&1
	}
fi

property() { # UNIT NAME
	manager show "$1" -p "$2" --value
}

# group ID: the directory of its cgroup
group() {
	echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")"
}

killed_is_told() {
	grep -q '"type": *"oom"' "$tmp/events"
}

# ---- scopes ------------------------------------------------------------------------------------

limits='.linux.resources = {memory: {limit: 67108864}, pids: {limit: 50}, cpu: {quota: 50000, period: 100000, shares: 512}}'

test_scope() {
	command_bundle one 'trap exit TERM; sleep 1000 & wait' "$limits"
	out=$tmp/said/one
	oci --systemd-cgroup run -d -b "$bundle" one
	result $? 'a container in a scope' || say "$(cat "$out")"
	unset out
	at=$(group one)
	like 'the scope has its name' "$at" '*/sbx-oci-one.scope'
	is 'the limits hold' "$(cat "$at/memory.max" "$at/pids.max" "$at/cpu.max" | tr '\n' ' ')" '67108864 50 50000 100000 '
	is 'systemd knows them' "$(property sbx-oci-one.scope MemoryMax) $(property sbx-oci-one.scope TasksMax)" '67108864 50'
	ok 'update' oci --systemd-cgroup update --memory 50331648 --pids-limit 40 one
	is 'the new ones hold' "$(cat "$at/memory.max" "$at/pids.max" | tr '\n' ' ')" '50331648 40 '
	is 'systemd knows these, too' "$(property sbx-oci-one.scope MemoryMax) $(property sbx-oci-one.scope TasksMax)" '50331648 40'
	ok 'pause' oci pause one
	is 'nothing moves' "$(status one) $(sed -n 's/^frozen //p' "$at/cgroup.events")" 'paused 1'
	ok 'resume' oci resume one
	is 'it moves again' "$(status one) $(sed -n 's/^frozen //p' "$at/cgroup.events")" 'running 0'
	oci events --stats one >"$tmp/stats"
	is 'events tell the limits' "$(jq -c '[.data.memory.usage.limit, .data.pids.limit]' "$tmp/stats")" '[50331648,40]'
	ok 'delete' oci delete --force one
	ok 'the scope is gone with it' until_true test ! -e "$at"
}

test_memory() {
	command_bundle bomb 'sleep 2; tail /dev/zero; sleep 1; echo "tail ended with $?"' \
		'.linux.resources = {memory: {limit: 33554432, swap: 33554432}}'
	oci --systemd-cgroup run -d -b "$bundle" bomb >/dev/null
	"$runtime" --root "$state" events bomb >"$tmp/events" 2>&1 </dev/null &
	waiting="$waiting $!"
	ok 'a kill for want of memory is told by events' until_true killed_is_told
	oci delete --force bomb >/dev/null
}

# ---- services ------------------------------------------------------------------------------------

test_units() {
	mkdir -p "$there" "$places/sbx-oci" "$places/sbx/services" "$tmp/out"
	for unit in "$units"/*; do
		sed "s|/usr/bin/sbx|$programs/sbx|g" "$unit" >"$there/${unit##*/}"
	done
	for name in back front; do
		mkdir -p "$places/sbx-oci/$name"
	done
	command_bundle back 'trap exit TERM; sleep 1000 & wait'
	cp "$bundle/config.json" "$places/sbx-oci/back/"
	# What tells the manager is the host's.
	for name in lib lib64; do
		ln -sf "usr/$name" "$root/$name"
	done
	mkdir -p "$root/usr" "$root/out"
	command_bundle front 'echo "$LISTEN_FDS $LISTEN_PID $(readlink /proc/self/fd/3)" >/out/said
		trap exit TERM
		/usr/bin/systemd-notify --ready --status=inside
		sleep 1000 & wait' ".mounts += [
			{destination: \"/usr\", source: \"/usr\", options: [\"rbind\", \"ro\"]},
			{destination: \"/out\", source: \"$tmp/out\", options: [\"rbind\"]}]"
	cp "$bundle/config.json" "$places/sbx-oci/front/"
	manager daemon-reload
}

main_is() { # UNIT PID
	[ "$(property "$1" MainPID)" != "$2" ] && [ "$(property "$1" ActiveState)" = active ]
}

known() { # ID
	timeout -s KILL 20 "$runtime" state "$1" 2>/dev/null | jq -r '"\(.status) \(.pid)"'
}

test_forking() {
	unit=sbx-oci@back.service
	output=$(manager start "$unit")
	result $? 'Type=forking: it starts' || say "$output $(manager status "$unit")"
	main=$(property "$unit" MainPID)
	is 'its main process is process 1 of the container' "running $main" "$(known back)"
	like 'which stays in the cgroup of the service' "$(cat "/proc/$main/cgroup")" '*sbx-oci@back.service'
	kill -KILL "$main"
	ok 'a killed one is started again' until_true main_is "$unit" "$main"
	ok 'it stops' manager stop "$unit"
	is 'and nothing is left' "$(known back)$(ls "$run/sbx-oci-back.pid" 2>/dev/null)" ''
}

test_notify() {
	unit=sbx-oci-notify@front
	ok 'a socket for a container' manager start "$unit.socket"
	output=$(manager start "$unit.service")
	result $? 'Type=notify: it starts when it says so' || say "$output $(manager status "$unit.service")"
	like 'inside there is the socket' "$(cat "$tmp/out/said")" '1 1 socket:*'
	is 'what else it says is not its to say' "$(property "$unit.service" StatusText)" ''
	ok 'it stops' manager stop "$unit.socket" "$unit.service"
	is 'and nothing is left' "$(known front)" ''
}

test_sandbox() {
	printf '#!/bin/sh\necho "kept by $(id -u)" >kept\ntrap exit TERM\nsleep 1000 & wait\n' >"$places/sbx/services/three"
	chmod 755 "$places/sbx/services/three"
	output=$(manager start sbx@three.service)
	result $? 'sbx run: it starts' || say "$output $(manager status sbx@three.service)"
	ok 'and keeps its state' until_true test -s "$places/sbx-three/kept"
	is 'it runs' "$(property sbx@three.service ActiveState)" active
	ok 'it stops' manager stop sbx@three.service
	is 'in order' "$(property sbx@three.service Result)" success
}

if [ "$(id -u)" = 0 ]; then plan 27; else plan 32; fi
[ "$(id -u)" != 0 ] || test_sandbox() { :; }
for part in scope memory units forking notify sandbox; do
	"test_$part"
	say "containers, $part: until $(cut -d' ' -f1 /proc/uptime) s"
done
