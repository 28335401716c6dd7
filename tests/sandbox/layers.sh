#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copy-on-write: everything can be changed inside, nothing is outside, and --upper keeps it.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(which busybox 2>/dev/null) || skip_all 'busybox is not installed'

mkdir -p "$tmp/work/dir" "$tmp/root/bin" "$tmp/root/etc" "$tmp/data/deep/er" "$tmp/keep"
cp "$busybox" "$tmp/root/bin/"
for applet in sh cat ls rm mv ln cp mkdir touch chmod chown stat dd echo true readlink sleep wc id test; do
	ln -s busybox "$tmp/root/bin/$applet"
done
echo config >"$tmp/root/etc/config"
echo one >"$tmp/work/one"
echo two >"$tmp/work/two"
echo deep >"$tmp/work/dir/deep"
ln -s one "$tmp/work/link"
echo data >"$tmp/data/deep/er/file"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
rooted() {
	run -R "$tmp/root" "$@"
}
# In a root with one id, where it takes that to have everything.
wholly() {
	# shellcheck disable=SC2086
	rooted $whole "$@"
}
digest() {
	(cd "$1" && find . -exec stat -c '%n %F %a %s %Y %i' {} + | LC_ALL=C sort; cat "$1"/etc/config "$1"/one 2>/dev/null)
}
[ "$(rooted -- echo works)" = works ] || skip_all "no copy-on-write here: $(rooted -- echo works | head -n 1)"
root_before=$(digest "$tmp/root")
work_before=$(digest "$tmp/work")
data_before=$(digest "$tmp/data")
# Where the kernel's overlay lacks something, fuse-overlayfs, which knows one id, has it.
whole=
"$SBX" doctor --json | grep -A 2 '"id": "overlay"' | grep -q '"ok"' || whole='--map single'
# The caller's ids only: what is kept can be removed without help.
one_id='--map single'

plan 46

# ---- what can be done inside -----------------------------------------------------------------

is 'a file is changed' "$(run -- sh -c 'echo more >>one; cat one')" "$(printf 'one\nmore')"
is 'is written anew' "$(run -- sh -c 'echo new >one; cat one')" new
is 'is removed' "$(run -- sh -c 'rm one; ls')" "$(printf 'dir\nlink\ntwo')"
is 'is renamed' "$(run -- sh -c 'mv one three; cat three; ls')" "$(printf 'one\ndir\nlink\nthree\ntwo')"
is 'is put over another' "$(run -- sh -c 'mv one two; cat two')" one
is 'gets another mode' "$(run -- sh -c 'chmod 711 one; stat -c %a one')" 711
is 'gets a second name' "$(run -- sh -c 'ln one again; echo x >again; cat one')" x
is 'a link is replaced' "$(run -- sh -c 'ln -sfn two link; readlink link')" two
is 'a directory is made, with what is in it' "$(run -- sh -c 'mkdir -p a/b; echo x >a/b/c; cat a/b/c')" x
is 'a new directory is renamed' "$(run -- sh -c 'mkdir a; echo x >a/b; mv a z; cat z/b')" x
is 'a directory is emptied and removed' "$(run -- sh -c 'rm -r dir; ls')" "$(printf 'link\none\ntwo')"
is 'and made anew it is empty' "$(run -- sh -c 'rm -r dir; mkdir dir; ls -A dir')" ''
is 'nothing of it is outside' "$(digest "$tmp/work")" "$work_before"
is 'a root is changed as well' "$(wholly --no-resolv -- sh -c 'rm -r /etc; echo x >/new; ls /')" \
	"$(printf 'bin\ndev\nnew\nproc\nrun\nsys\ntmp')"
is 'and is as it was' "$(digest "$tmp/root")" "$root_before"
# begin_first COMMAND...: the first of two at once; it says "up", and goes on when it is told to
begin_first() {
	mkfifo "$tmp/go"
	timeout -s KILL 30 "$SBX" run --no-config -R "$tmp/root" "$@" <"$tmp/go" >"$tmp/first" 2>&1 &
	first=$!
	exec 9>"$tmp/go"
	until_true grep -q up "$tmp/first"
}
end_first() {
	(echo go on >&9)
	exec 9>&-
	wait "$first"
	rm "$tmp/go"
}
begin_first -- sh -c 'echo first >/etc/config; echo up; read -r _; cat /etc/config'
second=$(rooted -- cat /etc/config)
end_first
is 'two at once do not see each other' "$(cat "$tmp/first"; echo "$second")" "$(printf 'up\nfirst\nconfig')"

# ---- --cow -----------------------------------------------------------------------------------

is '--cow SRC:DST' "$(run --cow "$tmp/data:/mnt/data" -- sh -c 'echo x >/mnt/data/deep/er/file; cat /mnt/data/deep/er/file')" x
is 'in a root' "$(wholly --cow "$tmp/data:/data" -- sh -c 'rm -r /data/deep; ls -A /data; touch /data/new; ls /data')" new
is 'twice, each for itself' "$(wholly --cow "$tmp/data:/a" --cow "$tmp/data:/b" -- sh -c 'rm -r /a/deep; cat /b/deep/er/file')" data
is 'below another' "$(rooted --cow "$tmp/data:/a" --cow "$tmp/work:/a/deep/er" -- sh -c 'rm /a/deep/er/one; ls /a/deep/er')" \
	"$(printf 'dir\nlink\ntwo')"
