#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The session that README.md shows is what one gets.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

page=$(cd "$(dirname "$0")/../.." && pwd)/README.md
mkdir "$tmp/project"
cd "$tmp/project" || exit 1
cat >hello.c <<'END'
#include <stdio.h>
int main(void) { return puts("hello") < 0; }
END

# The first block: \140 is a back quote.
awk '/^\140\140\140/ { blocks++; next } blocks == 1' "$page" >"$tmp/shown"
sed -n 's/^\$ //p' "$tmp/shown" | while IFS= read -r line; do
	printf '$ %s\n' "$line"
	LC_ALL=C sh -c "$line" </dev/null 2>&1
done >"$tmp/seen"

plan 3
[ "$(grep -c '^\$ ' "$tmp/shown")" -ge 3 ]
result $? "README.md shows a session"
difference=$(diff -u "$tmp/shown" "$tmp/seen")
result $? "it is what one gets" || say "$difference"

# What it shows of sbx try, with a Makefile, and without a terminal to answer on.
printf 'y: x\n\tcp x y\n' >Makefile
echo old >x
touch -d '1 hour ago' x
try=$(sed -n 's/^\$ \(sbx try [^#]*[^# ]\) *#.*/\1/p' "$page")
seen=$(XDG_STATE_HOME=$tmp/state sh -c "$try" </dev/null 2>&1)
case $try/$seen/$(ls) in
*'make; rm x'*/*' y'*' x'*'1 created'*'1 removed'*'kept as sh-'*/*x) shown=0 ;;
*) shown=1 ;;
esac
result "$shown" "and a try" || say "$try: $seen"
