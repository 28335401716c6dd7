#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every rule of every built-in policy is tried from inside, in each ABI that this machine can
# enter: what is refused is answered as the text says, by the errno or by death, whatever junk
# stands in the high bits of an argument; and no number without a name is served.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
attack_calls=${ATTACK_CALLS:-$here/attack_calls}
policy_points=${POLICY_POINTS:-$here/policy_points}
policies='default strict dev nested docker none'
own_place
cp "$attack_calls" attack_calls

# inside OPTION... : the points of standard input, made in a sandbox
inside() {
	timeout -s KILL 120 "$SBX" run --no-config "$@" -- ./attack_calls 2>&1
}

# Not every kernel has the calls of 32 bits, and where it has none int 0x80 is a fault.
has_i386=no
if [ "$(uname -m)" = x86_64 ]; then
	printf 'i386 6 %s allow close\n' 'ffffffff 0 0 0 0 0' >probe
	./attack_calls plain <probe | grep -q 'close.* e9,' && has_i386=yes
fi

for policy in $policies; do
	"$policy_points" "$policy" >"$policy.points" || exit 1
	[ $has_i386 = yes ] || sed -i '/^i386 /d' "$policy.points"
done

tests=8
[ "$(uname -m)" != x86_64 ] || tests=$((tests + 7))
[ $has_i386 = no ] || tests=$((tests + 2))
plan $tests

for policy in $policies; do
	output=$(inside --policy "$policy" <"$policy.points")
	like "$policy: every call is answered as its text says" \
		"$output" '[1-9]* calls, * refused, 0 not as wanted'
done

# Who looks at the denials has no say in them.
output=$(inside --policy default --explain on --denials denials.jsonl <default.points | grep ' calls, ')
like 'default: and so it is where denials are explained' \
	"$output" '[1-9]* calls, * refused, 0 not as wanted'

# ---- the test itself -----------------------------------------------------------------------

# A filter that does nothing is noticed: these are refused by nobody else.
output=$(inside --policy none <default.points | sed -n '$s/.* \([0-9]*\) not as wanted$/\1/p')
ok 'without a filter hundreds of calls are answered otherwise' test "${output:-0}" -gt 500

# answers POLICY LINE: the answers to some calls, made by hand
answers() {
	printf '%s\n' "$2" >line
	inside --policy "$1" <line | tail -n 1
}

all='1 calls, 1 refused, 0 not as wanted'
if [ "$(uname -m)" = x86_64 ]; then
	is 'TIOCSTI is refused with junk in the high bits' \
		"$(answers default 'x86_64 10 0 dead00005412 0 0 0 0 e1 ioctl')" "$all"
	is 'AF_ALG is refused with junk in the high bits' \
		"$(answers default 'x86_64 29 dead00000026 5 0 0 0 0 e61 socket')" \
		'1 calls, 1 refused, 1 not as wanted'
	is 'and by the errno of a family that does not exist' \
		"$(answers default 'x86_64 29 dead00000026 5 0 0 0 0 e97 socket')" "$all"
	is 'clone3 is not there' "$(answers default 'x86_64 1b3 0 0 0 0 0 0 e38 clone3')" "$all"
	is 'a user namespace is refused' \
		"$(answers default 'x86_64 38 10000011 0 0 0 0 0 e1 clone')" "$all"
	is 'a call of x32 kills' "$(answers default 'x86_64 40000027 0 0 0 0 0 0 kill getpid')" "$all"
	is 'the gap of x32 is not there for others' \
		"$(answers default 'x86_64 201 0 0 0 0 0 0 e38 ioctl')" "$all"
fi
if [ $has_i386 = yes ]; then
	is 'a call of i386 kills' "$(answers default 'i386 14 0 0 0 0 0 0 kill getpid')" "$all"
	is 'under docker it is served, but makes no socket by socketcall' \
		"$(answers docker 'i386 66 1 0 0 0 0 0 e38 socketcall')" "$all"
fi
