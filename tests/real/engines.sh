#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Engines that call sbx-oci, as examples/ sets them up: docker, containerd and the interface of
# Kubernetes as root, docker as an ordinary user. Each part is this script again, run by the
# example while its daemon is there, and goes on counting.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

examples=$(cd "$here/../../examples" && pwd -P)

# status_is DESCRIPTION STATUS PATTERN COMMAND...: how it ends, and what it says; patterns both
status_is() {
	description=$1 wanted=$2 pattern=$3
	shift 3
	output=$(timeout 60 "$@" 2>&1 </dev/null)
	got=$?
	# shellcheck disable=SC2254
	case $got:$output in
	$wanted:$pattern) result 0 "$description" ;;
	*) result 1 "$description" || say "status $got, not $wanted with '$pattern': $output" ;;
	esac
}

# ---- docker ---------------------------------------------------------------------------------------

# container OPTION... IMAGE COMMAND...
container() {
	docker run --rm --network none "$@"
}

state_of() {
	docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$1"
}

docker_tests=18
test_docker() {
	status_is 'docker: a container' 0 inside docker run --rm --network none busybox echo inside
	status_is 'its status' 42 '' docker run --rm --network none busybox sh -c 'exit 42'
	status_is 'a program that is missing' 127 '*nosuch*' docker run --rm --network none busybox nosuch
	status_is 'a path that is missing' 127 '*/no/such*' docker run --rm --network none busybox /no/such
	status_is 'what is no program' 126 '*/etc/passwd*' docker run --rm --network none busybox /etc/passwd
	is 'an init, a user, a read-only root and a file system in memory' "$(container --init --user 1000:1000 \
		--read-only --tmpfs /run busybox sh -c 'id -u; touch /file 2>&1; touch /run/file && echo made')" \
		"1000
touch: /file: Read-only file system
made"
	status_is 'a terminal' 0 '/dev/pts/0*' docker run --rm -t --network none busybox tty
	ok 'one that stays' docker run -d --network none --name web busybox \
		sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	status_is 'exec' 7 inside docker exec web sh -c 'echo inside; exit 7'
	status_is 'exec with a terminal' 0 '/dev/pts/0*' docker exec -t web tty
	status_is 'exec of what is missing' '12[67]' '*nosuch*' docker exec web nosuch
	status_is 'exec of what is no program' 126 '*' docker exec web /etc/passwd
	status_is 'top' 0 '*PID*while :*' docker top web
	ok 'a signal' docker kill -s USR1 web
	ok 'stop' docker stop -t 30 web
	is 'it ended as it wished' "$(state_of web)" 'exited 5'
	ok 'start again, and kill' sh -c 'docker start web && docker kill web && docker rm web'
	status_is 'a wrong path is named' '12[57]' '*/nowhere/sbx-oci*' \
		docker run --rm --network none --runtime wrong busybox true
}

limits='cat /sys/fs/cgroup/memory*/memory.limit_in_bytes /sys/fs/cgroup/memory.max \
	/sys/fs/cgroup/pids*/pids.max /sys/fs/cgroup/pids.max 2>/dev/null'

docker_root_tests=8
test_docker_root() {
	is 'docker: limits' "$(container --memory 32m --pids-limit 20 busybox sh -c "$limits")" "33554432
20"
	ok 'one that stays' docker run -d --network none --name web busybox sleep 1000
	ok 'pause' docker pause web
	is 'it is paused' "$(state_of web)" 'paused 0'
	ok 'unpause' docker unpause web
	ok 'update' docker update --cpu-shares 200 --memory 64m --memory-swap 128m --pids-limit 50 web
	is 'it has the new limits' "$(docker exec web sh -c "$limits")" "67108864
50"
	status_is 'stats' 0 '*web*/ 64MiB*' docker stats --no-stream web
	docker rm -f web >/dev/null
}

# ---- containerd -----------------------------------------------------------------------------------

