#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx doctor: each thing is taken away, the row turns; where its command can be run here, it
# turns back. What only root could take away is taken away in a user namespace, in a root of
# few files, or by a filter.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
# What is known of a runsc is not to be kept at home.
export SBX tmp XDG_CACHE_HOME="$tmp/cache"

# row ID FIELD [FILE]: a field of a row in the output of --json
cat >"$tmp/row" <<'EOF'
#!/bin/sh
awk -v id="$1" -v field="$2" '
	$1 == "\"id\":" { here = $2 == "\"" id "\"," }
	here && $1 == "\"" field "\":" {
		sub(/^[^:]*: /, ""); sub(/,$/, ""); sub(/^"/, ""); sub(/"$/, "")
		gsub(/\\"/, "\""); gsub(/\\\\/, "\\"); print; exit
	}'
EOF
# watch ID COMMAND...: "STATE" of the row before and behind the command
cat >"$tmp/watch" <<'EOF'
#!/bin/sh
id=$1; shift
before=$("$SBX" doctor --json | "$tmp/row" "$id" state)
"$@" >/dev/null || exit
echo "$before $("$SBX" doctor --json | "$tmp/row" "$id" state)"
EOF
# mend ID COMMAND: the state of the row, its own command, which must be COMMAND and something
# (we are root in here: no sudo), and the state behind it
cat >"$tmp/mend" <<'EOF'
#!/bin/sh
remedy=$("$SBX" doctor --json | "$tmp/row" "$1" remedy)
case $remedy in
"sudo $2 "*) "$tmp/watch" "$1" sh -c "${remedy#sudo }" ;;
*) echo "the command is $remedy" ;;
esac
EOF
chmod 755 "$tmp/row" "$tmp/watch" "$tmp/mend"

doctor() {
	"$SBX" doctor "$@"
}
row() {
	doctor --json | "$tmp/row" "$1" "$2"
}
# as_root SCRIPT: in user and mount namespaces of its own, as their root
as_root() {
	unshare -Urm sh -c "$1"
}
# under FILTER... -- COMMAND...
under() {
	"$here/refuse.py" "$@"
}

plan 57

# ---- the command itself --------------------------------------------------------------------

healthy=0
doctor >"$tmp/text" 2>"$tmp/errors" || healthy=$?
[ "$healthy" = 0 ] || [ "$healthy" = 1 ]
result $? "it ends with 0 or 1"
is "it says nothing on stderr" "$(cat "$tmp/errors")" ""
is "no colour but on a terminal" "$(tr -d '[:print:]\n' <"$tmp/text" | wc -c)" 0
doctor --json >"$tmp/json"
is "--json ends with the same status" "$?" "$healthy"
is "text and JSON have the same rows" \
	"$(grep -cE '^(ok|limited|missing) ' "$tmp/text")" "$(grep -c '"id": ' "$tmp/json")"
is "every row has a state that is one of three" \
	"$(grep '"state": ' "$tmp/json" | grep -cvE '"(ok|limited|missing)",$')" 0
is "a row that is ok costs nothing" \
	"$(grep -A2 '"state": "ok"' "$tmp/json" | grep '"costs"' | grep -cv null)" 0
fails "an unknown option is 125" 125 doctor --jsno
like "an unknown option is named" "$(doctor --jsno 2>&1)" "sbx: cannot *--jsno*"
like "--help tells how it is used" "$(doctor --help)" "usage: sbx doctor*--json*"
fails "output that cannot be written is 125" 125 sh -c '"$SBX" doctor >/dev/full'
like "the kernel's version is shown" "$(row kernel found)" "$(uname -r)"

if [ "$(row userns state)" != ok ]; then
	while [ "$tests_run" -lt 55 ]; do
		skip "what is taken away in a user namespace" "no user namespaces here"
	done
	exit 0
fi

# ---- user namespaces ---------------------------------------------------------------------------

