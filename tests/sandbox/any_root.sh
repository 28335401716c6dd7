#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Any directory serves as a root, however it is named and whatever it lacks; none is changed.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(command -v busybox) || skip_all 'busybox is not installed'
case $(file -L "$busybox" 2>/dev/null) in
*dynamic*) skip_all 'busybox is not static' ;;
esac

plan 30
mkdir -p "$tmp/work" "$tmp/full/bin" "$tmp/full/etc" "$tmp/one"
cp "$busybox" "$tmp/full/bin/busybox"
for applet in sh cat id ls mount touch true pwd readlink; do
	ln -s busybox "$tmp/full/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$tmp/full/etc/passwd"
cp "$busybox" "$tmp/one/busybox"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}

# A digest of every name, mode and content.
digest() {
	(cd "$1" && find . -printf '%p %m %s %T@ %l\n' | sort | sha256sum)
}

before_full=$(digest "$tmp/full")
before_one=$(digest "$tmp/one")

# ---- how it is named -------------------------------------------------------------------

is 'a root and a command are enough' "$(run -R "$tmp/full" -- true)" ''
is 'an absolute name' "$(run -R "$tmp/full" -- id -u)" 0
is 'a name with a slash at its end' "$(run -R "$tmp/full///" -- id -u)" 0
is 'a relative name' "$(run -R ../full -- id -u)" 0
is 'a relative name from the root' "$(cd / && run -R "${tmp#/}/full" -- id -u)" 0
cd "$tmp/full" || exit 1
is 'the current directory itself' "$(run -R . -- id -u)" 0
cd "$tmp/work" || exit 1
ln -s ../full link
ln -s link chain
is 'a link' "$(run -R link -- id -u)" 0
is 'a link to a link' "$(run -R chain/ -- id -u)" 0
mkdir -p "$tmp/with blank/proc" "$tmp/with blank/sys" "$tmp/with blank/dev" && cp -a "$tmp/full/." "$tmp/with blank"
is 'a name with a blank' "$(run -R "$tmp/with blank" -- id -u)" 0
odd=$tmp/$(printf 'odd\377\n')
mkdir "$odd" && cp -a "$tmp/full/." "$odd"
is 'a name of any bytes' "$(run -R "$odd" -- id -u)" 0
is 'the host itself' "$(run -R host -- id -u)" "$(id -u)"
is 'the host as /' "$(run -R / -- id -u)" "$(id -u)"

# ---- what it lacks ---------------------------------------------------------------------

is 'one file is enough' "$(run -R "$tmp/one" -- /busybox echo alive)" alive
is 'without a /proc of its own there is one' \
	"$(run -R "$tmp/one" -- /busybox readlink /proc/self)" 2
like 'without a /dev of its own there is one' \
	"$(run -R "$tmp/one" -- /busybox ls /dev)" '*null*'
is 'without a /tmp of its own there is one' \
	"$(run -R "$tmp/one" -- /busybox stat -c %a /tmp)" 1777
fails 'and it can be written to' 0 \
	run -R "$tmp/one" -- /busybox sh -c 'echo >/tmp/x && echo >/anywhere'

# ---- what it is not --------------------------------------------------------------------

like 'a missing one is named' "$(run -R "$tmp/none" -- true)" "sbx: cannot *$tmp/none*"
fails 'and is 125' 125 run -R "$tmp/none" -- true
echo text >"$tmp/text"
fails 'a file is 125' 125 run -R "$tmp/text" -- true
like 'a command that was forgotten is named' "$(run -R "$tmp/full")" \
	'sbx: cannot *no command given*'
like 'with the usage' "$(run -R "$tmp/full")" '*sbx run *'
fails 'and is 125 as well' 125 run -R "$tmp/full"

# ---- whose it is -----------------------------------------------------------------------

mkdir "$tmp/ro" && cp -a "$tmp/full/." "$tmp/ro"
chmod -R a-w "$tmp/ro"
is 'one that may only be read' "$(run -R "$tmp/ro" -- id -u)" 0
fails 'is still written to inside' 0 run -R "$tmp/ro" -- sh -c 'echo >/tmp/x'
fails 'read-only when asked' 1 run -R "$tmp/full" --root-mode ro -- touch /x
# Nothing is made in it but what the command makes, so it needs its own mount points.
fails 'written through when asked' 0 run -R "$tmp/with blank" --root-mode rw -- touch /x
ok 'and only then' test -e "$tmp/with blank/x"

is 'the root is as it was' "$(digest "$tmp/full")" "$before_full"
is 'and so is the one with one file' "$(digest "$tmp/one")" "$before_one"
