#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a sandbox in gVisor must not reach: the host's files, loopback, sockets and processes from inside, and
# whoever breaks out of gVisor finds nothing of the host either.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root
attack=${ATTACK:?the path of the attack program}

mkdir -p "$tmp/secret" "$tmp/out"
echo 'a canary' >"$HOME/canary"
echo 'a canary' >"$tmp/secret/canary"
cp "$attack" "$root/bin/attack"
cp "$attack" "$tmp/work/attack"
ln -s "$tmp/secret/canary" "$tmp/out/link"

canary CANARY_PORT port
canary CANARY_SHM shm
canary CANARY_READY abstract "sbx-canary-$$"
canary CANARY_READY socket "$HOME/socket"
sleep 300 &
waiting="$waiting $!"
export CANARY_PID=$! CANARY_ABSTRACT="sbx-canary-$$" CANARY_FILE="$HOME/canary"
export CANARY_SOCKETS="$HOME/socket:/run/dbus/system_bus_socket:/run/docker.sock:/run/systemd/private:/dev/log"
CANARY_HANDLE=$("$attack" make handle "$HOME/canary" 2>/dev/null) || CANARY_HANDLE=0.00
export CANARY_HANDLE
variables=
for name in PORT SHM PID ABSTRACT FILE SOCKETS HANDLE WRITABLE; do
	variables="$variables -e CANARY_$name"
done

# attempts WHERE OPTIONS...: a test for each of $names, all in one sandbox
# Devices are gVisor's own, whoever makes them.
names='descriptors directories session process shared-memory abstract-socket path-sockets loopback
	sys kernel-secrets climb own-links handle canary write-everywhere raw-sockets'
attempts() {
	where=$1
	shift
	# shellcheck disable=SC2086
	gvisor --no-config $variables "$@" -- attack try $names >"$tmp/said" 2>&1 7</ 9<"$HOME"
	for name in $names; do
		grep -qx "held $name" "$tmp/said"
		result $? "$where: $name" || say "$(grep "REACHED $name:\|^sbx" "$tmp/said")"
	done
}
count() {
	echo $#
}

# shellcheck disable=SC2086
plan $((4 * $(count $names) + 13))

export CANARY_WRITABLE=':/:/tmp:/run:/dev/shm:/dev/pts:/dev:'
attempts 'a root' --net none -R "$root"
# Who is given NET_RAW has raw sockets, of gVisor's own stack.
attempts 'a root, all other capabilities' --net none -R "$root" --cap-add ALL --cap-drop NET_RAW
is 'raw sockets are there for NET_RAW alone' \
	"$(gvisor --no-config --net none -R "$root" --cap-add NET_RAW -- attack try raw-sockets 2>&1)" \
	'REACHED raw-sockets: a raw socket opens'
attempts 'a root, another user' --net user -R "$root" -u 1000:1000
account_home=$(awk -F: -v uid="$(id -u)" '$3 == uid { print $6; exit }' /etc/passwd)
export CANARY_WRITABLE=":$HOME:$account_home:/tmp:/run:/dev/shm:/dev/pts:/dev:$tmp/work:"
attempts "the host's root" --net user --env "PATH=$tmp/work:/bin:/usr/bin"

# ---- paths -----------------------------------------------------------------------------------

