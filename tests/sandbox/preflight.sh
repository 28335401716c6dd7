#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What can be known before the start is checked before the start: one bad input each, one line
# that says so, and the same line from --dry-run. Nothing is started and nothing is left.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(which busybox 2>/dev/null) || skip_all 'busybox is not installed'

mkdir -p "$tmp/work/dir" "$tmp/work/closed" "$tmp/root/bin" "$tmp/run/sbx" "$tmp/home"
chmod 700 "$tmp/run" "$tmp/run/sbx"
export XDG_RUNTIME_DIR="$tmp/run" HOME="$tmp/home"
cp "$busybox" "$tmp/root/bin/"
ln -s busybox "$tmp/root/bin/true"
ln -s busybox "$tmp/root/bin/touch"
cd "$tmp/work" || exit 1
echo text >plain
script() { # NAME FIRST-LINE
	printf '%b\n' "$2" >"$1"
	chmod 755 "$1"
}
script orphan '#!/no/such/interpreter'
script windows '#!/bin/sh\r'
script chained "#!$tmp/work/orphan"
script relative '#!no/such/interpreter'
script near '#!./orphan'
script near-windows '#!./windows'
script endless "#!/$(printf '%0300d' 0)"
script circle '#!./circle'
cp "$busybox" closed/true
chmod 000 closed
# An ELF file that names a loader of the same length that is not there.
loader=$(LC_ALL=C grep -ao '/lib[0-9]*/ld-linux[-a-z0-9_]*' /bin/sh 2>/dev/null | head -n 1)
[ -z "$loader" ] || { LC_ALL=C sed "s#$loader#$(echo "$loader" | tr l m)#" /bin/sh >elf && chmod 755 elf; }

run() {
	timeout -s KILL 30 "$SBX" run --no-config "$@" </dev/null 2>&1
}

# bad DESCRIPTION STATUS PATTERN OPTION...: one line like PATTERN, perhaps a hint behind it;
# with --dry-run the same
bad() {
	description=$1 wanted=$2 pattern=$3
	shift 3
	real=$(run "$@")
	got=$?
	dry=$(run --dry-run "$@")
	dry_got=$?
	first=$(printf '%s\n' "$real" | head -n 1)
	rest=$(printf '%s\n' "$real" | sed '1d; /^sbx: hint: /d')
	# shellcheck disable=SC2254
	case $first in
	'sbx: cannot '$pattern) matches=0 ;;
	*) matches=1 ;;
	esac
	[ "$matches" = 0 ] && [ -z "$rest" ] && [ "$got" = "$wanted" ] && [ "$dry_got" = "$got" ] && [ "$dry" = "$real" ]
	result $? "$description" || say "$(printf 'status %s, dry %s\n%s\ndry: %s' "$got" "$dry_got" "$real" "$dry")"
}

plan 120

# ---- the command -------------------------------------------------------------------------

bad 'no command' 125 '*no command given'
like 'with the usage' "$(run)" '*hint: usage: sbx run *'
bad 'no command behind --' 125 '*no command given' --
bad 'an empty name' 127 '*empty*' -- ''
bad 'a name that is not in PATH' 127 'start no-such-command: *' -- no-such-command
bad 'a path that is missing' 127 'start ./missing: *' -- ./missing
bad 'a directory on the way is missing' 127 'start ./none/deep: *none*' -- ./none/deep
bad 'a file on the way is no directory' 127 'start plain/x: *plain*' -- plain/x
bad 'not executable' 126 'start ./plain: *execute permission*' -- ./plain
bad 'a directory' 126 'start ./dir: *is a directory*' -- ./dir
bad 'an interpreter that is missing' 126 'start ./orphan: *interpreter /no/such/interpreter*' -- ./orphan
bad 'the interpreter of an interpreter' 126 'start ./chained: the interpreter /no/such/interpreter of *orphan is missing' -- ./chained
bad 'of one that is relative' 126 'start ./near: the interpreter /no/such/interpreter of ./orphan is missing' -- ./near
bad 'a relative interpreter' 126 'start ./relative: *interpreter no/such/interpreter, relative to *' -- ./relative
bad 'a first line that is longer than the kernel reads' 126 'start ./endless: its first line is longer *' -- ./endless
bad 'a script that is its own interpreter' 126 'start ./circle: *more than the kernel follows' -- ./circle
bad 'a carriage return behind the interpreter of an interpreter' 126 'start ./near-windows: *of ./windows ends in a carriage return' -- ./near-windows
bad 'a carriage return behind the interpreter' 126 'start ./windows: *carriage return*' -- ./windows
if [ -e elf ]; then
	bad 'a loader that is missing' 126 'start ./elf: *interpreter *' -- ./elf
else
	skip 'a loader that is missing' 'the shell has none'
