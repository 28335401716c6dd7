#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cgroups of containers: limits set and read back, or an error that names them; devices;
# standstill; kills for want of memory; update, events and ps. An ordinary user tries it where
# there is no cgroup; root on the hierarchies of this machine, in groups of the test's own, then
# where cgroup v2 alone is mounted, and there as a user to whom a group was given.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

slice=sbx-test-$$
below=/$slice

# limits JSON [FILTER]: a filter for a bundle with these resources, in a group of the test's
limits() {
	printf '.linux.resources = %s | .linux.cgroupsPath = "%s/%s" | %s' "$1" "$below" "${group:-c}" "${2:-.}"
}

# ---- nobody's cgroup -----------------------------------------------------------------------------

if [ "$(id -u)" != 0 ]; then
	plan 13
	cat >"$tmp/bare" <<-'END'
		#!/bin/sh
		# A machine that shows no cgroups, for one command.
		OWN=$(id -u) GROUP=$(id -g) exec unshare -Urm sh -c '
			mount -n -t tmpfs none /sys/fs/cgroup || exit 77
			exec unshare -U --map-user="$OWN" --map-group="$GROUP" "$SBX_OCI" "$@"' sh "$@"
	END
	chmod 755 "$tmp/bare"
	export SBX_OCI
	runtime=$tmp/bare
	command_bundle plain 'echo inside; exec sleep 20'
	ok 'without limits there is no need for a cgroup' oci run -d -b "$bundle" plain
	like 'ps knows process 1 all the same' "$(oci ps --format json plain)" '\[[0-9]*\]'
	like 'pause says that there is no cgroup' "$(oci pause plain)" '*cannot pause the container*no cgroup*'
	like 'update as well' "$(oci update --pids-limit 5 plain)" \
		'*linux.resources.pids.limit to 5*no cgroup*controller pids*hint:*best-effort*'
	ok 'what the kernel has anyway is no limit' oci update --cpu-share 1024 --cpu-quota -1 --memory -1 plain
	like 'events too' "$(oci events --stats plain)" '*no cgroup*'
	oci delete --force plain >/dev/null

	command_bundle memory 'echo inside' "$(limits '{memory: {limit: 67108864}}')"
	like 'a limit that cannot be applied is an error, and names it' "$(oci run -b "$bundle" memory)" \
		'*linux.resources.memory.limit to 67108864*controller memory*hint:*best-effort*'
	is 'nothing is left' "$(ids)" ''
	like 'by name it is a warning' "$(oci --cgroups best-effort run -b "$bundle" memory)" '*warning:*memory.limit*inside'
	command_bundle usual 'echo inside' "$(limits '{cpu: {shares: 1024}, memory: {limit: -1, swappiness: 60}, pids: {limit: -1},
		devices: [{allow: false, access: "rwm"}]}')"
	like 'defaults and device rules are not what fails' "$(oci run -b "$bundle" usual)" '*inside'
	command_bundle up 'echo inside' '.linux.cgroupsPath = "/a/../b"'
	like 'a path that climbs is refused' "$(oci run -b "$bundle" up)" '*cannot*cgroupsPath /a/../b*".."*'
	command_bundle up 'echo inside' '.annotations = {"run.oci.delegate-cgroup": "a/../../b"}'
	like 'so is one of the annotation' "$(oci run -b "$bundle" up)" '*cannot*run.oci.delegate-cgroup*'
	is 'and nothing is left of these' "$(ids)" ''
	exit 0
fi

# ---- as root: what both views have ------------------------------------------------------------------

own_groups() {
	find /sys/fs/cgroup -maxdepth 6 -type d -name "$slice*" 2>/dev/null
}

remove_groups() {
	own_groups | while read -r directory; do
		find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null
	done
}

leave_groups() {
	status=$?
	for id in "$state"/*; do
		[ ! -d "$id" ] || timeout -s KILL 10 "$runtime" --root "$state" delete --force "${id##*/}" >/dev/null 2>&1 </dev/null
	done
	remove_groups
	(exit "$status")
	leave
}
trap 'leave_groups' EXIT

capable='.process.capabilities |= with_entries(.value += ["CAP_MKNOD"])'
try_devices='cd /tmp; mknod fuse c 10 229; mknod mem c 1 1; cat fuse; cat mem; cat /dev/null; echo x >/dev/zero; echo made'

