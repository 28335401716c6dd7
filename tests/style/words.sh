#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No loose ends and no traces of somebody's machine in any text of the project.
set -eu
cd "$(dirname "$0")/../.."
. tests/style/files.sh

failed=0
forbid() { # WHAT PATTERN
	if files_of_text | grep -vx -e tests/style/words.sh -e LICENSE | tr '\n' '\0' |
		xargs -0 grep -nIE "$2" /dev/null; then
		echo "^ $1"
		failed=1
	fi
}

forbid 'an open end: open an issue for it' '\b(TODO|FIXME|XXX|HACK)\b'
forbid 'a path of somebody'\''s machine' '(^|[^[:alnum:]_.~$}/-])/(work|home/[a-z]+/(src|work)|Users)/'
forbid 'a blank at the end of a line' '[[:blank:]]+$'
forbid 'a line end of another system' "$(printf '\r')\$"
forbid 'a conflict that was not resolved' '^(<<<<<<<|>>>>>>>)( |$)'
forbid 'a word about how the text came to be' '\b(this|last|next|previous|coding) session\b'

# A file with text ends with a newline.
files_of_text | tr '\n' '\0' | xargs -0 grep -ZlI . | xargs -0 grep -LzP '\n\z' |
	sed 's/$/: no newline at its end/' | grep . && failed=1

exit "$failed"
