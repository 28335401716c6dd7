# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of `--runtime runsc` share, on top of the sandbox tests' own. With the real
# runsc (needs_runsc): the one in PATH, or SBX_TEST_RUNSC; a machine without it skips the file.
# With the stand-in (stand_in): a program that fails as it is told, in its place.

gvisor_here=$(cd "$(dirname "$0")/../gvisor" && pwd -P)

# shellcheck source=tests/sandbox/lib.sh
. "$gvisor_here/../sandbox/lib.sh"

own_place
export HOME="$tmp/home" XDG_STATE_HOME="$tmp/state" XDG_CACHE_HOME="$tmp/cache"
unset XDG_CONFIG_HOME
mkdir -p "$HOME"
chmod 755 "$tmp"

# needs_runsc: $runsc is the real one, or the whole file is skipped
needs_runsc() {
	runsc=${SBX_TEST_RUNSC:-$(command -v runsc)}
	[ -n "$runsc" ] || skip_all 'runsc is not installed'
	[ -x "$runsc" ] || skip_all "$runsc cannot be executed"
}

# has_platform NAME: the real runsc was built with it
has_platform() {
	"$runsc" help platforms 2>&1 </dev/null | grep -qx "[[:space:]]*$1"
}

# needs_range: a range of subordinate ids, which gVisor wants for itself, or a skip
needs_range() {
	timeout -s KILL 10 unshare --map-auto --map-root-user true 2>/dev/null </dev/null ||
		skip_all 'no range of subordinate ids is mapped here'
}

# small_root: $root is a root of busybox alone, or the whole file is skipped
small_root() {
	root=$tmp/root
	busybox=$(command -v busybox) || skip_all 'busybox is not installed'
	case $(file -L "$busybox" 2>/dev/null) in
	*dynamic*) skip_all 'busybox is not static' ;;
	esac
	mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/sys" "$root/etc" "$root/tmp" "$root/root"
	cp "$busybox" "$root/bin/busybox"
	for applet in $("$busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
}

# gvisor ARG...: `sbx run` with them in $runsc, for at most $limit seconds (30)
gvisor() {
	timeout -s KILL "${limit:-30}" "$SBX" run --runtime runsc --runsc "$runsc" "$@" </dev/null
}

# stand_in FILE: a program there that plays runsc by the lines on stdin (stand_in.c)
stand_in() {
	{
		cat "${STAND_IN:?the path of the stand-in}"
		echo '#play'
		cat
		echo '#end'
	} >"$1"
	chmod 755 "$1"
}
