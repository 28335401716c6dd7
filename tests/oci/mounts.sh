#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a container sees of files: each word of a mount, devices, covers, propagation, names
# and clocks; and roots that try to lead a mount astray.
# shellcheck disable=SC2016 # the scripts in quotes are for the container's shell
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

plan 80

# run NAME SCRIPT [FILTER]: what a container of that script says; the status is its own
run() {
	command_bundle "$@"
	oci run -b "$bundle" "$1"
}

# mounts JSON: a filter that adds these mounts; $tmp is known in it
mounts() {
	printf '.mounts += %s' "$1" | sed "s|TMP|$tmp|g"
}

# options TABLE PLACE: those of the mount and those of its superblock, as the kernel has them
options() {
	printf '%s\n' "$1" | awk -v place="$2" '$5 == place { last = $6 " " $NF } END { print last }'
}

# propagation TABLE PLACE
propagation() {
	printf '%s\n' "$1" | awk -v place="$2" '
		$5 == place { last = ""; for (i = 7; $i != "-"; i++) { split($i, word, ":"); last = last word[1] " " } }
		END { print last }'
}

mkdir -p "$tmp/volume/below" "$tmp/volume/sub"
echo outside >"$tmp/volume/file"
echo only >"$tmp/volume/only"
mkdir -p "$root/filled/dir"
echo content >"$root/filled/file"
ln -s file "$root/filled/link"
chmod 750 "$root/filled"

# ---- words ---------------------------------------------------------------------------------------

table=$(run words 'cat /proc/self/mountinfo' "$(mounts '[
	{destination: "/w/plain", type: "bind", source: "TMP/volume", options: ["rbind"]},
	{destination: "/w/ro", source: "TMP/volume", options: ["bind", "ro"]},
	{destination: "/w/strict", source: "TMP/volume", options: ["rbind", "nosuid", "nodev", "noexec"]},
	{destination: "/w/undone", source: "TMP/volume", options: ["bind", "ro", "noexec", "rw", "exec"]},
	{destination: "/w/rro", source: "TMP/volume", options: ["rbind", "rro", "rnosuid", "rnodev", "rnoexec"]},
	{destination: "/w/noatime", type: "tmpfs", source: "x", options: ["noatime", "nodiratime"]},
	{destination: "/w/strictatime", type: "tmpfs", source: "x", options: ["strictatime"]},
	{destination: "/w/relatime", type: "tmpfs", source: "x", options: ["noatime", "relatime"]},
	{destination: "/w/nosymfollow", type: "tmpfs", source: "x", options: ["nosymfollow"]},
	{destination: "/w/sized", type: "tmpfs", source: "x", options: ["size=1m", "nr_inodes=77", "mode=1711"]},
	{destination: "/w/rotmpfs", type: "tmpfs", source: "x", options: ["ro"]},
	{destination: "/w/pids", type: "proc", source: "proc", options: ["subset=pid"]},
	{destination: "/w/named", type: "tmpfs", source: "its-name"}
]')")
like 'a bind has the flags of its source' "$(options "$table" /w/plain)" 'rw,*'
like 'ro' "$(options "$table" /w/ro)" 'ro,*'
like 'nosuid, nodev, noexec' "$(options "$table" /w/strict)" 'rw,nosuid,nodev,noexec,*'
like 'the last word counts: rw, exec' "$(options "$table" /w/undone)" 'rw,*'
is 'and nothing is left of those before' "$(options "$table" /w/undone | grep -c noexec)" 0
like 'rro, rnosuid, rnodev, rnoexec' "$(options "$table" /w/rro)" 'ro,nosuid,nodev,noexec,*'
like 'noatime, nodiratime' "$(options "$table" /w/noatime)" 'rw,noatime,nodiratime *'
like 'strictatime' "$(options "$table" /w/strictatime)" 'rw rw*'
like 'relatime takes noatime back' "$(options "$table" /w/relatime)" 'rw,relatime *'
case $(uname -r) in
5.[0-9].* | 5.1[01].*) skip 'nosymfollow' 'since Linux 5.14' ;;
*) like 'nosymfollow' "$(options "$table" /w/nosymfollow)" '*nosymfollow*' ;;
esac
like 'size, nr_inodes and mode go to the tmpfs' "$(options "$table" /w/sized)" 'rw* rw,size=1024k,nr_inodes=77,mode=1711*'
like 'a tmpfs is read-only in the end' "$(options "$table" /w/rotmpfs)" 'ro*'
like 'options of procfs' "$(options "$table" /w/pids)" '*subset=pid*'
like 'the source stands in the table' "$(printf '%s\n' "$table" | grep ' /w/named ')" '* - tmpfs its-name *'
is 'a tmpfs is open to all where nothing was before' "$(options "$table" /w/named | grep -c mode=)" 0
is 'places were made in the root' "$(find "$root/w" -mindepth 1 | wc -l)" 13

