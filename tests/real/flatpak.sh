#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# flatpak with sbx-bwrap in the place of bubblewrap: a runtime of this machine's programs and
# an application are built, installed from a file repository and run, without a network.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside

# One bus for all of it, which ends with this test; it stands in for the system's as well.
if [ -z "${FLATPAK_TEST_BUS-}" ] && command -v dbus-run-session >/dev/null; then
	exec env FLATPAK_TEST_BUS=own dbus-run-session -- "$0"
fi

# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
need flatpak ostree dbus-run-session dbus-send dbus-update-activation-environment xdg-dbus-proxy ldconfig timeout
need_ordinary_user

export FLATPAK_BWRAP="$SBX_BWRAP"
export DBUS_SYSTEM_BUS_ADDRESS="${DBUS_SESSION_BUS_ADDRESS-}"
export HOME="$tmp/home" XDG_DATA_HOME="$tmp/home/share" XDG_CACHE_HOME="$tmp/home/cache"
export XDG_RUNTIME_DIR="$tmp/runtime" FLATPAK_SYSTEM_DIR="$tmp/system" LC_ALL=C
unset DISPLAY WAYLAND_DISPLAY
mkdir -m 700 "$tmp/runtime"
mkdir -p "$tmp/home" "$tmp/system" "$tmp/work"
cd "$tmp/work" || exit 1
# The bus was there before these, and its services are not to use the tester's home.
dbus-update-activation-environment HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
echo secret >"$HOME/secret"

# What a command prints here goes into a file that is shown when it fails.
quietly() {
	"$@" >"$tmp/log" 2>&1 && return
	say "$(cat "$tmp/log")"
	return 1
}

# ---- what is installed ----------------------------------------------------------------------------

programs='bash cat dbus-send grep id kill ls mkdir readlink sleep unshare'

libraries_of() { # PROGRAM...
	ldd "$@" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | sort -u
}

