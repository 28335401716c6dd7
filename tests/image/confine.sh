#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx-image holds no power while it reads foreign bytes (a real one, looked at from outside in
# the middle of an archive), and who has taken it over gets nothing of the front end (another
# program in its place, which says what it likes). tests/unit/test_image_confine.c tries the
# rest from inside.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

plan 43

# ---- the real one --------------------------------------------------------------------------

mkfifo "$tmp/pipe"
exec 9<>"$tmp/pipe"
mkdir "$tmp/tree" && head -c 3000000 /dev/urandom >"$tmp/tree/first"
tar -C "$tmp/tree" -cf "$tmp/some.tar" .

# Sets $reader: it has read a part and waits for more.
start_reader() {
	"$SBX" run --no-config --no-cache -R "$tmp/pipe" -- /first </dev/null >"$tmp/said" 2>&1 &
	front=$!
	waiting="$waiting $front"
	until_true has_reader || return 1
	head -c 2000000 "$tmp/some.tar" >&9
	until_true is_filtered
}

has_reader() {
	reader=$(ps -o pid= --ppid "$front" | tr -d ' ')
	[ -n "$reader" ] && [ "$(cat "/proc/$reader/comm")" = sbx-image ]
}

is_filtered() {
	status_is Seccomp 2
}

status_is() { # FIELD VALUE
	[ "$(awk -v field="$1:" '$1 == field { print $2 }' "/proc/$reader/status")" = "$2" ]
}

# What its descriptors lead to, beside nothing, its socket, the pipe and its own root; with a
# sanitizer also where that complains.
open_paths() {
	for fd in "/proc/$reader/fd/"*; do
		where=$(readlink "$fd")
		case $where in
		/dev/null | 'socket:['* | "$tmp/pipe" | / | /first) ;;
		"$tmp/said") grep -qa __asan_init "$SBX" || echo "$where" ;;
		*) echo "$where" ;;
		esac
	done
}

start_reader
result $? "it reads an archive from a pipe" || exit 1
# CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, SETFCAP 31
ok "its capabilities are those of writing files" status_is CapEff 000000008000001b
ok "none can be had beyond them" status_is CapPrm 000000008000001b
ok "none could be had by executing" status_is CapBnd 0000000000000000
ok "none are handed on" status_is CapAmb 0000000000000000
ok "it gets no new privileges" status_is NoNewPrivs 1
ok "its system calls are filtered" status_is Seccomp 2
is "nothing but its root is mounted there" "$(wc -l <"/proc/$reader/mountinfo")" 1
is "what is in its root is the archive's" "$(echo "/proc/$reader/root/"*)" "/proc/$reader/root/first"
is "nothing that it has open is of the host's file system" "$(open_paths)" ""
is "nothing is in its environment" "$(tr -d '\0' <"/proc/$reader/environ")" ""
for name in user mnt pid net ipc uts; do
	[ "$(readlink "/proc/$reader/ns/$name")" != "$(readlink "/proc/$$/ns/$name")" ]
	result $? "its $name namespace is its own"
done
kill -KILL "$front"
wait "$front" 2>/dev/null
is_gone() {
	! kill -0 "$reader" 2>/dev/null
}
ok "it ends with the front end, however that ends" until_true is_gone

# ---- another one in its place --------------------------------------------------------------

mkdir "$tmp/bin"
cp "$SBX" "$tmp/bin/sbx"
cp "$image_here/impostor.py" "$tmp/bin/sbx-image"
chmod 755 "$tmp/bin/sbx-image"

# impostor WHAT: what the front end makes of it, soon
impostor() {
	front_end "$1" run --no-config --net none --no-cache -R "$tmp/some.tar" -- /bin/sh
}

# cached WHAT: the same with a cache
cached() {
	front_end "$1" run --no-config --net none -R "$tmp/some.tar" -- /bin/sh
}

front_end() { # WHAT ARG...
	echo "$1" >"$tmp/bin/scene"
	shift
	timeout -s KILL 60 "$tmp/bin/sbx" "$@" </dev/null >"$tmp/said" 2>&1
	echo "status $? $(cat "$tmp/said")"
}

