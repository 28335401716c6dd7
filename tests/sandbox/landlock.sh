#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --isolation landlock, the mode without user namespaces: what it promises is attacked from
# inside, what it cannot do is refused by name, and it tells what it does not protect.
# shellcheck disable=SC2016,SC2086,SC2009 # scripts in quotes are for other shells; lists of words
# The home is to be closed by itself, not because it lies in /tmp.
[ -n "${TMPDIR:-}" ] || [ ! -w /var/tmp ] || export TMPDIR=/var/tmp
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
attack=${ATTACK:?the path of the attack program}
own_place
unset TMPDIR
alone='run --no-config --isolation landlock'

# lonely ARG...: a run, without what it says about itself
lonely() {
	timeout -s KILL 30 "$SBX" $alone "$@" 2>"$tmp/stderr" </dev/null
	status=$?
	grep -v '^sbx: note: ' "$tmp/stderr" >&2
	return "$status"
}

if ! "$SBX" $alone -- true 2>"$tmp/why" >/dev/null; then
	grep -q 'kernel has' "$tmp/why" || {
		echo '1..1'
		echo 'not ok 1 - a kernel that cannot is named'
		sed 's/^/# /' "$tmp/why"
		exit 1
	}
	plan 3
	fails 'a kernel without what it needs is refused' 125 "$SBX" $alone -- true
	like 'by name' "$(head -n 1 "$tmp/why")" 'sbx: cannot *: this kernel has *'
	like 'with a hint' "$(sed -n 2p "$tmp/why")" 'sbx: hint: *'
	exit 0
fi

mkdir -p "$tmp/home"
export HOME="$tmp/home"
echo 'a canary' >"$tmp/home/canary"
cp "$attack" attack
canary CANARY_PORT port
canary CANARY_SHM shm
canary CANARY_READY abstract "sbx-canary-$$"
canary CANARY_READY socket "$tmp/home/socket"
canary CANARY_READY datagrams "$tmp/home/datagrams"
sleep 300 &
waiting="$waiting $!"
export CANARY_PID=$! CANARY_ABSTRACT="sbx-canary-$$" CANARY_FILE="$tmp/home/canary"
export CANARY_SOCKETS="$tmp/home/socket:/run/dbus/system_bus_socket" CANARY_DATAGRAM="$tmp/home/datagrams"
variables=
for name in PORT SHM PID ABSTRACT FILE SOCKETS DATAGRAM; do
	variables="$variables -e CANARY_$name"
done

# attempts WHERE NAMES OPTION...: one test for each name, all in one sandbox
attempts() {
	where=$1 names=$2
	shift 2
	lonely $variables "$@" -- ./attack try $names >"$tmp/out" 2>&1 7</ 9<"$tmp/home"
	for name in $names; do
		grep -qx "held $name" "$tmp/out"
		result $? "$where: $name" || say "$(grep "REACHED $name:\|^sbx" "$tmp/out")"
	done
}
count() {
	echo $#
}

files='read-home carry-home write-outside empty-outside remove-outside use-devices'
others='signals limits read-process above namespaces mounts ring type shared-memory descriptors directories'
sockets='sockets pairs abstract-socket path-sockets loopback'

plan $((2 * $(count $files) - 1 + 3 * $(count $others) + 2 * $(count $sockets) + 4 + 61 + 9))

# ---- attacks -----------------------------------------------------------------------------

attempts 'no network' "$files $others $sockets"
# Whoever may write here may not write there: and the attempt on "." is not one then.
attempts 'a directory that can be written' "read-home carry-home empty-outside remove-outside use-devices $others $sockets" --rw .
attempts 'the network of the host' "$others pairs abstract-socket path-sockets other-sockets" --share net
is 'the file of the home is as it was' "$(cat "$tmp/home/canary")" 'a canary'

# The attempts are not held because they could not work.
output=$(./attack try read-home empty-outside pairs signals abstract-socket loopback sockets ring 2>&1)
for name in read-home empty-outside pairs signals abstract-socket loopback sockets; do
	like "without a sandbox it gets through: $name" "$output" "*REACHED $name: *"
done
echo 'a canary' >"$tmp/home/canary"
rm -f link

# ---- what it gives -----------------------------------------------------------------------

echo text >text
is 'the current directory can be read' "$(lonely -- cat text)" text
like 'and not written' "$(lonely -- sh -c 'echo x >text' 2>&1)" '*ermission denied*'
is 'with --rw it can' "$(lonely --rw . -- sh -c 'echo more >>text; cat text' | xargs)" 'text more'
is 'files can be moved between directories' \
	"$(lonely --rw . -- sh -c 'mkdir a b; echo x >a/f; mv a/f b/f; ls b; rm -r a b')" f
is 'links too, and directories with what is in them' \
	"$(lonely --rw . -- sh -c 'mkdir -p a/c b; echo x >a/c/f; ln a/c/f b/g; mv a/c b/; cat b/c/f b/g; rm -r a b' | xargs)" 'x x'
