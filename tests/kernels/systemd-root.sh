#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the root file system of the guest that systemd runs: a small Debian, in which user 1000
# lingers and has every controller delegated, as an ext4 image. The job is /payload/limits-job, started
# once the user's manager runs; the guest powers off behind it.
#
#   systemd-root.sh IMAGE
set -eu

image=$1
size=900M
packages=libslirp0,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,procps,jq,util-linux,busybox-static
tools=$(cd "$(dirname "$0")/../../tools" && pwd -P)
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ -e "$image" ] && [ -z "$(find "$0" -newer "$image")" ]; then
	exit 0
fi
scratch=$(mktemp -d "$(dirname "$image")/root.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

mkdir -p "$scratch/etc/systemd/system/user@.service.d" "$scratch/etc/systemd/system/sockets.target.wants" \
	"$scratch/etc/systemd/system/multi-user.target.wants" "$scratch/var/lib/systemd/linger"
cat >"$scratch/etc/systemd/system/user@.service.d/delegate.conf" <<-'UNIT'
	[Service]
	Delegate=cpu cpuset io memory pids
UNIT
cat >"$scratch/etc/systemd/system/job.service" <<-'UNIT'
	[Unit]
	After=user@1000.service
	Wants=user@1000.service
	[Service]
	Type=oneshot
	ExecStart=/payload/limits-job
	StandardOutput=file:/dev/ttyS1
	StandardError=inherit
	TimeoutStartSec=infinity
	ExecStopPost=/bin/systemctl poweroff -f -f
UNIT
ln -s ../job.service "$scratch/etc/systemd/system/multi-user.target.wants/job.service"
for unit in serial-getty@ttyS0.service getty@tty1.service systemd-udev-settle.service apt-daily.timer \
	apt-daily-upgrade.timer systemd-timesyncd.service e2scrub_reap.service; do
	ln -s /dev/null "$scratch/etc/systemd/system/$unit"
done
touch "$scratch/var/lib/systemd/linger/user"

"$tools/private-apt" "$scratch/apt" "$codename" "$codename-security" -- policy >/dev/null
# shellcheck disable=SC2016
mmdebstrap --quiet --variant=essential --include="$packages" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--customize-hook='useradd -R "$1" -u 1000 -m -s /bin/bash user' \
	--customize-hook="copy-in '$scratch/etc' '$scratch/var' /" \
	--customize-hook='rm -rf "$1/var/lib/apt/lists" "$1/var/cache/apt"' \
	"$codename" "$scratch/root.tar" "$scratch/apt/sources.list"
# shellcheck disable=SC2016
unshare --map-root-user --map-auto sh -ec '
	mkdir "$1/root"
	tar -C "$1/root" -xf "$1/root.tar" --exclude="./dev/*"
	/sbin/mke2fs -q -t ext4 -d "$1/root" "$1/image" "$2"
	rm -rf "$1/root"' sh "$scratch" "$size"
mv "$scratch/image" "$image"