like "silence is a failure" "$(impostor silence)" "status 125 *sbx-image ended with status 0*"
like "a crash is named" "$(impostor crash)" "status 125 *sbx-image died of signal 11*"
like "a text that is too long for it is named" "$(impostor full)" "status 125 *it takes more memory to understand*"
like "a forbidden call is named" "$(impostor call)" "status 125 *sbx-image made a system call*"
like "noise is refused" "$(impostor noise)" "status 125 sbx: cannot *"
like "a document that is a pipe is refused" "$(impostor pipe)" "status 125 *it is no document*"
like "a document of nonsense is refused" "$(impostor nonsense)" "status 125 sbx: cannot *"
like "an end without a result is refused" "$(impostor end)" "status 125 sbx: cannot *"
like "a directory of the host is no root" "$(impostor host)" "status 125 sbx: cannot *"
like "mounts beyond those asked for are refused" "$(impostor mounts)" "status 125 *a mount too many*"
impostor escape >/dev/null
is "what it says obeys no terminal" "$(tr -d '[:print:]\n' <"$tmp/said" | wc -c)" 0
shared=$(mktemp -d /dev/shm/sbx-test.XXXXXX)
mkdir "$shared/bin" && cp "$busybox" "$shared/bin/sh" && echo "$shared" >"$tmp/bin/shared"
like "a place in memory that others see is no root" "$(impostor shared)" "status 125 sbx: cannot *"
rm -r "$shared"
like "talk without an end is ended" "$(impostor notes)" "status 125 *it tells too much*"
like "who is done is not waited for" "$(impostor stay)" "status 125 *there is no root*"
like "a directory of the host is no root below a layer" "$(front_end host run --no-config --no-cache \
	--upper "$tmp/tree" -R "$tmp/some.tar" -- /bin/sh)" "status 125 *no root in memory*"
touch -d '1 hour ago' "$tmp/some.tar"
like "a layer that is another one than was asked for is refused" "$(cached swap)" \
	"status 125 *it changed while it was read*"
is "and not kept" "$(ls "$XDG_CACHE_HOME/sbx/images/layers")" ""
like "a layer without a digest" "$(cached nameless)" "status 12[57] *"
is "is not kept" "$(ls "$XDG_CACHE_HOME/sbx/images/layers" "$XDG_CACHE_HOME/sbx/images/images")" \
	"$(printf '%s:\n\n%s:' "$XDG_CACHE_HOME/sbx/images/images" "$XDG_CACHE_HOME/sbx/images/layers")"
front_end texts image inspect "$tmp/some.tar" >/dev/null
is "what an image is said to be obeys no terminal" "$(tr -d '[:print:]\n' <"$tmp/said" | wc -c)" 0
front_end texts run --no-config --dry-run -R "$tmp/some.tar" >/dev/null
is "nor does it in a plan" "$(tr -d '[:print:]\n' <"$tmp/said" | wc -c)" 0

# ---- ended meanwhile -----------------------------------------------------------------------

# ended SIGNAL ARG...: the front end's status when the signal comes while sbx-image works for it
ended() {
	signal=$1
	shift
	echo wait >"$tmp/bin/scene"
	env --default-signal=INT "$tmp/bin/sbx" "$@" </dev/null >"$tmp/said" 2>&1 &
	front=$!
	waiting="$waiting $front"
	until_true has_python
	kill -"$signal" "$front"
	wait "$front" 2>/dev/null
	echo "status $?"
	until_true is_gone || echo "sbx-image is left"
}

has_python() {
	reader=$(ps -o pid= --ppid "$front" | tr -d ' ')
	[ -n "$reader" ] && grep -qa sbx-image "/proc/$reader/cmdline"
}

for signal in INT TERM HUP; do
	is "$signal ends the reading of an image" "$(ended "$signal" run --no-config --net none -R "$tmp/some.tar" -- /bin/sh)" \
		"status $((128 + $(kill -l "$signal" 2>/dev/null | grep '^[0-9]' || env kill -l "$signal")))"
done
mkdir "$tmp/writable"
is "and a digest for a record" "$(ended TERM run --no-config --net none --cow "$tmp/writable:/srv" --record "$tmp/record" -- true)" "status 143"
