#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian root file system, made and unpacked by an ordinary user: its package manager, its
# accounts and a shell on a terminal work, and none of it changes the root.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need mmdebstrap tmux zstd dpkg-deb
need_ordinary_user
archive=$("$here/debian-tar" 2>"$tmp/log") || {
	say "$(cat "$tmp/log")"
	skip_all "mmdebstrap cannot make a root"
}

root=$tmp/root
mkdir "$root" "$tmp/packages" "$tmp/kept"

inside() {
	"$SBX" run --root "$root" "$@"
}

# A package with one file and a user account, as small ones are.
make_package() {
	mkdir -p "$tmp/package/DEBIAN" "$tmp/package/usr/bin"
	cat >"$tmp/package/DEBIAN/control" <<-'END'
		Package: sbx-greeting
		Version: 1
		Architecture: all
		Maintainer: Nobody <nobody@example.org>
		Depends: passwd
		Description: greets
	END
	printf '#!/bin/sh\nuseradd -r -s /bin/sh greeter\nchown greeter /usr/bin/greeting\n' \
		>"$tmp/package/DEBIAN/postinst"
	printf '#!/bin/sh\necho greetings\n' >"$tmp/package/usr/bin/greeting"
	chmod 755 "$tmp/package/DEBIAN/postinst" "$tmp/package/usr/bin/greeting"
	dpkg-deb --root-owner-group -b "$tmp/package" "$tmp/packages/greeting.deb" >/dev/null
}

# ---- a terminal that a program looks at --------------------------------------------------------

terminal() {
	tmux -S "$tmp/tmux" -f /dev/null "$@"
}

stop() {
	[ ! -e "$tmp/tmux" ] || terminal kill-server 2>/dev/null
}

screen() {
	terminal capture-pane -p -t session
}

shows() { # PATTERN
	screen | grep -qE -e "$1"
}

# on_screen DESCRIPTION PATTERN
on_screen() {
	within 20 shows "$2"
	result $? "$1" || say "$(screen)"
}

# types LINE: clears the screen, so that what is seen is the answer
types() {
	terminal send-keys -t session C-l
	terminal send-keys -t session -l "$1"
	terminal send-keys -t session Enter
}

presses() { # KEY
	terminal send-keys -t session "$1"
}

open_terminal() { # SCRIPT
	printf '%s\n' "$1" >"$tmp/session"
	terminal new-session -d -s session -x 80 -y 24 "sh $tmp/session"
}

# The session stays: a server without one ends, and whoever asks it meanwhile is turned away.
open_next_terminal() { # SCRIPT
	printf '%s\n' "$1" >"$tmp/session"
	terminal respawn-pane -k -t session "sh $tmp/session"
}

# naps SECONDS: a sleep of this script runs; the fraction tells it from all others
naps() {
	pgrep -f "^sleep $1\.$$\$" >"$tmp/naps"
}

plan 38

# ---- packages ----------------------------------------------------------------------------------

ok "an archive is unpacked with its owners" "$SBX" unshare tar -C "$root" --numeric-owner -xf "$archive"
is "files of other accounts are theirs" \
	"$("$SBX" unshare stat -c %u:%g "$root/var/mail" "$root/etc/shadow" | tr '\n' ' ')" "0:8 0:42 "
"$SBX" unshare "$here/fingerprint" "$root" >"$tmp/before"

like "apt-get runs" "$(inside -- apt-get --version 2>&1)" 'apt 2.*'
has "it simulates an installation" "$(inside -- apt-get --simulate install --reinstall procps 2>&1)" \
	'^(Inst procps|E: .*procps.*cannot be (found|downloaded)|Reinstallation of procps)'
output=$(inside -- apt-get --simulate --purge remove procps 2>&1)
has "it simulates a removal" "$output" '^Purg procps'
is "dpkg finds nothing wrong" "$(inside -- dpkg --audit 2>&1)" ""

make_package
with_package="--upper $tmp/kept --ro $tmp/packages:/packages"
# shellcheck disable=SC2086 # several words
output=$(inside $with_package -- apt-get install -q -y /packages/greeting.deb 2>&1)
is "apt-get installs a package" "$?" 0 || say "$output"
is "--upper keeps it for the next run" "$(inside --upper "$tmp/kept" -- greeting 2>&1)" greetings
is "dpkg knows it there" \
	"$(inside --upper "$tmp/kept" -- dpkg-query -W -f '${Status}' sbx-greeting 2>&1)" "install ok installed"
