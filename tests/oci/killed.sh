#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The runtime is killed at any instant of create, start, delete and exec: no process, mount,
# cgroup or directory is left. SBX_TEST_FULL=1: more instants.
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip_all 'python3 is not installed'

count=60
[ -z "${SBX_TEST_FULL:-}" ] || count=200
mark=sbx-killed-$$
# Whoever may make a group has one to lose.
group=.
[ "$(id -u)" != 0 ] || group=".linux.cgroupsPath = \"/$mark\""
mkdir -p "$tmp/place/state"

plan 2

bundle sleep ".process.args = [\"sleep\", \"600\"] | $group"
ok 'killed at any instant: nothing is left' timeout -s KILL 500 python3 "$oci_here/kills.py" \
	"$count" "$runtime" "$tmp/place/state" "$bundle" "$mark"

# With hooks there is more to be interrupted; each of them lasts a moment.
hook='[{path: "/bin/sleep", args: ["sleep", "0.01"]}]'
bundle hooks ".process.args = [\"sleep\", \"600\"] | $group | .hooks = {
	prestart: $hook, createRuntime: $hook, createContainer: $hook, startContainer: $hook, poststart: $hook, poststop: $hook}"
ok 'with hooks as well' timeout -s KILL 500 python3 "$oci_here/kills.py" \
	"$((count / 2))" "$runtime" "$tmp/place/state" "$bundle" "$mark"
