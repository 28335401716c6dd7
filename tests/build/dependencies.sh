#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/dependencies.md, meson.build, CHANGELOG.md and ./dev name the same things, and meson
# refuses a library that is older than its floor.
# shellcheck source=tests/build/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$tree"

page=docs/dependencies.md

# "NAME VERSION" for each floor of the build, then for each of the page.
floors_of_build() {
	cat meson.build tests/meson.build |
		sed -nE "s/.*dependency\('([^']*)',.*version: '>= ([0-9.]*)'.*/\1 \2/p"
	sed -nE "s/.*meson_version: '>= ([0-9.]*)'.*/meson \1/p" meson.build
	grep -oE "'(gcc|clang)': '[0-9.]*'" meson.build | tr -d "':"
}

floors_of_page() {
	sed -nE 's/^\| ([a-z-]+) \| ([0-9.]+) \|.*/\1 \2/p' "$page"
}

same_floors() {
	floors_of_build | sort >"$scratch/build"
	floors_of_page | sort >"$scratch/page"
	[ -s "$scratch/build" ] && diff "$scratch/build" "$scratch/page"
}

# shellcheck disable=SC2016
same_packages() {
	bash -c '. tools/dev/packages.sh
		for list in $(compgen -v | grep _packages$); do printf "%s\n" ${!list}; done' |
		sort >"$scratch/build"
	sed -n '/^## What `.\/dev` gets/,/^## /s/^| \(`.*`\) |.*/\1/p' "$page" |
		tr -d '`' | tr ' ' '\n' | sort >"$scratch/page"
	[ -s "$scratch/build" ] && diff "$scratch/build" "$scratch/page"
}

# The page says why each is needed and under which licence.
rows_are_whole() {
	! grep '^|' "$page" | grep -E '\|[[:space:]]*\|'
}

# The version that is built is the one that the changelog tells of first.
changelog_is_of_this_version() {
	version=$(sed -nE "s/^  version: '([0-9.]*)',/\1/p" meson.build)
	first=$(sed -nE 's/^## ([0-9.]+)( .*)?$/\1/p' CHANGELOG.md | head -n 1)
	echo "meson.build: $version, CHANGELOG.md: $first"
	[ -n "$version" ] && [ "$version" = "$first" ]
}

# A machine on which one library is older than its floor.
refuses_older() { # NAME
	mkdir -p "$scratch/pc"
	for name in libseccomp libcap-ng jansson libarchive libsodium cmocka; do
		version=99
		[ "$name" != "$1" ] || version=0.1
		printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: -lc\n' \
			"$name" "$name" "$version" >"$scratch/pc/$name.pc"
	done
	rm -rf "$scratch/setup"
	# cmake would find the machine's own.
	printf "[binaries]\ncmake = '/nonexistent'\n" >"$scratch/native.ini"
	! PKG_CONFIG_LIBDIR=$scratch/pc meson setup -Dstatic=false -Dimage=enabled \
		--native-file "$scratch/native.ini" "$scratch/setup" . >"$scratch/log" 2>&1 || return 1
	grep -E "ERROR: .*$1.*(found: NO|Invalid version)" "$scratch/log" || {
		tail -n 3 "$scratch/log"
		return 1
	}
}

echo 1..10
check "the floors of the build stand in the page" same_floors
check "the packages of ./dev stand in the page" same_packages
check "no row of the page has an empty cell" rows_are_whole
check "the changelog begins with this version" changelog_is_of_this_version
for library in libseccomp libcap-ng jansson libarchive libsodium cmocka; do
	check "meson refuses an older $library" refuses_older "$library"
done
