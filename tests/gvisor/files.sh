#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files with the real runsc: whose they are on the host is what it is without gVisor, and nothing is
# written to where the caller has not said so: no file, no mount point, nothing of gVisor's own.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/gvisor/lib.sh
. "$(dirname "$0")/lib.sh"
needs_runsc
needs_range
small_root

run() {
	gvisor --no-config --net none "$@" 2>&1
}
native() {
	timeout -s KILL 30 "$SBX" run --no-config --net none --map subuid "$@" 2>&1 </dev/null
}

# trace DIR...: every name, kind, mode, owner, size and time of change below
trace() {
	"$SBX" unshare find "$@" -exec stat -c '%n %F %a %u:%g %s %Y' {} + | sort
}

# unchanged DESCRIPTION DIR: since $tmp/NAME.before was made of it
unchanged() {
	trace "$2" >"$tmp/after"
	output=$(diff "$tmp/$(basename "$2").before" "$tmp/after")
	result $? "$1" || say "$output"
}

mkdir -p "$root/data" "$tmp/in" "$tmp/out"
echo root >"$root/data/file"
echo input >"$tmp/in/file"
printf 'root:x:0:0::/root:/bin/sh\nother:x:1000:1000::/:/bin/sh\n' >"$root/etc/passwd"
trace "$root" >"$tmp/root.before"
trace "$tmp/in" >"$tmp/in.before"

plan 30

# ---- whose they are -------------------------------------------------------------------------