# refused WHAT TEXT: whether a line says so
refused() {
	printf '%s' "$2" | grep -q "open '$1': Operation not permitted"
}

# The devices of a container; both kinds of cgroups have another way to it.
devices() { # VIEW
	command_bundle devices "$try_devices" "$(limits '{devices: [{allow: false, access: "rwm"},
		{allow: true, type: "c", major: 10, minor: 229, access: "rw"}]}' "$capable | .mounts |= map(.options = (.options // []) - [\"nodev\"])")"
	said=$(oci run -b "$bundle" devices)
	like "$1: default devices are there, and nodes can be made" "$said" '*made'
	refused mem "$said"
	result $? "$1: a device that no rule allows cannot be opened" || say "$said"
	! refused fuse "$said"
	result $? "$1: one that a rule allows can" || say "$said"
	command_bundle devices "$try_devices" "$capable | .mounts |= map(.options = (.options // []) - [\"nodev\"])"
	said=$(oci run -b "$bundle" devices)
	refused mem "$said" && refused fuse "$said"
	result $? "$1: without rules there are the default devices" || say "$said"
}

# counts: whether a container goes on
counts() {
	before=$(wc -c <"$tmp/said/count")
	tries=0
	until [ "$(wc -c <"$tmp/said/count")" != "$before" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt "${1:-50}" ] || return 1
		sleep 0.05
	done
}

standstill() { # VIEW
	command_bundle pause 'while :; do echo; sleep 0.02; done' "$(limits '{}')"
	out=$tmp/said/count oci run -d -b "$bundle" pause >/dev/null
	ok "$1: a container goes on" counts
	ok "$1: pause" oci pause pause
	is "$1: its state is paused" "$(status pause)" paused
	fails "$1: nothing of it goes on" 1 counts 6
	like "$1: it cannot be paused twice" "$(oci pause pause)" '*paused already*'
	ok "$1: resume" oci resume pause
	ok "$1: it goes on" counts
	like "$1: what is not paused cannot be resumed" "$(oci resume pause)" '*container not paused*'
	oci pause pause >/dev/null
	ok "$1: a paused one is killed" oci kill pause KILL
	ok "$1: and dies" until_true status_is pause stopped
	ok "$1: delete" oci delete pause
}

listing() { # VIEW
	command_bundle ps 'sleep 30 & sleep 30 & wait' "$(limits '{}')"
	oci run -d -b "$bundle" ps >/dev/null
	first=$(pid ps)
	ok "$1: ps lists all processes" until_true eval '[ "$(oci ps --format json ps | jq length)" = 3 ]'
	is "$1: process 1 first, as this side sees it" "$(oci ps -f json ps | jq '.[0]')" "$first"
	is "$1: as a table as well" "$(oci ps ps | awk 'NR == 1 { print $2 } END { print NR }' | tr '\n' ' ')" 'PID 4 '
	is "$1: with the options of ps" "$(oci ps ps -o pid,args | grep -c ' sleep 30$')" 2
	ok "$1: kill --all ends them" oci kill --all ps KILL
	ok "$1: all of them" until_true status_is ps stopped
	is "$1: none is left" "$(oci ps -f json ps)" '[]'
	ok "$1: delete" oci delete ps
}

refusals() { # VIEW
	group=taken
	command_bundle taken 'sleep 30' "$(limits '{}')"
	oci run -d -b "$bundle" first >/dev/null
	like "$1: a group in which others live is not taken" "$(oci run -b "$bundle" second)" '*other processes live in it*'
	oci delete --force first >/dev/null
	group=c
	command_bundle nested 'echo inside' '.linux.cgroupsPath = "/"'
	like "$1: the root of all is no group for a container" "$(oci run -b "$bundle" nested)" '*cgroupsPath*no group*'
	is "$1: all groups are gone" "$(own_groups | xargs -r -I{} find {} -mindepth 1 -type d)" ''
	is "$1: and all containers" "$(ids)" ''
}

# ---- v1, or both ------------------------------------------------------------------------------------

# of CONTROLLER FILE: of the group of a container on v1
of() {
	cat "/sys/fs/cgroup/$1$below/c/$2" 2>/dev/null
}

