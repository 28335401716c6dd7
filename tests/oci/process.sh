#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What "process" of a config.json says, against what the process then is: ids, groups,
# capabilities, limits, scheduling, labels, its directory, its file; and the listener of its
# filter. What takes power is told apart: as root some of it is had.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

plan 71

is_root=$([ "$(id -u)" = 0 ] && echo yes)
count=0

# said SCRIPT [FILTER]: what a container with that script says, and its status
said() {
	count=$((count + 1))
	command_bundle "p$count" "$1" "${2:-.}"
	oci run -b "$bundle" "p$count"
	echo "status $?"
}

# field NAME [FILTER]: one line of /proc/self/status inside
field() {
	said "sed -n 's/^$1:[[:space:]]*//p' /proc/self/status" "${2:-.}" | sed '$d;s/[[:space:]]*$//'
}

# of what others would tell engines wrongly: facts of podman's words
plain() { # DESCRIPTION TEXT
	case $2 in
	*[Pp]'ermission denied'* | *[Oo]'peration not permitted'* | *[Nn]'o such file'* | *'executable file not found'*) result 1 "$1" || say "$2" ;;
	*) result 0 "$1" ;;
	esac
}

# ---- capabilities ----------------------------------------------------------------------------

sets='.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"], permitted: ["CAP_CHOWN", "CAP_KILL"],
	effective: ["CAP_CHOWN"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}'
is 'root has no more than was permitted' "$(field CapEff "$sets")" 0000000000000021
is 'and gets what is bounded where it may' "$(field CapEff "$sets | .process.noNewPrivileges = false")" 00000000000000a1
is 'the bounding set is as asked' "$(field CapBnd "$sets")" 00000000000000a1
is 'so is the inheritable one' "$(field CapInh "$sets")" 0000000000000020
is 'and the ambient one' "$(field CapAmb "$sets")" 0000000000000020
is 'no capabilities at all' "$(field CapBnd 'del(.process.capabilities)')" 0000000000000000
like 'one that is not known is left out' "$(said 'sed -n s/^CapBnd://p /proc/self/status' \
	'.process.capabilities |= map_values(["CAP_KILL", "CAP_WEATHER"])')" '*0000000000000020*status 0'
if [ "$is_root" ]; then
	is 'a user has what is ambient' "$(field CapEff "$sets | .process.user = {uid: 1000, gid: 1000}")" 0000000000000020
else
	skip 'a user has what is ambient' 'one id is mapped'
fi

# ---- new privileges --------------------------------------------------------------------------

is 'no new privileges where the configuration says so' "$(field NoNewPrivs)" 1
had=$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' /proc/self/status)
is 'new privileges where it does not' "$(field NoNewPrivs '.process.noNewPrivileges = false')" "$had"
filter='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 25}]}'
like 'a filter with new privileges' "$(said 'sed -n "s/^Seccomp:[[:space:]]*//p" /proc/self/status; mkdir /tmp/x' \
	".process.noNewPrivileges = false | $filter")" '2*ioctl*status 1'
is 'leaves no power behind' "$(field CapPrm ".process.noNewPrivileges = false | $filter")" 0000000020000420

# ---- groups and ids --------------------------------------------------------------------------

like 'user, group, umask' "$(said 'id -u; id -g; umask' '.process.user.umask = 7')" '0
0
0007
status 0'
like 'an additional group that is the own one' "$(said 'id -g' '.process.user.additionalGids = [0]')" '0
status 0'
if [ "$is_root" ]; then
	is 'additional groups' "$(field Groups '.process.user.additionalGids = [5, 77]')" '5 77'
	is 'none where none are named' "$(field Groups)" ''
	is 'many of them' "$(field Groups '.process.user.additionalGids = [range(1000; 1100)]' | wc -w | tr -d ' ')" 100
	is 'another user' "$(said 'id -u; id -g' '.process.user = {uid: 1234, gid: 4321}' | tr '\n' ' ')" '1234 4321 status 0 '
