#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever sits inside, with all power over its network or with none, attacks it; and so do far
# sides. tests/net/hostile.sh has the frames that no kernel sends.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet
cp "$net_here/attack_guest.py" "$tmp/work/guest"
chmod 755 "$tmp/work/guest"

# With all that a sandbox can be given over its own network: CAP_SYS_ADMIN would put the command
# into a user namespace further in, which has no power over it.
root='--net user --policy none --landlock off --cap-add ALL --cap-drop SYS_ADMIN'

# came PATTERN: how many lines of the servers say so
came() {
	cat "$tmp/inet" "$tmp/lan" "$tmp/host" | grep -cE -e "$1"
}
private='^(tcp|udp) (127\.|::1 |10\.77\.0\.2 |192\.168\.77\.|fd77:|172\.16|100\.64|169\.254|2a00:77:0:1::2 )'

# shellcheck disable=SC2086
run $root -- sh -c 'nft add table ip mine && ip addr add 10.9.9.9/32 dev lo && ./guest flood 127.0.0.1 0' >"$tmp/part"
is "the guest has that power" "$(cat "$tmp/part")" "sent 0" || say "$(cat "$tmp/said")"

# ---- ways to the host ---------------------------------------------------------------------------

# shellcheck disable=SC2086
run $root -- ./guest forms 10.0.2.2 8080 10.0.2.3 8080 10.0.2.255 8080 10.0.2.50 8080 255.255.255.255 8080 \
	10.77.0.2 8080 ::ffff:10.77.0.2 8080 64:ff9b::7f00:1 8080 64:ff9b::a4d:2 8080 64:ff9b::a00:202 8080 \
	2002:7f00:1:: 8080 2002:a4d:2::1 8080 2002:a00:202:: 8080 2001:0:0:0:0:0:f5b2:fffd 8080 ::10.77.0.2 8080 \
	fd00::2 8080 fd00::3 8080 fd00::77 8080 2a00:77:0:1::2 8080 fd77::1 8080 169.254.169.254 80 \
	64:ff9b::a9fe:a9fe 80 192.168.77.20 80 64:ff9b::c0a8:4d14 80 172.16.9.9 80 100.64.0.9 80 224.0.0.1 8080 \
	ff02::1 8080 ff05::1 8080 >"$tmp/part"
is "no form of an address leads to the host or its neighbours" "$(grep -c ' ok' "$tmp/part")" 0 || say "$(cat "$tmp/part")"
[ "$(wc -l <"$tmp/part")" = 29 ]
result $? "all of them were tried" || say "$(cat "$tmp/part" "$tmp/said")"
is "nor does anything come there" "$(came "$private")" 0

# shellcheck disable=SC2086
run $root -- ./guest marks 192.168.77.20 80 10.0.2.2 8080 fd77::20 80 >"$tmp/part"
is "no mark opens anything" "$(grep -c . "$tmp/part").$(grep -c ' ok' "$tmp/part")" 21.0 || say "$(cat "$tmp/part" "$tmp/said")"
# shellcheck disable=SC2086
run $root -- ./guest options 192.168.77.20 80 10.0.2.2 8080 fd77::20 80 >"$tmp/part"
is "nor does an option of IP or TCP" "$(grep -c . "$tmp/part").$(grep -c ' ok' "$tmp/part")" 7.0 || say "$(cat "$tmp/part" "$tmp/said")"

# Rules of the guest's own between the question and the relay, or before both.
for priority in -190 -145 -135 -110 -90; do
	# shellcheck disable=SC2086
	run $root -- sh -c '
		nft add table ip mine
		nft add chain ip mine out "{ type nat hook output priority '$priority'; }" || nft add chain ip mine out "{ type filter hook output priority '$priority'; }"
		nft add rule ip mine out ip daddr 198.41.0.10 dnat to 192.168.77.20
		nft add rule ip mine out ip daddr 198.41.0.11 dnat to 10.0.2.2:8080
		nft add rule ip mine out ip daddr 198.41.0.12 meta mark set 0x5b780005
		nft add rule ip mine out ip daddr 192.168.77.20 meta mark set 0x5b780005
		./guest forms 198.41.0.10 80 198.41.0.11 80 192.168.77.20 80 198.41.0.12 80' >"$tmp/part"
	grep -E '^[0-9.]+ .*ok (lan|host)' "$tmp/part"
	is "what it translates itself ($priority) goes nowhere else" "$?" 1 || say "$(cat "$tmp/part")"
done
is "the neighbours heard of none of it" "$(came "$private")" 0

