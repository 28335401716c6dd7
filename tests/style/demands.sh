#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/demands.md has each demand once, and every test that it names is in the tree: a path,
# or dev:PART for a part of ./dev test.
set -eu
cd "$(dirname "$0")/../.."

page=docs/demands.md
failed=0
complain() {
	echo "$page: $*"
	failed=1
}

wanted() {
	for group in C:9 G:17 S:20 R:49; do
		seq -f "${group%%:*}%.0f" 1 "${group##*:}"
	done
}

rows=$(sed -n 's/^| \([A-Z][0-9][0-9]*\) |.*/\1/p' "$page")

for id in $(echo "$rows" | sort | uniq -d); do
	complain "$id stands there more than once"
done
for id in $(wanted); do
	echo "$rows" | grep -qx "$id" || complain "$id is missing"
done
for id in $rows; do
	wanted | grep -qx "$id" || complain "$id is no demand"
done

while IFS='|' read -r _ id _ proof _; do
	[ "$proof" = " open " ] && continue
	names=$(echo "$proof" | awk -F'`' '{ for (i = 2; i < NF; i += 2) print $i }')
	[ -n "$names" ] || complain "${id# }names no test and is not open"
	for name in $names; do
		case $name in
		dev:*) grep -q "^part_${name#dev:}()" tools/dev/tests.sh || complain "${id# }names $name, which is no part" ;;
		tests/* | examples/* | .ci/*) [ -f "$name" ] || complain "${id# }names $name, which is not there" ;;
		*) complain "${id# }names $name, which is no test" ;;
		esac
	done
done <<END
$(grep '^| [A-Z][0-9]' "$page")
END

exit "$failed"
