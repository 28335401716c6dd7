#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx-bwrap: each option of bubblewrap means what it means there. Where bubblewrap is
# installed and can do it, both programs run the same words, and what is seen inside, the
# status and the texts are compared; what only we can do is held to what the manual says.
# shellcheck disable=SC2016,SC2059 # scripts in quotes are for the shell inside; bytes for printf
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
theirs=$(command -v bwrap || true)

mkdir "$tmp/work" "$tmp/src" "$tmp/src/dir"
cd "$tmp/work" || exit 1
echo content >"$tmp/src/file"
echo deep >"$tmp/src/dir/deep"
ln -s dir "$tmp/src/link"

# The words that every case begins with: a root of which everything can be run.
base() {
	program=$1
	shift
	timeout -s KILL 20 "$program" --ro-bind /usr /usr --symlink usr/bin /bin \
		--symlink usr/lib /lib --symlink usr/lib64 /lib64 "$@"
}
bare() {
	timeout -s KILL 20 "$@"
}
ours() {
	base "$SBX_BWRAP" "$@" </dev/null 2>&1
	echo "status $?"
}
reference() {
	base "$theirs" "$@" </dev/null 2>&1
	echo "status $?"
}

# same DESCRIPTION WORDS...: both say and do the same
same() {
	description=$1
	shift
	if [ -z "$theirs" ]; then
		skip "$description" 'there is no bubblewrap to compare with'
		return
	fi
	is "$description" "$(ours "$@")" "$(reference "$@")"
}
# same_bare: without the words of base
same_bare() {
	description=$1
	shift
	if [ -z "$theirs" ]; then
		skip "$description" 'there is no bubblewrap to compare with'
		return
	fi
	is "$description" "$(bare "$SBX_BWRAP" "$@" </dev/null 2>&1; echo "$?")" \
		"$(bare "$theirs" "$@" </dev/null 2>&1; echo "$?")"
}
# says DESCRIPTION PATTERN WORDS...: ours alone, output and status
says() {
	description=$1
	pattern=$2
	shift 2
	like "$description" "$(ours "$@")" "$pattern"
}
newline='
'

plan 158

# ---- the command line -----------------------------------------------------------------------

like 'its version is bubblewrap'"'"'s' "$("$SBX_BWRAP" --version)" 'bubblewrap 0.11.*'
like 'help goes to the standard output' "$("$SBX_BWRAP" --help 2>/dev/null)" "usage: $SBX_BWRAP *--ro-bind*"
fails 'without any word there is the usage and 1' 1 "$SBX_BWRAP"
like 'on the standard error' "$("$SBX_BWRAP" 2>&1 >/dev/null)" 'usage: *'
fails 'so it is without a command' 1 "$SBX_BWRAP" --ro-bind / /
same_bare 'an unknown option' --nonsense true
same_bare 'a lone dash' - true
same_bare 'an option without its word' --bind /
same_bare 'one of one word' --chdir
same_bare 'two dashes end the options' --ro-bind / / -- true
same_bare 'a bad descriptor' --seccomp x true
same_bare 'a bad id' --uid x true
same_bare 'another id' --uid 5 --bind / / id -u
same_bare 'perms without a user' --perms 0700 --bind / / true
same_bare 'perms that are not octal' --perms 0999 --dir /x true
same_bare 'a size without a tmpfs' --size 10 --dir /x true
same_bare 'a size of nothing' --size 0 --tmpfs /x true
same_bare 'a host name without its namespace' --hostname x true
same_bare 'process 1 without its namespace' --as-pid-1 true
same_bare 'an unknown capability' --cap-add NET_RAW true
same_bare 'a mode that is not octal' --chmod 9 /x true
printf '%s\0' --ro-bind "$tmp/src" /here >"$tmp/words"
like 'words from a descriptor count as if they stood there' \
	"$(base "$SBX_BWRAP" --args 9 cat /here/file 9<"$tmp/words" 2>&1)" content
like 'and the descriptor is gone' \
	"$(base "$SBX_BWRAP" --args 9 sh -c 'test -e /proc/self/fd/9 || echo gone' 9<"$tmp/words" 2>&1)" gone

# ---- files ------------------------------------------------------------------------------------

