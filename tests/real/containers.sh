#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A CI job inside of the default containers of docker and of rootless podman, as their root and
# as an ordinary user: without newuidmap, /dev/net/tun and a complete /proc, and below the
# engine's filter. It works, or ends in one line with the remedy; and the remedy works.
#
# docker's daemon needs root: it is tested by who is root, or may become it without a password.
# podman is tested by everybody else. Both are kept apart from what the machine has of them.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

users='0 1000'
engine_tests=13

# ---- an image -----------------------------------------------------------------------------------

make_image() {
	image=$tmp/image
	mkdir -p "$image/bin" "$image/usr/bin" "$image/etc" "$image/tmp" "$image/run" \
		"$image/proc" "$image/sys" "$image/dev" "$image/root" "$image/home/user" "$image/small/bin"
	cp "$(command -v busybox)" "$image/bin/busybox"
	cp "$image/bin/busybox" "$image/small/bin/"
	for name in $("$image/bin/busybox" --list); do
		[ "$name" = busybox ] || ln -s busybox "$image/bin/$name"
	done
	cp "$SBX" "$image/usr/bin/sbx"
	cp "$here/container-job" "$here/../../examples/ci-job.sh" "$image/usr/bin/"
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$image/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$image/etc/group"
	chmod 1777 "$image/tmp"
	tar -C "$image" --owner=0 --group=0 -cf "$tmp/image.tar" .
}

# ---- a run in a container ------------------------------------------------------------------------------

# in_container OPTION... -- COMMAND...: COMMAND in a new container; sets output and status
in_container() {
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # several words
	output=$(engine run --rm --network none $options "$name_of_image" "$@" 2>&1)
	status=$?
}

# How the hint would have the container started: "docker run OPTION... ..." anywhere in it.
remedy() {
	printf '%s\n' "$output" | sed -nE "s/^sbx: hint: .*$1 run (.*) \.\.\..*/\1/p"
}

# ---- one engine -----------------------------------------------------------------------------------

job='container-job sh -c'
inside='echo "inside: $(cat input)"'

# test_engine NAME: as the container's root, and as a user of it
test_engine() {
	for user in $users; do
		who="as $([ "$user" = 0 ] && echo root || echo a user) of $1"
		# shellcheck disable=SC2086 # several words
		set -- "$1" $job
		in_container --user "$user" -- "$2" "$3" "$4" "$inside"
		works_or_tells "$who: a job works or tells"
		open=$(remedy "$1")
		in_container --user "$user" --env "CI_SBX=--proc=host" -- "$2" "$3" "$4" "$inside"
		works_or_tells "$who: so does one without a /proc of its own"
		open=${open:-$(remedy "$1")}
		# shellcheck disable=SC2086 # several words
		in_container --user "$user" $open -- "$2" "$3" "$4" "$inside"
		works "$who: the remedy that is named works"
		in_container --user "$user" -- sbx run --net none --root /small --root-mode ro -- /bin/busybox echo inside
		works_or_tells "$who: a root of its own works or tells"
		# shellcheck disable=SC2086 # several words
		in_container --user "$user" $open -- sbx run --net none --root /small --root-mode ro -- /bin/busybox echo inside
		works "$who: the remedy works for it"
		in_container --user "$user" -- sbx doctor
		[ "$(lines '^A sandbox with the defaults can')" = 1 ] && [ "$(lines "inside of $1")" = 1 ]
		result $? "$who: the doctor knows where it is" || say "status $status: $output"
	done
	in_container --user 1000 -- sh -c 'sbx doctor | grep -A2 -E "^missing +(tap|FUSE)"'
	[ "$(lines 'modprobe')" = 0 ]
	result $? "in $1: no module is told to be loaded in the container" || say "$output"
}

# skip_engine NAME REASON
skip_engine() {
	for _ in $(seq "$engine_tests"); do
		skip "$1" "$2"
	done
}

# ---- docker ---------------------------------------------------------------------------------------

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

start_docker() {
	mkdir "$tmp/docker"
	cat >"$tmp/docker/daemon.json" <<-END
		{ "data-root": "$tmp/docker/data", "exec-root": "$tmp/docker/run",
		  "pidfile": "$tmp/docker/pid", "hosts": ["unix://$tmp/docker/socket"],
		  "storage-driver": "vfs", "bridge": "none", "iptables": false, "ip6tables": false }
	END
	as_root setsid dockerd --config-file "$tmp/docker/daemon.json" >"$tmp/docker/log" 2>&1 </dev/null &
	within 60 as_root docker -H "unix://$tmp/docker/socket" info >/dev/null 2>&1
}

stop_docker() {
	[ -e "$tmp/docker/pid" ] || return 0
	daemon=$(as_root cat "$tmp/docker/pid")
	as_root kill "$daemon"
	within 30 sh -c '! kill -0 "$1" 2>/dev/null && [ ! -d "/proc/$1" ]' sh "$daemon"
	as_root rm -rf "$tmp/docker"
}

test_docker() {
	engine() {
		as_root timeout -k 5 120 docker -H "unix://$tmp/docker/socket" "$@"
	}
	name_of_image=sbx-test
	if ! start_docker || ! engine import "$tmp/image.tar" "$name_of_image" >>"$tmp/docker/log" 2>&1; then
		say "$(tail -n 5 "$tmp/docker/log")"
		skip_engine docker "docker's daemon cannot be started here"
	else
		test_engine docker
	fi
}

# ---- podman ---------------------------------------------------------------------------------------

test_podman() {
	mkdir -m 700 "$tmp/podman" "$tmp/podman/home" "$tmp/podman/run"
	runtime=$(command -v runc || command -v crun)
	engine() {
		HOME=$tmp/podman/home XDG_RUNTIME_DIR=$tmp/podman/run timeout -k 5 120 podman --log-level error \
			--root "$tmp/podman/store" --runroot "$tmp/podman/run/podman" --storage-driver vfs \
			--cgroup-manager cgroupfs --events-backend file --runtime "$runtime" "$@"
	}
	name_of_image=localhost/sbx-test
	if ! engine import "$tmp/image.tar" "$name_of_image" >"$tmp/podman/log" 2>&1 ||
		! engine run --rm --network none "$name_of_image" true >>"$tmp/podman/log" 2>&1; then
		say "$(tail -n 5 "$tmp/podman/log")"
		skip_engine podman "podman cannot start a container here"
	else
		test_engine podman
	fi
}

# Its pause process holds the namespaces of the store.
stop_podman() {
	pause=$tmp/podman/run/libpod/tmp/pause.pid
	[ ! -s "$pause" ] || kill "$(cat "$pause")"
}

stop() {
	stop_docker
	stop_podman
}

# ---- all ------------------------------------------------------------------------------------------

need busybox
is_static "$(command -v busybox)" || skip_all "busybox is not static"
is_static "$SBX" || skip_all "sbx is not static"
make_image

plan $((2 * engine_tests))

if ! command -v dockerd >/dev/null; then
	skip_engine docker "docker is not installed"
elif ! as_root true 2>/dev/null; then
	skip_engine docker "docker needs root"
else
	test_docker
fi

if ! command -v podman >/dev/null; then
	skip_engine podman "podman is not installed"
elif [ "$(id -u)" = 0 ]; then
	skip_engine podman "podman is tested as an ordinary user"
elif ! "$SBX" unshare --map subuid true 2>/dev/null; then
	skip_engine podman "no subordinate ids"
else
	test_podman
fi