# An own queue, and forged packets; the listeners themselves.
if relayed; then
	# shellcheck disable=SC2086
	run $root -- ./guest queue "$(sed -n 's/.*PACKET_QUEUE_NUMBER = \([0-9]*\).*/\1/p' "$net_here/../../net/packet_queue.h")" \
		198.41.0.10 192.168.77.20 >"$tmp/part"
	like "the queue of first packets is not to be had" "$(sed -n 1p "$tmp/part")" "bind E*" || say "$(cat "$tmp/part" "$tmp/said")"
	like "packets that no kernel queued open nothing" "$(sed -n 3p "$tmp/part")" "denied [!o]*" || say "$(cat "$tmp/part" "$tmp/said")"
	like "and close nothing" "$(sed -n 4p "$tmp/part")" "allowed ok inet *" || say "$(cat "$tmp/part" "$tmp/said")"
	run --net user -- ./guest listeners >"$tmp/part"
	is "who comes to the listeners themselves is heard by nobody" \
		"$(grep -c . "$tmp/part").$(grep -c ' ok' "$tmp/part")" 4.0 || say "$(cat "$tmp/part")"
fi

# ---- a host that changes ------------------------------------------------------------------------

# shellcheck disable=SC2086
served moves --net user -- sh -c '
	./ask get 198.41.0.10 80; echo ready
	until [ -e moved ]; do sleep 0.1; done
	./guest forms 198.41.55.1 8080 198.41.56.7 8080 203.0.114.78 8080 2a00:77:9::1 8080 64:ff9b::c629:3701 8080
	./ask get 198.41.0.11 80
	echo done; sleep 60'
ip addr add 198.41.55.1/32 dev lo && ip route add local 198.41.56.0/24 dev lo &&
	ip addr add 203.0.114.78/24 dev lan0 && ip addr add 2a00:77:9::1/128 dev lo
: >"$tmp/work/moved"
until_true grep -q "done" "$tmp/moves.out"
grep -vE '^ok|ready|done' "$tmp/moves.out" >"$tmp/part"
is "addresses that the host has got since are the host's" \
	"$(grep -c . "$tmp/part").$(grep -c ' ok' "$tmp/part")" 5.0 || say "$(cat "$tmp/moves.out" "$tmp/moves.err")"
is "and nothing came to them" "$(came '^(tcp|udp) (198\.41\.5[56]|203\.0\.114\.78|2a00:77:9:)')" 0
is "the others go on" "$(grep -c '^ok inet' "$tmp/moves.out")" 2
has "the denial says so" "$tmp/moves.err" '198\.41\.55\.1:8080.*host'
ended "$served"
ip addr del 198.41.55.1/32 dev lo
ip addr del 203.0.114.78/24 dev lan0

# ---- names --------------------------------------------------------------------------------------

log=$tmp/work/log
run --net user --allow web.example.test:443,sni --net-log "$log" -- sh -c '
	./ask dns 10.0.2.3 web.example.test A
	./guest tls 198.41.0.10 443 web.example.test other.test; ./guest names 10.0.2.3' >"$tmp/part"
is "a ClientHello in pieces is one" "$(grep -cE '^(pieces|records) (ok|closed)' "$tmp/part")" 2 || say "$(cat "$tmp/part" "$tmp/said")"
is "all others are none" "$(grep -vE '^(pieces|records|ok) ' "$tmp/part" | grep -c ' ok')" 0 || say "$(cat "$tmp/part")"
is "names that are none get an answer" "$(tail -n 5 "$tmp/part" | tr '\n' ' ')" "5 5 5 5 5 " || say "$(cat "$tmp/part")"
is "what is said is printable" "$(LC_ALL=C tr -d '[:print:]\n' <"$tmp/said" | wc -c)" 0 || say "$(cat -v "$tmp/said")"
python3 -c '
import json, sys
for line in open(sys.argv[1], "rb"):
    json.loads(line)
    assert all(32 <= byte < 127 for byte in line[:-1])' "$log"
result $? "and so is the log"

# ---- sbx-net itself -----------------------------------------------------------------------------

echo canary >"$tmp/work/canary"
exec 9<"$tmp/work/canary"
served looked --net user -p 8082:80 --policy none -- sh -c './guest fds; ./ask get 198.41.0.10 80; echo ready; sleep 60'
exec 9<&-
is "the command has its streams alone" "$(sed '/^ok/,$d' "$tmp/looked.out" | tr '\n' ' ')" "0 /dev/null 1 $tmp/looked.out 2 $tmp/looked.err " ||
	say "$(cat "$tmp/looked.out")"