same 'the root is empty but for what was named' ls -A /
same 'a directory' --ro-bind "$tmp/src" /a cat /a/file /a/dir/deep
same 'it cannot be written to' --ro-bind "$tmp/src" /a sh -c 'echo x 2>/dev/null >/a/file; echo $?'
same 'one that can' --bind "$tmp/src" /a sh -c 'echo content >/a/file && cat /a/file'
same 'a single file' --ro-bind "$tmp/src/file" /a/b/c cat /a/b/c
same 'a source that is a link' --ro-bind "$tmp/src/link" /a ls /a
same 'a missing source' --ro-bind "$tmp/none" /a true
same 'that may be missing' --ro-bind-try "$tmp/none" /a ls -A /
same 'a slash at the end' --ro-bind "$tmp/src/" /a/ cat /a/file
same 'twice the same place' --ro-bind /etc /a --ro-bind "$tmp/src" /a ls /a
same 'in the order of the words' --ro-bind "$tmp/src" /a --tmpfs /a --dir /a/x ls /a
same 'a directory on a file' --ro-bind "$tmp/src/file" /a --ro-bind "$tmp/src/dir" /a true
same 'the whole root' --bind / / --chdir / sh -c 'test -e /etc/passwd && echo there'
same 'a tmpfs' --tmpfs /a stat -c '%a %F' /a
same 'with a mode' --perms 0711 --tmpfs /a stat -c '%a %F' /a
same 'and with a size' --size 1048576 --tmpfs /a sh -c 'df -B1 --output=size /a | tail -1'
same 'a directory that is made' --dir /a/b/c stat -c '%a %F' /a/b/c
same 'with a mode of its own' --perms 1750 --dir /a stat -c '%a %F' /a
same 'one that is there keeps it' --perms 0700 --dir /a --dir /a stat -c '%a %F' /a
same 'a link' --symlink target/x /a/b readlink /a/b
says 'the same link again' "x${newline}status 0" --symlink x /a --symlink x /a readlink /a
says 'another one in its place' "bwrap: Can't make symlink at /a: existing destination is x${newline}status 1" --symlink x /a --symlink y /a true
says 'a file in the place of a link' "bwrap: Can't make symlink at /a: destination exists and is not a symlink${newline}status 1" --ro-bind "$tmp/src/file" /a --symlink y /a true
same 'a mode that is changed' --dir /a --chmod 0700 /a stat -c %a /a
same 'of what is not there' --chmod 0700 /a true
same 'a remount' --bind "$tmp/src" /a --remount-ro /a sh -c 'touch /a/x 2>/dev/null; echo $?'
same 'of the root' --remount-ro / sh -c 'mkdir /x 2>/dev/null; echo $?'
says 'of what is no mount' "bwrap: Can't remount readonly on /a: *status 1" --dir /a --remount-ro /a true
same 'devices' --dev /dev sh -c 'cd /dev; ls; stat -c "%F %t %T" null zero full random urandom tty; readlink fd stdin stdout stderr core ptmx; ls pts; echo x >null'
same 'new files beside them' --dev /dev --dir /dev/own sh -c 'cd /dev; echo x >a && mkdir shm/b && ln -s a own/c && ls -d * shm/b own/c'
same 'but not for ever' --dev /dev --remount-ro /dev sh -c 'touch /dev/a 2>/dev/null; echo $?'
same 'a host that is read-only, and has its own devices' --ro-bind / / --dev /dev sh -c 'touch /dev/a && echo x >/dev/null'
same 'a device of the host' --dev-bind /dev/null /a/null sh -c 'echo x >/a/null && head -c1 /a/null | wc -c'
same 'no device by a bind' --bind /dev /a sh -c 'echo x 2>/dev/null >/a/null; echo $?'
same 'processes' --unshare-pid --proc /proc sh -c 'echo $$; echo /proc/[0-9]*'
same 'a message queue' --unshare-ipc --mqueue /a stat -f -c %T /a
like 'what a descriptor holds becomes a file' \
	"$(base "$SBX_BWRAP" --file 9 /a/b sh -c 'cat /a/b; stat -c %a /a/b' 9<"$tmp/src/file" 2>&1)" \
	"content${newline}666"
like 'and another, read-only' \
	"$(base "$SBX_BWRAP" --ro-bind-data 9 /a/b sh -c 'cat /a/b; stat -c %a /a/b; echo x 2>&- >/a/b; echo $?' 9<"$tmp/src/file" 2>&1)" \
	"content${newline}600${newline}[12]"
