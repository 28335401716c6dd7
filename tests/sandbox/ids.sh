#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Maps with ranges of subordinate ids, users and groups of the root, the caller's groups, and
# the capabilities of who is not root.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(which busybox 2>/dev/null) || skip_all 'busybox is not installed'
uid=$(id -u) gid=$(id -g)
[ "$uid" != 0 ] || skip_all 'root maps its own ids'
subuid=$(awk -F: -v name="$(id -un)" -v uid="$uid" '$1 == name || $1 == uid { print $2; exit }' /etc/subuid 2>/dev/null)
subgid=$(awk -F: -v name="$(id -un)" -v uid="$uid" '$1 == name || $1 == uid { print $2; exit }' /etc/subgid 2>/dev/null)
[ -n "$subuid$subgid" ] || skip_all 'no subordinate ids here'

chmod 755 "$tmp" # for ids that are not the caller's
mkdir -p "$tmp/work" "$tmp/root/bin" "$tmp/root/etc" "$tmp/out"
cp "$busybox" "$tmp/root/bin/"
for applet in sh cat id touch stat chown ls true grep; do
	ln -s busybox "$tmp/root/bin/$applet"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'app:x:7:8:App:/srv/app:/bin/sh' '1000:x:0:0::/:/bin/sh' \
	'alone:x:12:13::/:' >"$tmp/root/etc/passwd"
printf '%s\n' 'root:x:0:' 'staff:x:9:app,root' 'games:x:10:other,app' '77:x:11:' >"$tmp/root/etc/group"
cd "$tmp/work" || exit 1
"$SBX" run --no-config -R "$tmp/root" -- true 2>/dev/null || skip_all 'the full range cannot be mapped here'
trap '"$SBX" unshare rm -rf "$tmp/out" 2>/dev/null; finish' EXIT

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
rooted() {
	run -R "$tmp/root" "$@"
}
map() { # uid|gid OPTION...
	file=$1
	shift
	rooted "$@" -- cat "/proc/self/${file}_map" | awk '{ printf "%s %s %s;", $1, $2, $3 }'
}
status_of() { # FIELD OPTION...
	field=$1
	shift
	rooted "$@" -- cat /proc/self/status | sed -n "s/^$field:[[:blank:]]*//p" | tr '\t' ' '
}

plan 56

# ---- maps ----------------------------------------------------------------------------------

like 'subuid: the caller is 0, the range begins at 1' "$(map uid --map subuid)" "0 $uid 1;1 $subuid *;"
like 'and for groups' "$(map gid --map subuid)" "0 $gid 1;1 $subgid *;"
is 'auto is the same for a root' "$(map uid)" "$(map uid --map subuid)"
is 'single: one id' "$(map uid --map single; map gid --map single)" "0 $uid 1;0 $gid 1;"
if command -v setpriv >/dev/null; then
	weak() {
		timeout -s KILL 30 setpriv --no-new-privs "$SBX" run --no-config -R "$tmp/root" "$@" </dev/null 2>&1
	}
	is 'auto is one id where newuidmap has no power' \
		"$(weak --groups keep -- cat /proc/self/uid_map | awk '{ print $1, $2, $3 }')" "0 $uid 1"
	for map in subuid keep-id "0:$uid:1 --map 1:$subuid:9"; do
		# shellcheck disable=SC2086
		like "and --map ${map%% *} says that it has none" "$(weak --groups keep --map $map -- true)" \
			'*newuidmap has no power*no_new_privs*--map single'
	done
	like 'as does --dry-run' "$(weak --groups keep --map subuid --dry-run -- true)" '*newuidmap has no power*no_new_privs*'
else
	for what in auto subuid keep-id triple dry-run; do
		skip "newuidmap without power: $what" 'setpriv is not installed'
	done
fi
like 'keep-id: the caller keeps its number' "$(map uid --map keep-id)" "*$uid $uid 1;*"
is 'and is that user' "$(rooted --map keep-id -- id -u)" "$uid"
is 'and 0 is there as well' "$(rooted --map keep-id -u 0:0 -- id -u)" 0
is 'a triple' "$(map uid --map "0:$uid:1")" "0 $uid 1;"
is 'several' "$(map uid --map "0:$uid:1" --map "1:$subuid:10" --map "500:$((subuid + 10)):5")" \
	"0 $uid 1;1 $subuid 10;500 $((subuid + 10)) 5;"
is 'users apart from groups' "$(map uid --map "u:0:$uid:1" --map "g:0:$gid:1" --map "u:1:$subuid:3"; map gid --map "u:0:$uid:1" --map "g:0:$gid:1")" \
	"0 $uid 1;1 $subuid 3;0 $gid 1;"
