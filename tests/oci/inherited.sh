#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a container inherits of the one who makes it: the descriptors that were asked for and no
# other, no way out through a working directory, no signals that somebody ignored.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

echo kept >"$tmp/kept"
show='cd /proc/self/fd && for fd in *; do readlink $fd >/dev/null && printf "%s " $fd; done'
command_bundle fds "$show"

# descriptors COMMAND-LINE...: of the container, beside 0, 1, 2 and that of the listing itself
descriptors() {
	oci "$@" | tr ' ' '\n' | grep -vx -e '[012]' -e '' | tr '\n' ' '
}

plan 18

none=$(descriptors run -b "$bundle" x)
is 'stray descriptors stay outside' "$(descriptors run -b "$bundle" x 3<"$tmp/kept" 4<"$tmp" 7<"$tmp/kept" 9<"$tmp/kept")" "$none"
is 'of create as well' "$(
	out=$tmp/fds oci create -b "$bundle" x >/dev/null 3<"$tmp/kept" 4<"$tmp" 9<"$tmp/kept"
	oci start x >/dev/null 3<"$tmp/kept" 5<"$tmp"
	until_true status_is x stopped
	tr ' ' '\n' <"$tmp/fds" | grep -vx -e '[012]' -e '' | tr '\n' ' '
	oci delete x >/dev/null
)" "$none"
command_bundle kept 'cat <&3; cat <&4; cat <&5'
is '--preserve-fds 2: these two and no more' "$(
	oci run --preserve-fds 2 -b "$bundle" x 3<"$tmp/kept" 4<"$tmp/kept" 5<"$tmp/kept" | grep -c kept
)" 2
command_bundle listen 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3; cat <&4; cat <&5'
said=$(timeout -s KILL 20 sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"' sh "$runtime" --root "$state" \
	run --preserve-fds 1 -b "$bundle" x 2>&1 3<"$tmp/kept" 4<"$tmp/kept" 5<"$tmp/kept" </dev/null)
is 'LISTEN_FDS: they come before those, with the number inside' "$(printf '%s\n' "$said" | grep '^[0-9]')" '1 1'
is 'both are there' "$(printf '%s\n' "$said" | grep -c kept)" 2
command_bundle fds "$show"
for words in 'run -b' 'run --preserve-fds 0 -b'; do
	# shellcheck disable=SC2086
	is "run: $words: the same again" "$(descriptors $words "$bundle" x)" "$none"
done

# ---- CVE-2024-21626: a directory of the host that is open ------------------------------------------------------

for cwd in /proc/self/fd/3 /proc/self/fd/7 /proc/self/fd/9 /proc/thread-self/fd/8; do
	command_bundle cwd 'pwd -P; ls /; cat ../../../../etc/hostname.of.host' ".process.cwd = \"$cwd\""
	oci run -b "$bundle" x >"$tmp/out" 3<"$tmp" 7</ 8</ 9</
	if grep -qE '^(kept|boot|lost\+found)$' "$tmp/out"; then
		result 1 "a working directory of $cwd leads nowhere" || say "$(cat "$tmp/out")"
	else
		result 0 "a working directory of $cwd leads nowhere"
	fi
	oci delete --force x >/dev/null
done

# ---- signals and streams -------------------------------------------------------------------------------------------

bundle signals '.process.args = ["grep", "^Sig", "/proc/self/status"]'
(
	trap '' HUP PIPE USR1 CHLD
	oci run -b "$bundle" x >"$tmp/out"
)
is 'signals that somebody ignored are not ignored inside' "$(sed -n 's/^SigIgn:[[:blank:]]*//p' "$tmp/out")" 0000000000000000
is 'nor blocked' "$(sed -n 's/^SigBlk:[[:blank:]]*//p' "$tmp/out")" 0000000000000000
command_bundle stream 'cat; echo err >&2; exit 4'
is 'run: the streams are the caller'\''s' "$(echo in | timeout -s KILL 20 "$runtime" --root "$state" run -b "$bundle" x 2>&1 | tr '\n' ' ')" 'in err '
said=$(timeout -s KILL 20 "$runtime" --root "$state" run -b "$bundle" x <&- 2>&1)
is 'closed streams are no trouble' $? 4
command_bundle stream 'echo lost; exit 6'
timeout -s KILL 20 "$runtime" --root "$state" run -b "$bundle" x >&- 2>&- </dev/null
is 'whichever it is' $? 6
command_bundle environment 'env'
said=$(export SECRET=1 XDG_SECRET=2
	oci run -b "$bundle" x)
is 'no variable of the caller is inherited' "$(printf '%s\n' "$said" | grep -c SECRET)" 0
command_bundle session 'ps -o pid,sid,tty | tail -n +2 | head -n 1 | tr -s " " | sed "s/^ //"'
like 'process 1 has a session of its own' "$(oci run -b "$bundle" x | head -n 1)" '1 1 *'
