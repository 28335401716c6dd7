#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A hostile command tries from inside what SECURITY.md says it cannot do: with each kind of
# root, with every capability, and as another user. attack.c has the single attempts.
# Without a policy and without Landlock nothing but the sandbox itself holds them; OPTIONS, where
# it is set, stands in place of the options for that.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# The home is to be hidden by itself, not because it lies in /tmp.
[ -n "${TMPDIR:-}" ] || [ ! -w /var/tmp ] || export TMPDIR=/var/tmp
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
attack=${ATTACK:-$here/attack}
bare=${OPTIONS---policy none --landlock off}
[ -x "$attack" ] || skip_all 'there is no attack program'
busybox=$(which busybox 2>/dev/null) || skip_all 'busybox is not installed'

mkdir -p "$tmp/home" "$tmp/work" "$tmp/root/bin" "$tmp/root/etc"
export HOME="$tmp/home"
echo 'a canary' >"$tmp/home/canary"
cp "$attack" "$tmp/work/attack"
cp "$attack" "$busybox" "$tmp/root/bin/"
for applet in sh cat echo sleep true; do
	ln -s busybox "$tmp/root/bin/$applet"
done
cd "$tmp/work" || exit 1

canary CANARY_PORT port
canary CANARY_SHM shm
canary CANARY_READY abstract "sbx-canary-$$"
canary CANARY_READY socket "$tmp/home/socket"
sleep 300 &
waiting="$waiting $!"
export CANARY_PID=$! CANARY_ABSTRACT="sbx-canary-$$" CANARY_FILE="$tmp/home/canary"
export CANARY_SOCKETS="$tmp/home/socket:/run/dbus/system_bus_socket:/run/docker.sock:/run/systemd/private:/dev/log"
CANARY_HANDLE=$("$attack" make handle "$tmp/home/canary" 2>/dev/null) || CANARY_HANDLE=0.00
export CANARY_HANDLE
key=key
"$attack" make key true 2>/dev/null || key=

variables=
for name in PORT SHM PID ABSTRACT FILE SOCKETS HANDLE WRITABLE KEY KEYRING; do
	variables="$variables -e CANARY_$name"
done

# run OPTIONS... -- COMMAND...: by a caller that has a key in its session keyring and directories open
run() {
	# shellcheck disable=SC2086
	if [ -n "$key" ]; then
		timeout -s KILL 30 "$attack" make key "$SBX" run --no-config $bare $variables "$@"
	else
		timeout -s KILL 30 "$SBX" run --no-config $bare $variables "$@"
	fi 7</ 9<"$tmp/home"
}

# attempts WHERE NAMES OPTIONS...: one test for each name, all in one sandbox
attempts() {
	where=$1 names=$2
	shift 2
	# shellcheck disable=SC2086
	run "$@" -- attack try $names </dev/null >"$tmp/out" 2>&1
	for name in $names; do
		if [ -z "$key" ] && [ "$name" = key ]; then
			skip "$where: $name" 'no keys in this kernel'
			continue
		fi
		grep -qx "held $name" "$tmp/out"
		result $? "$where: $name" || say "$(grep "REACHED $name:\|^sbx" "$tmp/out")"
	done
}

# skip_each WHERE NAMES REASON: tests that cannot be made
skip_each() {
	where=$1 names=$2
	for name in $names; do
		skip "$where: $name" "$3"
	done
}
count() {
	echo $#
}

init='init-memory init-links init-descriptors init-arguments init-trace init-settings init-signals init-program'
caller='descriptors directories session process key shared-memory abstract-socket path-sockets loopback'
files='make-devices find-devices change-dev kernel-settings sys kernel-secrets climb own-links handle canary'
mounts='mount-flags write-everywhere undo-mounts undo-mounts-nested cgroup-nested'
all="$init $caller $files $mounts"

# shellcheck disable=SC2086
plan $((6 * $(count $all) + 10 + 26))

# ---- each kind of sandbox ------------------------------------------------------------------

# With the host's root attack lies in the working directory.
account_home=$(awk -F: -v uid="$(id -u)" '$3 == uid { print $6 }' /etc/passwd)
export CANARY_WRITABLE=":$tmp/home:$account_home:/tmp:/run:/dev/shm:/dev/pts:$tmp/work:"
path="PATH=$tmp/work:/bin:/usr/bin"
attempts "host's root" "$all raw-sockets ids" --env "$path"
attempts "host's root, all capabilities" "$all chroot" --cap-add ALL --env "$path"

export CANARY_WRITABLE=':/:/tmp:/run:/dev/shm:/dev/pts:'
attempts 'a root' "$all raw-sockets chroot" -R "$tmp/root"
attempts 'a root, all capabilities' "$all chroot" -R "$tmp/root" --cap-add ALL
attempts 'a root, one id' "$all raw-sockets chroot" -R "$tmp/root" --map single
if "$SBX" run --no-config -R "$tmp/root" -u 1000:1000 -- true 2>/dev/null; then
	attempts 'a root, another user' "$all raw-sockets ids" -R "$tmp/root" -u 1000:1000
else
	skip_each 'a root, another user' "$all raw-sockets ids" 'no subordinate ids here'
fi

if "$SBX" run --no-config -R "$tmp/root" -u 1000:1000 -- true 2>/dev/null; then
	run -R "$tmp/root" -- attack try set-id >"$tmp/out" 2>&1
	is 'a set-id program has no effect' "$(tail -n 1 "$tmp/out")" 'held set-id'
else
	skip 'a set-id program has no effect' 'no subordinate ids here'
fi

# ---- what the caller handed over -----------------------------------------------------------

