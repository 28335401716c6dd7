#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whether a clang can make fuzzers: its sanitizers are packages of their own.
#
#   probe.sh CLANG
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return data == 0 && size; }' \
	>"$work/probe.c"
"$1" -fsanitize=fuzzer,address,undefined -o "$work/probe" "$work/probe.c"
