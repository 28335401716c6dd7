# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of the examples share: sbx is found in PATH, as by those who copy an example.

# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

# shellcheck disable=SC2034 # the tests use it
examples=$(cd "$(dirname "$0")/../../examples" && pwd)
mkdir "$tmp/bin" "$tmp/configuration" "$tmp/reports"
ln -s "$SBX" "$tmp/bin/sbx"
PATH=$tmp/bin:$PATH
# No configuration of whoever runs the tests, and no report left behind unseen.
XDG_CONFIG_HOME=$tmp/configuration
XDG_CACHE_HOME=$tmp/cache
TMPDIR=$tmp/reports
export PATH XDG_CONFIG_HOME XDG_CACHE_HOME TMPDIR

# has DESCRIPTION TEXT LINE: one of the lines is this one
has() {
	printf '%s\n' "$2" | grep -qxF -e "$3"
	result $? "$1" || say "no line '$3' in: $2"
}
