#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each protection is left out once, in a build with failpoints, and the attempt that it stops
# must then succeed: a test that cannot fail proves nothing.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

tree=$(cd "$(dirname "$0")/../.." && pwd)
attack=${ATTACK:?the path of the attack program}
busybox=$(command -v busybox) || skip_all 'busybox is not installed'
own_place
mkdir -p "$tmp/root/bin" "$tmp/root/etc"
cp "$attack" "$tmp/work/"
cp "$attack" "$busybox" "$tmp/root/bin/"
ln -s busybox "$tmp/root/bin/true"
ln -s /proc/self/exe "$tmp/root/bin/itself"
echo input >input
: >"$tmp/attacked"

# A policy and Landlock would stop some of the attempts too: without them each is left to the
# protection it is about.
run() {
	timeout -s KILL 30 "$SBX" run --no-config --policy none --landlock off "$@"
}
run_by_landlock() {
	timeout -s KILL 30 "$SBX" run --no-config --policy none --isolation landlock "$@"
}
# differs PROTECTION WITH WITHOUT COMMAND...: what the command says with it and without
differs() {
	protection=$1
	with=$2
	without=$3
	shift 3
	echo "$protection" >>"$tmp/attacked"
	like "$protection: holds" "$("$@" 2>&1)" "$with"
	like "$protection: is missed" "$(SBX_TEST_OFF=$protection "$@" 2>&1)" "$without"
}
# stops PROTECTION ATTEMPT OPTION...: an attempt of the attack program
stops() {
	protection=$1
	attempt=$2
	shift 2
	differs "$protection" "held $attempt" "REACHED $attempt: *" attempt "$attempt" "$@"
}
# The init drops its power while the command starts already: later it is as open as it gets.
attempt() {
	name=$1
	shift
	run "$@" -- sh -c 'sleep 0.3; exec ./attack try "$0"' "$name" <input 7</etc
}
attempt_in_root() {
	name=$1
	shift
	run -R "$tmp/root" "$@" -- attack try "$name" <input
}

plan 53

stops 'seal stdin' stdin
stops descriptors descriptors
stops session session
stops 'closed init' init-memory
stops 'closed init' init-trace
stops 'closed init' init-descriptors

if "$attack" make key true 2>/dev/null; then
	with_key() {
		"$attack" make key "$SBX" run --no-config --policy none --landlock off -e CANARY_KEY \
			-e CANARY_KEYRING -- ./attack try key </dev/null
	}
	differs keyring 'held key' 'REACHED key: *' with_key
else
	echo keyring >>"$tmp/attacked"
	skip 'keyring: holds' 'no keys in this kernel'
	skip 'keyring: is missed' 'no keys in this kernel'
fi
differs capabilities 'held raw-sockets' 'REACHED raw-sockets: *' \
	attempt_in_root raw-sockets
differs 'locked mounts' 'held undo-mounts' 'REACHED undo-mounts: *' \
	attempt_in_root undo-mounts --cap-add SYS_ADMIN
differs 'own file' 'sbx: cannot *' 'sbx *features*' run -R "$tmp/root" -- itself --version

stops read-only change-dev
stops nosuid mount-flags
stops nodev mount-flags
stops masks kernel-secrets
mkdir "$tmp/home"
echo canary >"$tmp/home/canary"
export CANARY_FILE="$tmp/home/canary"
HOME=$tmp/home stops 'private directories' climb -e CANARY_FILE
if run_by_landlock -- true 2>/dev/null; then
	differs landlock '*held read-home' '*REACHED read-home: *' \
		run_by_landlock -e CANARY_FILE -- ./attack try read-home
else
	echo landlock >>"$tmp/attacked"
	skip 'landlock: holds' 'this kernel cannot isolate by Landlock'
	skip 'landlock: is missed' 'this kernel cannot isolate by Landlock'
fi

# Whoever enters the mount namespace stands on the top of what is stacked at its root.
ln -s busybox "$tmp/root/bin/cat"
ln -s busybox "$tmp/root/bin/sleep"
echo inside >"$tmp/root/etc/where"
enter_root() {
	"$SBX" run --no-config -d --name entered -R "$tmp/root" -- sleep 60 </dev/null
	init=$("$SBX" list | awk '$1 == "entered" { print $2 }')
	nsenter -U -m --preserve-credentials -t "$(tr -d ' ' <"/proc/$init/task/$init/children")" \
		/bin/cat /etc/where
	"$SBX" kill -s KILL entered
}
differs 'old root' inside 'nsenter: *' enter_root

differs limits 77 '*[!7]*' run --rlimit nofile=77 -- sh -c 'ulimit -n'
with_open_mask() {
	(umask 0 && run -- sh -c umask)
}
differs umask 0022 0000 with_open_mask