old_limits() {
	command_bundle limits 'cat /proc/self/cgroup; exec sleep 30' "$(limits '{
		memory: {limit: 67108864, swap: 100663296, reservation: 33554432, swappiness: 10, disableOOMKiller: true},
		cpu: {shares: 512, quota: 50000, period: 100000, cpus: "0", mems: "0", burst: 1000},
		pids: {limit: 40},
		blockIO: {throttleReadBpsDevice: [{major: 7, minor: 0, rate: 1048576}],
			throttleWriteIOPSDevice: [{major: 7, minor: 0, rate: 50}]}}')"
	out=$tmp/said/own
	oci run -d -b "$bundle" limits >/dev/null
	result $? 'v1: limits of all kinds' || say "$(cat "$out")"
	unset out
	is 'v1: memory' "$(of memory memory.limit_in_bytes) $(of memory memory.memsw.limit_in_bytes) $(of memory memory.soft_limit_in_bytes)" \
		'67108864 100663296 33554432'
	like 'v1: swappiness and the killer' "$(of memory memory.swappiness) $(of memory memory.oom_control)" '10 oom_kill_disable 1*'
	is 'v1: processors' "$(of cpu cpu.shares) $(of cpu cpu.cfs_quota_us) $(of cpu cpu.cfs_period_us) $(of cpuset cpuset.cpus)" '512 50000 100000 0'
	is 'v1: processes' "$(of pids pids.max)" 40
	is 'v1: block devices' "$(of blkio blkio.throttle.read_bps_device) $(of blkio blkio.throttle.write_iops_device)" '7:0 1048576 7:0 50'
	is 'v1: the container lives in the group of every hierarchy' \
		"$(grep -c ":$below/c$" "/proc/$(pid limits)/cgroup")" "$(grep -c . "/proc/$(pid limits)/cgroup")"
	is 'v1: other limits' "$(oci update --memory 32M --memory-swap 32M --cpu-share 2048 --cpu-quota -1 --cpu-period 50000 --pids-limit 50 \
		--memory-reservation 16M limits; of memory memory.memsw.limit_in_bytes; of memory memory.limit_in_bytes; of cpu cpu.shares
		of cpu cpu.cfs_quota_us; of cpu cpu.cfs_period_us; of pids pids.max; of memory memory.soft_limit_in_bytes)" \
		'33554432
33554432
2048
-1
50000
50
16777216'
	is 'v1: higher ones again, from standard input' "$(echo '{"memory": {"limit": 134217728, "swap": 268435456}, "cpu": {"cpus": "0"}}' |
		timeout -s KILL 10 "$runtime" --root "$state" update --resources - limits 2>&1
		of memory memory.memsw.limit_in_bytes; of memory memory.limit_in_bytes)" '268435456
134217728'
	echo '{"pids": {"limit": -1}}' >"$tmp/resources"
	is 'v1: none, from a file' "$(oci update -r "$tmp/resources" limits; of pids pids.max)" max
	like 'v1: what the kernel makes something else of is an error' "$(oci update --cpu-share 1 limits)" \
		'*linux.resources.cpu.shares to 1: the kernel made it 2*'
	like 'v1: less than is used is refused' "$(oci update --memory 4096 --memory-swap 4096 limits)" '*memory.limit*4096*'
	like 'v1: a value that is none' "$(oci update --memory lots limits)" '*--memory lots*size*'
	is 'v1: events --stats' "$(oci events --stats limits | jq -c '[.type, .id, .data.memory.usage.limit, .data.pids.current,
		(.data.cpu.usage.total > 0), .data.cpuset.cpus, (.data.memory.raw.rss >= 0)]')" \
		'["stats","limits",134217728,1,true,[0],true]'
	oci kill limits KILL >/dev/null
	until_true status_is limits stopped
	like 'v1: nothing of a stopped one is changed' "$(oci update --pids-limit 5 limits)" '*container not running*'
	ok 'v1: delete' oci delete limits
}