mkdir "$tmp/home/shown" "$tmp/home/hidden"
echo shown >"$tmp/home/shown/file"
is 'a directory of the home is shown where it is' "$(lonely --ro "$tmp/home/shown" -- cat "$tmp/home/shown/file")" shown
like 'its neighbour is not' "$(lonely --ro "$tmp/home/shown" -- ls "$tmp/home/hidden" 2>&1)" '*ermission denied*'
like 'with --mask a part of it is closed' \
	"$(lonely --ro "$tmp/home/shown" --mask "$tmp/home/shown/file" -- cat "$tmp/home/shown/file" 2>&1)" '*ermission denied*'
is 'TMPDIR and HOME are a private directory' \
	"$(lonely -- sh -c 'echo x >"$TMPDIR/f"; cat "$HOME/f"; stat -c %a "$TMPDIR"' | xargs)" 'x 700'
is 'which is gone afterwards' "$(find "$tmp/run" -mindepth 2)" ''
is 'HOME can be another' "$(lonely -e HOME=/srv -- sh -c 'echo "$HOME"')" /srv
is 'the environment is a clean one' \
	"$(SSH_AUTH_SOCK=/x DBUS_SESSION_BUS_ADDRESS=y lonely -- env | sed 's/=.*//' | sort | grep -v '^PWD$\|^_$' | xargs)" \
	"$(printf 'HOME\nLANG\nPATH\nTERM\nTMPDIR\nUSER\n' | sort | xargs)"
is 'programs run others' "$(lonely -- sh -c 'for i in 1 2 3; do echo $i | cat; done' | xargs)" '1 2 3'
is 'devices work' "$(lonely -- sh -c 'echo x >/dev/null; head -c 3 /dev/zero | wc -c')" 3
is 'no file of ours is made in the current directory' "$(find . | sort | xargs)" '. ./attack ./text'
is 'with --share net a port of the host is reached' \
	"$(CANARY_READY='' lonely --share net $variables -- ./attack try loopback | cut -d: -f1)" 'REACHED loopback'
is 'pairs of sockets that stay with each other are left' \
	"$(lonely -- python3 -c 'import socket; a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1).decode())' 2>&1 |
		sed 's/.*not found.*\|.*No such file.*/x/')" x

like 'a terminal of its own can be opened by its name' \
	"$(lonely -t -- sh -c 'echo one >"$(tty)"; echo two >/dev/tty; test -t 0 && echo three' | tr -d '\r' | xargs)" \
	'one two three'
is 'nothing can be typed into it' "$(lonely -t -- ./attack try type | tr -d '\r')" 'held type'

# ---- a layer around a sandbox of namespaces ---------------------------------------------

# layered WORD ATTEMPT OPTION...: what the attempt says, without a filter, with --landlock WORD
layered() {
	word=$1 attempt=$2
	shift 2
	timeout -s KILL 30 "$SBX" run --no-config --landlock "$word" $variables "$@" -- ./attack try "$attempt" 2>&1 </dev/null
}
# policy LINE...: a file that filters nothing and has these lines in [landlock]
policy() {
	{
		echo '%sbx-policy 1'
		echo '@extends none'
		echo '[landlock]'
		printf '%s\n' "$@"
	} >"$tmp/layer.sbx"
}
is 'signals stay inside where processes are shared' "$(layered require signals --policy none --share pid)" 'held signals'
like 'without the layer they do not' "$(layered off signals --policy none --share pid)" 'REACHED signals: *'
is 'abstract sockets are kept from where the network is shared' \
	"$(layered require abstract-socket --policy none --share net)" 'held abstract-socket'
like 'without the layer they are not' "$(layered off abstract-socket --policy none --share net)" 'REACHED abstract-socket: *'
policy 'tcp.connect = 1'
is 'a policy that names ports closes the others' "$(layered require loopback --policy "$tmp/layer.sbx" --share net)" 'held loopback'
policy "tcp.connect = $CANARY_PORT"
like 'and leaves open those that it names' "$(layered require loopback --policy "$tmp/layer.sbx" --share net)" 'REACHED loopback: *'
policy 'scope = signal'
like 'a policy that names scopes has no others' \
	"$(layered require abstract-socket --policy "$tmp/layer.sbx" --share net)" 'REACHED abstract-socket: *'
policy 'ro = /' "rw = $tmp/work /dev/null"
like 'a policy that names paths closes the others' \
	"$("$SBX" run --no-config --policy "$tmp/layer.sbx" --cwd rw -- sh -c 'echo x >here && cat here && echo x >/tmp/there' 2>&1)" \
	'x*/tmp/there: Permission denied'
rm -f here
is 'the layer forbids no mounts' \
	"$("$SBX" run --no-config --policy none --landlock require --cap-add ALL -- sh -c 'mount -t tmpfs x /mnt && echo mounted' 2>&1)" mounted

# ---- its end -----------------------------------------------------------------------------

