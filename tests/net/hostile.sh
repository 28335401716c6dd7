#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest that is root of its network namespace: it writes frames that no kernel would, takes the
# interface and the filters apart, and gains nothing; sbx-net neither ends nor grows.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
frames=${FRAMES:-$net_here/frames}
[ -x "$frames" ] || skip_all "there is no program for frames"
internet
cp "$frames" "$tmp/work/frames"
chmod 755 "$tmp/work/frames"

# With all that a sandbox can be given over its own network.
root='--net user --policy none --landlock off --cap-add ALL'

# resident: of the processes that serve a network, in kB
resident() {
	for pid in $(servants); do
		awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"
	done 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }'
}

# came PATTERN: how many lines of the servers say so
came() {
	cat "$tmp/inet" "$tmp/lan" "$tmp/host" | grep -cE -e "$1"
}

# The guest waits for a word between its steps.
step() { # NAME
	: >"$tmp/work/$1"
	until_true grep -qx "done $1" "$tmp/guest.out"
}

kinds=$("$frames" list | tr '\n' ' ')
# shellcheck disable=SC2086
served guest $root -- sh -c '
	next() { until [ -e "$1" ]; do sleep 0.05; done; }
	device=$(ip -o -4 route show default | sed "s/.* dev \([^ ]*\).*/\1/")
	./ask get 198.41.0.10 80
	echo ready
	next warm; ./frames $device 10.0.2.100 10.0.2.2 198.41.0.10 200 '"$kinds"' ; echo done warm
	next storm; ./frames $device 10.0.2.100 10.0.2.2 198.41.0.10 5000 '"$kinds"' ; echo done storm
	next after; ./ask get 198.41.0.10 80 , udp 198.41.0.10 7 , dns 10.0.2.3 web.example.test A ; echo done after
	next filters
	nft flush ruleset; nft list ruleset
	ip rule flush 2>/dev/null; ip rule add lookup main pref 100
	./ask tcp 192.168.77.20 80 , tcp 10.0.2.2 8080 , tcp 10.77.0.2 8080 , tcp 169.254.169.254 80 , \
		tcp fd77::20 80 , tcp fd00::2 8080 , udp 192.168.77.20 7 , udp 10.0.2.2 8007
	./ask get 198.41.0.11 80
	echo done filters
	next address
	ip addr add 192.168.77.20/24 dev $device; ip addr add 10.0.2.77/24 dev $device
	ip link set $device down; ip link set $device address 02:aa:bb:cc:dd:ee; ip link set $device up
	ip route replace default via 10.0.2.2
	./ask tcp 127.0.0.1 8080 , udp 10.0.2.2 8007
	echo done address
	next gone
	ip link del $device; ./ask tcp 198.41.0.10 80; echo done gone
	sleep 60'
like "it starts" "$(sed -n 1p "$tmp/guest.out")" "ok inet *" || say "$(cat "$tmp/guest.err")"

step warm
before=$(resident)
servants >"$tmp/servants"
step storm
result $? "frames of all kinds are taken"
is "sbx-net is the same as before" "$(servants)" "$(cat "$tmp/servants")"
after=$(resident)
[ "$after" -le $((before + 1024)) ]
result $? "and as large" || say "$before kB, then $after kB"
for kind in fragments options spoofed foreign-mac ethertypes loopback tftp dhcp; do
	is "no frame of the kind $kind came anywhere" "$(came "udp .*$kind")" 0
done
is "nobody reached the host's loopback" "$(came '^(tcp|udp) (127\.0\.0\.1|::1|10\.77\.0\.2|192\.168\.77\.1) ')" 0
step after
is "it serves as before" "$(sed -n '/^done storm/,/^done after/p' "$tmp/guest.out" | grep -c '^ok')" 3

step filters
sed -n '/^done after/,/^done filters/p' "$tmp/guest.out" >"$tmp/part"
is "without filters nothing is open that was not" "$(grep -cE '^(refused|unreachable|prohibited|timeout|reset)' "$tmp/part")" 8 ||
	say "$(cat "$tmp/part")"
is "nor came anything" "$(came '^(tcp|udp) (127\.0\.0\.1|::1|10\.77\.0\.2|192\.168\.77\.[12]*|fd77::20|169.254.169.254) ')" 0
like "what was open goes by another way" "$(grep '^ok' "$tmp/part")" "ok inet 198.41.0.11 *" || say "$(cat "$tmp/part")"

step address
sed -n '/^done filters/,/^done address/p' "$tmp/guest.out" >"$tmp/part"
is "with other addresses nothing is open either" "$(grep -c '^ok' "$tmp/part")" 0 || say "$(cat "$tmp/part")"
gone "$(head -n 1 "$tmp/servants")"
is "sbx-net is still there" "$?" 1
step gone
result $? "who takes its interface away is without a network"
ended "$served"

# The same below names: no frame opens what was not looked up.
# shellcheck disable=SC2086
run $root --allow web.example.test:80 -- sh -c '
	nft flush ruleset
	./ask tcp 198.41.0.11 80 , udp 198.41.0.54 53 , dns 10.0.2.3 web.example.test A , tcp 198.41.0.10 80 , \
		tcp 198.41.0.10 443' >"$tmp/part"
is "names hold without filters" "$(sed 's/ .*//' "$tmp/part" | grep -c '^ok')" 2 || say "$(cat "$tmp/part")"

# Questions without end, and connections that are never used.
# shellcheck disable=SC2086
served flood $root -- python3 -c '
import os, socket, struct, time
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
streams = []
print("ready", flush=True)
until = time.monotonic() + 3
number = 0
while time.monotonic() < until:
    number += 1
    label = b"n%07d" % number
    names.sendto(struct.pack(">HHHHHH", number & 65535, 256, 1, 0, 0, 0) + bytes([len(label)]) + label +
                 b"\4test\0\0\1\0\1", ("10.0.2.3", 53))
    if len(streams) < 800:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(("10.0.2.3", 53) if number % 2 else ("198.41.0.10", 80))
        streams.append(one)
print("sent", number, flush=True)
time.sleep(60)'
until_true grep -q sent "$tmp/flood.out"
sleep 1
[ "$(resident)" -lt 65536 ]
result $? "a flood of names and connections has its bound" || say "$(resident) kB"
ended "$served"
until_true eval '[ -z "$(servants)" ]'
result $? "nobody is left"

all_done