old_memory() {
	command_bundle hungry 'read line; head -c 100m /dev/zero | tail | wc -c; sleep 0.3' "$(limits '{memory: {limit: 16777216, swap: 16777216}}')"
	mkfifo "$tmp/go"
	timeout -s KILL 20 "$runtime" --root "$state" run -b "$bundle" hungry <"$tmp/go" >/dev/null 2>&1 &
	exec 9>"$tmp/go"
	until_true status_is hungry running
	timeout -s KILL 20 "$runtime" --root "$state" events --interval 10s hungry >"$tmp/events" 2>&1 </dev/null &
	watcher=$!
	# It watches when it has opened both of its descriptors.
	until_true eval '[ "$(ls -l /proc/'"$watcher"'/fd /proc/[0-9]*/fd 2>/dev/null | grep -c eventfd)" -gt 0 ]'
	echo >&9
	exec 9>&-
	wait "$watcher"
	is 'v1: a kill for want of memory is an event, and the end ends it' "$? $(sort -u "$tmp/events")" '0 {"type":"oom","id":"hungry"}'
	until_true eval '[ -z "$(ids)" ]'
	command_bundle small 'echo inside' "$(limits '{memory: {limit: 8192, swap: 8192}}')"
	like 'v1: a limit that is too small to start with says so' "$(oci run -b "$bundle" small)" '*memory.limit to 8192*uses more*'
}

# ---- v2 alone ---------------------------------------------------------------------------------------

# new_view: a mount namespace in which cgroup v2 is all there is; $runtime works there
new_view() {
	# shellcheck disable=SC2016
	timeout -s KILL 300 unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup &&
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo >"$1" && exec sleep 290' sh "$tmp/there" >"$tmp/said/view" 2>&1 &
	waiting="$waiting $!"
	until_true test -e "$tmp/there" || return 1
	view=$(pgrep -P "$!" | head -n 1)
	[ -n "$view" ] || view=$!
	printf '#!/bin/sh\nexec nsenter -m -t %s -- "%s" "$@"\n' "$view" "$RUNTIME" >"$tmp/in-view"
	chmod 755 "$tmp/in-view"
	runtime=$tmp/in-view
}

in_view() {
	nsenter -m -t "$view" -- "$@"
}

own_groups_of_view() {
	in_view find /sys/fs/cgroup -maxdepth 6 -type d -name "$slice*" 2>/dev/null
}

new_limits() {
	controllers=$(in_view cat /sys/fs/cgroup/cgroup.controllers)
	command_bundle limits 'cat /proc/self/cgroup; exec sleep 30' "$(limits '{cpu: {shares: 1024}, pids: {limit: -1}, memory: {limit: -1, swap: -1}}')"
	ok 'v2: what the kernel has anyway never fails' oci run -d -b "$bundle" limits
	is 'v2: the group' "$(grep ^0: "/proc/$(pid limits)/cgroup")" "0::$below/c"
	case " $controllers " in
	*' hugetlb '*)
		oci update -r /dev/stdin limits </dev/null >/dev/null
		echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}], "unified": {"hugetlb.2MB.rsvd.max": "2097152"}}' >"$tmp/pages"
		is 'v2: huge pages, and a file by its name' "$(oci update -r "$tmp/pages" limits
			in_view cat "/sys/fs/cgroup$below/c/hugetlb.2MB.max" "/sys/fs/cgroup$below/c/hugetlb.2MB.rsvd.max")" '4194304
2097152'
		;;
	*) skip 'v2: huge pages, and a file by its name' 'no controller hugetlb' ;;
	esac
	like 'v2: a file that is not there' "$(echo '{"unified": {"misc.maximum": "1"}}' >"$tmp/pages"; oci update -r "$tmp/pages" limits)" '*unified*misc.maximum*controller misc*'
	case " $controllers " in
	*' memory '*)
		is 'v2: memory and swap' "$(oci update --memory 32M --memory-swap 48M limits
			in_view cat "/sys/fs/cgroup$below/c/memory.max" "/sys/fs/cgroup$below/c/memory.swap.max")" '33554432
16777216'
		;;
	*)
		like 'v2: a controller that is missing is named' "$(oci update --memory 32M limits)" \
			'*linux.resources.memory.limit to 33554432*controller memory*hint:*best-effort*'
		;;
	esac
	like 'v2: best effort is a warning' "$(oci --cgroups best-effort update --kernel-memory 5M limits; echo "status $?")" '*warning:*memory.kernel*status 0'
	is 'v2: events --stats' "$(oci events --stats limits | jq -c '[.type, .id, (.data.cpu.usage.total > 0)]')" '["stats","limits",true]'
	oci delete --force limits >/dev/null
	is 'v2: the group goes with the container' "$(own_groups_of_view | xargs -r -I{} nsenter -m -t "$view" -- find {} -mindepth 1 -type d)" ''
}

# ---- a group of v2 that was given to a user ------------------------------------------------------------