said=$(run copied 'cat /filled/file /filled/link; echo new >/filled/file && cat /filled/file; ls -ld /filled | cut -c 1-10' \
	"$(mounts '[{destination: "/filled", type: "tmpfs", source: "x", options: ["tmpcopyup"]}]')")
is 'tmpcopyup: it begins with what was there' "$said" 'content
content
new
drwxr-x---'
is 'which stays as it was' "$(cat "$root/filled/file")" content
said=$(run moded 'stat -c %a /filled; cat /filled/link' \
	"$(mounts '[{destination: "/filled", type: "tmpfs", source: "x", options: ["tmpcopyup", "mode=711"]}]')")
is 'with the mode that is asked for' "$said" '711
content'
said=$(run copiedro 'cat /filled/link; echo new >/filled/file' \
	"$(mounts '[{destination: "/filled", type: "tmpfs", source: "x", options: ["tmpcopyup", "ro"]}]')")
like 'also where it becomes read-only' "$said" 'content*Read-only file system'

said=$(run file 'cat /w/f /new/dir/f; echo more >>/w/f' "$(mounts '[
	{destination: "/w/f", source: "TMP/volume/file", options: ["bind", "ro"]},
	{destination: "/new/dir/f", source: "TMP/volume/file", options: ["bind"]}]')")
like 'files are bound on files' "$said" 'outside
outside*Read-only file system'

ln -s only "$tmp/volume/link"
said=$(run links 'cat /w/a; readlink /w/b' "$(mounts '[
	{destination: "/w/a", source: "TMP/volume/link", options: ["bind"]},
	{destination: "/w/b", source: "TMP/volume/link", options: ["bind", "src-nofollow"]}]')")
is 'a source that is a link is followed, or not' "$said" 'only
only'

mkdir -p "$tmp/layer/one" "$tmp/layer/two"
echo one >"$tmp/layer/one/a"
echo two >"$tmp/layer/two/b"
long=$(printf '/.%.0s' $(seq 120))
said=$(run overlay 'cat /w/over/a /w/over/b' "$(mounts '[{destination: "/w/over", type: "overlay", source: "overlay",
	options: ["lowerdir=TMP/layer/one'"$long"':TMP/layer/two'"$long"'"]}]')")
is 'an overlay of long layers' "$said" 'one
two'

# ---- propagation ----------------------------------------------------------------------------------

