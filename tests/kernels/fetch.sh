#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Debian's newest kernel of a series, and keeps the image and the few modules that
# a guest needs, uncompressed and in the order in which they are loaded.
#
#   fetch.sh SERIES DIR      SERIES: 5.10, 6.1, 6.12 or newest
#
# DIR then holds vmlinuz, modules/ and modules/order. A kernel that is there stays when no
# newer one can be fetched, and is fetched again where other modules are wanted.
set -eu

modules='virtio_pci virtio_blk tun overlay fuse squashfs ipv6 dummy veth nf_tables nf_nat nft_chain_nat nft_redir
	nft_nat nft_ct nft_counter nft_compat nft_queue nft_reject nft_reject_ipv4 nft_reject_ipv6 nft_reject_inet
	xt_NFQUEUE nfnetlink_queue'
tools=$(cd "$(dirname "$0")/../../tools" && pwd -P)
series=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
exec 9>"$dir/lock"
flock 9 # two tests may want the same

case $series in
5.10) suites=bullseye-security ;;
6.1) suites='bookworm bookworm-security' ;;
6.12) suites=bookworm-security ;;
newest) suites=trixie-backports ;;
*)
	echo "fetch.sh: no series $series" >&2
	exit 2
	;;
esac

kernel_apt() { # APT-COMMAND...
	# shellcheck disable=SC2086
	"$tools/private-apt" "$dir/apt" $suites -- "$@"
}

# From 7.x on a kernel is two packages: linux-binary and linux-modules.
newest_version() {
	version=$series
	[ "$series" != newest ] || version='[0-9]+\.[0-9]+'
	kernel_apt search --names-only "^linux-(image|binary)-${version}[.-][^ ]*-cloud-amd64$" |
		sed -E 's/^linux-(image|binary)-([^ ]*) .*/\2/' | grep -v unsigned | sort -uV | tail -n 1
}

packages_of() { # VERSION
	kernel_apt search --names-only '^linux-(image|binary|modules)-' | cut -d' ' -f1 |
		grep -Fx -e "linux-binary-$1" -e "linux-modules-$1" || echo "linux-image-$1"
}

unpack() { # VERSION
	rm -rf "$dir/tree"
	mkdir "$dir/tree"
	(
		cd "$dir/tree"
		# shellcheck disable=SC2046
		kernel_apt download $(packages_of "$1")
		for deb in *.deb; do
			dpkg-deb -x "$deb" .
			rm "$deb"
		done
		[ -d lib/modules ] || ln -s usr/lib lib
	) >"$dir/log" 2>&1
}

decompressed() { # FILE
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac
}

# What is built into this kernel is in no file, and what it lacks the tests find out.
keep_modules() { # RELEASE
	mkdir -p "$dir/new/modules"
	: >"$dir/new/modules/order"
	/sbin/depmod -b "$dir/tree" "$1"
	for module in $modules; do
		/sbin/modprobe -d "$dir/tree" -S "$1" --show-depends "$module" 2>/dev/null |
			sed -n 's/^insmod \([^ ]*\).*/\1/p' || true
	done | awk '!seen[$0]++' | while read -r file; do
		name=$(basename "$file" | sed 's/\.ko.*/.ko/')
		decompressed "$file" >"$dir/new/modules/$name"
		echo "$name" >>"$dir/new/modules/order"
	done
}

keep() {
	release=$(ls "$dir/tree/lib/modules")
	rm -rf "$dir/new"
	mkdir "$dir/new"
	cp "$(find "$dir/tree" -name 'vmlinuz*' -type f | head -n 1)" "$dir/new/vmlinuz"
	keep_modules "$release"
	rm -rf "$dir/modules" "$dir/tree"
	mv "$dir/new/modules" "$dir/modules"
	mv "$dir/new/vmlinuz" "$dir/vmlinuz"
	rmdir "$dir/new"
}

version=$(newest_version) || version=
if [ -z "$version" ]; then
	[ -e "$dir/version" ] && exit 0
	echo "cannot fetch a kernel $series" >&2
	exit 1
fi
# shellcheck disable=SC2086 # many words
wanted=$(printf "%s " "$version" $modules)
[ "$(cat "$dir/version" 2>/dev/null)" != "$wanted" ] || exit 0
unpack "$version"
keep
echo "$wanted" >"$dir/version"
