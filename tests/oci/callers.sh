#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who calls a runtime, and what it is told: engines that reap orphans, callers that die, service
# managers that wait to hear that it is ready, people at a terminal.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip_all 'python3 is not installed'
callers() {
	timeout -s KILL 30 python3 "$oci_here/callers.py" "$@"
}

plan 45

# ---- the one that creates it goes --------------------------------------------------------------------

command_bundle ends 'exit 7'
said=$(callers subreaper "$runtime" --root "$state" run -d -b "$bundle" ends 2>&1)
is 'a subreaper gets the status of the process that was left to it' "$said" 7
fails 'the container is there, and stopped' 0 oci delete ends
command_bundle waits 'while :; do sleep 1; done'
ok 'a caller with a death signal' callers mortal "$runtime" --root "$state" create --pid-file "$tmp/pid" -b "$bundle" waits
is 'leaves a container that waits' "$(status waits)" created
is 'whose pid is in the file' "$(cat "$tmp/pid")" "$(pid waits)"
ok 'start by another one' callers mortal "$runtime" --root "$state" start waits
is 'leaves it running' "$(status waits)" running
is 'a session of its own' "$(awk '{ print $6 }' "/proc/$(pid waits)/stat")" "$(pid waits)"
is 'and no group of the caller' "$(awk '{ print $5 }' "/proc/$(pid waits)/stat")" "$(pid waits)"
ok 'signal 0 finds it' oci kill waits 0
ok 'KILL ends it' oci kill waits KILL
ok 'it stops' until_true status_is waits stopped
fails 'kill finds none any more' 1 oci kill waits KILL
ok 'delete' oci delete waits

# ---- who only looks -----------------------------------------------------------------------------------

command_bundle seen 'echo started'
ok 'create' oci create -b "$bundle" seen
ok 'somebody who connects and says nothing' callers look "$state/seen/start"
ok 'and another one' callers look "$state/seen/start"
is 'does not start it' "$(status seen)" created
ok 'start does' oci start seen
ok 'it ends' until_true status_is seen stopped
ok 'deleted' oci delete seen

# ---- a pidfd -------------------------------------------------------------------------------------------

timeout -s KILL 30 python3 "$oci_here/receive.py" pidfd "$tmp/pidfd" >"$tmp/told" 2>&1 &
receiver=$!
until_true test -S "$tmp/pidfd"
command_bundle told 'sleep 60'
ok 'create with a socket for a pidfd' oci create --pidfd-socket "$tmp/pidfd" -b "$bundle" told
wait "$receiver"
is 'tells of process 1' "$(cat "$tmp/told")" "$(pid told)"
fails 'a created one is not deleted' 1 oci delete told
ok 'but by force' oci delete --force told

# ---- run stays ------------------------------------------------------------------------------------------

command_bundle trapped 'trap "exit 5" TERM; touch /tmp/ready; while :; do sleep 0.05; done'
timeout -s KILL 30 "$runtime" --root "$state" run -b "$bundle" trapped </dev/null >/dev/null 2>&1 &
launcher=$!
until_true status_is trapped running
until_true test -e "/proc/$(pid trapped)/root/tmp/ready"
runner=$(ps -o pid= --ppid "$launcher" | tr -d ' ')
kill -TERM "${runner:-$launcher}"
wait "$launcher"
is 'TERM to run is one to the container' $? 5
is 'and nothing is left' "$(ids)" ''
command_bundle killed 'kill -KILL $$; sleep 1' 'del(.linux.namespaces[] | select(.type == "pid"))
	| .mounts |= map(select(.destination != "/proc"))'
fails 'killed by a signal: 128 and its number' 137 oci run -b "$bundle" killed
command_bundle kept 'exit 3'
fails 'run --keep' 3 oci run --keep -b "$bundle" kept
is 'keeps what has stopped' "$(status kept)" stopped
ok 'until it is deleted' oci delete kept

# ---- many -----------------------------------------------------------------------------------------------

command_bundle many 'sleep 60'
for id in web1 web2 other; do
	oci run -d -b "$bundle" "$id" >/dev/null
done
ok 'kill --regex' oci kill --regex 'web[0-9]' KILL
until_true status_is web1 stopped && until_true status_is web2 stopped
is 'kills those that match' "$(status web1) $(status web2) $(status other)" 'stopped stopped running'
ok 'delete --regex' oci delete --regex '^web'
is 'deletes those that match' "$(ids)" other
ok 'delete --force --regex' oci delete --force --regex .
is 'all of them' "$(ids)" ''

# ---- a service manager ------------------------------------------------------------------------------------

command_bundle service '[ -S "$NOTIFY_SOCKET" ] && touch /tmp/socket; sleep 60'
callers manager "$tmp/manager" >"$tmp/heard" 2>&1 &
manager=$!
until_true test -S "$tmp/manager"
export NOTIFY_SOCKET="$tmp/manager"
ok 'create under a service manager' oci create -b "$bundle" service
oci start service >"$tmp/start" &
starter=$!
unset NOTIFY_SOCKET
ok 'the container has a socket' until_true test -e "/proc/$(pid service)/root/tmp/socket"
callers notify "$state/service/notify/notify.sock" 'STATUS=nearly
MAINPID=1' 'STATUS=there
READY=1'
wait "$starter"
is 'start returns when it is ready' $? 0
wait "$manager"
is 'the manager hears that, and nothing else' "$(cat "$tmp/heard")" "READY=1
MAINPID=$(pid service)"
ok 'deleted' oci delete --force service
export NOTIFY_SOCKET="$tmp/manager"
command_bundle silent 'exit 0'
ok 'one that ends without a word is waited for no longer' oci run -d -b "$bundle" silent
unset NOTIFY_SOCKET
ok 'and deleted' oci delete --force silent
is 'nothing is left' "$(ids)" ''
