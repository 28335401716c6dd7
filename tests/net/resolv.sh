#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The files about names that a sandbox sees, whatever its root has in their places, and that the
# root is as before.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
internet

# new_root: a small root of the user's in $root; etc is empty
new_root() {
	root=$tmp/work/root
	chmod -R u+w "$root" 2>/dev/null
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/etc" "$root/run" "$root/proc" "$root/sys" "$root/dev" "$root/tmp"
	cp "$busybox" "$root/bin/busybox"
	cp "$ASK" "$root/bin/ask"
	for applet in sh cat ls nslookup; do
		ln -s busybox "$root/bin/$applet"
	done
}

# state: of the root's files, as one line
state() {
	(cd "$root" && find . -printf '%p %y %m %s %l %T@ ' -type f -exec cksum {} + | cksum)
}

# works DESCRIPTION OPTION...: names are looked up by what the root has now; it is as before
works() {
	title=$1
	shift
	chown -R "$NET_UID:$NET_GID" "$root"
	before=$(state)
	said=$(run --net user -R "$root" "$@" -- /bin/cat /etc/resolv.conf)
	case $said in
	*'nameserver 10.0.2.3'*) result 0 "$title: the file names our forwarder" ;;
	*) result 1 "$title: the file names our forwarder" || say "$said; $(cat "$tmp/said")" ;;
	esac
	is "$title: it answers" "$(run --net user -R "$root" "$@" -- /bin/ask dns 10.0.2.3 v4.example.test A)" \
		"ok 198.41.0.10"
	is "$title: the root is as before" "$(state)" "$before"
}

cwd=off
new_root
works "no resolv.conf"
new_root
rmdir "$root/etc"
works "no /etc"
new_root
: >"$root/etc/resolv.conf"
works "an empty one"
new_root
ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
works "a link to what is not there"
new_root
ln -s /nowhere/at/all "$root/etc/resolv.conf"
works "an absolute one"
new_root
echo nameserver 127.0.0.53 >"$root/etc/resolv.conf"
works "one with loopback only"
new_root
echo nameserver 2a00:77:0:2::53 >"$root/etc/resolv.conf"
works "one with IPv6 only"
works "a root that is read-only" --root-mode ro
new_root
echo nameserver 127.0.0.53 >"$root/etc/resolv.conf"
works "a root that may be written to" --root-mode rw

# The root's own, when it is wanted.
chown -R "$NET_UID:$NET_GID" "$root"
is "--no-resolv keeps the root's" \
	"$(run --net user -R "$root" --no-resolv -- /bin/cat /etc/resolv.conf)" "nameserver 127.0.0.53"
is "so does no network" "$(run --net none -R "$root" -- /bin/cat /etc/resolv.conf)" "nameserver 127.0.0.53"

# A root of one's own with a C library in it: one option, and names are found.
whole=$tmp/work/whole
mkdir -p "$whole/usr" "$whole/etc" "$whole/proc" "$whole/sys" "$whole/dev" "$whole/tmp"
for place in bin sbin lib lib64; do
	[ ! -L "/$place" ] || ln -s "$(readlink "/$place")" "$whole/$place"
done
chown -R "$NET_UID:$NET_GID" "$whole"
like "a whole root finds names by default" \
	"$(run --cwd off -R "$whole" --ro /usr -- getent hosts v4.example.test)" "198.41.0.10 *"
like "and the host" "$(run --cwd off -R "$whole" --ro /usr -- getent hosts host.sbx.internal)" "*host.sbx.internal*"

# The host's root is no other root.
cwd=ro
like "on the host's root" "$(run --net user -- cat /etc/resolv.conf)" "*nameserver 10.0.2.3*"
run --net user --search corp.test --search example.test -- cat /etc/resolv.conf >"$tmp/file"
has "--search" "$tmp/file" '^search corp\.test example\.test$'
like "--search is used" "$(run --net user --search corp.test -- getent hosts inner)" "198.41.0.12 *"
run --net user --add-host db.test:198.41.0.11 --add-host 'six.test:2a00:77:0:2::11' \
	--add-host up.test:host-gateway --hostname box -- cat /etc/hosts >"$tmp/file"
has "--add-host" "$tmp/file" '^198\.41\.0\.11[[:space:]]+db\.test'
has "--add-host with IPv6" "$tmp/file" '^2a00:77:0:2::11[[:space:]]+six\.test'
has "--add-host of the host itself" "$tmp/file" '^10\.0\.2\.2[[:space:]].*up\.test'
has "host.sbx.internal" "$tmp/file" '^10\.0\.2\.2[[:space:]].*host\.sbx\.internal'
has "localhost" "$tmp/file" '^127\.0\.0\.1[[:space:]].*localhost'
has "the sandbox's own name" "$tmp/file" '[[:space:]]box$'
like "--add-host is found by programs" "$(run --net user --add-host db.test:198.41.0.11 -- getent hosts db.test)" \
	"198.41.0.11 *"
one_line "--add-host without an address" "sbx: cannot *db.test*" --add-host db.test -- true
one_line "--dns that is no address" "sbx: cannot *dns.test*" --dns dns.test -- true
one_line "--search that is no domain" "sbx: cannot *a b*" --search 'a b' -- true

all_done
