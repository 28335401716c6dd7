#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is told to be different with gVisor is so, and what a policy denies is denied there.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root

plan 17

# in_root OPTION... -- COMMAND...: what it says, with what sbx says on stderr in $tmp/told
in_root() {
	gvisor --no-config --net none -R "$root" "$@" 2>"$tmp/told"
}

told() { # NAME TEXT
	is "$1" "$(grep -cF "$2" "$tmp/told")" 1
}

# One start for all that a single command can see.
in_root --mask /proc/version --sysctl kernel.msgmax=4242 --rlimit data=1000000 \
	--tmpfs /small:size=1M -- \
	sh -c 'cat /proc/version; cat /proc/sys/kernel/msgmax; dd if=/dev/zero of=/dev/null bs=8M count=1 2>/dev/null && echo room
		dd if=/dev/zero of=/small/file bs=64k count=32 2>/dev/null; wc -c </small/file' >"$tmp/out"
told 'differences are one line' 'gVisor differs: /proc/version is not hidden; kernel.msgmax is not set; RLIMIT_DATA'
is 'a path of its own is not hidden' "$(grep -c '^Linux version' "$tmp/out")" 1
is 'a sysctl is not set' "$(grep -c '^4242$' "$tmp/out")" 0
is 'a limit of data is not kept' "$(grep -c room "$tmp/out")" 1
is 'the size of a tmpfs is kept' "$(tail -n 1 "$tmp/out")" 1048576

fails 'differences can be an error' 125 in_root --differences error --mask /proc/version -- true
told 'which names them' 'cannot keep all of the plan with gVisor: /proc/version is not hidden'

umask 077
in_root -- sh -c umask >"$tmp/out"
umask 022
told 'another umask is told' 'the umask is 0022, not 0077'
is 'and is so' "$(cat "$tmp/out")" 0022

in_root --rlimit nofile=70:80 --rlimit nproc=3:3 --hostname box -- \
	sh -c 'ulimit -n; ulimit -Hn; hostname; (sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait) 2>&1' >"$tmp/out"
is 'what is the same is told nowhere' "$(cat "$tmp/told")" ''
is 'limits and name are those of the plan' "$(tr '\n' ' ' <"$tmp/out")" "70 80 box sh: can't fork: Resource temporarily unavailable "

if "$SBX" policy list >/dev/null 2>&1; then
	printf '%%sbx-policy 1\n@default allow\n@known allow\nsethostname: errno(EPERM)\n%s\n%s\n' \
		'{mkdir, mkdirat}: errno(ENOSYS)' '{rmdir, unlinkat}: errno(EACCES)' >"$tmp/policy"
	in_root --policy "$tmp/policy" --cap-add SYS_ADMIN -- sh -c '
		mkdir /tmp/new; rmdir /proc; hostname other; grep Seccomp: /proc/self/status' >"$tmp/out"
	told 'what a policy loses is told' "gVisor differs: the policy's errors are all EPERM"
	is 'ENOSYS is kept' "$(grep -c 'new.*Function not implemented' "$tmp/told")" 1
	is 'other errors are EPERM' "$(grep -c 'rmdir.*Operation not permitted' "$tmp/told")" 1
	is 'the filter is in gVisor' "$(tr -d '[:blank:]' <"$tmp/out")" Seccomp:2
	in_root --policy strict -- sh -c 'echo one | cat; date +%Y >/dev/null && echo two' >"$tmp/out"
	is 'a built-in lets programs run' "$(tr '\n' ' ' <"$tmp/out")" 'one two '
else
	for name in losses ENOSYS EPERM filter built-in; do
		skip "policies: $name" 'built without seccomp'
	done
fi

in_root --no-init -- sh -c "echo \$\$" >"$tmp/out"
is 'the command is process 1' "$(cat "$tmp/out")" 1
