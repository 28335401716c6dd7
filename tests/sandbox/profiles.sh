#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Options from files: profiles, pools and the user's own, which of them wins, and what is wrong
# in them by file and line.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$tmp/work/sub" "$tmp/config/sbx/pools.d" "$tmp/home/data" "$tmp/data"
export XDG_CONFIG_HOME="$tmp/config" HOME="$tmp/home"
echo relative >"$tmp/work/sub/file"
echo home >"$tmp/home/data/file"
cd "$tmp/work" || exit 1

run() {
	timeout -s KILL 30 "$SBX" run "$@" </dev/null 2>&1
}
profile() { # NAME LINE...
	name=$1
	shift
	printf '%s\n' "$@" >"$tmp/work/$name"
}
hostname='cat /proc/sys/kernel/hostname'

plan 41

# ---- a profile -----------------------------------------------------------------------------

profile plain 'hostname box' 'env A=1'
is 'its lines are options' "$(run --profile plain -- sh -c "$hostname; echo \$A")" "$(printf 'box\n1')"
profile forms 'hostname=box' '# a comment' '' '   env   A=1 2  ' 'env B=#3' 'no-init' '	env C=a=b'
is 'blanks or = behind the name, comments and empty lines' \
	"$(run --profile forms -- sh -c "$hostname; echo \"\$A,\$B,\$C\"")" "$(printf 'box\n1 2,#3,a=b')"
profile quotes 'env A="x" $HOME \n'
is 'nothing is expanded and nothing is a quote' "$(run --profile quotes -- sh -c 'printf %s "$A"')" '"x" $HOME \n'
profile sub/below 'ro file:/mnt/file'
is 'a path is relative to the file' "$(run --profile sub/below -- cat /mnt/file)" relative
profile home 'ro ~/data:/mnt/data'
is 'a path below the home' "$(run --profile home -- cat /mnt/data/file)" home
is 'two profiles' "$(printf 'env B=2\n' >second; run --profile plain --profile second -- sh -c 'echo $A$B')" 12
profile nests 'profile plain' 'env C=3'
is 'a profile in a profile' "$(run --profile nests -- sh -c "$hostname; echo \$A\$C")" "$(printf 'box\n13')"
profile sub/up 'profile ../plain'
is 'by a path from where it lies' "$(run --profile sub/up -- sh -c "$hostname")" box
is 'from a pipe' "$(printf 'hostname piped\n' | "$SBX" run --profile /dev/stdin -- sh -c "$hostname" 2>&1)" piped

# ---- what wins -----------------------------------------------------------------------------

is 'the command line wins' "$(run --hostname line --profile plain -- sh -c "$hostname")" line
is 'wherever it stands' "$(run --profile plain --hostname line -- sh -c "$hostname")" line
printf 'hostname own\nenv O=own\n' >"$tmp/config/sbx/sbx.conf"
is "the user's own file" "$(run -- sh -c "$hostname; echo \$O")" "$(printf 'own\nown')"
is 'a profile wins over it' "$(run --profile plain -- sh -c "$hostname; echo \$A\$O")" "$(printf 'box\n1own')"
is '--no-config reads none' "$(run --no-config -- sh -c "$hostname; echo \$O.")" "$(printf '%s\n.' "$(cat /proc/sys/kernel/hostname)")"
is 'but the profile that is named' "$(run --no-config --profile plain -- sh -c "$hostname")" box
printf 'hostname pool\ntmpfs /srv:size=1M\n' >"$tmp/config/sbx/pools.d/small"
is 'a pool by its name' "$(run --pool small -- sh -c "$hostname")" pool
is 'is over the own file and under the line' "$(run --pool small --hostname line -- sh -c "$hostname")" line
is 'lists append' "$(run -e L=1 --profile plain -- sh -c 'echo $L$A$O')" '11own'
profile twice 'env A=profile'
is 'the highest one of a name counts' "$(run -e A=line --profile twice -- sh -c 'echo $A')" line
profile empties 'no-env' 'env B=2'
is 'no-NAME empties a list' "$(run --profile empties -- sh -c 'echo $O.$B')" .2
is '--no-NAME on the line too' "$(run --no-env --profile plain -- sh -c 'echo $A$O.')" .
printf '' >"$tmp/config/sbx/sbx.conf"

# ---- what is wrong -------------------------------------------------------------------------

# wrong DESCRIPTION FILE:LINE PATTERN: 125, and nothing starts
wrong() {
	output=$(run --cwd rw --profile "${2%%:*}" -- touch started)
	got=$?
	# shellcheck disable=SC2254
	case $output in
	"sbx: cannot "*"${2##*/}"*) ;;
	*) got=place ;;
	esac
	# shellcheck disable=SC2254
	case $output in
	$3) ;;
	*) got=text ;;
	esac
	[ "$got" = 125 ] && [ ! -e started ]
	result $? "$1" || say "$got: $output"
}
profile bad 'hostname box' 'hostnam x'
wrong 'an unknown name' bad:2 '*hostnam*'
profile bad '' '# comment' 'timeout soon'
wrong 'a bad value' bad:3 '*soon*'
profile bad '--hostname box'
wrong 'dashes' bad:1 '*'
profile bad 'h box'
wrong 'a short name' bad:1 '*'
profile bad 'hostname'
wrong 'a value that is missing' bad:1 '*hostname*'
profile bad 'no-init yes'
wrong 'a value where there is none' bad:1 '*init*'
profile bad 'env A=1' '-- true'
wrong 'a command' bad:2 '*'
printf 'hostname a\0b\n' >bad
wrong 'a NUL' bad:1 '*'
profile bad 'profile bad'
wrong 'a profile in itself' bad:1 '*'
profile one 'profile two'
profile two 'env X=1' 'profile one'
like 'a circle of two' "$(run --profile two -- true)" "sbx: cannot *work/one:1*work/two*itself*"
profile bad 'profile none'
wrong 'a profile that is missing' bad:1 '*none*'
profile bad 'pool none'
wrong 'a pool that is missing' bad:1 '*none*'
printf 'hostname %05000d\n' 0 >bad
wrong 'a line that is too long' bad:1 '*'
head -c 3000000 /dev/zero | tr '\0' '#' >bad
fails 'a file that is too long' 125 run --profile bad -- true
fails 'a directory' 125 run --profile sub -- true
profile escape "$(printf 'hostnam\033[31m x')"
like 'what is in it cannot reach the terminal' "$(run --profile escape -- true)" '*\\x1b*'
printf 'hostnam x\n' >"$tmp/config/sbx/sbx.conf"
like "the user's own file by its name too" "$(run -- true)" "sbx: cannot *$tmp/config/sbx/sbx.conf:1*"
fails 'and nothing starts' 125 run -- true
is 'unless it is not read' "$(run --no-config -- echo works)" works
like '--dry-run says the same' "$(run --dry-run -- true)" "sbx: cannot *$tmp/config/sbx/sbx.conf:1*"