else
	answer=$(said true '.process.user.additionalGids = [77]')
	like 'additional groups that are not mapped are refused' "$answer" '*additionalGids*status 1'
	plain 'in words that mean nothing else' "$answer"
	like 'with what helps' "$answer" '*subordinate*'
	like 'and so is a user that is not' "$(said true '.process.user.uid = 1234')" '*status 1'
fi
groups=$(sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status | wc -w)
is 'the annotation leaves the groups of the caller' \
	"$(field Groups '.annotations = {"run.oci.keep_original_groups": "1"}' | wc -w)" "$groups"

# ---- limits ----------------------------------------------------------------------------------

limits='.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 40, hard: 50}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
is 'resource limits' "$(said 'ulimit -n; ulimit -Hn; ulimit -c' "$limits" | tr '\n' ' ')" '40 50 0 status 0 '
like 'a limit of few descriptors does not stop the start' \
	"$(said 'ulimit -n' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 4, hard: 4}]')" '4
status 0'
(
	# shellcheck disable=SC3045 # dash and busybox have it
	ulimit -n 200
	above=$(said 'ulimit -Hn' '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 300}]')
	printf '%s' "$above" >"$tmp/above"
)
above=$(cat "$tmp/above")
case $above in
'300
status 0') result 0 'a limit above the present one is had with power' ;;
*) like 'a limit above the present one is refused' "$above" '*RLIMIT_NOFILE*200*status 1' ;;
esac
plain 'in words that mean nothing else' "$above"
is 'weight for memory' "$(said 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 777' | tr '\n' ' ')" '777 status 0 '
lower=$(said 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = -999')
case $lower in
'-999
status 0') result 0 'less weight is had with power' ;;
*) like 'less weight is refused' "$lower" '*oom_score_adj*-999*status 1' ;;
esac
plain 'in words that mean nothing else' "$lower"

# ---- scheduling ------------------------------------------------------------------------------

# Behind the name: policy is the 39th word, nice the 17th (proc_pid_stat(5)).
stat='sed "s/.*) //" /proc/self/stat | cut -d " " -f 17,39'
# Nobody without power goes below what the caller has.
nice=$(nice)
is 'a scheduler' "$(said "$stat" ".process.scheduler = {policy: \"SCHED_BATCH\", nice: $((nice + 3))}" | tr '\n' ' ')" \
	"$((nice + 3)) 3 status 0 "
is 'another one' "$(said "$stat" ".process.scheduler = {policy: \"SCHED_IDLE\", nice: $nice}" | tr '\n' ' ')" \
	"$nice 5 status 0 "
realtime=$(said "$stat" '.process.scheduler = {policy: "SCHED_FIFO", priority: 5}')
case $realtime in
*'0 1
status 0') result 0 'one for real time is had with power' ;;
*) like 'one for real time is refused' "$realtime" '*process.scheduler*CAP_SYS_NICE*status 1' ;;
esac
plain 'in words that mean nothing else' "$realtime"
is 'priority of I/O' "$(said ionice '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}' | tr '\n' ' ')" 'best-effort: prio 6 status 0 '
case $(uname -m) in
x86_64) is 'personality' "$(said 'uname -m' '.linux.personality = {domain: "LINUX32"}' | tr '\n' ' ')" 'i686 status 0 ' ;;
*) skip 'personality' 'the word is that of another machine' ;;
esac

# ---- labels ----------------------------------------------------------------------------------

has_module() {
	grep -qw "$1" /sys/kernel/security/lsm 2>/dev/null
}

if grep -q Y /sys/module/apparmor/parameters/enabled 2>/dev/null; then
	answer=$(said true '.process.apparmorProfile = "sbx-no-such-profile"')
	like 'a profile that nobody loaded is refused' "$answer" '*/attr/*sbx-no-such-profile*status 1'
	skip 'the build may leave AppArmor out' 'it is active'