echo input >"$tmp/input"
for root in host "$tmp/root"; do
	run -R "$root" --env "$path" -- attack try stdin directories <"$tmp/input" >"$tmp/out" 2>&1
	is "a file on stdin cannot be opened for writing, $(basename "$root")" "$(cat "$tmp/out")" \
		"$(printf 'held stdin\nheld directories')"
done
run -- true <"$tmp/home" >"$tmp/out" 2>&1
is 'a directory on stdin is refused' $? 125
like 'a directory on stdin is named' "$(cat "$tmp/out")" 'sbx: cannot *directory*'
run -R "$tmp/root" -w /proc/self/fd/7 -- true >"$tmp/out" 2>&1
is 'a descriptor as working directory is refused' $? 125

attempts_on_terminal() {
	# shellcheck disable=SC2086
	"$attack" make terminal timeout -s KILL 30 "$SBX" run --no-config $bare --env "$path" "$@" \
		-- attack try terminal session 2>&1 | cat
}
is "the caller's terminal takes nothing, host's root" "$(attempts_on_terminal)" \
	"$(printf 'held terminal\nheld session')"
is "the caller's terminal takes nothing, a root with all capabilities" \
	"$(attempts_on_terminal -R "$tmp/root" --cap-add ALL)" "$(printf 'held terminal\nheld session')"

# kill(-1) and kill(0) from inside: this shell and the canaries live on
run --env "$path" -- attack try kill-everybody >"$tmp/out" 2>&1
kill -0 "$CANARY_PID"
result $? 'kill(-1) and kill(0) stop at the sandbox'

# Where the processes of outside are seen none of them is a way out. (Before Linux 5.11 one of
# them serves the copy-on-write directory.)
for seen in '--proc host' '--share pid'; do
	# shellcheck disable=SC2086
	run --env "$path" $seen -- attack try other-roots >"$tmp/out" 2>&1
	case $(cat "$tmp/out") in
	'held other-roots' | 'sbx: cannot put a layer over '*) result 0 "$seen: no process is a way out" ;;
	*) result 1 "$seen: no process is a way out" || say "$(cat "$tmp/out")" ;;
	esac
done

# ---- sbx as a tool against itself -----------------------------------------------------------

# Who executes the launcher's own file has it at /proc/PID/exe, on the host's mount.
ln -s /proc/self/exe "$tmp/root/bin/itself"
printf '#!/proc/self/exe --version\n' >"$tmp/root/bin/script"
printf '#!/bin/itself --version\n' >"$tmp/root/bin/script-2"
for i in 3 4 5 6; do
	printf '#!/bin/script-%s\n' $((i - 1)) >"$tmp/root/bin/script-$i"
done
chmod 755 "$tmp/root/bin/script" "$tmp/root/bin"/script-?
# The kernel follows five of them: script-6 is the last that gets there.
for name in itself script script-2 script-3 script-4 script-5 script-6 /proc/self/exe /proc/thread-self/exe; do
	fails "sbx does not become itself by $name" 126 run -R "$tmp/root" -- "$name" --version
done

# A file without any mark is given to the shell of the root.
mkdir -p "$tmp/odd/bin"
ln -s /proc/self/exe "$tmp/odd/bin/sh"
echo text >"$tmp/odd/bin/plain"
chmod 755 "$tmp/odd/bin/plain"
fails 'nor by the shell of a plain file' 126 run -R "$tmp/odd" -- /bin/plain --version

# The time limit holds, and the end of the command is seen.
begin() {
	began=$(date +%s)
}
took() {
	[ $(($(date +%s) - began)) -lt "$1" ]
}
begin
run --env "$path" --timeout 1 --kill-after 1 -- sh -c 'attack try init-limits; sleep 20' >/dev/null 2>&1
[ $? = 124 ] && took 10
result $? 'an init without descriptors still keeps the time'
begin
# The orphan wakes the init once before the command ends.
run --env "$path" -- sh -c 'attack try init-limits; (sleep 0.1 &); sleep 0.5; exit 7' >/dev/null 2>&1
[ $? = 7 ] && took 10
result $? 'an init without descriptors still sees the end'
begin
run --env "$path" --timeout 1 --kill-after 1 -- attack try stop-and-continue >/dev/null 2>&1
[ $? = 124 ] && took 10
result $? 'a command that stops and continues does not stop the clock'
begin
run --env "$path" --timeout 1 --kill-after 1 -- sh -c 'kill -STOP $$; sleep 20' >/dev/null 2>&1
[ $? = 124 ] && took 10
result $? 'a command that has stopped does not stop the clock'

# ---- whoever joins --------------------------------------------------------------------------

run --env "$path" --pid-file "$tmp/pid" -- attack try joiner >"$tmp/joiner" 2>&1 &
hostile=$!
until_true test -s "$tmp/pid"
init_pid=$(cat "$tmp/pid" 2>/dev/null) || init_pid=1
command_pid=$(cat "/proc/$init_pid/task/$init_pid/children" 2>/dev/null)
command_pid=${command_pid%% *}
if [ -n "$command_pid" ]; then
	for _ in 1 2 3 4 5; do
		"$SBX" run --no-config --join "pid:/proc/$command_pid/ns/pid" -- true >/dev/null 2>&1
		"$SBX" run --no-config --join "user:/proc/$command_pid/ns/user" \
			--join "pid:/proc/$command_pid/ns/pid" -- true >/dev/null 2>&1
	done
	wait "$hostile"
	is 'whoever joins is no way out for those inside' "$(cat "$tmp/joiner")" 'held joiner'
else
	skip 'whoever joins is no way out for those inside' 'the children of a process cannot be seen'
	kill "$hostile"
fi
