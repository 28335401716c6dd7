#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What engines read: the words of messages, exit statuses, the log of --log, the state as JSON,
# the pid file, and which ids are ids.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

plan 84

# ---- what does not exist, and what has ended ------------------------------------------------------

for command in state kill delete start pause resume ps; do
	refused "$command of an unknown id" '*does not exist*' "$command" nobody
done
like 'exec in an unknown id' "$(oci exec nobody true)" '*does not exist*'
fails 'delete --force of an unknown id succeeds' 0 oci delete --force nobody
command_bundle short 'exit 3'
is 'run ends as its command does' "$(oci run -b "$bundle" short >/dev/null; echo $?)" 3
bundle slow '.process.args = ["sleep", "60"]'
oci run -d --pid-file "$tmp/pid" -b "$bundle" slow >/dev/null
is 'the pid file says who runs' "$(cat "$tmp/pid")" "$(pid slow)"
is 'nothing else is left beside it' "$(find "$tmp" -maxdepth 1 -name 'pid*' | wc -l)" 1
fails 'kill 0 asks whether it lives' 0 oci kill slow 0
refused 'an unknown signal' '*signal*' kill slow MOUNTAIN
refused 'what runs cannot be deleted' '*' delete slow
refused 'an id that is taken' '*' create -b "$bundle" slow
is 'which does no harm' "$(status slow)" running
fails 'a signal by number' 0 oci kill slow 9
ok 'it ends' until_true status_is slow stopped
said=$(oci kill slow TERM)
is 'kill of what has ended fails' $? 1
case $said in
*'container not running'* | *'no such process'* | *'os: process already finished'*) result 0 'with words that engines know' ;;
*) result 1 'with words that engines know' || say "$said" ;;
esac
is 'its state' "$(oci state slow | jq -r '"\(.ociVersion) \(.id) \(.pid) \(.status) \(.bundle) \(.rootfs)"')" \
	"1.0.2 slow 0 stopped $bundle $root"
like 'says when it was created' "$(oci state slow | jq -r .created)" '20??-??-??T??:??:??*Z'
is 'list as JSON is a list of such' "$(oci list -f json | jq -r '.[] | "\(.id) \(.status) \(.pid)"')" 'slow stopped 0'
like 'list for people has a head' "$(oci list | head -n 1 | tr -s ' ')" 'ID PID STATUS BUNDLE CREATED OWNER*'
fails 'it is deleted' 0 oci delete slow
is 'an empty list as JSON' "$(oci list -f json | jq -c '. // []')" '[]'

# ---- signals end it ----------------------------------------------------------------------------------

for number in 9 15; do
	command_bundle dies 'exec sleep 60'
	oci run -d -b "$bundle" dies >/dev/null
	oci kill dies "$number" >/dev/null
	[ "$number" = 9 ] || oci kill dies KILL >/dev/null
	until_true status_is dies stopped
	result $? "signal $number, and KILL where process 1 has no handler"
	oci delete --force dies >/dev/null
done
command_bundle dies 'trap "exit 5" TERM; touch /tmp/ready; while :; do sleep 0.1; done'
limit=20 oci run -b "$bundle" dies >"$tmp/dies" 2>&1 &
runner=$!
until_true status_is dies running
sleep 0.3
oci kill dies TERM >/dev/null
wait "$runner"
is 'what traps a signal ends as it likes' $? 5

# ---- the command cannot be executed ---------------------------------------------------------------------

bundle missing '.process.args = ["/no/such"]'
said=$(oci run -b "$bundle" missing)
is 'a missing program' $? 1
like 'has words that engines know' "$said" '*executable file `/no/such`*[Nn]o such file or directory*'
is 'and leaves nothing' "$(ids)" ''
bundle missing '.process.args = ["nosuch"]'
like 'one that is in no PATH' "$(oci run -b "$bundle" missing)" '*executable file `nosuch` not found in $PATH*'
echo x >"$root/etc/text"
bundle missing '.process.args = ["/etc/text"]'
said=$(oci run -b "$bundle" missing)
like 'one that may not be executed' "$said" '*[Pp]ermission denied*'
bundle missing '.process.args = ["/etc"]'
said=$(oci run -b "$bundle" missing)
case $said in
*[Ii]'s a directory'* | *[Pp]'ermission denied'*) result 0 'a directory' ;;
*) result 1 'a directory' || say "$said" ;;
esac
bundle missing '.process.cwd = "/no/where"'
ok 'a missing working directory is made' oci run -b "$bundle" missing
bundle missing '.process.args = []'
refused 'no program at all' '*args*' create -b "$bundle" missing
bundle missing '.root.path = "/no/root"'
refused 'a missing root is told by its name' '*/no/root*' create -b "$bundle" missing
bundle missing '.mounts += [{destination: "/m", type: "bind", source: "/no/source", options: ["bind"]}]'
refused 'a missing source as well' '*/no/source*' create -b "$bundle" missing
is 'nothing is left of all that' "$(ids)" ''
refused 'a bundle that is none' '*config.json*' create -b "$tmp/home" missing
printf '{"ociVersion": "1.0.2",' >"$bundle/config.json"
refused 'a config.json that is no JSON' '*config.json*' create -b "$bundle" missing
bundle missing '.ociVersion = "2.0.0"'
refused 'a version that is to come' '*ociVersion*1.x*' create -b "$bundle" missing
bundle missing '.ociVersion = "1.9.7" | .process.args = ["true"] | .nobody = {knows: 1} | .linux.nobody = true'
ok 'any version 1, and keys that nobody knows' oci run -b "$bundle" missing


