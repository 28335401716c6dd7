#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What --rlimit and --seccomp take away is gone for the command and for all that it starts,
# and cannot be had back.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/work"
cd "$tmp/work" || exit 1
run() {
	timeout -s KILL 60 "$SBX" run --no-config "$@" </dev/null 2>/dev/null
}
status_of() { # WHO
	printf 'sed -n "s/^Seccomp:[^0-9]*//p" /proc/%s/status' "$1"
}

# A filter that refuses one call, uname(2), with EACCES; 8 bytes for an instruction.
case $(uname -m) in
x86_64) uname='\077' ;;
aarch64) uname='\240' ;;
*) skip_all 'the number of uname(2) is not known here' ;;
esac
{
	printf '\040\000\000\000\000\000\000\000'
	printf '\025\000\000\001%b\000\000\000' "$uname"
	printf '\006\000\000\000\015\000\005\000'
	printf '\006\000\000\000\000\000\377\177'
} >filter

plan 16

# ---- limits ------------------------------------------------------------------------------------

is 'a limit holds' "$(run --rlimit nofile=64 -- sh -c 'ulimit -n')" 64
is 'for what the command starts as well' "$(run --rlimit nofile=64 -- sh -c 'sh -c "ulimit -n"')" 64
is 'soft and hard may differ' "$(run --rlimit nofile=64:128 -- sh -c 'ulimit -Sn; ulimit -Hn' | tr '\n' ' ')" '64 128 '
fails 'the hard one cannot be raised' 2 run --rlimit nofile=64 -- sh -c 'ulimit -n 65'
fails 'also not by uid 0 with every capability' 2 \
	run -u 0 --cap-add ALL --rlimit nofile=64 -- sh -c 'ulimit -n 65'
fails 'one that is above the caller'\''s own is refused' 125 sh -c '
	ulimit -n 256; exec "$SBX" run --no-config --rlimit nofile=512 -- true'
is 'no core file is written' "$(run -- sh -c 'kill -QUIT $$' >&2; ls)" filter
is 'a file cannot grow beyond its limit' \
	"$(run --rlimit fsize=4096 -- sh -c 'trap "" XFSZ; head -c 9999 /dev/zero >file 2>/dev/null; wc -c <file')" 4096
bomb='for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 2 & done 2>/dev/null; wait'
count='grep -l "^Name:.sleep" /proc/[0-9]*/status 2>/dev/null | wc -l'
# Before Linux 5.14 all processes of the user are counted, so that there may be none at all.
got=$(run --rlimit nproc=12 -- sh -c "(${bomb}) & sleep 0.5; ${count}" | tail -n 1)
[ "${got:-0}" -le 12 ]
result $? 'a bomb stays as small as nproc says' || say "$got processes"

# ---- a filter ----------------------------------------------------------------------------------

is 'without a policy there is no filter' "$(run --policy none -- sh -c "$(status_of self)")" 0
is 'the command has the filter' "$(run --seccomp filter -- sh -c "$(status_of self)")" 2
fails 'it refuses what it says' 1 run --seccomp filter -- uname
fails 'it holds for what the command starts' 1 run --seccomp filter -- sh -c 'sh -c uname'
fails 'and for uid 0 with every capability' 1 run -u 0 --cap-add ALL --seccomp filter -- uname
head -c 24 filter >short
fails 'a filter without an end is refused' 125 run --seccomp short -- true
head -c 30 filter >broken
fails 'so is one that is no whole number of instructions' 125 run --seccomp broken -- true
