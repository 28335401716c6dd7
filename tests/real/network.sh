#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people use a network for works in a sandbox as outside: curl, git, apt, node, python,
# postgres, nginx, ssh, iperf3 and the tools that look for the fault. All of it is in the small
# internet of tests/net, once with the relay and once with libslirp alone.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside

here=$(cd "$(dirname "$0")" && pwd -P)
NET_HERE=$here/../net
export NET_HERE

# The packages come from the machine's own internet.
if [ -z "${SBX_INTERNET-}" ]; then
	for program in mmdebstrap zstd dpkg-deb dpkg-scanpackages git python3 openssl iperf3; do
		command -v "$program" >/dev/null || {
			echo "1..0 # SKIP $program is not installed"
			exit 0
		}
	done
	# shellcheck disable=SC2015
	archive=$("$here/debian-tar" 2>/dev/null) && packages=$("$here/debian-packages" apt-utils \
		bind9-dnsutils bind9-host busybox-static curl git iperf3 iputils-ping nginx-light nodejs \
		openssh-server openssh-client openssl postgresql-15 python3 traceroute wget 2>/dev/null) || {
		echo "1..0 # SKIP no Debian packages can be had"
		exit 0
	}
	export archive packages
fi

# shellcheck source=tests/net/lib.sh
. "$here/../net/lib.sh"

# Another web server than that of the network's own tests, and a resolver on loopback as
# systemd-resolved has it.
servers() {
	make_site && started "$tmp/web" ip netns exec inet "$here/web.py" "$tmp/site" 80 \
		443 "$tmp/site/ca.pem" "$tmp/key" &&
		started "$tmp/lan" ip netns exec lan "$net_here/servers.py" lan 80 -- 192.168.77.20 &&
		started "$tmp/names" ip netns exec inet "$net_here/dns_server.py" "$tmp/dns" 198.41.0.53 198.41.0.54 &&
		started "$tmp/stub" "$net_here/dns_server.py" "$tmp/dns" 127.0.0.53 &&
		{ ip netns exec inet iperf3 -s -B 198.41.0.10 >/dev/null & waiting="$waiting $!"; }
}

make_site() {
	mkdir -p "$tmp/site" && ln -s "$packages" "$tmp/site/apt" &&
		echo page >"$tmp/site/page" && head -c 50000000 /dev/urandom >"$tmp/site/large" &&
		git init -q --bare -b main "$tmp/site/work.git" &&
		git -C "$tmp/site/work.git" config http.receivepack true &&
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=example.test \
			-addext subjectAltName=DNS:example.test,DNS:web.example.test \
			-keyout "$tmp/key" -out "$tmp/site/ca.pem" 2>/dev/null
}

internet
sum=$(sha256sum <"$tmp/site/large")
sum=${sum%% *}
# In memory: it is large, and for a minute.
root=$tmp/own/user/root
mkdir "$tmp/own/user" && chown "$NET_UID:$NET_GID" "$tmp/own/user" || exit 1
user "$here/debian-root" "$root" "$archive" "$packages" || exit 1

