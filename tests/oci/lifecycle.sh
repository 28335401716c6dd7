#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The life of a container as the runtime specification and the manuals of runc tell it: what
# `spec` writes runs, create, start, stopped, delete, with `list` and `state` each time, and a
# network that somebody makes in between.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

spec_options=--rootless
[ "$(id -u)" != 0 ] || spec_options=

plan 43

# ---- S12: a template that gives a shell --------------------------------------------------------

mkdir -p "$tmp/mycontainer/rootfs"
cp -a "$root/." "$tmp/mycontainer/rootfs"
cd "$tmp/mycontainer" || exit 1
# shellcheck disable=SC2086
ok 'spec writes a config.json' oci spec $spec_options
fails 'which it does not write over' 1 oci spec
is 'it asks for a shell with a terminal' "$(jq -c '[.process.args, .process.terminal]' config.json)" '[["sh"],true]'
is 'S12: unmodified, run gives a shell' "$(printf 'echo "shell of $(id -u)"\nexit 7\n' |
	timeout -s KILL 30 script -qec "'$runtime' --root '$state' run mycontainerid" /dev/null 2>&1 |
	tr -d '\r' | grep -x 'shell of 0')" 'shell of 0'
is 'S13: and nothing is left of it' "$(ids)" ''

# ---- S16: a terminal needs somebody ------------------------------------------------------------

said=$(oci create mycontainerid)
is 'S16: create with a terminal and nobody to take it fails' $? 1
like 'and says which option would' "$said" '*console*socket*'
is 'with nothing left' "$(ids)" ''
said=$(oci run -d mycontainerid)
is 'run -d alike' $? 1
like 'with the same words' "$said" '*console*socket*'

# ---- S15: the lifecycle ----------------------------------------------------------------------

jq '.process.terminal = false | .process.args = ["sleep", "1"]' config.json >new && mv new config.json
ok 'S15: create' oci create mycontainerid
is 'state says that it was created' "$(status mycontainerid)" created
like 'and so does list' "$(oci list)" '*mycontainerid*created*'
process=$(pid mycontainerid)
ok 'its process waits' lives "$process"
is 'and is none of the container yet' "$(tr '\0' ' ' <"/proc/$process/cmdline" | grep -c '^sleep')" 0
fails 'it cannot be created twice' 1 oci create mycontainerid
ok 'start' oci start mycontainerid
is 'it runs' "$(status mycontainerid)" running
like 'says list as well' "$(oci list)" '*mycontainerid*running*'
is 'the process is the same' "$(pid mycontainerid)" "$process"
is 'and the command' "$(tr '\0' ' ' <"/proc/$process/cmdline")" 'sleep 1 '
fails 'it cannot be started twice' 1 oci start mycontainerid
fails 'nor deleted while it runs' 1 oci delete mycontainerid
ok 'it ends' until_true status_is mycontainerid stopped
like 'list says that it stopped' "$(oci list)" '*mycontainerid*stopped*'
is 'the state has no pid any more' "$(pid mycontainerid)" 0
fails 'it cannot be started again' 1 oci start mycontainerid
ok 'S19: delete' oci delete mycontainerid
is 'list is empty' "$(ids)" ''
said=$(oci state mycontainerid)
is 'state fails' $? 1
like 'since it does not exist' "$said" '*does not exist*'
fails 'S19: a second delete fails' 1 oci delete mycontainerid
ok 'but not with --force' oci delete --force mycontainerid

# ---- S17: somebody else makes the network --------------------------------------------------------

enter='nsenter'
[ "$(id -u)" = 0 ] || enter='nsenter --preserve-credentials -U'
command_bundle network 'ip addr show dev lo | grep -o 10.9.8.7; ip link show veth0 | grep -o UP | head -n 1'
oci create -b "$bundle" network >/dev/null
process=$(pid network)
ok 'S17: state says whose network it is before it is started' test -e "/proc/$process/ns/net"
# shellcheck disable=SC2086
ok 'where somebody can set an address' $enter -t "$process" -n ip addr add 10.9.8.7/32 dev lo
# shellcheck disable=SC2086
ok 'and make a link' $enter -t "$process" -n sh -c \
	'ip link add veth0 type veth peer name veth1 && ip link set veth0 up'
ok 'it starts' oci start network
ok 'and ends' until_true status_is network stopped
oci delete network >/dev/null
out=$tmp/network oci create -b "$bundle" network >/dev/null
process=$(pid network)
# shellcheck disable=SC2086
$enter -t "$process" -n sh -c 'ip addr add 10.9.8.7/32 dev lo; ip link add veth0 type veth peer name veth1; ip link set veth0 up'
oci start network >/dev/null
until_true status_is network stopped
is 'which the container sees' "$(tr '\n' ' ' <"$tmp/network")" '10.9.8.7 UP '
ok 'and is deleted' oci delete network

# ---- what runc takes for an order to kill ------------------------------------------------------

oci create -b "$bundle" network >/dev/null
fails 'what was created and not started is not deleted' 1 oci delete network
is 'and has not noticed' "$(status network)" created
ok 'but with --force' oci delete --force network
