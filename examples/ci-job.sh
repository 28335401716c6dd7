#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A job of a CI system: a command from strangers, on a checkout that it cannot change.
#
#   ci-job.sh COMMAND [ARG...]      in the checkout; results go to $PWD/out
#
# CI_OUT      another directory for the results
# CI_TIMEOUT  instead of 20m
# CI_NET      user: the internet; else there is no network (ci-fetch.sh allows single places)
# CI_SBX      more options for sbx run, such as --proc host inside a container
#
# Ends as the command does; with 124 if it took too long, and with 125 and the one line that
# says why and what would help where no sandbox can be made.
set -eu

out=${CI_OUT:-out}
mkdir -p "$out"

# The reports lie where the command cannot write to them.
report=$(mktemp -d "${TMPDIR:-/tmp}/ci-job.XXXXXX")
trap 'rm -rf "$report"' EXIT

# Nothing is read from the configuration of whoever runs the job. The checkout is read-only,
# HOME and /tmp are empty and small; of the environment only CI's own names are handed on.
# 512 processes are a limit of the job from Linux 5.14 on, of the user before that.
status=0
# shellcheck disable=SC2086 # CI_SBX holds several words
sbx run --no-config --cwd ro --rw "$out" --scratch-size 2G --net "${CI_NET:-none}" \
	--keep-env=CI --keep-env='CI_*' --hostname ci --tty=off \
	--rlimit nproc=512 --timeout "${CI_TIMEOUT:-20m}" --kill-after 5s \
	--stats="$report/stats" --status-fd 3 ${CI_SBX-} -- "$@" \
	3>"$report/status" || status=$?

# The last line says whose status it is: a command may end with 124 or 125 of its own.
case $(tail -n 1 "$report/status") in
*'"event":"exited"'*) echo "ci-job: the command ended with $status" ;;
*'"event":"timeout"'*) echo "ci-job: out of time" ;;
*) echo "ci-job: not run" ;;
esac
[ ! -s "$report/stats" ] || cat "$report/stats"
exit "$status"
