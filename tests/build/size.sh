#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A front end is one static file, position-independent and with its relocations read-only,
# and at most 2 MB when it is stripped.
#
#   size.sh PROGRAM...
# shellcheck source=tests/build/lib.sh
. "$(dirname "$0")/lib.sh"

is_small() { # PROGRAM
	strip -o "$scratch/stripped" "$1"
	stat -c '%s bytes' "$scratch/stripped"
	[ "$(stat -c %s "$scratch/stripped")" -le 2097152 ]
}

needs_no_library() { # PROGRAM
	! readelf -dW "$1" | grep NEEDED
}

has_no_interpreter() { # PROGRAM
	! readelf -lW "$1" | grep INTERP
}

is_position_independent() { # PROGRAM
	readelf -hW "$1" | grep -w DYN
}

has_read_only_relocations() { # PROGRAM
	readelf -lW "$1" | grep GNU_RELRO && readelf -dW "$1" | grep -w -e NOW -e BIND_NOW
}

has_no_executable_stack() { # PROGRAM
	readelf -lW "$1" | grep GNU_STACK | grep -v RWE
}

echo "1..$(($# * 6))"
for program; do
	name=$(basename "$program")
	check "$name is at most 2 MB" is_small "$program"
	check "$name needs no shared library" needs_no_library "$program"
	check "$name needs no loader" has_no_interpreter "$program"
	check "$name is position-independent" is_position_independent "$program"
	check "$name has read-only relocations" has_read_only_relocations "$program"
	check "$name has no executable stack" has_no_executable_stack "$program"
done