# job OPTION... -- SCRIPT: as an ordinary user of the root; what it says
job() {
	words=
	while [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	# shellcheck disable=SC2086
	run --root "$root" --map single -u 1000 -w /tmp -e HOME=/tmp $words -- bash -c "$2" 2>&1
	cat "$tmp/said"
}

# serves NAME OPTION... -- SCRIPT: the same of a server, which says "ready"
serves() {
	name=$1 words=
	shift
	while [ "$1" != -- ]; do
		words="$words $1"
		shift
	done
	# shellcheck disable=SC2086
	served "$name" --root "$root" --map single -u 1000 -w /tmp -e HOME=/tmp $words -- bash -c "$2"
}

page() { # URL: what somebody on the host gets
	timeout 10 python3 -c 'import sys, urllib.request as u
print(u.urlopen(sys.argv[1], timeout=9).read().decode().strip())' "$1" 2>&1 | tail -n 1
}

joined() {
	tr '\n' ' '
}

# ---- clients ------------------------------------------------------------------------------------

curl='web=http://web.example.test
curl -sS $web/page
curl -sS "http://[2a00:77:0:2::10]/page"
curl -sS -6 $web/page
curl -sS -4 http://www.example.test/page
curl -sSL "$web/to?http://example.test/page"
curl -sS $web/ca.pem -o ca.pem
curl -sS --cacert ca.pem https://example.test/page
curl -sS --capath /nowhere --cacert /etc/ssl/openssl.cnf https://example.test/page 2>/dev/null; echo $?
wget -qO- $web/page
busybox wget -qO- $web/page
curl -sS $web/large -o large && sha256sum <large
curl -sS --cacert ca.pem -T large https://web.example.test/up
curl -sS $web/large $web/large $web/large --parallel -o a -o b -o c 2>/dev/null && cmp a large && cmp c large && rm a b c
for n in $(seq 50); do echo "url=$web/page"; done | curl -sS --no-keepalive -Z -K - 2>/dev/null | wc -l
curl -sS -m 5 http://198.41.0.10:81/ 2>/dev/null; echo $?
curl -sS -m 5 http://nowhere.test/ 2>&1 | grep -o "Could not resolve host: nowhere.test"'
curl_says="page page page page page page 77 page page $sum  - $sum 50 7 Could not resolve host: nowhere.test "

talk='import socket, sys, time
s = socket.create_connection((sys.argv[1], 80))
s.sendall(b"GET /talk HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: talk\r\n\r\n")
file = s.makefile("rb")
while file.readline().strip():
    pass
for pause in 0, 3:
    time.sleep(pause)
    s.sendall(b"hello\n")
    print(file.readline().decode().strip())
s.shutdown(socket.SHUT_WR)
print(len(file.read()))'

git='export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=me \
	GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=me@example.test
set -e
git clone -q http://web.example.test/work.git one 2>/dev/null
cd one && head -c 3000000 /dev/urandom >"$1" && git add . && git commit -qm work
git push -q origin HEAD:main && cd ..
git clone -q "http://[2a00:77:0:2::10]/work.git" two && cmp one/"$1" two/"$1" && echo same
git ls-remote http://192.168.77.20/work.git 2>&1 | grep -o "Connection refused\|[Cc]ould.n.t connect to server\|No route to host"'

apt='rm -rf /etc/apt/sources.list.d; echo "deb [trusted=yes] http://web.example.test/apt ./" >/etc/apt/sources.list
apt-get -q update 2>&1 | grep -cE "^(Err|W:|E:)"
apt-get -q install -y --no-install-recommends traceroute >log 2>&1 || cat log
dpkg-query -W -f "\${Status}" traceroute'

node='const http = require("http"), dns = require("dns").promises, net = require("net")
const get = url => new Promise((done, fail) => http.get(url, answer => {
	let text = ""
	answer.on("data", part => text += part).on("end", () => done(text.trim()))
}).on("error", fail))
async function main() {
	const found = [await get("http://web.example.test/page"), await get("http://[2a00:77:0:2::10]/page")]
	found.push((await dns.resolve4("v4.example.test"))[0], (await dns.lookup("v4.example.test")).address)
	found.push((await Promise.all(Array(40).fill("http://v4.example.test/page").map(get))).length)
	found.push(await get("http://198.41.0.10:81/").catch(error => error.code))
	found.push(await get("http://nowhere.test/").catch(error => error.code))
	const text = found.join(" ")
	http.createServer((request, answer) => answer.end(text)).listen(3000, () => console.log("ready"))
}
main()'

asyncio='import asyncio, ssl
async def page(host):
    reader, writer = await asyncio.open_connection(host, 80)
    writer.write(b"GET /page HTTP/1.0\r\n\r\n")
    text = await reader.read()
    writer.close()
    return text.split()[-1].decode()
async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()
async def main():
    pages = await asyncio.gather(*(page("web.example.test") for _ in range(50)))
    try:
        await page("192.168.77.20")
    except OSError as error:
        print(type(error).__name__)
    server = await asyncio.start_server(serve, None, 5000)
    print(*set(pages), "ready", flush=True)
    await server.serve_forever()
asyncio.run(main())'

look='ping -c 1 -W 2 198.41.0.10 | grep -o "1 received"
ping -c 1 -W 2 web.example.test | grep -o "1 received"
ping -6 -c 1 -W 2 v6.example.test 2>/dev/null | grep -o "1 received\|Administratively prohibited"
ping -c 1 -W 2 10.0.2.2 | grep -o "1 received"
dig +short web.example.test
dig +short +tcp v4.example.test
dig +short web.example.test AAAA
dig +short TXT big.test | wc -c
dig nowhere.test | grep -o NXDOMAIN
host -t A web.example.test
nslookup -type=A web.example.test | tail -n 2
busybox nslookup v4.example.test 2>&1 | grep -c "^Address: 198.41.0.10"
getent ahostsv4 web.example.test | grep -c STREAM
getent ahostsv4 host.sbx.internal | grep -o "^10.*STREAM"'
# ICMP of IPv6 is what libslirp does not carry; who asks is told.
look_says="1 received 1 received * 1 received 198.41.0.10 198.41.0.10 2a00:77:0:2::10 \
303* NXDOMAIN web.example.test has address 198.41.0.10 Address: 198.41.0.10 \
1 1 10.0.2.2 STREAM *"

# ---- servers ------------------------------------------------------------------------------------

postgres='set -e
set -- /usr/lib/postgresql/*/bin; PATH=$1:$PATH
initdb -D data -A trust -N >/dev/null
echo "host all all all trust" >>data/pg_hba.conf
pg_ctl -D data -o "-k /tmp -h \* -c fsync=off" -w -l log start >/dev/null || { cat log; exit 1; }
createdb -h /tmp work
echo ready; exec sleep 100'

psql='sql() { psql -h host.sbx.internal -p 5439 -d work -U user -qtA "$@"; }
sql -c "create table n as select n, md5(n::text) t from generate_series(1, 100000) n" || exit
sql -c "select sum(n) from n"
sql -c "copy n to stdout" | wc -l
sql -c "select client_addr is not null from pg_stat_activity where pid = pg_backend_pid()"
sql -c "drop table n"
psql -h host.sbx.internal -p 5440 -d work 2>&1 | grep -o "Connection refused\|No route to host"'

nginx='mkdir -p pages && cp /usr/bin/git pages/large && echo page >pages/page
cat >nginx.conf <<-END
	worker_processes 2;
	error_log /tmp/error.log; pid /tmp/pid;
	events { }
	http {
		access_log off;
		client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
		uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; resolver 10.0.2.3;
		server { listen 80; listen [::]:80; root /tmp/pages;
			location /far/ { proxy_pass http://web.example.test/; }
			location /seen { return 200 "\$remote_addr"; } }
	}
END
nginx -e /tmp/error.log -c /tmp/nginx.conf && echo ready; exec sleep 100'

sshd='ssh-keygen -q -t ed25519 -N "" -f key && ssh-keygen -q -t ed25519 -N "" -f host
cp key.pub /tmp/authorized && chmod 600 authorized && mkdir -p /run/sshd
cat key >/keys/key
/usr/sbin/sshd -f /dev/null -p 2222 -h /tmp/host -o AuthorizedKeysFile=/tmp/authorized -o StrictModes=no \
	-o UsePAM=no -o PidFile=none && echo ready; exec sleep 100'

ssh='cp /keys/key key && chmod 600 key
go="-F none -i key -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
ssh $go host.sbx.internal echo there
head -c 5000000 /dev/zero | ssh $go host.sbx.internal wc -c'

# ---- all of it ----------------------------------------------------------------------------------

all_programs() { # WAY
	is "$1: curl and wget" "$(job -- "$curl" | joined)" "$curl_says"
	is "$1: a connection that rests" "$(run --root "$root" -- python3 -c "$talk" web.example.test | joined)" \
		"hello hello 0 "
	like "$1: git clones and pushes" "$(job -- "set -- $(date +%N); $git" | joined)" "same *o*"
	is "$1: apt updates and installs" "$(run --root "$root" --map single -w /tmp -- bash -c "$apt" | joined)" \
		"0 install ok installed"
	like "$1: ping, dig, host, nslookup, getent" "$(job -- "$look" | tr '\t' ' ' | tr -s '\n ' ' ')" "$look_says"

	serves node --net user -p 3001:3000 -- "exec node -e '$node'"
	is "$1: node" "$(page http://127.0.0.1:3001/)" \
		"page page 198.41.0.10 198.41.0.10 40 ECONNREFUSED ENOTFOUND"
	ended "$served"
	serves asyncio --net user -p 5001:5000 -- "exec python3 -c '$asyncio'"
	has "$1: python's asyncio, inside" "$tmp/asyncio.out" '^page ready$'
	has "$1: its error for what is denied" "$tmp/asyncio.out" '^(ConnectionRefusedError|PermissionError|OSError)$'
	is "$1: from outside" "$(python3 -c 'import socket
s = socket.create_connection(("127.0.0.1", 5001), 5)
s.sendall(b"a\n" * 50000)
s.shutdown(socket.SHUT_WR)
print(sum(len(part) for part in iter(lambda: s.recv(65536), b"")))')" 100000
	ended "$served"

	serves postgres --net user -p 5439:5432 -- "$postgres"
	like "$1: postgres and psql" "$(job --net user --allow host:5439 -- "$psql" | joined)" \
		"5000050000 100000 t *e*"
	ended "$served"
	serves nginx --net user -p 0.0.0.0:8090:80 -p '[::]:8090:80' -- "$nginx"
	is "$1: nginx serves the host" "$(page http://127.0.0.1:8090/page) $(page 'http://[::1]:8090/page')" "page page"
	is "$1: by a proxy to the world" "$(page http://127.0.0.1:8090/far/page)" page
	is "$1: and sees who asks" "$(ip netns exec lan python3 -c 'import urllib.request as u
print(u.urlopen("http://192.168.77.1:8090/seen").read().decode())')" 192.168.77.20
	ended "$served"
	mkdir -p "$tmp/work/keys" && chown "$NET_UID:$NET_GID" "$tmp/work/keys"
	serves sshd --net user -p 2222:2222 --rw "$tmp/work/keys:/keys" -- "$sshd"
	is "$1: ssh" "$(job --net user --allow host:2222 --ro "$tmp/work/keys:/keys" -- "$ssh" | joined)" "there 5000000 "
	ended "$served"

	at_its_simplest "$1"
	has_rates "$1: iperf3"
}

# A server that fetches by name, and a client of one destination.
at_its_simplest() { # WAY
	serves simple -p 8080:80 -- 'curl -sS http://web.example.test/page >page
		python3 -m http.server 80 >/dev/null 2>&1 &
		until curl -sfo /dev/null http://127.0.0.1/page; do sleep 0.1; done; echo ready; wait'
	is "$1: a server fetches a page by name and serves it" "$(page http://127.0.0.1:8080/page)" page
	ended "$served"
	is "$1: --allow example.test:443 reaches that and nothing else" \
		"$(job --allow example.test:443 -- "$only" | grep -v ^sbx | joined)" "page 7 6 7 7 "
	has "$1: the denial of a port is explained" "$tmp/said" '^sbx: .*example\.test.*80.* denied|denied.*example\.test:80'
	has "$1: and that of a name" "$tmp/said" 'other\.test.*denied|denied.*other\.test'
	has "$1: with the option that would allow it" "$tmp/said" '--allow'
}

only='curl -sSk https://example.test/page
for url in http://example.test/page https://other.test/page https://198.41.0.11/ http://192.168.77.20/; do
	curl -sk -m 5 $url; echo $?; done'

# has_rates DESCRIPTION: each way, and most of what is sent by UDP arrives
has_rates() {
	job -- 'for way in "-n 50M" "-n 50M -R" "-u -b 20M -t 1" "-u -b 20M -t 1 -R"; do
		for try in 1 2 3; do iperf3 -J -c v4.example.test $way >out && break; sleep 0.3; done
		echo "$way"; cat out; done' >"$tmp/iperf"
	is "$1, each way, TCP and UDP" "$(python3 - "$tmp/iperf" <<-'END'
		import json, re, sys
		for part in re.split(r"^-.*\n", open(sys.argv[1]).read(), flags=re.M)[1:]:
		    end = json.loads(part)["end"]
		    sums = end.get("sum_received") or end["sum"]
		    print("lost" if sums.get("lost_percent", 0) > 20 else sums["bytes"] > 1000000)
	END
	)" "True
True
True
True"
}

# shellcheck disable=SC2034 # for run
patience=60 SBX_NET_OPTIONS=
all_programs relay

# Without a tap device, and with a resolver that listens on loopback alone.
resolvers 127.0.0.53
is "--net relay: curl and wget" "$(job --net relay -- "$curl" | joined)" "$curl_says"
like "--net relay: git clones and pushes" "$(job --net relay -- "set -- relay; $git" | joined)" "same *o*"
is "--net relay: apt updates and installs" \
	"$(run --root "$root" --map single -w /tmp --net relay -- bash -c "$apt" | joined)" "0 install ok installed"
has "it has asked the resolver on loopback" "$tmp/dns/asked" '^127\.0\.0\.53 '

# shellcheck disable=SC2034
SBX_NET_OPTIONS='--relay off'
all_programs libslirp

all_done