make_runtime() {
	mkdir -p runtime/usr/bin runtime/usr/lib runtime/files || return
	for program in $programs; do
		cp "$(bash -c 'type -P "$0"' "$program")" runtime/usr/bin/ || return
	done
	libraries_of runtime/usr/bin/* | xargs -I '{}' cp -L '{}' runtime/usr/lib/ || return
	ln -s lib runtime/usr/lib64
	ln -s bash runtime/usr/bin/sh
	cp "$(command -v ldconfig)" runtime/usr/bin/
	printf '[Runtime]\nname=org.test.Platform\n' >runtime/metadata
	ostree init --repo="$FLATPAK_SYSTEM_DIR/repo" --mode=bare-user-only &&
		flatpak build-export --no-update-summary --disable-sandbox --runtime repository runtime stable &&
		flatpak build-update-repo repository &&
		flatpak remote-add --user --no-gpg-verify local "$PWD/repository" &&
		flatpak install --user -y --noninteractive local org.test.Platform//stable
}

make_application() {
	flatpak build-init application org.test.Hello org.test.Platform org.test.Platform stable &&
		flatpak build application sh -c 'mkdir -p /app/bin && cat >/app/bin/hello && echo built' \
			>"$tmp/built" <<-'END' &&
			#!/bin/sh
			echo "hello from $(id -u) in /app"
			grep ^name= /.flatpak-info
		END
		chmod +x application/files/bin/hello &&
		flatpak build-finish application --command=hello &&
		flatpak build-export --no-update-summary repository application stable &&
		flatpak build-update-repo repository &&
		flatpak install --user -y --noninteractive local org.test.Hello//stable
}

# in_app [OPTION...] -- WORD...: what runs in the application's sandbox
in_app() {
	set -- "$@" ''
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	command=$1
	# shellcheck disable=SC2086 # several words
	timeout -k 5 60 flatpak run $options --command=sh org.test.Hello -c "$command" 2>"$tmp/errors"
}

# its_state: a line of /proc/self/status in the application
its_state() {
	in_app -- "grep '^$1:' /proc/self/status" | tr -d '[:space:]'
}

ping='dbus-send --session --print-reply --dest=org.freedesktop.Flatpak / org.freedesktop.DBus.Peer.Ping'

plan 30

ok "a runtime is installed" quietly make_runtime
ok "an application is built and installed" quietly make_application
is "the build ran in the sandbox" "$(cat "$tmp/built")" built

# ---- what runs ------------------------------------------------------------------------------------

is "the application runs" "$(timeout -k 5 60 flatpak run org.test.Hello 2>"$tmp/errors")" \
	"hello from $(id -u) in /app
name=org.test.Hello" || say "$(cat "$tmp/errors")"
like "below our init" "$(in_app -- 'read -r name </proc/1/comm; echo "$name"')" 'sbx-*'
in_app -- 'exit 7'
is "its status comes back" "$?" 7
in_app -- 'kill -9 $$'
is "and a signal as one" "$?" 137
is "its input comes in" "$(echo words | in_app -- 'cat')" words

is "it has no capability" "$(its_state CapBnd)" CapBnd:0000000000000000
is "the wrapper's filter is loaded" "$(its_state Seccomp)" Seccomp:2
in_app -- 'unshare -U true' 2>/dev/null
is "and refuses what the wrapper wants refused" "$?" 1
is "no file of the home is seen" "$(in_app -- "ls $HOME/secret")" ""
is "but with the right to" "$(in_app "--filesystem=$HOME" -- "cat $HOME/secret")" secret
is "it has no network" "$(in_app -- 'cat /proc/net/dev' | grep -c : )" 1
is "but the caller's with the right to" \
	"$(in_app --share=network -- 'readlink /proc/self/ns/net')" "$(readlink /proc/self/ns/net)"

# ---- the bus --------------------------------------------------------------------------------------

ok "a name is on the bus" sh -c "$ping"
in_app -- "$ping" >/dev/null
is "which the proxy keeps from the application" "$?" 1
in_app --talk-name=org.freedesktop.Flatpak -- "$ping" >/dev/null
is "unless it has the right to talk to it" "$?" 0 || say "$(cat "$tmp/errors")"
cat >"$tmp/noting" <<-END
	#!/bin/sh
	echo "\$*" >>"$tmp/started"
	exec "$SBX_BWRAP" "\$@"
END
chmod +x "$tmp/noting"
FLATPAK_BWRAP="$tmp/noting" in_app -- true
is "proxy and application are started by us" "$(grep -c . "$tmp/started")" 2

# ---- what the machine adds ------------------------------------------------------------------------

# with_lines LINE...: an application where the caller's own file has these lines. flatpak gives
# us no environment, so the home is that of a passwd file of our own.
with_lines() {
	mkdir -p "$HOME/.config/sbx"
	printf '%s\n' "$@" >"$HOME/.config/sbx/bwrap.conf"
	echo "me:x:$(id -u):$(id -g)::$HOME:/bin/sh" >"$tmp/passwd"
	timeout -k 5 60 unshare -Urm sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$tmp/passwd" \
		unshare -U --map-user="$(id -u)" --map-group="$(id -g)" \
		flatpak run --command=sh org.test.Hello -c 'ulimit -n; echo "$ADDED"' 2>"$tmp/errors"
	status=$?
	rm "$HOME/.config/sbx/bwrap.conf"
	return "$status"
}

is "a limit of the machine's holds below the wrapper" \
	"$(with_lines 'ulimit nofile=40' 'env ADDED=word' | tr '\n' ' ')" '40 word '
with_lines 'share net' >/dev/null
is "a line that cannot be had ends the start" "$?" 1
has "and is told of" "$(cat "$tmp/errors")" "^bwrap: .*bwrap.conf:1: "

# ---- from outside ---------------------------------------------------------------------------------

# The instance, not the application: those that have just ended are still in the table.
instance() { # COLUMN
	flatpak ps --columns="instance,$1" | sed -n "s/^$(cat "$tmp/instance")[[:space:]]*//p"
}
is_running() {
	[ -s "$tmp/instance" ] && [ -e started ] && [ "$(instance child-pid)" -gt 0 ]
}
has_ended() {
	! kill -0 "$child" 2>/dev/null
}
# beside_it OPTION...: a second start that shares namespaces with the first
beside_it() {
	in_app "--parent-pid=$child" "$@" -- 'readlink /proc/self/ns/pid; cat /proc/[0-9]*/comm'
}

in_app --instance-id-fd=3 "--filesystem=$PWD" -- "echo >'$PWD/started'; exec sleep 60" \
	3>"$tmp/instance" &
ok "the wrapper knows a process of it" until_true is_running
child=$(instance child-pid)
like "which has our launcher above it" "$(cat "/proc/$(instance pid)/comm")" 'sbx-*'
is "it can be entered" \
	"$(flatpak enter "$(cat "$tmp/instance")" grep ^name= /.flatpak-info)" name=org.test.Hello
own=$(readlink "/proc/$child/ns/pid")
beside_it >"$tmp/beside"
is "a second one has processes of its own" "$(grep -cF -e "$own" -e sleep "$tmp/beside")" 0
beside_it --parent-expose-pids >"$tmp/beside"
is "also where the first one sees them" "$(grep -cF -e "$own" -e sleep "$tmp/beside")" 0
beside_it --parent-share-pids >"$tmp/beside"
is "or sees and shares those of the first" "$(grep -cF -e "$own" -e sleep "$tmp/beside")" 2
ok "it can be ended" flatpak kill "$(cat "$tmp/instance")"
ok "and is gone then" until_true has_ended
wait
