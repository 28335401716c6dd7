#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --systemd-cgroup: containers in scopes of a user's systemd, which this test starts for itself
# where cgroup v2 alone is mounted; only root can do that.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip_all 'only root can mount cgroup v2 and start a systemd there'
systemd=/lib/systemd/systemd
for program in "$systemd" "$(command -v dbus-daemon)" "$(command -v systemctl)" "$(dirname "$RUNTIME")/sbx-scope"; do
	[ -x "$program" ] || skip_all "systemd, dbus-daemon, systemctl or sbx-scope is missing: $program"
done

# ---- a manager of a user of its own ----------------------------------------------------------------

user=54322
slice=sbx-test-$$
home=$tmp/user
chmod 711 "$tmp"
mkdir -p "$home/run" "$home/programs"
chmod 700 "$home/run"
cp "$RUNTIME" "$(dirname "$RUNTIME")/sbx-scope" "$home/programs/"
chmod 755 "$home/programs"/*
# dbus-daemon serves nobody whom it does not know.
{
	cat /etc/passwd
	echo "sbx-test:x:$user:$user::$home:/bin/sh"
} >"$home/passwd"
chown -R "$user:$user" "$home"

# A view without the other systemd, if there is one; the manager's group is its own to divide.
timeout -s KILL 120 unshare -m --propagation private sh -c '
	umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
		mount --bind "$3/passwd" /etc/passwd || exit 1
	if [ -d /run/systemd ]; then mount -t tmpfs tmpfs /run/systemd; fi
	mkdir -p /run/systemd/system "$1/run" "$1/manager"
	chown "$2:$2" "$1" "$1/cgroup.procs" "$1/cgroup.subtree_control" "$1/cgroup.threads" "$1/run" "$1"/run/cgroup.* \
		"$1/manager" "$1"/manager/cgroup.*
	echo $$ >"$1/manager/cgroup.procs" && echo >"$3/there" && exec setpriv --reuid "$2" --regid "$2" --clear-groups \
		env -i PATH="$PATH" HOME="$3" XDG_RUNTIME_DIR="$3/run" DBUS_SESSION_BUS_ADDRESS="unix:path=$3/run/bus" sh -c "
			dbus-daemon --session --address=unix:path=$3/run/bus --nofork --nopidfile >$3/bus.log 2>&1 &
			exec $4 --user --log-target=console >$3/systemd.log 2>&1"' \
	sh "/sys/fs/cgroup/$slice" "$user" "$home" "$systemd" >"$tmp/said/view" 2>&1 </dev/null &
waiting="$waiting $!"
view=
until_true eval 'view=$(pgrep -u '"$user"' -f "^'"$systemd"' --user" | head -n 1); [ -n "$view" ]' ||
	skip_all "no systemd can be started here: $(tr '\n' ' ' <"$tmp/said/view")"

# in_view COMMAND...: as that user, beside its manager
in_view() {
	nsenter -m -t "$view" -- sh -c 'echo $$ >"$1/run/cgroup.procs"; user=$2 home=$3; shift 3
		exec setpriv --reuid "$user" --regid "$user" --clear-groups env -i PATH="$PATH" HOME="$home" \
			XDG_RUNTIME_DIR="$home/run" DBUS_SESSION_BUS_ADDRESS="unix:path=$home/run/bus" "$@"' \
		sh "/sys/fs/cgroup/$slice" "$user" "$home" "$@"
}

is_up() {
	case $(in_view systemctl --user is-system-running 2>/dev/null) in
	running | degraded) return 0 ;;
	*) return 1 ;;
	esac
}

leave_view() {
	status=$?
	for id in "$state"/*; do
		[ ! -d "$id" ] || timeout -s KILL 10 "$runtime" --root "$state" delete --force "${id##*/}" >/dev/null 2>&1 </dev/null
	done
	group=$(find /sys/fs/cgroup -maxdepth 3 -type d -name "$slice" 2>/dev/null)
	if [ -n "$group" ]; then
		echo 1 >"$group/cgroup.kill"
		until_true eval 'find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; [ ! -d "$group" ]'
	fi
	(exit "$status")
	leave
}
trap 'leave_view' EXIT
until_true is_up || skip_all "systemd does not come up here: $(tail -n 1 "$home/systemd.log")"

state=$home/state
{
	echo '#!/bin/sh'
	echo "exec nsenter -m -t $view -- sh -c 'echo \$\$ >/sys/fs/cgroup/$slice/run/cgroup.procs
		exec setpriv --reuid $user --regid $user --clear-groups env -i PATH=\"\$PATH\" HOME=$home XDG_RUNTIME_DIR=$home/run \\
			$home/programs/$(basename "$RUNTIME") --systemd-cgroup \"\$@\"' sh \"\$@\""
} >"$tmp/as-user"
chmod 755 "$tmp/as-user"
runtime=$tmp/as-user

# ---- scopes ------------------------------------------------------------------------------------------

# container NAME [FILTER]
container() {
	command_bundle "$1" 'exec sleep 30' '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 54322, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: 54322, size: 1}] | '"${2:-.}"
	out=$tmp/said/$1
	oci run -d -b "$bundle" "$1" >/dev/null
	status=$?
	unset out
	return "$status"
}

property() { # UNIT NAME
	in_view systemctl --user show "$1" -p "$2" --value
}

plan 17
container usual
result $? 'a container in a scope' || say "$(cat "$tmp/said/usual")"
like 'it is named by its id, in the usual slice' "$(grep ^0: "/proc/$(pid usual)/cgroup")" \
	"0::/$slice/manager/user.slice/sbx-oci-usual.scope"
is 'systemd leaves it to the container' "$(property sbx-oci-usual.scope Delegate)" yes
is 'nobody but the container lives in it' "$(oci ps -f json usual)" "[$(pid usual)]"
ok 'pause' oci pause usual
is 'its state is paused' "$(status usual)" paused
ok 'resume' oci resume usual
oci --cgroups best-effort update --pids-limit 77 usual >/dev/null
is 'systemd knows a new limit' "$(property sbx-oci-usual.scope TasksMax)" 77
ok 'delete' oci delete --force usual
is 'takes the scope away' "$(property sbx-oci-usual.scope ActiveState)" inactive

container named '.linux.cgroupsPath = "app.slice:some:thing" | .annotations = {
	"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.Description": "'"'a b'"'",
	"run.oci.systemd.subgroup": "within"}'
result $? 'slice:prefix:name' || say "$(cat "$tmp/said/named")"
is 'names the scope and its slice, and a group within' "$(grep ^0: "/proc/$(pid named)/cgroup")" \
	"0::/$slice/manager/app.slice/some-thing.scope/within"
is 'annotations are properties of it' "$(property some-thing.scope TimeoutStopUSec) $(property some-thing.scope Description)" '7s a b'
oci delete --force named >/dev/null

container wrong '.linux.cgroupsPath = "/a/path"'
like 'a path is none of systemd' "$(cat "$tmp/said/wrong")" '*slice:prefix:name*hint:*cgroupfs*'
container wrong '.annotations = {"org.systemd.property.Nonsense": "true"}'
like 'a property that there is not is named' "$(cat "$tmp/said/wrong")" '*Nonsense*'
container wrong '.annotations = {"org.systemd.property.TasksMax": "many"}'
like 'so is a value that is none' "$(cat "$tmp/said/wrong")" '*TasksMax=many*'
is 'nothing is left of these' "$(ids)$(in_view systemctl --user list-units --plain --no-legend --type scope | grep -v ^init.scope)" ''
