#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages are true where a test can tell: links lead somewhere, what they name in the tree
# is there, every folder is told of, and each promise names a test.
set -eu
cd "$(dirname "$0")/../.."

pages='README.md HACKING.md SECURITY.md CHANGELOG.md docs/*.md'
folders='base|userns|net|policy|image|plan|launcher|tests|examples|docs|man|tools|\.ci'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
exec >"$scratch/complaints"

for page in $pages; do
	grep -oE '\]\([^) ]+\)' "$page" | sed 's/^](//; s/)$//' | while read -r link; do
		case $link in
		http://* | https://* | '#'*) continue ;;
		esac
		[ -e "$(dirname "$page")/${link%%#*}" ] || echo "$page: the link $link leads nowhere"
	done
done

# is_there PATTERN: something has that name
is_there() {
	# shellcheck disable=SC2086
	set -- $1
	[ -e "$1" ]
}

# Whatever stands in back quotes and begins with one of our folders. \140 is a back quote.
names_in() { # PAGE
	tr '\140' '\n' <"$1" | grep -E "^($folders)/[A-Za-z0-9_./*-]*\$" | sort -u
}

for page in $pages; do
	for name in $(names_in "$page"); do
		is_there "$name" || echo "$page: there is no $name"
	done
done

# A row of rooms names its folder once: launcher/reaper.c monitor.c sync.c.
sed -n '/^| room |/,/^$/p' docs/architecture.md | cut -d'|' -f2 | tr -d '\140' |
	while read -r first rest; do
		case $first in */*) ;; *) continue ;; esac
		for name in $rest; do
			case $name in
			*/*) is_there "$name" ;;
			*) is_there "${first%/*}/$name" ;;
			esac || echo "docs/architecture.md: there is no $name beside $first"
		done
	done

for example in examples/*; do
	name=${example#examples/}
	[ ! -d "$example" ] || name=$name/
	[ "$name" = README.md ] || grep -qF -e "\`$name\`" -e "($name)" examples/README.md ||
		echo "examples/README.md does not tell of $name"
done

for folder in */; do
	[ -z "$(git check-ignore "$folder" 2>/dev/null)" ] || continue
	sed -n '/^| folder |/,/^$/p' docs/architecture.md | cut -d'|' -f2 | tr '\140' '\n' | grep -qx "$folder" ||
		echo "docs/architecture.md does not say what $folder is for"
done

# P1, P2 and so on without a gap, and each has a test before the next begins.
awk '
	/^- P[0-9]+\. / {
		end_promise()
		number = substr($2, 2) + 0
		if (number != last + 1)
			print "SECURITY.md: P" number " follows P" last
		last = number
		open = 1
		tested = 0
	}
	/\140tests\/[a-z_\/]+\.[a-z]+\140/ { tested = 1 }
	/^#/ { end_promise() }
	END { if (!last) print "SECURITY.md promises nothing" }
	function end_promise() {
		if (open && !tested)
			print "SECURITY.md: P" last " names no test"
		open = 0
	}' SECURITY.md

[ ! -s "$scratch/complaints" ] || {
	cat "$scratch/complaints" >&2
	exit 1
}
