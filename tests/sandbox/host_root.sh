#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# With the host's root: what is hidden, where the current directory goes, and that a mount
# point which is missing is made inside and never on the host.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# The home is to be hidden by itself, not because it lies in /tmp.
[ -n "${TMPDIR:-}" ] || [ ! -w /var/tmp ] || export TMPDIR=/var/tmp
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
attack=${ATTACK:-$here/attack}
account_home=$(awk -F: -v uid="$(id -u)" '$3 == uid { print $6; exit }' /etc/passwd)
mkdir -p "$tmp/home/project" "$tmp/work/sub" "$tmp/data/deep"
export HOME="$tmp/home"
echo secret >"$tmp/home/secret"
echo mine >"$tmp/home/project/file"
echo outside >"$tmp/work/file"
echo data >"$tmp/data/file"
ln -s home "$tmp/home-link"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
# What may never change: every name, kind, mode and size below the test's directory, and the
# names at the top.
trace() {
	(cd "$tmp" && find . ! -path './out*' -exec stat -c '%n %F %a %s' {} + | sort)
	ls -A / "$account_home" 2>/dev/null
}
trace >"$tmp/out-before"

plan 57

# ---- what is hidden ------------------------------------------------------------------------

is 'the home is there, and empty' "$(run -- ls -A "$tmp/home")" ''
ok 'it can be written to' run -- sh -c "echo x >$tmp/home/new && cat $tmp/home/new"
is 'what is written there is gone' "$(run -- ls -A "$tmp/home")" ''
is 'by a link it is as empty' "$(run -- ls -A "$tmp/home-link/")" ''
is 'where HOME is a link, what it leads to is hidden' \
	"$(HOME="$tmp/home-link" run -- ls -A "$tmp/home")" ''
is 'without HOME the one of the account is hidden' \
	"$(env -u HOME "$SBX" run --no-config -- ls -A "${account_home:-/nonexistent}" 2>/dev/null)" ''
is 'with another HOME the one of the account is hidden too' \
	"$(run -- ls -A "${account_home:-/nonexistent}" | grep -v 'No such file')" ''
is 'two homes, one in the other, are both hidden' \
	"$(HOME="$tmp/home/project" run -- ls -A "$tmp/home/project")" ''
is 'HOME=/ hides nothing of the root' "$(HOME=/ run -- ls -d /usr)" /usr
is 'HOME that is not there is no error' "$(HOME=$tmp/none run -- echo works)" works
is 'HOME that is not absolute is no error' "$(HOME=none run -- echo works)" works
is 'what is named of it is shown' "$(run --ro "$tmp/home/project" -- cat "$tmp/home/project/file")" mine
is 'and only that' "$(run --ro "$tmp/home/project" -- ls -A "$tmp/home")" project
is '/tmp is empty' "$(run -- ls -A /tmp)" ''
is '/tmp is for all' "$(run -- stat -c %a /tmp)" 1777
ok '/tmp can be written to' run -- touch /tmp/x
is '/run is empty' "$(run -- ls -A /run)" ''
is '/dev has what every program expects, and no more' \
	"$(run -- ls /dev | tr '\n' ' ')" 'core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero '
is '/dev/shm is empty' "$(run -- ls -A /dev/shm)" ''
shown=
for dir in /var/lib/incus /var/lib/lxd /var/lib/docker /var/lib/containers /var/lib/libvirt \
	/var/lib/sss /var/snap /var/spool /nix/var/nix/daemon-socket; do
	[ ! -d "$dir" ] || [ -L "$dir" ] || shown="$shown$(run -- ls -A "$dir")"
done
is 'where daemons keep their sockets there is nothing' "$shown" ''
is 'a mask covers a directory' "$(run --mask "$tmp/data" -- ls -A "$tmp/data")" ''
is 'a mask covers a file' "$(run --mask "$tmp/data/file" -- cat "$tmp/data/file")" ''
fails 'a mask of nothing is an error' 125 run --mask "$tmp/data/fiel" -- true

# ---- the current directory ---------------------------------------------------------------

is 'it is where the command starts' "$(run -- pwd)" "$tmp/work"
is 'it can be read' "$(run -- cat file)" outside
is 'it can be changed inside' "$(run -- sh -c 'echo inside >file; rm -r sub; echo >new; cat file; ls')" \
	"$(printf 'inside\nfile\nnew')"
is 'and is unchanged outside' "$(cat file; ls)" "$(printf 'outside\nfile\nsub')"
is '--cwd ro: it can be read' "$(run --cwd ro -- cat file)" outside
fails '--cwd ro: and not written' 1 run --cwd ro -- touch file
is '--cwd rw: what is written is there outside' "$(run --cwd rw -- sh -c 'echo new >new'; cat new)" new
rm -f new
is '--rw . is the same' "$(run --rw . -- sh -c 'echo new >new'; cat new)" new
rm -f new
is '--cwd off: the command starts at the root' "$(run --cwd off -- pwd)" /
is '--cwd off: the directory is as the rest of the host' \
	"$(run --cwd off -- sh -c "touch $tmp/work/x 2>/dev/null; cat $tmp/work/file")" outside
is 'below the hidden home only it is shown' \
	"$(cd "$tmp/home/project" && run -- sh -c 'cat file; ls -A ..')" "$(printf 'mine\nproject')"
