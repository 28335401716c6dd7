#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/ci-job.sh: as the caller, as root of a container, and where a container takes away
# what it needs: it works, or ends in the one line with the remedy.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

job=$examples/ci-job.sh
refuse=$(cd "$(dirname "$0")/../sandbox" && pwd)/refuse.py
export job
mkdir "$tmp/checkout"
cd "$tmp/checkout" || exit 1
echo data >input

# in_container SCRIPT: as root of a user namespace, with its own processes and /proc, of
# which parts are covered as container engines do it
in_container() {
	unshare -Urmpf --mount-proc sh -c 'mount -t tmpfs none /proc/fs && '"$1"
}

# refused DESCRIPTION PATTERN COMMAND...: 125, one line of error that matches, and a hint
refused() {
	description=$1
	pattern=$2
	shift 2
	output=$("$@" 2>&1)
	status=$?
	[ "$status" = 125 ] && [ "$(printf '%s\n' "$output" | grep -c '^sbx: ')" = 2 ] &&
		printf '%s\n' "$output" | grep -q "^sbx: cannot $pattern" &&
		printf '%s\n' "$output" | grep -q '^sbx: hint: '
	result $? "$description" || say "status $status: $output"
}

plan 16

# ---- what it promises ------------------------------------------------------------------------

output=$(CI=true "$job" sh -c 'cat input; echo "$CI$HOME" >/dev/null; echo made >out/result; echo "CI is $CI"' 2>&1)
is "a job that works ends with 0" "$?" 0
has "it reads the checkout" "$output" data
has "it has the variables of CI" "$output" "CI is true"
has "its end is told" "$output" "ci-job: the command ended with 0"
like "its time and memory are told" "$output" '*"wall_ms":*"max_rss_kib":*'
is "its results stay" "$(cat out/result)" made
fails "the checkout cannot be changed" 2 "$job" sh -c 'echo spoiled >input'
is "it is as it was" "$(cat input)" data
fails "a failing command's status is the job's" 42 "$job" sh -c 'exit 42'
output=$(CI_TIMEOUT=1s "$job" sleep 30 2>&1)
has "one that takes too long is told from others" "$output" "ci-job: out of time"

# ---- elsewhere ---------------------------------------------------------------------------------

# The caller's groups cannot be dropped by who is root of one id.
CI_SBX='--groups keep'
export CI_SBX
ok "root of a container can run it" unshare -Ur "$job" true
ok "without newuidmap, newgidmap and /dev/net it runs" unshare -Urm sh -c '
	for path in /usr/bin/newuidmap /usr/bin/newgidmap; do
		[ ! -e "$path" ] || mount --bind /dev/null "$path" || exit
	done
	[ ! -e /dev/net ] || mount -t tmpfs none /dev/net || exit
	exec "$job" true'
refused "a covered /proc is named, with the way out" 'mount a new proc.*/proc/fs' \
	in_container '"$job" true'
ok "the way out works" in_container 'CI_SBX="$CI_SBX --proc host" "$job" true'
refused "a filter around it is named" 'make a user namespace: a seccomp filter' \
	"$refuse" userns=EPERM -- "$job" true

is "nothing is left" "$(ls -A "$TMPDIR")" ""