is 'an id above 2^31' "$(rooted --map "0:$uid:1" --map "3000000000:$subuid:1" -u 3000000000 -- id -u)" 3000000000
is 'a map without the caller' "$(rooted --map "0:$subuid:10" --root-mode ro -- id -u)" 0
fails 'one more than there are is refused' 125 rooted --map "0:$uid:1" --map "1:$subuid:99999999" -- true
fails 'the last number is none' 125 rooted -u 4294967295 -- true
fails 'nor is one beyond' 125 rooted -u 4294967296 -- true
chmod 777 "$tmp/out"
rooted --rw "$tmp/out:/out" -u 7:8 -- touch /out/seven
is 'what user 7 makes is outside the seventh of the range' "$(stat -c '%u %g' "$tmp/out/seven")" "$((subuid + 6)) $((subgid + 7))"
rooted --rw "$tmp/out:/out" -- touch /out/zero
is 'what user 0 makes is the caller'\''s' "$(stat -c '%u %g' "$tmp/out/zero")" "$uid $gid"
is 'what lies outside of the map has no owner' "$(rooted --ro /etc/passwd:/file -- stat -c '%u' /file)" \
	"$(cat /proc/sys/kernel/overflowuid)"

# ---- users and groups of the root ------------------------------------------------------------

is 'a name' "$(rooted -u app -- id -u)" 7
is 'with its group' "$(rooted -u app -- id -g)" 8
is 'and its further ones' "$(rooted -u app -- id -G)" '8 9 10'
is 'its home and name' "$(rooted -u app -- sh -c 'echo $HOME $USER')" '/srv/app app'
is 'one without further groups' "$(rooted -u alone -- id -G)" 13
is 'a number has only that of its account' "$(rooted -u 7 -- id -G)" 8
is 'or that of root' "$(rooted -u 4711 -- id -G)" 0
is 'a number and a group' "$(rooted -u 7:9 -- id -G)" 9
is 'an account that is called 1000 is not user 1000' "$(rooted -u 1000 -- id -u)" 1000
is '--group-add by number' "$(rooted --group-add 9 -- id -G)" '0 9'
is 'twice' "$(rooted --group-add 9 --group-add 10 -- id -G)" '0 9 10'
is 'root has no groups of its own by number' "$(rooted -- id -G)" 0
is 'real, effective, saved and file system user are one' "$(status_of Uid -u app)" '7 7 7 7'
is 'and the groups' "$(status_of Gid -u app)" '8 8 8 8'

# ---- capabilities ----------------------------------------------------------------------------

none=0000000000000000
is 'another user has none: effective' "$(status_of CapEff -u 7)" $none
is 'permitted' "$(status_of CapPrm -u 7)" $none
is 'inheritable' "$(status_of CapInh -u 7)" $none
is 'ambient' "$(status_of CapAmb -u 7)" $none
is 'nor by name' "$(status_of CapPrm -u app)" $none
is 'one that it is given is kept over execve' "$(status_of CapEff -u 7 --cap-add NET_ADMIN)" 0000000000001000
is 'as an ambient one' "$(status_of CapAmb -u 7 --cap-add NET_ADMIN)" 0000000000001000
is 'root gets nothing that is inheritable' "$(status_of CapInh --cap-add NET_ADMIN)" $none
is 'one is dropped' "$(status_of CapBnd --cap-drop ALL --cap-add CAP_KILL --cap-add chown --cap-drop kill)" 0000000000000001
is 'all are dropped' "$(for set in CapInh CapPrm CapEff CapBnd CapAmb; do status_of $set --cap-drop ALL; done | sort -u)" $none
is 'all are those of the kernel' "$(status_of CapEff --cap-add ALL)" "$(printf '%016x' $((2 * (1 << $(cat /proc/sys/kernel/cap_last_cap)) - 1)))"
is 'no new privileges, whoever it is' "$(status_of NoNewPrivs -u 7; status_of NoNewPrivs --cap-add ALL)" "$(printf '1\n1')"
is "the host's root: another number is the caller all the same" "$(run -u 4711 -- sh -c 'id -u; cat /proc/self/uid_map' | awk '{ print $1, $2 }' | tr '\n' ';')" \
	"4711 ;4711 $uid;"

# ---- the caller's groups -------------------------------------------------------------------------

# Who is root in a user namespace may have what groups it likes.
grouped() {
	unshare --map-root-user --map-auto setpriv --groups 5,6 -- "$SBX" run --no-config --cwd off "$@" 2>&1
}
if grouped --groups keep -- true >/dev/null; then
	is 'groups of the caller are dropped' "$(grouped -- id -G)" 0
	like 'and kept when asked' "$(grouped --groups keep -- id -G)" '0 *'
	is 'in a root too' "$(grouped -R "$tmp/root" --map single -- id -G)" 0
else
	for what in dropped kept 'in a root'; do
		skip "groups of the caller are $what" 'no caller with more groups can be made here'
	done
fi
fails 'setgroups is denied with one id' 1 run -- grep -q allow /proc/self/setgroups
is 'and allowed with a range' "$(rooted -- cat /proc/self/setgroups)" allow
fails 'an id outside of the map cannot be given away' 1 rooted -- chown 99999999 /etc/passwd
