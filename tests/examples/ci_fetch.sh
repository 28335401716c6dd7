#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/ci-fetch.sh: what is named is reached, what is not is told. The place that is named is
# a server on this host, as there may be no other here.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

job=$examples/ci-fetch.sh
command -v python3 >/dev/null || skip_all "python3 is not installed"
sbx run --no-config --cwd off -- true >"$tmp/said" 2>&1 || {
	grep -qE 'tun|netfilter|relay' "$tmp/said" && skip_all "no network of its own here: $(head -n 1 "$tmp/said")"
}
mkdir "$tmp/checkout" "$tmp/served"
cd "$tmp/checkout" || exit 1
echo package >"$tmp/served/package"

python3 -c 'if True:
	import functools, http.server, sys
	handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
	server = http.server.HTTPServer(("127.0.0.1", 0), handler)
	print(server.server_port, flush=True)
	server.serve_forever()' "$tmp/served" >"$tmp/port" 2>/dev/null &
waiting="$waiting $!"
until_true test -s "$tmp/port"
port=$(cat "$tmp/port")
get='import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode().strip())'

plan 7

output=$(CI_ALLOW="host:$port" "$job" sh -c 'python3 -c "$0" "$1" >vendor/package' "$get" \
	"http://host.sbx.internal:$port/package" 2>&1)
is "the place that is named is reached" "$?.$(cat vendor/package 2>/dev/null).$output" "0.package."

output=$(CI_ALLOW="packages.example.org:443" "$job" sh -c 'getent hosts other.example.org; exit 3' 2>&1)
is "another name is not, and the job ends as its command does" "$?" 3
has "it is told at the end" "$output" "ci-fetch: denied; --allow other.example.org:443"
output=$(CI_ALLOW="packages.example.org:443" "$job" python3 -c "$get" "http://10.0.2.2:$port/package" 2>&1)
like "nor the host" "$?.$output" "1.*denied tcp to 10.0.2.2:$port*"
output=$(CI_ALLOW='' "$job" ls /sys/class/net 2>&1)
is "where none is named there is no network" "$?.$output" "0.lo"
echo untouched >input
output=$(CI_ALLOW="host:$port" "$job" sh -c 'echo changed >input' 2>&1)
is "the checkout is as before" "$(cat input)" untouched
is "no report is left" "$(ls "$tmp/reports")" ""
