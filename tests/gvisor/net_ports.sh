#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Published ports of gVisor's own stack, which has no sockets in the network namespace: both
# families, whatever the server listens by; `sbx port` while it runs; two sandboxes at once.
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
[ -c /dev/net/tun ] || skip_all 'no /dev/net/tun'
small_root
: "${ASK:?the path of ask}"
cp "$ASK" "$root/bin/ask"
head -c 8388608 /dev/urandom >"$root/data"
sum=$(sha256sum <"$root/data" | cut -c 1-64)
export XDG_RUNTIME_DIR="$tmp/runtime"
mkdir -m 700 "$tmp/runtime"

# served NAME ARG... -- COMMAND: a sandbox of that name, whose command says "ready"
served() {
	name=$1
	shift
	: >"$tmp/$name.out"
	gvisor --no-config --cwd off -R "$root" --name "$name" "$@" >"$tmp/$name.out" 2>"$tmp/$name.err" &
	waiting="$waiting $!"
	until_true grep -q ready "$tmp/$name.out" || {
		echo "Bail out! no server: $(cat "$tmp/$name.out" "$tmp/$name.err")"
		exit 1
	}
}

# chosen NAME GUEST: the host's port that leads to it
chosen() {
	sed -n "s/.*127\.0\.0\.1:\([0-9]*\) leads to port $2\$/\1/p" "$tmp/$1.err"
}

# whether the host has ::1 to listen on
has_ip6() {
	grep -q '^\[::1\]\|\[::1\]:' "$tmp/one.err"
}

served one -p 80 -p 81 -p 82/udp -p 90 -- /bin/sh -c 'httpd -p 0.0.0.0:90 -h /
	exec ask serve tcp 0.0.0.0 80 tcp :: 81 tcp 0.0.0.0 81 udp 0.0.0.0 82'
served two --ip6 off -p 80 -- /bin/ask serve tcp 0.0.0.0 80
p80=$(chosen one 80) p81=$(chosen one 81) p82=$(chosen one 82.udp) p90=$(chosen one 90) q80=$(chosen two 80)

like 'TCP by IPv4' "$("$ASK" get 127.0.0.1 "$p80")" 'ok *10.0.2.2*80'
is 'UDP by IPv4' "$("$ASK" udp 127.0.0.1 "$p82")" ok
like 'two sandboxes at once' "$("$ASK" get 127.0.0.1 "$q80" , get 127.0.0.1 "$p80")" 'ok *80
ok *80'
like '30 clients at once' "$("$ASK" many 127.0.0.1 "$p80" 30)" 'ok*30 30'
is 'much data comes out' "$(wget -q -O - "http://127.0.0.1:$p90/data" | sha256sum | cut -c 1-64)" "$sum"
if has_ip6; then
	like 'IPv6 for a server of both' "$("$ASK" get ::1 "$p81")" 'ok *81'
	like 'IPv6 for a server of IPv4 alone' "$("$ASK" get ::1 "$p80")" 'ok *10.0.2.2*80'
	like 'IPv6 for a sandbox without it' "$("$ASK" get ::1 "$q80")" 'ok *10.0.2.2*80'
	is 'much data crosses' "$(wget -q -O - "http://[::1]:$p90/data" | sha256sum | cut -c 1-64)" "$sum"
else
	skip 'IPv6' 'this host has no ::1'
fi

"$SBX" port one add 0:81 >"$tmp/added" 2>&1
result $? 'sbx port adds one' || say "$(cat "$tmp/added")"
added=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/added")
like 'it leads there' "$("$ASK" get 127.0.0.1 "${added:-1}")" 'ok *81'
"$SBX" port one list 2>&1 | grep -q ":${added:-none}"
result $? 'and is listed'
ok 'and removed' "$SBX" port one remove "$added"
is 'then nobody listens' "$("$ASK" tcp 127.0.0.1 "${added:-1}")" refused
like 'the others go on' "$("$ASK" get 127.0.0.1 "$p80")" 'ok *80'

ok 'both end' "$SBX" stop one two
is 'and their ports with them' "$("$ASK" tcp 127.0.0.1 "$p80" , tcp 127.0.0.1 "$q80")" 'refused
refused'
plan "$tests_run"