else
	answer=$(said true '.process.apparmorProfile = "sbx-no-such-profile"')
	like 'a profile without AppArmor is refused' "$answer" '*AppArmor*sbx-no-such-profile*status 1'
	is '"unconfined" is not' "$(said true '.process.apparmorProfile = "unconfined"')" 'status 0'
fi
plain 'in words that mean nothing else' "$answer"
if [ -e /sys/fs/selinux/enforce ]; then
	skip 'a label without SELinux' 'it is active'
	skip 'a label of mounts without SELinux' 'it is active'
else
	like 'a label without SELinux is refused' "$(said true '.process.selinuxLabel = "a:b:c:s0"')" '*SELinux*a:b:c:s0*status 1'
	like 'a label of mounts as well' "$(said true '.linux.mountLabel = "a:b:d:s0"')" '*SELinux*a:b:d:s0*status 1'
fi
like 'the build says which it has' "$(oci --version)" '*options:*ambient*nokmem*'

# ---- the directory ---------------------------------------------------------------------------

is 'the working directory' "$(said pwd '.process.cwd = "/bin"' | head -n 1)" /bin
is 'one that is missing is made' "$(said 'pwd; stat -c %a .' '.process.cwd = "/tmp/a/b"' | tr '\n' ' ')" '/tmp/a/b 755 status 0 '
answer=$(said true '.process.cwd = "/bin/busybox"')
like 'a file is none' "$answer" '*/bin/busybox*status 1'
# CVE-2024-21626: a directory of the host that somebody left open.
command_bundle leaked 'pwd; ls' '.process.cwd = "/proc/self/fd/3"'
answer=$(oci run -b "$bundle" --preserve-fds 1 leaked 3</ && echo started)
like 'a descriptor does not lead out' "$answer" '*outside of the container*'
plain 'and says so in words of its own' "$answer"
command_bundle leaked 'ls /proc/self/fd/3/ 2>&1; echo "fd $(ls /proc/self/fd | tr "\n" " ")"'
like 'what nobody names is closed' "$(oci run -b "$bundle" leaked 3</ 4</etc/passwd 9<"$tmp")" '*fd 0 1 2 3*'

# ---- the file --------------------------------------------------------------------------------

bundle missing '.process.args = ["sbx-no-such-program"]'
answer=$(oci run -b "$bundle" missing)
is 'a program that is missing is an error of create' $? 1
like 'which engines know' "$answer" '*executable file `sbx-no-such-program` not found in $PATH: no such file or directory*'
bundle missing '.process.args = ["/sbx-no-such-program"]'
like 'by its path as well' "$(oci run -b "$bundle" missing)" '*/sbx-no-such-program*no such file or directory*'
bundle denied '.process.args = ["/etc"]'
like 'and a directory' "$(oci run -b "$bundle" denied)" '*permission denied*'

# CVE-2019-5736: nobody executes, and later writes, the file of the runtime.
bundle own '.process.args = ["/proc/self/exe", "--version"]'
answer=$(oci run -b "$bundle" own)
is 'the file of the runtime is no program' $? 1
like 'which is said' "$answer" '*file of sbx*'
printf '#!/proc/self/exe\n' >"$root/bin/script"
ln -sf /proc/self/exe "$root/bin/link"
chmod 755 "$root/bin/script"
bundle own '.process.args = ["script"]'
fails 'nor as an interpreter' 1 oci run -b "$bundle" own
bundle own '.process.args = ["link"]'
fails 'nor by a link' 1 oci run -b "$bundle" own
rm -f "$root/bin/script" "$root/bin/link"
command_bundle created true
oci create -b "$bundle" created >"$tmp/created"
process=$(pid created)
is 'a created container waits' "$(status created)" created
# Not even by whoever may look at it: a read-only mount of the file, or sealed memory.
is 'its file cannot be written' "$(sh -c ': >>/proc/'"$process"'/exe' 2>&1 | grep -c .)" 1
if [ -w "$SBX_OCI" ] && [ "$is_root" ]; then
	is 'nor is it the one that was installed' "$(test -w "/proc/$process/exe" || echo read-only)" read-only
