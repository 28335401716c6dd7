#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Members of config.json against the container that they make (runtime-spec, config.md and
# config-linux.md): few containers, each of which tells many things of itself.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

# said KEY: what the container said of it, line by line as `KEY: …`
said() {
	sed -n "s/^$1: //p" "$tmp/out"
}
# mount_of PLACE: its options, and those of its file system, as /proc/self/mountinfo has them
mount_of() {
	sed -n "s#^mount: [0-9]* [0-9]* [0-9:]* [^ ]* $1 \([^ ]*\) \(.*\)- \([^ ]*\) [^ ]* \(.*\)#\1 \2\3 \4#p" "$tmp/out" | tail -n 1
}
has() { # DESCRIPTION PLACE OPTION...
	description=$1 place=$2
	shift 2
	got=" $(mount_of "$place" | tr ',' ' ') "
	for option; do
		case $got in
		*" $option "*) ;;
		*)
			result 1 "$description" || say "$place: $got has no $option"
			return
			;;
		esac
	done
	result 0 "$description"
}
run_to_out() { # ID
	out=$tmp/out limit=60 oci run -b "$bundle" "$1" >/dev/null || say "$(tail -n 3 "$tmp/out")"
}

plan 70

# ---- what it is and where ------------------------------------------------------------------------

mkdir -p "$tmp/volume/deep" "$root/etc/covered" "$root/away"
echo inside >"$tmp/volume/file"
echo secret >"$root/etc/secret"
echo hidden >"$root/etc/covered/file"
mkdir -p "$root/etc/filled"
echo kept >"$root/etc/filled/here"
command_bundle all 'exec 2>&1
for word in "$0" "$@"; do echo "word: $word"; done
env | sed "s/^/env: /"
echo "cwd: $(pwd)"; echo "host: $(hostname)"; echo "domain: $(cat /proc/sys/kernel/domainname)"
echo "ids: $(id -u):$(id -g)"; umask | sed "s/^/umask: /"
sed "s/^/status: /" /proc/self/status
sed "s/^/limit: /" /proc/self/limits | tr -s " "
sed "s/^/mount: /" /proc/self/mountinfo
echo "score: $(cat /proc/self/oom_score_adj)"
for kind in user mnt pid ipc uts net cgroup time; do echo "ns-$kind: $(readlink /proc/self/ns/$kind)"; done
sed "s/^/uids: /" /proc/self/uid_map | tr -s " "
echo "first: $(tr "\0" " " </proc/1/cmdline | cut -c 1-5)"; echo "pid: $$"
echo "somaxconn: $(cat /proc/sys/net/core/somaxconn)"; echo "msgmax: $(cat /proc/sys/kernel/msgmax)"
echo "secret: $(cat /etc/secret)"; echo "covered: $(ls -A /etc/covered)"
echo "readonly: $(touch /etc/readonly/new)"; echo "volume: $(cat /volume/file)"; echo "volume-ro: $(touch /volume-ro/new)"
echo "filled: $(cat /etc/filled/here)"
echo "root: $(touch /new && rm /new && echo writable)"
for device in null zero full random urandom tty; do [ -c /dev/$device ] && echo "device: $device"; done
for link in fd stdin stdout stderr ptmx; do echo "link: $link $(readlink /dev/$link)"; done
echo x >/dev/null && echo "null: works"
ls /proc/self/fd | tr "\n" " " | sed "s/^/fds: /"; echo
echo "personality: $(cat /proc/self/personality)"
echo "uname: $(uname -m)"' '
	.process.args += ["zero", "a b", "", "\"$x\""] |
	.process.env += ["A=1", "B=two words", "C="] | .process.cwd = "/tmp" | .process.user.umask = 23 |
	.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}, {type: "RLIMIT_CORE", soft: 0, hard: 0}] |
	.process.oomScoreAdj = 321 | .hostname = "called" | .domainname = "of.here" |
	.linux.namespaces += [{type: "cgroup"}] |
	.linux.sysctl = {"net.core.somaxconn": "77", "kernel.msgmax": "4321"} |
	.linux.maskedPaths += ["/etc/secret", "/etc/covered", "/nothing/here"] |
	.linux.readonlyPaths += ["/etc/readonly"] |
	.mounts += [
		{destination: "/etc/readonly", type: "tmpfs", source: "none", options: ["mode=700", "size=64k", "noexec"]},
		{destination: "/volume", type: "bind", source: "'"$tmp"'/volume", options: ["rbind", "nosuid", "nodev", "noexec"]},
		{destination: "/volume-ro", type: "none", source: "'"$tmp"'/volume", options: ["bind", "ro"]},
		{destination: "/made/for/it", type: "bind", source: "'"$tmp"'/volume/file", options: ["bind", "ro"]},
		{destination: "/etc/filled", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "nosuid"]},
		{destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", "size=1000k"]},
		{destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]},
		{destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]}]'
