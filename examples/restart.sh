#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command, and again when it fails: for machines without a service manager.
#
#   restart.sh COMMAND [ARG...]
#   restart.sh sbx run --net none -- ./server
#   restart.sh sbx-oci run --bundle /srv/web web
#
# RESTART_MAX   so many failures in a row end it, default 5; a minute of work starts them anew
# RESTART_WAIT  seconds before the second try, default 1; then twice as many each time
#
# Ends with the command's status: when that is 0; when the sandbox cannot be made or its command
# not be found (125 to 127), which no second try mends; and behind TERM or Ctrl-C, which are handed on.
set -u

max=${RESTART_MAX:-5}
failures=0
ended=
trap 'ended=1; [ -z "${child-}" ] || kill "$child" 2>/dev/null' HUP INT TERM

while :; do
	start=$(date +%s)
	"$@" &
	child=$!
	wait "$child"
	status=$?
	# A trap ends the wait, not the child.
	while kill -0 "$child" 2>/dev/null; do
		wait "$child"
		status=$?
	done
	child=
	case $status in
	0 | 125 | 126 | 127) exit "$status" ;;
	esac
	[ -z "$ended" ] || exit "$status"
	[ $(($(date +%s) - start)) -lt 60 ] || failures=0
	failures=$((failures + 1))
	if [ "$failures" -ge "$max" ]; then
		echo "restart.sh: $failures failures in a row, the last with $status" >&2
		exit "$status"
	fi
	delay=$((${RESTART_WAIT:-1} << (failures - 1)))
	echo "restart.sh: ended with $status, once more in $delay s" >&2
	sleep "$delay" &
	child=$!
	wait "$child"
	child=
	[ -z "$ended" ] || exit "$status"
done
