#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an older kernel lacks, or a filter around sbx refuses, has another way that is as
# tight, or ends in one line that names it.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip_all 'no python3'
here=$(cd "$(dirname "$0")" && pwd -P)
"$here/refuse.py" keyctl=EPERM -- true 2>/dev/null || skip_all 'no filter can be loaded'
own_place

# without "CALL=ERRNO..." COMMAND...: under a filter that refuses these calls
without() {
	calls=$1
	shift
	# shellcheck disable=SC2086
	timeout -s KILL 30 "$here/refuse.py" $calls -- "$@" </dev/null 2>&1
}

plan 46

# Where fuse-overlayfs serves, it is the one that needs statx.
"$SBX" doctor --json | grep -A 2 '"id": "overlay"' | grep -q '"ok"' || set -- --cwd ro

# ---- calls that have another way -------------------------------------------------------

other_ways='mount_setattr openat2 clone3 close_range keyctl pidfd_open pidfd_send_signal statx'
all=
for call in $other_ways; do
	for errno in ENOSYS EPERM; do
		is "without $call ($errno) it runs, and is silent" \
			"$(without "$call=$errno" "$SBX" run --no-config "$@" -- echo inside)" inside
	done
	all="$all $call=ENOSYS"
done
is 'without all of them it runs, and is silent' \
	"$(without "$all" "$SBX" run --no-config -- echo inside)" inside
is 'so it does where tmpfs keeps no attributes, and replaces a directory' \
	"$(mkdir dir && without getxattr=EOPNOTSUPP "$SBX" run --no-config -- sh -c 'rm -r dir; mkdir dir && echo inside')" inside
is 'so it does with binds, a tmpfs and a user' \
	"$(without "$all" "$SBX" run --no-config --cwd off --ro "$tmp/work:/run/a/b" --tmpfs /run/c \
		--mask /etc/hostname -- sh -c 'ls -d /run/a/b /run/c; wc -c </etc/hostname' | xargs)" \
	'/run/a/b /run/c 0'

for proc in none pids host; do
	is "so it does with --proc $proc" \
		"$(without "$all" "$SBX" run --no-config --proc "$proc" --tmpfs /mnt --mask /etc/hostname -- \
			echo inside)" inside
done

# ---- flags of mounts -------------------------------------------------------------------

# The mount on top of each place that can be reached, and its flags.
on_top='{ flags[$1] = $2 } END { for (place in flags) print place, flags[place] }'
show='while read -r _ _ _ _ place flags _; do
	[ ! -e "$(printf %b "$place")" ] || echo "$place $flags"
done </proc/self/mountinfo'

# same_flags DESCRIPTION SETUP OPTION...: with and without mount_setattr, after SETUP in a
# mount namespace of its own
same_flags() {
	description=$1
	setup=$2
	shift 2
	with=$(unshare -Urm sh -c "$setup"'; "$@"' sh "$SBX" run --no-config "$@" -- sh -c "$show" 2>&1 |
		awk "$on_top" | sort)
	bare=$(without mount_setattr=ENOSYS unshare -Urm sh -c "$setup"'; "$@"' sh \
		"$SBX" run --no-config "$@" -- sh -c "$show" | awk "$on_top" | sort)
	is "$description" "$bare" "$with"
}

# The host's own mounts may change in between: then another look tells.
for _ in 1 2 3; do
	with=$("$SBX" run --no-config -- sh -c "$show" </dev/null 2>&1 | awk "$on_top" | sort)
	bare=$(without mount_setattr=ENOSYS "$SBX" run --no-config -- sh -c "$show" |
		awk "$on_top" | sort)
	[ "$bare" != "$with" ] || break