containerd_tests=17
test_containerd() {
	set -- --runc-binary "$SBX_OCI" localhost/busybox:1
	status_is 'containerd: a container' 0 inside ctr run --rm "$@" first echo inside
	status_is 'its status' 9 '' ctr run --rm "$@" first sh -c 'exit 9'
	status_is 'a program that is missing' 1 '*nosuch*' ctr run --rm "$@" first nosuch
	ok 'one that stays' ctr run -d --memory-limit 33554432 "$@" web sleep 1000
	has 'it runs' "$(ctr task ls)" '^web .* RUNNING'
	status_is 'exec' 7 inside ctr task exec --exec-id 1 web sh -c 'echo inside; exit 7'
	status_is 'exec of what is missing' 1 '*nosuch*' ctr task exec --exec-id 2 web nosuch
	has 'ps' "$(ctr task ps web)" '^[0-9]+ '
	ok 'pause' ctr task pause web
	has 'it is paused' "$(ctr task ls)" '^web .* PAUSED'
	ok 'resume' ctr task resume web
	has 'metrics, and a limit' "$(ctr task metrics web)" '^memory.(limit_in_bytes|usage_limit) +33554432'
	ok 'a signal' ctr task kill -s KILL web
	ok 'it stops' within 10 sh -c 'ctr task ls | grep -q "^web .* STOPPED"'
	ctr task rm web >"$tmp/log" 2>&1 # ends as the task did
	is 'rm' "$(ctr task ls -q)" ''
	ok 'the container goes' ctr c rm web
	status_is 'a wrong path is named' 1 '*/nowhere/sbx-oci*' \
		ctr run --rm --runc-binary /nowhere/sbx-oci localhost/busybox:1 first true
}

# ---- Kubernetes -----------------------------------------------------------------------------------

kubernetes_tests=5
test_kubernetes() {
	pod=$examples/kubernetes-pod.py
	status_is 'Kubernetes: a pod' 0 'inside of pod-*' "$pod" run sbx localhost/busybox:1 \
		sh -c 'echo "inside of $(hostname)"'
	status_is 'the status of its command' 7 '' "$pod" run sbx localhost/busybox:1 sh -c 'exit 7'
	status_is 'its limits' 0 "67108864" "$pod" run sbx localhost/busybox:1 sh -c "$limits | head -n 1"
	status_is 'its variables and powers' 0 '*yes*NoNewPrivs:?1' "$pod" run sbx localhost/busybox:1 \
		sh -c 'echo $FROM_POD; grep NoNewPrivs /proc/self/status'
	status_is 'a wrong path is named' 1 '*/nowhere/sbx-oci*' "$pod" run wrong localhost/busybox:1 true
}

# ---- all ------------------------------------------------------------------------------------------

# The part of an engine, below its example.
if [ $# -gt 0 ]; then
	tests_run=$2
	"test_$1"
	[ "$1:$(id -u):${ROOTLESSKIT_STATE_DIR-}" != docker:0: ] || test_docker_root
	tests_planned=$tests_run
	exit 0
fi

# part NAME TESTS PROGRAM...: with these programs
part() {
	name=$1 count=$2
	shift 2
	for program; do
		command -v "$program" >/dev/null && continue
		skip_part "$program is not installed"
		return
	done
	SBX_OCI=$SBX_OCI timeout -k 5 300 "$examples/$name.sh" "$0" "$name" "$tests_run" >"$tmp/tap" 2>"$tmp/err" </dev/null
	if [ ! -s "$tmp/tap" ] && [ "$(id -u)" != 0 ]; then
		say "$(cat "$tmp/err")"
		skip_part "docker's daemon cannot be started by an ordinary user here"
		return
	fi
	cat "$tmp/tap"
	grep -q '^ok' "$tmp/tap" || say "$(cat "$tmp/err")"
	tests_failed=$((tests_failed + $(grep -c '^not ok' "$tmp/tap")))
	tests_run=$((tests_run + $(grep -cE '^(not )?ok' "$tmp/tap")))
}

skip_part() { # REASON
	for _ in $(seq "$count"); do
		skip "$name" "$1"
	done
}

SBX_OCI=${SBX_OCI:-$(dirname "$SBX")/sbx-oci}
[ -x "$SBX_OCI" ] || skip_all "sbx-oci is not built"
need busybox
is_static "$(command -v busybox)" || skip_all "busybox is not static"
is_static "$SBX_OCI" || skip_all "sbx-oci is not static"

if [ "$(id -u)" = 0 ]; then
	plan $((docker_tests + docker_root_tests + containerd_tests + kubernetes_tests))
	part docker $((docker_tests + docker_root_tests)) dockerd docker
	part containerd "$containerd_tests" containerd ctr
	if /usr/bin/python3 -c 'import grpc' 2>/dev/null; then
		part kubernetes "$kubernetes_tests" containerd ctr
	else
		name=kubernetes count=$kubernetes_tests
		skip_part "python3-grpcio is not installed"
	fi
else
	need_ordinary_user
	plan "$docker_tests"
	part docker "$docker_tests" dockerd docker rootlesskit
fi
