# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The small internet of the network tests. The script that reads this runs itself again in a
# user namespace of the caller's own ids, with network, mount and process namespaces: there it
# is root, and whoever started it is the ordinary user that runs sbx, with subordinate ids of
# its own. When the script ends, by whatever way, all of it is gone.
#
#   host       the network namespace of the test      10.77.0.2      2a00:77:0:1::2
#              its second interface, a LAN            192.168.77.1   fd77::1   203.0.114.1
#              servers on all of its addresses and loopback, ports 8080 8443 8007
#   inet       router and servers                     10.77.0.1      2a00:77:0:1::1
#              web 198.41.0.10 .11 .12 .20 and 2a00:77:0:2::10 ::11, ports 80 443 7 8080 853
#              private ones behind the router 172.16.9.9 100.64.0.9, metadata 169.254.169.254
#              64:ff9b::c0a8:4d14, the LAN as NAT64 would say it
#              198.41.98.0/24 loses what is sent there, 198.41.99.0/24 is unreachable, and from the
#              host itself 198.41.97.0/24 and 2a00:77:98::/48
#              name servers 198.41.0.53 .54 .55 and 2a00:77:0:2::53; .56 has none
#   lan        a neighbour                            192.168.77.20  fd77::20  203.0.114.20
#
# SBX_NET_OPTIONS are options of every run: the suite runs once with `--relay off`.

net_here=${NET_HERE:-$(cd "$(dirname "$0")" && pwd)}
ASK=${ASK:-$net_here/ask}

net_skip() {
	echo "1..0 # SKIP $1"
	exit 0
}

# The first range of subordinate ids of the caller: "FIRST COUNT".
own_range() { # uid|gid
	awk -F: -v name="$(id -un)" -v id="$(id -u)" '$1 == name || $1 == id { print $2, $3; exit }' "/etc/sub$1"
}

# Maps the caller to itself, and root and the others to subordinate ids.
enter_internet() { # ARG...
	for program in unshare newuidmap ip python3 setpriv; do
		command -v "$program" >/dev/null || net_skip "$program is not installed"
	done
	[ "$(id -u)" != 0 ] || net_skip "runs as an ordinary user"
	[ -n "$(own_range uid)" ] || net_skip "no subordinate ids"
	[ -n "$(own_range gid)" ] || net_skip "no subordinate group ids"
	[ -c /dev/net/tun ] || net_skip "no /dev/net/tun"
	NET_UID=$(id -u) NET_GID=$(id -g) NET_USER=$(id -un)
	export NET_UID NET_GID NET_USER SBX_INTERNET=1 ASK
	# shellcheck disable=SC2046 # two words
	set -- $(own_range uid) $(own_range gid) "$@"
	outer_uid=$1 uids=$2 outer_gid=$3 gids=$4
	shift 4
	exec unshare --map-user="$NET_UID" --map-group="$NET_GID" \
		--map-users="$outer_uid,0,$uids" --map-groups="$outer_gid,0,$gids" \
		--setuid 0 --setgid 0 --net --mount --pid --fork --kill-child --mount-proc \
		"$ASK" init "$0" "$@"
}

[ -n "${SBX_INTERNET-}" ] || enter_internet "$@"

# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/../sandbox/lib.sh"

chmod 755 "$tmp"
mkdir "$tmp/own" "$tmp/dns"
trap 'leave' EXIT

leave() {
	status=$?
	cd /
	umount -l "$tmp/own"
	(exit "$status")
	finish
}

# ---- what the machine has -----------------------------------------------------------------------

