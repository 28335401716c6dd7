#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An image of a file system is a root by a server outside of the sandbox, which reads bytes of
# strangers: it has nothing but the image, and ends with the run.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

command -v mksquashfs >/dev/null || skip_all 'mksquashfs is not installed'
[ -x /usr/bin/squashfuse_ll ] || [ -x /usr/bin/squashfuse ] || skip_all 'squashfuse is not installed'
[ -w /dev/fuse ] || skip_all '/dev/fuse is not open'

plan 31

mkdir -p "$tmp/tree/bin"
cp "$busybox" "$tmp/tree/bin/sh"
echo inside >"$tmp/tree/file"
mksquashfs "$tmp/tree" "$tmp/root.squashfs" -quiet -noappend >/dev/null 2>&1 || exit 1
echo outside >"$tmp/secret"

is "it is a root" "$(run --net none -R "$tmp/root.squashfs" -- /bin/sh -c 'cat /file')" inside
is "what is written is thrown away" \
	"$(run --net none -R "$tmp/root.squashfs" -- /bin/sh -c 'echo new >/file; cat /file')" new
is "and was" "$(run --net none --root-mode ro -R "$tmp/root.squashfs" -- /bin/sh -c 'cat /file')" inside

"$SBX" config --net none -R "$tmp/root.squashfs" -- /bin/sh -c 'cat /file' >"$tmp/config.json" 2>&1
is "it is one by a configuration too" "$(sbx run --config "$tmp/config.json")" inside

# ---- trust ---------------------------------------------------------------------------------

served() { # ARG...
	run --net none -R "$tmp/root.squashfs" "$@" -- /bin/sh -c 'cat /file'
}

if command -v minisign >/dev/null && minisign -G -W -p "$tmp/key.pub" -s "$tmp/key" >/dev/null 2>&1; then
	sbx trust add --prefix "$tmp" "$tmp/key.pub" >/dev/null
	like "what a key covers is not served without a signature" "$(served)" "*there is no signature beside it*"
	like "nor by a configuration" "$(sbx run --config "$tmp/config.json")" "*there is no signature beside it*"
	like "but where nobody wants to know" "$(served --insecure)" "*was not verified*inside"
	minisign -S -W -s "$tmp/key" -m "$tmp/root.squashfs" >/dev/null
	is "with one it is" "$(served)" inside
	is "also by a configuration" "$(sbx run --config "$tmp/config.json")" inside
	cp "$tmp/root.squashfs" "$tmp/other.squashfs" && mv "$tmp/root.squashfs.minisig" "$tmp/other.squashfs.minisig"
	printf x >>"$tmp/other.squashfs"
	like "another file is not" "$(run --net none -R "$tmp/other.squashfs" -- /bin/sh -c 'cat /file')" "sbx: cannot verify *"
	mv "$tmp/other.squashfs.minisig" "$tmp/root.squashfs.minisig"
	ln -s root.squashfs "$tmp/link.squashfs"
	is "a link to what is signed is" "$(run --net none -R "$tmp/link.squashfs" -- /bin/sh -c 'cat /file')" inside
	chmod o+w "$tmp/root.squashfs"
	like "what others may change is not" "$(served)" "*others may change it*"
	chmod o-w "$tmp/root.squashfs"
	is "what nobody covers is served unsigned" \
		"$(XDG_CONFIG_HOME="$tmp/nowhere" run --net none -R "$tmp/other.squashfs" -- /bin/sh -c 'cat /file' | tail -n 1)" inside
	sbx trust remove --prefix "$tmp" >/dev/null
	is "and what is covered no more" "$(served)" inside
else
	skip_rest=10
	while [ "$skip_rest" -gt 0 ]; do
		skip 'trust in what is served' 'minisign is not installed'
		skip_rest=$((skip_rest - 1))
	done
fi

# ---- the server ----------------------------------------------------------------------------

mkfifo "$tmp/held"
exec 8<>"$tmp/held" 7<"$tmp/secret"
"$SBX" run --no-config --net none -i -R "$tmp/root.squashfs" -- /bin/sh -c 'read line' <&8 >/dev/null 2>&1 &
front=$!
waiting="$waiting $front"

has_server() {
	for server in $(ps -o pid= --ppid "$front" | tr -d ' '); do
		case $(cat "/proc/$server/comm" 2>/dev/null) in
		squashfuse*) return 0 ;;
		esac
	done
	return 1
}

status_is() { # FIELD VALUE
	[ "$(awk -v field="$1:" '$1 == field { print $2 }' "/proc/$server/status")" = "$2" ]
}

until_true has_server
result $? "it has a server" || exit 1
for name in user mnt pid net ipc uts; do
	[ "$(readlink "/proc/$server/ns/$name")" != "$(readlink "/proc/$$/ns/$name")" ]
	result $? "whose $name namespace is its own"
done
sandbox=$(ps -o pid= --ppid "$front" | tr -d ' ' | grep -vx "$server" | head -n 1)
[ "$(readlink "/proc/$server/ns/user")" != "$(readlink "/proc/$sandbox/ns/user")" ]
result $? "and not that of the sandbox"
ok "it has no capabilities" status_is CapPrm 0000000000000000
ok "and gets no new privileges" status_is NoNewPrivs 1
ok "it sees the image" [ -e "/proc/$server/root/image" ]
is "and the system's programs, nothing else" \
	"$(cd "/proc/$server/root" && echo ./* | tr ' ' '\n' | grep -vxE './(bin|lib|lib32|lib64|usr|etc|image|nix|gnu)')" ""
is "of /etc a list of libraries at most" \
	"$(find "/proc/$server/root/etc" -mindepth 1 ! -name ld.so.cache 2>/dev/null)" ""
is "nothing can be written there" "$(awk '$6 !~ /(^|,)ro(,|$)/ { print $5 }' "/proc/$server/mountinfo")" ""
is "nothing that we had open is open there" \
	"$(for fd in "/proc/$server/fd/"*; do readlink "$fd"; done | grep -vxE '(/dev)?/(null|fuse)|/image|pipe:.*|anon_inode:.*')" ""
is "it dumps no core" "$(awk '/core file/ { print $5 $6 }' "/proc/$server/limits")" 00
kill -KILL "$front"
wait "$front" 2>/dev/null
is_gone() {
	! kill -0 "$server" 2>/dev/null
}
ok "it ends with the front end, however that ends" until_true is_gone
