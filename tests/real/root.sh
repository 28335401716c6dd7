#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx started by root of the machine, who has more to lose: what the kernel refuses to others
# for want of rights is refused here by the sandbox alone. Nothing is tried that would do harm
# if it worked: files are opened for writing, and nothing is written.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ "$(tr -s ' ' </proc/self/uid_map)" = " 0 0 4294967295" ] || skip_all "root of a container"
need busybox setpriv

chmod 755 "$tmp"
mkdir -p "$tmp/here" "$tmp/root/bin" "$tmp/root/etc" "$tmp/data"
cp "$(command -v busybox)" "$tmp/root/bin/"
echo secret >"$tmp/root/etc/secret"
chmod 600 "$tmp/root/etc/secret"
echo data >"$tmp/data/file"
cd "$tmp/here" || exit 1

# What the command can open for writing: files, directories, sockets and devices. Its own
# processes are its own.
writable='find / \( -path "/proc/[0-9]*" -o -path /proc/self -o -path /proc/thread-self -o -path /tmp \
	-o -path /dev/pts -o -path /dev/shm \) -prune -o \
	\( -type f -o -type d -o -type s -o -type p -o -type b -o -type c \) -writable -print 2>/dev/null'

# Its own places on a tmpfs, and what the kernel lets nobody use for harm.
own='^(/dev/(full|null|random|tty|urandom|zero)|/root|/run|/proc/(mtrr|pressure/[a-z]+))$'

# nothing_but_own DESCRIPTION OPTION...
nothing_but_own() {
	description=$1
	shift
	"$SBX" run --cwd off "$@" -- sh -c "$writable" >"$tmp/found" 2>&1
	is "$description" "$(grep -vE "$own" "$tmp/found") $(grep -c '^/dev/null$' "$tmp/found")" " 1"
}

# status_of FIELD OPTION...: a line of /proc/self/status inside
status_of() {
	field=$1
	shift
	"$SBX" run "$@" -- sed -n "s/^$field:[[:space:]]*//p" /proc/self/status
}

in_root() {
	"$SBX" run --root "$tmp/root" "$@"
}

plan 36

# ---- who it is -----------------------------------------------------------------------------------

is "the command is root of one id" "$("$SBX" run -- cat /proc/self/uid_map | tr -s ' ')" " 0 0 1"
is "in a user namespace that is not the machine's" \
	"$("$SBX" run -- readlink /proc/self/ns/user | grep -cF "$(readlink /proc/self/ns/user)")" 0
is "it has no capability" "$(status_of 'Cap...' | sort -u)" 0000000000000000
is "and will get none" "$(status_of NoNewPrivs)" 1
is "the groups of root are dropped" \
	"$(setpriv --groups 4,6,42 "$SBX" run -- sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status)" ""
is "unless they are to be kept" \
	"$(setpriv --groups 4,6,42 "$SBX" run --groups keep -- id -G | wc -w)" 2
is "another id can be had" "$("$SBX" run --user 65534:65534 -- id -u)" 65534

# ---- the root of the host --------------------------------------------------------------------------

nothing_but_own "nothing of the host can be opened for writing"
nothing_but_own "nor with all capabilities" --cap-add ALL --cap-drop DAC_OVERRIDE
nothing_but_own "nor with the outer /proc" --proc host
for file in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe \
	/proc/sys/vm/panic_on_oom /proc/kcore /proc/kmsg; do
	for proc in new host; do
		fails "$file cannot be opened for writing, --proc $proc" 1 \
			"$SBX" run --proc "$proc" --cap-add ALL -- bash -c ': 2>/dev/null 3<>"$0"' "$file"
	done
done
"$SBX" run --cwd off --rw "$tmp/data:/mnt" -- sh -c "$writable" >"$tmp/found" 2>&1
has "what is bound for it can" "$(cat "$tmp/found")" '^/mnt/file$'
is "its home is hidden" "$("$SBX" run -- ls -A /root)" ""
is "passwords and private keys are covered" "$("$SBX" run -- find /etc /var/backups -type f -size +0 \
	\( -name '*shadow*' -o -name 'ssh_host_*_key' -o -path '/etc/ssl/private/*' -o -path '/var/*' \) 2>/dev/null)" ""
is "so is the file that everybody knows" "$("$SBX" run -- wc -c /etc/shadow)" "0 /etc/shadow"
is "unless it is shown by name" "$("$SBX" run --ro /etc/shadow -- cat /etc/shadow | wc -l)" "$(wc -l </etc/shadow)"
like "no process of the host is seen" "$("$SBX" run -- sh -c 'echo /proc/[0-9]*')" '/proc/1 /proc/[0-9]'
fails "no device can be made" 1 "$SBX" run --root-emu off --cap-add ALL -- mknod /tmp/disk b 8 0
fails "nothing can be mounted" 32 "$SBX" run -- mount -t tmpfs none /mnt
"$SBX" run -- sh -c 'echo made >made'
is "what it writes here is thrown away" "$(ls -A "$tmp/here")" ""
"$SBX" run --rw . -- sh -c 'echo made >made'
is "or kept, where it is told to" "$(cat "$tmp/here/made")" made

# ---- a root of its own -------------------------------------------------------------------------------

is "in a root of its own it can read what root can" "$(in_root -- /bin/busybox cat /etc/secret)" secret
in_root -- /bin/busybox sh -c 'busybox rm -rf /etc; echo >/bin/made'
is "what it writes there is thrown away" "$(find "$tmp/root" -type f -printf '%P\n' | sort | tr '\n' ' ')" \
	"bin/busybox etc/secret "
fails "what is bound read-only cannot be written" 1 \
	in_root --ro "$tmp/data:/data" -- /bin/busybox sh -c 'echo >>/data/file'
ok "newuidmap is not needed for other ids" unshare -m sh -c '
	for path in /usr/bin/newuidmap /usr/bin/newgidmap; do
		[ ! -e "$path" ] || mount --bind /dev/null "$path" || exit
	done
	[ "$("$SBX" run --map 0:300000:1000 --root-mode ro --root "$0" -- /bin/busybox awk "{ print \$2 }" \
		/proc/self/uid_map)" = 300000 ]' "$tmp/root"
