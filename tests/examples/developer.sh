#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/developer.sh, alone and with a root file system.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

# A root of one static program and its names.
make_root() {
	busybox=$(command -v busybox) || return 1
	mkdir -p "$tmp/root/bin" "$tmp/root/etc"
	cp "$busybox" "$tmp/root/bin/"
	for name in sh id ls; do
		ln -s busybox "$tmp/root/bin/$name"
	done
	echo 'PRETTY_NAME="a small root"' >"$tmp/root/etc/os-release"
}

plan 6

output=$("$examples/developer.sh" 2>&1)
is "it works" "$?" 0
has "a build leaves the tree as it was" "$output" "the first build left the tree as it was"
has "what it built runs in a sandbox" "$output" "built and run in a sandbox"

if make_root; then
	output=$("$examples/developer.sh" "$tmp/root" 2>&1)
	has "a root of its own sees the source" "$output" "uid 0 on a small root sees hello.c"
	is "the root is as it was" "$(cd "$tmp/root" && echo ./* etc/*)" "./bin ./etc etc/os-release"
else
	skip "a root of its own sees the source" "busybox is not installed"
	skip "the root is as it was" "busybox is not installed"
fi
is "nothing is left" "$(ls -A "$TMPDIR")" ""