# Refuses uname(2) by its number, that of x86-64 or of aarch64.
number='\077'
[ "$(uname -m)" != aarch64 ] || number='\240'
{
	printf '\040\000\000\000\000\000\000\000'
	printf '\025\000\000\001%b\000\000\000' "$number"
	printf '\006\000\000\000\015\000\005\000'
	printf '\006\000\000\000\000\000\377\177'
} >filter
differs filter refused 'Linux*' run --seccomp filter -- sh -c 'uname 2>/dev/null || echo refused'

# A link in the root means the root's own directory, not the host's of that name.
mkdir -p "$tmp/shown" "$tmp/root/usr"
echo shown >"$tmp/shown/file"
ln -s /usr "$tmp/root/link"
differs destinations shown '*No such file*' run -R "$tmp/root" --ro "$tmp/shown:/link" -- \
	cat /usr/file

# A mount point that is missing is not made in a directory of the user.
make_point() {
	rm -rf "$tmp/work/point"
	run --cwd rw --ro "$tmp/shown:$tmp/work/point" -- true >/dev/null 2>&1
	[ -d "$tmp/work/point" ] && echo made || echo 'not made'
}
differs 'own directories' 'not made' made make_point

# An init that stands still cannot see that its launcher is gone.
leave_stopped() {
	"$SBX" run --no-config -d --name still -- sleep 60 </dev/null
	init=$("$SBX" list | awk '$1 == "still" { print $2 }')
	kill -STOP "$init"
	kill -KILL "$(sed -n 's/.*"launcher": *\([0-9]*\).*/\1/p' "$XDG_RUNTIME_DIR/sbx/still/entry.json")"
	sleep 1
	if grep -q '^State:	[TtRS]' "/proc/$init/status" 2>/dev/null; then
		echo 'it is left'
		kill -KILL "$init"
	else
		echo 'it is gone'
	fi
}
differs 'death signal' 'it is gone' 'it is left' leave_stopped

# A caller with more groups than one: the root of a user namespace can be that.
cat >"$tmp/grouped" <<'END'
exec setpriv --groups 5,6 -- "$SBX" run --no-config --cwd off -- id -G
END
grouped() {
	unshare --map-root-user --map-auto sh "$tmp/grouped"
}
export SBX
if [ "$(grouped 2>&1 | grep -c '^[0-9]')" = 1 ]; then
	differs groups 0 '0 *' grouped
else
	echo groups >>"$tmp/attacked"
	skip 'groups: holds' 'no caller with more groups can be made here'
	skip 'groups: is missed' 'no caller with more groups can be made here'
fi

# In a cgroup of its own a sandbox sees no name of the groups above it.
if run --pids 50 -- true 2>/dev/null; then
	differs cgroup '0::/' '0::/?*' run --pids 50 -- sed -n '/^0::/p' /proc/self/cgroup
else
	echo cgroup >>"$tmp/attacked"
	skip 'cgroup: holds' 'no cgroup can be had here'
	skip 'cgroup: is missed' 'no cgroup can be had here'
fi

# Where the caller may write its file, sbx-oci goes on from one that nobody can.
mkdir "$tmp/bundle" && cp -a "$tmp/root" "$tmp/bundle/rootfs"
"$SBX_OCI" spec --rootless -b "$tmp/bundle"
sed 's/"terminal": *true/"terminal": false/; s/^\( *\)"sh"$/\1"busybox", "sleep", "60"/' "$tmp/bundle/config.json" >"$tmp/changed"
mv "$tmp/changed" "$tmp/bundle/config.json"
container() {
	timeout -s KILL 10 "$SBX_OCI" --root "$tmp/containers" "$@"
}
runs() {
	container state copied 2>/dev/null | grep -q '"running"'
}
look_at_runtime() {
	"$SBX_OCI" --root "$tmp/containers" run -b "$tmp/bundle" copied >"$tmp/copied" 2>&1 </dev/null &
	runtime=$!
	until_true runs || cat "$tmp/copied"
	if [ -w "/proc/$runtime/exe" ]; then echo 'it can be written'; else echo 'it cannot be written'; fi
	container delete --force copied
	wait "$runtime" 2>/dev/null
}
differs 'own copy' 'it cannot be written' 'it can be written' look_at_runtime

# Each protection that the source names is left out above.
grep -rhoE 'protection_is_off\("[a-z -]+"\)' "$tree"/launcher "$tree"/userns "$tree"/policy "$tree"/net |
	sed 's/.*("\(.*\)")/\1/' | sort -u >"$tmp/named"
is 'no protection is left out of this test' "$(sort -u "$tmp/attacked" | comm -13 - "$tmp/named")" ''