propagated='[
	{destination: "/w/shared", source: "TMP/volume", options: ["rbind", "rshared"]},
	{destination: "/w/slave", source: "TMP/volume", options: ["rbind", "rslave"]},
	{destination: "/w/private", source: "TMP/volume", options: ["rbind", "rprivate"]},
	{destination: "/w/unbindable", source: "TMP/volume", options: ["rbind", "unbindable"]},
	{destination: "/w/both", source: "TMP/volume", options: ["rbind", "slave", "shared"]}
]'
table=$(run propagated 'cat /proc/self/mountinfo' "$(mounts "$propagated")")
like 'rshared' "$(propagation "$table" /w/shared)" '*shared*'
is 'rprivate' "$(propagation "$table" /w/private)" ''
is 'unbindable' "$(propagation "$table" /w/unbindable)" 'unbindable '
like 'slave and then shared' "$(propagation "$table" /w/both)" '*shared*'
table=$(run rooted 'cat /proc/self/mountinfo' "$(mounts "$propagated") | .linux.rootfsPropagation = \"shared\"")
like 'rootfsPropagation shared' "$(propagation "$table" /)" '*shared*'
is 'leaves what says something else' "$(propagation "$table" /w/private)" ''
table=$(run rooted 'cat /proc/self/mountinfo' "$(mounts "$propagated") | .linux.rootfsPropagation = \"rprivate\"")
is 'rootfsPropagation rprivate' "$(propagation "$table" /)" ''
like 'leaves it too' "$(propagation "$table" /w/shared)" '*shared*'
is 'and nothing of it is seen outside' "$(grep -c -e "$root" -e "$tmp/bundles" /proc/self/mountinfo)" 0

# ---- the root ---------------------------------------------------------------------------------------

said=$(run closed 'echo x >/etc/new; echo y >/w/plain/written && cat /w/plain/written' \
	"$(mounts '[{destination: "/w/plain", source: "TMP/volume", options: ["rbind"]}]') | .root.readonly = true")
like 'a read-only root leaves volumes writable' "$said" '*Read-only file system
y'
is 'what a container wrote is outside' "$(cat "$tmp/volume/written")" y
said=$(run moved 'cat /proc/self/mountinfo | head -1; ls /' '.process.args[2] |= . + "; [ ! -e /work ]"')
is 'nothing of the old root is there' "$(printf '%s\n' "$said" | grep -cx -e work -e home)" 0
command_bundle nopivot 'ls -d /proc/self; ls / | grep -x -e work -e home'
is '--no-pivot' "$(oci run -b "$bundle" --no-pivot nopivot)" '/proc/self'

# ---- covers ---------------------------------------------------------------------------------------

covers='.linux.maskedPaths = ["/proc/uptime", "/proc/fs", "/filled/file", "/no/such/place"] |
	.linux.readonlyPaths = ["/proc/sys", "/filled/dir", "/not/there"]'
said=$(run covered 'cat /proc/uptime /filled/file; ls /proc/fs; echo "end"; echo x >/filled/dir/x; echo x >/proc/uptime' "$covers")
like 'masked paths show nothing, readonly ones take nothing' "$said" 'end
*/filled/dir/x*Read-only file system*/proc/uptime*'
is 'a mask of a file cannot be written through' "$(cat "$root/filled/file")" content
said=$(run covered 'umount /proc/uptime; umount /filled/dir; cat /proc/uptime' "$covers"' | .process.capabilities = {}')
is 'nor taken off' "$(printf '%s\n' "$said" | grep -c -i 'not permitted\|must be')" 2

# ---- devices -----------------------------------------------------------------------------------------

said=$(run devices 'ls -l /dev/ | sed "s/ .* / /"; echo x >/dev/null && head -c 3 /dev/zero | wc -c' .)
for name in null zero full random urandom tty; do
	like "/dev/$name" "$(printf '%s\n' "$said" | grep " $name\$")" 'crw-rw-rw- *'
done
is '/dev/ptmx is that of its own devpts' "$(printf '%s\n' "$said" | grep -c 'ptmx')" 1
is 'the links of /dev' "$(printf '%s\n' "$said" | grep -c '^l')" "$([ -e /proc/kcore ] && echo 6 || echo 5)"
is 'devices work' "$(printf '%s\n' "$said" | tail -1)" 3
said=$(run pipe 'ls -l /dev/a/pipe /dev/null' '.linux.devices = [
	{type: "p", path: "/dev/a/pipe", fileMode: 416},
	{type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0}]')
like 'a FIFO with its mode, in a directory that is made' "$said" 'prw-r-----*/dev/a/pipe*crw-rw-rw-*'
if [ "$(id -u)" = 0 ]; then
	said=$(run made 'ls -ln /dev/mine' '.linux.devices = [
		{type: "c", path: "/dev/mine", major: 1, minor: 3, fileMode: 384, uid: 7, gid: 8}]')
	like 'root makes what is listed' "$said" 'crw-------*7*8*1,*3*/dev/mine'
