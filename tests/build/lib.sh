# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of the build share; read with `. "$(dirname "$0")/lib.sh"`. A test prints
# TAP; what it makes lies in $scratch.

set -eu

# shellcheck disable=SC2034 # the tests use it
tree=$(cd "$(dirname "$0")/../.." && pwd -P)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
checks=0

# check WHAT COMMAND ARG...: it succeeds; what it prints is shown if not
check() {
	what=$1
	shift
	checks=$((checks + 1))
	if "$@" >"$scratch/out" 2>&1; then
		echo "ok $checks - $what"
	else
		sed 's/^/# /' "$scratch/out"
		echo "not ok $checks - $what"
	fi
}
