#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is installed: below DESTDIR and prefix only, in ~/.local as well, with pages and
# completions, and without a set-id bit or a file capability.
#
#   install.sh BUILD
# shellcheck source=tests/build/lib.sh
. "$(dirname "$0")/lib.sh"

build=$1

install_to_destdir() {
	DESTDIR=$scratch/dest meson install -C "$build" --no-rebuild --quiet
}

# With a home and a cache of its own, so that it starts from nothing.
install_to_home() {
	HOME=$scratch/home XDG_CACHE_HOME=$scratch/cache "$tree/dev" install
}

has() { # ROOT FILE...
	root=$1
	shift
	for file; do
		[ -s "$root/$file" ] || {
			echo "$root/$file is missing"
			return 1
		}
	done
}

has_pages() { # ROOT
	for page in "$tree"/man/*.scd; do
		name=$(basename "$page" .scd)
		has "$1" "share/man/man${name##*.}/$name" || return 1
	done
}

has_completions() { # ROOT
	has "$1" share/bash-completion/completions/sbx share/bash-completion/completions/sbx-oci share/zsh/site-functions/_sbx \
		share/fish/vendor_completions.d/sbx.fish
}

has_no_set_id() { # DIR
	[ -z "$(find "$1" -perm /6000 -print)" ]
}

has_no_file_capability() { # DIR
	[ -z "$(PATH=$PATH:/sbin:/usr/sbin getcap -r "$1")" ]
}

is_confined() { # DIR PREFIX
	[ "$(find "$1" -type f | grep -cv "^$1$2/")" = 0 ]
}

is_runnable() { # PROGRAM
	"$1" --version
}

prefix=$(meson introspect --buildoptions "$build" |
	jq -r '.[] | select(.name == "prefix").value')
libexec=$(meson introspect --buildoptions "$build" |
	jq -r '.[] | select(.name == "libexecdir").value')
# A build without its libraries has none.
can_unpack() { # DIR
	[ ! -e "$build/launcher/sbx-image" ] || "$1/sbx-image" --version
}

echo 1..19
check "meson installs below DESTDIR" install_to_destdir
check "DESTDIR has the program" has "$scratch/dest$prefix" bin/sbx
check "DESTDIR has the container runtime" is_runnable "$scratch/dest$prefix/bin/sbx-oci"
check "DESTDIR has what serves the network" is_runnable "$scratch/dest$prefix/$libexec/sbx/sbx-net"
check "DESTDIR has what reads images" can_unpack "$scratch/dest$prefix/$libexec/sbx"
check "DESTDIR has every man page" has_pages "$scratch/dest$prefix"
check "DESTDIR has the completions" has_completions "$scratch/dest$prefix"
check "nothing in DESTDIR is outside the prefix" is_confined "$scratch/dest" "$prefix"
check "nothing in DESTDIR has a set-id bit" has_no_set_id "$scratch/dest"
check "nothing in DESTDIR has a file capability" has_no_file_capability "$scratch/dest"
mkdir "$scratch/home"
check "./dev install goes to ~/.local" install_to_home
check "the home has the program" is_runnable "$scratch/home/.local/bin/sbx"
check "the home has what serves the network" is_runnable "$scratch/home/.local/libexec/sbx/sbx-net"
check "the home has what reads images" can_unpack "$scratch/home/.local/libexec/sbx"
check "the home has every man page" has_pages "$scratch/home/.local"
check "the home has the completions" has_completions "$scratch/home/.local"
check "nothing at home is outside ~/.local" is_confined "$scratch/home" /.local
check "nothing in ~/.local has a set-id bit" has_no_set_id "$scratch/home"
check "nothing in ~/.local has a file capability" has_no_file_capability "$scratch/home"
