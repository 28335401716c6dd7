#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/processes.md has the stages and turns of the source, in their order.
set -eu
cd "$(dirname "$0")/../.."

page=docs/processes.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# same WHAT SOURCE: what $scratch/source and $scratch/page hold
same() {
	if [ ! -s "$scratch/source" ]; then
		echo "no $1 found in $2"
		failed=1
	elif ! diff -u --label "$2" --label "$page" "$scratch/source" "$scratch/page"; then
		failed=1
	fi
}

stages() { # SOURCE TABLE HEAD
	sed -n "/^static const struct stage $2\[\] = {/,/^};/"'s/^\t{ "\([^"]*\)".*/\1/p' "$1" >"$scratch/source"
	sed -n "/^| $3 |/,/^\$/"'s/^| \([a-z ]*\) |.*/\1/p' "$page" | sed 1d >"$scratch/page"
	same stages "$1"
}
stages launcher/native_child.c native_stages stage
stages launcher/landlock_child.c in_place_stages 'stage in place'
stages launcher/gvisor_child.c gvisor_stages 'stage of runsc'
stages launcher/join.c join_stages 'stage of a join'
stages launcher/gvisor_exec.c exec_stages 'stage of a join with runsc'
stages launcher/container_child.c container_stages 'stage of a container'

sed -n '/^enum turn {/,/^};/s/^\t\(TURN_[A-Z_]*\).*/\1/p' launcher/sync.h >"$scratch/source"
# shellcheck disable=SC2016
sed -n 's/^| `\(TURN_[A-Z_]*\)` |.*/\1/p' "$page" >"$scratch/page"
same turns launcher/sync.h

exit "$failed"
