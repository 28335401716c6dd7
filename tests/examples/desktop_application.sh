#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/desktop-application.sh: what the application sees, what it can change, and what not.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
ln -s "$SBX_BWRAP" "$tmp/bin/sbx-bwrap"
mkdir "$tmp/home" "$tmp/home/Documents" "$tmp/run"
echo secret >"$tmp/home/secret"
echo letter >"$tmp/home/Documents/letter"
HOME=$tmp/home
XDG_RUNTIME_DIR=$tmp/run
XDG_DATA_HOME=$tmp/data
DBUS_SESSION_BUS_ADDRESS=unix:path=$tmp/run/bus
export HOME XDG_RUNTIME_DIR XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS
application() {
	"$examples/desktop-application.sh" test "$@" </dev/null 2>&1
}

plan 12

is 'it runs' "$(application sh -c 'echo here; exit 3'; echo $?)" "here
3"
is 'it sees its documents' "$(application cat Documents/letter)" letter
application sh -c 'echo more >>Documents/letter; echo kept >"$HOME/settings"'
is 'and changes them' "$(tail -n 1 "$HOME/Documents/letter")" more
is 'its settings are kept' "$(cat "$tmp/data/sandboxed/test/settings")" kept
is 'and found again' "$(application cat settings)" kept
fails 'the rest of the home is not there' 1 application cat "$HOME/secret"
fails 'the system cannot be changed' 1 application test -w /usr
is 'there is no session bus' "$(application sh -c 'echo "${DBUS_SESSION_BUS_ADDRESS-none}"; ls -A "$XDG_RUNTIME_DIR"')" none
is 'it sees its own processes only' "$(application cat /proc/1/comm)" sbx-init
is 'the network is a loopback' "$(application sh -c 'grep -c : /proc/net/dev')" 1
is 'unless it is shared' "$(APP_NETWORK=1 application readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
is 'nothing is left in the runtime directory' "$(ls -A "$tmp/run")" ''
