#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest that is root of its network namespace, as no command of sbx is: it writes frames that no
# kernel would, takes the interface and the filters apart, and gains nothing; sbx-net neither ends
# nor grows.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
frames=${FRAMES:-$net_here/frames}
[ -x "$frames" ] || skip_all "there is no program for frames"
internet
cp "$frames" "$tmp/work/frames"
chmod 755 "$tmp/work/frames"

# bounded DESCRIPTION KB MOST
bounded() {
	if grep -qa libasan "$(dirname "$SBX")/sbx-net"; then
		skip "$1" "a sanitizer needs more"
	else
		[ "$2" -le "$3" ]
		result $? "$1" || say "$2 kB, not at most $3 kB"
	fi
}

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

# inner: the half of sbx-net that lives in the sandbox's network
inner() {
	for pid in $(servants); do
		[ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ] || echo "$pid"
	done
}

# guest NAME OPTION... -- SCRIPT: the script with all power over the network of a sandbox with
# these options; it waits for words between its steps
guest() {
	name=$1
	shift
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	# shellcheck disable=SC2086
	served "sandbox-$name" --net user $options -- sh -c 'echo ready; exec sleep 100'
	"$tmp/work/frames" enter "$(inner)" sh -c '
		next() { until [ -e "go-$1" ]; do sleep 0.05; done; }
		frames() { ./frames tap0 10.0.2.100 10.0.2.2 198.41.0.10 "$@"; }
		'"$2" >"$tmp/$name.out" 2>"$tmp/$name.err" </dev/null &
	waiting="$waiting $!"
}

# step GUEST NAME: it goes on, and says when it is done; what it said is in $tmp/part
step() {
	before_step=$(grep -c '' "$tmp/$1.out")
	: >"$tmp/work/go-$2"
	until_true grep -qx "done $2" "$tmp/$1.out"
	until_status=$?
	tail -n "+$((before_step + 1))" "$tmp/$1.out" >"$tmp/part"
	return "$until_status"
}

# nothing_new: none of the servers that nobody may reach has heard of anybody
nothing_new() {
	is "$1" "$(came '^(tcp|udp) (127\.0\.0\.1|::1|10\.77\.0\.2|192\.168\.77\.1|192\.168\.77\.20|fd77::.*|2a00:77:0:1::2|169\.254\.169\.254) ')" 0
}

# A command that has all capabilities is not such a guest.
run --net user --policy none --landlock off --cap-add ALL -- sh -c '
	ip link add other type dummy || ./frames tap0 10.0.2.100 10.0.2.2 198.41.0.10 1 honest' >/dev/null 2>&1
is "a command has no power over its network" "$?" 1

kinds=$("$frames" list | tr '\n' ' ')
guest root -- '
	next warm; frames 200 '"$kinds"'; echo done warm
	next storm; frames 5000 '"$kinds"'; echo done storm
	for more in 1 2 3 4; do
		next "again$more"; frames 5000 '"$kinds"'; echo "done again$more"
	done
	next syn; frames 20000 urgent; echo done syn
	next after; ./ask get 198.41.0.10 80 , udp 198.41.0.10 7 , dns 10.0.2.3 web.example.test A ; echo done after
	next filters
	./frames flush && echo flushed
	./ask tcp 192.168.77.20 80 , tcp 10.0.2.2 8080 , tcp 10.77.0.2 8080 , tcp 169.254.169.254 80 , \
		tcp fd77::20 80 , tcp fd00::2 8080 , udp 192.168.77.20 7 , udp 10.0.2.2 8007
	./ask get 198.41.0.11 80 ; echo done filters
	next address
	ip addr add 192.168.77.20/24 dev tap0; ip addr add 10.0.2.77/24 dev tap0; ip addr add 127.0.0.77/8 dev tap0
	ip link set tap0 down; ip link set tap0 address 02:aa:bb:cc:dd:ee; ip link set tap0 up
	ip route replace default via 10.0.2.2
	./ask tcp 192.168.77.1 8080 , udp 10.0.2.2 8007 , tcp 198.41.0.53 53; echo done address
	next queue
	ip link set tap0 mtu 65521; ip link set tap0 txqueuelen 100000; frames 500 noise offload lengths; echo done queue
	next gone
	ip link del tap0; ./ask tcp 198.41.0.10 80 | grep -v "^ok"; echo done gone'

