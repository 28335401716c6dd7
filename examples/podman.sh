#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman without root that makes its containers with sbx-oci, with a store and a configuration
# of its own: nothing of the user's is touched. Needs podman, subordinate ids, and a static
# busybox.
#
#   podman.sh                     shows a container, and what a wrong path looks like
#   podman.sh COMMAND [ARG...]    runs COMMAND; podman finds that store in it, with the image
#                                 localhost/busybox
#
# SBX_OCI     another sbx-oci than the one in PATH
#
# For the containers that are there already, containers.conf.d/sbx-oci.conf is all that is
# needed: copied to ~/.config/containers/containers.conf.d/.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)

for program in "${SBX_OCI:-sbx-oci}" podman busybox; do
	command -v "$program" >/dev/null || {
		echo "podman.sh: $program is not installed" >&2
		exit 1
	}
done
SBX_OCI=$(command -v "${SBX_OCI:-sbx-oci}")

place=$(mktemp -d "${TMPDIR:-/tmp}/sbx-podman.XXXXXX")
trap clean EXIT
trap 'exit 130' HUP INT TERM

# What containers wrote belongs to subordinate ids. podman leaves one process behind, which
# keeps its user namespace.
clean() {
	podman rm --force --all --time 0 >/dev/null 2>&1 || true
	podman unshare rm -rf "$place/store" "$place/files" || true
	pause=$place/run/libpod/tmp/pause.pid
	[ ! -s "$pause" ] || kill "$(cat "$pause")" || true
	rm -rf "$place"
}

# A home of its own, so that podman reads no other configuration of the user.
export HOME="$place" XDG_RUNTIME_DIR="$place/run" XDG_CONFIG_HOME="$place/.config" XDG_DATA_HOME="$place/.local/share"
configuration=$place/.config/containers
mkdir -p "$configuration/containers.conf.d"
mkdir -m 700 "$place/run"
sed "s|^sbx-oci = .*|sbx-oci = [\"$SBX_OCI\"]|" "$here/containers.conf.d/sbx-oci.conf" \
	>"$configuration/containers.conf.d/sbx-oci.conf"
# Without systemd, and without overlay mounts: it goes anywhere. Neither is needed elsewhere.
cat >"$configuration/containers.conf.d/zz-place.conf" <<END
[engine]
runtime = "sbx-oci"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
cat >"$configuration/storage.conf" <<END
[storage]
driver = "vfs"
graphroot = "$place/store"
runroot = "$place/run/podman"
END

mkdir -p "$place/files/bin" "$place/files/etc" "$place/files/tmp" "$place/files/root"
cp "$(command -v busybox)" "$place/files/bin/busybox"
for name in $("$place/files/bin/busybox" --list); do
	[ "$name" = busybox ] || ln -s busybox "$place/files/bin/$name"
done
printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n' >"$place/files/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' >"$place/files/etc/group"
chmod 1777 "$place/files/tmp"
tar -C "$place/files" --owner=0 --group=0 -c . | podman import --quiet - localhost/busybox >/dev/null

if [ $# -gt 0 ]; then
	"$@"
	exit
fi

echo '# a container'
podman run --rm --network none localhost/busybox sh -c 'echo hello from $(hostname), process $$'

echo '# a program that it does not have'
podman run --rm --network none localhost/busybox no-such-program || echo "status $?"

echo '# a path at which there is no sbx-oci'
podman --runtime /nowhere/sbx-oci run --rm --network none localhost/busybox true || echo "status $?"
