#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One fuzz target, from its seeds, for 5 s (60 s in the full run).
#
#   run.sh TARGET SEEDS
set -eu

target=$1
seeds=$2
seconds=5
[ -z "${SBX_TEST_FULL-}" ] || seconds=60

work=$(mktemp -d "${TMPDIR:-/tmp}/sbx-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/found" "$work/tmp"
export TMPDIR="$work/tmp"

# What makes it fail is kept beside the target. A busy machine may hold an input up for seconds.
"$target" -max_total_time=$seconds -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 \
	-verbosity=0 "-artifact_prefix=$target." "$work/found" "$seeds"
