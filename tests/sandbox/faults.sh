#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hosts and callers in a bad state: sbx works all the same, or ends with 125 and the one line
# that names the cause; it never leaves anything behind.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
own_place
export SBX tmp

sbx() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null
}
# limited SCRIPT: in a shell of its own; what it says, and its status
limited() {
	timeout -s KILL 30 sh -c "$1" 2>&1 </dev/null
	echo "status $?"
}
# as_root SCRIPT: in user and mount namespaces of its own, as their root
as_root() {
	timeout -s KILL 60 unshare -Urm sh -c "$1" 2>&1 </dev/null
	echo "status $?"
}
# refuses DESCRIPTION OUTPUT TEXT: 125, one line that has the text, perhaps a hint
refuses() {
	like "$1" "$2" "sbx: cannot *$3*status 125"
	is "$1: one line" "$(echo "$2" | grep -vcE '^sbx: hint: |^status ')" 1
}
can_unshare=$(unshare -Urm unshare -U --map-user=0 true 2>/dev/null && echo yes)

plan 71

# ---- limits of the caller ------------------------------------------------------------------

is 'with 16 descriptors it runs' \
	"$(limited 'ulimit -n 16; exec "$SBX" run --no-config -- true')" 'status 0'
for number in 10 5; do
	refuses "with $number it says so" \
		"$(limited "ulimit -n $number; exec \"\$SBX\" run --no-config -- true")" ''
done
refuses 'without processes it says so' "$(limited '(ulimit -u 1) 2>/dev/null && ulimit -u 1 ||
	ulimit -p 1; exec "$SBX" run --no-config -- true')" ''
is 'with a stack of 256 KiB it runs' \
	"$(limited 'ulimit -s 256; exec "$SBX" run --no-config -- true')" 'status 0'
is 'files of no size do no harm' \
	"$(limited 'ulimit -f 0; exec "$SBX" run --no-config --net none -- sleep 0.2')" 'status 0'
refuses 'but to a network, which needs some' \
	"$(limited 'ulimit -f 0; exec "$SBX" run --no-config -- true')" resolv.conf

many=$(awk 'BEGIN { for (i = 0; i < 7000; i++) printf "%0200d ", i }')
# shellcheck disable=SC2086 # each is a word
is 'an argument list of 1.4 MB arrives' "$(sbx -- sh -c 'echo $# $(printf %s "$@" | wc -c)' sh $many)" \
	'7000 1400000'
long=$(printf '%0100000d' 7)
is 'an environment of 1 MB arrives' "$(env A="$long" B="$long" C="$long" D="$long" E="$long" F="$long" \
	G="$long" H="$long" I="$long" J="$long" timeout 30 "$SBX" run --no-config --keep-env -- \
	sh -c 'printf %s "$A$B$C$D$E$F$G$H$I$J" | wc -c' | tr -d ' ')" 1000000
is 'and stays outside unasked' "$(env A="$long" "$SBX" run --no-config -- env | wc -c |
	awk '{ print $1 < 1000 }')" 1

# ---- where the caller stands ---------------------------------------------------------------

refuses 'a directory that was removed' "$(mkdir gone && cd gone && rmdir ../gone &&
	sbx -- true 2>&1; echo "status $?")" 'current directory'
