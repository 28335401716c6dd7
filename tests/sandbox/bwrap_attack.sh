#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Links that a hostile command left in a writable directory, or that the words themselves
# make, lie in the way of what sbx-bwrap sets up the next time: nothing is made, changed or
# opened outside of the new root, whatever the operation and the link. After that, what
# attack.sh tries with `sbx run`, and what becomes of mount points in the host's directories.
# shellcheck disable=SC2016,SC2086,SC2094 # scripts for the shell inside; lists of words; the file of a descriptor
[ -n "${TMPDIR:-}" ] || [ ! -w /var/tmp ] || export TMPDIR=/var/tmp
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
mkdir "$tmp/src" "$tmp/src/deep" "$tmp/lower" "$tmp/rw"
echo data >"$tmp/src/file"
cd "$tmp/src" || exit 1

build_outside() {
	rm -rf "$tmp/outside"
	mkdir -p "$tmp/outside/dir"
	echo victim >"$tmp/outside/file"
	chmod 640 "$tmp/outside/file"
	chmod 750 "$tmp/outside/dir"
}

# What the host has, with modes, sizes and contents, but for the directory with the links.
snapshot() {
	(cd "$tmp/outside" && find . -printf '%p %y %m %s %i %n %l\n' | sort && cat file)
	grep -F "$tmp" /proc/self/mountinfo
}

# operation NAME DEST: sets words; those of a descriptor read 9
operation() {
	case $1 in
	dir) set -- --dir "$2" ;;
	file) set -- --file 9 "$2" ;;
	bind-data) set -- --bind-data 9 "$2" ;;
	ro-bind-data) set -- --ro-bind-data 9 "$2" ;;
	symlink) set -- --symlink anything "$2" ;;
	tmpfs) set -- --tmpfs "$2" ;;
	proc) set -- --proc "$2" ;;
	dev) set -- --dev "$2" ;;
	mqueue) set -- --mqueue "$2" ;;
	bind) set -- --bind "$tmp/src" "$2" ;;
	ro-bind) set -- --ro-bind "$tmp/src" "$2" ;;
	bind-file) set -- --bind "$tmp/src/file" "$2" ;;
	bind-fd) set -- --bind-fd 8 "$2" ;;
	tmp-overlay) set -- --overlay-src "$tmp/lower" --tmp-overlay "$2" ;;
	ro-overlay) set -- --overlay-src "$tmp/lower" --overlay-src "$tmp/src" --ro-overlay "$2" ;;
	chmod) set -- --chmod 0777 "$2" ;;
	remount-ro) set -- --remount-ro "$2" ;;
	chdir) set -- --chdir "$2" ;;
	lock-file) set -- --lock-file "$2" ;;
	esac
	words="$*"
}
operations='dir file bind-data ro-bind-data symlink tmpfs proc dev mqueue bind ro-bind bind-file bind-fd
	tmp-overlay ro-overlay chmod remount-ro chdir lock-file'

# The last ones are reached through a descriptor that the sandbox inherits.
links="/oldroot$tmp/outside $tmp/outside ../../../../../../../..$tmp/outside
	/proc/self/root$tmp/outside /proc/1/root$tmp/outside /proc/self/cwd/../outside
	/proc/self/fd/7 /proc/thread-self/fd/7 /dev/fd/7 /newroot/../oldroot$tmp/outside"

try() {
	# shellcheck disable=SC2086
	timeout -s KILL 20 "$SBX_BWRAP" --unshare-all "$@" $words true 7<"$tmp/outside" \
		8<"$tmp/src" 9<"$tmp/src/file" >/dev/null 2>&1 </dev/null
	result=$?
	[ "$result" -lt 126 ] || echo "status $result: $words" >>"$tmp/wrong"
}