# /etc and /run become ours to change; newuidmap works for whoever is root here.
own_files() {
	mount -t tmpfs -o mode=755 tmpfs "$tmp/own" && mkdir "$tmp/own/etc" || return 1
	# Some of it is not for everybody.
	cp -a /etc/. "$tmp/own/etc" 2>/dev/null
	rm -f "$tmp/own/etc/resolv.conf"
	echo "$NET_USER:2000:60000" >"$tmp/own/etc/subuid"
	echo "$NET_USER:2000:60000" >"$tmp/own/etc/subgid"
	echo 'hosts: files dns' >"$tmp/own/etc/nsswitch.conf"
	printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$tmp/own/etc/hosts"
	for helper in newuidmap newgidmap; do
		cp "$(command -v $helper)" "$tmp/own/$helper" && chmod 4755 "$tmp/own/$helper" &&
			mount --bind "$tmp/own/$helper" "$(command -v $helper)" || return 1
	done
	mount --bind "$tmp/own/etc" /etc && mount -t tmpfs -o mode=755 tmpfs /run &&
		mkdir /run/netns "$tmp/home" "$tmp/work" && mkdir -m 700 "$tmp/runtime" &&
		chown "$NET_UID:$NET_GID" "$tmp/home" "$tmp/work" "$tmp/runtime" &&
		cp "$ASK" "$tmp/work/ask" && chmod 755 "$tmp/work/ask" "$tmp/work"
}

# addresses NETNS DEVICE ADDRESS...
addresses() {
	where=$1 device=$2
	shift 2
	for address; do
		ip -n "$where" addr add "$address" dev "$device" || return 1
	done
	ip -n "$where" link set "$device" up
}

# Answers come at once: nobody has an address twice, and errors are told as often as they happen.
at_once() { # NETNS
	ip netns exec "$1" sh -c 'cd /proc/sys/net && echo 0 >ipv6/conf/all/accept_dad &&
		echo 0 >ipv6/conf/default/accept_dad && echo 0 >ipv6/icmp/ratelimit && echo 0 >ipv4/icmp_ratelimit'
}

# wire NETNS DEVICE: host and a machine, each with a device of that name
wire() {
	ip netns add "$1" && at_once "$1" && ip -n "$1" link set lo up &&
		ip link add "$2" netns host address 02:00:00:00:00:01 type veth peer name "$2" \
			address 02:00:00:00:00:02 netns "$1"
}

# known NETNS DEVICE ADDRESS OTHER: host and machine need not look for each other
known() {
	ip neigh add "$4" lladdr 02:00:00:00:00:02 dev "$2" nud permanent &&
		ip -n "$1" neigh add "$3" lladdr 02:00:00:00:00:01 dev "$2" nud permanent
}

forward() { # NETNS
	ip netns exec "$1" sh -c 'cd /proc/sys/net && echo 1 >ipv4/ip_forward &&
		echo 1 >ipv6/conf/all/forwarding'
}

# shellcheck disable=SC2086 # lists of addresses
wires() {
	# The test's own namespace has a name as the others do.
	: >/run/netns/host && mount --bind /proc/self/ns/net /run/netns/host &&
		at_once host && ip link set lo up && wire inet up0 && wire lan lan0 &&
		addresses host up0 10.77.0.2/24 2a00:77:0:1::2/64 &&
		addresses host lan0 192.168.77.1/24 fd77::1/64 203.0.114.1/24 &&
		addresses inet up0 10.77.0.1/24 2a00:77:0:1::1/64 &&
		addresses lan lan0 192.168.77.20/24 fd77::20/64 203.0.114.20/24 &&
		addresses inet lo $inet_servers $inet_resolvers &&
		known inet up0 2a00:77:0:1::2 2a00:77:0:1::1 && known lan lan0 fd77::1 fd77::20 &&
		ip route add default via 10.77.0.1 && ip route add default via 2a00:77:0:1::1 &&
		ip route add 169.254.169.254 via 10.77.0.1 &&
		ip -n inet route add default via 10.77.0.2 && ip -n inet route add default via 2a00:77:0:1::2 &&
		ip -n lan route add default via 192.168.77.1 && ip -n lan route add default via fd77::1 &&
		ip -n inet route add blackhole 198.41.98.0/24 && ip -n inet route add unreachable 198.41.99.0/24 &&
		ip -n inet route add unreachable 2a00:77:99::/48 && forward inet &&
		ip route add unreachable 2a00:77:98::/48 && ip route add unreachable 198.41.97.0/24 &&
		echo "$NET_GID $NET_GID" >/proc/sys/net/ipv4/ping_group_range
}

