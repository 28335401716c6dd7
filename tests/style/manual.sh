#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages have every option, command and row of the doctor that there is, in the
# same words and order, and no other. SBX is the sbx whose --help is compared, SBX_OCI the
# sbx-oci.
set -eu
: "${SBX:?the path of the sbx to test}"
: "${SBX_OCI:?the path of the sbx-oci to test}"
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

# The commands of sbx-oci in the order of --help, each with the options that it lists; what else
# the page has must be taken.
page=man/sbx-oci.1.scd
"$SBX_OCI" --help | sed -nE '/^Commands/,$s/^  ([a-z]+) .*/\1/p' | sort >"$scratch/wanted"
sed -n '/^# COMMANDS/,/^# EXIT/s/^## //p' "$page" | tr ',' '\n' | sed 's/^ *\([a-z]*\).*/\1/' | sort >"$scratch/found"
same "sbx-oci --help" "$page"

section_of() { # COMMAND: '' for what stands before it
	if [ -z "$1" ]; then
		sed -n '/^# OPTIONS/,/^# COMMANDS/p' "$page"
		return
	fi
	awk -v command="$1" '/^#/ { inside = /^## / && (" " $0) ~ "[ ,]" command "( |,|$)" } inside' "$page"
	[ "$1" != run ] || section_of create
}

takes() { # COMMAND OPTION
	# shellcheck disable=SC2086 # no command is no word
	"$SBX_OCI" $1 "$2" --help >/dev/null 2>&1 || "$SBX_OCI" $1 "$2" text --help >/dev/null 2>&1
}

for command in '' $(cat "$scratch/found"); do
	case $command in checkpoint | restore) continue ;; esac
	# shellcheck disable=SC2086 # no command is no word
	"$SBX_OCI" $command --help | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE -e '--[a-z0-9-]+' |
		sort >"$scratch/wanted"
	section_of "$command" | grep '^\*-' | grep -oE -e '\*--[a-z0-9-]+\*' | tr -d '*' | sort -u >"$scratch/found"
	for option in $(comm -23 "$scratch/wanted" "$scratch/found"); do
		echo "$page: sbx-oci $command: $option is missing"
		failed=1
	done
	for option in $(comm -13 "$scratch/wanted" "$scratch/found"); do
		[ "$option" != --help ] || continue
		takes "$command" "$option" && continue
		echo "$page: sbx-oci $command: there is no $option"
		failed=1
	done
done

exit "$failed"
