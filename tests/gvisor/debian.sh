#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A web server of a Debian root in gVisor, started as an ordinary user would, and asked from outside.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
for program in mmdebstrap zstd dpkg-deb dpkg-scanpackages curl; do
	command -v "$program" >/dev/null || skip_all "$program is not installed"
done

# A root that mmdebstrap has made, and python's packages beside it: nothing of them is run, which
# would take longer than all of the test.
real=$gvisor_here/../real
cached() {
	HOME=${cache%/.cache} XDG_CACHE_HOME=$cache "$@" 2>>"$tmp/log"
}
if ! archive=$(cached "$real/debian-tar") || ! packages=$(cached "$real/debian-packages" python3); then
	say "$(tail -n 5 "$tmp/log")"
	skip_all 'no Debian packages can be had'
fi
mkdir python
for package in "$packages"/*.deb; do
	dpkg-deb -x "$package" python || exit 1
done
# Where the root has links to usr, older packages have directories.
if [ -d python/lib ]; then
	cp -a python/lib/. python/usr/lib/
	rm -r python/lib
fi
rm -rf python/usr/share/doc python/usr/share/man
zstd -qdc "$archive" >debian.tar
tar -rf debian.tar -C python --owner=0 --group=0 ./usr ./etc

# The words of the manual name runsc by its name, the test may use another one.
mkdir "$tmp/bin"
ln -s "$SBX" "$tmp/bin/sbx"
PATH=$tmp/bin:$(dirname "$runsc"):$PATH
export PATH

# A port of the host that somebody else has is none of ours: then another one.
port=8080
python3 -c 'import socket; socket.create_server(("127.0.0.1", 8080))' 2>/dev/null ||
	port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')

plan 10

sbx run --runtime runsc --platform ptrace -R debian.tar -p "$port:80" -- python3 -m http.server 80 \
	>"$tmp/out" 2>"$tmp/err" </dev/null &
server=$!
waiting="$waiting $server"
asked() {
	curl -fs --max-time 5 "http://127.0.0.1:$port/etc/os-release" >"$tmp/page" || ! kill -0 "$server"
}
tries=0
until asked || [ "$tries" = 150 ]; do
	tries=$((tries + 1))
	sleep 0.2
done
grep -q '^ID=debian' "$tmp/page"
result $? 'the server in gVisor serves a page of its root' || say "$(cat "$tmp/out" "$tmp/err" "$tmp/log")"
name=$(sbx list | awk 'NR == 2 { print $1 }')
like 'it is listed' "$name" '?*'
like 'dmesg inside shows the kernel of gVisor' "$(sbx exec "$name" -- dmesg 2>&1 </dev/null)" '*Starting gVisor*'
for n in 1 2 3 4 5 6 7 8; do
	curl -fs --max-time 10 -o "$tmp/page.$n" "http://127.0.0.1:$port/usr/bin/dpkg" &
	curls="${curls:-} $!"
done
# shellcheck disable=SC2086
for one in $curls; do
	wait "$one" || say "curl: $?"
done
tar -xOf debian.tar ./usr/bin/dpkg ./usr/lib/os-release >"$tmp/wanted"
cat "$tmp/page.1" "$tmp/page" >"$tmp/got"
cmp "$tmp/got" "$tmp/wanted" && [ "$(sha256sum "$tmp"/page.? | cut -d ' ' -f 1 | sort | uniq -c | sed 's/ *\([0-9]*\).*/\1/')" = 8 ]
result $? 'eight clients at once get a file whole, and that of the archive'
kill -INT "$server" 2>/dev/null
kill -TERM "$server" 2>/dev/null
wait "$server"
is 'TERM ends it' $? 143
curl -s --max-time 2 "http://127.0.0.1:$port/" >/dev/null
is 'and the port is free again' $? 7
is 'nothing of it is left' "$(sbx list; find "$XDG_RUNTIME_DIR" -mindepth 2)" ''

mkdir -p "$tmp/config/sbx/pools.d"
printf 'runtime = gvisor\nplatform = ptrace\n' >"$tmp/config/sbx/pools.d/gvisor-pool"
like '--pool selects it' "$(XDG_CONFIG_HOME=$tmp/config timeout -s KILL 30 sbx run --pool gvisor-pool --net none \
	-R debian.tar -- dmesg 2>&1 </dev/null)" '*Starting gVisor*'

cp "$runsc" "$tmp/runsc"
printf 'arch %s\n%s  runsc\n' "$(uname -m)" "$(sha512sum <"$tmp/runsc" | cut -d ' ' -f 1)" >"$tmp/pin"
ok 'a binary that is pinned runs' timeout -s KILL 30 sbx run --runtime runsc --runsc "$tmp/runsc" --runsc-pin "$tmp/pin" --net none -R debian.tar -- true
printf 'x' | dd of="$tmp/runsc" bs=1 seek=100000 conv=notrunc 2>/dev/null
fails 'and is refused when one byte of it is another' 125 timeout -s KILL 30 sbx run --runtime runsc --runsc "$tmp/runsc" \
	--runsc-pin "$tmp/pin" --net none -R debian.tar -- true