like 'or writable' \
	"$(base "$SBX_BWRAP" --perms 0640 --bind-data 9 /a sh -c 'stat -c %a /a; echo x >/a; cat /a' 9<"$tmp/src/file" 2>&1)" \
	"640${newline}x"
is 'the source of it stays as it was' "$(cat "$tmp/src/file")" content
like 'a directory by its descriptor' \
	"$(base "$SBX_BWRAP" --ro-bind-fd 9 /a cat /a/file 9<"$tmp/src" 2>&1)" content
says 'an overlay that is thrown away' "deep${newline}new${newline}status 0" \
	--overlay-src "$tmp/src/dir" --tmp-overlay /a sh -c 'cat /a/deep; echo new >/a/new; cat /a/new'
[ ! -e "$tmp/src/dir/new" ]
result $? 'leaves nothing'
mkdir "$tmp/upper" "$tmp/wd" "$tmp/other"
echo deep >"$tmp/other/deep"
says 'one that is kept' 'status 0' --overlay-src "$tmp/src/dir" --overlay "$tmp/upper" "$tmp/wd" /a sh -c 'echo kept >/a/kept'
is 'lies in the directory that was named' "$(cat "$tmp/upper/kept")" kept
says 'one that is only read' "content${newline}deep${newline}status 0" \
	--overlay-src "$tmp/src" --overlay-src "$tmp/other" --ro-overlay /a cat /a/file /a/deep
says 'it needs two sources' 'bwrap: --ro-overlay requires at least two --overlay-src*status 1' \
	--overlay-src "$tmp/src" --ro-overlay /a true

# ---- links in the way -------------------------------------------------------------------------

mkdir "$tmp/outside"
for link in "/oldroot$tmp/outside" "$tmp/outside" "../../../../../..$tmp/outside" "/proc/self/root$tmp/outside"; do
	says "no directory is made outside through a link to $link" '*status *' \
		--tmpfs /tmp --symlink "$link" /tmp/l --dir /tmp/l/pwn true
	[ -z "$(ls -A "$tmp/outside")" ]
	result $? 'and nothing is there' || rm -rf "$tmp/outside/pwn"
done
says 'a destination that is a link leads to its target inside' "deep${newline}status 0" \
	--dir /real --symlink real /a --ro-bind "$tmp/src/dir" /a cat /real/deep
mkdir "$tmp/holds"
says 'a mount point is made in a directory of the host' "deep${newline}status 0" \
	--bind "$tmp/holds" /a --ro-bind "$tmp/src/dir" /a/b/c cat /a/b/c/deep
[ -d "$tmp/holds/b/c" ]
result $? 'and stays, as with bubblewrap'

# ---- namespaces and identity --------------------------------------------------------------------

same 'the ids of the caller' id -u
same 'another id' --unshare-user --uid 7 --gid 8 sh -c 'id -u; id -g'
same 'an own host name' --unshare-uts --hostname inside uname -n
same 'an own network' --unshare-net sh -c 'cat /proc/net/dev 2>/dev/null | wc -l' --ro-bind /proc /proc
for kind in ipc pid net uts cgroup; do
	is "namespace $kind is shared until it is not" \
		"$(bare "$SBX_BWRAP" --bind / / readlink "/proc/self/ns/$kind")" \
		"$(readlink "/proc/self/ns/$kind")"
	[ "$(bare "$SBX_BWRAP" --bind / / --unshare-$kind readlink "/proc/self/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ]
	result $? "and then it is another one"
done
is 'the network can be shared again' \
	"$(bare "$SBX_BWRAP" --bind / / --unshare-all --share-net readlink /proc/self/ns/net)" \
	"$(readlink /proc/self/ns/net)"
same_bare 'user namespaces can be forbidden' --bind / / --unshare-user --disable-userns sh -c 'unshare -U true 2>/dev/null; echo $?'
same_bare 'which can be asserted' --bind / / --assert-userns-disabled true

# ---- the command --------------------------------------------------------------------------------

same 'its status' sh -c 'exit 7'
same 'its signal' sh -c 'kill -TERM $$'
same 'it is not there' /nosuch
same 'nor in PATH' nosuch-command
same 'its environment' --clearenv --setenv A b env
same 'a variable less' --setenv A b --unsetenv A sh -c 'echo ${A-none}'
same 'where it stands' --dir /x --chdir /x pwd
same 'where it cannot' --chdir /none true
same_bare 'where it stands by itself' --bind / / sh -c 'pwd; echo $PWD'
same 'no place: at the home' --dir /h --setenv HOME /h sh -c 'pwd; echo $PWD'
says 'the name that it sees' "other${newline}status 0" --argv0 other sh -c 'echo $0'
like 'a descriptor of the caller is inherited' \
	"$(base "$SBX_BWRAP" cat /proc/self/fd/9 --proc /proc 9<"$tmp/src/file" 2>&1)" '*'
