#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The source of a Debian package is configured, built and tested in a sandbox: the tree is as
# before, unless --rw says otherwise. GNU sed brings a long test suite of its own, which looks
# at terminals, signals, locales, links and permissions.
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need dpkg-source make cc
place=${XDG_CACHE_HOME:-$HOME/.cache}/sbx-dev/real
source=$tmp/sed
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")

# Downloaded once, and checked by apt against the archive's signature.
fetch_source() {
	mkdir -p "$place/sed" && cd "$place/sed" || return
	set -- sed_*.dsc
	[ -e "$1" ] || "$here/../../tools/private-apt" "$place/sources" -s "$codename" -- \
		source --download-only sed || return
	dpkg-source -q -x sed_*.dsc "$source"
}

(fetch_source) >"$tmp/log" 2>&1 || {
	say "$(tail -n 5 "$tmp/log")"
	skip_all "no source of a package can be had"
}
cd "$source" || exit 1
"$here/fingerprint" . >"$tmp/before"

# untouched DESCRIPTION
untouched() {
	"$here/fingerprint" "$source" >"$tmp/after"
	difference=$(diff "$tmp/before" "$tmp/after" | head -n 20)
	[ -z "$difference" ]
	result $? "$1" || say "$difference"
}

# counted NAME: the sum of this figure in all summaries that `make check` prints
counted() {
	awk -v name="$1:" '$1 == "#" && $2 == name { sum += $3 } END { print sum + 0 }' "$tmp/check"
}

plan 8

# Half of the processors are enough: other tests run beside this one.
"$SBX" run -- sh -c './configure && make -j2 check' >"$tmp/check" 2>&1
is "./configure && make check passes" "$?" 0 || say "$(grep -E '^(FAIL|ERROR|sbx)' "$tmp/check")"
is "none of its tests fails" "$(counted FAIL) $(counted ERROR)" "0 0"
[ "$(counted PASS)" -ge 180 ]
result $? "most of them ran" || say "$(grep -E '^(SKIP|# PASS)' "$tmp/check")"
untouched "the tree is as before"

fails "nothing of it is there in the next run" 1 "$SBX" run -- test -e config.status
untouched "and still is"

ok "--rw . lets it keep the result" "$SBX" run --rw . -- sh -c './configure -q && make -s -j2'
is "the result works" "$(echo before | ./sed/sed s/before/after/ 2>&1)" after
