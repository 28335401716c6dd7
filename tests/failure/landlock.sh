#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --isolation landlock on kernels with an older ABI of Landlock, which a build with failpoints
# can be told to see: what such a kernel cannot keep is refused by name, or, where the user
# takes what there is, said at the start; and what it can keep holds.
# shellcheck disable=SC2086 # lists of words
[ -n "${TMPDIR:-}" ] || [ ! -w /var/tmp ] || export TMPDIR=/var/tmp
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

attack=${ATTACK:?the path of the attack program}
own_place
unset TMPDIR

lonely() {
	timeout -s KILL 30 "$SBX" run --no-config --isolation landlock "$@" </dev/null 2>&1
}
lonely -- true >/dev/null || skip_all 'this kernel cannot isolate by Landlock'

mkdir "$tmp/home"
export HOME="$tmp/home" CANARY_FILE="$tmp/home/canary" CANARY_DATAGRAM="$tmp/home/datagrams"
cp "$attack" attack
canary CANARY_READY datagrams "$CANARY_DATAGRAM"
canary CANARY_PORT port
sleep 120 &
waiting="$waiting $!"
export CANARY_PID=$!

# attempts ABI NAME...: what the attempts say
attempts() {
	SBX_TEST_LANDLOCK_ABI=$1
	export SBX_TEST_LANDLOCK_ABI
	shift
	echo 'a canary' >"$CANARY_FILE"
	lonely --landlock auto -e CANARY_FILE -e CANARY_DATAGRAM -e CANARY_PORT -e CANARY_PID -- \
		./attack try "$@"
	unset SBX_TEST_LANDLOCK_ABI
}

# held ABI NAME...
held() {
	abi=$1
	shift
	said=$(attempts "$abi" "$@")
	for name; do
		like "ABI $abi: $name" "$said" "*held $name*"
	done
}

# open ABI NAME: it gets through, and the start has said so
open() {
	like "ABI $1: $2 is open" "$(attempts "$1" "$2")" "*REACHED $2: *"
	like "ABI $1: that is said" "$(attempts "$1" "$2")" "*sbx: note: not by this kernel (Landlock ABI $1): $3*"
}

always='read-home carry-home write-outside remove-outside use-devices read-process sockets pairs loopback namespaces mounts'
count() {
	echo $#
}
plan $((5 * $(count $always) + 30))

for abi in 1 2 3 4 5; do
	held $abi $always
done
for abi in 3 4 5; do
	held $abi empty-outside
done
held 6 empty-outside signals above
open 1 empty-outside 'every file that you may write can be emptied'
open 2 empty-outside 'every file that you may write can be emptied'
open 5 signals 'every process of yours can be sent signals'

# What is closed without it being asked for needs the ABI that closes it.
for abi in 1 2 3 4 5; do
	export SBX_TEST_LANDLOCK_ABI=$abi
	said=$(lonely -- true)
	is "ABI $abi is not enough" $? 125
	like "ABI $abi: what it lacks is named" "$said" \
		"sbx: cannot restrict *: this kernel has Landlock ABI $abi, and it needs * (Linux *)*hint: --landlock auto*"
done
export SBX_TEST_LANDLOCK_ABI=6
fails 'ABI 6 is' 0 lonely -- true
export SBX_TEST_LANDLOCK_ABI=0
like 'without Landlock there is no such isolation' "$(lonely --landlock auto -- true)" \
	'sbx: cannot use Landlock: this kernel has none*hint: *'

export SBX_TEST_LANDLOCK_ABI=2
is 'from ABI 2 on files can be moved between directories' \
	"$(lonely --landlock auto --rw . -- sh -c 'mkdir a b; echo x >a/f; mv a/f b/f; ls b; rm -r a b' | grep -v '^sbx: note')" f
export SBX_TEST_LANDLOCK_ABI=1
like 'before they are copied' \
	"$(lonely --landlock auto --rw . -- sh -c 'mkdir a b; echo x >a/f; ln a/f b/f || ls b; rm -r a b')" '*cross-device*'

# The normal mode takes what there is, and says nothing.
for abi in 0 3; do
	export SBX_TEST_LANDLOCK_ABI=$abi
	is "ABI $abi: namespaces do not need it" \
		"$("$SBX" run --no-config --landlock auto -- echo inside 2>&1)" inside
done
like 'unless it is asked for' "$("$SBX" run --no-config --landlock require -- echo inside 2>&1)" \
	'sbx: cannot restrict signals and abstract sockets: this kernel has Landlock ABI 3, and it needs 6 (Linux 6.12)*'
export SBX_TEST_LANDLOCK_ABI=7
like 'by its number too' "$("$SBX" run --no-config --landlock 'require(9)' -- echo inside 2>&1)" \
	'sbx: cannot use Landlock: this kernel has ABI *, and at least 9 is asked for*'