else
	said=$(run made true '.linux.devices = [{type: "c", path: "/dev/mine", major: 250, minor: 250}]')
	like 'what cannot be made nor bound is said' "$said" '*make the device /dev/mine: no c 250:250 here*'
fi
command_bundle console 'tty; ls -l /dev/console | cut -c 1; echo said >/dev/console' '.process.terminal = true'
said=$(timeout -s KILL 30 script -qec "'$runtime' --root '$state' run -b '$bundle' console" /dev/null 2>&1 </dev/null | tr -d '\r' | LC_ALL=C sort)
like '/dev/console is the terminal' "$said" '*/dev/*c
said'
said=$(run host 'ls /dev/core /dev/fd' "$(mounts '[]') | .mounts |= map(select(.destination != \"/dev/pts\") |
	if .destination == \"/dev\" then {destination: \"/dev\", source: \"$root/filled\", options: [\"bind\"]} else . end)")
like 'nothing is made in a /dev that is bound' "$said" '*No such file*'
is 'there is nothing new' "$(find "$root/filled" -mindepth 1 | wc -l)" 3

# ---- /sys, cgroups, /proc -----------------------------------------------------------------------------

usual='.mounts += [
	{destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]},
	{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]},
	{destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
	{destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]}]'
said=$(run usual 'ls /sys/class/net; ls -d /sys/fs/cgroup/* | wc -l; mkdir /sys/fs/cgroup/x; echo x >/dev/shm/y && cat /dev/shm/y; cat /proc/self/cgroup' \
	"$usual"' | .linux.namespaces += [{type: "cgroup"}]')
like 'the usual mounts of an engine' "$said" 'lo
*[1-9]*
*Read-only file system
x
*'
is 'with the root of the cgroups' "$(printf '%s\n' "$said" | grep ':' | grep -cv -e ':/$' -e 'mkdir')" 0
said=$(run shared 'ls -d /sys/class/net /sys/fs/cgroup' "$usual"' | .linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))')
is '/sys and cgroups without namespaces of their own' "$said" '/sys/class/net
/sys/fs/cgroup'
command_bundle covered 'echo ran' 'if .linux.uidMappings then .linux.uidMappings[0].hostID = 0 | .linux.gidMappings[0].hostID = 0 else . end'
said=$(timeout -s KILL 30 unshare -Urmpf --mount-proc sh -c 'mount -t tmpfs x /proc/sys/kernel/random && exec unshare -Urm "$@"' x \
	"$runtime" --root "$state" run -b "$bundle" covered 2>&1 </dev/null)
like 'a covered /proc is said, with a way out' "$said" '*/proc is partly covered*bind*'
is 'without a word that means the program' "$(printf '%s\n' "$said" | grep -ci -e 'not permitted' -e 'denied' -e 'no such file')" 0

# ---- names, clocks, sysctls -----------------------------------------------------------------------------

