#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `sbx config` prints what would run, and `sbx run --config` runs what was printed.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sandbox/lib.sh
. "$here/lib.sh"
schema=$here/../../docs/schema/config.json

plan 25
mkdir "$tmp/work" "$tmp/root" "$tmp/root/etc"
cd "$tmp/work" || exit 1

printed() {
	"$SBX" config --no-config "$@" 2>&1
}

# without where values came from: that differs by design
plain() {
	grep -v '"sbx\.from\.' | sed 's/,$//'
}

valid() {
	python3 "$here/validate.py" "$schema"
}

touched() {
	printed -- touch "$tmp/touched" >/dev/null
	[ ! -e "$tmp/touched" ] && [ ! -e "$tmp/work/touched" ]
}

fits() { # DESCRIPTION OPTION...
	description=$1
	shift
	if printed "$@" -- true | valid >"$tmp/out"; then
		result 0 "$description"
	elif [ $? = 77 ]; then
		skip "$description" "$(cat "$tmp/out")"
	else
		result 1 "$description" || say "$(cat "$tmp/out")"
	fi
}
fits 'the defaults fit the schema'
fits 'so do a policy, what it denies and limits' --policy docker --explain on --denials "$tmp/denials" \
	--landlock 'require(1)' --root-emu on -m 64M --memory-swap 80M --pids 5 --cpus 1.5 --cpuset 0 \
	--io-weight 7 --limits best-effort
fits 'and every word of a network' --net user --ip 10.9.8.7/24 --gateway 10.9.8.1 --ip6 fd12::7/64 --mac 02:00:00:00:00:07 \
	--ifname uplink --mtu 1400 --txqueuelen 500 --dns 192.0.2.53 --dns 2001:db8::53 --search example.test \
	--add-host db:192.0.2.7 --add-host up:host-gateway -p 18080:80 -p '[::1]:18081:81/udp' --allow 'example.test:443,sni' \
	--deny 192.0.2.0/24 --net-log "$tmp/net.log" --pcap "$tmp/net.pcap" --net-rate 10M --relay off
fits 'and no IPv6' --net relay --ip6 off --no-resolv
ok 'printing starts nothing' touched

options='--hostname box --tmpfs /srv:size=1M --env A=1 --rlimit nofile=64 --workdir /usr'
# shellcheck disable=SC2016,SC2086
printed $options -- sh -c 'hostname; pwd; ulimit -n; echo $A; df -k /srv | awk "END { print \$2 }"' >"$tmp/box.json"
got=$("$SBX" run --no-config --config - <"$tmp/box.json" 2>&1 | tr '\n' ' ')
is 'what was printed runs from a pipe' "$got" 'box /usr 64 1 1024 '
got=$("$SBX" run --no-config --config "$tmp/box.json" 2>&1 | tr '\n' ' ')
is 'what was printed runs from a file' "$got" 'box /usr 64 1 1024 '
got=$("$SBX" run --no-config --config "$tmp/box.json" -- hostname 2>&1)
is 'another command takes the place of the printed one' "$got" box
got=$("$SBX" run --no-config --config "$tmp/box.json" --hostname other -- hostname 2>&1)
is 'an option beside --config wins' "$got" other

plain <"$tmp/box.json" >"$tmp/first"
printed --config "$tmp/box.json" | plain >"$tmp/second"
ok 'what was read prints the same again' cmp "$tmp/first" "$tmp/second"

printed --hostname box -- true >"$tmp/from.json"
like 'where a value came from is told' "$(cat "$tmp/from.json")" '*"sbx.from.hostname": "command line"*'
printf 'hostname from-file\n' >"$tmp/profile"
like 'a profile is told with its line' "$(printed --profile "$tmp/profile" -- true)" \
	"*\"sbx.from.hostname\": \"$tmp/profile:1\"*"

diff=$("$SBX" config --diff --no-config --hostname box --ro /etc:/srv -- /bin/sh)
like 'the difference has what was asked for' "$diff" '*"hostname": "box"*'
like 'the difference has the mount that was added' "$diff" '*"destination": "/srv"*'
count=$(printf '%s\n' "$diff" | grep -c '"destination"')
is 'the difference has no other mount' "$count" 1
is 'no option is no difference' "$("$SBX" config --diff --no-config -- /bin/sh | plain | tr -d ' \n')" \
	'{"ociVersion":"1.1.0""annotations":{}}'

odd=$(printf 'a\377b')
mkdir "$odd"
cd "$odd" || exit 1
printed -- pwd >"$tmp/odd.json"
got=$("$SBX" run --no-config --config "$tmp/odd.json" 2>&1)
is 'a directory that is not UTF-8 comes back' "$got" "$tmp/work/$odd"
cd "$tmp/work" || exit 1

refused() { # MEMBER FILTER
	jq "$2" "$tmp/box.json" >"$tmp/bad.json"
	got=$("$SBX" run --no-config --config "$tmp/bad.json" -- true 2>&1)
	status=$?
	case $status:$got in
	125:"sbx: cannot read $tmp/bad.json: $1: "*) return 0 ;;
	esac
	echo "status $status: $got"
	return 1
}
told() { # PATTERN FILTER: the whole answer
	jq "$2" "$tmp/box.json" >"$tmp/bad.json"
	got=$("$SBX" run --no-config --config "$tmp/bad.json" -- true 2>&1)
	status=$?
	# shellcheck disable=SC2254
	case $status:$got in
	125:"sbx: cannot "$1) return 0 ;;
	esac
	echo "status $status: $got"
	return 1
}
if command -v jq >/dev/null; then
	for type in cgroup mqueue; do
		kind=$(echo $type | sed s/mqueue/ipc/)
		ok "a $type of others is refused with what to do" \
			told "mount /tmp/x: the $kind namespace is not*hint: put {\"type\": \"$kind\"} into linux.namespaces*" \
			'.linux.namespaces |= map(select(.type != "'"$kind"'")) |
			.mounts += [{ destination: "/tmp/x", type: "'$type'", source: "'$type'" }]'
	done
	ok 'no map is refused with what to do' told 'map users: the configuration has no map*hint: --map auto' \
		'del(.linux.uidMappings)'
	ok 'a hook is refused by name' refused hooks.poststart '.hooks.poststart = [{path: "/bin/true"}]'
	ok 'a limit that cannot be set is refused by name' refused linux.resources.memory.reservation \
		'.linux.resources.memory.reservation = 1000000'
	ok 'a filter that cannot be read is refused by name' refused linux.seccomp.defaultAction \
		'.linux.seccomp.defaultAction = "SCMP_ACT_NOWHERE"'
	ok 'a bad type is refused by name' refused process.cwd '.process.cwd = 7'
else
	for member in cgroup mqueue map hook limit filter type; do
		skip "a $member is refused by name" 'jq is missing'
	done
fi
got=$(printf '{"ociVersion": ' | "$SBX" run --no-config --config - -- true 2>&1)
like 'half a document is refused with its place' "$got" \
	'sbx: cannot read standard input: line 1, column *'
