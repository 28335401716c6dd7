#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No text from inside, from a foreign file or from the caller's words reaches a terminal as
# it is: what a terminal would obey, and what is not UTF-8, stands as \xNN.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

# Red, a title, a bell, an 8-bit control, a newline and half of a letter.
evil=$(printf 'a\033[31mb\033]0;title\007c\233d\ne\303')
mkdir "$tmp/work" "$tmp/$evil" "$tmp/runtime"
chmod 700 "$tmp/runtime"
export XDG_RUNTIME_DIR="$tmp/runtime"
cd "$tmp/work" || exit 1
printf '#!/none/%s\n' "$(printf 'x\033[31my')" >script
chmod 755 script
printf 'hostname %s\n' "$(printf 'p\033[31mq')" >profile

# is_plain DESCRIPTION TEXT LINES: only letters that a terminal shows, and so many lines
is_plain() {
	plain=$(printf '%s' "$2" | LC_ALL=C tr -d '\040-\176\n')
	[ -z "$plain" ] && [ "$(printf '%s\n' "$2" | wc -l)" -le "$3" ]
	result $? "$1" || say "$(printf '%s' "$2" | od -c)"
}
run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}

plan 11

is_plain 'the name of a command' "$(run -- "$evil")" 1
is_plain 'the path of a command' "$(run -- "./$evil")" 1
is_plain 'an interpreter that a file names' "$(run -- ./script)" 1
is_plain 'an option' "$(run "--$evil" -- true)" 2
is_plain 'the value of an option' "$(run --hostname "$evil" -- true)" 1
is_plain 'the path of a mount' "$(run --ro "$tmp/$evil/none" -- true)" 1
is_plain 'a line of a profile' "$(run --profile profile -- true)" 1
is_plain 'a command of sbx' "$("$SBX" "$evil" 2>&1)" 2
is_plain 'a plan in words' "$(run --dry-run --ro "$tmp/$evil:/x" -- echo "$evil")" 60
run -d --name plain -- sh -c 'sleep 60' "$evil"
list=$("$SBX" list)
is_plain 'a list' "$list" 2
like 'which shows what it left out' "$list" '*sleep 60*\\x1b\[31m*'
"$SBX" kill -s KILL plain
