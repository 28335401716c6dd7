#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Names: whom the forwarder asks, what it does where those fail or lie, and what never leaves
# the host.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

# fresh: nothing has been asked yet, and everybody is good
fresh() {
	rm -f "$tmp/dns/"*
}

# lookup NAME TYPE [udp|tcp]: with no more options
lookup() {
	inside --net user -- dns 10.0.2.3 "$@"
}

# ---- honest ones --------------------------------------------------------------------------------

table "answers" --net user <<'END'
ok dns 10.0.2.3 web.example.test A
ok dns 10.0.2.3 web.example.test A tcp
ok dns 10.0.2.3 web.example.test AAAA
ok dns fd00::3 web.example.test A
ok dns fd00::3 web.example.test A tcp
ok dns 10.0.2.3 text.test TXT
ok dns 10.0.2.3 chain.test A
nxdomain dns 10.0.2.3 nothing.test A
empty dns 10.0.2.3 v4.example.test AAAA
truncated dns 10.0.2.3 big.test TXT
ok dns 10.0.2.3 big.test TXT tcp
ok dns 10.0.2.3 huge.test TXT tcp
ok dns 10.0.2.3 many.test A tcp
END
is "the addresses are the ones that were given" "$(lookup web.example.test A)" "ok 198.41.0.10"
fresh
inside --net user -- dns 10.0.2.3 web.example.test A , dns 10.0.2.3 web.example.test A >/dev/null
is "what was asked before is remembered" "$(asked 'web.example.test A$')" 1
fresh
inside --net user -- dns 10.0.2.3 web.example.test A >/dev/null
is "the first resolver is asked" "$(asked '^198.41.0.53 ').$(asked '^198.41.0.54 ')" 1.0
like "a lookup waits for no other" "$(run --net user -- sh -c '
	./ask dns 10.0.2.3 slow.test A & ./ask dns 10.0.2.3 web.example.test A; wait' | tr '\n' ' ')" \
	"ok 198.41.0.10 ok slow 198.41.0.10 "
like "what loops ends" "$(lookup loop.test A)" "[!o]*"
is "what is above has no name" "$(lookup host.sbx.internal A)" "ok 10.0.2.2"

# ---- those that fail ----------------------------------------------------------------------------

resolvers 198.41.0.56 198.41.0.53
is "a resolver that is not there" "$(lookup web.example.test A)" "ok 198.41.0.10"
resolvers 198.41.0.53 198.41.0.54
for kind in silent servfail refuses garbage; do
	fresh
	mood 198.41.0.53 "$kind"
	like "the first resolver is $kind: the second is asked" "$(lookup web.example.test A)" \
		"ok*198.41.0.10"
done
fresh
mood 198.41.0.53 silent
like "who did not answer is not waited for again" "$(inside --net user -- dns 10.0.2.3 web.example.test A , \
	dns 10.0.2.3 other.test A , dns 10.0.2.3 api.example.test A | tail -n 1)" "ok 198.41.0.12"
mood 198.41.0.54 silent
like "nobody answers: that is said before a C library gives up" "$(run --net user -- sh -c '
	./ask dns 10.0.2.3 web.example.test A & sleep 4.8; ./ask dns 10.0.2.3 web.example.test A; wait' | tail -n 1)" "servfail*"
fresh
mood 198.41.0.53 nostream
mood 198.41.0.54 nostream
like "nobody answers by TCP" "$(lookup big.test TXT tcp)" "[!o]*"
fresh
is "and it is as before when they are" "$(lookup web.example.test A)" "ok 198.41.0.10"

# ---- the host's resolv.conf ---------------------------------------------------------------------

resolvers 2a00:77:0:2::53
is "a resolver of IPv6" "$(lookup web.example.test A)" "ok 198.41.0.10"
mkdir "$tmp/dns-host"
started "$tmp/host-names" "$net_here/dns_server.py" "$tmp/dns-host" 127.0.0.53 10.77.0.2
resolvers 127.0.0.53
is "a resolver of the host's loopback" "$(lookup web.example.test A)" "ok 198.41.0.10"
resolvers 10.77.0.2
is "a resolver at the host's own address" "$(lookup web.example.test A)" "ok 198.41.0.10"
is "which nobody reaches otherwise" "$(inside --net user -- dns 10.77.0.2 web.example.test A | cut -c 1-2)" "un"
printf '# a comment\noptions edns0\nsearch x.test\nnameserver nonsense\nnameserver 198.41.0.53%%eth0\nnameserver 198.41.0.54\n' \
	>/etc/resolv.conf
is "a file with all kinds of lines" "$(lookup web.example.test A)" "ok 198.41.0.10"

