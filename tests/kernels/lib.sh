# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What those who boot guests share.

# An emulated machine is busy all the time: no more of them run than there are processors, or
# what waits for an answer inside waits in vain. Held until the calling shell and what it has
# started end.
take_processor() {
	local try number slot
	for ((try = 0; try < 1800; try++)); do
		for ((number = 1; number <= $(nproc); number++)); do
			exec {slot}>"$cache/processor.$number"
			flock -n "$slot" && return
			exec {slot}>&-
		done
		sleep 1
	done
}
