#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Containers made by root, who needs no user namespace for them: the tests of containers once
# more, as what docker and containerd are.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
here=$(cd "$(dirname "$0")/../oci" && pwd -P)
: "${SBX_OCI:=${SBX%/*}/sbx-oci}"
export SBX_OCI

set -- lifecycle hooks fields inherited state_dir killed
plan $#
for name; do
	timeout -s KILL 300 "$here/$name.sh" >"$tmp/tap" 2>&1 </dev/null
	result $? "as root: $name" || say "$(grep -v '^ok' "$tmp/tap")"
done
