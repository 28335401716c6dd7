#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who one is inside, which ids of the host stand behind that, and which power is left: read
# from the kernel's own files, inside.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(command -v busybox) || skip_all 'busybox is not installed'

plan 37
mkdir -p "$tmp/work" "$tmp/root/bin" "$tmp/root/etc" "$tmp/out"
chmod 777 "$tmp/out"
cp "$busybox" "$tmp/root/bin/busybox"
for applet in sh cat id grep sed tr touch mkdir chown hostname true; do
	ln -s busybox "$tmp/root/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:7:8:App:/srv/app:/bin/sh\n' >"$tmp/root/etc/passwd"
printf 'root:x:0:\nstaff:x:9:app\n' >"$tmp/root/etc/group"
cd "$tmp/work" || exit 1
uid=$(id -u)
gid=$(id -g)

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
rooted() {
	run -R "$tmp/root" "$@"
}
# The lines of a map with one blank between the numbers, and a semicolon behind each.
map_of() { # FILE OPTION...
	file=$1
	shift
	run "$@" -- cat "/proc/self/$file" | awk '{ printf "%s %s %s;", $1, $2, $3 }'
}
# A line of /proc/self/status.
status_of() { # FIELD OPTION...
	field=$1
	shift
	run "$@" -- cat /proc/self/status | sed -n "s/^$field:[[:blank:]]*//p"
}

# ---- the host's root: one id -----------------------------------------------------------

is 'the host'\''s root: the caller'\''s own number' "$(run -- id -u)" "$uid"
is 'and the group'\''s' "$(run -- id -g)" "$gid"
is 'one user id is mapped' "$(map_of uid_map)" "$uid $uid 1;"
like 'and one group id of the caller'\''s' "$(map_of gid_map)" "*$gid $gid 1;*"
is 'supplementary groups are dropped' "$(run -- id -G)" "$gid"
is 'no capability is left: effective' "$(status_of CapEff)" 0000000000000000
is 'permitted' "$(status_of CapPrm)" 0000000000000000
is 'bounding' "$(status_of CapBnd)" 0000000000000000
is 'inheritable' "$(status_of CapInh)" 0000000000000000
is 'ambient' "$(status_of CapAmb)" 0000000000000000
is 'no new privileges are gained' "$(status_of NoNewPrivs)" 1

# ---- a root of its own -----------------------------------------------------------------

is 'a root of its own: user 0' "$(rooted -- id -u)" 0
is 'and group 0' "$(rooted -- id -g)" 0
is 'by name' "$(rooted -- id -un)" root
is 'with --map single: one id' "$(map_of uid_map -R "$tmp/root" --map single)" "0 $uid 1;"
is 'explicit triples are taken as they are' \
	"$(map_of uid_map -R "$tmp/root" --map "u:0:$uid:1" --map "g:0:$gid:1")" "0 $uid 1;"
like 'a triple of a foreign id is refused' "$(rooted --map 'u:0:4242424:1' -- true)" 'sbx: cannot *'
# CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP
is 'capabilities: those of the manual' "$(status_of CapEff -R "$tmp/root")" 00000000800405fb
is 'none of them ambient' "$(status_of CapAmb -R "$tmp/root")" 0000000000000000
is 'all dropped' "$(status_of CapBnd -R "$tmp/root" --cap-drop ALL)" 0000000000000000
is 'one added to none' "$(status_of CapEff -R "$tmp/root" --cap-drop ALL --cap-add KILL)" \
	0000000000000020
like 'one that does not exist is refused' "$(rooted --cap-add NO_SUCH -- true)" 'sbx: cannot *NO_SUCH*'

# ---- subordinate ids -------------------------------------------------------------------

# The ranges that a file gives the caller, by name and by number, as lines of a map: ids
# from 1 on, one range behind the other.
ranges() { # FILE
	awk -F: -v name="$(id -un)" -v number="$uid" -v inside=1 '
		($1 == name || $1 == number) && $3 > 0 { printf "%d %d %d;", inside, $2, $3; inside += $3 }' "$1" 2>/dev/null
}
users=$(ranges /etc/subuid)
groups=$(ranges /etc/subgid)
if [ -n "$users" ] && [ -n "$groups" ] && command -v newuidmap >/dev/null; then
	is 'the full range of users is mapped' "$(map_of uid_map -R "$tmp/root")" "0 $uid 1;$users"
	is 'and of groups' "$(map_of gid_map -R "$tmp/root")" "0 $gid 1;$groups"
	is '--map keep-id leaves the caller'\''s number' "$(rooted --map keep-id -- id -u)" "$uid"
	is 'a user by number' "$(rooted -u 7 -- id -u)" 7
	is 'a user and a group by number' "$(rooted -u 3:4 -- sh -c 'id -u; id -g' | tr '\n' ' ')" '3 4 '
	is 'a user by a name of the root' "$(rooted -u app -- sh -c 'id -u; id -g' | tr '\n' ' ')" '7 8 '
	is 'with the home that the root gives' "$(rooted -u app -- sh -c 'echo $HOME')" /srv/app
	like 'and its groups' "$(rooted -u app -- id -G)" '*9*'
	is 'one group more' "$(rooted --group-add 33 -- sh -c 'id -G')" '0 33'
	rooted --rw "$tmp/out:/out" -u 5:6 -- touch /out/file
	first=$(awk -F: -v name="$(id -un)" -v number="$uid" \
		'$1 == name || $1 == number { print $2; exit }' /etc/subuid)
	is 'what id 5 writes belongs to the fifth subordinate id' \
		"$(stat -c %u "$tmp/out/file" 2>&1)" $((first + 4))
	"$SBX" unshare --no-config rm "$tmp/out/file" 2>/dev/null || "$SBX" unshare rm "$tmp/out/file"
	fails 'and its owner can remove it' 1 test -e "$tmp/out/file"
else
	for what in 'the full range of users is mapped' 'and of groups' \
		'--map keep-id leaves the number' 'a user by number' 'a user and a group by number' \
		'a user by a name of the root' 'with the home that the root gives' 'and its groups' \
		'one group more' 'what id 5 writes belongs to the fifth subordinate id' \
		'and its owner can remove it'; do
		skip "$what" 'this account has no subordinate ids'
	done
fi

# ---- names and numbers that are not there ----------------------------------------------

like 'a name that the root does not have' "$(rooted -u nobody-here -- true)" 'sbx: cannot *nobody-here*'
fails 'is 125' 125 rooted -u nobody-here -- true
like 'a number that is not mapped' \
	"$(rooted --map "u:0:$uid:1" --map "g:0:$gid:1" -u 77 -- true)" 'sbx: cannot *77*'
is 'the host name is the sandbox'\''s own' "$(rooted --hostname box -- hostname)" box
