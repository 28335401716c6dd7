#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a developer does with a sandbox: build, keep the result, run it, look into another
# distribution. Nothing outside of a new directory in /var/tmp is written.
#
#   developer.sh [ROOT]      ROOT: a directory with a root file system, such as one made by
#                            mmdebstrap --mode=unshare bookworm ROOT
set -eu

root=${1-}
project=$(mktemp -d "${TMPDIR:-/var/tmp}/sbx-developer.XXXXXX")
trap 'rm -rf "$project"' EXIT
mkdir "$project/source" "$project/out"
cd "$project/source"

cat >hello.c <<'END'
#include <stdio.h>
int main(void) { return puts("built and run in a sandbox") < 0; }
END

# The current directory can be written to, but keeps nothing: good for a first look.
sbx run -- cc -Wall -o hello hello.c
[ ! -e hello ] && echo "the first build left the tree as it was"

# Results go where --rw says, and only there.
sbx run --rw ../out -- cc -Wall -o ../out/hello hello.c

# The program needs neither the tree nor the network: it sees its own directory, read-only.
sbx run --net none --cwd off --ro ../out:/program -- /program/hello

# Another distribution: uid 0 in there, and what is written goes with the sandbox.
# shellcheck disable=SC2016 # the shell inside expands it
if [ -n "$root" ]; then
	sbx run --root "$root" --ro .:/source --workdir /source -- sh -c '
		. /etc/os-release
		echo "uid $(id -u) on $PRETTY_NAME sees $(ls /source)"
		echo changed >/etc/hostname'
fi
