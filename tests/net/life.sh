#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a network begins and ends: with its sandbox, however that ends; a hundred at once; many
# connections.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
internet

nobody_left() {
	until_true eval '[ -z "$(servants)" ]'
}

run --net user -- true
is "it says nothing and ends with the command's status" "$?.$(cat "$tmp/said")" "0."
nobody_left
result $? "sbx-net ends with the sandbox"
run --net user -- false
is "another status" "$?" 1

# sbx-net is killed.
served killed --net user -- sh -c './ask tcp 198.41.0.10 80; echo ready; sleep 60; echo still'
# shellcheck disable=SC2046
kill -KILL $(servants)
until_true gone "$served"
wait "$served"
is "who loses the network ends with 125" "$?" 125
has "and says so" "$tmp/killed.err" '^sbx: cannot .*(network|sbx-net)'
is "the command has not gone on" "$(grep -c still "$tmp/killed.out")" 0
nobody_left
result $? "nobody is left"
is "no state is left" "$(find "$tmp/runtime" -mindepth 2 | grep -cv '/lock')" 0 || say "$(find "$tmp/runtime")"

# One half of it alone.
served half --net user -- sh -c './ask tcp 198.41.0.10 80; echo ready; sleep 60'
kill -KILL "$(servants | tail -n 1)"
until_true gone "$served"
result $? "it ends as well when the inner half is killed"
nobody_left
result $? "and the other half with it"

# The launcher is killed.
served orphan --net user -p 8081:80 -- ./ask serve tcp 0.0.0.0 80
kill -KILL "$served"
nobody_left
result $? "sbx-net ends with the launcher"
is "its ports are free" "$("$ASK" tcp 127.0.0.1 8081)" refused

# It cannot start.
: >"$tmp/empty"
user timeout 20 unshare -Urm sh -c 'mount --bind "$1" /dev/net/tun; shift; exec "$@"' sh "$tmp/empty" \
	"$SBX" run --no-config --cwd ro --net user -- true >"$tmp/said" 2>&1 </dev/null
is "without a tap device it is 125" "$?" 125
has "which is named" "$tmp/said" '^sbx: cannot .*/dev/net/tun'
has "and what helps" "$tmp/said" '^sbx: hint: .*--net relay'

# A hundred at once, each with the same addresses.
rm -f "$tmp/crowd".*
number=0
while [ "$number" -lt 100 ]; do
	number=$((number + 1))
	# shellcheck disable=SC2086
	timeout -k 2 100 $as_user "$SBX" run --no-config --cwd ro ${SBX_NET_OPTIONS-} --net user -p 80 -- \
		sh -c './ask get 198.41.0.10 80 , dns 10.0.2.3 web.example.test A; until [ -e go ]; do sleep 0.2; done' \
		>"$tmp/crowd.$number" 2>&1 </dev/null &
	crowd="${crowd-} $!"
done
all_connected() {
	[ "$(cat "$tmp/crowd".* | grep -cE '^ok (slow )?(inet|198)')" = 200 ]
}
until_true all_connected || until_true all_connected || until_true all_connected || until_true all_connected
result $? "a hundred at once have a network each" || say "$(cat "$tmp/crowd".* | sort | uniq -c | sort -rn | head)"
is "and a port each" "$(cat "$tmp/crowd".* | grep -oE ':[0-9]{4,5}' | sort -u | wc -l)" 100
: >"$tmp/work/go"
# shellcheck disable=SC2086
wait $crowd
nobody_left
result $? "and all of them end"

# Many connections, out and in.
patience=100
is "2,000 connections at the same time" "$(inside --net user -- many 198.41.0.10 80 2000 | sed 's/slow //')" "ok 2000 2000"
is "2,000 one after the other" "$(run --net user -- sh -c '
	i=0; while [ $i -lt 20 ]; do ./ask many 198.41.0.10 80 100; i=$((i + 1)); done' | grep -c '^ok.* 100 100')" 20

all_done