# ---- what to do about it --------------------------------------------------------------------------

bundle advice '.root.path = "none"'
refused 'a missing root says how to get one' '*docker export*tar -x -C none*' run -b "$bundle" advice
refused 'a missing bundle which option names it' '*--bundle*' run -b "$tmp/none" advice
refused 'spec where there is no directory' '*no such directory*mkdir*' spec -b "$tmp/none"
bundle advice '.process.args = 7'
mv "$bundle/config.json" "$tmp/advice.json"
refused 'a file of --config is called by its name' "*$tmp/advice.json*process.args*" run -b "$bundle" -f "$tmp/advice.json" advice
bundle advice '.process.user.uid = 4000000'
if [ "$(id -u)" = 0 ]; then
	ok 'any id for root' oci run -b "$bundle" advice
	bundle advice
	ok 'who needs no user namespace' oci run -b "$bundle" advice
else
	refused 'an id that is not mapped' '*uid 4000000*not mapped*uid_map*' run -b "$bundle" advice
	bundle advice '.linux.namespaces -= [{type: "user"}] | del(.linux.uidMappings, .linux.gidMappings)'
	refused 'no user namespace, and not root' '*no user namespace*linux.namespaces*' run -b "$bundle" advice
fi
command_bundle advice 'sleep 60'
refused 'a place for containers that cannot be made' '*/proc/none*--root*' --root /proc/none run -b "$bundle" advice
oci --cgroup-manager disabled run -d -b "$bundle" advice >/dev/null
like 'exec: a cgroup where there is none' "$(oci exec --cgroup below advice true; echo "status $?")" '*no cgroup of its own*status 255'
refused 'start of what runs names exec' '*not created: running*exec*' start advice
oci kill advice KILL >/dev/null
until_true status_is advice stopped
refused 'start of what has ended says what is left to do' '*not created: stopped*delete*' start advice
oci delete advice >/dev/null

# ---- the log ---------------------------------------------------------------------------------------------------

logged() { # ARG...
	rm -f "$tmp/log.json"
	oci --log "$tmp/log.json" "$@" >"$tmp/stderr"
}
logged --log-format json state nobody
is 'the log: one line of JSON' "$(jq -c 'keys' "$tmp/log.json")" '["level","msg","time"]'
is 'the log: an error' "$(jq -r .level "$tmp/log.json")" error
like 'the log: the words' "$(jq -r .msg "$tmp/log.json")" '*does not exist*'
like 'the log: the time' "$(jq -r .time "$tmp/log.json")" '20??-??-??T??:??:??*'
like 'which are on stderr as well' "$(cat "$tmp/stderr")" '*does not exist*'
logged --log-format text state nobody
like 'the log: text' "$(cat "$tmp/log.json")" '*level=error*does not exist*'
logged --log-format json list
is 'the log: success is silent' "$(cat "$tmp/log.json" 2>/dev/null)" ''
bundle missing '.process.args = ["no\"such\\\n\u0001é"]'
logged --log-format json create -b "$bundle" missing
is 'the log: any text is JSON' "$(jq -r .level "$tmp/log.json")" error
fails 'a log that cannot be written is an error' 1 oci --log /no/where/log state nobody
fails 'and so is an unknown format' 1 oci --log-format mountain list

# ---- ids ----------------------------------------------------------------------------------------------------------

bundle ids '.process.args = ["true"]'
for id in a A-1_b+.c _x -- 0 +; do
	[ "$id" != -- ] || continue
	is "an id: $id" "$(oci run -b "$bundle" "$id")" ''
done
long=$(printf '%0200d' 0)
is 'an id of 200 letters' "$(oci run -b "$bundle" "$long")" ''
for id in '' . .. a/b ../x 'a b' "$(printf 'a\nb')" é "$(printf '%01025d' 0)"; do
	said=$(oci create -b "$bundle" "$id")
	[ $? = 1 ] && [ "$(ids)" = '' ]
	result $? "no id: $(printf %.20s "$id" | tr '\n' '?')" || say "$said"
done
refused 'no id at all' '*' create -b "$bundle"
refused 'two ids' '*' create -b "$bundle" one two
refused 'an unknown option' '*--mountain*' create --mountain one
refused 'an unknown command' '*mountain*' mountain
