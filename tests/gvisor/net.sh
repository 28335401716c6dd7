#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The network under gVisor's own stack: out by TCP and UDP, names, rules, much data, and what the
# other stacks are for.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
command -v python3 >/dev/null || skip_all 'python3 is not installed'
[ -c /dev/net/tun ] || skip_all 'no /dev/net/tun'
small_root
: "${ASK:?the path of ask}"
cp "$ASK" "$root/bin/ask"
head -c 16777216 /dev/urandom >"$root/data"
sum=$(sha256sum <"$root/data" | cut -c 1-64)

python3 "$gvisor_here/peer.py" "$root/data" >"$tmp/peer" &
waiting="$waiting $!"
until_true grep -q ready "$tmp/peer" || skip_all 'no server can listen'
port=$(sed -n 's/ready //p' "$tmp/peer")

# guest ARG...: in the small root
guest() {
	gvisor --no-config --cwd off -R "$root" "$@" 2>"$tmp/said"
}

# has DESCRIPTION FILE PATTERN: one of its lines is like that
has() {
	grep -qE -e "$3" "$2"
	result $? "$1" || say "no line '$3' in: $(head -n 20 "$2")"
}

# ip6: whether the sandbox has IPv6
ip6() {
	grep -q ip6 "$tmp/families"
}

guest -- /bin/sh -c 'ip -6 route | grep -q default && echo ip6; ip link show tap0' >"$tmp/families"
has "the interface is gVisor's" "$tmp/families" 'tap0: .*mtu 65520'

out=$(guest --add-host 'far.test:192.0.2.7' --allow "host:$port" -- /bin/ask \
	dns 10.0.2.3 far.test a , dns 10.0.2.3 far.test a tcp , \
	get 10.0.2.2 "$port" , udp 10.0.2.2 "$port" , ping 10.0.2.2)
is 'names by UDP and TCP, TCP, UDP and echo requests get out' "$out" "ok 192.0.2.7
ok 192.0.2.7
ok host 127.0.0.1
ok
ok" || say "$(cat "$tmp/said")"

guest --net-log "$tmp/log" -- /bin/ask tcp 10.0.2.2 "$port" >"$tmp/out"
is 'what no rule lets go is refused at once' "$(cat "$tmp/out")" refused
has 'and told' "$tmp/said" "^sbx: denied tcp to 10\.0\.2\.2:$port, host\.sbx\.internal .*--allow host:$port would"
has 'and logged' "$tmp/log" "\"event\":\"denied\".*\"port\":$port"

out=$(guest --pcap "$tmp/pcap" --allow "host:$port" -- /bin/sh -c "
	wget -q -O - http://10.0.2.2:$port/data | sha256sum | cut -c 1-64
	{ echo sum; cat /data; } | nc 10.0.2.2 $port")
is 'much data comes and goes unharmed' "$out" "$sum
$sum" || say "$(cat "$tmp/said")"
[ "$(wc -c <"$tmp/pcap")" -gt 33554432 ]
result $? 'and is seen by --pcap'

if ip6; then
	name=$(guest -- /bin/ask dns 10.0.2.3 host.sbx.internal aaaa)
	out=$(guest --allow "host:$port" -- /bin/sh -c "
		ask get ${name#ok } $port , udp ${name#ok } $port
		wget -q -O - 'http://[${name#ok }]:$port/data' | sha256sum | cut -c 1-64")
	is 'IPv6 does as well' "$out" "ok host ::1
ok
$sum" || say "$name: $(cat "$tmp/said")"
else
	skip 'IPv6 does as well' 'the host has no route of it'
fi

out=$(guest --mtu 1500 --allow "host:$port" -- /bin/sh -c "
	wget -q -O - http://10.0.2.2:$port/data | sha256sum | cut -c 1-64")
is 'with a small MTU' "$out" "$sum" || say "$(cat "$tmp/said")"

out=$(guest --net none -- /bin/sh -c 'ip -o link | wc -l; ask tcp 127.0.0.1 9 , tcp 192.0.2.1 9')
like 'no network is loopback alone' "$out" '1
refused
unreachable*'
# There R22 has no patience with a socket that was connected without blocking.
for options in '--gvisor-net host' '--net relay'; do
	# shellcheck disable=SC2086 # two words
	out=$(guest $options --allow "host:$port" -- /bin/sh -c "
		echo who | nc 10.0.2.2 $port; nslookup host.sbx.internal | grep 10.0.2.2")
	is "the kernel's stack by $options" "$out" 'host 127.0.0.1
Address: 10.0.2.2' || say "$(cat "$tmp/said")"
done
out=$(guest --net host -- /bin/sh -c "echo who | nc 127.0.0.1 $port")
is "the host's network is reached through the kernel" "$out" 'host 127.0.0.1' || say "$(cat "$tmp/said")"
fails "gVisor's stack is not where there is no tap device" 125 guest --net relay --gvisor-net netstack -- /bin/true
has 'and that is told' "$tmp/said" 'gVisor.s own stack needs a tap device'
plan "$tests_run"
