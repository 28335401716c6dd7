#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/network.md are taken as they stand, and those that it calls refused are.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

page=$(cd "$(dirname "$0")/../.." && pwd)/docs/network.md
mkdir "$tmp/project"
cd "$tmp/project" || exit 1

# commands KIND: those of the blocks of that kind, without the run itself
commands() {
	awk -v kind="$1" '$0 == "```" kind { on = 1; next } /^```/ { on = 0 } on' "$page" |
		sed -n 's/^sbx run \(.*\) -- .*/sbx run --no-config --dry-run \1 -- true/p'
}

# judge STATUS: of each command that is read
judge() {
	while IFS= read -r line; do
		status=0
		LC_ALL=C timeout 20 sh -c "$line" </dev/null >"$tmp/said" 2>&1 || status=$?
		[ "$status" = "$1" ] || echo "$status: $line: $(tail -n 2 "$tmp/said")"
	done
}

plan 4
[ "$(commands sh | wc -l)" -ge 15 ]
result $? "the page has commands"
# Without a tap device what needs one is refused, which the page says.
if [ -r /dev/net/tun ] && [ -w /dev/net/tun ]; then
	taken=$(commands sh | judge 0)
else
	taken=$(commands sh | grep -v -e --pcap | judge 0)
fi
is "they are taken as they stand" "$taken" ""
[ "$(commands refused | wc -l)" -ge 3 ]
result $? "the page has commands that are refused"
is "they are" "$(commands refused | judge 125)" ""
