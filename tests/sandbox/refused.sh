#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where the kernel refuses: callers of sbx-bwrap look for bubblewrap's words, and a command never
# starts with more than it was meant to have. strace plays the kernel that refuses.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
strace -o /dev/null true 2>/dev/null || skip_all 'strace is not installed, or may not trace'
# A sanitizer that looks for leaks cannot do it under a tracer.
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"

# refuses DESCRIPTION TEXT CALLS WORDS...: what is said, the status is 1
refuses() {
	description=$1
	text=$2
	calls=$3
	shift 3
	# shellcheck disable=SC2086 # words
	output=$(timeout -s KILL 30 strace -f -qq -o /dev/null $calls "$SBX_BWRAP" "$@" 2>&1 </dev/null)
	is "$description" "$output, status $?" "bwrap: $text, status 1"
}

plan 17

refuses 'user namespaces are forbidden' \
	"No permissions to create a new namespace, likely because the kernel does not allow non-privileged user namespaces. On e.g. debian this can be enabled with 'sysctl kernel.unprivileged_userns_clone=1'." \
	'-e inject=clone3,clone:error=EPERM' --bind / / true
refuses 'there are none' \
	'Creating new namespace failed, likely because the kernel does not support user namespaces.  bwrap must be installed setuid on such systems.' \
	'-e inject=clone3,clone:error=EINVAL' --bind / / true
refuses 'there are too many' \
	'Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)' \
	'-e inject=clone3,clone:error=ENOSPC' --bind / / true
refuses 'no process can be made' 'Creating new namespace failed: Resource temporarily unavailable' \
	'-e inject=clone3,clone:error=EAGAIN' --bind / / true
# The three files are written in this order, each by one call of the child.
refuses 'the map of users is refused' 'setting up uid map: Permission denied' \
	'-e inject=write:error=EACCES:when=2' --bind / / true
refuses 'the map of groups is' 'setting up gid map: Permission denied' \
	'-e inject=write:error=EACCES:when=3' --bind / / true
refuses 'the loopback is refused' 'loopback: Failed RTM_NEWADDR: Operation not permitted' \
	'-e inject=ioctl:error=EPERM' --bind / / --unshare-net true
refuses 'the host name is' "Can't set hostname to x: Operation not permitted" \
	'-e inject=sethostname:error=EPERM' --bind / / --unshare-uts --hostname x true
refuses 'the mount table is full' \
	'Limit exceeded (ENOSPC). (Hint: Check that /proc/sys/fs/mount-max is sufficient, typically 100000)' \
	'-e inject=move_mount:error=ENOSPC:when=3+' --ro-bind /usr /usr --tmpfs /a true
refuses 'there is no tmpfs' "Can't make the scratch space: open a tmpfs: Operation not permitted" \
	'-e inject=fsopen:error=EPERM' --ro-bind /usr /usr --dev /dev true
refuses 'nor a proc' "Can't mount proc on /proc: Operation not permitted" \
	'-e inject=fsconfig:error=EPERM:when=3+' --ro-bind /usr /usr --unshare-pid --proc /proc true
refuses 'no session can be made' 'setsid: Operation not permitted' \
	'-e inject=setsid:error=EPERM' --bind / / --new-session true
printf '\377\377\377\377\377\377\377\377' >"$tmp/filter"
refuses 'the filter is no program' \
	'Unable to set up system call filtering as requested: prctl(PR_SET_SECCOMP) reported EINVAL. (Hint: this requires a kernel configured with CONFIG_SECCOMP and CONFIG_SECCOMP_FILTER.)' \
	'-e trace=none' --bind / / --seccomp 9 true 9<"$tmp/filter"

# ---- whatever refuses, no power is left -----------------------------------------------------

# powerless DESCRIPTION WORDS...: which call it is that drops a capability does not matter, each
# is refused in its turn; grep tells what the command has
powerless() {
	description=$1
	shift
	stopped=0
	kept=
	number=1
	while [ "$number" -le 70 ]; do
		output=$(timeout -s KILL 30 strace -f -qq -o /dev/null \
			-e "inject=prctl:error=ENOSYS:when=$number" "$@" \
			grep -E 'Cap(Eff|Prm|Bnd)' /proc/self/status 2>/dev/null </dev/null) &&
			echo "$output" | grep -qvE '^Cap[A-Za-z]+:[[:space:]]+0+$' && kept="$kept $number"
		[ -n "$output" ] || stopped=$((stopped + 1))
		number=$((number + 1))
	done
	[ "$stopped" -gt 0 ]
	result $? "a call that is refused stops $description"
	is 'and where the command runs, it has no capability in any set' "$kept" ''
}
powerless sbx-bwrap "$SBX_BWRAP" --bind / /
powerless 'sbx run' "$SBX" run --no-config --cwd off --
