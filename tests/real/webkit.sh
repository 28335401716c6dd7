#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# WebKitGTK with sbx-bwrap in the place of bubblewrap, whose path it has compiled in: a page
# is laid out, scripted and drawn by a web process in its sandbox, and looked at on a screen.

# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
need dbus-run-session python3 timeout xauth xdg-dbus-proxy xvfb-run
need_ordinary_user
python3 -c 'import gi; gi.require_version("WebKit2", "4.1"); gi.require_version("Gtk", "3.0")' 2>/dev/null ||
	skip_all "WebKitGTK for Python is not installed"
[ -e /usr/bin/bwrap ] || skip_all "bubblewrap is not installed, so there is no path to take"

export HOME="$tmp/home" XDG_RUNTIME_DIR="$tmp/runtime" XDG_CACHE_HOME="$tmp/home/cache"
export XDG_DATA_HOME="$tmp/home/share" LC_ALL=C.UTF-8
export NO_AT_BRIDGE=1 LIBGL_ALWAYS_SOFTWARE=1 WEBKIT_DISABLE_COMPOSITING_MODE=1
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
mkdir -m 700 "$tmp/runtime"
mkdir -p "$tmp/home"
echo secret >"$HOME/secret"

# Root of a user namespace may mount; one further in the caller has its own id and no power.
# shellcheck disable=SC2016 # the script in quotes is for the shell inside
in_place_of_bubblewrap() {
	unshare -Urm sh -c 'mount --bind "$0" /usr/bin/bwrap && exec "$@"' "$SBX_BWRAP" \
		unshare -U --map-user="$(id -u)" --map-group="$(id -g)" "$@"
}

plan 14

in_place_of_bubblewrap timeout -k 5 90 dbus-run-session -- \
	xvfb-run -a -s '-screen 0 800x600x24' "$here/webkit.py" "$tmp" >"$tmp/seen" 2>"$tmp/errors"
is "the page is shown" "$?" 0 || say "$(cat "$tmp/errors")"

# seen NAME: what the page's viewer found out
seen() {
	sed -n "s/^$1: //p" "$tmp/seen"
}

is "its script ran" "$(seen script)" "sandboxed 42"
is "a block has its colour" "$(seen block)" '#1f77b4'
is "a second one has its own" "$(seen second)" '#d62728'
is "what the script has drawn is there" "$(seen canvas)" '#2ca02c'
is "a picture is there" "$(seen picture)" '#9467bd'
is "the rest is as the page says" "$(seen rest)" '#fffbe6'
is "there is text" "$(seen text)" yes
like "the web process is below our init" "$(seen init)" 'sbx-*'
like "in a pid namespace of its own" "$(seen pids)" '[1-9]* [1-9]*'
is "with the wrapper's filter" "$(seen filter)" 2
is "and no capability" "$(seen bounding)" 0000000000000000
is "it has the page's file" "$(seen page)" there
is "and none of the home's" "$(seen secret)" missing
