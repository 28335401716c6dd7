# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What every sandbox test needs; read with `. "$(dirname "$0")/lib.sh"`. A test prints TAP
# and ends with 0; SBX is the path of the sbx under test. Everything that a test makes lies
# in $tmp, which is removed at the end.

set -u
: "${SBX:?the path of the sbx to test}"

tests_run=0
tests_failed=0
tests_planned=0

tmp=$(mktemp -d "${TMPDIR:-/tmp}/sbx-test.XXXXXX") || exit 1
trap 'finish' EXIT
trap 'exit 1' HUP INT TERM

# Processes that end with the test, however it ends.
waiting=

finish() {
	status=$?
	# shellcheck disable=SC2086
	[ -z "$waiting" ] || kill $waiting 2>/dev/null
	chmod -R u+rwX "$tmp" 2>/dev/null
	rm -rf "$tmp"
	if [ "$status" = 0 ] && [ "$tests_planned" != "$tests_run" ]; then
		echo "# planned $tests_planned, ran $tests_run"
		status=1
	fi
	[ "$status" != 0 ] || [ "$tests_failed" = 0 ] || status=1
	exit "$status"
}

# plan NUMBER
plan() {
	tests_planned=$1
	echo "1..$1"
}

# result STATUS DESCRIPTION: the line of one test; 0 is good
result() {
	tests_run=$((tests_run + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests_run - $2"
		return 0
	fi
	tests_failed=$((tests_failed + 1))
	echo "not ok $tests_run - $2"
	return 1
}

# say TEXT: shown beside the result, as TAP's diagnostics
say() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

# ok DESCRIPTION COMMAND...: the command succeeds; what it prints is shown if not
ok() {
	description=$1
	shift
	output=$("$@" 2>&1)
	result $? "$description" || say "$output"
}

# fails DESCRIPTION STATUS COMMAND...: the command ends with this status
fails() {
	description=$1
	wanted=$2
	shift 2
	output=$("$@" 2>&1)
	got=$?
	[ "$got" = "$wanted" ]
	result $? "$description" || say "status $got, not $wanted: $output"
}

# is DESCRIPTION GOT WANTED: the same text
is() {
	[ "$2" = "$3" ]
	result $? "$1" || say "got '$2', not '$3'"
}

# like DESCRIPTION GOT PATTERN: a pattern of the shell, for the whole text
like() {
	# shellcheck disable=SC2254
	case $2 in
	$3) result 0 "$1" ;;
	*) result 1 "$1" || say "got '$2', not '$3'" ;;
	esac
}

# skip DESCRIPTION REASON: what this machine cannot do
skip() {
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1 # SKIP $2"
}

# skip_all REASON: the whole file; TAP tells it by a plan of nothing, not by the status
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# until_true COMMAND...: the command succeeds within ten seconds
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || return 1
		sleep 0.1
	done
}

# own_place: the current directory is a new one, and so is that of running sandboxes
own_place() {
	export XDG_RUNTIME_DIR="$tmp/run"
	mkdir -m 700 "$tmp/run"
	mkdir -p "$tmp/work"
	cd "$tmp/work" || exit 1
}

# canary VARIABLE THING...: the attack program makes it outside, and holds it until the test
# ends; VARIABLE says where it is
canary() {
	variable=$1
	shift
	: >"$tmp/said"
	"${attack:?}" make "$@" >"$tmp/said" 2>&1 &
	waiting="$waiting $!"
	until_true test -s "$tmp/said"
	export "$variable=$(cat "$tmp/said")"
}

# without FILE... -- SCRIPT: what it says, and "status N", where these files are empty and we
# are nobody but ourselves
without() {
	: >"$tmp/empty"
	# shellcheck disable=SC2016 # for the shell inside
	timeout -s KILL 30 env EMPTY="$tmp/empty" OWN="$(id -u)" GROUP="$(id -g)" unshare -Urm sh -c '
		while [ "$1" != -- ]; do
			mount -n --bind "$EMPTY" "$1" || exit 77
			shift
		done
		exec unshare -U --map-user="$OWN" --map-group="$GROUP" sh -c "$2"' sh "$@" 2>&1 </dev/null
	echo "status $?"
}

# helpless ARG...: the same of sbx with these, run by somebody who has subordinate ids and no
# newuidmap to map them, or $newuidmap in its place
helpless() {
	: >"$tmp/empty"
	echo 5:10:100 >"$tmp/subids"
	[ -e "$tmp/sbx" ] || cp "$SBX" "$tmp/sbx"
	chmod 711 "$tmp"
	chmod 755 "$tmp/sbx"
	# shellcheck disable=SC2016
	timeout -s KILL 30 env PLACE="$tmp" HELPER="${newuidmap:-$tmp/empty}" unshare --map-root-user --map-auto -m sh -c '
		mount -n --bind "$PLACE/subids" /etc/subuid && mount -n --bind "$PLACE/subids" /etc/subgid &&
			mount -n --bind "$HELPER" /usr/bin/newuidmap || exit 77
		cd / && exec setpriv --reuid 5 --regid 5 --clear-groups -- "$PLACE/sbx" "$@"' sh "$@" 2>&1 </dev/null
	echo "status $?"
}
