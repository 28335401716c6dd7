#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/restart.sh: what fails is run again, what cannot start is not, and signals end it.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

RESTART_WAIT=0
export RESTART_WAIT
cd "$tmp" || exit 1
set -- sbx run --no-config --net none --cwd rw --

plan 7
output=$("$examples/restart.sh" "$@" sh -c 'echo >>tries; [ "$(wc -l <tries)" -ge 3 ] || exit 9' 2>&1)
is "a sandbox that works at last ends it with 0" "$?" 0
is "each failure is told" "$(printf '%s\n' "$output" | grep -c 'ended with 9')" 2
is "it ran three times" "$(wc -l <tries)" 3
output=$(RESTART_MAX=2 "$examples/restart.sh" "$@" sh -c 'exit 9' 2>&1)
is "one that always fails gives its status in the end" "$?" 9
has "after as many failures as are allowed" "$output" "restart.sh: 2 failures in a row, the last with 9"
fails "what cannot be found is not tried again" 127 "$examples/restart.sh" "$@" no-such-program
"$examples/restart.sh" "$@" sh -c 'echo >runs; trap "exit 3" TERM; while :; do sleep 0.1; done' >said 2>&1 &
until_true test -e runs
kill "$!"
wait "$!"
is "TERM is handed on, and ends it" "$? $(cat said)" "3 "
