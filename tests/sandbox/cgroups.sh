#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Limits where no cgroup can be had: an error that says what is missing, or by name less than
# was asked for. Where they can be had, tests/kernels/limits.sh looks at them.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd -P)
own_place
command -v jq >/dev/null || skip_all 'jq is missing'

# What sbx says, and "status N", on a machine that shows no cgroups and no runtime directories.
bare() {
	timeout -s KILL 30 env OWN="$(id -u)" GROUP="$(id -g)" unshare -Urm sh -c '
		mount -n -t tmpfs none /sys/fs/cgroup && mount -n -t tmpfs none /run || exit 77
		exec unshare -U --map-user="$OWN" --map-group="$GROUP" "$SBX" run --no-config "$@"' sh "$@" 2>&1 </dev/null
	echo "status $?"
}
[ "$(bare -- true)" = 'status 0' ] || skip_all 'no user namespace below a user namespace'

plan 15

like 'a limit that cannot be set is an error, and says of what' "$(bare -m 64M -- echo started)" \
	'sbx: cannot limit memory: *
sbx: hint: *--limits best-effort
status 125'
like 'all that are missing are named' "$(bare -m 64M --pids 5 --cpus 1 --cpuset 0 --io-weight 50 -- true)" \
	'sbx: cannot limit memory, pids, cpu, cpuset and io: *status 125'
like 'a dry run finds out too' "$(bare --dry-run --pids 5 -- true)" 'sbx: cannot limit pids: *status 125'
like 'the error has a name' "$(bare --log-format json --pids 5 -- true)" '*"id":"cgroup"*status 125'

if [ -n "${ASAN_OPTIONS:-}" ]; then
	skip 'best effort is a warning in one line' 'a sanitizer needs more, and its own libraries'
else
like 'best effort is a warning in one line' "$(bare --limits best-effort -m 64M --cpus 1 -- echo started)" \
	'sbx: warning: cannot limit memory and cpu: *; memory is limited for each process, cpu not at all
started
status 0'
fi
is 'which is an object where lines are' "$(bare --log-format json --limits best-effort --cpus 1 -- true |
	head -n 1 | jq -r '.level + " " + .id')" 'warning cgroup'
like 'and a dry run says that it may be so' "$(bare --dry-run --limits best-effort -m 64M -- true)" \
	'*limits that cannot be set here are left out*status 0'
if [ -n "${ASAN_OPTIONS:-}" ]; then
	skip 'memory then counts for each process' 'a sanitizer needs more, and its own libraries'
	skip 'and ends there' 'a sanitizer needs more, and its own libraries'
	skip 'a lower limit of the user holds' 'a sanitizer needs more, and its own libraries'
else
like 'memory then counts for each process' "$(bare --limits best-effort -m 64M -- sh -c 'ulimit -Hd')" '*
65536
status 0'
like 'and ends there' "$(bare --limits best-effort -m 64M -- sh -c 'dd if=/dev/zero of=/dev/null bs=90M count=1 2>/dev/null || echo refused')" \
	'*
refused
status 0'
like 'a lower limit of the user holds' \
	"$(bare --limits best-effort -m 64M --rlimit data=1048576:2097152 -- sh -c 'ulimit -Sd; ulimit -Hd')" '*
1024
2048
status 0'
fi
# A shell that cannot fork ends: a shell below it makes the processes, and one that makes none counts.
got=$(bare --limits best-effort --pids 9 -- sh -c '(for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done) 2>/dev/null
	set -- /proc/[0-9]*; echo $#' | sed -n 's/^\([0-9]*\)$/\1/p')
case $(uname -r) in
[0-4].* | 5.[0-9].* | 5.1[0-3].*) skip 'processes are counted' 'before Linux 5.14 all of the user are' ;;
*)
	[ "${got:-0}" -ge 5 ] && [ "$got" -le 10 ]
	result $? 'processes are counted' || say "$got processes, and init among them"
	;;
esac

run() {
	timeout -s KILL 60 "$SBX" run --no-config "$@" </dev/null
}
is 'who asks for no limit gets no group' "$(run --stats -- true 2>&1 | jq .cgroup)" null
fails 'swap without memory is no limit' 125 run --memory-swap 1G -- true
is 'limits come back from a config.json' "$("$SBX" config --no-config -m 64M --memory-swap 80M --pids 5 --cpus 1.5 \
	--cpuset 0 --io-weight 7 -- true | "$SBX" config --no-config --config - | jq -c .linux.resources)" \
	'{"memory":{"limit":67108864,"swap":83886080},"pids":{"limit":5},"cpu":{"quota":150000,"period":100000,"cpus":"0"},"unified":{"io.weight":"7"}}'
"$SBX" config --no-config -m 64M --memory-swap -1 --pids 5 --cpus 1.5 --cpuset 0 --io-weight 7 --limits best-effort -- true |
	python3 "$here/validate.py" "$here/../../docs/schema/config.json" >"$tmp/out" 2>&1
case $? in
77) skip 'they fit its schema' "$(cat "$tmp/out")" ;;
*) ok 'they fit its schema' test ! -s "$tmp/out" ;;
esac
