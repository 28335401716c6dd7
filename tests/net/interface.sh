#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The interface as `ip` shows it inside; every value that cannot be is one line and 125.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

# shows DESCRIPTION PATTERN OPTION... -- WORD...: a line of `ip WORD...` inside
shows() {
	title=$1 wanted=$2
	shift 2
	words=
	while [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	run --net user $words -- ip -o "$@" >"$tmp/shown"
	has "$title" "$tmp/shown" "$wanted"
}

shows "an address" ' inet 10\.0\.2\.100/24 ' -- addr show dev tap0
shows "a route" '^default via 10\.0\.2\.2 dev tap0' -- route
shows "IPv6" ' inet6 fd00::64/64 ' -- -6 addr show dev tap0
shows "a route of IPv6" '^default via fd00::2 dev tap0' -- -6 route
shows "IPv6 waits for nobody" 'inet6 fd00::64' -- -6 addr show dev tap0 -tentative
shows "MTU" 'mtu 1500 ' -- link show dev tap0
shows "loopback is up" 'lo: .*,UP' -- link show dev lo
shows "--mtu" 'mtu 9000 ' --mtu 9000 -- link show dev tap0
shows "--mtu 0 is the default" 'mtu 1500 ' --mtu 0 -- link show dev tap0
shows "--mtu, the most" 'mtu 65521 ' --mtu 65521 -- link show dev tap0
shows "--mtu, the least without IPv6" 'mtu 68 ' --mtu 68 --ip6 off -- link show dev tap0
shows "--ip" ' inet 172\.30\.1\.9/20 ' --ip 172.30.1.9/20 -- addr show dev tap0
shows "--gateway" '^default via 172\.30\.1\.1 ' --ip 172.30.1.9/20 --gateway 172.30.1.1 -- route
shows "--ip6" ' inet6 fd12:3::9/64 ' --ip6 fd12:3::9/64 -- addr show dev tap0
shows "--mac" 'link/ether 02:11:22:33:44:55' --mac 02:11:22:33:44:55 -- link show dev tap0
shows "--ifname" 'fifteen-letters: ' --ifname fifteen-letters -- link
shows "--txqueuelen" 'qlen 77' --txqueuelen 77 -- link show dev tap0
run --net user --ip6 off -- ip -o -6 addr show scope global >"$tmp/shown"
is "--ip6 off" "$(cat "$tmp/shown")" ""
is "what was given works" "$(inside --net user --ip 172.30.1.9/20 --gateway 172.30.1.1 --ip6 fd12:3::9/64 \
	--mac 02:11:22:33:44:55 --ifname wan --mtu 9000 -- tcp 198.41.0.10 80 , tcp 2a00:77:0:2::10 80 , \
	udp 198.41.0.10 7)" "ok
ok
ok"
is "so does a small MTU" "$(inside --net user --mtu 576 --ip6 off -- tcp 198.41.0.10 80 , udp 198.41.0.10 7)" "ok
ok"
like "the gateway is the host there, too" "$(inside --net user --ip 172.30.1.9/20 --gateway 172.30.1.1 \
	--allow host -- get 172.30.1.1 8080)" "ok host 127.0.0.1 *"

# A network of the host is never taken.
ip addr add 10.0.2.55/24 dev lan0
run --net user -- ip -o -4 addr show dev tap0 >"$tmp/shown"
has "another network, where the host has ours" "$tmp/shown" ' inet 10\.0\.([013-9]|[0-9]+[0-9])\.100/24 '
answers "which works" "ok inet *" --net user -- get 198.41.0.10 80
run --net user -- cat /etc/resolv.conf >"$tmp/shown"
has "so does its resolver" "$tmp/shown" '^nameserver 10\.0\.([013-9]|[0-9]+[0-9])\.3$'
ip addr del 10.0.2.55/24 dev lan0
ip addr add 10.0.0.1/8 dev lan0
run --net user -- ip -o -4 addr show dev tap0 >"$tmp/shown"
has "also where it has all of 10.0.0.0/8" "$tmp/shown" ' inet '
answers "and it works" "ok inet *" --net user -- get 198.41.0.10 80
ip addr del 10.0.0.1/8 dev lan0

# ---- what cannot be -----------------------------------------------------------------------------

while read -r pattern words; do
	# shellcheck disable=SC2086
	one_line "$words" "sbx: cannot *$pattern*" --net user $words -- true
done <<'END'
10.1.2.3 --ip 10.1.2.3
10.1.2.3/33 --ip 10.1.2.3/33
10.1.2/24 --ip 10.1.2/24
10.1.2.0/24 --ip 10.1.2.0/24
10.1.2.255/24 --ip 10.1.2.255/24
127.0.0.5/8 --ip 127.0.0.5/8
224.1.1.1/8 --ip 224.1.1.1/8
0.0.0.5/8 --ip 0.0.0.5/8
10.1.2.3/32 --ip 10.1.2.3/32
fd00::1 --ip6 fd00::1
fd00::1/129 --ip6 fd00::1/129
::1/64 --ip6 ::1/64
ff02::1/64 --ip6 ff02::1/64
sometimes --ip6 sometimes
10.9.9.9 --ip 10.1.2.3/24 --gateway 10.9.9.9
10.1.2.3 --ip 10.1.2.3/24 --gateway 10.1.2.3
10.1.2.255 --ip 10.1.2.3/24 --gateway 10.1.2.255
localhost --gateway localhost
01:00:5e:00:00:01 --mac 01:00:5e:00:00:01
00:00:00:00:00:00 --mac 00:00:00:00:00:00
02:11:22:33:44 --mac 02:11:22:33:44
02:11:22:33:44:zz --mac 02:11:22:33:44:zz
sixteen-letters- --ifname sixteen-letters-
a/b --ifname a/b
lo --ifname lo
.. --ifname ..
67 --mtu 67 --ip6 off
65522 --mtu 65522
1279 --mtu 1279 --ip6 fd00::64/64
-1 --mtu -1
many --mtu many
-5 --txqueuelen -5
few --txqueuelen few
fast --net-rate fast
/no/where --net-log /no/where/log
/no/where --pcap /no/where/pcap
sideways --relay sideways
END
one_line "an interface without a network" "sbx: cannot *--ip*" --net none --ip 10.1.2.3/24 -- true
one_line "an interface of the host's" "sbx: cannot *--mtu*" --net host --mtu 1400 -- true

all_done
