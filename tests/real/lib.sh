# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests on real input share. Roots and stores hold files of subordinate ids, which
# their owner alone cannot delete.

# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

# shellcheck disable=SC2034 # the tests use it
here=$(cd "$(dirname "$0")" && pwd -P)
XDG_CONFIG_HOME=$tmp/no-configuration
export XDG_CONFIG_HOME
trap 'leave' EXIT

# What a test started and has to stop, however it ends: tests put their own in its place.
stop() {
	:
}

leave() {
	status=$?
	stop
	"$SBX" unshare rm -rf "$tmp" 2>/dev/null
	(exit "$status")
	finish
}

# need PROGRAM...: the whole file is skipped where one is missing
need() {
	for program; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
}

is_static() { # PROGRAM
	! ldd "$1" 2>/dev/null | grep -q '=>'
}

# Nobody who tests sbx as what it is made for is root.
need_ordinary_user() {
	[ "$(id -u)" != 0 ] || skip_all "runs as an ordinary user"
	"$SBX" unshare --map subuid true 2>/dev/null || skip_all "no subordinate ids"
}

# has DESCRIPTION TEXT PATTERN: one line matches
has() {
	printf '%s\n' "$2" | grep -qE -e "$3"
	result $? "$1" || say "no line '$3' in: $2"
}

# ---- a run where others have taken away what it needs ---------------------------------------------
#
# These look at $output and $status of a run whose command says "inside".

lines() { # PATTERN
	printf '%s\n' "$output" | grep -cE -e "$1"
}

worked() {
	[ "$status" = 0 ] && [ "$(lines '^inside')" = 1 ] && [ "$(lines '^(sbx|left):')" = 0 ]
}

# One line that says more than what the kernel said, and one with what helps.
told() {
	[ "$status" = 125 ] && [ "$(lines '^sbx: cannot ')" = 1 ] && [ "$(lines '^sbx: hint: ')" = 1 ] &&
		[ "$(lines '^sbx:')" = 2 ] && [ "$(lines '^left:')" = 0 ] &&
		[ "$(lines ': (Operation not permitted|Permission denied|Function not implemented)$')" = 0 ]
}

# works_or_tells DESCRIPTION
works_or_tells() {
	worked || told
	result $? "$1" || say "status $status: $output"
}

works() { # DESCRIPTION
	worked
	result $? "$1" || say "status $status: $output"
}

# within SECONDS COMMAND...: asks again until it holds
within() {
	tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# ---- programs that the machine is not to have --------------------------------------------------

# unpack PACKAGE...: makes $root, a Debian root with these packages
unpack() {
	need mmdebstrap zstd dpkg-deb dpkg-scanpackages
	need_ordinary_user
	if ! archive=$("$here/debian-tar" 2>"$tmp/log") ||
		! packages=$("$here/debian-packages" "$@" 2>"$tmp/log"); then
		say "$(tail -n 5 "$tmp/log")"
		skip_all "no Debian packages can be had"
	fi
	root=$tmp/root
	"$here/debian-root" "$root" "$archive" "$packages" || exit 1
}

# job SCRIPT: as an ordinary user of that root, without any capability
job() {
	"$SBX" run --root "$root" --map single -u 1000 -w /tmp -e HOME=/tmp \
		-- bash -c "$1" 2>&1
}