is 'and what is written above it is gone' \
	"$(cd "$tmp/home/project" && run -- sh -c 'echo x >../new; echo x >file'; cat file; ls -A ..)" \
	"$(printf 'mine\nproject\nsecret')"
is '--workdir starts elsewhere' "$(run --workdir /usr -- pwd)" /usr

# unsuitable DIR WHY
unsuitable() {
	[ -d "$1" ] || return 0
	output=$(cd "$1" && run -- true)
	[ $? = 125 ] || { say "$1: started"; return 1; }
	echo "$output" | grep -q "^sbx: cannot show the current directory $1: .*$2" &&
		echo "$output" | grep -q '^sbx: hint: .*--cwd off' && return 0
	say "$output"
	return 1
}
unsuitable "$tmp/home" home
result $? 'the home itself is refused, with the hint'
unsuitable "$tmp" home
result $? 'a directory above it too'
unsuitable / root
result $? 'the root too'
bad=0
for dir in /tmp /run /dev /proc /sys; do
	unsuitable "$dir" sandbox || bad=1
done
result "$bad" 'and /tmp, /run, /dev, /proc, /sys'
is '--cwd off starts from there' "$(cd "$tmp/home" && run --cwd off -- ls -A "$tmp/home")" ''

# ---- mount points that are missing ------------------------------------------------------------

is 'a new name at the top' "$(run --tmpfs /sbx-new -- sh -c 'touch /sbx-new/x && ls -A /sbx-new')" x
is 'the rest of the top is there' "$(run --tmpfs /sbx-new -- ls -A /)" \
	"$( (run -- ls -A /; echo sbx-new) | LC_ALL=C sort)"
is "'/..' is still the root" "$(run --tmpfs /sbx-new -- sh -c 'cd /.. && ls -d sbx-new && ls -A home/.. | grep -c sbx-new')" \
	"$(printf 'sbx-new\n1')"
fails 'the top takes no other name' 1 run --tmpfs /sbx-new -- mkdir /other
is 'a name deep in a directory of the host' "$(run --ro "$tmp/data:/usr/share/sbx-new/a/b" -- cat /usr/share/sbx-new/a/b/file)" data
fails 'what lies beside it is as read-only as before' 1 run --ro "$tmp/data:/usr/share/sbx-new" -- touch /usr/share/x
is 'a file in /etc, with the rest of it' \
	"$(run --ro "$tmp/data/file:/etc/sbx-new" -- sh -c 'cat /etc/sbx-new; grep -c "^root:" /etc/passwd')" "$(printf 'data\n1')"
is 'two of them in one directory' \
	"$(run --ro "$tmp/data:/usr/share/sbx-1" --ro "$tmp/data:/usr/share/sbx-2" -- cat /usr/share/sbx-1/file /usr/share/sbx-2/file)" \
	"$(printf 'data\ndata')"
is 'links beside it stay links' "$(run --tmpfs /sbx-new -- readlink /proc/self)" "$(run -- sh -c 'echo 2')"
output=$(run --rw "$tmp/data:$tmp/data" --tmpfs "$tmp/data/missing" -- true)
is 'in a writable directory of the host none is made' $? 125
like 'and that is said, with the way out' "$output" "sbx: cannot *$tmp/data/missing*hint: *mkdir*"
mkdir "$tmp/out-many"
i=0
while [ $i -lt 511 ]; do
	i=$((i + 1))
	: >"$tmp/out-many/$i"
done
is '511 entries beside it are well' "$(run --tmpfs "$tmp/out-many/new" -- sh -c "ls -A $tmp/out-many | wc -l")" 512
: >"$tmp/out-many/512"
: >"$tmp/out-many/513"
output=$(run --tmpfs "$tmp/out-many/new" -- true)
is 'more than 512 are an error' $? 125
like 'which says so' "$output" '*512*'

# ---- a current directory that is exchanged -------------------------------------------------------

# Who may rename it, as another sandbox with its parent, puts a link to the home in its place.
if [ -x "$attack" ]; then
	mkdir -p "$tmp/out-shared/project"
	ln -s "$tmp/home" "$tmp/out-shared/link"
	"$attack" make swaps "$tmp/out-shared/project" "$tmp/out-shared/link" &
	swapper=$!
	i=0
	bad=0
	rounds=150
	[ -z "${SBX_TEST_EMULATED:-}" ] || rounds=20
	while [ $i -lt $rounds ]; do
		i=$((i + 1))
		cd "$tmp/out-shared/project" || continue
		[ "$(pwd -P)" != "$tmp/home" ] || continue
		[ "$(run -- cat secret)" != secret ] || bad=$((bad + 1))
	done
	kill "$swapper"
	wait "$swapper" 2>/dev/null
	cd "$tmp/work" || exit 1
	is 'it shows what the caller stands in, whatever its name leads to' "$bad" 0
else
	skip 'it shows what the caller stands in, whatever its name leads to' 'there is no attack program'
fi

# ---- in the end ---------------------------------------------------------------------------

rm -rf "$tmp/out-many"
trace >"$tmp/out-after"
ok 'nothing was made, changed or removed on the host' diff "$tmp/out-before" "$tmp/out-after"
