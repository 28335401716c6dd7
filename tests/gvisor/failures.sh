#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What runsc says when it fails, played by a stand-in: the user reads one sentence, with what
# helps; the log is kept, and named; of the sandbox nothing is left. test_gvisor_failure.c has
# every text; here is one for each way that it comes.
. "$(dirname "$0")/lib.sh"
needs_range

runsc=$tmp/runsc
eof='creating container: cannot create sandbox: cannot read client sync file: waiting for sandbox to start: EOF'

# attempt: what sbx says of a run, as JSON, in $said, and $status
attempt() {
	said=$(gvisor --net none --log-format json -- true 2>&1)
	status=$?
}

# field NAME: of the last line that was said
field() {
	printf '%s\n' "$said" | tail -n 1 | sed -n "s/.*\"$1\":\"\(\([^\"\\\\]\|\\\\.\)*\)\".*/\1/p"
}

# explains ID SENTENCE HINT WHERE TEXT [FURTHER...]: of a create that fails with that text in
# the panic, the message of its log, or on stderr
explains() {
	id=$1 sentence=$2 hint=$3 where=$4 text=$5
	{
		echo "create $where $text"
		if [ "$where" != stderr ]; then
			echo "create stderr $eof"
			echo "create message $eof"
			hint="$hint*runsc-logs/*.log"
		fi
		echo 'create exit 128'
	} >"$tmp/play"
	stand_in "$runsc" <"$tmp/play"
	attempt
	like "$text" "$status $(field id): $(field message) ($(field hint))" "125 $id: *$sentence* ($hint*)"
}

plan 35

# ---- one for each cause ----

explains runsc-platform 'ptrace(2) is forbidden' 'kernel.yama.ptrace_scope' panic 'panic: unable to attach: operation not permitted'
explains runsc-platform 'ptrace(2) is forbidden' 'kernel.yama.ptrace_scope' panic \
	'panic: unable to initialize systrap source: unable to attach: operation not permitted'
explains runsc-start 'seccomp(2) is forbidden' 'a filter around sbx' panic 'panic: ptrace status unexpected: got 256, wanted stopped'
explains runsc-start 'seccomp(2) is forbidden' 'a filter around sbx' message 'installing seccomp filters: operation not permitted'
explains runsc-start 'mount(2) is forbidden' 'AppArmor' message 'error setting up chroot: error converting mounts: operation not permitted'
explains runsc-start 'pivot_root(2) is forbidden' 'a filter around sbx' message \
	'error setting up chroot: pivot_root failed, make sure that the root mount has a parent: operation not permitted'
explains runsc-start 'memfd_create(2) fails' 'a filter around sbx' message \
	'creating loader: setting up memory usage: error creating usage file: operation not permitted'
explains runsc-start 'memfd_create(2) fails' 'a filter around sbx' message \
	'starting connection on FD 7 for gofer mount failed: failed to create memfd: operation not permitted'
explains source-missing 'is missing: /nonexistent' '' message \
	'error setting up FS: mounting {}: stat(\"/nonexistent\") failed: stat /nonexistent: no such file or directory'
explains runsc-start 'the root is missing' 'each directory' message \
	'Error setting up root FS: mounting root on root (\"/proc/root\") err: no such file or directory'
explains runsc-platform 'without the platform systrap' '--platform auto' stderr 'unknown platform: systrap'
explains runsc-start 'no option -host-settings' 'it was another one' stderr 'flag provided but not defined: -host-settings'
explains kvm-forbidden 'may not be opened' 'join the group kvm' stderr \
	'opening device file for platform "kvm": error opening KVM device file (/dev/kvm): open /dev/kvm: permission denied'
explains kvm-missing 'there is no /dev/kvm' '--platform auto' stderr \
	'opening device file for platform "kvm": error opening KVM device file (/dev/kvm): open /dev/kvm: no such file or directory'
explains subids-missing '65534 is not mapped' 'subordinate ids' stderr \
	'cannot create sandbox process: starting sandbox: fork/exec /proc/self/exe: operation not permitted'
explains cgroup 'a cgroup of its own' '' stderr \
	'creating container: cannot set up cgroup for root: configuring cgroup: mkdir /sys/fs/cgroup/cpu/z: permission denied'
explains cgroup "of systemd's" '' stderr 'systemd error: Interactive authentication required'
explains network 'gvisor#10704' 'a newer runsc' stderr \
	'setting up network: creating interfaces: cannot run with network enabled in root network namespace'
explains network 'CAP_NET_RAW' '--gvisor-net host' stderr \
	'failed to createSocket for tap0 : unable to create raw socket: operation not permitted'
explains network 'take over the address 10.0.2.100/24' '--gvisor-net host' stderr \
	'setting up network: removing address 10.0.2.100/24 from device "tap0": operation not permitted'
explains no-such-sandbox 'knows of none' 'sbx list' stderr 'loading container: file does not exist'
explains runsc-start 'runsc says: something new' '' message 'something new'

# ---- otherwise than by create ----

stand_in "$runsc" <<'PLAY'
start stderr starting container: starting root container: starting sandbox: creating process: failed to load /bin/true: no such file or directory
start exit 128
PLAY
attempt
is 'a command that start does not find is 127' "$status $(field id)" '127 command-not-found'

echo 'create raise 9' | stand_in "$runsc"
attempt
like 'a runsc that is killed is told' "$status $(field id): $(field message)" '125 runsc-start: *killed by signal 9'

echo 'create exit 0' | stand_in "$runsc"
attempt
is 'a runsc that says nothing and does nothing has failed' "$status $(field id)" '125 runsc-start'

stand_in "$runsc" <<'PLAY'
guest panic panic: the kernel gives up
guest exit 2
PLAY
attempt
like 'a kernel that crashes later is told from a command' "$status $(field id): $(field message) ($(field hint))" \
	"125 runsc-start: *has crashed: panic: the kernel gives up (*runsc-logs/*.log)"

echo 'guest exit 2' | stand_in "$runsc"
attempt
is 'and a command that ends so from a kernel' "$status $said" '2 '

# ---- the log ----

logs=$XDG_STATE_HOME/sbx/runsc-logs
is 'of logs the last eight are kept' "$(find "$logs" -name '*.log' | grep -c .)" 8
is 'for their owner alone' "$(stat -c %a "$logs") $(find "$logs" -name '*.log' ! -perm 600 | grep -c .)" '700 0'

stand_in "$runsc" <<PLAY
create panic panic: some cause
create log the debug log
create fill 2000
create log the end of it
create stderr $eof
create exit 128
PLAY
attempt
log=$(field hint | sed 's,.*/\([^/]*\)$,\1,')
ok 'the log has what runsc wrote' grep -q '^the debug log$' "$logs/$log"
ok 'to its end' grep -q '^the end of it$' "$logs/$log"
ok 'and its panic' grep -q '^panic: some cause$' "$logs/$log"
is 'and is bounded' "$(find "$logs/$log" -size +200k)" ''

rm -rf "$logs"
stand_in "$runsc" <<'PLAY'
create log some words
guest exit 3
PLAY
attempt
is 'a run that works leaves no log' "$status $(find "$logs" 2>/dev/null)" '3 '

is 'of all these nothing is left in the place of sandboxes' "$(find "$XDG_RUNTIME_DIR/sbx" -mindepth 1 ! -name '.*' 2>/dev/null)" ''
