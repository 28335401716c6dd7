#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/interfaces.md lists every error id of base/error.h once, and no other.
set -eu
cd "$(dirname "$0")/../.."

in_header=$(sed -n 's/^\tX(ERROR_[A-Z_]*, "\([a-z-]*\)").*/\1/p' base/error.h)
in_page=$(sed -n '/^## Error ids/,/^## `--status-fd/s/^| \([a-z-]*\) |.*/\1/p' docs/interfaces.md |
	grep -vx -e id -e ---)

if [ -z "$in_header" ]; then
	echo "no error ids found in base/error.h"
	exit 1
fi
if [ "$in_header" != "$in_page" ]; then
	echo "docs/interfaces.md and ERROR_IDS of base/error.h differ (same names, same order):"
	{
		echo "$in_header" | sed 's/$/ (header)/'
		echo "$in_page" | sed 's/$/ (page)/'
	} | sort | awk '{ seen[$1]++; where[$1] = $2 } END { for (id in seen) if (seen[id] != 2) print "  " id, where[id] }'
	exit 1
fi
