# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# What only root can test: sbx started by root, and inside of docker, whose daemon needs it.
# Root runs these before it becomes the account, which finds what they said in its cache.

root_tests='root containers oci engines'

# Everybody may use it where Debian's own rules made it; a container's is often root's alone.
open_tun() {
	[ ! -c /dev/net/tun ] || chmod 666 /dev/net/tun || say "/dev/net/tun stays closed to users"
}

run_as_root() { # NAME
	local status=0
	SBX=$sbx timeout 900 "$tree/tests/real/$1.sh" </dev/null >"$place/$1.tap" 2>&1 || status=$?
	echo "$status" >"$place/$1.status"
}

# Side by side: they wait for daemons more than they work.
test_as_root() { # [NAME...]
	case " ${*:-root} " in *' root '* | *' full '*) ;; *) return 0 ;; esac
	local place name sbx
	place=$(account_home)/.cache/sbx-dev/root
	sbx=$(as_account "$tree/dev" build 2>&1 | sed -n 's/.*: built in //p')/launcher/sbx
	[ -x "$sbx" ] || die "cannot build"
	as_account mkdir -p "$place"
	echo "== as root: $root_tests"
	for name in $root_tests; do
		run_as_root "$name" &
	done
	wait
	for name in $root_tests; do
		[ "$(cat "$place/$name.status")" = 0 ] || cat "$place/$name.tap"
	done
	chown -R "$account:" "$place"
}

# Puts what root heard among the account's results, as meson would tell it.
part_root() {
	local place name
	place=$(dev_cache)/root
	for name in $root_tests; do
		if [ ! -e "$place/$name.status" ]; then
			note skip "real_$name" "not started by root"
			continue
		fi
		jq -cRs --arg name "real_$name" --argjson status "$(cat "$place/$name.status")" '{
			name: $name, stdout: ., returncode: $status,
			result: (if $status != 0 then "FAIL" elif startswith("1..0") then "SKIP" else "OK" end)
		}' "$place/$name.tap" >"$place/$name.json"
		"$tree/tools/count-tests" add "$results" "$part" "$place/$name.json"
	done
	rm -rf "$place"
}
