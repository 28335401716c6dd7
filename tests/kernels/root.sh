#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the root file system of the guests: a small Debian with what the sandbox tests call,
# as an ext4 image. The same image serves every kernel; it is started with -snapshot.
#
#   root.sh IMAGE
set -eu

image=$1
size=1200M
packages=bash,procps,uidmap,util-linux,busybox-static,iproute2,strace,jq,python3,fuse3
packages=$packages,fuse-overlayfs,libcap2-bin,keyutils,tmux,file,python3-jsonschema,tzdata,libslirp0,nftables
tools=$(cd "$(dirname "$0")/../../tools" && pwd -P)
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ -e "$image" ] && [ -z "$(find "$0" -newer "$image")" ]; then
	exit 0
fi
scratch=$(mktemp -d "$(dirname "$image")/root.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Resolves nothing itself: mmdebstrap wants the machine's mirrors, as apt knows them.
"$tools/private-apt" "$scratch/apt" "$codename" "$codename-security" -- policy >/dev/null
# shellcheck disable=SC2016
mmdebstrap --quiet --variant=essential --include="$packages" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--customize-hook='useradd -R "$1" -m -s /bin/bash user' \
	--customize-hook='rm -rf "$1/var/lib/apt/lists" "$1/var/cache/apt"' \
	"$codename" "$scratch/root.tar" "$scratch/apt/sources.list"
# shellcheck disable=SC2016
unshare --map-root-user --map-auto sh -ec '
	mkdir "$1/root"
	tar -C "$1/root" -xf "$1/root.tar" --exclude="./dev/*"
	/sbin/mke2fs -q -t ext4 -d "$1/root" "$1/image" "$2"
	rm -rf "$1/root"' sh "$scratch" "$size"
mv "$scratch/image" "$image"