run_to_out all
is 'process.args: each word as it is' "$(said word | tr '\n' '|')" 'zero|a b||"$x"|'
is 'process.env: nothing but that' "$(said env | grep -vE '^(PWD|SHLVL|OLDPWD|HOME|_)=' | sort | tr '\n' '|')" \
	'A=1|B=two words|C=|PATH=/bin|TERM=xterm|'
is 'process.env: HOME is found where none is given, and no more' "$(said env | grep -E '^(HOME|USER)=' | tr '\n' '|')" 'HOME=/root|'
is 'process.cwd' "$(said cwd)" /tmp
is 'hostname' "$(said host)" called
is 'domainname' "$(said domain)" of.here
is 'process.user: uid and gid' "$(said ids)" 0:0
is 'process.user.umask' "$(said umask)" 0027
if [ "$(id -u)" = 0 ]; then
	is 'process.user.additionalGids: none are none' "$(said status | sed -n 's/^Groups:[[:blank:]]*//p' | tr -d ' ')" ''
else
	skip 'process.user.additionalGids: none are none' 'a map of one id: nobody can drop groups'
fi
for set in CapBnd CapEff CapPrm; do
	is "process.capabilities: $set" "$(said status | sed -n "s/^$set:[[:blank:]]*//p")" 0000000020000420
done
for set in CapInh CapAmb; do
	is "process.capabilities: $set" "$(said status | sed -n "s/^$set:[[:blank:]]*//p")" 0000000000000000
done
is 'process.noNewPrivileges' "$(said status | sed -n 's/^NoNewPrivs:[[:blank:]]*//p')" 1
is 'process.rlimits: soft and hard' "$(said limit | grep 'Max open files')" 'Max open files 200 300 files '
is 'process.rlimits: zero' "$(said limit | grep 'Max core file')" 'Max core file size 0 0 bytes '
is 'process.oomScoreAdj' "$(said score)" 321
for kind in mnt pid ipc uts net cgroup; do
	[ "$(said ns-$kind)" != "$(readlink /proc/self/ns/$kind)" ]
	result $? "linux.namespaces: $kind is its own"
done
is 'linux.namespaces: what is not named is shared' "$(said ns-time)" "$(readlink /proc/self/ns/time)"
is 'the process is the first one' "$(said pid)" 1
if [ "$(id -u)" = 0 ]; then
	is 'linux.uidMappings: none, so all ids' "$(said uids | xargs)" "$(xargs </proc/self/uid_map)"
else
	is 'linux.uidMappings' "$(said uids | xargs)" "0 $(id -u) 1"
fi
is 'linux.sysctl: of the network' "$(said somaxconn)" 77
is 'linux.sysctl: of IPC' "$(said msgmax)" 4321
is 'linux.maskedPaths: a file is empty' "$(said secret)" ''
is 'linux.maskedPaths: a directory too' "$(said covered)" ''
like 'linux.readonlyPaths' "$(grep -c '^touch: /etc/readonly/new: Read-only file system' "$tmp/out")" 1
has 'linux.readonlyPaths: with the flags that were there' /etc/readonly ro noexec size=64k mode=700
is 'mounts: a bind' "$(said volume)" inside
has 'mounts: its options' /volume rw nosuid nodev noexec
has 'mounts: a read-only bind, by its options alone' '/volume-ro' ro
like 'which nobody can write' "$(grep -c '^touch: /volume-ro/new: Read-only file system' "$tmp/out")" 1
has 'mounts: a file, whose place is made' '/made/for/it' ro
is 'mounts: tmpcopyup' "$(said filled)" kept
has 'mounts: options of a tmpfs' '/dev/shm' nosuid noexec nodev size=1000k
has 'mounts: mqueue' '/dev/mqueue' nosuid noexec nodev mqueue
has 'mounts: sysfs' '/sys' ro nosuid noexec nodev sysfs
has 'mounts: proc' '/proc' proc
has 'mounts: devpts' '/dev/pts' devpts nosuid noexec mode=620 ptmxmode=666
is 'root.readonly: not unless asked' "$(said root)" writable
is 'linux.devices: the default ones' "$(said device | tr '\n' ' ')" 'null zero full random urandom tty '
is 'with the links' "$(said link | tr '\n' '|')" \
	'fd /proc/self/fd|stdin /proc/self/fd/0|stdout /proc/self/fd/1|stderr /proc/self/fd/2|ptmx pts/ptmx|'
is '/dev/null is one' "$(said null)" works
is 'no descriptor is left open' "$(said fds)" '0 1 2 3 '
is 'the source of a volume is untouched' "$(ls "$tmp/volume")" "$(printf 'deep\nfile')"

# ---- a second one: what contradicts the first ----------------------------------------------------------