# While it runs: replaced, written in place, and a link that points elsewhere. A first lookup may
# still go to those of before.
changing() { # DESCRIPTION COMMAND...
	title=$1
	shift
	fresh
	rm -f "$tmp/work/go"
	resolvers 198.41.0.53
	served changing --net user -- sh -c './ask dns 10.0.2.3 web.example.test A; echo ready
		until [ -e go ]; do sleep 0.05; done; sleep 1.2
		./ask dns 10.0.2.3 api.example.test A; sleep 0.5; ./ask dns 10.0.2.3 other.test A'
	"$@"
	: >"$tmp/work/go"
	until_true gone "$served"
	is "$title" "$(sed -n 1p "$tmp/changing.out"), $(asked '^198.41.0.54 udp other.test')" "ok 198.41.0.10, 1"
}
in_place() {
	echo nameserver 198.41.0.54 >/etc/resolv.conf
}
link() {
	echo nameserver 198.41.0.54 >/run/resolv.conf
	ln -sf /run/resolv.conf /etc/resolv.conf
}
changing "a resolv.conf that is replaced" resolvers 198.41.0.54
changing "one that is written to" in_place
changing "one that becomes a link" link
fresh
resolvers 198.41.0.53 198.41.0.54
is "--dns is asked instead" "$(inside --net user --dns 198.41.0.54 -- dns 10.0.2.3 web.example.test A
	).$(asked '^198.41.0.53').$(asked '^198.41.0.54')" "ok 198.41.0.10.0.1"
is "--dns may be of the LAN without a rule" "$(inside --net user --dns 10.77.0.2 --allow internet:80 -- \
	dns 10.0.2.3 web.example.test A)" "ok 198.41.0.10"

# ---- names that no rule allows ------------------------------------------------------------------

fresh
table "names that are not allowed" --net user --allow '*.example.test' <<'END'
refused dns 10.0.2.3 secret.other.test A
refused dns 10.0.2.3 secret.other.test AAAA
refused dns 10.0.2.3 secret.other.test TXT
refused dns 10.0.2.3 secret.other.test A tcp
refused dns 10.0.2.3 secret.example.test.other.test A
refused dns 10.0.2.3 4.77.168.192.in-addr.arpa PTR
ok dns 10.0.2.3 web.example.test A
END
is "never leave the host" "$(asked 'secret|arpa')" 0
is "those that are do" "$(asked 'web.example.test')" 1

# ---- those that lie -----------------------------------------------------------------------------

# lies NAME OPTION...: what comes for A and AAAA leads nowhere private
lies() {
	name=$1
	shift
	got=$(inside --net user "$@" -- dns 10.0.2.3 "$name" A , dns 10.0.2.3 "$name" AAAA)
	! printf '%s' "$got" | grep -qE ' (192\.168|127\.|0\.0|169\.254|10\.|::|fe80|fd77|64:ff9b)'
	result $? "$name leads nowhere private ($*)" || say "$got"
}
for name in lan lan6 loopback zero metadata linklocal mapped nat64 host mixed; do
	lies "$name.hostile.test" --allow '*.hostile.test'
done
lies alias.hostile.test --allow '*.hostile.test'
for name in loopback zero metadata linklocal mapped; do
	lies "$name.hostile.test"
done
table "a name that moves into the LAN" --net user --allow flip.test:80 --allow short.test:80 <<'END'
ok dns 10.0.2.3 flip.test A
ok get 198.41.0.10 80
END
like "is not followed there" "$(run --net user --allow flip.test:80 -- sh -c '
	./ask dns 10.0.2.3 flip.test A; sleep 2; ./ask dns 10.0.2.3 flip.test A; ./ask get 192.168.77.20 80' |
	tr '\n' ' ')" "[!o]*[!o][!k]*"

fresh
for name in header empty id question cut count pointer length question-only label always-truncated; do
	like "an answer of the kind $name is none" "$(inside --net user --dns 198.41.0.53 -- \
		dns 10.0.2.3 "$name.hostile.test" A)" "[!o]*"
done
like "one that is too large" "$(inside --net user -- dns 10.0.2.3 huge.hostile.test A)" "*"
like "one that is only whole by TCP" "$(inside --net user -- dns 10.0.2.3 truncated.hostile.test A)" \
	"ok 198.41.0.11"
is "after all of them it still answers" "$(run --net user -- sh -c '
	for name in header empty id question cut count pointer length question-only label huge; do
		timeout 0.2 ./ask dns 10.0.2.3 $name.hostile.test A >/dev/null
	done
	./ask dns 10.0.2.3 web.example.test A')" "ok 198.41.0.10"

all_done