done
is 'every mount of the host has the flags that mount_setattr gives' "$bare" "$with"
like 'the root is read-only among them' "$bare" '/ ro,nosuid,nodev*'
if unshare -Urm true 2>/dev/null; then
	mkdir "$tmp/place"
	stacked="mount -t tmpfs below $tmp/place; mkdir '$tmp/place/a b'
		mount -t tmpfs hidden '$tmp/place/a b'; mount -t tmpfs above '$tmp/place/a b'
		mkdir '$tmp/place/a b/c'; mount -t tmpfs -o noexec,nodiratime deep '$tmp/place/a b/c'"
	same_flags 'also those on top of others, below them, and with blanks' "$stacked" --cwd off \
		--ro "$tmp/place:/run/place"
	is 'a writable bind of them stays writable' \
		"$(without mount_setattr=ENOSYS unshare -Urm sh -c "$stacked"'; "$@"' sh "$SBX" run \
			--no-config --cwd off --rw "$tmp/place:/run/place" -- \
			sh -c 'echo x >"/run/place/a b/c/file" && cat "/run/place/a b/c/file"')" x
	like 'a read-only one is closed at every depth' \
		"$(without mount_setattr=ENOSYS unshare -Urm sh -c "$stacked"'; "$@"' sh "$SBX" run \
			--no-config --cwd off --ro "$tmp/place:/run/place" -- \
			sh -c 'for d in "/run/place" "/run/place/a b" "/run/place/a b/c"; do
				touch "$d/x" && echo "written: $d"; done; true')" '*Read-only*Read-only*Read-only*'
	like 'a name that no look-up can follow is refused' \
		"$(without mount_setattr=ENOSYS unshare -Urm sh -c "mount -t tmpfs t $tmp/place
			cd $tmp/place; long=\$(printf %0200d 1)
			for i in \$(seq 25); do mkdir \$long; cd -P \$long; done
			python3 -c 'import ctypes; ctypes.CDLL(None).mount(b\"t\", b\".\", b\"tmpfs\", 0, None)'
			cd $tmp/work; "'"$@"' sh "$SBX" run --no-config --cwd off -- true)" \
		'sbx: cannot *name too long*'
else
	for what in stacked writable closed long; do
		skip "mounts in a namespace of ours: $what" 'no user namespace for unshare'
	done
fi

# ---- protections -----------------------------------------------------------------------

echo caller >"$tmp/secret"
exec 9<"$tmp/secret"
for errno in ENOSYS EPERM; do
	is "without close_range ($errno) the caller's descriptors stay outside" \
		"$(without "close_range=$errno" "$SBX" run --no-config -- sh -c 'cat <&9' | grep -c caller)" 0
done
is 'one that is named comes along' \
	"$(without close_range=ENOSYS "$SBX" run --no-config --keep-fd 9 -- sh -c 'cat <&9')" caller
exec 9<&-
"$here/refuse.py" mount_setattr=ENOSYS -- timeout -s KILL 30 "$SBX" run --no-config -- \
	sh -c 'read -r line; echo changed >/proc/self/fd/0; echo "$line"' \
	<"$tmp/secret" >"$tmp/read" 2>/dev/null
is 'without mount_setattr a file as standard input is read' "$(cat "$tmp/read")" caller
is 'and cannot be written' "$(cat "$tmp/secret")" caller

# ---- running sandboxes -----------------------------------------------------------------

brief=2
[ -z "${SBX_TEST_EMULATED:-}" ] || brief=6
for call in pidfd_open pidfd_send_signal; do
	"$SBX" run --no-config -d --name held -- sleep 300
	fails "without $call sbx kill works" 0 without "$call=EPERM" "$SBX" kill held
	"$SBX" run --no-config -d --name brief -- sh -c "sleep $brief; exit 7"
	fails 'and sbx wait' 7 without "$call=EPERM" "$SBX" wait brief
done

# ---- a host name ------------------------------------------------------------------------

name='a host name that nobody asked for is left out where it is refused'
if command -v busybox >/dev/null; then
	mkdir -p "$tmp/root/bin"
	cp "$(command -v busybox)" "$tmp/root/bin/hostname"
	is "$name" "$(without sethostname=EPERM "$SBX" run --no-config --map single --groups keep -R "$tmp/root" -- hostname)" \
		"$(cat /proc/sys/kernel/hostname)"
	like 'one that was asked for is not' \
		"$(without sethostname=EPERM "$SBX" run --no-config --map single --groups keep -R "$tmp/root" \
			--hostname sbx -- hostname)" 'sbx: cannot set the host name sbx: Operation not permitted*'
	"$SBX" config --no-config --map single --groups keep -R "$tmp/root" -- hostname >"$tmp/config.json"
	is 'a config.json keeps them apart' \
		"$(without sethostname=EPERM "$SBX" run --no-config --config "$tmp/config.json")" \
		"$(cat /proc/sys/kernel/hostname)"
else
	for _ in 1 2 3; do
		skip "$name" 'busybox is not installed'
	done
fi

# ---- calls that have none --------------------------------------------------------------

for call in fsopen open_tree move_mount; do
	like "without $call one line names it" \
		"$(without "$call=EPERM" "$SBX" run --no-config -- true | head -n 1)" \
		"sbx: cannot call *$call*Operation not permitted*"
	fails "and the status is 125" 125 without "$call=ENOSYS" "$SBX" run --no-config -- true
done
