#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The real runsc below a filter that refuses it a system call, as those of container engines may:
# one sentence says which, and nothing is left. ptrace is refused to debuggers, memfd_create and
# chroot by strict services.
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root

# Whoever is below a filter gains nothing by newuidmap any more: the ids come from outside.
refuse=$gvisor_here/../sandbox/refuse.py
command -v python3 >/dev/null || skip_all 'python3 is not installed'
# shellcheck disable=SC2016 # for the shell inside
outside='mount -n --bind "$IDS" /etc/subuid && mount -n --bind "$IDS" /etc/subgid && exec "$@"'
echo root:1:65535 >"$tmp/subids"
chmod 711 "$tmp"

# below CALL: what sbx says with that refused to it and to runsc
below() {
	timeout -s KILL 60 env IDS="$tmp/subids" unshare --map-auto --map-root-user -m sh -c "$outside" sh \
		"$refuse" "$1=EPERM" -- "$SBX" run --runtime runsc --runsc "$runsc" --net none -R "$root" -- echo ran \
		2>&1 </dev/null
}

said=$(below keyctl)
case $said in
*ran*) ;;
*) skip_all "runsc does not run below a filter here: $(echo "$said" | head -n 1)" ;;
esac

plan 6

explains() { # CALL TEXT
	said=$(below "$1")
	like "$1" "$said" "*cannot start gVisor: $2*runsc's log: $XDG_STATE_HOME/sbx/runsc-logs/*"
}

explains ptrace 'ptrace(2) is forbidden'
explains seccomp 'seccomp(2) is forbidden'
explains memfd_create 'memfd_create(2) fails'
explains chroot 'chroot(2) is forbidden'

is 'each left its log' "$(find "$XDG_STATE_HOME/sbx/runsc-logs" -name '*.log' | grep -c .)" 4
is 'and nothing else' "$(find "$XDG_RUNTIME_DIR/sbx" -mindepth 1 ! -name '.*' 2>/dev/null)" ''
