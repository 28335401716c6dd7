#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Roots that were made to deceive: links where mount points belong, files in the place of
# directories, names that are exchanged while sbx looks. Whatever comes of such a start, nothing
# outside is made, changed or mounted over, and nothing outside can be seen from inside.
# SBX_TEST_EMULATED=1: read-only roots, which go the way of writable ones, are left out, and
# names are exchanged for a shorter time.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
attack=${ATTACK:-$here/attack}
[ -x "$attack" ] || skip_all 'there is no attack program'
busybox=$(which busybox 2>/dev/null) || skip_all 'busybox is not installed'

mkdir -p "$tmp/work" "$tmp/outside/new" "$tmp/base/bin" "$tmp/base/etc" "$tmp/data" "$tmp/keep"
cp "$attack" "$busybox" "$tmp/base/bin/"
for applet in sh cat ls true touch id mount stat grep; do
	ln -s busybox "$tmp/base/bin/$applet"
done
echo 'a canary' >"$tmp/outside/canary"
echo 'evil:x:0:0::/:/bin/sh' >"$tmp/outside/passwd"
echo data >"$tmp/data/file"
export CANARY_FILE="$tmp/outside/canary"
CANARY_HANDLE=$("$attack" make handle "$CANARY_FILE" 2>/dev/null) || CANARY_HANDLE=0.00
export CANARY_HANDLE
cd "$tmp/work" || exit 1
exec 7</
modes='cow ro rw'
rounds=40
if [ -n "${SBX_TEST_EMULATED:-}" ]; then
	modes='cow rw'
	rounds=8
fi

run() {
	timeout -s KILL 20 "$SBX" run --no-config -e CANARY_FILE -e CANARY_HANDLE "$@" </dev/null 2>&1
}
trace() {
	find "$tmp/outside" -exec stat -c '%n %F %a %s %Y %u' {} + | LC_ALL=C sort
	cat "$tmp/outside/canary"
	grep -c "$tmp" /proc/self/mountinfo
}
before=$(trace)

# fresh: a copy of the base to be spoilt
fresh() {
	chmod -R u+rwX "$tmp/root" 2>/dev/null
	rm -rf "$tmp/root"
	cp -Rl "$tmp/base" "$tmp/root"
}

# endured MODE: a start with the root as it is now ends by itself, with a status of its own or a
# line of sbx; the canary is neither reached nor changed. There is no path to the place outside.
endured() {
	output=$(run -R "$tmp/root" --root-mode "$1" -- attack try canary climb own-links handle directories)
	status=$?
	case $status:$output in
	0:*REACHED* | 124:* | 137:* | 139:*) ;;
	0:* | 12[567]:*"sbx: cannot "*)
		[ "$(trace)" = "$before" ] && return 0
		say 'something outside is not as it was'
		;;
	esac
	say "$1: $status: $output"
	return 1
}
in_all_modes() {
	bad=0
	for mode in $modes; do
		endured "$mode" || bad=1
	done
	return $bad
}

plan 60

# ---- links where mount points belong -------------------------------------------------------

for place in proc dev sys tmp run etc; do
	spoil() {
		fresh
		rm -rf "${tmp:?}/root/$place"
	}
	spoil
	ln -s "$tmp/outside" "$tmp/root/$place"
	in_all_modes
	result $? "/$place is an absolute link"
	spoil
	ln -s "../../../../../../../../../..$tmp/outside" "$tmp/root/$place"
	in_all_modes
	result $? "/$place is a link that climbs"
	spoil
	ln -s "$tmp/outside/missing/deep" "$tmp/root/$place"
	in_all_modes
	result $? "/$place is a link to nowhere"
	spoil
	bad=0
	for magic in "/proc/self/root$tmp/outside" "/proc/self/cwd/../outside" "/proc/self/fd/7$tmp/outside" \
		"/proc/1/root$tmp/outside" /proc/self/fd/7 /proc/self/exe; do
		ln -sfn "$magic" "$tmp/root/$place"
		endured cow || bad=1
	done
	result "$bad" "/$place is a link of procfs"
	spoil
	ln -s "$place" "$tmp/root/$place"
	in_all_modes
	result $? "/$place is a link to itself"
	spoil
	echo file >"$tmp/root/$place"
	in_all_modes
	result $? "/$place is a file"
done

# Two of them that meet: the scratch directory lies where the devices were to be.
fresh
mkdir -p "$tmp/root/dev" "$tmp/root/proc"
ln -s dev "$tmp/root/tmp"
ln -s proc "$tmp/root/run"
in_all_modes
result $? '/tmp is /dev, /run is /proc'

# ---- files that are believed ---------------------------------------------------------------

fresh
mkdir "$tmp/root/dev"
ln -s "$tmp/outside/canary" "$tmp/root/dev/null"
ln -s "$tmp/outside/canary" "$tmp/root/dev/console"
in_all_modes
result $? '/dev/null and /dev/console are links to a file'
is 'and /dev/null is the device all the same' "$(run -R "$tmp/root" -- stat -c '%F %t %T' /dev/null)" \
	'character special file 1 3'
