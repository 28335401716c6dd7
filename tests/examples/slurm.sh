#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/slurm.sh: steps and batch jobs in containers, and what is seen of a wrong path.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

for program in slurmctld slurmd munged busybox; do
	PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || skip_all "$program is not installed"
done
[ "$(id -u)" != 0 ] || skip_all "an ordinary user's cluster"
SBX_OCI=${SBX_OCI:-${SBX%/*}/sbx-oci}
export SBX_OCI

if [ -n "${SBX_TEST_FULL-}" ]; then plan 10; else plan 8; fi
timeout -s TERM 100 "$examples/slurm.sh" >"$tmp/said" 2>&1 </dev/null
result $? "the example ends well" || say "$(cat "$tmp/said")"
has "a step runs in a container" "$(cat "$tmp/said")" "hello from sbx, process 1, job 1"
has "its status is the step's" "$(cat "$tmp/said")" "status 7"
has "a batch job runs in a container" "$(cat "$tmp/said")" "batch on sbx, process 1"
ok "a wrong path is named" grep -q '/nowhere/sbx-oci: not found' "$tmp/said"
has "and the step ends with 127" "$(cat "$tmp/said")" "status 127"
is "nothing else is said" "$(grep -vE '^#|^hello|^status|^batch|not found$|Exited with exit code' "$tmp/said")" ""

cancel_a_job() {
	cat >"$tmp/cancel" <<'END'
# Process 1 of a container that takes no signals: what is left is KILL.
srun --quiet --container "$BUNDLE" sh -c 'echo it runs; exec sleep 60' >"$1/step" 2>&1 &
tries=200
until grep -q 'it runs' "$1/step" || [ "$((tries -= 1))" = 0 ]; do sleep 0.1; done
scancel --user "$(id -un)"
tries=200
until [ -z "$(ls run)" ] || [ "$((tries -= 1))" = 0 ]; do sleep 0.1; done
cat "$1/step"
ls run
END
	output=$(timeout -s TERM 100 "$examples/slurm.sh" sh "$tmp/cancel" "$tmp" 2>&1 </dev/null)
	has "a job is cancelled" "$output" "it runs"
	is "and its container is gone" "$(printf '%s\n' "$output" | grep localhost."$(id -un)")" ""
}
# Slurm waits for many seconds before it kills.
[ -z "${SBX_TEST_FULL-}" ] || cancel_a_job
is "nothing is left" "$(ls -A "$TMPDIR")" ""
