#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over every source of ours that the build compiles, one process for each: in one
# process it carries findings from one file into the next. A file that was clean is not read
# again until it, a header or the rules change. What the build has made itself is nobody's
# text, and is left out.
#
#   tidy.sh BUILD            BUILD is made by clang: gcc's options are foreign to it
#   tidy.sh BUILD SOURCE     one file
set -eu

build=$1
# Half of the time is the analyzer's, which follows paths: the full run has it.
extra='-clang-analyzer-*'
[ -z "${SBX_TEST_FULL-}" ] || extra=
here=$(cd "$(dirname "$0")" && pwd -P)
clean=$build/tidy-clean

fingerprint() { # SOURCE
	{
		echo "$TIDY_RULES $extra"
		cat "$1"
	} | sha256sum | cut -c 1-32
}

tidy_one() { # SOURCE
	mark=$clean/$(fingerprint "$1")
	[ ! -e "$mark" ] || return 0
	if clang-tidy --quiet --checks="$extra" -p "$build" "$1" >"$mark.out" 2>/dev/null; then
		mv "$mark.out" "$mark"
	else
		grep -E 'error:|warning:' "$mark.out"
		rm "$mark.out"
		return 1
	fi
}

tidy_all() {
	mkdir -p "$clean"
	TIDY_RULES=$(cd "$here/../.." && cat .clang-tidy ./*/*.h tests/*/*.h 2>/dev/null | sha256sum)
	export TIDY_RULES
	jq -r '.[] | if .file | startswith("/") then .file else .directory + "/" + .file end' \
		"$build/compile_commands.json" |
		xargs realpath | sort -u | grep -vF "$(realpath "$build")/" | xargs -n 1 -P "$(nproc)" "$here/tidy.sh" "$build"
}

command -v clang-tidy >/dev/null || {
	echo "clang-tidy is not installed"
	exit 77
}
if [ $# -eq 2 ]; then
	tidy_one "$2"
else
	tidy_all
fi
