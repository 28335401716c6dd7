# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of archives and images share, on top of the sandbox tests' own. Everything
# that sbx may look at or keep lies below $tmp: $XDG_CACHE_HOME, $XDG_CONFIG_HOME, $HOME.

image_here=$(cd "$(dirname "$0")/../image" && pwd -P)

# Those that make and remove thousands of files say IN_MEMORY=1 first: they are ten times as
# fast there, if files of memory can be executed and have attributes.
if [ -n "${IN_MEMORY-}" ] && python3 - /dev/shm 2>/dev/null <<-'END'; then
	import os, subprocess, sys, tempfile
	with tempfile.TemporaryDirectory(dir=sys.argv[1]) as place:
	    os.setxattr(place, "user.test", b"x")
	    subprocess.run(["cp", "/bin/true", place + "/true"], check=True)
	    subprocess.run([place + "/true"], check=True)
	    space = os.statvfs(place)
	    sys.exit(space.f_bavail * space.f_frsize < 1 << 30)
END
	export TMPDIR=/dev/shm
fi

# shellcheck source=tests/sandbox/lib.sh
. "$image_here/../sandbox/lib.sh"

# Trees of subordinate ids can be deleted by their owner alone.
trap 'leave' EXIT
leave() {
	status=$?
	"$SBX" unshare rm -rf "$tmp" 2>/dev/null
	(exit "$status")
	finish
}

command -v python3 >/dev/null || skip_all 'python3 is not installed'
busybox=$(command -v busybox) || skip_all 'busybox is not installed'
case $(file -L "$busybox" 2>/dev/null) in
*dynamic*) skip_all 'busybox is not static' ;;
esac

own_place
mkdir "$tmp/home" "$tmp/cache" "$tmp/config" "$tmp/tmp"
export HOME="$tmp/home" XDG_CACHE_HOME="$tmp/cache" XDG_CONFIG_HOME="$tmp/config" TMPDIR="$tmp/tmp"
images=$tmp/images

# make_images all|NAME...: these are in $images; make_images.py says what there is
make_images() {
	python3 "$image_here/make_images.py" "$images" "$busybox" "$@" || exit 1
}

# sbx ARG...: it ends within a minute; what it says comes on stdout
sbx() {
	timeout -s KILL 60 "$SBX" "$@" 2>&1
}

# run ARG...: sbx run, without anybody's configuration and without stdin
run() {
	sbx run --no-config "$@" </dev/null
}

# unpack FILE DIR [ARG...]
unpack() {
	file=$1 dir=$2
	shift 2
	sbx image unpack "$@" "$file" "$dir" </dev/null
}

# The shell of a script that has a look at a tree of subordinate ids.
within_ids() { # COMMAND...
	"$SBX" unshare "$@"
}

# list DIR: a line for each file in it: path, type, mode, uid, gid, size of a file, target of a
# link, as seen with the ids of a sandbox; sorted
list() {
	# shellcheck disable=SC2016 # for the shell inside
	within_ids sh -c 'cd "$1" && find . -mindepth 1 \( -type f -printf "%P %y %m %U %G %s\n" \) -o \
		-printf "%P %y %m %U %G %l\n" | LC_ALL=C sort' sh "$1"
}

# snapshot DIR...: everything about all files in there but when they were read, and what is in them
snapshot() {
	find "$@" -printf '%p %y %m %U %G %n %s %i %T@ %C@ %l\n' | LC_ALL=C sort
	find "$@" -type f -exec sha256sum {} + | LC_ALL=C sort -k 2
}

# newer STAMP: what was made or changed since, of ours, anywhere below $tmp but in $tmp/run
newer() {
	within_ids find "$tmp" -path "$tmp/run" -prune -o -newer "$1" -print
}