is 'without it, it runs' "$(mkdir gone && cd gone && rmdir ../gone && sbx --cwd off -- pwd)" /
odd=$(printf 'caf\351 \377\n$x')
mkdir "$odd"
is 'a name that is no text' "$(cd "$odd" && sbx -- sh -c 'printf %s "${PWD##*/}" | od -An -tx1')" \
	"$(printf %s "$odd" | od -An -tx1)"
touch "$odd/$odd"
is 'as the source of a mount' "$(sbx --ro "$odd:/mnt" -- ls /mnt | od -An -tx1)" \
	"$(printf '%s\n' "$odd" | od -An -tx1)"
output=$(sbx --ro "$(printf 'no\033[31m\377ne')" -- true 2>&1)
is 'as one that is missing' $? 125
is 'which reaches no terminal' "$(printf %s "$output" | LC_ALL=C tr -d '\040-\176\n')" ''
is 'as an argument' "$(sbx -- printf %s "$odd" | od -An -tx1)" "$(printf %s "$odd" | od -An -tx1)"

# ---- home, runtime directory, mask ---------------------------------------------------------

mkdir -m 500 "$tmp/home"
is 'a home that cannot be written to' "$(HOME=$tmp/home sbx -- sh -c 'exit 3'; echo $?)" 3
is 'one that is missing' "$(HOME=/no/where sbx -- sh -c 'exit 3'; echo $?)" 3
is 'one that is no path' "$(HOME=relative sbx -- sh -c 'exit 3'; echo $?)" 3
is 'none, and no other variable' "$(env -i "$SBX" run --no-config -- sh -c 'exit 3' </dev/null; echo $?)" 3
before=$(stat -c %Y "/tmp/sbx-$(id -u)" 2>&1)
is 'no runtime directory' "$(env -u XDG_RUNTIME_DIR "$SBX" run --no-config -- sh -c 'sleep 0.2; exit 3' \
	</dev/null; echo $?)" 3
is 'for which none is made' "$(stat -c %Y "/tmp/sbx-$(id -u)" 2>&1)" "$before"
mkdir -m 500 "$tmp/closed"
is 'one that cannot be written to' "$(XDG_RUNTIME_DIR=$tmp/closed sbx -- sh -c 'sleep 0.2; exit 3'
	echo $?)" 3
is 'a mask of everything' "$(umask 0777; sbx --name masked -- sh -c 'umask; exit 3'; echo $?)" '0777
3'
is 'a mask of nothing becomes one' "$(umask 0; sbx -- sh -c umask)" 0022
is 'a mask of everything, detached' "$(umask 0777
	sbx -d --name masked -- sleep 20 && "$SBX" kill -s KILL masked; echo $?)" 0

# ---- what the host lacks -------------------------------------------------------------------

if [ -z "$can_unshare" ]; then
	for what in $(seq 26); do
		skip "what a host lacks, $what" 'unshare cannot make a namespace here'
	done
else
	run='"$SBX" run --no-config'
	no_namespaces='echo 0 >/proc/sys/user/max_user_namespaces;'
	refuses 'no user namespace left' "$(as_root "$no_namespaces $run -- true")" namespace
	like 'has a hint' "$(as_root "$no_namespaces $run -- true")" '*hint: *user*namespaces*'
	refuses 'no mount namespace left' \
		"$(as_root "echo 0 >/proc/sys/user/max_mnt_namespaces; $run -- true")" ''
	is 'a /proc that is covered in part: its new one is refused' "$(as_root "
		mount -n -t tmpfs none /proc/sys; $run -- true" | grep -c '^sbx: cannot .*proc')" 1
	like 'with the way out' "$(as_root "mount -n -t tmpfs none /proc/sys; $run -- true")" \
		'*hint: *--proc *status 125'
	is 'which is one' "$(as_root "mount -n -t tmpfs none /proc/sys; $run --proc host -- sh -c 'exit 3'")" \
		'status 3'
	is 'and so is no /proc' "$(as_root "mount -n -t tmpfs none /proc/sys; $run --proc none -- sh -c 'exit 3'")" \
		'status 3'
	if [ -n "${ASAN_OPTIONS:-}" ]; then
		skip 'a /proc that is not there' 'a sanitizer needs /proc'
		skip 'a /proc that is not there: one line' 'a sanitizer needs /proc'
	else
		refuses 'a /proc that is not there' "$(as_root "mount -n -t tmpfs none /proc; $run -- true")" ''
	fi
	is 'a full runtime directory does no harm' "$(as_root "mount -n -t tmpfs -o size=4k,mode=700 none $tmp/run
		head -c 100k /dev/zero >$tmp/run/fill 2>/dev/null; $run -- sleep 0.2")" 'status 0'
	like 'where nobody needs it' "$(as_root "mount -n -t tmpfs -o size=4k,mode=700 none $tmp/run
		mkdir -m 700 $tmp/run/sbx; head -c 100k /dev/zero >$tmp/run/fill 2>/dev/null
		$run --name x -- true; s=\$?; ls -A $tmp/run/sbx; exit \$s")" \
		'sbx: cannot keep the state*No space*status 125'
	is 'a read-only one is no obstacle' "$(as_root "mount -n -t tmpfs -o ro,mode=700 none $tmp/run
		$run -- sleep 0.2")" 'status 0'
	is 'nor is a read-only home' "$(as_root "mount -n -t tmpfs -o ro none $tmp/home
		HOME=$tmp/home $run -- true")" 'status 0'
	is 'nor a read-only current directory' "$(as_root "mount -n --bind . .; mount -n -o remount,ro,bind .
		cd .; cd \"\$PWD\"; $run -- sh -c 'exit 3'")" 'status 3'
	is 'without subordinate ids it runs' "$(without /etc/subuid /etc/subgid -- \
		"$run -- sh -c 'exit 3'")" 'status 3'
	mkdir -p root/bin
	if command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1; then
		cp "$(command -v busybox)" root/bin/sh
		is 'with a root of its own too' "$(without /etc/subuid /etc/subgid -- \
			"$run -R root -- sh -c 'exit 3'")" 'status 3'
	else
		skip 'with a root of its own too' 'there is no static busybox'
	fi
	refuses 'but not with a map that needs them' "$(without /etc/subuid /etc/subgid -- \
		"$run --map subuid -- true")" 'subordinate ids'
	output=$(helpless run --no-config --cwd off --net none --map subuid -- true)
	printf '#!/bin/sh\nexec sleep 60\n' >"$tmp/hanging"
	chmod 755 "$tmp/hanging"
	newuidmap="$tmp/hanging" helpless run --no-config --cwd off --net none --map subuid -- true >"$tmp/hung" &
	hung=$!
	case $output in
	*sbx*)
		refuses 'newuidmap is missing' "$output" newuidmap
		like 'newuidmap is missing: hint' "$output" '*hint: *uidmap*'
		;;
	*)
		for what in '' ': one line' ': hint'; do
			skip "newuidmap is missing$what" 'it cannot be taken away here'
		done
		;;
	esac
	wait "$hung"
	output=$(cat "$tmp/hung")
	case $output in
	*sbx*) refuses 'newuidmap hangs' "$output" 'no answer' ;;
	*)
		for what in '' ': one line'; do
			skip "newuidmap hangs$what" 'it cannot be replaced here'
		done
		;;
	esac
	is 'without it one id works' "$(without /usr/bin/newuidmap -- "$run -- sh -c 'exit 3'")" 'status 3'
