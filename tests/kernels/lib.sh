# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What those who boot guests share.

# An emulated machine is busy all the time: no more of them run than there are processors, or
# what waits for an answer inside waits in vain. Held until the calling shell and what it has
# started end. Who asks more often gets one sooner: what takes long should begin early.
take_processor() { # SECONDS
	local until=$((SECONDS + 1800)) number slot
	while [ "$SECONDS" -lt "$until" ]; do
		for ((number = 1; number <= $(nproc); number++)); do
			exec {slot}>"$cache/processor.$number"
			flock -n "$slot" && return
			exec {slot}>&-
		done
		sleep "$1"
	done
}
