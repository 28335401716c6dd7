#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A running sandbox can be entered, stopped, and asked what it wrote and uses. What enters it can do
# no more than its command.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

own_place

sbx() {
	timeout -s KILL 20 "$SBX" "$@" </dev/null
}
run() {
	timeout -s KILL 20 "$SBX" run --no-config --net none -d "$@" </dev/null
}
enter() {
	timeout -s KILL 20 "$SBX" exec "$@" </dev/null 2>&1
}
# What a process is, as /proc tells: the command is process 2.
powers='grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Umask)" /proc/$1/status
	for kind in user mnt pid net ipc uts cgroup time; do readlink /proc/$1/ns/$kind; done
	readlink /proc/$1/root; grep -E "open files|core" /proc/$1/limits'
seen_inside() { # NAME TEXT
	enter "$1" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' | grep -q "$2"
}
unseen_inside() {
	! seen_inside "$1" "$2"
}

plan 53

umask 027
ok 'a sandbox runs' run --name web --log "$tmp/log" --env A=1 --rlimit nofile=77:77 -- \
	sh -c 'echo begun; exec sleep 60'
what=$(enter web sh -c "$powers" sh 2)
like 'its command is seen' "$what" '*Seccomp:*2*mnt:*open files*77*'
is 'what enters is where that is, and may do the same' "$(enter web sh -c "$powers" sh self)" "$what"
is 'it has the environment and the directory' "$(enter web sh -c 'echo "$A $PWD"')" "1 $PWD"
is 'another directory' "$(enter -w / web pwd)" /
is 'and other variables' "$(OUTER=3 enter -e A=2 -e OUTER --env=B=4 web sh -c 'echo "$A $OUTER $B"')" '2 3 4'
is 'a directory that is not there' "$(enter -w /nowhere web true | head -n 1)" \
	'sbx: cannot enter the working directory /nowhere: No such file or directory'
fails 'its status passes through' 7 enter web sh -c 'exit 7'
fails 'as that of a signal does' 137 enter web sh -c 'kill -KILL $$'
fails 'a program that is not there' 127 enter web nothing-of-the-sort
fails 'one that is none' 126 enter web /etc/passwd
fails 'the file of sbx is no program either' 126 enter web /proc/self/exe
fails 'a name that nobody has' 125 enter wob true
like 'and the nearest one' "$(enter wob true)" '*did you mean web*'
fails 'an option that there is not' 125 enter -x web true
fails 'no command' 125 enter web
is 'options of the program are its own' "$(enter web -- sh -c 'echo $0' -t)" -t
is 'no other descriptor is there' "$(enter web ls /proc/self/fd | tr '\n' ' ')" '0 1 2 3 '
(
	exec 7<"$tmp"
	"$SBX" exec web sh -c 'ls /proc/self/fd/7' </dev/null >"$tmp/said" 2>&1
)
is 'nor one of the caller' $? 2
echo kept >input
like 'a file as its input stays as it is' \
	"$("$SBX" exec -i web sh -c 'cat; echo lost >/proc/self/fd/0' <input 2>&1; cat input)" 'kept*kept'
is 'it is no sandbox of its own' "$(sbx list | awk 'NR > 1 { printf "%s ", $1 }')" 'web '
like 'its terminal is one of the sandbox' \
	"$(script -qec "'$SBX' exec -t web sh -c 'tty; test -t 2 && echo whole'" /dev/null </dev/null | tr -d '\r\000' | tr '\n' ' ')" \
	'*/dev/pts/0 whole *'

# ---- its life ------------------------------------------------------------------------------

"$SBX" exec web sleep 71 </dev/null &
killed=$!
ok 'another process is there for a while' until_true seen_inside web 'sleep 71'
kill -KILL "$killed"
ok 'until sbx exec is killed' until_true unseen_inside web 'sleep 71'
wait "$killed" 2>/dev/null
"$SBX" exec web sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' </dev/null &
told=$!
until_true seen_inside web 'exit 9'
kill -TERM "$told"
wait "$told"
is 'signals are passed on' $? 9
"$SBX" exec web sleep 72 </dev/null &
left=$!
until_true seen_inside web 'sleep 72'

# ---- what it wrote, what it uses -----------------------------------------------------------

