#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx-oci hands a bundle to runsc, by its option or by an annotation, and knows the container
# again without either: as root of a user namespace, where an engine without root has it run.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- inside of that namespace, which is entered once ----------------------------------------

oci() { # ARG...: what it says, and its status where that is not 0
	timeout -s KILL 30 "$SBX_OCI" --root "$tmp/oci" --runsc "$runsc" --platform ptrace "$@" </dev/null >"$tmp/said" 2>&1
	code=$?
	cat "$tmp/said"
	[ "$code" = 0 ] || echo "status $code"
}

bundle() { # ANNOTATIONS NETWORK COMMAND...
	annotations=$1 network=$2
	shift 2
	cat >"$tmp/bundle/config.json" <<-END
		{ "ociVersion": "1.0.2", "root": { "path": "rootfs" }, "hostname": "contained",
		  "annotations": { $annotations },
		  "process": { "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"],
		    "args": $(printf '%s\n' "$@" | jq -Rn '[inputs]'),
		    "capabilities": { "bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"] } },
		  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
		  "linux": { $more "namespaces": [{ "type": "pid" }, { "type": "ipc" }, { "type": "uts" },
		    $network { "type": "mount" }] } }
	END
}

# What was pinned is compared again each time, and not where it is not executed.
pinned() {
	if ! [ -x "${SBX_OCI%/*}/sbx-image" ]; then
		for one in 1 2 3 4 5 6 7; do
			skip "a pin: $one" 'there is no sbx-image'
		done
		return
	fi
	theirs=$runsc runsc=$tmp/own/runsc
	mkdir "$tmp/own"
	cp "$theirs" "$runsc"
	sha512sum <"$runsc" | sed 's/-$/runsc/' >"$tmp/own/pin"
	cd "$tmp/own" || exit
	is "a pin" "$(oci --runsc-pin pin create -b "$tmp/bundle" one)" ""
	cd / || exit
	{ cat "$runsc" && echo; } >"$runsc.new"
	chmod 755 "$runsc.new"
	mv "$runsc.new" "$runsc"
	like "another runsc since: start is refused" "$(oci start one)" '*is not what the pin says*status 1'
	cp "$theirs" "$runsc.new"
	mv "$runsc.new" "$runsc"
	is "the one again: it is not" "$(oci start one)" ""
	mv "$tmp/own/pin" "$tmp/own/kept"
	like "exec without the pin is refused" "$(oci exec one true)" "*cannot read $tmp/own/pin*status 255"
	like "kill, too" "$(oci kill one TERM)" "*cannot read $tmp/own/pin*status 1"
	is "KILL ends it" "$(oci kill one KILL)$(status_of)" stopped
	is "and it can be deleted" "$(oci delete one)$(find "$tmp/oci" -mindepth 1)" ""
	runsc=$theirs
}

status_of() {
	oci state one | jq -r .status
}

inside() {
	plan 35
	more=
	by_annotation='"sbx.runtime": "runsc", "sbx.platform": "ptrace"'
	apart='{ "type": "network" },'

	bundle '' "$apart" sh -c 'dmesg | head -n 1; hostname; exit 7'
	like "a bundle runs on gVisor's kernel, and ends as its command" "$(oci --runtime runsc run -b "$tmp/bundle" one)" \
		'*Starting gVisor*
contained
status 7'
	bundle '"sbx.runtime": "native"' "$apart" sh -c 'cat /proc/version'
	like "the option stands above the annotation" "$(oci --runtime runsc run -b "$tmp/bundle" one)" 'Linux version 4.4.0*'
	bundle "$by_annotation" '' sh -c 'cat /proc/version'
	like "the annotation does as well, also in the caller's network" "$(oci run -b "$tmp/bundle" one)" 'Linux version 4.4.0*'
	is "nothing of them is left" "$(find "$tmp/oci" -mindepth 1)" ""

	bundle "$by_annotation" "$apart" sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
	is "create says nothing" "$(oci create -b "$tmp/bundle" --pid-file "$tmp/pid" one)" ""
	is "it is created" "$(status_of)" created
	is "its process is told" "$(oci state one | jq .pid)" "$(cat "$tmp/pid")"
	is "as gVisor's sandbox process" "$(tr '\0' ' ' <"/proc/$(cat "$tmp/pid")/cmdline" | grep -c boot)" 1
	like "what is taken is taken" "$(oci create -b "$tmp/bundle" one)" '*one of that id already exists*status 1'
	is "start says nothing" "$(oci start one)" ""
	is "it runs" "$(status_of)" running
	like "and cannot be started again" "$(oci start one)" '*container is not created: running*status 1'
	like "list has it" "$(oci list)" '*one * running *'
	is "exec: output and status" "$(oci exec one sh -c 'echo in; exit 5')" 'in
status 5'
	like "exec of nothing" "$(oci exec one missing)" '*no such file or directory*status 128'
	like "ps has its processes" "$(oci ps one)" '*sh*'
	is "pause" "$(oci pause one)$(status_of)" paused
	is "resume" "$(oci resume one)$(status_of)" running
	like "events" "$(oci events --stats one)" '{"type":"stats","id":"one"*'
	like "update is refused" "$(oci update --memory 1000000 one)" '*runsc cannot change*status 1'
	like "delete of what runs, too" "$(oci delete one)" '*container is not stopped: running*status 1'
	is "kill" "$(oci kill one TERM)" ""
	until_true sh -c '[ "$("$1" --root "$2" state one | jq -r .status)" = stopped ]' sh "$SBX_OCI" "$tmp/oci"
	is "ends it" "$(status_of)" stopped
	is "delete takes it away" "$(oci delete one)$(find "$tmp/oci" -mindepth 1)" ""

	more='"maskedPaths": ["/bin/ash"], "sysctl": { "kernel.msgmax": "9000" }, "seccomp": { "defaultAction": "SCMP_ACT_ALLOW" },'
	bundle "$by_annotation" "$apart" sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
	like "what gVisor passes over is told in one line" "$(oci create -b "$tmp/bundle" one)" \
		'sbx-oci: warning: gVisor differs: /bin/ash is not hidden; kernel.msgmax is not set; linux.seccomp is not passed on*'
	more=
	is "one that was never started can be deleted by force" "$(oci delete --force one)$(find "$tmp/oci" -mindepth 1)" ""
	bundle "$by_annotation" "$apart" sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
	pinned
	bundle '"sbx.runtime": "runsc"' "$apart" missing
	like "a command that is not there" "$(oci run -b "$tmp/bundle" one)" '*missing: no such file or directory*status 1'
	like "a runtime that is not there" "$(oci --runtime kata run -b "$tmp/bundle" one)" "*the runtime 'kata'*status 1"
}

needs_runsc
command -v jq >/dev/null || skip_all 'jq is not installed'
: "${SBX_OCI:=${SBX%/*}/sbx-oci}"
export SBX_OCI
if [ "${1-}" != inside ]; then
	needs_range
	"$SBX" unshare "$gvisor_here/oci.sh" inside
	exit
fi
small_root
mkdir "$tmp/bundle"
mv "$root" "$tmp/bundle/rootfs"
inside