user_view() {
	user=54321
	chmod 711 "$tmp"
	cp "$RUNTIME" "$tmp/sbx-oci"
	chmod 755 "$tmp/sbx-oci"
	mkdir -p "$tmp/user"
	chown "$user:$user" "$tmp/user"
	in_view sh -c '
		mkdir -p "$1/run" && chown "$2:$2" "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control" "$1/cgroup.threads" "$1/run" "$1"/run/cgroup.*' \
		sh "/sys/fs/cgroup/$slice-user" "$user"
	cat >"$tmp/as-user" <<-END
		#!/bin/sh
		exec nsenter -m -t $view -- sh -c 'echo \$\$ >/sys/fs/cgroup/$slice-user/run/cgroup.procs
			exec setpriv --reuid $user --regid $user --clear-groups env XDG_RUNTIME_DIR=$tmp/user "$tmp/sbx-oci" "\$@"' sh "\$@"
	END
	chmod 755 "$tmp/as-user"
	runtime=$tmp/as-user
	state=$tmp/user/state
	of_user='.linux.namespaces += [{type: "user"}, {type: "cgroup"}] | .linux.uidMappings = [{containerID: 0, hostID: 54321, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: 54321, size: 1}]'
}

delegated() {
	command_bundle user 'cat /proc/self/cgroup; exec sleep 30' "$of_user"
	out=$tmp/said/user
	oci run -d -b "$bundle" user >/dev/null
	result $? 'user: without a path the group is beside the own one' || say "$(cat "$out")"
	unset out
	is 'user: under the name of the container' "$(grep ^0: "/proc/$(pid user)/cgroup")" "0::/$slice-user/user"
	ok 'user: pause' oci pause user
	is 'user: it stands still' "$(status user)" paused
	ok 'user: resume' oci resume user
	case " $(in_view cat /sys/fs/cgroup/cgroup.controllers) " in
	*' hugetlb '*)
		in_view sh -c "echo +hugetlb >/sys/fs/cgroup/cgroup.subtree_control; echo +hugetlb >/sys/fs/cgroup/$slice-user/cgroup.subtree_control"
		echo '{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}]}' >"$tmp/pages"
		chmod 644 "$tmp/pages"
		is 'user: a limit' "$(oci update -r "$tmp/pages" user; in_view cat "/sys/fs/cgroup/$slice-user/user/hugetlb.2MB.max")" 2097152
		;;
	*) skip 'user: a limit' 'no controller hugetlb' ;;
	esac
	ok 'user: delete' oci delete --force user
	fails 'user: the group is gone' 1 in_view test -e "/sys/fs/cgroup/$slice-user/user"
	command_bundle inner 'cat /proc/self/cgroup; echo $$ >/dev/null; exec sleep 30' "$of_user"' | .annotations = {"run.oci.delegate-cgroup": "inner"}'
	oci run -d -b "$bundle" inner >/dev/null
	is 'user: a group within for the container to divide' "$(grep ^0: "/proc/$(pid inner)/cgroup")" "0::/$slice-user/inner/inner"
	ok 'user: which goes as well' oci delete --force inner
	command_bundle foreign 'echo inside' "$of_user"' | .linux.cgroupsPath = "/'"$slice"'-foreign" | .linux.resources = {pids: {limit: 5}}'
	like "user: somebody else's group cannot be had" "$(oci run -b "$bundle" foreign)" '*linux.resources.pids.limit to 5*hint:*'
	in_view rmdir "/sys/fs/cgroup/$slice-user/run" "/sys/fs/cgroup/$slice-user" 2>/dev/null
}

# ---- all of it ----------------------------------------------------------------------------------------

old=$(grep -c '^[0-9]* .* - cgroup cgroup .*memory' /proc/self/mountinfo)
plan 83
if [ "$old" -gt 0 ]; then
	old_limits
	old_memory
	devices v1
	standstill v1
	listing v1
	refusals v1
else
	for number in $(seq 45); do
		skip "v1: $number" 'cgroup v1 is not mounted'
	done
fi

if unshare -m --propagation private sh -c 'umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup' 2>/dev/null && new_view; then
	new_limits
	devices v2
	standstill v2
	refusals v2
	user_view
	delegated
	state=$tmp/state runtime=$RUNTIME
else
	for number in $(seq 38); do
		skip "v2: $number" 'cgroup v2 cannot be mounted'
	done
fi