command_bundle other 'exec 2>&1
sed "s/^/status: /" /proc/self/status; sed "s/^/mount: /" /proc/self/mountinfo
echo "root: $(touch /new)"; echo "boot: $(cut -d. -f1 /proc/uptime)"; echo "offsets: $(tr -s " " </proc/self/timens_offsets | tr "\n" " ")"
echo "personality: $(cat /proc/self/personality)"; echo "nice: $(cut -d" " -f 19,41 /proc/self/stat)"; echo "io: $(ionice)"
for kind in net ipc uts; do echo "ns-$kind: $(readlink /proc/self/ns/$kind)"; done
umount /umountable 2>/dev/null && echo "umount: done"; chroot / true 2>/dev/null && echo "chroot: done"
mount -t tmpfs none /tmp 2>/dev/null && echo "mount: done"; unshare -n true 2>/dev/null && echo "unshare: done"
echo "loop: $(cat /sys/class/net/lo/operstate 2>/dev/null)"; ip -o addr show lo | grep -o 127.0.0.1/8 | sed "s/^/lo: /"' '
	.root.readonly = true | .process.noNewPrivileges = false | del(.hostname) |
	.process.capabilities = (["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_NET_RAW"] | {bounding: ., effective: .[0:2], permitted: ., inheritable: .[2:], ambient: .[2:]}) |
	.process.scheduler = {policy: "SCHED_BATCH", nice: 5} | .process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6} |
	.linux.personality = {domain: "LINUX32"} | .linux.timeOffsets = {boottime: {secs: 1000000, nanosecs: 5}, monotonic: {secs: 7}} |
	.linux.namespaces += [{type: "time"}] | .linux.namespaces |= map(select(.type != "uts")) |
	.linux.rootfsPropagation = "rslave" | del(.linux.maskedPaths) | del(.linux.readonlyPaths) |
	.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chroot"], action: "SCMP_ACT_ERRNO", errnoRet: 13}]} |
	.mounts += [{destination: "/umountable", type: "tmpfs", source: "tmpfs"}, {destination: "/shared", type: "tmpfs", source: "tmpfs", options: ["shared"]}]'
run_to_out other
is 'process.capabilities: bounding' "$(said status | sed -n 's/^CapBnd:[[:blank:]]*//p')" 0000000000242000
is 'process.capabilities: effective' "$(said status | sed -n 's/^CapEff:[[:blank:]]*//p')" 0000000000242000
is 'process.capabilities: ambient' "$(said status | sed -n 's/^CapAmb:[[:blank:]]*//p')" 0000000000002000
is 'process.capabilities: inheritable' "$(said status | sed -n 's/^CapInh:[[:blank:]]*//p')" 0000000000002000
is 'process.noNewPrivileges: false' "$(said status | sed -n 's/^NoNewPrivs:[[:blank:]]*//p')" 0
is 'linux.seccomp: a filter holds' "$(said status | sed -n 's/^Seccomp:[[:blank:]]*//p')" 2
is 'with its own answer' "$(said chroot)" ''
is 'and the rest goes on' "$(said umount) $(said unshare)" 'done done'
like 'root.readonly' "$(grep -c '^touch: /new: Read-only file system' "$tmp/out")" 1
is 'process.scheduler' "$(said nice)" '5 3'
is 'process.ioPriority' "$(said io)" 'best-effort: prio 6'
is 'linux.personality' "$(said personality)" 00000008
like 'linux.timeOffsets' "$(said offsets)" '*monotonic 7 0 boottime 1000000 5 '
[ "$(said boot)" -ge 1000000 ]
result $? 'which the clocks show'
is 'linux.namespaces: without uts the host name is shared' "$(said ns-uts)" "$(readlink /proc/self/ns/uts)"
like 'mounts: propagation' "$(said mount | grep ' /shared ')" '*shared:*'
is 'the loopback is up' "$(said lo)" 127.0.0.1/8

# ---- namespaces that are there -------------------------------------------------------------------------

bundle holder '.process.args = ["sleep", "60"]'
oci run -d -b "$bundle" holder >/dev/null
process=$(pid holder)
command_bundle joins 'for kind in net ipc uts; do echo "ns-$kind: $(readlink /proc/self/ns/$kind)"; done; hostname' '
	del(.hostname) | .linux.namespaces = [{type: "pid"}, {type: "mount"}] +
	(["user", "network", "ipc", "uts"] | map({type: ., path: ("/proc/'"$process"'/ns/" + {user: "user", network: "net", ipc: "ipc", uts: "uts"}[.])})) |
	if '"$(id -u)"' == 0 then .linux.namespaces |= map(select(.type != "user")) else . end |
	del(.linux.uidMappings) | del(.linux.gidMappings)'
run_to_out joins
for kind in net ipc uts; do
	is "linux.namespaces: $kind of a path" "$(said ns-$kind)" "$(readlink "/proc/$process/ns/$kind")"
done