limit='echo 0 >/proc/sys/user/max_user_namespaces;'
is "user.max_user_namespaces=0 is missing, and mended by its command" \
	"$(as_root "$limit \$tmp/mend userns-limit sysctl")" "missing ok"
fails "without user namespaces it ends with 1" 1 as_root "$limit \$SBX doctor"
like "the sysctl is named" "$(as_root "$limit \$SBX doctor")" \
	"*user.max_user_namespaces is 0*sudo sysctl user.max_user_namespaces=*"
is "user.max_net_namespaces=0 is missing, and mended by its command" \
	"$(as_root 'echo 0 >/proc/sys/user/max_net_namespaces; $tmp/mend userns-limit sysctl')" "missing ok"
is "the namespace that cannot be made turns its row" \
	"$(as_root 'echo 0 >/proc/sys/user/max_net_namespaces; $tmp/watch namespaces \
		sysctl user.max_net_namespaces=10000')" "missing ok"

if command -v python3 >/dev/null; then
	filtered=$(under userns=EPERM -- "$SBX" doctor --json)
	is "a filter that refuses user namespaces: 1" "$?" 1
	is "a filter around sbx is missing" "$(echo "$filtered" | "$tmp/row" userns-seccomp state)" missing
	is "what could not be tried is limited" "$(echo "$filtered" | "$tmp/row" proc state)" limited
	filtered=$(under keyctl=EPERM openat2=ENOSYS seccomp=EPERM landlock_create_ruleset=ENOSYS -- \
		"$SBX" doctor --json)
	is "a harmless filter is ok" "$(echo "$filtered" | "$tmp/row" userns-seccomp state)" ok
	is "keys that a filter hides are ok" "$(echo "$filtered" | "$tmp/row" keyring state)" ok
	is "a filter that refuses openat2: mount calls are limited" \
		"$(echo "$filtered" | "$tmp/row" mount-api state)" limited
	is "a filter that refuses seccomp(2): notification is limited" \
		"$(echo "$filtered" | "$tmp/row" seccomp-notify state)" limited
	is "a filter that refuses Landlock: it is missing" \
		"$(echo "$filtered" | "$tmp/row" landlock state)" missing
	is "no overlay: the row is not ok" \
		"$(under fsopen=ENOSYS -- "$SBX" doctor --json | "$tmp/row" overlay state | grep -c ok)" 0
else
	for what in userns row proc harmless keyring mount-api notify landlock overlay; do
		skip "a filter: $what" "no python3"
	done
fi

# ---- a root of few files: chroot, sysctls, container ------------------------------------------------

# in_root SETUP ID FIELD: a row in a chroot of few files, after SETUP in that directory
in_root() {
	rm -rf "$tmp/root"
	mkdir -p "$tmp/root/proc/sys/kernel" "$tmp/root/proc/self" "$tmp/root/dev" "$tmp/root/run"
	cp "$SBX" "$tmp/root/sbx"
	echo "1 1 0:1 / /elsewhere rw - tmpfs none rw" >"$tmp/root/proc/self/mountinfo"
	(cd "$tmp/root" && eval "$1")
	unshare -Ur chroot "$tmp/root" /sbx doctor --json | "$tmp/row" "$2" "$3"
}
forbid='echo 0 >proc/sys/kernel/unprivileged_userns_clone'
restrict='echo 1 >proc/sys/kernel/apparmor_restrict_unprivileged_userns'
if ldd "$SBX" 2>/dev/null | grep -q '=>'; then
	for what in chroot sysctl command apparmor command container; do
		skip "a root of few files: $what" "sbx is not static"
	done
else
	is "a chroot is missing" "$(in_root : chroot state)" missing
	is "the sysctl of Debian is missing" "$(in_root "$forbid" userns-sysctl state)" missing
	is "the sysctl of Debian has its command" "$(in_root "$forbid" userns-sysctl remedy)" \
		"sudo sysctl kernel.unprivileged_userns_clone=1"
	is "AppArmor's restriction is missing" "$(in_root "$restrict" userns-apparmor state)" missing
	is "AppArmor's restriction has its command" "$(in_root "$restrict" userns-apparmor remedy)" \
		"sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
	like "a container is named" "$(in_root ': >run/.containerenv' container found)" "*podman*"
