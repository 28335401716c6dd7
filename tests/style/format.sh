#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every source and header is as clang-format would have it. Its versions differ, so only the
# one that .clang-format was written for decides.
set -eu
cd "$(dirname "$0")/../.."

wanted=14
formatter=
for name in clang-format-$wanted clang-format; do
	if command -v "$name" >/dev/null && "$name" --version | grep -q "version $wanted\."; then
		formatter=$name
		break
	fi
done
[ -n "$formatter" ] || {
	echo "clang-format $wanted is not installed"
	exit 77
}

find base userns net policy image plan launcher tests -name '*.[ch]' -print0 |
	xargs -0 "$formatter" --dry-run -Werror