is 'a read-only bind below it stays read-only' \
	"$(rooted --cow "$tmp/data:/a" --ro "$tmp/work:/a/deep" -- sh -c 'touch /a/deep/x 2>/dev/null || echo refused')" refused
is 'a name with what overlayfs takes apart' \
	"$(mkdir 'a:b,c\d=e' && echo odd >'a:b,c\d=e/f'; run --cow 'a\:b,c\d=e:/mnt/odd' -- sh -c 'echo more >>/mnt/odd/f; cat /mnt/odd/f')" \
	"$(printf 'odd\nmore')"
rm -r 'a:b,c\d=e'
if [ -w /dev/fuse ] && command -v fuse-overlayfs >/dev/null; then
	is "a directory of somebody else's" "$(rooted --cow /opt:/a -- sh -c 'mkdir /a/new; echo x >/a/new/x; cat /a/new/x')" x
else
	skip "a directory of somebody else's" 'fuse-overlayfs is not installed, or /dev/fuse not open to us'
fi
is 'nothing of it is outside either' "$(digest "$tmp/data")" "$data_before"

# ---- its size ----------------------------------------------------------------------------------

fails '--scratch-size bounds what is written' 1 rooted --scratch-size 1M -- dd if=/dev/zero of=/big bs=64k count=64
ok 'and lets the rest pass' rooted --scratch-size 8M -- dd if=/dev/zero of=/big bs=64k count=64
fails 'it bounds /tmp too' 1 rooted --scratch-size 1M -- dd if=/dev/zero of=/tmp/big bs=64k count=64
fails 'and /dev/shm' 1 rooted --scratch-size 1M -- dd if=/dev/zero of=/dev/shm/big bs=64k count=64
fails '--shm-size bounds that alone' 1 rooted --shm-size 1M -- dd if=/dev/zero of=/dev/shm/big bs=64k count=64

# ---- --upper -----------------------------------------------------------------------------------

# shellcheck disable=SC2086
kept() {
	rooted $one_id --upper "$tmp/keep" "$@"
}
ok '--upper: a first run changes' kept -- sh -c 'echo changed >/etc/config; echo new >/new; rm /bin/wc; mkdir /dir; echo x >/dir/x'
is 'the next one finds it' "$(kept -- sh -c 'cat /etc/config /new /dir/x; test -e /bin/wc || echo gone')" \
	"$(printf 'changed\nnew\nx\ngone')"
is 'and changes it again' "$(kept -- sh -c 'rm -r /dir; echo again >/new; cat /new'; kept -- ls /new /dir 2>&1)" \
	"$(printf 'again\nls: /dir: No such file or directory\n/new')"
is 'the root is as it was' "$(digest "$tmp/root")" "$root_before"
is 'and without it nothing is seen of it' "$(rooted -- ls /new 2>&1)" 'ls: /new: No such file or directory'
is '/tmp is not kept' "$(kept -- touch /tmp/x; kept -- ls -A /tmp)" ''
is 'nor is /run' "$(kept -- touch /run/x; kept -- ls -A /run)" ''
ok 'a command that fails keeps what it did' sh -c '! "$0" "$@"' "$SBX" run --no-config -R "$tmp/root" --map single \
	--upper "$tmp/keep" -- sh -c 'echo failed >/failed; exit 1'
is 'as one that was killed' "$(kept -- sh -c 'echo killed >/killed; kill -KILL $$'; kept -- cat /failed /killed)" \
	"$(printf 'failed\nkilled')"
is 'what is kept lies in that directory' "$(cat "$tmp/keep"/*/new)" again
is 'and nothing lies beside it' "$(cd "$tmp/keep" && echo *)" 'upper work'
like 'a directory that is missing is an error' "$(rooted --upper "$tmp/none" -- true)" "sbx: cannot *$tmp/none*"
# shellcheck disable=SC2086 # two words
begin_first $one_id --upper "$tmp/keep" -- sh -c 'echo up; read -r _; echo first'
kept -- echo second >/dev/null
end_first
is 'two at once: the first one is not disturbed' "$(cat "$tmp/first")" "$(printf 'up\nfirst')"

# ---- in the end ----------------------------------------------------------------------------------

ok 'large files' run -- sh -c 'dd if=/dev/zero of=big bs=1M count=16 2>/dev/null && rm big'
is 'nothing is mounted outside' "$(grep -c "$tmp" /proc/self/mountinfo)" 0
is 'the working directory is as it was' "$(digest "$tmp/work" | cut -d' ' -f1,2)" "$(echo "$work_before" | cut -d' ' -f1,2)"
chmod -R u+rwX "$tmp/keep"; rm -rf "$tmp/keep"
is 'what was kept can be removed by its owner' "$(ls -A "$tmp/keep" 2>/dev/null)" ''
