#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A build without seccomp: whoever asks for a policy or a filter is told, and nothing starts.
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
own_place

# refuses STATUS TEXT COMMAND...: it says so, and does not start `touch started`
refuses() {
	wanted=$1 text=$2
	shift 2
	rm -f "$tmp/work/started"
	said=$(timeout -s KILL 20 "$@" 2>&1 </dev/null)
	status=$?
	[ "$status" = "$wanted" ] && [ ! -e "$tmp/work/started" ] &&
		case $said in *"$text: built without seccomp"*) true ;; *) false ;; esac
	result $? "refused: $text" || say "status $status: $said"
}

run_refuses() { # TEXT OPTION...
	text=$1
	shift
	refuses 125 "$text" "$SBX" run --rw "$tmp/work" "$@" -- touch "$tmp/work/started"
}

# config_refuses TEXT CHANGE: what jq makes of a config.json that is good otherwise
config_refuses() {
	jq "$2" "$tmp/good.json" >"$tmp/config.json"
	refuses 125 "$1" "$SBX" run --config "$tmp/config.json"
}

plan 40

for policy in default strict dev nested docker default+ptrace "$tmp/any.sbx"; do
	run_refuses 'use --policy' --policy "$policy"
done
printf 'policy default\n' >"$tmp/own.conf"
run_refuses 'use --policy' --profile "$tmp/own.conf"
printf '\006\000\000\000\000\000\377\177' >"$tmp/allow.bpf"
run_refuses 'use --seccomp' --seccomp "$tmp/allow.bpf"
run_refuses 'use --seccomp' --policy none --seccomp "$tmp/allow.bpf"
run_refuses 'use --explain on' --explain on
run_refuses 'use --denials' --denials "$tmp/denials"
run_refuses 'use --seccomp-backend' --seccomp-backend libseccomp
run_refuses 'use --seccomp-backend' --seccomp-backend sbx
run_refuses 'use --isolation landlock' --isolation landlock

"$SBX" config --rw "$tmp/work" -- touch "$tmp/work/started" >"$tmp/good.json"
ok 'a config.json without any policy runs' "$SBX" run --config "$tmp/good.json"
ok 'so it did' rm "$tmp/work/started"
config_refuses config.json '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW"}'
config_refuses 'use the policy of --config' '.annotations["sbx.policy"] = "default"'
config_refuses 'use the filter of --config' '.annotations["sbx.seccomp_bpf"] = "060000000000ff7f"'
config_refuses 'use libseccomp as --config asks' '.annotations["sbx.policy_by_libseccomp"] = "true"'
config_refuses 'explain denials as --config asks' '.annotations["sbx.explains"] = "true"'
config_refuses 'explain denials as --config asks' '.annotations["sbx.denials"] = "/tmp/denials"'

for command in list 'show default' 'check default' 'explain socket' 'why socket 1' 'convert default' \
	"learn -- touch $tmp/work/started"; do
	# shellcheck disable=SC2086
	refuses 125 'do sbx policy' "$SBX" policy $command
done

refuses 1 '--seccomp is not available' "$SBX_BWRAP" --bind / / --seccomp 3 touch "$tmp/work/started" 3<"$tmp/allow.bpf"
refuses 1 '--add-seccomp-fd is not available' "$SBX_BWRAP" --bind / / --add-seccomp-fd 3 touch "$tmp/work/started" \
	3<"$tmp/allow.bpf"

# What is left works.
around=$(sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status)
is 'the default is no filter' "$("$SBX" run -- sed -n 's/^Seccomp_filters:[[:space:]]*//p' /proc/self/status)" "$around"
ok '--policy none runs' "$SBX" run --policy none -- true
printf 'policy default\nexplain on\n' >"$tmp/own.conf"
ok 'none of a command line beats a profile' "$SBX" run --profile "$tmp/own.conf" --explain off --policy none -- true
ok '--explain auto and off ask for nothing' sh -c "\"\$0\" run --explain auto -- true && \"\$0\" run --explain off -- true" "$SBX"
ok 'Landlock does not need it' "$SBX" run --landlock auto -- true
ok 'sbx-bwrap runs' "$SBX_BWRAP" --bind / / true
like '--version tells it' "$("$SBX" --version)" '*seccomp=no*'
like 'so does the doctor' "$("$SBX" doctor 2>&1)" '*built without seccomp*'
