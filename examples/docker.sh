#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docker that makes its containers with sbx-oci: a daemon in a place of its own, and a
# container through it. Needs docker and a static busybox; an ordinary user needs rootlesskit too.
#
#   docker.sh                     shows a container, and what a wrong path looks like
#   docker.sh COMMAND [ARG...]    runs COMMAND while the daemon is there; docker finds it, with
#                                 the image busybox, the runtime sbx and a wrong one
#
# SBX_OCI     another sbx-oci than the one in PATH
#
# For a daemon that is there already /etc/docker/daemon.json gets the part about runtimes; sbx
# is chosen by docker run --runtime sbx, or for all by "default-runtime": "sbx".
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
set -eu
# shellcheck source=examples/engine-lib.sh
. "$(dirname "$0")/engine-lib.sh"

needs dockerd docker busybox
SBX_OCI=$(oci_runtime)
export SBX_OCI
apart "$@"

cat >"$place/daemon.json" <<END
{
	"runtimes": {
		"sbx": { "path": "$SBX_OCI" },
		"wrong": { "path": "/nowhere/sbx-oci" }
	},
	"default-runtime": "sbx",
	"data-root": "$place/data",
	"exec-root": "$place/run",
	"pidfile": "$place/pid",
	"hosts": ["unix://$place/socket"],
	"cgroup-parent": "/$group",
	"storage-driver": "vfs",
	"bridge": "none",
	"iptables": false,
	"ip6tables": false
}
END
# shellcheck disable=SC2086 # one option or none
TMPDIR=$place dockerd --config-file "$place/daemon.json" ${ROOTLESSKIT_STATE_DIR:+--rootless} >"$place/log" 2>&1 </dev/null &

export DOCKER_HOST="unix://$place/socket" DOCKER_CONFIG="$place"
within 60 docker version || {
	tail "$place/log"
	exit 1
}
busybox_root "$place/files"
tar -C "$place/files" --owner=0 --group=0 -c . | docker import - busybox >>"$place/log"

if [ $# -gt 0 ]; then
	"$@"
	exit
fi

echo '# a container'
docker run --rm --network none busybox sh -c 'echo hello from $(hostname), process $$'

echo '# a path at which there is no sbx-oci'
! docker run --rm --network none --runtime wrong busybox true