step root warm
before=$(resident)
servants >"$tmp/servants"
step root storm
result $? "frames of all kinds are taken" || say "$(cat "$tmp/root.err")"
is "sbx-net is the same as before" "$(servants)" "$(cat "$tmp/servants")"
after=$(resident)
# How much waits at one moment depends on how busy the machine is; what is lost adds up each time.
least=$after
for more in 1 2 3 4; do
	step root "again$more"
	again=$(resident)
	[ $((again - after)) -ge "$least" ] || least=$((again - after))
	after=$again
done
bounded "more of them take no more memory" "$least" 4096
# Beside the relay libslirp has 256 connections; alone it has 3,000, and buffers for each.
most=32768
relayed || most=131072
step root syn
opened=$(resident)
bounded "connections that frames begin have their bound" "$opened" "$most"
[ "$(came 'udp .*honest')" -gt 200 ]
result $? "frames that nobody minds came" || say "$(came 'udp .*honest')"
for kind in fragments options spoofed foreign-mac ethertypes loopback tftp dhcp; do
	is "no frame of the kind $kind came anywhere" "$(came "udp .*$kind")" 0
done
nothing_new "nobody reached the host or the LAN"
step root after
is "it serves as before" "$(grep -c '^ok' "$tmp/part")" 3 || say "$(cat "$tmp/part")"

step root filters
is "without filters nothing is open that was not" "$(grep -cE '^(refused|unreachable|prohibited|timeout|reset)' "$tmp/part")" 8 ||
	say "$(cat "$tmp/part" "$tmp/root.err")"
nothing_new "nor came anything"
like "what was open goes by another way" "$(grep '^ok' "$tmp/part")" "ok inet 198.41.0.11 *" || say "$(cat "$tmp/part")"

step root address
is "with other addresses nothing more is open" "$(grep -c '^ok' "$tmp/part")" 0 || say "$(cat "$tmp/part")"
nothing_new "nor came anything then"
step root queue
is "sbx-net is still there" "$(servants)" "$(cat "$tmp/servants")"
step root gone
result $? "who takes its interface away is without a network" || say "$(cat "$tmp/root.out" "$tmp/root.err")"
until_true gone "$served" || ended "$served"

# The same below names: no frame opens what was not looked up.
guest names --allow web.example.test:80 -- '
	next flushed; ./frames flush
	./ask tcp 198.41.0.11 80 , udp 198.41.0.54 53 , dns 10.0.2.3 web.example.test A , tcp 198.41.0.10 80 , \
		tcp 198.41.0.10 443 , dns 10.0.2.3 other.test A , dns 10.0.2.3 other.test A tcp ; echo done flushed'
step names flushed
is "names hold without filters" "$(sed 's/ .*//' "$tmp/part" | tr '\n' ' ' | sed 's/unreachable\|prohibited\|reset\|closed/refused/g')" \
	"refused refused ok ok refused refused refused done " || say "$(cat "$tmp/part" "$tmp/names.err")"
ended "$served"

# Questions without end, and connections that are never used.
guest flood -- 'python3 -c "
import socket, struct, time
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
streams = []
until = time.monotonic() + 3
number = 0
while time.monotonic() < until:
    number += 1
    label = b\"n%07d\" % number
    names.sendto(struct.pack(\">HHHHHH\", number & 65535, 256, 1, 0, 0, 0) + bytes([len(label)]) + label +
                 b\"\\4test\\0\\0\\1\\0\\1\", (\"10.0.2.3\", 53))
    if len(streams) < 800:
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((\"10.0.2.3\", 53) if number % 2 else (\"198.41.0.10\", 80))
        streams.append(one)
print(\"done flood\", flush=True)
time.sleep(60)"'
step flood flood
flooded=$(resident)
say "$before kB at first, $again kB behind the frames, $opened kB with connections, $flooded kB behind the flood"
bounded "a flood of names and connections has its bound" "$flooded" "$most"
is "and others are served meanwhile" "$(inside --net user -- dns 10.0.2.3 web.example.test A , tcp 198.41.0.10 80 | cut -c 1-2 | tr '\n' ' ')" "ok ok "
ended "$served"
until_true eval '[ -z "$(servants)" ]'
result $? "nobody is left"

all_done
