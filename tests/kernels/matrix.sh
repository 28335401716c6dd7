#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boots the kernels that sbx names in QEMU, without KVM, and runs the tests of sandboxes and of
# the network in each as an ordinary user. Prints TAP: one line for each check on each kernel.
#
#   matrix.sh BUILD [SERIES...]
#
# Kernels and the guests' root are kept below the cache of ./dev.
set -uo pipefail

build=$1
shift
[ $# -gt 0 ] || [ -z "${SBX_TEST_FULL-}" ] || set -- 5.10 6.1 6.12 newest
# The oldest that we name; everything else has just run on the machine's own.
[ $# -gt 0 ] || set -- 5.10
here=$(cd "$(dirname "$0")" && pwd -P)
tests=$(cd "$here/.." && pwd -P)
tree=$(cd "$tests/.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sbx-dev/kernels
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
limit=${SBX_TEST_FULL:+4500}
: "${limit:=1200}"
# Each has one processor, and small lots of tests leave none of the real ones idle at the end.
machines=4

# shellcheck source=tests/kernels/lib.sh
. "$here/lib.sh"

skip_all() { # REASON
	echo "1..0 # SKIP $1"
	exit 0
}

# What kernels differ in. The rest of the suite takes an emulated machine half an hour: it runs
# there with SBX_TEST_FULL, as in ./dev test full; so do the tests that play older kernels on a
# newer one.
differing='sandbox_any_root sandbox_host_root sandbox_landlock sandbox_layers sandbox_limits sandbox_mounts
	sandbox_namespaces net_inner'

# The suite as meson knows it: a line "env NAME VALUE" for each variable of the tests,
# and a line "test NAME SECONDS WORD..." for each of them; but for those of the network that run
# a second time with other options. In a guest the tree lies in /payload and
# the build in /payload/build.
suite() {
	local wanted=${SBX_TEST_FULL:+all}
	: "${wanted:=$differing}"
	meson introspect --tests "$build" | jq -r --arg build "$build" --arg tree "$tree" \
		--arg wanted "$wanted" '
		def moved: split($build) | join("/payload/build") | split($tree) | join("/payload");
		($wanted | split("[ \n\t]+"; null)) as $names
		| [.[] | select(.suite | any(endswith(":sandbox") or endswith(":net")))
			| select(.env.SBX_NET_OPTIONS // "" == "")
			| select($names == ["all"] or (.name | IN($names[])))]
		| ([.[].env | to_entries[]] | unique[] | "env \(.key) \(.value | moved)"),
		  (.[] | "test \(.name) \(.timeout) \(.cmd | map(moved) | join(" "))")'
}

# What every guest gets beside the kernel's modules; the tests are dealt out to its machines.
make_payload() {
	local payload=$scratch/payload kind name words program count=0
	mkdir -p "$payload/tests"
	cp -R "$tests/sandbox" "$tests/net" "$payload/tests/"
	cp -R "$tree/docs" "$tree/examples" "$payload/"
	cp "$here/guest" "$here/job" "$payload/"
	while read -r kind name words; do
		case $kind in
		test)
			echo "$kind $name $words" >>"$scratch/suite.$((count % machines + 1))"
			count=$((count + 1))
			;;
		*) echo "$kind $name $words" >>"$scratch/suite.env" ;;
		esac
		case $words in
		/payload/build/*)
			program=${words#/payload/build/}
			mkdir -p "$payload/build/$(dirname "$program")"
			cp -R "$build/$program" "$payload/build/$program"
			;;
		esac
	done < <(suite)
	[ ! -e "$build/launcher/sbx-net" ] || cp "$build/launcher/sbx-net" "$payload/build/launcher/"
	find "$payload/build" -type f -perm -u+x -exec strip {} + 2>/dev/null
}

make_initrd() { # SERIES MACHINE
	local dir=$scratch/$1.$2
	mkdir -p "$dir"/{bin,dev,new,proc}
	cp /bin/busybox "$dir/bin/"
	cp "$here/init" "$dir/"
	cp -R "$cache/$1/modules" "$scratch/payload" "$dir/"
	cat "$scratch/suite.env" "$scratch/suite.$2" >"$dir/payload/suite"
	(cd "$dir" && find . | cpio -o -H newc -R 0:0 --quiet) >"$dir.initrd"
	rm -rf "$dir"
}

boot() { # SERIES MACHINE
	timeout --kill-after=10 "$limit" qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 1024 \
		-display none -no-reboot -nic none \
		-kernel "$cache/$1/vmlinuz" -initrd "$scratch/$1.$2.initrd" \
		-drive "file=$cache/root.ext4,format=raw,if=virtio,snapshot=on" \
		-serial "file:$scratch/$1.$2.console" -serial "file:$scratch/$1.$2.said" \
		-append 'console=ttyS0 panic=-1 quiet' </dev/null >"$scratch/$1.$2.qemu" 2>&1
}

# Turns what a guest said into TAP lines that name the kernel and the test.
to_tap() { # SERIES MACHINE LATE
	tr -d '\r' <"$scratch/$1.$2.said" | awk -v kernel="$1" -v late="$3" '
		function say(ok, text) { print ok " - " kernel " " text }
		function skip(why) { say("ok", name " # SKIP " name " on " kernel ": " why); checks++ }
		/^@kernel / { say("ok", "boots: " $2) }
		/^@end / { ended = 1 }
		/^Bail out!/ { say("not ok", name ": " $0); bad++; next }
		/^@test / { name = $2; checks = bad = planned = 0; next }
		/^1\.\.[1-9]/ { planned = substr($0, 4) + 0; next }
		/^@status / {
			print "# " kernel " " name ": " $3 " s"
			if (planned && checks != planned)
				say("not ok", name ": " checks " of " planned " checks ran")
			else if ($2 == 77 && !checks) skip(last)
			else if ($2 != 0 && !bad) say("not ok", name ": status " $2)
			else if (!checks) say("ok", name)
			next
		}
		/^1\.\.0/ { sub(/^1\.\.0[ #]*(SKIP)? */, ""); skip($0); next }
		/^(not )?ok/ {
			bad += /^not/; checks++
			result = /^not/ ? "not ok" : "ok"
			sub(/^(not )?ok *[0-9]* *-? */, "")
			sub(/# SKIP /, "&" name " on " kernel ": ")
			say(result, name ": " $0)
			next
		}
		{ last = $0; if (/^#/) print }
		END {
			if (late && name) say("not ok", name ": hangs, or the guest does")
			say(ended ? "ok" : "not ok", "powers off" late)
		}'
}

# One machine, from its kernel to its lines.
run_machine() { # SERIES MACHINE
	local late=
	make_initrd "$1" "$2"
	take_processor 2
	boot "$1" "$2"
	case $? in 124 | 137) late=" within $limit s" ;; esac
	to_tap "$1" "$2" "$late"
	grep -q '^@end' "$scratch/$1.$2.said" || tail -n 30 "$scratch/$1.$2.console" | sed 's/^/# /'
}

fetch() { # SERIES
	"$here/fetch.sh" "$1" "$cache/$1" >"$scratch/$1.fetch" 2>&1 && return
	{
		sed 's/^/# /' "$scratch/$1.fetch"
		echo "ok - $1 # SKIP kernel $1 cannot be fetched"
	} >"$scratch/$1.tap"
	return 1
}

[ "$(uname -m)" = x86_64 ] || skip_all "the guests are for x86-64"
command -v qemu-system-x86_64 >/dev/null || skip_all "qemu-system-x86 is not installed"
mkdir -p "$cache"
"$here/root.sh" "$cache/root.ext4" >"$scratch/root.log" 2>&1 || {
	sed 's/^/# /' "$scratch/root.log"
	skip_all "the root of the guests cannot be made"
}
make_payload
[ -s "$scratch/suite.1" ] || {
	echo "not ok - the build has a sandbox suite"
	exit 1
}
for series; do
	fetch "$series" || continue
	for ((machine = 1; machine <= machines; machine++)); do
		[ -s "$scratch/suite.$machine" ] || continue
		run_machine "$series" "$machine" >"$scratch/$series.$machine.tap" &
	done
done
wait
cat "$scratch"/*.tap | awk '/^(not )?ok/ { n++ } { print } END { print "1.." n }'