inet_servers='198.41.0.10 198.41.0.11 198.41.0.12 198.41.0.20 2a00:77:0:2::10 2a00:77:0:2::11
	172.16.9.9 100.64.0.9 169.254.169.254 64:ff9b::c0a8:4d14'
inet_resolvers='198.41.0.53 198.41.0.54 198.41.0.55 198.41.0.56 2a00:77:0:2::53'

# started FILE COMMAND...: a server, whose output goes to the file; it has said "ready"
started() {
	file=$1
	shift
	: >"$file"
	"$@" >"$file" 2>&1 &
	waiting="$waiting $!"
	until_true grep -q ready "$file" || {
		say "$* did not start: $(cat "$file")"
		return 1
	}
}

# shellcheck disable=SC2086
servers() {
	cut6=$(echo $inet_servers | tr ' ' '\n' | grep -v 192)
	started "$tmp/inet" ip netns exec inet "$net_here/servers.py" inet 80 443 7 853 8080 -- $cut6 &&
		started "$tmp/lan" ip netns exec lan "$net_here/servers.py" lan 80 443 7 -- \
			192.168.77.20 fd77::20 203.0.114.20 &&
		started "$tmp/host" "$net_here/servers.py" host 8080 8443 8007 -- \
			127.0.0.1 ::1 10.77.0.2 192.168.77.1 2a00:77:0:1::2 fd77::1 &&
		started "$tmp/names" ip netns exec inet "$net_here/dns_server.py" "$tmp/dns" \
			198.41.0.53 198.41.0.54 198.41.0.55 2a00:77:0:2::53
}

# resolvers ADDRESS...: those of the host; the file is replaced, as programs do it
resolvers() {
	for address; do
		echo "nameserver $address"
	done >/etc/resolv.conf.new
	mv /etc/resolv.conf.new /etc/resolv.conf
}

# mood ADDRESS WORD: what a name server is like from now on
mood() {
	echo "$2" >"$tmp/dns/$1.new" && mv "$tmp/dns/$1.new" "$tmp/dns/$1"
}

# asked PATTERN: how many questions of such lines came to the name servers
asked() {
	grep -cE -e "$1" "$tmp/dns/asked" 2>/dev/null
}

# internet: all of it, or the end of the test
internet() {
	if ! { own_files && wires && servers && resolvers 198.41.0.53 198.41.0.54; }; then
		echo "Bail out! the small internet could not be made"
		exit 1
	fi
	cd "$tmp/work" || exit 1
}

# ---- the ordinary user --------------------------------------------------------------------------

# The words in front of a command of whoever started the test.
as_user="setpriv --reuid $NET_UID --regid $NET_GID --clear-groups --inh-caps=-all --
	env HOME=$tmp/home USER=$NET_USER LOGNAME=$NET_USER XDG_RUNTIME_DIR=$tmp/runtime"

# user COMMAND...: by that one
user() {
	$as_user "$@"
}

# only_served ARG...: the options of this run of the suite, where a network is served
only_served() {
	case "$* " in
	*'--net none '* | *'--net host '* | *'--net ns:'* | *'--net relay '*) ;;
	*) echo "${SBX_NET_OPTIONS-}" ;;
	esac
}

# run ARG...: of `sbx run`; what it says on stderr is in $tmp/said
run() {
	# shellcheck disable=SC2046
	user timeout -k 2 "${patience:-30}" "$SBX" run --no-config --cwd "${cwd:-ro}" $(only_served "$@") "$@" \
		</dev/null 2>"$tmp/said"
}