fi
if [ "$(id -u)" != 0 ]; then
	bad 'a directory on the way that may not be searched' 126 '*closed may not be searched*' -- ./closed/true
else
	skip 'a directory on the way that may not be searched' 'root may search all'
fi
bad 'not in the root' 127 'start sh: *' -R "$tmp/root" -- sh
bad 'a working directory that is missing' 125 '*start in /nowhere: *' -w /nowhere -- true
bad 'one that is a file' 125 '*start in /etc/passwd: *not a directory*' -w /etc/passwd -- true
bad 'one that is missing in the root' 125 '*start in /usr/share: *' -R "$tmp/root" -w /usr/share -- true
bad 'one that is relative' 125 'use --workdir: *dir*' -w dir -- true

# ---- options -----------------------------------------------------------------------------

bad 'an unknown option' 125 'use --no-such-thing: *' --no-such-thing -- true
bad 'one that is nearly right: the nearest is named' 125 'use --hostnam*--hostname*' --hostnam x -- true
bad 'an unknown letter' 125 'use -Z: *' -Z -- true
bad 'an operand that is missing' 125 'use --workdir*' --workdir
bad 'an operand that is empty' 125 'use --name*empty*' --name '' -- true
bad 'a word that is none' 125 'use --cwd: *' --cwd sideways -- true
for option in '--rlimit nofile=x' '--rlimit nofile=9:5' '--rlimit mountains=1' '--oom-score-adj 2000' \
	'--oom-score-adj x' '--timeout soon' '--timeout -5' '--kill-after x' '--stop-signal HELLO' \
	'--preserve-fds -1' '--keep-fd x' '--shm-size many' '--scratch-size 0' '--tmpfs /x:size=0' \
	'--tmpfs /x:mode=99' '--user 1:2:3' '--map 0:0' '--map 0:1:x' '--map 0:0:4294967296' '--preserve-fds 99999999999'; do
	# shellcheck disable=SC2086
	bad "a number that is none: $option" 125 '*' $option -- true
done
bad 'a time zone' 125 'use --tz: *No/Where*' --tz No/Where -- true
bad 'a host name' 125 'use --hostname: *' --hostname 'a b' -- true
bad 'a sysctl of the whole machine' 125 'set the sysctl kernel.panic: *' --sysctl kernel.panic=1 -- true
bad 'a sysctl without a value' 125 'use --sysctl: *' --sysctl net.ipv4.ip_forward -- true
bad 'a capability' 125 'use --cap-add: *FLYING*' --cap-add FLYING -- true
bad 'a limit above the hard one' 125 'set RLIMIT_NOFILE: *' --rlimit nofile=999999999 -- true
bad 'an oom score that would fall' 125 'set oom_score_adj to -1000: *' --oom-score-adj -1000 -- true
bad 'a descriptor that is not open: kept' 125 '*99 is not open*' --keep-fd 99 -- true
bad 'for the start' 125 '*99 is not open*' --ready-fd 99 -- true
bad 'for the status' 125 '*99 is not open*' --status-fd 99 -- true
bad 'a variable without a name' 125 'use --env: *' -e =x -- true

# ---- options that contradict each other ---------------------------------------------------------

bad '--log without --detach' 125 '*--log*--detach*' --log "$tmp/log" -- true
bad '--detach and --die-with-parent' 125 '*--die-with-parent*' -d --die-with-parent -- true
bad '--no-init and --tty' 125 '*--no-init*' -t --no-init -- true
bad '--no-init and --detach' 125 '*--no-init*' -d --no-init -- true
bad '--hostname and --share uts' 125 '*uts*' --hostname x --share uts -- true
bad '--proc new and --share pid' 125 '*pid namespace*' --proc new --share pid -- true
bad '--share pid and all capabilities' 125 'use --cap-add ALL with --share pid: *' --share pid --cap-add ALL -- true
bad '--share pid and the one that mounts' 125 'use --cap-add SYS_ADMIN with --share pid: *' --share pid --cap-add SYS_ADMIN -- true
bad '--groups keep and --group-add' 125 '*--groups keep*' --groups keep --group-add "$(id -g)" -- true
bad '--root-mode with the root of the host' 125 'use --root-mode: *' --root-mode rw -- true
bad '--upper with the root of the host' 125 'use --upper: *' --upper dir -- true
bad '--upper with a root that is not copy-on-write' 125 'use --upper: *' -R "$tmp/root" --root-mode ro --upper dir -- true

# ---- files and directories ---------------------------------------------------------------------

