#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each stage of a start with gVisor fails once, in a build with failpoints: the message names
# the stage, no process stays, runsc's least of all, and no state folder stays.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/../gvisor/lib.sh"

tree=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'
needs_runsc
needs_range

sed -n 's/^	{ "\([a-z ]*\)", [a-z_]* },$/\1/p' "$tree/launcher/gvisor_child.c" >"$tmp/stages"
count=$(wc -l <"$tmp/stages")
[ "$count" -gt 10 ] || skip_all 'the table of stages was not found'

# stops STAGE
stops() {
	output=$(SBX_TEST_FAIL=$1 timeout -s KILL 60 python3 "$tree/tests/sandbox/death.py" 0 \
		"$SBX" run --no-config --runtime runsc --runsc "$runsc" --net none --cwd rw --name web \
		-- sh -c '(: >started) 2>/dev/null; exec sleep 20' 2>&1 </dev/null)
	is "$1: the status is sbx's, and no process stays" $? 125
	is "$1: the message names it" "$(echo "$output" | sed '/^sbx: note: /d')" \
		"sbx: cannot $1: made to fail"
	is "$1: nothing stays, and nothing was started" \
		"$(find "$XDG_RUNTIME_DIR" "$tmp/work" -mindepth 1 -not -name sbx)" ''
}

plan $((3 * count + 1))

while read -r stage <&9; do
	stops "$stage"
done 9<"$tmp/stages"

is 'each stage has its own name' "$(sort "$tmp/stages" | uniq -d)" ''