fi

# ---- /proc, devices, cgroups ------------------------------------------------------------------------

cover='mount --bind /dev/null /proc/uptime;'
if [ "$(as_root '$SBX doctor --json' | "$tmp/row" proc state)" = ok ]; then
	if [ "$(row container found)" = "none seen" ]; then
		is "a covered /proc is missing, and mended by its command" \
			"$(as_root "$cover \$tmp/mend proc umount")" "missing ok"
	else
		is "a covered /proc is missing until it is uncovered" \
			"$(as_root "$cover \$tmp/watch proc umount /proc/uptime")" "missing ok"
	fi
	like "what covers it is named" \
		"$(as_root "$cover \$SBX doctor --json" | "$tmp/row" proc found)" "*/proc/uptime*"
	fails "with a covered /proc it ends with 1" 1 as_root "$cover \$SBX doctor"
else
	for what in missing named status; do
		skip "a covered /proc: $what" "/proc is covered here already"
	done
fi
is "a root without cgroups of version 2 is missing" \
	"$(as_root 'mount -t tmpfs none /sys/fs/cgroup; $SBX doctor --json' | "$tmp/row" cgroup state)" missing
if [ -e /dev/net/tun ]; then
	like "something else in the place of /dev/net/tun is missing" \
		"$(as_root 'mount --bind /dev/null /dev/net/tun; $SBX doctor --json' |
			"$tmp/row" tun found)" "*not there"
else
	is "no /dev/net/tun is missing" "$(row tun state)" missing
fi

# ---- the network --------------------------------------------------------------------------------------

net=$(dirname "$SBX")/sbx-net
if [ -x "$net" ]; then
	lost="mount --bind /dev/null $net;"
	is "without sbx-net its row is missing" \
		"$(as_root "$lost \$SBX doctor --json" | "$tmp/row" sbx-net state)" missing
	fails "without sbx-net it ends with 1" 1 as_root "$lost \$SBX doctor"
	printf '#!/bin/sh\necho version 0.0.1\n' >"$tmp/other" && chmod 755 "$tmp/other"
	like "sbx-net of another version is named" \
		"$(as_root "mount --bind $tmp/other $net; \$SBX doctor --json" | "$tmp/row" sbx-net found)" \
		"*is of version 0.0.1*"
else
	for what in missing status version; do
		skip "sbx-net: $what" "it is not beside sbx"
	done
fi
is "what the network would be made of is tried: without net namespaces there is none" \
	"$(as_root 'echo 0 >/proc/sys/user/max_net_namespaces; $SBX doctor --json' >"$tmp/no-net"
		"$tmp/row" netfilter state <"$tmp/no-net"; "$tmp/row" network state <"$tmp/no-net")" "missing
missing"
like "what failed is named" "$("$tmp/row" netfilter found <"$tmp/no-net")" "cannot make a network namespace: *"
if [ "$(row netfilter state)" = ok ] && [ "$(row network state)" != missing ]; then
	is "no /dev/net/tun: TCP and names are left" \
		"$(as_root 'mount -t tmpfs none /dev/net; $SBX doctor --json' >"$tmp/no-tun"
			"$tmp/row" tun state <"$tmp/no-tun"; "$tmp/row" network state <"$tmp/no-tun")" "missing
limited"
else
	like "no relay: what failed is named" "$(row netfilter found)" "*cannot *"
fi
# as_net_root SCRIPT: with a network of its own, too
as_net_root() {
	unshare -Urmn sh -c "$1"
}
is "ports below 1024 are limited, and opened by their command" \
	"$(as_net_root 'echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
		$tmp/mend low-ports sysctl')" "limited ok"
is "a range of groups for ping turns its row" \
	"$(as_net_root '$tmp/watch ping sysctl net.ipv4.ping_group_range="0 0"')" "missing ok"