fi

# ---- what a filter around us refuses -------------------------------------------------------

if command -v python3 >/dev/null; then
	for call in openat2 mount_setattr close_range clone3 fsopen landlock_create_ruleset; do
		output=$("$here/refuse.py" $call=ENOSYS -- timeout 20 "$SBX" run --no-config -- \
			sh -c 'exit 3' 2>&1 </dev/null; echo "status $?")
		case $output in
		'status 3' | "sbx: cannot "*"status 125") result 0 "$call is missing" ;;
		*) result 1 "$call is missing" || say "$output" ;;
		esac
	done
else
	for call in openat2 mount_setattr close_range clone3 fsopen landlock_create_ruleset; do
		skip "$call is missing" 'python3 is not installed'
	done
fi

# ---- files that cannot be written ----------------------------------------------------------

refuses 'a pid file that cannot be written' \
	"$(sbx --pid-file /no/such/dir/pid -- sleep 20 2>&1; echo "status $?")" /no/such/dir/pid
refuses 'a log that cannot be written' \
	"$(sbx -d --log /no/such/dir/log -- sleep 20 2>&1; echo "status $?")" /no/such/dir/log
is 'a log on a full disk does no harm' "$(sbx -d --name full --log /dev/full -- sleep 20 2>&1 &&
	"$SBX" kill -s KILL full; echo $?)" 0
is 'nothing is listed' "$(until_true sh -c '[ -z "$("$SBX" list)" ]'; "$SBX" list)" ''

# ---- more processes than anybody wants -----------------------------------------------------

if command -v python3 >/dev/null; then
	cat >bomb <<'END'
trap "" TERM HUP
i=0
while [ $i -lt 200 ]; do
	(trap "" TERM; setsid sh -c 'sleep 300 & sleep 300' &)
	i=$((i + 1))
	[ $i != 50 ] || echo up
done
sleep 300
END
	ok 'hundreds of processes end with their launcher' timeout -s KILL 120 \
		python3 "$here/death.py" 4 "$SBX" run --no-config -- sh ./bomb
else
	skip 'hundreds of processes end with their launcher' 'python3 is not installed'
fi
