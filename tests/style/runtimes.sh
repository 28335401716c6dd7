#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/container-runtime-configuration.md has a row for every error id of runsc and kvm, and no
# other, each with its cause and its remedy; and so docs/interfaces.md.
set -eu
cd "$(dirname "$0")/../.."

page=docs/container-runtime-configuration.md
failed=0

in_header=$(sed -n 's/^\tX(ERROR_[A-Z_]*, "\(\(runsc\|kvm\)-[a-z-]*\)").*/\1/p' base/error.h | sort)
in_page=$(sed -n 's/^| \(\(runsc\|kvm\)-[a-z-]*\) |.*/\1/p' "$page" | sort)
if [ -z "$in_header" ]; then
	echo "no such ids found in base/error.h"
	exit 1
fi
if [ "$in_header" != "$in_page" ]; then
	echo "$page and base/error.h differ: it has"
	echo "$in_page"
	failed=1
fi
for id in $in_header; do
	if ! grep -q "^| $id | [^|]\{20,\} | [^|]\{10,\} |\$" "$page"; then
		echo "$page: $id has no cause, or no remedy"
		failed=1
	fi
	if ! grep -q "^| $id | " docs/interfaces.md; then
		echo "docs/interfaces.md: $id is missing"
		failed=1
	fi
done
exit "$failed"
