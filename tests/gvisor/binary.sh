#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which runsc is taken, and what is refused before it has run: with a stand-in.
. "$(dirname "$0")/lib.sh"

plan 47

mkdir -m 755 "$tmp/bin"
runsc=$tmp/bin/runsc

# refused DESCRIPTION ID TEXT ARG...: this run says so, with 125
refused() {
	description=$1 id=$2 text=$3
	shift 3
	output=$(gvisor --net none --cwd off --log-format json "$@" -- true 2>&1)
	status=$?
	case "$status $output" in
	125*"\"id\":\"$id\""*) ;;
	*) status=1 ;;
	esac
	case $output in
	*"$text"*) ;;
	*) status=1 ;;
	esac
	[ "$status" = 125 ]
	result $? "$description" || say "$output"
}

# taken DESCRIPTION ARG...: this run starts
taken() {
	description=$1
	shift
	ok "$description" gvisor --net none --cwd off "$@" -- true
}

# told ARG...: what such a run says
told() {
	gvisor --net none --cwd off "$@" -- true 2>&1
}

# ---- which file ---------------------------------------------------------------------------------------------

stand_in "$runsc" </dev/null
taken 'a runsc that --runsc names is taken'
is 'the first in PATH is taken without it' "$(
	mkdir "$tmp/none" "$tmp/plain"
	echo >"$tmp/plain/runsc"
	PATH=relative::$tmp/none:$tmp/plain:$tmp/bin:$PATH timeout 30 "$SBX" run --runtime runsc --net none \
		--cwd off -- true 2>&1 </dev/null
	echo $?
)" 0
like 'without one in PATH the package is named' "$(
	timeout=$(command -v timeout)
	PATH=/nonexistent "$timeout" 30 "$SBX" run --runtime runsc --net none --cwd off -- /bin/true 2>&1 </dev/null
	echo "$?"
)" '*runsc binary not found in PATH*package runsc*--runsc*125'

runsc=$tmp/bin/nothing
refused 'a file that is not there' runsc-missing "$tmp/bin/nothing"
runsc=$tmp/bin
refused 'a folder' runsc-not-executable 'it is no file'
runsc=$tmp/bin/page
echo "<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code></Error>" >"$runsc"
chmod 755 "$runsc"
refused 'a page of a server that was stored as a program' runsc-not-executable 'a page of text'
runsc=$tmp/bin/plain
cp "$tmp/bin/runsc" "$runsc"
chmod 644 "$runsc"
refused 'a file that is not executable' runsc-not-executable 'not executable'
runsc=$tmp/bin/foreign
cp "$tmp/bin/runsc" "$runsc"
case $(uname -m) in
aarch64) printf '\076\000' ;;
*) printf '\267\000' ;;
esac | dd of="$runsc" bs=1 seek=18 conv=notrunc 2>/dev/null
refused 'a program for another machine' runsc-architecture "this machine is $(uname -m)"
head -c 40 "$tmp/bin/runsc" >"$tmp/bin/cut"
chmod 755 "$tmp/bin/cut"
runsc=$tmp/bin/cut
refused 'a program that is cut off' runsc-not-executable 'no whole program'

# ---- who may change it --------------------------------------------------------------------------------------

runsc=$tmp/bin/shared
cp "$tmp/bin/runsc" "$runsc"
chmod 757 "$runsc"
refused 'a file that others may write' runsc-not-executable "others may change $runsc"
mkdir "$tmp/open" "$tmp/open/bin"
chmod 1777 "$tmp/open/bin"
runsc=$tmp/open/bin/runsc
cp "$tmp/bin/runsc" "$runsc"
refused 'a folder that others may write' runsc-not-executable "others may change $tmp/open/bin"
chmod 755 "$tmp/open/bin"
chmod 777 "$tmp/open"
refused 'a folder above it that others may write' runsc-not-executable "others may change $tmp/open"
chmod 1777 "$tmp/open"
taken 'but not one where they may add names alone'
ln -s "$runsc" "$tmp/open/link"
runsc=$tmp/open/link
refused 'a link in such a folder' runsc-not-executable 'others may change'

