#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A folder includes only its own headers and the doors of the folders below it. tests/ may
# include anything; examples/ run sbx and have no sources.
set -eu
cd "$(dirname "$0")/../.."

failed=0
check() { # FOLDER ALLOWED-HEADERS
	for file in "$1"/*.[ch]; do
		[ -e "$file" ] || continue
		if grep -HnE '^#[[:blank:]]*include[[:blank:]]*"' "$file" | grep -vE "\"($2)\.h\""; then
			failed=1
		fi
	done
}

base='base/[a-z0-9_]+'
doors='userns/userns|net/net|policy/(policy|profile|learn|container_group)|image/(image|cache|trust|changes)'
check base     "$base"
check userns   "userns/[a-z0-9_]+|$base"
check net      "net/[a-z0-9_]+|$base"
check policy   "policy/[a-z0-9_]+|$base"
check image    "image/[a-z0-9_]+|$base"
check plan     "plan/[a-z0-9_]+|$doors|$base"
check launcher "launcher/[a-z0-9_]+|plan/plan|$doors|$base"

# What is known to one room of base alone.
inner='base/(json_value|files_walk|accounts_ask|accounts_lines)\.h'
if grep -nE "^#include \"$inner\"" userns/*.[ch] net/*.[ch] policy/*.[ch] image/*.[ch] plan/*.[ch] \
	launcher/*.[ch] 2>/dev/null; then
	failed=1
fi

# A library is named in one folder: jansson in base, seccomp and capabilities in policy.
named_elsewhere() { # HEADER FOLDER
	grep -nE "^#include <$1" ./*/*.[ch] | grep -v "^\./$2/" && failed=1
	return 0
}
named_elsewhere 'jansson\.h' base
named_elsewhere 'seccomp\.h' policy
named_elsewhere 'cap-ng\.h' policy
named_elsewhere 'archive(_entry)?\.h' image
named_elsewhere 'sodium\.h' image
named_elsewhere 'nettle/' image

exit "$failed"