lonely -- sh -c 'exit 7'
is 'the status is that of the command' $? 7
lonely -- sh -c 'kill -TERM $$'
is 'or of its signal' $? 143
lonely --timeout 1 -- sleep 20
is 'a timeout ends it' $? 124
lonely -- /no/such/file 2>/dev/null
is 'a command that is not there' $? 127
lonely -- sh -c '(setsid sleep 287 &) ; (sleep 287 &); exit 3'
is 'what it left running does not hold it' $? 3
until_true sh -c '! ps -eo args | grep -q "^sleep 28[7]"'
is 'and has ended' "$(ps -eo args | grep -c '^sleep 28[7]')" 0
timeout -s KILL 30 "$SBX" $alone -- sleep 286 2>/dev/null &
launcher=$!
until_true sh -c 'ps -eo args | grep -q "^sleep 28[6]"'
kill -TERM "$(ps -o pid= --ppid "$launcher" 2>/dev/null | head -n 1)"
wait "$launcher"
is 'a signal to sbx reaches the command' $? 143

sh -c 'echo $$ >"$1/launcher"; shift; exec "$@"' sh "$tmp" "$SBX" $alone -- \
	sh -c 'echo x >"$TMPDIR/left"; mkdir -p "$TMPDIR/d"; chmod 0 "$TMPDIR/d"; (setsid sleep 285 &); sleep 285' 2>/dev/null &
until_true sh -c 'ps -eo args | grep -q "^sleep 28[5]"'
until_true sh -c 'ls -d "$1"/sbx/.private-*/left' sh "$tmp/run" >/dev/null 2>&1
kill -KILL "$(cat "$tmp/launcher")"
until_true sh -c '! ps -eo args | grep -q "^sleep 28[5]"'
is 'when sbx is killed, nothing runs on' "$(ps -eo args | grep -c '^sleep 28[5]')" 0
lonely -- true
is 'and the next start removes what was left' "$(find "$tmp/run" -name '.private-*')" ''

sh -c 'echo $$ >"$1/launcher"; shift; exec "$@"' sh "$tmp" "$SBX" $alone -- \
	sh -c '(setsid sleep 283 &); exec sleep 283' 2>/dev/null &
launcher=$!
until_true sh -c 'ps -eo args | grep -q "^sleep 28[3]"'
kill -KILL "$(ps -o pid= --ppid "$(cat "$tmp/launcher")")"
wait "$launcher"
is 'when its init is killed, that is the end' $? 137
is 'of all that it had' "$(ps -eo args | grep -c '^sleep 28[3]')" 0

"$SBX" $alone -d --name alone -- sleep 284 2>/dev/null
is 'in the background it is listed' "$("$SBX" list | awk '$1 == "alone" { print $1 }')" alone
"$SBX" kill alone
until_true sh -c '! "$0" list | grep -q "^alone "' "$SBX"
is 'and can be ended' "$("$SBX" list | grep -c '^alone ')" 0

# ---- what it says ------------------------------------------------------------------------

like 'it tells what it does not protect' "$("$SBX" $alone -- true 2>&1)" \
	'sbx: note: behind Landlock alone the command sees *'
is 'but not in JSON' "$("$SBX" $alone --log-format json -- true 2>&1)" ''
like '--dry-run tells all of it' "$("$SBX" $alone --dry-run -- true)" '*isolation*Landlock (ABI *stays open*'
like 'and where the end is best effort' "$("$SBX" $alone --dry-run -- true)" '*ended as far as it can be found*'

# refuses WORD OPTION...: by its name
refuses() {
	word=$1
	shift
	like "$* is refused by name" "$("$SBX" $alone "$@" -- true 2>&1 | head -n 1)" \
		"sbx: cannot *$word* with --isolation landlock*"
}
refuses --root -R /usr
refuses '--cwd cow' --cwd cow
refuses '--cow' --cow .
refuses --tmpfs --tmpfs /mnt
refuses 'show ' --ro "$tmp/home/shown:/mnt"
refuses '--proc new' --proc new
refuses --user -u 0
refuses '--groups drop' --groups drop
refuses --hostname --hostname x
refuses --map --map subuid
refuses --join --join net:/proc/self/ns/net
refuses --cap-add --cap-add NET_RAW
refuses --no-init --no-init
fails 'with 125' 125 "$SBX" $alone --hostname x -- true
mkdir -p "$tmp/config/sbx"
echo 'hostname x' >"$tmp/config/sbx/sbx.conf"
like 'an option of a file is refused with its line' \
	"$(XDG_CONFIG_HOME="$tmp/config" "$SBX" run --isolation landlock -- true 2>&1 | head -n 1)" \
	'sbx: cannot use --hostname x of */sbx.conf:1 with --isolation landlock*'

without_landlock() { # ERRNO
	if command -v python3 >/dev/null && "$here/refuse.py" keyctl=EPERM -- true 2>/dev/null; then
		"$here/refuse.py" "landlock_create_ruleset=$1" -- "$SBX" $alone -- true 2>&1
	else
		echo 'sbx: cannot use Landlock: this kernel has none'
	fi
}
for errno in ENOSYS EOPNOTSUPP; do
	like "a kernel without Landlock is named ($errno)" "$(without_landlock "$errno" | head -n 1)" \
		'sbx: cannot use Landlock: this kernel has none*'
done