for pid in $(servants); do
	{
		sed -n 's/^\(CapEff\|NoNewPrivs\|Seccomp\):[[:space:]]*/\1 /p' "/proc/$pid/status" | tr '\n' ' '
		# shellcheck disable=SC2012
		ls -A "/proc/$pid/root/" | wc -l
	} >>"$tmp/state"
	for fd in "/proc/$pid/fd"/*; do
		readlink "$fd"
	done
done >"$tmp/fds"
is "neither half has more than it needs" "$(sort "$tmp/state")" "CapEff 0000000000000000 NoNewPrivs 1 Seccomp 2 0
CapEff 0000000000003000 NoNewPrivs 1 Seccomp 2 0" || say "$(cat "$tmp/state")"
grep -vE '^(/dev/null|/dev/net/tun|socket:.*|anon_inode:.*|pipe:.*)$' "$tmp/fds" >"$tmp/part"
is "no descriptor is anything else" "$(cat "$tmp/part")" ""
ended "$served"

# Seen from a sandbox that sees the host's processes, with and without power.
served seen --net user --name seen -- sh -c './ask get 198.41.0.10 80; echo ready; sleep 60'
for options in "" "--cap-add ALL --cap-drop SYS_ADMIN --policy none"; do
	# shellcheck disable=SC2046,SC2086
	run --share pid --net user $options -- ./guest processes $(servants) >"$tmp/part"
	is "who sees sbx-net sees no more of it ($options)" "$(tr '\n' ' ' <"$tmp/part")" "seen seen " || say "$(servants; cat "$tmp/part" "$tmp/said")"
done

# The socket that `sbx port` speaks to.
is "nobody else reaches the socket of sbx port" \
	"$(find "$tmp/runtime" -name net -type s | while read -r socket; do
		stat -c %a "$(dirname "$socket")"
	done)" 700
user python3 -c '
import socket, sys, glob, os
path, = glob.glob(sys.argv[1] + "/**/net", recursive=True)
def call():
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.settimeout(3)
    one.connect(path)
    return one
for text in (b"", b"add", b"add \xff\xff:%n%n:1", b"list" * 300, b"remove 0:0", b"\0\0\0", b"add 1-65535:1-65535"):
    one = call()
    try:
        one.send(text)
        one.recv(65536)
    except OSError:
        pass
one = call()
socket.send_fds(one, [b"list"], [os.open("/", os.O_RDONLY)])
one.recv(65536)
idle = []
for _ in range(64):
    try:
        idle.append(call())
    except OSError:  # no more may wait
        pass' "$tmp/runtime" 2>"$tmp/part"
result $? "nonsense is answered" || say "$(cat "$tmp/part")"
for pid in $(servants); do
	readlink "/proc/$pid/fd"/*
done | grep -x /
is "what it was handed is gone" "$?" 1
until_true user "$SBX" port seen list >"$tmp/part" 2>&1
result $? "and others are heard afterwards" || say "$(cat "$tmp/part")"
ended "$served"

# ---- what stands still --------------------------------------------------------------------------

for signal in TERM KILL; do
	served still --net user -p 8083:80 -- sh -c './ask get 198.41.0.10 80; echo ready; sleep 60'
	servants >"$tmp/servants"
	# shellcheck disable=SC2046
	kill -STOP $(servants)
	kill "-$signal" "$served"
	until_true eval '[ -z "$(servants)" ]'
	# shellcheck disable=SC2046 # several
	result $? "a stopped sbx-net ends with the launcher ($signal)" || kill -KILL $(servants)
	until_true gone "$served"
	wait "$served" 2>/dev/null
done

# ---- floods -------------------------------------------------------------------------------------

# proportional: of the processes that serve a network, in kB
proportional() {
	for pid in $(servants); do
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup"
	done 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}
# shellcheck disable=SC2086
served flood $root --cwd rw -- sh -c '
	./ask get 198.41.0.10 80; echo ready
	./guest flood 192.168.77.20 1 tcp udp; ./guest flood 198.41.0.10 1 tcp
	echo flooded
	for try in 1 2 3 4 5; do ./ask get 198.41.0.11 80 , udp 198.41.0.10 7 >again && break; sleep 1; done
	cat again; echo served
	./guest flood 198.41.98.5 2 tcp udp; echo done; sleep 60'
until_true grep -q "done" "$tmp/flood.out" || until_true grep -q "done" "$tmp/flood.out"
after=$(proportional)
is "it serves on after a flood" "$(sed '1,/^flooded/d' "$tmp/flood.out" | grep -c '^ok')" 2 || say "$(cat "$tmp/flood.out")"
[ "$after" -lt 262144 ]
result $? "and has its bound" || say "$after kB"
[ "$(wc -l <"$tmp/flood.err")" -le 110 ]
result $? "and says no more than it may" || say "$(wc -l <"$tmp/flood.err") lines"
ended "$served"

all_done
