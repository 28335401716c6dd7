#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the command has from its caller: nothing that was not named.
# shellcheck disable=SC2016,SC3045 # scripts in quotes; ulimit -n is known to dash and ash
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/work"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}
# A line of /proc/self/status of a command that the shell itself becomes.
status_of() { # FIELD OPTION...
	field=$1
	shift
	run "$@" -- cat /proc/self/status | sed -n "s/^$field:[[:blank:]]*//p"
}

plan 37

# ---- umask -------------------------------------------------------------------------------

is 'a umask of 0 becomes 022' "$(umask 0; run -- sh -c umask)" 0022
is 'and files are made so' "$(umask 0; run -- sh -c 'echo >/tmp/x; stat -c %a /tmp/x')" 644
is 'a stricter one stays' "$(umask 077; run -- sh -c umask)" 0077
is 'bits of both add up' "$(umask 005; run -- sh -c umask)" 0027

# ---- signals -----------------------------------------------------------------------------

is 'no signal is ignored' "$(trap '' USR1 CHLD PIPE; status_of SigIgn)" 0000000000000000
is 'none is blocked' "$(status_of SigBlk)" 0000000000000000
is 'none has a handler' "$(status_of SigCgt)" 0000000000000000

# ---- limits ------------------------------------------------------------------------------

is 'no core file is written' "$(run -- sh -c 'ulimit -c')" 0
like 'by the hard limit, and no handler is fed' "$(run -- cat /proc/self/limits | grep '^Max core')" \
	'Max core file size *1 *1 *bytes*'
is 'other limits stay as they are' "$(run -- sh -c 'ulimit -n; ulimit -Hn')" "$(ulimit -n; ulimit -Hn)"
is 'a limit that was asked for' "$(run --rlimit nofile=50:60 -- sh -c 'ulimit -n; ulimit -Hn')" "$(printf '50\n60')"
is 'in the words of others' "$(run --ulimit nofile=50 -- sh -c 'ulimit -n; ulimit -Hn')" "$(printf '50\n50')"
is 'the last one counts' "$(run --rlimit nofile=50 --rlimit nofile=40 -- sh -c 'ulimit -n')" 40
fails 'one above the hard limit is refused' 125 sh -c 'ulimit -n 64; "$SBX" run --no-config --rlimit nofile=100 -- true'
is 'oom_score_adj' "$(run --oom-score-adj 900 -- cat /proc/self/oom_score_adj)" 900
fails 'which cannot fall' 125 sh -c 'echo 500 >/proc/self/oom_score_adj && "$SBX" run --no-config --oom-score-adj 100 -- true'

# ---- descriptors -------------------------------------------------------------------------

echo content >"$tmp/file"
fds='for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -gt 2 ] && [ -e "/proc/self/fd/$fd" ] && echo "$fd"; done; true'
is 'none but 0, 1 and 2' "$(run -- sh -c "$fds" 5<"$tmp/file" 8</ 9>"$tmp/nine")" ''
is 'one that was named' "$(run --keep-fd 5 -- sh -c "$fds; cat <&5" 5<"$tmp/file" 8</)" "$(printf '5\ncontent')"
is 'a count from 3' "$(run --preserve-fds 2 -- sh -c "$fds; cat <&4" 3</dev/null 4<"$tmp/file" 5</)" \
	"$(printf '3\n4\ncontent')"
fails 'one that is not open is refused' 125 run --keep-fd 7 -- true
fails 'and a count that is too high' 125 run --preserve-fds 5 -- true
like 'by its number' "$(run --keep-fd 7 -- true)" 'sbx: cannot *7*'
is 'where 0, 1 and 2 are closed they are /dev/null' \
	"$("$SBX" run --no-config -- sh -c 'readlink /proc/self/fd/0 /proc/self/fd/2 >/tmp/x; cat /tmp/x' <&- 2>&-)" \
	"$(printf '/dev/null\n/dev/null')"

# ---- environment -------------------------------------------------------------------------

# names OPTION...: of the variables that the command finds
names() {
	run "$@" -- env | sed 's/=.*//' | LC_ALL=C sort | tr '\n' ' '
}
export SECRET=s LD_PRELOAD_X=l A_ONE=1 A_TWO=2
is 'these variables, and no more' "$(names)" 'HOME LANG PATH TERM USER '
is 'one by its name' "$(names -e SECRET)" 'HOME LANG PATH SECRET TERM USER '
is 'with its value' "$(run -e SECRET -- sh -c 'echo $SECRET')" s
is 'or another one' "$(run -e SECRET=other -- sh -c 'echo $SECRET')" other
is 'by a pattern' "$(names '--keep-env=A_*')" 'A_ONE A_TWO HOME LANG PATH TERM USER '
is 'all of them' "$(run --keep-env -- sh -c 'echo $SECRET $A_TWO')" 's 2'
is 'one that is not set is no error' "$(names -e NOT_SET_HERE)" 'HOME LANG PATH TERM USER '
printf '# comment\nB=2\nSECRET\n' >"$tmp/env"
is 'from a file' "$(names --env-file "$tmp/env")" 'B HOME LANG PATH SECRET TERM USER '
like 'a bad line of it has its place' "$(echo "=x" >"$tmp/bad"; run --env-file "$tmp/bad" -- true)" "sbx: cannot *$tmp/bad:1 *"
fails 'a variable without a name is refused' 125 run -e =x -- true
is 'a value of any bytes' "$(run -e "ODD=$(printf 'a\nb=c \377')" -- sh -c 'echo "$ODD"')" "$(printf 'a\nb=c \377')"

# ---- session and time ------------------------------------------------------------------------

is 'the session is not one of outside' "$(run -- cat /proc/self/stat | awk '{ print ($6 > 0) }')" 1
is 'nor the process group' "$(run -- cat /proc/self/stat | awk '{ print ($5 > 0) }')" 1
is 'the time zone is that of the host' "$(run -- date +%Z)" "$(unset TZ; date +%Z)"