is 'what it wrote is shown' "$(sbx logs web)" begun
"$SBX" logs -f web >"$tmp/followed" 2>&1 </dev/null &
follower=$!
printf 'a\033[31mb\n' >>"$tmp/log"
like 'a terminal is not to obey it' "$(script -qec "'$SBX' logs web" /dev/null </dev/null | od -c)" '*a*^*\[*3*1*m*b*'
is 'what reads it gets it as it is' "$(sbx logs web | tail -n 1 | od -An -c | tr -d ' ')" 'a033[31mb\n'
like 'what it uses' "$(sbx stats)" '*NAME*PIDS*web*%*'
like 'for programs' "$(sbx stats --json web)" \
	'{"version":1,"sandboxes":\[{"id":"web","pid":*,"cpu_percent":*,"memory_bytes":*"pids":[3-9],"counted_by":"processes"}\]}'
fails 'of nobody' 125 sbx stats wob
is 'without sandboxes' "$(XDG_RUNTIME_DIR=$tmp/work sbx stats --json)" '{"version":1,"sandboxes":[]}'
like 'a table again and again' "$(timeout 4 script -qec "timeout 2 '$SBX' stats web" /dev/null </dev/null)" \
	'*NAME*web*NAME*web*'

# ---- the end -------------------------------------------------------------------------------

ok 'it is stopped' sbx stop web
wait "$left"
is 'and what had entered it with it' $? 137
wait "$follower"
is 'who reads on is done then' "$? $(head -n 1 "$tmp/followed")" '0 begun'
is 'nothing is left' "$(sbx list)$(ls "$XDG_RUNTIME_DIR/sbx")" ''
run --name polite --stop-signal USR1 -- sh -c 'trap "echo asked; exit 3" USR1; while :; do sleep 0.1; done'
run --name deaf --log - -- sh -c 'trap "" TERM; while :; do sleep 0.1; done' >"$tmp/deaf" 2>&1
"$SBX" wait polite </dev/null &
waiter=$!
fails 'a log that is nowhere' 125 sbx logs polite
like 'and why' "$(sbx logs polite 2>&1)" '*it has none*--log FILE*'
like 'one that is not ours' "$(sbx logs deaf 2>&1)" '*where it was started*'
fails 'one of several is not there' 125 sbx stop -t 1 polite deaf wob
is 'the others have ended all the same' "$(sbx list)" ''
wait "$waiter"
case $? in 3 | 125) result 0 'one by its own signal' ;; *) result 1 'one by its own signal' ;; esac
fails 'a time that is none' 125 sbx stop -t soon web

# ---- powers --------------------------------------------------------------------------------

run --name strict --policy default-mkdir-mkdirat -- sleep 60
like 'what the policy denies it denies there, too' "$(enter strict mkdir /tmp/new)" '*Operation not permitted*'
ok 'the rest goes on' enter strict true
like 'the own processes can be told something' "$(enter strict sh -c 'kill -0 2 && echo heard')" heard
sbx kill -s KILL strict
run --name told --policy default-mkdir-mkdirat --denials "$tmp/denials" -- sleep 60
like 'also where its launcher would tell of it' "$(enter told mkdir /tmp/new)" '*Operation not permitted*'
sbx kill -s KILL told
if run --name root --map subuid --cap-add SYS_ADMIN -- sleep 60 2>"$tmp/why"; then
	is 'who may mount lives in one more namespace' "$(enter root sh -c "$powers" sh self)" \
		"$(enter root sh -c "$powers" sh 2)"
	like 'and can undo nothing' "$(enter root umount /proc)" '*not mounted*'
	is 'a user of the sandbox' "$(enter -u nobody root id -un)" nobody
	is 'by number' "$(enter -u 3:4 root id)" "$(enter root sh -c 'id' >/dev/null; enter -u 3:4 root id)"
	sbx kill -s KILL root
else
	for what in 'who may mount lives in one more namespace' 'and can undo nothing' 'a user of the sandbox' 'by number'; do
		skip "$what" 'this user has no subordinate ids'
	done
fi
run --name alone --share pid,ipc -- sleep 60
is 'without a pid namespace' "$(enter alone readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
sbx kill -s KILL alone
