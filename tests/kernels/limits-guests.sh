#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots guests side by side, without KVM, and limits sandboxes in them as an ordinary user: one
# with systemd, which delegates its controllers, and in the full run one without, and one with
# cgroup v1. Where systemd is, containers are its scopes and services, too. Prints TAP.
#
#   limits-guests.sh BUILD [systemd|plain|old]...
#
# The kernel and the guests' root are kept below the cache of ./dev.
set -uo pipefail

build=$1
shift
[ $# -gt 0 ] || [ -z "${SBX_TEST_FULL-}" ] || set -- systemd plain old
[ $# -gt 0 ] || set -- systemd
series=6.1
here=$(cd "$(dirname "$0")" && pwd -P)
tests=$(cd "$here/.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sbx-dev/kernels
limit=${SBX_TEST_FULL:+1200}
: "${limit:=600}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# shellcheck source=tests/kernels/lib.sh
. "$here/lib.sh"

skip_all() { # REASON
	echo "1..0 # SKIP $1"
	exit 0
}

make_initrd() {
	local dir=$scratch/tree payload=$scratch/tree/payload
	mkdir -p "$dir"/{bin,dev,new,proc} "$payload/tests/kernels" "$payload/tests/sandbox" \
		"$payload/tests/oci" "$payload/build/launcher" "$payload/examples"
	cp /bin/busybox "$dir/bin/"
	cp "$here/init" "$dir/"
	cp -R "$cache/$series/modules" "$dir/"
	cp "$here/limits.sh" "$here/containers.sh" "$payload/tests/kernels/"
	cp "$tests/sandbox/lib.sh" "$payload/tests/sandbox/"
	cp "$tests/oci/lib.sh" "$payload/tests/oci/"
	cp -R "$tests/../examples/systemd" "$payload/examples/"
	cp "$here/limits-job" "$payload/"
	cp "$build/launcher/sbx" "$build/launcher/sbx-net" "$build/launcher/sbx-scope" \
		"$build/launcher/sbx-oci" "$payload/build/launcher/"
	strip "$payload"/build/launcher/*
	(cd "$dir" && find . | cpio -o -H newc -R 0:0 --quiet) >"$scratch/initrd"
}

boot() { # NAME
	local program=/payload/limits-job
	[ "$1" != systemd ] || program=/sbin/init
	timeout --kill-after=10 "$limit" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 768 \
		-display none -no-reboot -nic none \
		-kernel "$cache/$series/vmlinuz" -initrd "$scratch/initrd" \
		-drive "file=$cache/systemd.ext4,format=raw,if=virtio,snapshot=on" \
		-serial "file:$scratch/$1.console" -serial "file:$scratch/$1.said" \
		-append "console=ttyS0 panic=-1 quiet systemd.show_status=0 mitigations=off guest=$program way=$1" \
		</dev/null >"$scratch/$1.qemu" 2>&1
}

to_tap() { # NAME
	tr -d '\r' <"$scratch/$1.said" | awk -v guest="$1" '
		function say(ok, text) { print ok " - " guest " " text }
		/^@kernel / { say("ok", "boots: " $2) }
		/^@end / { ended = 1 }
		/^@test / { name = $2; checks = planned = 0; next }
		/^1\.\./ { planned = substr($0, 4) + 0; next }
		/^@status / {
			if (!planned || checks != planned) say("not ok", name ": " checks " of " planned " checks ran")
			next
		}
		/^(not )?ok/ {
			checks++
			result = /^not/ ? "not ok" : "ok"
			sub(/^(not )?ok *[0-9]* *-? */, "")
			say(result, name ": " $0)
			next
		}
		/^#/ { print }
		END { say(ended ? "ok" : "not ok", "powers off") }'
	grep -q '^@end' "$scratch/$1.said" || tail -n 30 "$scratch/$1.console" | sed 's/^/# /'
}

run_guest() { # NAME
	local start
	take_processor 0.2
	start=$SECONDS
	boot "$1"
	{
		to_tap "$1"
		echo "# $1: $((SECONDS - start)) s"
	} >"$scratch/$1.tap"
}

[ "$(uname -m)" = x86_64 ] || skip_all "the guests are for x86-64"
command -v qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86 is not installed"
[ -x "$build/launcher/sbx-scope" ] || skip_all "the build has no sbx-scope"
mkdir -p "$cache"
"$here/fetch.sh" "$series" "$cache/$series" >"$scratch/log" 2>&1 ||
	skip_all "kernel $series cannot be fetched"
"$here/systemd-root.sh" "$cache/systemd.ext4" >"$scratch/log" 2>&1 || {
	sed 's/^/# /' "$scratch/log"
	skip_all "the root of the guests cannot be made"
}
make_initrd
for name; do
	run_guest "$name" &
done
wait
cat "$scratch"/*.tap | awk '/^(not )?ok/ { n++ } { print } END { print "1.." n }'
