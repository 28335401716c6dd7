#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/preview.sh: the page is there, on this host, as long as it runs.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip_all "python3 is not installed"
sbx run --no-config --cwd off -- true >"$tmp/said" 2>&1 || {
	grep -qE 'tun|netfilter|relay' "$tmp/said" && skip_all "no network of its own here: $(head -n 1 "$tmp/said")"
}
mkdir "$tmp/pages"
echo hello >"$tmp/pages/index.html"

# get PORT: the page
get() {
	python3 -c 'import sys, urllib.request as u
print(u.urlopen("http://127.0.0.1:%s/" % sys.argv[1], timeout=5).read().decode().strip())' "$1" 2>/dev/null
}
is_served() {
	[ "$(get "$port")" = hello ]
}

plan 4
"$examples/preview.sh" "$tmp/pages" </dev/null >"$tmp/out" 2>&1 &
server=$!
waiting="$waiting $server"
until_true grep -q '127\.0\.0\.1:[0-9]' "$tmp/out"
port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$tmp/out" | head -n 1)
[ -n "$port" ]
result $? "the port is told" || say "$(cat "$tmp/out")"
until_true is_served
result $? "the page is there" || say "$(cat "$tmp/out")"
kill "$server"
wait "$server"
is "it ends by a signal" "$?" 143
is "and is gone" "$(get "$port")" ""
