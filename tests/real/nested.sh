#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx inside of other sandboxes, of its own kind too, and below filters that refuse what it
# calls: it works, or ends in one line that says why and one that helps. It never hangs.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need busybox python3 timeout
need_ordinary_user
refuse=$here/../sandbox/refuse.py
busybox=$(command -v busybox)
mkdir -p "$tmp/here/root/bin"
cp "$busybox" "$tmp/here/root/bin/busybox"
cp "$SBX" "$tmp/here/sbx"
[ ! -x "${SBX%/*}/sbx-net" ] || cp "${SBX%/*}/sbx-net" "$tmp/here/"
cd "$tmp/here" || exit 1

# What is asked for in each place: the defaults, no /proc of its own, another root, a terminal.
forms='run
run --proc=host
run --proc=none
run --root=root --root-mode=ro --proc=host
run --tty=on --proc=host
unshare'

# tried DESCRIPTION COMMAND...: COMMAND is put in front of sbx, in each form
tried() {
	description=$1
	shift
	while read -r form; do
		# shellcheck disable=SC2086 # several words
		output=$(timeout -k 5 60 "$@" ./sbx $form /bin/busybox echo inside 2>&1 </dev/null | tr -d '\r')
		printf '%s\n' "$output" | grep -q '^inside'
		status=$?
		[ "$status" = 0 ] || status=125
		works_or_tells "$description: $form"
	done <<-END
		$forms
	END
}

# tried_with PROGRAM DESCRIPTION COMMAND...: skipped where PROGRAM is missing
tried_with() {
	if command -v "$1" >/dev/null; then
		shift
		tried "$@"
		return
	fi
	for _ in 1 2 3 4 5 6; do
		skip "$2" "$1 is not installed"
	done
}

# at_once DESCRIPTION COMMAND...: works, not only tells
at_once() {
	description=$1
	shift
	output=$(timeout -k 5 60 "$@" 2>&1 </dev/null)
	status=$?
	works "$description"
}

calls='clone3=ENOSYS mount=EPERM pivot_root=EPERM unshare=EPERM setns=EPERM setgroups=EPERM
	open_tree=EPERM move_mount=EPERM fsopen=EPERM fsconfig=EPERM mount_setattr=EPERM openat2=ENOSYS
	close_range=ENOSYS pidfd_open=EPERM pidfd_send_signal=EPERM keyctl=EPERM seccomp=EPERM
	statx=EPERM landlock_create_ruleset=EPERM userns=EPERM userns=ENOSYS'

# shellcheck disable=SC2086 # several words
plan $((10 * 6 + 6 + $(set -- $calls; echo $#)))

tried "in a user namespace" unshare -Ur
tried "in one that has no ids" unshare -U
tried "with namespaces of its own" unshare -Urmpf --mount-proc
tried "where /proc is another's" unshare -Urpf
tried_with bwrap "in bubblewrap" bwrap --bind / / --proc /proc --dev /dev --unshare-all
tried_with bwrap "in bubblewrap that forbids it" bwrap --bind / / --unshare-user --disable-userns
tried_with firejail "in firejail" firejail --quiet --noprofile
tried_with firejail "in firejail with its filter" firejail --quiet --noprofile --seccomp
tried "in sbx" "$SBX" run --policy nested --
tried "in sbx whose policy makes no namespaces" "$SBX" run --

at_once "in bubblewrap the defaults work" \
	sh -c 'command -v bwrap >/dev/null || { echo inside; exit; }
		exec bwrap --bind / / --proc /proc --dev /dev --unshare-all ./sbx run echo inside'
at_once "a root works there with one id" \
	sh -c 'command -v bwrap >/dev/null || { echo inside; exit; }
		exec bwrap --bind / / --proc /proc --dev /dev --unshare-all ./sbx run --root root /bin/busybox echo inside'
at_once "sbx works in sbx" ./sbx run --policy nested -- ./sbx run --proc host -- echo inside
at_once "and in that once more" \
	./sbx run --policy nested -- ./sbx run --policy nested --proc host -- ./sbx run --proc host --cwd ro -- echo inside
# The kernel takes no third layer: fuse-overlayfs may, where /dev/fuse is open to the user.
device=/dev/null
[ ! -w /dev/fuse ] || device=/dev/fuse
output=$(timeout -k 5 60 ./sbx run --policy nested --dev-bind $device -- \
	./sbx run --policy nested --proc host --dev-bind $device -- \
	./sbx run --proc host -- sh -c 'echo inside >new && cat new' 2>&1 </dev/null)
case $output in
inside) result 0 "a third layer of copy-on-write works or tells why" ;;
"sbx: cannot put a layer over "*"lies on two layers already"*"hint: --cwd ro or --cwd rw"*)
	result 0 "a third layer of copy-on-write works or tells why"
	;;
*) result 1 "a third layer of copy-on-write works or tells why" || say "$output" ;;
esac
at_once "with a root of its own too" \
	./sbx run --policy nested -- ./sbx run --proc host --root root --root-mode ro -- /bin/busybox echo inside

for call in $calls; do
	output=$(timeout -k 5 60 "$refuse" "$call" -- ./sbx run -- echo inside 2>&1 </dev/null)
	status=$?
	works_or_tells "where $call is refused"
done