is "its account owns it" "$(inside --upper "$tmp/kept" -- stat -c %U /usr/bin/greeting 2>&1)" greeter
fails "without --upper it is not there" 127 inside -- greeting

# ---- accounts and processes ----------------------------------------------------------------------

is "su becomes another account" \
	"$(inside -- sh -c 'useradd -m -s /bin/bash guest && su - guest -c "id -un; pwd; umask"' 2>&1 | tr '\n' ' ')" \
	"guest /home/guest 0022 "
is "that account is not root" \
	"$(inside -- sh -c 'su -s /bin/sh nobody -c "cat /etc/shadow" 2>/dev/null || echo refused')" refused
is "accounts may have groups" \
	"$(inside -- sh -c 'useradd -m -G mail,games guest && su guest -c "id -Gn"' 2>&1)" "guest mail games"
is "ps sees the sandbox and nothing else" "$(inside -- ps -e -o pid=,comm= | tr -s ' ' | tr '\n' ',')" \
	"$(printf ' 1 sbx-init, 2 ps,')"
has "ps can show whose they are" "$(inside -- ps -ef)" '^root +2 +1 .* ps -ef$'
is "uptime, free and top have what they need" \
	"$(inside -- sh -c 'uptime && free && top -b -n 1' 2>&1 >/dev/null)" ""

# ---- a shell on a terminal -----------------------------------------------------------------------

open_terminal "stty -a >$tmp/modes-before
PS1='in> ' '$SBX' run --root '$root' -t -e 'PS1=in> ' -- bash --norc --noprofile
echo \"left with \$?\"
stty -a >$tmp/modes-after
exec sleep 60"

on_screen "a shell says its prompt" '^in>'
types 'tty; stty size'
on_screen "it has a terminal of the sandbox's own" '^/dev/(pts/0|console)$'
on_screen "of the size of the outer one" '^24 80$'
types 'trap "echo size changed" WINCH; echo trapped'
on_screen "it waits for another size" '^trapped$'
terminal resize-window -t session -x 101 -y 31
on_screen "a program is told of a new size" 'size changed$'
types 'stty size'
on_screen "and finds it" '^31 101$'
# A shell between two commands is deaf to ^C and ^Z: the keys wait for the command itself.
types "trap - WINCH; sleep 500.$$; echo \"status \$?\""
within 20 naps 500
result $? "a command runs" || say "$(screen)"
presses C-c
types 'echo "last $?"'
on_screen "^C ends it, and the shell lives on" '^last 130$'
types "sleep 501.$$"
within 20 naps 501
result $? "another runs" || say "$(screen)"
presses C-z
on_screen "^Z stops it" 'Stopped +sleep 501'
types "jobs; bg; sleep 502.$$"
on_screen "it goes on in the background" '^\[1\]\+ sleep 501[.0-9]* &'
within 20 naps 502
result $? "beside the next" || say "$(screen)"
presses C-c
types 'kill %1; wait %1; echo "ended $?"'
on_screen "the shell rules over its jobs" '^ended 143$'
types 'ls --color=always /etc/debian_version; top'
on_screen "a program that takes the whole screen works" 'PID USER'
presses q
# What is typed before top has left is thrown away.
on_screen "and gives it back" '^in> *$'
types 'su - games -s /bin/bash'
on_screen "su gives a shell on it" 'games@.*\$'
presses C-d
types 'exit 3'
on_screen "its status is the run's" '^left with 3$'
within 5 test -s "$tmp/modes-after"
is "the terminal's modes are as before" "$(grep -v speed "$tmp/modes-after")" "$(grep -v speed "$tmp/modes-before")"

open_next_terminal "exec '$SBX' run --root '$root' -t -- bash --norc -c 'sleep 503.$$; true'"
within 20 naps 503
result $? "a command runs on another terminal"
terminal kill-session -t session
within 20 sh -c '! kill -0 $(cat "$1") 2>/dev/null' sh "$tmp/naps"
result $? "it ends when the terminal is closed" || say "$(pgrep -af "sleep 503")"

"$SBX" unshare "$here/fingerprint" "$root" >"$tmp/after"
difference=$(diff "$tmp/before" "$tmp/after")
result $? "nothing of this has changed the root" || say "$difference"
