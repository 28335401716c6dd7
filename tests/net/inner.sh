#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The inner half of sbx-net alone: what a program inside sees of each answer, DNS, its own
# servers, clients that keep their address; with a tap, without the relay, without a tap.
set -eu

# An emulated machine is slower.
limit=${SBX_TEST_EMULATED:+280}
: "${limit:=120}"
if ! unshare -Urn true 2>/dev/null; then
	echo '1..0 # SKIP no user namespaces'
	exit 0
fi
timeout "$limit" "$INNER_PROBE" </dev/null | awk '
	{ print }
	/^(not )?ok/ { count++ }
	/^# done/ { done = 1 }
	END {
		if (!done)
			print "Bail out! the probe died"
		print "1.." count + 0
	}'
