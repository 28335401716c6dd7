# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Build directories: below the account's cache, one for each way to build, so that the tree
# stays as it is and may belong to somebody else.

dev_cache() {
	echo "${XDG_CACHE_HOME:-$HOME/.cache}/sbx-dev"
}

build_directory() { # NAME
	echo "$(dev_cache)/$(printf '%s' "$tree" | cksum | cut -d' ' -f1)/$1"
}

# Sets $build, and brings it up to date. One that was set up in another way, or that no
# longer fits the tree, is made anew.
build_tree() { # NAME MESON-ARG...
	local name=$1
	shift
	build=$(build_directory "$name")
	! { is_set_up "$*" && compile; } || return 0
	rm -rf "$build"
	mkdir -p "$build"
	if ! { set_up "$@" && compile; }; then
		tail -n 60 "$build/dev.log" | grep -vE '^\[[0-9]+/' >&2
		return 1
	fi
}

is_set_up() { # MESON-ARGS
	[ "$(cat "$build/set-up" 2>/dev/null)" = "$1" ] && [ -f "$build/build.ninja" ]
}

set_up() { # MESON-ARG...
	meson setup "$@" "$build" "$tree" >"$build/dev.log" 2>&1 && echo "$*" >"$build/set-up"
}

compile() {
	ninja -C "$build" >"$build/dev.log" 2>&1
}

# What users get: nothing but the programs, their pages and completions.
build_plain() {
	build_tree plain -Dtests=false || die "cannot build"
}

build_for_prefix() { # PREFIX
	build_plain
	if ! { meson configure "$build" "--prefix=$1" && compile; }; then
		die "cannot build for $1"
	fi
}

# The same programs with their tests.
# shellcheck disable=SC2046
build_release() {
	build_tree release $(werror)
}

build_musl() {
	local libs
	libs=$(dev_cache)/musl
	"$tree/tools/musl-libs" "$libs" &&
		build_tree musl -Dlibc=musl --native-file "$libs/musl.ini"
}

werror() {
	[ -z "${CI-}" ] || echo -Dwerror=true
}
