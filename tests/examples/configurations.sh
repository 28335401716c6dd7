#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every sample configuration can be used as it stands, and says in its first lines how.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

files=$(find "$examples/sbx.conf" "$examples/pools.d" "$examples/profiles" -type f | sort)
mkdir "$tmp/here" "$tmp/root"
cd "$tmp/here" || exit 1

# Without subordinate ids the profile for roots is to refuse: that is what it says.
has_subids() {
	"$SBX" unshare --map subuid true 2>/dev/null
}

# shellcheck disable=SC2086 # one word for each file
plan $(($(set -- $files; echo $#) * 2 + 3))

for file in $files; do
	name=${file#"$examples/"}
	if [ "$name" = profiles/debian ]; then
		# The root is empty: the command is what cannot be found.
		if has_subids; then
			fails "$name can be used" 127 sbx run --no-config --profile "$file" --root "$tmp/root" \
				--no-ro --dry-run -- true
		else
			skip "$name can be used" "no subordinate ids"
		fi
	elif grep -q '^runtime gvisor' "$file" && ! command -v runsc >/dev/null; then
		fails "$name can be used" 125 sbx run --no-config --profile "$file" --dry-run -- true
	else
		ok "$name can be used" sbx run --no-config --profile "$file" --dry-run -- true
	fi
	sed -n 2,4p "$file" | grep -qE '^#.*(sbx run|sbx\.conf)'
	result $? "$name says how it is used"
done

mkdir -p "$XDG_CONFIG_HOME/sbx/pools.d"
cp "$examples/sbx.conf" "$XDG_CONFIG_HOME/sbx/"
cp "$examples"/pools.d/* "$XDG_CONFIG_HOME/sbx/pools.d/"
is "sbx.conf holds for every run" "$(sbx run -- hostname)" sandbox
is "a pool is found by its name, and stands above it" "$(sbx run --pool ci -- hostname 2>/dev/null)" ci
fails "a profile ends what takes too long" 124 \
	sbx run --profile "$examples/profiles/untrusted" --timeout 1s -- sleep 30