said=$(run names 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "its-host" | .domainname = "its.domain"')
is 'hostname and domainname' "$said" 'its-host
its.domain'
said=$(run sysctls 'cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax' \
	'.linux.sysctl = {"net.ipv4.ip_default_ttl": "77", "kernel.msgmax": "7777"}')
is 'sysctls of its namespaces' "$said" '77
7777'
said=$(run sysctls true '.linux.sysctl = {"vm.swappiness": "1"}')
like 'and no others' "$said" '*vm.swappiness*'
if [ -e /proc/self/ns/time ]; then
	days='.linux.namespaces += [{type: "time"}] |
		.linux.timeOffsets = {monotonic: {secs: 8640000, nanosecs: 5}, boottime: {secs: 86400000}}'
	said=$(run clocks 'cut -d . -f 1 /proc/uptime; cat /proc/self/timens_offsets' "$days")
	uptime=$(cut -d . -f 1 /proc/uptime)
	like 'time offsets' "$said" '*monotonic*8640000*5
boottime*86400000*0'
	ok 'of the process itself' [ $(($(printf '%s\n' "$said" | head -1) - uptime)) -ge 86399000 ]
else
	skip 'time offsets' 'no time namespaces'
	skip 'of the process itself' 'no time namespaces'
fi

# ---- namespaces of others -----------------------------------------------------------------------------

out=$tmp/holder.out
command_bundle holder 'sleep 30' '.linux.namespaces += [{type: "cgroup"}]'
oci run -d -b "$bundle" holder
unset out
holder=$(pid holder)
kinds='net ipc uts'
[ "$(id -u)" = 0 ] || kinds="user $kinds"
said=$(run joined 'for kind in user net ipc uts pid mnt; do readlink /proc/self/ns/$kind; done' "
	.linux.namespaces |= map(
		{network: \"net\", ipc: \"ipc\", uts: \"uts\", user: \"user\"}[.type] as \$file |
		if \$file then .path = \"/proc/$holder/ns/\" + \$file else . end) |
	del(.hostname, .linux.uidMappings, .linux.gidMappings)")
for kind in $kinds; do
	is "a $kind namespace is joined" "$(printf '%s\n' "$said" | grep "^$kind:")" "$(readlink "/proc/$holder/ns/$kind")"
done
[ "$(id -u)" != 0 ] || ok 'and no user namespace' true
ok 'others are its own' [ "$(printf '%s\n' "$said" | grep '^mnt:')" != "$(readlink "/proc/$holder/ns/mnt")" ]
oci delete --force holder

# ---- roots that are no friends -------------------------------------------------------------------------

# hostile NAME LINK TARGET [FILTER]: what is said of a root with that link
hostile() {
	mkdir -p "$tmp/hostile"
	rm -rf "$tmp/hostile/$1"
	cp -a "$root" "$tmp/hostile/$1"
	rm -rf "${tmp:?}/hostile/$1/${2:?}"
	ln -s "$3" "$tmp/hostile/$1/$2"
	run "$1" 'echo ran' "${4:-.} | .root.path = \"$tmp/hostile/$1\""
}
mkdir -p "$tmp/target"
for name in dev proc; do
	like "a link as /$name fails" "$(hostile "l$name" "$name" "$tmp/target")" '*symbolic link in the root*'
done
like 'a link as /sys fails' "$(hostile lsys sys etc "$usual")" '*symbolic link in the root*'
like 'a link below /dev fails' "$(hostile lshm dev/shm ../etc \
	"$usual"' | .mounts |= map(select(.destination != "/dev" and .destination != "/dev/pts"))')" '*symbolic link in the root*'
like 'a link as /dev/null fails' "$(hostile lnull dev/null ../etc/file \
	'.mounts |= map(select(.destination != "/dev" and .destination != "/dev/pts"))')" '*/dev/null: another file is there*'
like 'a link as /dev/console fails' "$(hostile lconsole dev/console ../etc/file \
	'.mounts |= map(select(.destination != "/dev")) | .process.terminal = true')" '*console*'
like 'a volume on a link into /proc fails' "$(hostile lvolume data /proc/self/attr \
	"$(mounts '[{destination: "/data", source: "TMP/volume", options: ["bind"]}]')")" '*links lead to /proc or /sys*'
like 'a volume on files of a process fails' "$(run lattr true \
	"$(mounts '[{destination: "/proc/1/attr", source: "TMP/volume", options: ["bind"]}]')")" '*belongs to a process*'
like 'a volume instead of /proc fails' "$(run lproc2 true \
	"$(mounts '[{destination: "/proc", source: "TMP/volume", options: ["bind"]}]')")" '*only a procfs may be there*'
like 'a link that leads out leads to the root' "$(hostile lout data ../../../../../../etc/made \
	"$(mounts '[{destination: "/data/here", source: "TMP/volume", options: ["bind"]}]')")" 'ran'
is 'and nothing was made outside' "$(ls -A "$tmp/target")$([ ! -e /etc/made ] || echo /etc/made)" ''
ok 'but in it' [ -d "$tmp/hostile/lout/etc/made/here" ]
