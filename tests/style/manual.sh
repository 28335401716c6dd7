#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages have every option, command and row of the doctor that there is, in the
# same words and order, and no other. SBX is the sbx whose --help is compared.
set -eu
: "${SBX:?the path of the sbx to test}"
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# same WHAT PAGE: what $scratch/wanted and $scratch/found hold
same() {
	if [ ! -s "$scratch/wanted" ]; then
		echo "no $1 found to compare with"
		failed=1
	elif ! diff -u --label "$1" --label "$2" "$scratch/wanted" "$scratch/found"; then
		failed=1
	fi
}

# "-R, --root ROOT" of each option, with ", --ALIAS" where it has another name
options_of_help() {
	"$SBX" run --help all | sed -nE '
		s/^ {2,6}(-[^ ]*( [^ ]+)*).*$/\1/p
		s/^ *\(also (--[^)]*)\)$/also \1/p' |
		awk '/^also / { head = head ", " $2; next }
			head { print head }
			{ head = $0 }
			END { print head }'
}

# The heads of the page's lists without their marks.
options_of_page() { # PAGE
	sed -n '/^# ROOT/,/^# SIGNALS/p' "$1" | grep '^\*-' | tr -d '*_\134'
}

options_of_help >"$scratch/wanted"
options_of_page man/sbx-run.1.scd >"$scratch/found"
same "sbx run --help all" man/sbx-run.1.scd

# What it is, then when one wants it: two paragraphs.
sed -n '/^# ROOT/,/^# SIGNALS/p' man/sbx-run.1.scd |
	awk '/^\*-/ { if (head && paragraphs < 2) bad(); head = $0; paragraphs = 0; before = ""; next }
	/^#/ { if (head && paragraphs < 2) bad(); head = "" }
	/^\t/ && before !~ /^\t/ { paragraphs++ }
	{ before = $0 }
	function bad() { print "man/sbx-run.1.scd: " head " does not say when one wants it"; status = 1 }
	END { exit status }' || failed=1

"$SBX" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' | sort >"$scratch/wanted"
sed -n '/^# COMMANDS/,/^# EXIT/s/^\*\([a-z]*\)\*$/\1/p' man/sbx.1.scd | sort >"$scratch/found"
same "sbx --help" man/sbx.1.scd

sed -nE 's/^\t\{ "([a-z0-9-]+)", ".*judge_.*/\1/p' launcher/doctor_rows.c | sort >"$scratch/wanted"
sed -n '/^# ROWS/,/^# EXIT/p' man/sbx-doctor.1.scd | grep '^\*' | grep -o '\*[a-z0-9-]*\*' | tr -d '*' |
	sort >"$scratch/found"
same launcher/doctor_rows.c man/sbx-doctor.1.scd

exit "$failed"
