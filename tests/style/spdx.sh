#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every source, script and build file says its licence in one of its first three lines, and
# every header has the guard of its own path.
set -eu
cd "$(dirname "$0")/../.."
. tests/style/files.sh

failed=0
files_of_code | tr '\n' '\0' | xargs -0 awk '
	/SPDX-License-Identifier: Apache-2\.0/ { said[FILENAME] = 1 }
	FNR == 3 { nextfile }
	END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in said)) print ARGV[i] ": no SPDX line" }
	' | grep . && failed=1

for file in $(files_of_project | grep '\.h$'); do
	guard=SBX_$(echo "$file" | tr 'a-z/.-' 'A-Z___')
	if ! grep -qx "#ifndef $guard" "$file" || ! grep -qx "#define $guard" "$file"; then
		echo "$file: its guard is not $guard"
		failed=1
	fi
done

exit "$failed"
