#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is told of a network: --net-log, --pcap, --stats; and --net-rate, which is measured.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

# field FILTER: of the log, by a line of python for each object `o`
fields() {
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    o = json.loads(line)
    if eval(sys.argv[2]):
        print(eval(sys.argv[3]))' "$log" "$@"
}

log=$tmp/work/net.log
user touch "$log"
inside --net user --net-log "$log" -- dns 10.0.2.3 web.example.test A , pull 198.41.0.10 80 1000000 , \
	push 198.41.0.10 80 2000000 , udp 198.41.0.10 7 , tcp 192.168.77.20 80 >"$tmp/answers"
is "a log does not change what is reached" "$(sed 's/ .*//' "$tmp/answers" | tr '\n' ' ' | cut -c 1-12)" "ok ok ok ok "
python3 -c 'import json, sys
assert all(isinstance(json.loads(line), dict) for line in open(sys.argv[1]))' "$log"
result $? "the log has an object a line"
grep 198.41.0.10 "$log" >"$tmp/flows"
has "with the name that was asked for" "$tmp/flows" 'web\.example\.test'
has "the bytes that came" "$tmp/flows" '"[a-z_]*in": ?1000[0-9]{3}[,}]'
has "the bytes that went" "$tmp/flows" '"[a-z_]*out": ?2000[0-9]{3}[,}]'
has "a denial" "$log" '192\.168\.77\.20'
one_line "a log that cannot be written" "sbx: cannot *[/]proc/nothing*" --net user --net-log /proc/nothing -- true
echo kept >"$tmp/precious"
ln -s precious "$tmp/left"
mkfifo "$tmp/fifo"
one_line "a link that somebody left there" "sbx: cannot *[/]left*" --net user --net-log "$tmp/left" -- true
is "is not written through" "$(cat "$tmp/precious")" kept
one_line "nor is a pipe waited for" "sbx: cannot *[/]fifo*" --net user --pcap "$tmp/fifo" -- true

if command -v tcpdump >/dev/null; then
	pcap=$tmp/work/pcap log=$tmp/work/pcap.log
	user touch "$pcap" "$log"
	inside --net user --pcap "$pcap" --net-log "$log" -- get 198.41.0.10 80 , get 2a00:77:0:2::10 80 , \
		udp 198.41.0.10 7 , tcp 192.168.77.20 80 , tcp 198.41.0.10 81 >"$tmp/answers"
	is "--pcap does not change what is reached" "$(sed 's/ .*//' "$tmp/answers" | tr '\n' ' ' | cut -c 1-9)" "ok ok ok "
	count() {
		tcpdump -nr "$pcap" "$@" 2>/dev/null | wc -l
	}
	ok "tcpdump reads it" tcpdump -nr "$pcap"
	is "each connection is in it" "$(count 'tcp[13] == 2 and dst host 198.41.0.10 and dst port 80')" 1
	is "IPv6 as well" "$(count 'ip6 and dst host 2a00:77:0:2::10 and ip6[53] == 2')" 1
	is "and the answers" "$(count 'tcp[13] == 18 and src host 198.41.0.10')" 1
	is "a packet of UDP each way" "$(count 'udp port 7')" 2
	is "what was denied" "$(count 'tcp[13] == 2 and dst host 192.168.77.20')" 1
	is "as many flows as the log has" \
		"$(count '(tcp[13] == 2 and dst net 198.41.0.0/24) or (udp dst port 7)')" \
		"$(fields 'o.get("event") == "start" and "198.41.0.10" in str(o)' 1 | wc -l)" || say "$(cat "$log")"
	is "the clock is the host's" "$(tcpdump -tttt -nr "$pcap" 2>/dev/null | head -n 1 | cut -c 1-13)" "$(date '+%Y-%m-%d %H')"
else
	skip "--pcap" "tcpdump is not installed"
fi

# --net-rate: bytes and bits; each way within a tenth, after the burst.
timed() { # REQUEST BYTES
	inside --net user --net-rate "$1" -- "$2" 198.41.0.10 80 "$3" | sed 's/^ok //'
}
within() { # DESCRIPTION MS WANTED
	[ "${2:-0}" -ge $(($3 * 9 / 10)) ] 2>/dev/null && [ "$2" -le $(($3 * 11 / 10)) ]
	result $? "$1" || say "$2 ms, not $3"
}
within "5 MB a second down" "$(timed 5M pull 15000000)" 3000
within "5 MB a second up" "$(timed 5M push 15000000)" 3000
within "16 Mbit/s down" "$(timed 16Mbit pull 6000000)" 3000
within "16 Mbit/s up" "$(timed 16Mbit push 6000000)" 3000
within "two connections share it" "$(run --net user --net-rate 5M -- sh -c '
	./ask pull 198.41.0.10 80 7500000 & ./ask pull 198.41.0.10 80 7500000; wait' | sort -n -k 2 | tail -n 1 |
	sed 's/^ok //')" 3000

# --stats and the path in use.
run --net user --stats -- ./ask pull 198.41.0.10 80 1000000 >/dev/null
has "--stats has the network" "$tmp/said" 'net|bytes'
if relayed; then
	has "it says which way TCP went" "$tmp/said" '"paths":"TCP by relay, the rest by libslirp","relay":[{]"flows":1,'
else
	has "it says that libslirp carried TCP" "$tmp/said" '"paths":"all by libslirp.*"slirp":[{]"flows":[1-9]'
fi

all_done