is 'a cover is empty where /dev/null is a link' \
	"$(mkdir "$tmp/root/secret"; echo s >"$tmp/root/secret/s"; run -R "$tmp/root" --mask /secret/s --mask /secret -- ls -A /secret)" ''

for target in "$tmp/outside/passwd" "../../../../../../..$tmp/outside/passwd" \
	"/proc/self/root$tmp/outside/passwd" "/proc/self/fd/7$tmp/outside/passwd"; do
	ln -sf "$target" "$tmp/root/etc/passwd"
	like "accounts are never those of outside: ${target%%"$tmp"*}…" "$(run -R "$tmp/root" -u evil -- id -u)" 'sbx: cannot *'
done
rm "$tmp/root/etc/passwd"
mkfifo "$tmp/root/etc/passwd"
like 'accounts in a pipe hold nobody up' "$(run -R "$tmp/root" -u evil -- id -u)" 'sbx: cannot *'
rm "$tmp/root/etc/passwd"
printf '%s\n' 'low:x:-1:0::/:' 'high:x:4294967295:0::/:' 'wide:x:4294967296:0::/:' 'hex:x:0x0:0::/:' \
	'blank:x: 0:0::/:' 'short:x:0' '0:x:5:5::/:' >"$tmp/root/etc/passwd"
bad=0
for name in low high wide hex blank short; do
	output=$(run -R "$tmp/root" -u "$name" -- id -u)
	case $output in
	'sbx: cannot '*) ;;
	*) bad=1; say "$name: $output" ;;
	esac
done
result "$bad" 'numbers of accounts are strict'
is 'a number is a number, whatever accounts are called' "$(run -R "$tmp/root" -u 0 -- id -u)" 0
long=$(printf '%04000d' 0)
printf 'long:x:0:0:%s:%s:\n' "$long" "/$long" >"$tmp/root/etc/passwd"
in_all_modes
result $? 'a line of accounts that is too long'

# ---- destinations --------------------------------------------------------------------------

# A link that comes with an earlier operation, to a place that is there only while sbx works.
mkdir "$tmp/links"
ln -s "$tmp/outside" "$tmp/links/absolute"
ln -s "../../../../../../../../..$tmp/outside" "$tmp/links/climbing"
ln -s "/proc/self/root$tmp/outside" "$tmp/links/magic"
fresh
for link in absolute climbing magic; do
	run -R "$tmp/root" --ro "$tmp/links:/a" --tmpfs "/a/$link/new" --ro "$tmp/data:/a/$link/newer" \
		--mask "/a/$link/canary" -- true >/dev/null
	run --ro "$tmp/links:/a" --tmpfs "/a/$link/newer" -- true >/dev/null
	is "a destination below a link of an earlier bind, $link" "$(trace)" "$before"
done

# ---- what is left of the host ----------------------------------------------------------------

fresh
for mode in cow ro rw; do
	mkdir -p "$tmp/root/proc" "$tmp/root/sys" "$tmp/root/dev" "$tmp/root/tmp" "$tmp/root/run"
	run -R "$tmp/root" --root-mode "$mode" --no-resolv -- cat /proc/self/mountinfo >"$tmp/mountinfo"
	is "one mount is the root, $mode" "$(awk '$5 == "/"' "$tmp/mountinfo" | wc -l)" 1
	is "no mount is one of the host's, $mode" \
		"$(awk '$5 !~ "^/(proc|sys|dev|tmp|run)?(/|$)"' "$tmp/mountinfo")" ''
done

# ---- names that are exchanged while sbx looks ----------------------------------------------------

fresh
mkdir "$tmp/root/swap"
ln -s "$tmp/outside" "$tmp/root/swap-link"
"$attack" make swaps "$tmp/root/swap" "$tmp/root/swap-link" &
swapper=$!
i=0
bad=0
while [ $i -lt $rounds ]; do
	i=$((i + 1))
	mode=cow
	[ $((i % 3)) != 0 ] || mode=rw
	output=$(run -R "$tmp/root" --root-mode "$mode" --tmpfs /swap/new --ro "$tmp/data:/swap/made/here" -- \
		attack try canary climb)
	status=$?
	case $status:$output in
	0:*REACHED* | 124:* | 137:* | 139:*) bad=1; say "$status: $output" ;;
	esac
done
kill "$swapper" 2>/dev/null
wait "$swapper" 2>/dev/null
result "$bad" 'a directory that turns into a link while sbx looks'
is 'and nothing outside has changed' "$(trace)" "$before"

# A source is looked at once: what is bound is the one or the other.
mkdir "$tmp/source"
echo real >"$tmp/source/file"
ln -s "$tmp/data" "$tmp/source-link"
"$attack" make swaps "$tmp/source" "$tmp/source-link" &
swapper=$!
i=0
bad=0
while [ $i -lt $((rounds / 2)) ]; do
	i=$((i + 1))
	output=$(run -R "$tmp/base" --ro "$tmp/source:/source" -- cat /source/file)
	case $output in
	real | data | 'sbx: cannot '*) ;;
	*) bad=1; say "$output" ;;
	esac
done
kill "$swapper" 2>/dev/null
wait "$swapper" 2>/dev/null
result "$bad" 'a source that turns into a link while sbx looks'
