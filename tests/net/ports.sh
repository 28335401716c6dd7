#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Published ports: every kind in every family, who the client is, and what cannot be had.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

# from NETNS REQUEST...: `ask` on a machine
from() {
	where=$1
	shift
	ip netns exec "$where" "$ASK" "$@"
}

served all --net user -p 8081:80 -p 8082:53/udp -p 0.0.0.0:8083:80 -p '[::]:8083:80' \
	-p 0.0.0.0:8084:53/udp -p '[::]:8084:53/udp' -p 8090-8092:90-92 -p 127.0.0.1:8085:85 \
	-p 8086:86 -p 192.168.77.1:8087:80 -- \
	./ask serve tcp 0.0.0.0 80 tcp :: 80 udp 0.0.0.0 53 udp :: 53 tcp 0.0.0.0 90 tcp 0.0.0.0 91 \
	tcp 0.0.0.0 92 tcp 127.0.0.1 85 tcp 127.0.0.1 86 tcp ::1 86

like "TCP by IPv4" "$(from host get 127.0.0.1 8081)" "ok * 80"
like "TCP by IPv6" "$(from host get ::1 8081)" "ok * 80"
is "UDP by IPv4" "$(from host udp 127.0.0.1 8082)" ok
is "UDP by IPv6" "$(from host udp ::1 8082)" ok
is "a range" "$(from host tcp 127.0.0.1 8090 , tcp 127.0.0.1 8091 , tcp 127.0.0.1 8092 , tcp 127.0.0.1 8093)" \
	"ok
ok
ok
refused"
like "a server of loopback alone" "$(from host get 127.0.0.1 8085)" "ok *127.0.0.1 85"
like "one of both loopbacks" "$(from host get 127.0.0.1 8086) $(from host get ::1 8086)" "ok * 86 ok * 86"
is "100 clients at once" "$(from host many 127.0.0.1 8081 100)" "ok 100 100"

# Nobody else reaches what is published without an address.
is "the LAN does not reach it" "$(from lan tcp 192.168.77.1 8081 , udp 192.168.77.1 8082)" "refused
refused"
like "unless all addresses are named: the client is itself" "$(from lan get 192.168.77.1 8083)" \
	"ok 192.168.77.20 * 80"
like "by IPv6" "$(from lan get fd77::1 8083)" "ok fd77::20 * 80"
like "from further away" "$(from inet get 10.77.0.2 8083)" "ok 10.77.0.1 * 80"
like "one address of the host's" "$(from lan get 192.168.77.1 8087)" "ok 192.168.77.20 * 80"
is "and no other" "$(from inet tcp 10.77.0.2 8087)" refused
is "UDP answers come from where was asked" "$(from lan udp 192.168.77.1 8084 , udp fd77::1 8084 , \
	udp 203.0.114.1 8084)" "ok
ok
ok"
ended "$served"
is "the ports are free again" "$(from host tcp 127.0.0.1 8081 , udp 127.0.0.1 8082)" "refused
refused"

# Whom a server inside sees by UDP.
served udp --net user -p 0.0.0.0:8084:53/udp -- python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 53))
print("ready", flush=True)
data, client = s.recvfrom(100)
s.sendto(data, client)
print("client", client[0], flush=True)'
from lan udp 192.168.77.1 8084 >/dev/null
until_true grep -q client "$tmp/udp.out"
if relayed; then
	is "UDP has its client's address" "$(tail -n 1 "$tmp/udp.out")" "client 192.168.77.20"
else
	is "UDP comes from the sandbox itself" "$(tail -n 1 "$tmp/udp.out")" "client 10.0.2.100"
fi
ended "$served"

# A port that the system chooses.
served chosen --net user -p 80 -- ./ask serve tcp 0.0.0.0 80
port=$(grep -oE '[0-9.]+:[0-9]+' "$tmp/chosen.err" | sed -n '1s/.*://p')
like "a chosen port is told" "$(from host get 127.0.0.1 "${port:-1}")" "ok * 80" || say "$(cat "$tmp/chosen.err")"
ended "$served"

# Nobody listens inside.
served empty --net user -p 8081:80 -- sh -c 'echo ready; exec sleep 60'
judged no "$(from host get 127.0.0.1 8081)"
result $? "a port behind which nobody listens" || say "$(from host get 127.0.0.1 8081)"

# What cannot be had.
one_line "a port of another sandbox" "sbx: cannot *8081*" --net user -p 8081:80 -- true
has "who may hold it is said" "$tmp/said" 'sbx-net|sbx'
ended "$served"
one_line "a port of another program" "sbx: cannot *8080*" --net user -p 8080:80 -- true
has "by its name" "$tmp/said" 'python3|servers|8080'
one_line "a range in which one is taken" "sbx: cannot *8080*" --net user -p 8079-8082:1-4 -- true
echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
one_line "a port that is root's" "sbx: cannot * 80*" --net user -p 80:80 -- true
has "the sysctl is named" "$tmp/said" 'ip_unprivileged_port_start'
one_line "an address that the host has not" "sbx: cannot *198.41.0.10*" --net user -p 198.41.0.10:81:81 -- true
one_line "ranges of two lengths" "sbx: cannot *90-92*" --net user -p 8090-8091:90-92 -- true
one_line "a port that is none" "sbx: cannot *65536*" --net user -p 65536:1 -- true
one_line "a port without a network" "sbx: cannot *" --net none -p 8081:80 -- true

# ---- while it runs ------------------------------------------------------------------------------

port() {
	user timeout -k 2 20 "$SBX" port "$@" </dev/null 2>&1
}

served box --net user --name box -p 8081:80 -- ./ask serve tcp 0.0.0.0 80 udp 0.0.0.0 53
like "sbx port lists" "$(port box list)" "*8081*80*"
ok "a port is added" port box add 8082:80
like "and is there" "$(from host get 127.0.0.1 8082)" "ok * 80"
ok "one of UDP" port box add 8083:53/udp
is "and is there, too" "$(from host udp 127.0.0.1 8083)" ok
is "all are listed" "$(port box list | grep -oE '808[123] ' | sort -u | wc -l)" 3
ok "one is removed" port box remove 8082:80
is "and is gone" "$(from host tcp 127.0.0.1 8082)" refused
like "the others are not" "$(from host get 127.0.0.1 8081)" "ok * 80"
fails "what was not published cannot be removed" 125 port box remove 9999:80
fails "what is taken cannot be added" 125 port box add 8080:80
like "and its number is said" "$(port box add 8080:80)" "sbx: cannot *8080*"
fails "a name that is not there" 125 port bax list
like "the nearest one is told" "$(port bax list)" "sbx: cannot *bax*box*"
ended "$served"
is "nothing of it is left" "$(from host tcp 127.0.0.1 8083 , tcp 127.0.0.1 8081)" "refused
refused"

all_done
