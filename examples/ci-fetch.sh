#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A job of a CI system that needs the network, but not all of it: the command reaches the places
# that are named, and nothing else: no other server, not the host, not the metadata service that
# gives out the machine's keys.
#
#   CI_ALLOW='pypi.org:443 files.pythonhosted.org:443' ci-fetch.sh COMMAND [ARG...]
#
# CI_ALLOW  destinations as for sbx run --allow, with blanks between; none: no network at all
# CI_OUT    the directory that is written to, instead of ./vendor
#
# What was denied is told at the end, once for each place, with the option that would allow it.
# Ends as the command does; with 125 and the reason where no sandbox can be made.
set -eu

out=${CI_OUT:-vendor}
mkdir -p "$out"
report=$(mktemp -d "${TMPDIR:-/tmp}/ci-fetch.XXXXXX")
trap 'rm -rf "$report"' EXIT

set -- -- "$@"
for place in ${CI_ALLOW-}; do
	set -- --allow "$place" "$@"
done
[ -n "${CI_ALLOW-}" ] || set -- --net none "$@"
[ -z "${CI_ALLOW-}" ] || set -- --net-log "$report/log" "$@"

status=0
sbx run --no-config --cwd ro --rw "$out" --tty=off --timeout "${CI_TIMEOUT:-20m}" "$@" || status=$?

# A line for each denial: {"event":"denied", ..., "allow":"--allow example.org:443"}
[ ! -s "$report/log" ] || sed -n 's/.*"event":"denied".*"allow":"\([^"]*\)".*/ci-fetch: denied; \1/p' "$report/log" |
	sort -u
exit "$status"
