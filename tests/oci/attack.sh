#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What containers, bundles, places and callers do to break the promises of SECURITY.md about
# containers: the runtime's own file, what joins a container, ids, processes that play dead,
# cgroups of others, files that never answer, directories that are swapped meanwhile.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

# A copy that this user could write to, if a container gets hold of it.
own=$tmp/own
cp "$runtime" "$own"
chmod 755 "$own"
runtime=$own
sum=$(cksum <"$own")

plan 48

# ---- the file of the runtime --------------------------------------------------------------------

# Opens it in all ways, once more when it is executed no longer, and says which way led there.
# The words that the write would leave behind are looked for in the file itself.
reach='
	exec 5</proc/1/exe
	for how in ">>/proc/1/exe" ">/proc/1/exe" ">>/proc/self/fd/5" "1<>/proc/self/fd/5"; do
		(eval "echo overwritten $how") 2>/dev/null && echo "written by $how"
	done
	echo reached >/proc/self/comm
	until [ "$(cat /proc/1/comm)" = sleep ]; do sleep 0.05; done
	for how in ">>/proc/self/fd/5" ">/proc/self/fd/5" "1<>/proc/self/fd/5"; do
		(eval "echo overwritten $how") 2>/dev/null && echo "written by $how"
	done'
tracing='.process.capabilities |= map_values(["CAP_KILL", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_CHROOT"])'
bundle box ".process.args = [\"sleep\", \"100\"] | $tracing"
ok 'a container waits' oci create --bundle "$bundle" box
command_bundle near "$reach" "$tracing | (.linux.namespaces[] | select(.type == \"pid\" or .type == \"user\")) |=
	(.path = \"/proc/$(pid box)/ns/\" + .type) | del(.linux.uidMappings, .linux.gidMappings)"
: >"$tmp/reached"
(out=$tmp/reached oci run --bundle "$bundle" near) >"$tmp/said/reach" &
reacher=$!
until_true status_is near running
until_true holds "/proc/$(pid near)/comm" reached
ok 'it is started while a neighbour in its namespaces holds its file' oci start box
wait "$reacher"
is 'who has not written to the file of the runtime' "$(cat "$tmp/reached")" ''
is 'which is what it was' "$(cksum <"$own")" "$sum"
ok 'and can be replaced from outside' sh -c ': >>"$1"' sh "$own"

# Of each process that comes, its file, its memory and what it has open.
peep='while test ! -e /tmp/enough; do for p in /proc/[0-9]*; do
	[ "$p" = "/proc/$$" ] || [ "$p" = /proc/1 ] || { readlink "$p/exe"; readlink "$p"/fd/* "$p/cwd"
	(echo overwritten >"$p/exe") 2>/dev/null; (echo 5 >"$p/mem") 2>/dev/null; }; done; done'
bundle plain '.process.args = ["sleep", "100"]'
ok 'another one runs' oci run -d --bundle "$bundle" plain
(out=$tmp/peeped oci exec plain sh -c "$peep" 2>/dev/null) >"$tmp/said/peep" &
peeper=$!
until_true test -e "$tmp/peeped"
for _ in 1 2 3 4 5 6 7 8; do
	(cd "$tmp/home" && exec 7<"$tmp/home" 8<"$config" && oci exec plain true)
done >"$tmp/said/joined" 2>&1
is 'what joins it meanwhile is not disturbed' "$(cat "$tmp/said/joined")" ''
oci exec plain touch /tmp/enough >"$tmp/said/enough"
wait "$peeper"
ok 'nor is anything of the caller seen, or its file' sh -c '! grep -e "$1" -e sbx-oci -e /own "$2" | grep -v /said/' sh "$tmp" "$tmp/peeped"
is 'whose file is what it was' "$(cksum <"$own")" "$sum"

# ---- ways out by descriptors -------------------------------------------------------------------

fd=3
while [ "$fd" -le 11 ]; do
	printf '%s\n' "/proc/self/fd/$fd" "/proc/1/fd/$fd/."
	fd=$((fd + 1))
done >"$tmp/places"
while read -r place; do
	command_bundle cwd 'pwd; ls -d ../home ../../home ../../../../../tmp/sbx-test* 2>/dev/null; echo inside' ".process.cwd = \"$place\""
	oci run --bundle "$bundle" cwd | grep -x inside
	oci exec --cwd "$place" plain echo inside | grep -x inside
done <"$tmp/places" >"$tmp/entered" 3<"$tmp" 4<"$tmp/home" 6<"$tmp" 9</
is 'no descriptor is a working directory' "$(cat "$tmp/entered")" ''
command_bundle cwd 'ls; echo inside' '.process.cwd = "/proc/self/fd/3"'
like 'not even one that is handed on' "$(oci run --preserve-fds 1 --bundle "$bundle" cwd 3<"$tmp")" '*lies outside of the container*'
like 'nor for those who join' "$(oci exec --preserve-fds 1 --cwd /proc/self/fd/3 plain echo inside 3<"$tmp")" '*lies outside of the container*'
command_bundle cwd 'cat /proc/net/unix' ". | $tracing"
is 'the socket that starts it cannot be named' "$(oci run --bundle "$bundle" cwd | grep -c "$state")" 0

# ---- who is nobody -------------------------------------------------------------------------------

command_bundle id id '.process.user.uid = 4294967295'
like 'user -1 is not the user that we are' "$(oci run --bundle "$bundle" id)" '*cannot run with id 4294967295*'
command_bundle id id '.process.user.gid = 4294967295'
like 'nor is group -1' "$(oci run --bundle "$bundle" id)" '*cannot run with id 4294967295*'
like 'nor for those who join' "$(oci exec --user 4294967295:4294967295 plain id)" '*cannot run with id 4294967295*'

# ---- processes that play dead --------------------------------------------------------------------

# The first thread ends, another one goes on.
cat >"$tmp/dead.py" <<'END'
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(ctypes.c_long({"x86_64": 60, "aarch64": 93}[__import__("os").uname().machine]), 0)
END
bundle dead ".root = {path: \"/\", readonly: true} | .process.args = [\"$(command -v python3)\", \"/tmp/dead.py\"] |
	.mounts |= map(select(.destination != \"/tmp\")) + [{destination: \"/tmp\", type: \"bind\", source: \"$tmp\", options: [\"bind\"]}]"
ok 'a process runs' oci run -d --bundle "$bundle" dead
first=$(pid dead)
until_true grep -q '^State:[[:space:]]*Z' "/proc/$first/status"
is 'whose first thread has ended: it runs on' "$(status dead)" running
like 'it is not deleted' "$(oci delete dead)" '*not stopped*'
ok 'it can be killed' oci kill dead KILL
until_true status_is dead stopped
is 'and is stopped then' "$(status dead)" stopped
ok 'and deleted' oci delete dead
until_true is_gone "$first"
ok 'nothing of it is left' is_gone "$first"

command_bundle name 'printf "x) Z 1 1\n) X (" >/proc/self/comm; exec 3<>/tmp/fifo; while :; do read -r -t 1 _ <&3; done' \
	'.mounts += [{destination: "/tmp/fifo", type: "bind", source: "FIFO", options: ["bind"]}]'
mkfifo "$tmp/fifo"
sed -i "s#FIFO#$tmp/fifo#" "$bundle/config.json"
ok 'one with a name like a status' oci run -d --bundle "$bundle" name
until_true grep -q 'x) Z' "/proc/$(pid name)/stat"
is 'runs' "$(status name)" running
is 'and is joined' "$(oci exec name echo inside)" inside
like 'it is listed in one line' "$(oci list | grep -c name)" 1

# ---- cgroups of others ---------------------------------------------------------------------------

slice=sbx-attack-$$
if [ "$(id -u)" = 0 ] && mkdir -p "/sys/fs/cgroup/pids/$slice/inner" 2>/dev/null; then
	sleep 60 &
	sleeper=$!
	waiting="$waiting $sleeper"
	echo "$sleeper" >"/sys/fs/cgroup/pids/$slice/inner/cgroup.procs"
	command_bundle group 'echo inside' ".linux.cgroupsPath = \"/$slice\""
	like 'a group with others below is not taken' "$(oci run --bundle "$bundle" group)" '*other processes live in it*'
	ok 'and they live' lives "$sleeper"
	kill "$sleeper"
	wait "$sleeper" 2>/dev/null
	until_true rmdir "/sys/fs/cgroup/pids/$slice/inner" "/sys/fs/cgroup/pids/$slice"
else
	skip 'a group with others below is not taken' 'no group of cgroup v1 can be made here'
	skip 'and they live' 'no group of cgroup v1 can be made here'
fi

# ---- files that never answer --------------------------------------------------------------------

mkfifo "$tmp/pipe"
command_bundle run 'echo inside'
limit=5
like 'a FIFO as log' "$(oci --log "$tmp/pipe" run --bundle "$bundle" run)" '*cannot write the log*'
is 'a FIFO as pid file' "$(oci run --pid-file "$tmp/pipe" --bundle "$bundle" run)" inside
echo kept >"$tmp/kept"
ln -s "$tmp/kept" "$tmp/link"
is 'a link as pid file' "$(oci run --pid-file "$tmp/link" --bundle "$bundle" run; cat "$tmp/kept")" 'inside
kept'
rm "$bundle/config.json"
mkfifo "$bundle/config.json"
like 'a FIFO as config.json' "$(oci run --bundle "$bundle" run)" '*cannot read*config.json*'
rm "$bundle/config.json"
rm -f "$root/etc/passwd"
mkfifo "$root/etc/passwd"
command_bundle run 'echo inside'
like 'a FIFO as passwd of the root' "$(oci run --bundle "$bundle" run)" '*not a regular file*'
like 'also of one that is joined' "$(oci exec plain echo inside)" '*not a regular file*'
ln -sf /dev/zero "$root/etc/passwd"
like 'or a device without end' "$(oci run --bundle "$bundle" run)" '*not a regular file*'
rm -f "$root/etc/passwd"
limit=30

# ---- directories that are swapped -----------------------------------------------------------------

mkdir -p "$tmp/outside" "$tmp/volume" "$tmp/swapped/place" "$root/data"
ln -s ../../../../../../../../../../../../../../../../../../../../../../.."$tmp/outside" "$tmp/swapped/link"
(while [ ! -e "$tmp/enough" ]; do
	rm -rf "$root/data/dir" && cp -a "$tmp/swapped/link" "$root/data/dir"
	rm -f "$root/data/dir" && mkdir "$root/data/dir"
done) 2>/dev/null &
swapper=$!
command_bundle swap 'echo inside' ".mounts += [{destination: \"/data/dir/made\", type: \"bind\", source: \"$tmp/volume\", options: [\"bind\"]},
	{destination: \"/data/dir/deep/made\", type: \"tmpfs\", source: \"tmpfs\"}] | .linux.maskedPaths += [\"/data/dir/masked\"]"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	oci run --bundle "$bundle" swap
done >"$tmp/said/swap" 2>&1
: >"$tmp/enough"
wait "$swapper"
is 'a directory that becomes a link meanwhile leads nowhere outside' "$(ls -A "$tmp/outside")" ''
rm -rf "$root/data"

# ---- documents ------------------------------------------------------------------------------------

# Ended by us, with 1, and in words: by no signal, and with nothing started.
while read -r change; do
	bundle bad ".process.args = [\"echo\", \"inside\"] | $change"
	oci run --bundle "$bundle" bad >"$tmp/said/bad" 2>&1
	[ $? = 1 ] && grep -q '^sbx-oci: cannot' "$tmp/said/bad" || echo "$change: $(cat "$tmp/said/bad")"
done >"$tmp/said/changes" <<'END'
.process.user.uid = -1
.process.user.uid = 1e999
.process.user.gid = 0.5
.process.args = ["a\u0000b"]
.process.cwd = "../.."
.process.rlimits = [{type: "RLIMIT_NOFILE", soft: -1, hard: -1}]
.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 9, hard: 5}]
.linux.sysctl = {"net/../kernel/core_pattern": "|/x"}
.linux.sysctl = {"kernel.core_pattern": "|/x"}
.linux.maskedPaths = ["../../etc"]
.linux.devices = [{type: "c", path: "../../tmp/x", major: 1, minor: 3}]
.linux.namespaces += [{type: "pid"}]
.linux.cgroupsPath = "/a/../../b"
.annotations = {"run.oci.delegate-cgroup": "a/../../.."}
.annotations = {"run.oci.systemd.subgroup": "../b"}
.hooks = {prestart: [{path: "true"}]}
.hooks = {prestart: [{path: "/bin/sh", timeout: -1}]}
END
is 'documents that climb, overflow and contradict themselves' "$(cat "$tmp/said/changes")" ''
bundle bad
python3 -c 'print("{\"a\":" + "[" * 100000 + "]" * 100000 + "}")' >"$bundle/config.json"
like 'one that is deep' "$(oci run --bundle "$bundle" bad)" '*cannot read*'
head -c 20000000 /dev/zero | tr '\0' ' ' >"$bundle/config.json"
like 'one that is large' "$(oci run --bundle "$bundle" bad)" '*cannot read*too large*'
like 'an update without end' "$(yes '{"a":' | timeout 20 "$runtime" --root "$state" update --resources - plain 2>&1)" '*cannot*'

# ---- want -----------------------------------------------------------------------------------------

command_bundle run 'echo inside'
limited() { # LIMIT ARG...
	bound=$1
	shift
	timeout -s KILL 20 prlimit "$bound" "$runtime" --root "$state" "$@" 2>&1 </dev/null | tail -n 1
}
is 'few descriptors are enough' "$(limited --nofile=64 run --bundle "$bundle" few)" inside
like 'none left is said' "$(limited --nofile=5 run --bundle "$bundle" fewer)" '*cannot*'
like 'no file may grow: that is said' "$(limited --fsize=0 create --bundle "$bundle" small)" '*cannot*'
is 'for those who join, too' "$(limited --nofile=64 exec plain echo inside)" inside
is 'nothing of these is left' "$(ids)" 'box name plain'

# ---- places of others ------------------------------------------------------------------------------

mkdir -m 777 "$tmp/open"
chmod 777 "$tmp/open"
like 'a place that others can write to is not believed' "$("$runtime" --root "$tmp/open" list 2>&1)" '*others can write to it*'

is 'the file of the runtime is what it was' "$(cksum <"$own")" "$sum"
