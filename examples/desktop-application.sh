#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A desktop application that sees the system, its own data and one directory of documents.
#
#   desktop-application.sh NAME COMMAND [ARG...]
#
# APP_DOCUMENTS  the directory that it may change, instead of ~/Documents; only if it exists
# APP_NETWORK    1: it has the network
#
# Its home is ~/.local/share/sandboxed/NAME. Of the session it has the Wayland display and
# sound, but neither X11 nor the session bus, by which other programs could be told what to do.
set -eu

name=$1
shift
home=${XDG_DATA_HOME:-$HOME/.local/share}/sandboxed/$name
documents=${APP_DOCUMENTS:-$HOME/Documents}
run=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
display=${WAYLAND_DISPLAY:-wayland-0}
mkdir -p "$home"

set -- --chdir "$HOME" -- "$@"
[ "${APP_NETWORK:-}" != 1 ] || set -- --share-net "$@"
exec sbx-bwrap --unshare-all --die-with-parent --new-session \
	--ro-bind /usr /usr --ro-bind /etc /etc \
	--symlink usr/bin /bin --symlink usr/sbin /sbin \
	--symlink usr/lib /lib --symlink usr/lib64 /lib64 \
	--proc /proc --dev /dev --dev-bind-try /dev/dri /dev/dri --ro-bind-try /sys/dev/char /sys/dev/char \
	--ro-bind-try /sys/devices /sys/devices --tmpfs /tmp --perms 0700 --tmpfs "$run" \
	--ro-bind-try "$run/$display" "$run/$display" --ro-bind-try "$run/pipewire-0" "$run/pipewire-0" \
	--bind "$home" "$HOME" --bind-try "$documents" "$documents" \
	--setenv HOME "$HOME" --setenv XDG_RUNTIME_DIR "$run" --unsetenv DBUS_SESSION_BUS_ADDRESS --unsetenv DISPLAY \
	"$@"