# attack NAME DEST-below-the-link: with a link made by the words, and with one that lies there
attack() {
	name=$1
	operation "$name" "/tmp/l$2"
	try --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin \
		--tmpfs /tmp --symlink "$link" /tmp/l
	try --ro-bind / / --tmpfs /tmp --symlink "$link" /tmp/l --dev /dev --proc /proc
	ln -sfn "$link" "$tmp/rw/l"
	operation "$name" "/w/l$2"
	try --ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin \
		--proc /proc --bind "$tmp/rw" /w
	find "$tmp/rw" -mindepth 1 ! -name l -delete 2>/dev/null
}

plan 36

set -- '' /new/deep /file
[ -z "${SBX_TEST_FULL:-}" ] || set -- '' /new /new/deep /file /dir
for name in $operations; do
	: >"$tmp/wrong"
	build_outside
	snapshot >"$tmp/before"
	for link in $links; do
		for below; do
			attack "$name" "$below"
		done
		snapshot >"$tmp/after"
		diff "$tmp/before" "$tmp/after" >>"$tmp/wrong" || echo "through $link" >>"$tmp/wrong"
		cp "$tmp/after" "$tmp/before"
	done
	[ ! -s "$tmp/wrong" ]
	result $? "no link leads outside: $name" || say "$(head -30 "$tmp/wrong")"
done

# ---- what else may lie there ------------------------------------------------------------------

base() {
	timeout -s KILL 20 "$SBX_BWRAP" --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
		--symlink usr/lib64 /lib64 "$@" 2>&1 </dev/null
}
mkfifo "$tmp/rw/fifo"
base --bind "$tmp/rw" /w --chmod 0600 /w/fifo true >/dev/null
is 'a fifo does not stop the start: chmod' "$(stat -c %a "$tmp/rw/fifo")" 600
base --bind "$tmp/rw" /w --file 9 /w/fifo true >/dev/null 9<"$tmp/src/file"
[ $? -lt 126 ]
result $? 'a fifo does not stop the start: file'
base --bind "$tmp/rw" /w --lock-file /w/fifo true >/dev/null
[ $? -lt 126 ]
result $? 'a fifo does not stop the start: lock-file'
rm "$tmp/rw/fifo"

# ---- mount points in directories of the host -----------------------------------------------------

# As with bubblewrap they stay: to remove one would take every mount on it away, whoever made it.
held="$tmp/held"
mkdir "$held"
on() {
	base --bind "$held" /a --ro-bind "$tmp/src" /a/b/c --ro-bind "$tmp/src/file" /a/f "$@"
}
on --unshare-pid true
[ -d "$held/b/c" ] && [ -f "$held/f" ]
result $? 'a mount point that is missing is made, and stays'
on sh -c 'sleep 1; echo evil 2>&- >/a/f; ls /a/b/c; cat /a/f' >"$tmp/first" &
on --unshare-pid true
on --unshare-pid --as-pid-1 true
wait $!
is 'the end of one sandbox takes no mount of another away' "$(tail -1 "$tmp/first")" data
[ ! -s "$held/f" ]
result $? 'so that nothing reaches the host'

# ---- the attempts of attack.sh ----------------------------------------------------------------------

attack=${ATTACK:-$(dirname "$0")/attack}
busybox=$(command -v busybox || true)
init='init-memory init-links init-arguments init-trace init-signals init-program'
others='make-devices find-devices kernel-settings sys undo-mounts'
# A process 1 that handles a signal, as sanitizers do, can be ended by it.
[ -z "${ASAN_OPTIONS:-}" ] ||
	export ASAN_OPTIONS="$ASAN_OPTIONS:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0"
if [ ! -x "$attack" ]; then
	for name in $init $others; do
		skip "attack: $name" 'there is no attack program'
	done
else
	# shellcheck disable=SC2086 # words
	timeout -s KILL 30 "$SBX_BWRAP" --dir /bin --ro-bind "$attack" /bin/attack ${busybox:+--ro-bind "$busybox" /bin/sh} \
		--dev /dev --proc /proc --unshare-all --setenv PATH /bin attack try $init $others >"$tmp/tried" 2>&1 </dev/null
	for name in $init $others; do
		grep -qx "held $name" "$tmp/tried"
		result $? "attack: $name" || say "$(grep "$name\|^bwrap" "$tmp/tried")"
	done
fi
