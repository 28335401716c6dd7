#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# containerd that makes its containers with sbx-oci: a daemon in a place of its own, and a
# container through it. Needs root, containerd with ctr, and a static busybox.
#
#   containerd.sh                     shows a container, and what a wrong path looks like
#   containerd.sh COMMAND [ARG...]    runs COMMAND while the daemon is there; ctr finds it, with
#                                     the image localhost/busybox:1 and the runtime in $SBX_OCI
#
# SBX_OCI     another sbx-oci than the one in PATH
#
# With a containerd that is there already all of it is one option of ctr:
#   ctr run --rm --runc-binary "$(command -v sbx-oci)" IMAGE NAME COMMAND...
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
set -eu
# shellcheck source=examples/engine-lib.sh
. "$(dirname "$0")/engine-lib.sh"

needs containerd ctr busybox
SBX_OCI=$(oci_runtime)
export SBX_OCI
apart "$@"

cat >"$place/config.toml" <<END
version = 2
root = "$place/root"
state = "$place/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$place/socket"
END
containerd --config "$place/config.toml" --log-level warn >"$place/log" 2>&1 </dev/null &

# The names that ctr looks for.
export CONTAINERD_ADDRESS="$place/socket" CONTAINERD_NAMESPACE="$group" CONTAINERD_SNAPSHOTTER=native
within 60 ctr version || {
	tail "$place/log"
	exit 1
}
oci_image localhost/busybox:1 "$place/image.tar"
ctr image import --snapshotter native "$place/image.tar" >>"$place/log"

if [ $# -gt 0 ]; then
	"$@"
	exit
fi

echo '# a container'
ctr run --rm --runc-binary "$SBX_OCI" localhost/busybox:1 first /bin/sh -c 'echo hello from $(hostname), process $$'

echo '# a path at which there is no sbx-oci'
! ctr run --rm --runc-binary /nowhere/sbx-oci localhost/busybox:1 second /bin/true