# owners RUNNER: on the host, of what users 0 and 1000 make inside
owners() {
	runner=$1
	rm -rf "$tmp/shared" 2>/dev/null || "$SBX" unshare rm -rf "$tmp/shared"
	mkdir -m 777 "$tmp/shared"
	"$runner" -R "$root" --rw "$tmp/shared:/shared" -- sh -c 'cd /shared && umask 022 && echo x >by-root && mkdir dir-by-root &&
		ln -s by-root link && ln by-root twin && echo x >given && chown 5:6 given && chmod 640 given && stat -c "%n %u:%g" *'
	"$runner" -R "$root" --rw "$tmp/shared:/shared" -u 1000:1000 -- sh -c 'cd /shared && echo x >by-other &&
		stat -c "%n %u:%g" by-root by-other; chown 0 by-other 2>/dev/null && echo "given away"
		(echo y >>by-root) 2>/dev/null && echo "wrote to what is another'\''s"; true'
	(cd "$tmp/shared" && stat -c '%n %F %a %u:%g %h' ./*)
}
owners native >"$tmp/native"
owners run >"$tmp/gvisor"
output=$(diff "$tmp/native" "$tmp/gvisor")
result $? 'files of 0, of 1000 and what was given away are as without gVisor' || say "$output"
is 'what root makes is the caller'\''s' "$(stat -c %u:%g "$tmp/shared/by-root")" "$(id -u):$(id -g)"
[ "$(stat -c %u "$tmp/shared/by-other")" -ge 65536 ]
result $? 'what 1000 makes is of a subordinate id' || say "$(stat -c %u "$tmp/shared/by-other")"

mkdir "$tmp/work/cwd"
cd "$tmp/work/cwd" || exit 1
# (stat(1) asks in a way that releases before 2023 refuse.)
output=$(run --cwd rw -- sh -c 'id -u; echo x >made; [ -O made ] && echo mine')
is "with the host's root one is oneself" "$output" "$(printf '%s\nmine' "$(id -u)")"
is 'and so is what one makes' "$(stat -c %u:%g made)" "$(id -u):$(id -g)"
cd "$tmp/work" || exit 1

# ---- a bind of each kind ----------------------------------------------------------------------

binds="--ro $tmp/in:/in --rw $tmp/out:/out --cow $tmp/in:/cow"
# shellcheck disable=SC2086
output=$(run -R "$root" $binds -- sh -c '
	cat /in/file
	(echo x >/in/new) 2>/dev/null || echo "in: no new file"
	(echo x >>/in/file) 2>/dev/null || echo "in: no change"
	rm -f /in/file 2>/dev/null; mv /in/file /in/moved 2>/dev/null; chmod 777 /in/file 2>/dev/null
	mount -o remount,rw /in 2>/dev/null; (echo x >>/in/file) 2>/dev/null || echo "in: still none"
	echo changed >/cow/file && cat /cow/file && echo x >/cow/new && rm /cow/file && ls /cow
	mkdir -p /out/a/b && echo result >/out/a/b/file && mv /out/a /out/c && ln -s c/b/file /out/link && cat /out/link
	dd if=/dev/zero of=/out/big bs=1M count=8 2>/dev/null; wc -c </out/big; exit 0')
for line in input 'in: no new file' 'in: no change' 'in: still none' changed new result 8388608; do
	printf '%s\n' "$output" | grep -qxF "$line"
	result $? "binds: $line" || say "$output"
done
unchanged 'what is bound read-only or copy-on-write is as before' "$tmp/in"
is 'what is bound writable has the results' "$(cat "$tmp/out/link"; stat -c %s "$tmp/out/big")" \
	"$(printf 'result\n8388608')"

# What changes outside meanwhile is seen inside, and the other way round.
run -R "$root" --rw "$tmp/out:/out" -- sh -c 'echo ready >/out/ready
	tries=0; until [ -e /out/word ] || [ $tries = 100 ]; do tries=$((tries + 1)); sleep 0.1; done; cat /out/word' \
	>"$tmp/said" &
until_true test -s "$tmp/out/ready"
result $? 'what a running sandbox writes is seen at once'
echo 'from outside' >"$tmp/out/new" && mv "$tmp/out/new" "$tmp/out/word"
wait $!
is 'and it sees what is written outside' "$(cat "$tmp/said")" 'from outside'

# ---- the root ---------------------------------------------------------------------------------

try='echo x >/data/new && echo y >/data/file && rm -r /root && mkdir -p /etc/deep/er && cat /data/file'
is 'the root can be changed inside' "$(run -R "$root" -- sh -c "$try")" y
unchanged 'and is not changed outside' "$root"
output=$(run -R "$root" --root-mode ro -- sh -c "($try) 2>/dev/null || echo refused; cat /data/file; echo x >/tmp/x && echo 'tmp works'")
is 'a read-only root is one' "$output" "$(printf 'refused\nroot\ntmp works')"
# Missing mount points, one of them below a directory that is missing as well.
is 'binds to places that are not there are there inside' "$(run -R "$root" --ro "$tmp/in:/new/deep" \
	--ro "$tmp/in/file:/single" -- sh -c 'cat /new/deep/file /single')" "$(printf 'input\ninput')"
unchanged 'and their mount points are not made outside' "$root"
mkdir "$tmp/upper"
ok '--upper keeps what is written' run -R "$root" --upper "$tmp/upper" -- sh -c 'echo kept >/data/kept; rm /data/file'
is 'for the next run' "$(run -R "$root" --upper "$tmp/upper" -- ls /data)" kept
is 'of either kind' "$(native -R "$root" --upper "$tmp/upper" -- ls /data)" kept
unchanged 'and away from the root' "$root"
cp -a "$root" "$tmp/own"
ok 'a root in mode rw is written to' run -R "$tmp/own" --root-mode rw -- sh -c 'echo new >/data/new; rm /data/file'
is 'and to nothing else' "$(cd "$tmp/own" && find . | sort)" \
	"$(cd "$root" && find . | sed 's,^./data/file$,./data/new,' | sort)"

is "nothing of gVisor's own is left" "$(find "$tmp" -name '*filestore*' 2>/dev/null)" ''
is 'nor of the runs' "$("$SBX" list; find "$XDG_RUNTIME_DIR" -mindepth 2; grep -F "$tmp" /proc/self/mountinfo)" ''