else
	skip 'nor is it the one that was installed' 'only root may look'
fi
is 'it holds no file of the host' "$(for fd in "/proc/$process/fd"/*; do readlink "$fd"; done 2>/dev/null |
	grep -vc -e '^socket:' -e '^/dev/null' -e '^pipe:' -e "^$tmp")" 0
ok 'and is deleted' oci delete --force created

# ---- the same by exec ------------------------------------------------------------------------

# entered FILTER [OPTION...]: what another process says, whose "process" is changed by a filter
command_bundle entered 'sleep 60'
ok 'a container to enter' oci run -d -b "$bundle" entered
entered() {
	jq ".process | $1" "$bundle/config.json" >"$tmp/process.json"
	shift
	oci exec -p "$tmp/process.json" "$@" entered
	echo "status $?"
}
like 'exec has sets of its own' "$(entered '.args = ["grep", "Cap", "/proc/self/status"] | .capabilities |= map_values(["CAP_KILL"])')" \
	'*CapPrm:*0000000000000020*CapBnd:*0000000000000020*status 0'
first=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
like 'and processors' "$(entered ".args = [\"grep\", \"Cpus_allowed_list\", \"/proc/self/status\"] |
	.execCPUAffinity = {initial: \"$first\", final: \"$first\"}")" "*Cpus_allowed_list:?$first
status 0"
like 'it cannot execute the file of the runtime' "$(entered '.args = ["/proc/self/exe"]')" '*file of sbx*status 255'
like 'a directory that is missing is no place for it' "$(entered '.cwd = "/tmp/no/where"')" '*working directory /tmp/no/where: it is not there*status 255'
like 'nor be led out' "$(entered '.cwd = "/proc/self/fd/3"' --preserve-fds 1 3</)" '*outside of the container*status 255'
ok 'and is deleted' oci delete --force entered

# ---- the terminal ----------------------------------------------------------------------------

python3 "$oci_here/receive.py" console "$tmp/console" >"$tmp/size" 2>&1 &
waiting="$waiting $!"
until_true test -S "$tmp/console"
command_bundle sized 'stty size >/tmp/size; sleep 0.1; cat /tmp/size' \
	'.process.terminal = true | .process.consoleSize = {height: 33, width: 99}'
ok 'a terminal with a size' oci run -d --console-socket "$tmp/console" -b "$bundle" sized
ok 'is handed over' until_true test -s "$tmp/size"
is 'in that size' "$(cat "$tmp/size")" '33 99'

# ---- the listener of a filter ------------------------------------------------------------------

python3 "$oci_here/receive.py" seccomp "$tmp/listener" >"$tmp/state.json" 2>&1 &
waiting="$waiting $!"
until_true test -S "$tmp/listener"
notify='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $path, listenerMetadata: "some words",
	syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY"}]}'
notify=$(printf %s "$notify" | sed "s|\$path|\"$tmp/listener\"|")
command_bundle notified 'mkdir /tmp/x; true' "$notify"
like 'a listener answers' "$(oci run -b "$bundle" notified)" '*[Ii]nappropriate ioctl*'
is 'it was told of the container' "$(jq -r '[.metadata, .fds[0], .state.id, (.pid > 0), (.pid == .state.pid), .ociVersion] | join(" ")' \
	"$tmp/state.json")" 'some words seccompFd notified true true 1.0.2'
rm -f "$tmp/listener"
fails 'without one the container does not start' 1 oci run -b "$bundle" notified
is 'and nothing is left of it' "$(ids | tr ' ' '\n' | grep -c notified)" 0