output=$(gvisor --no-config --net none -R "$root" --rw "$tmp/out:/out" -- sh -c '
	ls -A / | tr "\n" " "; echo
	cat /out/link 2>&1; cat /out/../../../../../../../.."$1" /proc/1/root"$1" /proc/self/root"$1" 2>&1
	ln -s / /out/top; cat /out/top"$1" 2>&1; ls /proc | grep -c "^[0-9]"' sh "$tmp/secret/canary" 2>&1)
is 'a link in a bind leads nowhere outside' "$(printf '%s\n' "$output" | grep -c 'a canary')" 0 || say "$output"
is "the root has no place of runsc's" "$(printf '%s\n' "$output" | sed -n 1p | tr ' ' '\n' | grep -cxE 'rootfs|bundle|log|runsc|console')" 0 ||
	say "$output"
is 'and two or three processes are in sight' "$(printf '%s\n' "$output" | tail -n 1 | tr -d '2-9')" ''

# ---- the host's loopback ---------------------------------------------------------------------

port=${CANARY_PORT##*:}
is 'outside the canary answers' \
	"$(timeout 5 python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3); print("reached")' "$port" 2>&1)" \
	reached
for address in 127.0.0.1 10.0.2.2; do
	is "inside $address does not" "$(gvisor --no-config --net user -R "$root" -- sh -c \
		'echo x | timeout 5 nc -w 3 "$1" "$2" >/dev/null 2>&1 && echo reached' sh "$address" "$port" 2>/dev/null)" ''
done

# ---- who breaks out ---------------------------------------------------------------------------

# What root of a namespace around the sandbox sees of gVisor's processes. That root owns the top of the tree
# and runsc, as sbx demands it.
cat >look.sh <<'END'
set -e
echo "0:1:65535" >"$tmp/subids"
mount --bind "$tmp/subids" /etc/subuid
mount --bind "$tmp/subids" /etc/subgid
mkdir "$tmp/top"
mount -t tmpfs top "$tmp/top"
cd "$tmp/top"
for name in /*; do
	if [ -L "$name" ]; then
		cp -a "$name" .
	elif [ -d "$name" ]; then
		mkdir ".$name"
		mount --rbind "$name" ".$name"
	fi
done
mkdir runsc
cp "$runsc" runsc/runsc
[ ! -d "${runsc%/*}/gvisor-bin" ] || cp -r "${runsc%/*}/gvisor-bin" runsc/
runsc=/runsc/runsc
pivot_root . .
umount -l .
cd "$tmp/work"
set +e
"$SBX" run --no-config --runtime runsc --runsc "$runsc" --net user -R "$root" -- sh -c 'echo ready; exec sleep 60' \
	>"$tmp/log" 2>&1 </dev/null &
launcher=$!
tries=0
until grep -q ready "$tmp/log" 2>/dev/null || [ $tries = 100 ]; do tries=$((tries + 1)); sleep 0.1; done
cat "$tmp/log"
below() { # PID
	for child in $(cat /proc/"$1"/task/*/children); do
		echo "$child"
		below "$child"
	done
}
for pid in $(below "$launcher"); do
	name=$(cat "/proc/$pid/comm")
	case $name in sbx*) continue ;; esac
	for kind in net mnt pid ipc uts; do
		[ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ] || echo "$name shares $kind"
	done
	grep -qx 'NoNewPrivs:	1' "/proc/$pid/status" || echo "$name may gain privileges"
	[ ! -e "/proc/$pid/root$tmp/secret/canary" ] || echo "$name sees the host"
	[ ! -e "/proc/$pid/root/etc/subuid" ] || echo "$name sees /etc"
	for fd in "/proc/$pid/fd/"*; do
		case $(readlink "$fd") in
		"$HOME"* | "$tmp/secret"* | "$tmp/work"*) echo "$name holds $(readlink "$fd")" ;;
		esac
	done
	tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -F canary
	echo "$name $(sed -n 's/^Uid:.//p' "/proc/$pid/status" | cut -f1) $(sed -n 's/^CapEff:.//p' "/proc/$pid/status") $(sed -n 's/^Seccomp:.//p' "/proc/$pid/status")"
done | sort -u
kill -KILL "$launcher"
END
export SBX tmp root runsc
output=$(timeout -s KILL 60 unshare --map-auto --map-root-user -m --pid --fork --kill-child --mount-proc sh look.sh 2>&1 </dev/null)
printf '%s\n' "$output" | grep -q ready
result $? 'a sandbox runs to be looked at' || say "$output"
is 'its processes share no namespace with the host' "$(printf '%s\n' "$output" | grep shares)" ''
is 'none may gain privileges' "$(printf '%s\n' "$output" | grep gain)" ''
is 'none sees a file of the host' "$(printf '%s\n' "$output" | grep sees)" ''
is 'none holds one' "$(printf '%s\n' "$output" | grep -e holds -e 'a canary')" ''
printf '%s\n' "$output" | grep -q '^[a-z-]* [0-9]* [0-9a-f]* 2$'
result $? 'and they are below a filter' || say "$output"
say "$output"
