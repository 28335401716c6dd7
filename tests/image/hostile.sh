#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever an archive or image is and claims, nothing but its own place is written, read or
# linked to, and the run ends in time with one printable line. PART: tar, bytes or images;
# hostile.py has the cases and the judge. SBX_TEST_FULL=1: each case in each way.
# shellcheck disable=SC2034 # lib.sh looks at it
IN_MEMORY=1
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

if grep -qa __asan_init "$SBX"; then
	export SBX_TEST_UNMEASURED=1
fi
mkdir "$tmp/house"
BUSYBOX=$busybox python3 "$image_here/hostile.py" run "${PART:?tar, bytes or images}" "$tmp/house" ${ONLY:+"$ONLY"}
status=$?
# What was printed is the TAP of the cases; the harness of the shell has none of its own.
exit "$status"
