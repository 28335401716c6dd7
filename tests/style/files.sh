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

files_of_code() {
	files_of_text | while IFS= read -r file; do
		case $file in
		*.c | *.h | *.sh | *.py | *.ini | */meson.build | meson.build | meson_options.txt) echo "$file" ;;
		*) ! head -c 2 "$file" | grep -q '^#!' || echo "$file" ;;
		esac
	done
}

files_of_shell() {
	files_of_text | while IFS= read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) ! head -n 1 "$file" | grep -qE '^#!.*[/ ](ba|da)?sh( |$)' || echo "$file" ;;
		esac
	done
}