is "a host without a route of IPv6 is limited" \
	"$(as_net_root '$SBX doctor --json' | "$tmp/row" ip6 state)" limited
: >"$tmp/nobody"
is "a host without name servers is limited" \
	"$(as_root 'mount --bind $tmp/nobody $(readlink -f /etc/resolv.conf); $SBX doctor --json' |
		"$tmp/row" resolvers state)" limited

# ---- ids ----------------------------------------------------------------------------------------------

: >"$tmp/empty"
if [ -e /etc/subuid ]; then
	like "an empty /etc/subuid is missing" \
		"$(as_root 'mount --bind $tmp/empty /etc/subuid; $SBX doctor --json' |
			"$tmp/row" subuid found)" "none in*"
	like "ids that the user namespace around it lacks are of no use" \
		"$(as_root 'echo root:100000:65536 >$tmp/line; mount --bind $tmp/line /etc/subuid
			$SBX doctor --json' | "$tmp/row" subuid found)" "*not in the user namespace*"
else
	is "no /etc/subuid is missing" "$(row subuid state)" missing
	skip "ids that the user namespace around it lacks are of no use" "no /etc/subuid"
fi
if [ -u /usr/bin/newuidmap ]; then
	like "no program in the place of newuidmap is missing" \
		"$(as_root 'mount --bind /dev/null /usr/bin/newuidmap; $SBX doctor --json' |
			"$tmp/row" newuidmap found)" "*no program"
else
	skip "newuidmap covered" "newuidmap has no set-id bit here"
fi
is "newuidmap has no power under no_new_privs" \
	"$(setpriv --no-new-privs "$SBX" doctor --json | "$tmp/row" newuidmap state)" missing

# ---- programs and directories ---------------------------------------------------------------------------

mkdir "$tmp/bin"
cat >"$tmp/bin/runsc" <<'RUNSC'
#!/bin/sh
case $1 in
--version) echo 'runsc version release-1' ;;
flags) echo '  -platform string' >&2 ;;
*) echo ptrace ;;
esac
RUNSC
chmod 755 "$tmp/bin/runsc"
is "without a PATH no optional program is there; with one it tells its version" \
	"$(PATH=/nowhere "$SBX" doctor --json | PATH=$PATH "$tmp/row" runsc state) $(
		PATH=$tmp/bin "$SBX" doctor --json | PATH=$PATH "$tmp/row" runsc found)" \
	"missing $tmp/bin/runsc, release-1, not pinned"
is "its platforms are those that it names" \
	"$(PATH=$tmp/bin "$SBX" doctor --json | PATH=$PATH "$tmp/row" gvisor-platforms found)" ptrace
is "a runtime directory turns its row" \
	"$(env -u XDG_RUNTIME_DIR "$SBX" doctor --json | "$tmp/row" runtime-dir state) $(
		XDG_RUNTIME_DIR=$tmp "$SBX" doctor --json | "$tmp/row" runtime-dir state)" "limited ok"

# ---- a run that fails says the same ------------------------------------------------------------------------

run='cd / && "$SBX" run --cwd off --log-format json -- true 2>&1'
if sh -c "$run" >/dev/null; then
	like "a run without user namespaces names the sysctl, its command and its id" \
		"$(as_root "$limit $run")" \
		'*"id":"userns-limit"*user.max_user_namespaces is 0*sudo sysctl user.max_user_namespaces=*'
	like "a run below a covered /proc names the cover and the way round" \
		"$(as_root "$cover $run")" '*"id":"proc-covered"*/proc/uptime*--proc host*'
	if command -v python3 >/dev/null; then
		like "a run below a filter names the filter" \
			"$(under userns=EPERM -- /bin/sh -c "exec ${run#cd / && }")" \
			'*"id":"userns-seccomp"*'
	else
		skip "a run below a filter names the filter" "no python3"
	fi
else
	for what in sysctl cover filter; do
		skip "a run that fails: $what" "no sandbox can be started here"
	done
fi