# ---- what it says of itself ---------------------------------------------------------------------------------

# played ID TEXT: a stand-in that plays stdin is refused so
played() {
	runsc=$tmp/bin/played
	stand_in "$runsc"
	refused "it says: $2" "$@"
}

played runsc-release 'does not tell its release' <<'PLAY'
version stdout runc version 1.1.5
PLAY
played runsc-not-executable 'it fails: a\\x1b[2Jb' <<PLAY
version stderr a$(printf '\033')[2Jb
version exit 1
PLAY
played runsc-not-executable 'does not list its flags' <<'PLAY'
flags stderr nothing
PLAY
played runsc-not-executable 'does not list its platforms' <<'PLAY'
help stdout nothing
PLAY
played runsc-not-executable 'does not answer within 5 seconds' <<'PLAY'
version hang
PLAY

# ---- platforms ----------------------------------------------------------------------------------------------

runsc=$tmp/bin/runsc
stand_in "$runsc" <<'PLAY'
version stdout runsc version 0.0~20221219.0
help stdout kvm
help stdout ptrace
PLAY
refused 'a platform that it was built without' runsc-platform \
	'runsc 0.0~20221219.0' --platform systrap
taken 'auto takes what it has'
like 'a list steps down, and says why' "$(told --platform systrap,ptrace)" \
	'*note: cannot use --platform systrap: *; next is ptrace'
is 'and says nothing where the first works' "$(told --platform ptrace,systrap)" ''

# with_kvm COMMAND...: it, where /dev/kvm is a file that can be opened
with_kvm() {
	# shellcheck disable=SC2016
	timeout -s KILL 30 unshare --map-auto --map-root-user --mount sh -c '
		set -e
		mkdir -p "$tmp/dev"
		mount -t tmpfs none "$tmp/dev"
		for name in null zero full random urandom tty; do
			: >"$tmp/dev/$name"
			mount --bind "/dev/$name" "$tmp/dev/$name"
		done
		mkdir "$tmp/dev/shm"
		: >"$tmp/dev/kvm"
		mount --rbind "$tmp/dev" /dev
		exec "$@"' sh "$@" </dev/null 2>&1
}
export tmp

# platforms_row: what the doctor says of them
platforms_row() {
	PATH=$tmp/bin:$PATH with_kvm "$SBX" doctor | grep '^[a-z]* *gVisor, platforms'
}

if with_kvm true >/dev/null; then
	like 'kvm is good where something runs on it' "$(platforms_row)" '*ptrace, kvm'
	stand_in "$runsc" <<'PLAY'
do stderr cannot create sandbox: EOF
do exit 128
PLAY
	like 'and is not where that fails' "$(platforms_row)" '*cannot use --platform kvm: a trial failed: cannot create*'
	stand_in "$runsc" <<'PLAY'
do hang
PLAY
	like 'or hangs' "$(platforms_row)" '*a trial did not end within 3 seconds'
else
	skip 3 'no range of subordinate ids is mapped here'
fi

# ---- pins ---------------------------------------------------------------------------------------------------

if ! [ -x "$(dirname "$SBX")/sbx-image" ]; then
	skip 21 'there is no sbx-image'
	exit 0
fi

pin=$tmp/pin
stand_in "$runsc" <<'PLAY'
version stdout runsc version release-20250407.0
PLAY
machine=$(uname -m)
sum=$(sha512sum "$runsc" | cut -d ' ' -f 1)
other=$(printf '%s' "$sum" | tr 0123456789abcdef 123456789abcdef0)
echo "$sum  somewhere/else" >"$pin"
taken 'a sum alone is a pin, wherever the file lay' --runsc-pin "$pin"
printf '# a release\nrelease 20250407.0\narch %s\n%s  runsc\n' "$machine" "$sum" >"$pin"
taken 'the digest, release and architecture that the pin names' --runsc-pin "$pin"
printf 'arch %s\n%s  runsc\n\nrelease 1.0\n%s  runsc\n' "$machine" "$sum" "$other" >"$pin"
taken 'one of those that the pin has' --runsc-pin "$pin"
printf 'release 20250407.1\n%s  runsc\n' "$sum" >"$pin"
refused 'another release' runsc-release 'release-20250407.0, not 20250407.1' --runsc-pin "$pin"
printf 'release latest\n%s  runsc\n' "$sum" >"$pin"
like 'latest is warned about' "$(told --runsc-pin "$pin")" '*note: the pin asks for the release ?latest?*'
printf '%s  runsc\n' "$other" >"$pin"
refused 'another digest' runsc-checksum 'is not what the pin says' --runsc-pin "$pin"
printf 'arch s390x\n%s  runsc\n' "$sum" >"$pin"
refused 'a pin for other machines' runsc-pin "no runsc for $machine" --runsc-pin "$pin"
printf 'arch s391x\n%s  runsc\n' "$sum" >"$pin"
refused 'an architecture that there is not' runsc-pin "$pin:1: Unsupported architecture: s391x" --runsc-pin "$pin"
printf '\nhello\n' >"$pin"
refused 'a line that is none' runsc-pin "$pin:2" --runsc-pin "$pin"
refused 'a pin that is not there' runsc-pin "$tmp/no-pin" --runsc-pin "$tmp/no-pin"
echo "$sum  runsc" >"$pin"
chmod 666 "$pin"
refused 'a pin that others may write' runsc-pin 'others may change' --runsc-pin "$pin"
chmod 644 "$pin"

# Files that belong to it.
mkdir "$tmp/bin/gvisor-bin"
echo companion >"$tmp/bin/gvisor-bin/sentry"
refused 'a companion that the pin does not have' runsc-checksum 'gvisor-bin/sentry is not in the pin' --runsc-pin "$pin"
(cd "$tmp/bin" && sha512sum gvisor-bin/sentry) >>"$pin"
taken 'with it all is as it should be' --runsc-pin "$pin"
echo Companion >"$tmp/bin/gvisor-bin/sentry"
refused 'a companion that was changed' runsc-checksum 'gvisor-bin/sentry is not what the pin says' --runsc-pin "$pin"
rm "$tmp/bin/gvisor-bin/sentry"
refused 'a companion that is missing' runsc-checksum 'gvisor-bin/sentry is missing' --runsc-pin "$pin"
rmdir "$tmp/bin/gvisor-bin"

# ---- the configuration --------------------------------------------------------------------------------------

mkdir -p "$tmp/config/sbx"
printf 'runsc = %s\nrunsc-pin = %s\n' "$runsc" "$pin" >"$tmp/config/sbx/sbx.conf"
echo "$sum  runsc" >"$pin"

# configured COMMAND...: sbx with them, by that configuration and without a runsc in PATH
configured() {
	XDG_CONFIG_HOME=$tmp/config timeout 30 "$SBX" "$@" 2>&1 </dev/null
}

is 'runsc and its pin stand in the configuration' \
	"$(configured run --runtime runsc --net none --cwd off -- true && echo taken)" taken
like 'the doctor shows the pin beside what was found' "$(configured doctor)" \
	"*gVisor's runsc *$runsc, release-20250407.0, pinned by $pin*"
echo "$other  runsc" >"$pin"
like 'and says what does not fit' "$(configured doctor)" "*gVisor's runsc *cannot use *is not what the pin says*"
like 'a run refuses it' "$(configured run --runtime runsc --net none --cwd off -- true)" '*is not what the pin says*'

# What is remembered is not believed of another file.
echo "$sum  runsc" >"$pin"
sleep 3
taken 'a file that is old enough is remembered' --runsc-pin "$pin"
touch -r "$runsc" "$tmp/times"
printf X | dd of="$runsc" bs=1 seek=64 conv=notrunc 2>/dev/null
touch -r "$tmp/times" "$runsc"
refused 'one flipped byte is seen, whatever its times say' runsc-checksum 'is not what the pin says' --runsc-pin "$pin"