# inside OPTION... -- REQUEST...: what `ask` says in a sandbox with these options
inside() {
	words=
	while [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	run $words -- ./ask "$@"
}

# answers DESCRIPTION PATTERN OPTION... -- REQUEST...: what `ask` says is like the pattern
answers() {
	answers_to=$1 wanted=$2
	shift 2
	got=$(inside "$@")
	like "$answers_to" "$got" "$wanted" || say "$(cat "$tmp/said")"
}

# in_background NAME ARG...: of `sbx run`, its output in $tmp/NAME.out and .err, its pid in $!
in_background() {
	job=$1
	shift
	# What an earlier one of that name said is not what this one says.
	: >"$tmp/$job.out"
	# shellcheck disable=SC2086
	$as_user "$SBX" run --no-config --cwd ro ${SBX_NET_OPTIONS-} "$@" \
		</dev/null >"$tmp/$job.out" 2>"$tmp/$job.err" &
	waiting="$waiting $!"
}

# served NAME ARG...: the same of a sandbox whose command says "ready"; 1 where it does not
served() {
	in_background "$@"
	# shellcheck disable=SC2034 # for the test
	served=$!
	until_true grep -q ready "$tmp/$job.out" || {
		say "no server: $(cat "$tmp/$job.out" "$tmp/$job.err")"
		return 1
	}
}

# ended PID: it ends, within ten seconds, by SIGTERM
ended() {
	kill "$1" 2>/dev/null
	until_true gone "$1"
	wait "$1" 2>/dev/null
}

gone() { # PID
	! kill -0 "$1" 2>/dev/null
}

# servants: the processes of sbx-net that run
servants() {
	pgrep -x sbx-net
}

# relayed: whether this run of the suite has the relay
relayed() {
	case ${SBX_NET_OPTIONS-} in *'relay off'*) return 1 ;; esac
}

# ---- results ------------------------------------------------------------------------------------

# all_done: the plan, behind tables whose length nobody counts
all_done() {
	plan "$tests_run"
}

# denied TEXT: at once, and not as something that never came
denied() {
	case $1 in
	*slow*) return 1 ;;
	refused* | unreachable* | prohibited* | reset* | closed*) return 0 ;;
	*) return 1 ;;
	esac
}

# judged WHAT TEXT: ok, no (denied), or a word that the text begins with
judged() {
	case $1 in
	no) denied "$2" ;;
	*) case $2 in "$1" | "$1 "*) return 0 ;; *) return 1 ;; esac ;;
	esac
}

# table DESCRIPTION OPTION... <lines "WHAT REQUEST...": one sandbox that asks all of it, in order
table() {
	title=$1
	shift
	grep -v '^$' >"$tmp/table"
	# shellcheck disable=SC2046 # words of requests
	inside "$@" -- $(sed 's/^[^ ]* //; s/$/ ,/' "$tmp/table") >"$tmp/answers"
	row=0
	while read -r what request; do
		row=$((row + 1))
		got=$(sed -n "${row}p" "$tmp/answers")
		judged "$what" "$got"
		result $? "$title: $request: $what" || say "got '$got'; $(head -n 3 "$tmp/said")"
	done <"$tmp/table"
}

# one_line DESCRIPTION PATTERN ARG...: of `sbx run` is 125, and one line says it (and one may help)
one_line() {
	title=$1 wanted=$2
	shift 2
	run "$@" >/dev/null
	got=$?
	grep -v '^sbx: hint: ' "$tmp/said" >"$tmp/lines"
	# shellcheck disable=SC2254
	case $got.$(wc -l <"$tmp/lines").$(cat "$tmp/lines") in
	125.1.$wanted) result 0 "$title" ;;
	*) result 1 "$title" || say "status $got: $(cat "$tmp/said")" ;;
	esac
}

# has DESCRIPTION FILE PATTERN: one of its lines is like that
has() {
	grep -qE -e "$3" "$2"
	result $? "$1" || say "no line '$3' in: $(head -n 20 "$2")"
}
