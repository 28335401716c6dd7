#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/worker as an image: built by buildah without root, on a base of mmdebstrap's, with
# Debian's runsc as the mirror. The finished image has the runsc that was pinned, and runs a sandbox
# on its kernel; where a byte is another one there is no image.
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need buildah podman mmdebstrap zstd meson runsc
need_ordinary_user
worker=$here/../../examples/worker
build=${SBX%/launcher/sbx}
: "${SBX_OCI:=$build/launcher/sbx-oci}"
runsc=$(command -v runsc)
version=$(runsc --version | sed -n 's/^runsc version \(release-\)\{0,1\}//p')

OLD_HOME=$HOME
export HOME="$tmp/home" STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
mkdir -m 700 "$tmp/run"
mkdir "$tmp/home"
tool() { # PROGRAM ARG...: with a store of our own
	program=$1
	shift
	XDG_RUNTIME_DIR=$tmp/run timeout -k 5 300 "$program" --root "$tmp/store" --runroot "$tmp/run/store" "$@" </dev/null
}
stop() {
	pause=$tmp/run/libpod/tmp/pause.pid
	[ ! -s "$pause" ] || kill "$(cat "$pause")" 2>/dev/null
}

# ---- what lies beside the Containerfile ---------------------------------------------------------

archive=$(HOME=$OLD_HOME "$here/debian-tar" 2>"$tmp/log") || {
	say "$(tail -n 5 "$tmp/log")"
	skip_all "no Debian root can be had"
}
context=$tmp/context
cp -R "$worker" "$context"
place=$context/mirror/$version/$(uname -m)
mkdir -p "$place"
cp "$runsc" "$place/runsc"
# This machine's package may be a later build of the same version.
"$context/install-runsc.sh" --print-pin "$context/mirror" "$version" >"$context/pins/$version"
if ! DESTDIR=$context/sbx meson install -C "$build" --no-rebuild --quiet >"$tmp/log" 2>&1; then
	say "$(tail -n 5 "$tmp/log")"
	skip_all "this build cannot be installed"
fi
zstd -qdc "$archive" >"$tmp/base.tar"

make_base() {
	container=$(tool buildah from scratch) &&
		tool buildah add -q "$container" "$tmp/base.tar" / &&
		tool buildah commit -q --rm "$container" localhost/base
}
make_worker() {
	tool buildah build --build-arg BASE=localhost/base --build-arg "RUNSC_VERSION=$version" "$@" "$context"
}
in_worker() { # COMMAND...: in a container of the image
	tool podman --runtime "$SBX_OCI" --cgroup-manager cgroupfs --log-level error \
		run --rm --network none --security-opt unmask=all --security-opt seccomp=unconfined localhost/worker "$@" 2>&1
}

plan 6
ok "a base" make_base
ok "the worker is built" make_worker -t localhost/worker
like "it has the runsc that was pinned" "$(in_worker runsc --version)" "runsc version $version*"
# An engine without root leaves its containers no range that would reach to nobody's id.
output=$(in_worker sbx run --pool gvisor-pool --map single --gvisor-net host --net none -- dmesg)
like "and runs a sandbox on its kernel" "$output" '*Starting gVisor*'
like "or on the host's" "$(in_worker sbx run --pool runc-pool --net none -- cat /proc/version)" "Linux version $(uname -r)*"
printf '\125' | dd of="$place/runsc" bs=1 seek=100000 conv=notrunc 2>/dev/null
output=$(make_worker --target runsc 2>&1)
like "one byte that was changed, and there is none" "$? $output" '[1-9]*runsc: FAILED*checksum mismatch*'
