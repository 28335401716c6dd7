# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What belongs to the project, for the tests beside this file: what git knows, or where there
# is no git (a tarball, or a tree of somebody else) everything that is no build directory.

files_of_project() {
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files
	else
		find . \( -path './build*' -o -path ./.git \) -prune -o -type f -print | sed 's,^\./,,'
	fi | while IFS= read -r file; do
		# Removed, but not committed yet.
		[ ! -f "$file" ] || echo "$file"
	done
}

# Texts: no seeds of the fuzzers, no recorded data.
files_of_text() {
	files_of_project | grep -v '^tests/fuzz/corpus/'
}

# first_lines PATTERN: those of the files on stdin whose first line is like it
# shellcheck disable=SC2016 # for awk
first_lines() {
	tr '\n' '\0' | xargs -0 awk -v "pattern=$1" 'FNR == 1 && $0 ~ pattern { print FILENAME } { nextfile }'
}

files_of_code() {
	named='(\.([ch]|sh|py|ini)|(^|/)meson\.build|^meson_options\.txt)$'
	files_of_text | grep -E "$named"
	files_of_text | grep -vE "$named" | first_lines '^#!'
}

files_of_shell() {
	files_of_text | grep '\.sh$'
	files_of_text | grep -v '\.sh$' | first_lines '^#!.*[/ ](ba|da)?sh( |$)'
}
