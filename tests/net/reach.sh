#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a sandbox reaches without any option about it: by name and address, both families, each
# protocol, and how it learns of what cannot be reached.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

fetch='import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode().strip())'

answers "TCP by an IPv4 address" "ok inet 198.41.0.10 10.77.0.2 *" --net user -- get 198.41.0.10 80
answers "TCP by an IPv6 address" "ok inet 2a00:77:0:2::10 2a00:77:0:1::2 *" --net user -- \
	get 2a00:77:0:2::10 80
like "HTTP by name" "$(run --net user -- python3 -c "$fetch" http://web.example.test/)" "inet *"
like "HTTP by an alias" "$(run --net user -- python3 -c "$fetch" http://www.example.test/)" "inet *"
like "a name of IPv6 alone" "$(run --net user -- python3 -c "$fetch" http://v6.example.test/)" \
	"inet 2a00:77:0:2::10 *"
like "the C library finds names" "$(run --net user -- getent hosts v4.example.test)" "198.41.0.10 *"
answers "it is the default" "ok inet *" -- get 198.41.0.10 80
answers "slirp is another word for it" "ok inet *" --net slirp -- get 198.41.0.10 80

table "both families and each protocol" --net user <<'END'
ok udp 198.41.0.10 7
ok udp 2a00:77:0:2::10 7
ok ping 198.41.0.10
ok push 198.41.0.10 80 20000000
ok pull 198.41.0.10 80 20000000
ok push 2a00:77:0:2::10 80 20000000
ok pull 2a00:77:0:2::10 80 20000000
ok many 198.41.0.10 80 100
ok many 2a00:77:0:2::10 80 100
END

# Older versions of libslirp cannot do it.
got=$(inside --net user -- ping 2a00:77:0:2::10)
case $got in
ok) result 0 "ping by IPv6" ;;
*) denied "$got" && grep -q '^sbx: ping is denied: ' "$tmp/said"
	result $? "ping by IPv6 fails at once, and that is told" || say "$got; $(cat "$tmp/said")" ;;
esac

# What the far side says is what the program inside gets, and as soon.
is "a port where nobody listens" "$(inside --net user -- tcp 198.41.0.10 81 , tcp 2a00:77:0:2::10 81)" \
	"refused
refused"
is "a port of UDP where nobody listens" "$(inside --net user -- udp 198.41.0.10 9)" "refused"
is "a network that the host cannot reach" \
	"$(inside --net user -- tcp 198.41.97.1 80 , tcp 2a00:77:98::1 80)" "unreachable
unreachable"
# A router so near answers before connect(2) has let go of the socket, which then waits for a second packet.
# libslirp 4.7 does not tell.
got=$(inside --net user -- tcp 198.41.99.1 80)
if relayed; then
	like "a network that a router cannot reach" "$got" "unreachable*"
else
	like "a network that a router cannot reach" "$got" "[!o]*"
fi
is "a network that swallows everything" "$(inside --net user -- tcp 198.41.98.1 80)" "timeout slow"

# Ports of its own, also those that relay and forwarder are reached at.
like "its own servers have the ports below 1024" "$(run --net user -- sh -c '
	./ask serve tcp 0.0.0.0 80 tcp :: 80 tcp 127.0.0.1 443 tcp 0.0.0.0 53 udp 0.0.0.0 53 &
	sleep 0.3
	./ask get 127.0.0.1 80 , get ::1 80 , tcp 127.0.0.1 443 , udp 127.0.0.1 53
	./ask get 198.41.0.10 80 , tls 198.41.0.10 443 a.test , get 2a00:77:0:2::10 80
	getent hosts v4.example.test' | tr '\n' ' ')" \
	"ready ok 127.0.0.1 * ok ::1 * ok ok ok inet 198.41.0.10 * ok tls a.test ok inet 2a00* 198.41.0.10 *"
is "who connects to itself stays inside" "$(inside --net user -- tcp 127.0.0.1 8080 , tcp ::1 8080 , \
	tcp 0.0.0.0 8080 , tcp 10.0.2.100 8080)" "refused
refused
refused
refused"

# Other networks than one of its own.
is "--net none has loopback, both families" \
	"$(inside --net none -- tcp 127.0.0.1 1 , tcp ::1 1 , tcp 198.41.0.10 80 , tcp 2a00:77:0:2::10 80)" \
	"refused
refused
unreachable
unreachable"
is "--net host is the host's" "$(inside --net host -- get 127.0.0.1 8080 | cut -d' ' -f1-3)" \
	"ok host 127.0.0.1"
one_line "--net ns: of what is no namespace" "sbx: cannot *[/]dev/null*" --net ns:/dev/null -- true
one_line "--net ns: of another kind" "sbx: cannot *[/]proc/self/ns/uts*" --net ns:/proc/self/ns/uts -- true
one_line "--net ns: of nothing" "sbx: cannot *[/]nowhere*" --net ns:/nowhere -- true
one_line "--net ns: of somebody else's" "sbx: cannot *[/]run/netns/lan*" --net ns:/run/netns/lan -- true
one_line "--net with another word" "sbx: cannot *users*" --net users -- true

# Without a tap device: TCP and names, and an answer for all the rest.
if relayed; then
	table "--net relay" --net relay <<'END'
ok get 198.41.0.10 80
ok get 2a00:77:0:2::10 80
refused tcp 198.41.0.10 81
no udp 198.41.0.10 7
no ping 198.41.0.10
no get 192.168.77.20 80
END
	like "--net relay has names" "$(run --net relay -- getent hosts v4.example.test)" "198.41.0.10 *"
fi

# A host that has lost its network.
ip -6 route del default
table "no route of IPv6" --net user <<'END'
ok get 198.41.0.10 80
no tcp 2a00:77:0:2::10 80
END
is "IPv6 is not offered then" "$(run --net user -- ip -6 route show default)" ""
like "--ip6 auto is that" "$(run --net user --ip6 auto -- ip -6 route show default)" ""
ip route del default
table "no route at all" --net user --allow lan <<'END'
no tcp 198.41.0.10 80
ok get 192.168.77.20 80
END
: >/etc/resolv.conf
table "no route and no resolver" --net user <<'END'
no tcp 198.41.0.10 80
servfail dns 10.0.2.3 web.example.test A
END
rm /etc/resolv.conf
ok "no resolv.conf at all" run --net user -- true

all_done
