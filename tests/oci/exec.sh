#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Further processes of a container: by words and by a file, where they are and what they may do,
# statuses and words that engines look for, pid files, terminals, attacks from inside.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

# What a process is, as /proc tells.
powers='grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Umask)" /proc/$1/status
	for kind in user mnt pid net ipc uts cgroup; do readlink /proc/$1/ns/$kind; done
	readlink /proc/$1/root; grep -E "open files|core" /proc/$1/limits; cat /proc/$1/oom_score_adj'

# process NAME SCRIPT [FILTER]: a file for --process
process() {
	jq ".process | .args = [\"sh\", \"-c\", $(printf %s "$2" | jq -Rs .)] | ${3:-.}" \
		"$config" >"$tmp/$1.json"
}
exec_process() { # NAME ARG...
	name=$1
	shift
	oci exec --process "$tmp/$name.json" "$@" box
}
# console SOCKET FILE: takes one terminal there and writes what it says to a file
console() {
	python3 - "$1" "$2" <<'END' &
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.settimeout(20)
connection = server.accept()[0]
control = connection.recvmsg(100, socket.CMSG_SPACE(4))[1]
master = array.array("i", control[0][2])[0]
said = b""
try:
    while True:
        said += os.read(master, 1000)
except OSError:
    pass
open(sys.argv[2], "wb").write(said)
END
	receiver=$!
	until_true test -S "$1"
}

plan 42

bundle box '.process.args = ["sleep", "100"] | .process.env += ["A=1"] | .process.cwd = "/tmp" |
	.process.user.umask = 23 | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 77}] |
	.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 42}]}'
ok 'a container runs' oci run -d --bundle "$bundle" box

# ---- by words ------------------------------------------------------------------------------

what=$(oci exec box sh -c "$powers" sh 1)
like 'its process is seen' "$what" '*Seccomp:*2*mnt:*open files*77*'
is 'what enters is where that is, and may do the same' "$(oci exec box sh -c "$powers" sh self)" "$what"
is 'it has environment and directory' "$(oci exec box sh -c 'echo "$A $PWD"')" '1 /tmp'
is 'others on request' "$(oci exec --cwd / -e A=2 --env B=3 box sh -c 'echo "$A $B $PWD"')" '2 3 /'
is 'a user of the map' "$(oci exec --user 0:0 box id -u)" 0
like 'a capability more' "$(oci exec --cap CAP_SYS_CHROOT box grep CapPrm /proc/self/status)" '*20040420'
fails 'what the filter denies' 255 oci exec box /nothing
like 'it denies there, too' "$(oci exec box mkdir /tmp/new)" "*mkdir*/tmp/new*"
fails 'a status passes through' 7 oci exec box sh -c 'exit 7'
fails 'that of a signal' 137 oci exec box sh -c 'kill -KILL $$'
is 'no other descriptor is there' "$(oci exec box ls /proc/self/fd | grep -v link | tr '\n' ' ')" '0 1 2 3 '
is 'those that are handed on are' "$(
	exec 3<"$config" 4<"$config" 5<"$config"
	oci exec --preserve-fds 2 box sh -c 'head -c 1 <&3; head -c 1 <&4; test -e /proc/self/fd/5 || echo' | tr -d ' \t'
)" '{{'

# ---- what is not there ---------------------------------------------------------------------

fails 'a program that is not there' 255 oci exec box nowhere
like 'in the words of engines' "$(oci exec box nowhere)" \
	'*executable file `nowhere` not found in $PATH: no such file or directory*'
like 'a path' "$(oci exec box /no/where)" '*/no/where*no such file or directory*'
like 'what is none' "$(oci exec box /etc)" '*ermission denied*'
fails 'a container that is not there' 255 oci exec nobody true
like 'says so' "$(oci exec nobody true)" '*does not exist*'
fails 'an option that there is not' 1 oci exec --nonsense box true
fails 'without a command' 1 oci exec box

# ---- by a file, as engines do --------------------------------------------------------------

process plain 'echo "$PWD $Z"; exit 3' '.env += ["Z=26"]'
is 'a process by a file' "$(exec_process plain; echo $?)" '/ 26
3'
process less 'grep CapEff /proc/self/status' '.capabilities = {}'
like 'with fewer powers' "$(exec_process less)" '*0000000000000000'
process long 'exec sleep 101'
ok 'one that stays' exec_process long --detach --pid-file "$tmp/pid"
until_true grep -qa sleep.101 "/proc/$(cat "$tmp/pid")/cmdline"
is 'its pid is known' "$(tr '\0' ' ' <"/proc/$(cat "$tmp/pid")/cmdline")" 'sleep 101 '
like 'and is in the container' "$(oci exec box ps)" '*sleep 101*'
process missing '' '.args = ["nowhere"]'
fails 'one that cannot be executed' 255 exec_process missing --detach --pid-file "$tmp/none"
ok 'has no pid file' test ! -e "$tmp/none"
process damaged 'true' '.args = "no list"'
fails 'a file that is wrong' 255 exec_process damaged
like 'and which member' "$(exec_process damaged)" '*args*'

# ---- terminals -----------------------------------------------------------------------------

process tty 'tty; stty size' '.terminal = true | .consoleSize = {width: 70, height: 30}'
fails 'a terminal that nobody would hold' 255 exec_process tty --detach
like 'and the ways out' "$(exec_process tty --detach)" '*--console-socket*'
console "$tmp/console" "$tmp/typed"
ok 'one that somebody takes' exec_process tty --detach --console-socket "$tmp/console"
wait "$receiver"
is 'it is one of the container, of its size' "$(tr -d '\r' <"$tmp/typed" | tr '\n' ' ')" '/dev/pts/0 30 70 '
like 'one of our own' "$(script -qec "'$runtime' --root '$state' exec -t box tty" /dev/null </dev/null)" '*/dev/pts/*'

# ---- attacks -------------------------------------------------------------------------------

fails 'the file of the runtime is no program' 255 oci exec box /proc/self/exe
oci exec box sh -c 'while :; do for p in /proc/[0-9]*; do
	test -r $p/environ && tr "\0" "\n" <$p/environ; cat $p/maps; readlink $p/exe; done; done' >"$tmp/peeped" 2>/dev/null </dev/null &
peeper=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	SECRET=canary oci exec box true
done
oci exec box sh -c 'kill -KILL $(ps | grep "while :" | grep -v grep | sed "s/^ *\([0-9]*\).*/\1/")' >"$tmp/why" 2>&1
wait "$peeper"
ok 'nobody inside sees who joins' sh -c '! grep -e canary -e "$(basename "$2")" "$1"' sh "$tmp/peeped" "$runtime"
kill -KILL "$(cat "$tmp/pid")"
oci kill box KILL >"$tmp/why"
until_true status_is box stopped
like 'one that has ended is not entered' "$(oci exec box true)" '*container not running*'
oci delete box

# ---- before the start ------------------------------------------------------------------------

# Process 1 has no filter then, and where the namespace is its own, its owner may look into it.
ok 'a container is created' oci create --bundle "$bundle" waits
if [ "$(id -u)" = 0 ]; then
	ok 'who has power outside enters it' oci exec waits true
else
	like 'nobody enters before it is started' "$(oci exec waits true)" '*container not running, it is created*start waits*'
fi
ok 'and then anybody may' oci start waits
ok 'who can' oci exec waits true
oci delete --force waits