bad 'a root that is missing' 125 "use the root $tmp/none: *" -R "$tmp/none" -- true
bad 'a root that is a file' 125 'use *plain as root: *' -R plain -- true
printf 'x%0600d' 0 >archive.tar
bad 'a root that is an archive' 125 'use *archive.tar*' -R archive.tar -- true
bad 'a root in a registry' 125 '*' -R docker.io/library/debian -- true
bad '--upper that is missing' 125 'use --upper*none*' -R "$tmp/root" --upper none -- true
bad 'a source that is missing' 125 "bind $tmp/none: *" --ro "$tmp/none:/x" -- true
bad 'a source that is a link to nowhere' 125 '*link to nowhere*' --ro "$(ln -s none dangling && echo dangling):/x" -- true
bad 'copy-on-write of a file' 125 '*plain copy-on-write: *not a directory*' --cow plain -- true
bad 'a cover of nothing' 125 'mask /nowhere: *' --mask /nowhere -- true
bad 'a destination that is relative' 125 'use --ro: *not an absolute path*' --ro dir:x -- true
bad 'a destination that is the root' 125 '*the root itself*' --ro dir:/ -- true
bad 'a destination that climbs to it' 125 "use --tmpfs: *'/usr/..' ends in '..'*" --tmpfs /usr/.. -- true
bad 'a source that climbs to it' 125 'mount on /: it is the root itself' --ro /usr/.. -- true
like 'the hint has the command as it is typed' "$(run -- ./windows)" "*hint: sed -i 's/\\\\r\$//' ./windows"
bad 'two colons' 125 'use --ro: *' --ro a:b:c -- true
bad '-v without a destination' 125 'use --volume: *' -v dir -- true
bad '--mount of an unknown type' 125 'use --mount: *' --mount type=cloud,dst=/x -- true
bad '--mount without a destination' 125 'use --mount: *' --mount type=tmpfs -- true
bad '--mount with an unknown field' 125 'use --mount: *colour*' --mount type=tmpfs,dst=/x,colour=red -- true
bad 'a profile that is missing' 125 '*none*' --profile none -- true
bad 'a pool that is missing' 125 'use --pool: *none*' --pool none -- true
bad 'a configuration that is missing' 125 '*none*' --config none -- true
bad 'a configuration that is none' 125 '*plain*line 1*' --config plain -- true
bad 'a filter that is missing' 125 '*none*' --seccomp none -- true
bad 'a filter that is none' 125 'use --seccomp*plain*' --seccomp plain -- true
bad 'a file of variables that is missing' 125 '*none*' --env-file none -- true
bad 'a pid file that cannot be written' 125 '*/nowhere/pid*' --pid-file /nowhere/pid -- true
bad 'statistics that cannot be written' 125 '*/nowhere/stats*' --stats=/nowhere/stats -- true

# ---- ids, namespaces, names ------------------------------------------------------------------------

bad 'a user that the root does not have' 125 '*nobody-here*' -R "$tmp/root" -u nobody-here -- true
bad 'a name that getent takes for a number' 125 "run as '+5': *" -u +5 -- true
bad 'with a blank' 125 "run as ' 5': *" -u ' 5' -- true
bad 'a group that it takes for one' 125 "*group '+5'*" -u 5:+5 -- true
bad 'a map with a range of nothing' 125 '*' --map 0:0:0 -- true
bad 'a map with ranges that overlap' 125 '*overlap*' --map "0:$(id -u):1" --map 0:100000:5 -- true
bad 'a map of a foreign id' 125 'map the user id 4242424: /etc/subuid does not give it to you' --groups keep -R "$tmp/root" --map 0:4242424:1 -- true
bad 'a group that is not mapped' 125 '*group id 77777*' --group-add 77777 -- true
bad 'a namespace that cannot be shared' 125 'use --share: *' --share mnt -- true
bad 'a namespace of no kind' 125 'use --join: *' --join mountain:/proc/self/ns/net -- true
bad 'a namespace that is none' 125 'join the net namespace *: it is not a namespace*' --join "net:$tmp/work/plain" -- true
bad 'one of another kind' 125 'join the net namespace *: it is of another kind*' --join net:/proc/self/ns/uts -- true
bad 'a name that is a path' 125 'use --name: *' --name ../x -- true
"$SBX" run --no-config --name taken -- sleep 60 </dev/null >/dev/null 2>&1 &
taken=$!
until_true sh -c '"$0" list | grep -q taken' "$SBX"
bad 'a name that is taken' 125 '*taken*running*' --name taken -- true
kill -KILL "$taken"
wait "$taken" 2>/dev/null
"$SBX" list >/dev/null

# ---- --dry-run --------------------------------------------------------------------------------------

output=$(run --dry-run --rw . -- touch made)
is '--dry-run of what is well ends with 0' $? 0
like 'and tells it in words' "$output" '*touch*'
is 'and starts nothing' "$(ls made 2>/dev/null)" ''
output=$(run --dry-run --rw . --pid-file pid --name dry -d --log log -- touch made)
is 'nor makes a file' "$(ls pid log made 2>/dev/null; ls -A "$tmp/run/sbx")" ''
chmod 755 closed
