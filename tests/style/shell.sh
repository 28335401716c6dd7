#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No script has a finding of shellcheck.
set -eu
cd "$(dirname "$0")/../.."
. tests/style/files.sh

command -v shellcheck >/dev/null || {
	echo "shellcheck is not installed"
	exit 77
}

# Files that are read by others are checked with those (-x); busybox's shell as dash. One
# process with all of them takes twice as long.
files_of_shell | tr '\n' '\0' |
	xargs -0 -n 8 -P "$(nproc)" shellcheck -x -P SCRIPTDIR -S style -e SC2187

failed=0
for file in $(files_of_shell); do
	case $file in
	*/files.sh | */lib.sh | */*-lib.sh | tools/dev/*) continue ;;
	esac
	if [ ! -x "$file" ]; then
		echo "$file: not executable"
		failed=1
	fi
done
exit "$failed"