same 'no capabilities' --proc /proc grep Cap /proc/self/status
same 'one that was asked for' --proc /proc --unshare-user --cap-add cap_net_raw grep -E 'Cap(Eff|Amb)' /proc/self/status
same 'nothing new may be gained' --proc /proc grep NoNewPrivs /proc/self/status

# ---- what it says when it cannot ------------------------------------------------------------------

mkdir "$tmp/closed"
chmod 555 "$tmp/closed"
file="--bind $tmp/src/file /a"
# complains WORDS...: both in the same words, with 1
complains() {
	same "complaint: $(echo "$*" | sed "s,$tmp,,g")" "$@"
}
# shellcheck disable=SC2086 # the words in $file
{
	complains $file --dir /a/b true
	complains $file --dir /a true
	complains $file --tmpfs /a true
	complains $file --proc /a true
	complains $file --dev /a true
	complains $file --symlink x /a/b true
	complains $file --ro-bind "$tmp/src/dir" /a/b true
}
complains --ro-bind "$tmp/src/file" /a/b --ro-bind "$tmp/src/file" /a/b/c true
complains --ro-bind "$tmp/src" /a --ro-bind "$tmp/src/file" /a true
complains --ro-bind "$tmp/src" /a --dir /a/new true
complains --ro-bind "$tmp/src" /a --symlink x /a/new true
complains --ro-bind "$tmp/src" /a --chmod 0700 /a/file true
complains --chmod 0700 /none true
complains --bind "$tmp/src/none/x" /a true
complains --bind "$tmp/src/file/x" /a true
complains --bind /root/x /a true
complains --chdir /usr/bin/env true
complains --unshare-uts --hostname "$(printf %0100d 1)" true
complains --lock-file /none true
complains --size 99999999999999999999 --tmpfs /a true
complains --perms 01777 --perms 0700 --tmpfs /a true
complains --size 5 --size 5 --tmpfs /a true
complains --userns-block-fd 9 true
complains --unshare-user --userns-block-fd 9 true
complains --userns 9 --unshare-user true
complains --disable-userns true
complains --cap-drop CAP_NOPE true
complains --chdir / --chdir /usr true
complains --unshare-uts --hostname a --hostname b true
complains --as-pid-1 --unshare-pid --lock-file /usr true
complains --lock-file
complains --gid abc true
complains --args 99 true
complains --perms 0700 --bind "$tmp/src" /a true
# filtered DESCRIPTION OPTION BYTES: a filter that is none
filtered() {
	printf "$3" >"$tmp/filter"
	if [ -z "$theirs" ]; then
		skip "$1" 'there is no bubblewrap to compare with'
		return
	fi
	is "$1" "$(base "$SBX_BWRAP" "$2" 9 true 2>&1 9<"$tmp/filter"; echo $?)" "$(base "$theirs" "$2" 9 true 2>&1 9<"$tmp/filter"; echo $?)"
}
for option in --seccomp --add-seccomp-fd; do
	filtered "$option: a filter of odd length" $option '\006\000\000'
	filtered "$option: a filter of nonsense" $option '\377\377\377\377\377\377\377\377'
	filtered "$option: a filter of nothing" $option ''
done
says 'data on a directory' "bwrap: Destination is not a file /a${newline}status 1" --dir /a --ro-bind-data 0 /a true
says 'a name to be made in what is read-only' "status 0" --ro-bind "$tmp/src" /a --ro-bind "$tmp/src" /a/new true
says 'a message queue of another namespace' "bwrap: Can't mount mqueue on /a: Operation not permitted${newline}status 1" --mqueue /a true
like 'each line has its level where that is wanted' "$(base "$SBX_BWRAP" --level-prefix --chdir /none true 2>&1)" \
	"<3>bwrap: Can't chdir to /none: No such file or directory"
like 'so have warnings' "$(base "$SBX_BWRAP" --level-prefix --chdir /usr --chdir / true 2>&1)" \
	"<4>bwrap: Only the last --chdir option will take effect"
