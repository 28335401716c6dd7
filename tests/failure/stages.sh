#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each stage of a start fails once, in a build with failpoints: the message names the stage, no
# process stays, and no state folder stays.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

tree=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'
own_place

# The table of stages in the child's half, and what the launcher does meanwhile.
sed -n 's/^	{ "\([a-z ]*\)", [a-z_]* },$/\1/p' "$tree/launcher/native_child.c" >"$tmp/stages"
count=$(wc -l <"$tmp/stages")
sed -n 's/^	{ "\([a-z ]*\)", [a-z_]* },$/\1/p' "$tree/launcher/landlock_child.c" >"$tmp/stages-in-place"
in_place=$(wc -l <"$tmp/stages-in-place")
[ "$count" -gt 5 ] || skip_all 'the table of stages was not found'

# stops STAGE OPTION...: in the foreground, with a name
stops() {
	stage=$1
	shift
	output=$(SBX_TEST_FAIL=$stage timeout -s KILL 30 python3 "$tree/tests/sandbox/death.py" 0 \
		"$SBX" run --no-config "$@" -- sh -c '(: >started) 2>/dev/null; exec sleep 20' 2>&1 </dev/null)
	is "$stage: the status is sbx's, and no process stays" $? 125
	is "$stage: the message names it" "$(echo "$output" | sed '/^sbx: note: /d')" \
		"sbx: cannot $stage: made to fail"
	is "$stage: nothing stays" "$(find "$XDG_RUNTIME_DIR" "$tmp/work" -mindepth 1 -not -name sbx)" ''
	rm -f started
}

plan $((3 * count + 3 * count + 3 * in_place + 2 + 3))

while read -r stage <&9; do
	case $stage in
	# The command runs already, so that the sandbox may have touched its file.
	'drop capabilities') stops "$stage" --name web --cwd ro ;;
	*) stops "$stage" --name web --cwd rw ;;
	esac
done 9<"$tmp/stages"

if "$SBX" run --no-config --isolation landlock -- true 2>/dev/null; then
	while read -r stage <&9; do
		stops "$stage" --name web --isolation landlock
	done 9<"$tmp/stages-in-place"
else
	for _ in $(seq $((3 * in_place))); do
		skip 'a stage without namespaces' 'this kernel cannot isolate by Landlock'
	done
fi

while read -r stage <&9; do
	output=$(SBX_TEST_FAIL=$stage timeout -s KILL 30 python3 "$tree/tests/sandbox/death.py" 0 \
		"$SBX" run --no-config -d --name web --pid-file "$tmp/pid" --log "$tmp/log" -- sleep 20 \
		2>&1 </dev/null)
	is "$stage, detached: the status" $? 125
	is "$stage, detached: the message" "$output" "sbx: cannot $stage: made to fail"
	is "$stage, detached: nothing stays" \
		"$(find "$XDG_RUNTIME_DIR" "$tmp/pid" -mindepth 1 -not -name sbx 2>/dev/null)" ''
done 9<"$tmp/stages"

is 'a stage that does not fail is not named' "$(SBX_TEST_FAIL=nothing "$SBX" run --no-config -- echo ran)" ran
is 'each stage has its own name' "$(sort "$tmp/stages" | uniq -d)" ''

if "$SBX" run --no-config --map subuid -- true 2>/dev/null; then
	stops 'map ids' --map subuid
else
	skip 'map ids: the status' 'this user has no subordinate ids'
	skip 'map ids: the message' 'this user has no subordinate ids'
	skip 'map ids: nothing stays' 'this user has no subordinate ids'
fi
