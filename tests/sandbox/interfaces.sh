#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What sbx writes for programs is held to the schemas of docs/schema, and the status that it
# ends with to docs/interfaces.md.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/sandbox/lib.sh
. "$here/lib.sh"

echo '{}' | python3 "$here/validate.py" "$here/../../docs/schema/list.json" >"$tmp/why"
[ $? != 77 ] || skip_all "$(cat "$tmp/why")"

plan 45
mkdir "$tmp/work" "$tmp/run"
cd "$tmp/work" || exit 1
chmod 700 "$tmp/run"
XDG_RUNTIME_DIR=$tmp/run
export XDG_RUNTIME_DIR

fits() { # SCHEMA FILE
	python3 "$here/validate.py" --lines "$here/../../docs/schema/$1.json" <"$2"
}

document_fits() { # SCHEMA FILE
	python3 "$here/validate.py" "$here/../../docs/schema/$1.json" <"$2"
}

member() { # FILE LINE EXPRESSION
	sed -n "$2p" "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)$3)" 2>&1
}

# run STATUS EVENTS DESCRIPTION OPTION...: what it ends with, and what --status-fd told
run() {
	wanted=$1
	events=$2
	description=$3
	shift 3
	"$SBX" run --no-config --status-fd 7 "$@" 7>"$tmp/events" 2>"$tmp/errors" </dev/null
	is "$description: status" $? "$wanted"
	got=$(sed -n 's/.*"event":"\([a-z]*\)".*/\1/p' "$tmp/events" | tr '\n' ' ')
	is "$description: events" "${got% }" "$events"
	ok "$description: schema" fits status "$tmp/events"
}

run 0 'started exited' 'a command that succeeds' -- true
run 7 'started exited' 'a command that fails' -- sh -c 'exit 7'
is 'its own status is told' "$(member "$tmp/events" 2 '["status"]')" 7
run 125 'started exited' 'a command that ends with 125' -- sh -c 'exit 125'
run 137 'started exited' 'a command that is killed' -- sh -c 'kill -KILL $$'
is 'the signal is told' "$(member "$tmp/events" 2 '["signal"]')" SIGKILL
run 124 'started timeout' 'a command that takes too long' --timeout 200ms -- sleep 20
run 127 failed 'a command that is missing' -- no-such-command
is 'its id is told' "$(member "$tmp/events" 1 '["error"]["id"]')" command-not-found
run 126 failed 'a command that cannot be executed' -- /etc/passwd
is 'its id is told as well' "$(member "$tmp/events" 1 '["error"]["id"]')" command-not-executable
run 125 failed 'a source that is missing' --ro "$tmp/nothing" -- true
is 'it is told that the command never ran' \
	"$(member "$tmp/events" 1 '["command_started"]')" False
run 125 failed 'an option that is unknown' --no-such-option -- true

"$SBX" run --no-config --ready-fd 7 -- true 7>"$tmp/ready"
is '--ready-fd gets one newline' "$(od -An -tx1 "$tmp/ready" | tr -d ' ')" 0a
"$SBX" run --no-config --ready-fd 7 -- no-such-command 7>"$tmp/ready" 2>"$tmp/errors"
is '--ready-fd gets nothing without a command' "$(wc -c <"$tmp/ready")" 0

"$SBX" run --no-config --stats="$tmp/stats" -- sh -c 'exit 3'
ok '--stats=FILE: schema' document_fits stats "$tmp/stats"
is '--stats=FILE: status' "$(member "$tmp/stats" 1 '["status"]')" 3
"$SBX" run --no-config --stats -- true 2>"$tmp/stats"
ok '--stats: schema' fits stats "$tmp/stats"

"$SBX" run --no-config --log-format json -- no-such-command 2>"$tmp/log"
ok '--log-format json: schema' fits log "$tmp/log"
"$SBX" run --no-config --log-format json --no-such-option 2>"$tmp/log"
ok '--log-format json, for options: schema' fits log "$tmp/log"

"$SBX" doctor --json >"$tmp/doctor"
document_status=$?
ok 'doctor --json: schema' document_fits doctor "$tmp/doctor"
is 'doctor ends with 0 where sandboxes run' "$document_status" 0

"$SBX" run --no-config -d --name interfaces -- sleep 30
"$SBX" list --json >"$tmp/list"
ok 'list --json: schema' document_fits list "$tmp/list"
"$SBX" stats --json >"$tmp/usage"
ok 'stats --json: schema' document_fits usage "$tmp/usage"
"$SBX" kill interfaces >"$tmp/errors" 2>&1
"$SBX" wait interfaces >"$tmp/errors" 2>&1
"$SBX" list --json >"$tmp/list"
ok 'list --json of nothing: schema' document_fits list "$tmp/list"

"$SBX" wait interfaces >"$tmp/errors" 2>&1
is 'a sandbox that is not there is 125' $? 125
