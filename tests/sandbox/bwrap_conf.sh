#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What /etc/sbx/bwrap.conf, the user's own file and SBX_BWRAP_OPTIONS add to the sandboxes
# that others ask for. The files lie on a machine of our own: an outer sandbox has its /etc.
# shellcheck disable=SC2016 # the scripts in quotes are for the shell inside
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
export SBX_BWRAP
unset SBX_BWRAP_OPTIONS

mkdir -p "$tmp/system" "$tmp/home/.config/sbx" "$tmp/seen"
system=$tmp/system/bwrap.conf
user=$tmp/home/.config/sbx/bwrap.conf
echo content >"$tmp/seen/file"
echo "me:x:$(id -u):$(id -g)::$tmp/home:/bin/sh" >"$tmp/passwd"

# machine SCRIPT: runs it where these files are the machine's
machine() {
	timeout -s KILL 20 "$SBX_BWRAP" --ro-bind / / --proc /proc --dev /dev --tmpfs /etc \
		--ro-bind "$tmp/system" /etc/sbx --ro-bind "$tmp/passwd" /etc/passwd \
		-- sh -c "$1" sh "$tmp/seen" 2>&1 </dev/null
	echo "status $?"
}
# inner SCRIPT: what it says in a sandbox of that machine
inner() {
	machine "exec \"\$SBX_BWRAP\" --ro-bind / / --dev /dev sh -c '$1' sh \"\$1\""
}
none() {
	rm -rf "$system" "$user"
}
newline='
'

plan 19

hard=$(sh -c 'ulimit -H -n')
is 'without a file nothing is added' "$(inner 'ulimit -H -n')" "$hard${newline}status 0"

echo 'rlimit nofile=50:60' >"$system"
is 'a limit of the machine holds' "$(inner 'ulimit -n; ulimit -H -n')" \
	"50${newline}60${newline}status 0"
like 'and is not raised inside' "$(inner 'ulimit -H -n 61; ulimit -H -n')" "*${newline}60${newline}*"
is 'an empty environment changes nothing of it' \
	"$(machine 'exec env -i "$SBX_BWRAP" --ro-bind / / sh -c "ulimit -n"')" \
	"50${newline}status 0"
is 'nor do words that come by --args' \
	"$(machine 'printf "%s\0" --ro-bind / / | "$SBX_BWRAP" --args 0 sh -c "ulimit -n"')" \
	"50${newline}status 0"

echo 'rlimit nofile=40' >"$user"
is 'the file of the user is found by passwd(5)' \
	"$(machine 'exec env -i "$SBX_BWRAP" --ro-bind / / sh -c "ulimit -n"')" \
	"40${newline}status 0"
is 'the variable comes before both' \
	"$(machine 'SBX_BWRAP_OPTIONS="--ulimit nofile=30" exec "$SBX_BWRAP" --ro-bind / / sh -c "ulimit -n"')" \
	"30${newline}status 0"
none

printf '# what nobody has to see\nmask %s\nmask /nowhere/at/all\n' "$tmp/seen" >"$system"
like 'what is masked cannot be read, and need not be there' "$(inner 'cat "$1/file"')" \
	"*cat: *$tmp/seen/file*status 1"
printf 'tmpfs %s\nenv TOLD=by the machine\n' "$tmp/seen" >"$system"
is 'directories and variables are added' \
	"$(inner 'ls -A "$1"; echo "$TOLD"; echo x >"$1/new" && echo written')" \
	"by the machine${newline}written${newline}status 0"
ok 'and the machine keeps its own' test ! -e "$tmp/seen/new"
echo "ro $tmp/seen:/tmp/shown" >"$system"
like 'a file that is shown is read-only' \
	"$(machine 'exec "$SBX_BWRAP" --ro-bind / / --tmpfs /tmp sh -c "cat /tmp/shown/file; echo x >/tmp/shown/file"')" \
	"content${newline}*ead-only file system*"
echo 'cap-drop ALL' >"$system"
like 'capabilities are taken' \
	"$(machine 'exec "$SBX_BWRAP" --ro-bind / / --cap-add cap_net_raw grep CapEff /proc/self/status')" \
	"*0000000000000000${newline}status 0"
echo 'hostname added' >"$system"
is 'a host name is given where there is one to give' \
	"$(machine 'exec "$SBX_BWRAP" --ro-bind / / --unshare-uts uname -n')" \
	"added${newline}status 0"
is 'and refused where there is none' "$(inner 'echo ran')" \
	"bwrap: /etc/sbx/bwrap.conf:1: hostname: it needs --unshare-uts of the caller${newline}status 1"

printf 'rlimit nofile=50\nshare net\n' >"$system"
is 'what contradicts the caller is an error of its line' "$(inner 'echo ran')" \
	"bwrap: /etc/sbx/bwrap.conf:2: share: that is for the caller of bubblewrap to say${newline}status 1"
echo 'rlimits nofile=50' >"$system"
like 'so is what nobody knows' "$(inner 'echo ran')" \
	"bwrap: /etc/sbx/bwrap.conf:1: rlimits: no such option*${newline}status 1"
none
mkdir "$system"
like 'and a file that cannot be read' "$(inner 'echo ran')" \
	"bwrap: cannot read /etc/sbx/bwrap.conf: it is a directory${newline}status 1"
rmdir "$system"
like 'the variable is named as well' \
	"$(machine 'SBX_BWRAP_OPTIONS="--share net" exec "$SBX_BWRAP" --ro-bind / / echo ran')" \
	"bwrap: SBX_BWRAP_OPTIONS: share: *${newline}status 1"
is 'the version needs none of it' \
	"$(SBX_BWRAP_OPTIONS='--share net' "$SBX_BWRAP" --version)" 'bubblewrap 0.11.1'
