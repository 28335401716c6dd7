#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `--policy` and `sbx policy`: what a user types, what they are told, and that it holds.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd -P)
export XDG_CONFIG_HOME="$tmp/config"
mkdir -p "$tmp/config/sbx/policies"
own_place

# told TEXT COMMAND...: it ends with 125 and one line that has TEXT
told() {
	text=$1
	shift
	output=$("$@" 2>&1 >/dev/null)
	[ $? = 125 ] && [ "$(printf '%s\n' "$output" | grep -c '^sbx: cannot')" = 1 ] &&
		printf '%s\n' "$output" | grep -qF -- "$text" && return
	printf '%s\n' "$output"
	return 1
}

write() { # FILE LINE...
	file=$1
	shift
	printf '%s\n' "$@" >"$file"
}

plan 81

# ---- names ----

for name in default strict dev nested docker none; do
	ok "$name runs a shell" "$SBX" run --policy "$name" -- sh -c 'ls / >/dev/null && :'
done
ok "an unknown name tells the nearest" told "default" "$SBX" run --policy defualt -- true
ok "a name with a slash is a file" told "$PWD/default" "$SBX" run --policy ./default -- true
ok "a call is added to a built-in" "$SBX" run --policy default+ptrace -- true
ok "an unknown call tells the nearest" told "ptrace" "$SBX" run --policy default+ptrase -- true
ok "an unknown group tells the nearest" told "@debug" "$SBX" run --policy default+@debgu -- true

write "$tmp/config/sbx/policies/mine" '%sbx-policy 1' '@extends default' 'getpriority: errno(E2BIG)'
ok "a policy of the user's configuration has a name" "$SBX" run --policy mine -- true
like "and is listed" "$("$SBX" policy list)" '*mine*'

# ---- that they hold ----

write p.sbx '%sbx-policy 1' '@extends default' 'mkdir: errno(EDOM) explain "no directories here"' \
	'mkdirat: errno(EDOM)'
like "a line of a file holds" "$("$SBX" run --policy ./p.sbx -- mkdir x 2>&1)" '*Numerical argument out of domain*'
like "a call taken from a built-in is denied" \
	"$("$SBX" run --policy default-mkdir-mkdirat -- mkdir x 2>&1)" '*not permitted*'
fails "--policy none lets through what default denies" 0 \
	"$SBX" run --policy none -- unshare -U true
fails "default denies namespaces" 1 "$SBX" run --policy default -- unshare -U true
fails "nested allows them" 0 "$SBX" run --policy nested -- unshare -U true
write kill.sbx '%sbx-policy 1' '@extends default' 'mkdir: kill' 'mkdirat: kill'
fails "a call that kills ends the command by SIGSYS" 159 "$SBX" run --policy ./kill.sbx -- mkdir x
like "and one line says so" "$("$SBX" run --policy ./kill.sbx -- mkdir x 2>&1)" '*policy*'
write fake.sbx '%sbx-policy 1' '@extends default' '{mkdir, mkdirat}: fake(0)'
ok "a call is faked" "$SBX" run --policy ./fake.sbx -- sh -c 'mkdir x && [ ! -e x ]'
write faker.sbx '%sbx-policy 1' '@extends default' 'getpriority: fake(7)'
ok "a faked call returns what is asked for" "$SBX" run --policy ./faker.sbx -- \
	python3 -c 'import ctypes; l = ctypes.CDLL(None); assert l.syscall(140, 0, 0) == 7, l.syscall(140, 0, 0)'
write notify.sbx '%sbx-policy 1' '@extends default' 'mkdir: notify'
ok "notify without a listener is an error" told "notify" "$SBX" run --policy ./notify.sbx -- true
write minijail.policy 'read: 1' 'write: arg0 == 1' 'exit_group: 1'
fails "minijail's files kill what they do not name" 159 "$SBX" run --policy ./minijail.policy -- true

# ---- sections, and what beats them ----

write caps.sbx '%sbx-policy 1' '@extends default' '[caps]' 'bounding = CAP_NET_RAW' \
	'[limits]' 'nofile = 100' '[landlock]' 'mode = off'
bounding() {
	"$SBX" run -R / --policy ./caps.sbx "$@" -- sed -n 's/^CapBnd:\t0*//p' /proc/self/status
}
is "[caps] is the bounding set" "$(bounding)" 2000
is "the command line adds to it" "$(bounding --cap-add NET_ADMIN)" 3000
is "the command line takes from it" "$(bounding --cap-drop ALL)" ""
write ambient.sbx '%sbx-policy 1' '@extends default' '[caps]' 'bounding = none' 'ambient = CAP_NET_RAW'
is "what is ambient does not add to it" \
	"$("$SBX" run -R / --policy ./ambient.sbx -- sed -n 's/^CapBnd:\t0*//p' /proc/self/status)" ""
is "[limits] sets a limit" "$("$SBX" run --policy ./caps.sbx -- sh -c 'ulimit -n')" 100
is "the command line beats it" "$("$SBX" run --policy ./caps.sbx --rlimit nofile=50 -- sh -c 'ulimit -n')" 50
like "sbx config says where a limit came from" "$("$SBX" config --policy ./caps.sbx -- true)" '*caps.sbx:6*'
"$SBX" config --policy ./caps.sbx -- sh -c 'ulimit -n' >config.json
is "a config.json takes the policy along" "$("$SBX" run --config config.json)" 100
(cd / && "$SBX" config --cwd off --policy "$tmp/work/p.sbx" -- mkdir /tmp/x) >config.json
like "by its whole path" "$("$SBX" run --config config.json 2>&1)" '*out of domain*'
for set in @docker @all @default @users @services; do
	ok "--cap-add takes $set" "$SBX" run -R / --cap-drop ALL --cap-add "$set" -- true
done
ok "an unknown set is refused" told "@dokcer" "$SBX" run --cap-add @dokcer -- true
write ll.sbx '%sbx-policy 1' '@extends default' '[landlock]' "ro = / " "rw = /dev/null"
fails "[landlock] keeps other files from being written" 2 \
	"$SBX" run --policy ./ll.sbx -- sh -c 'echo x >/tmp/x'

# ---- --seccomp ----

write docker.json '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],' \
	'"action": "SCMP_ACT_ERRNO", "errnoRet": 33}]}'
like "--seccomp reads OCI JSON" "$("$SBX" run --seccomp docker.json -- mkdir x 2>&1)" '*out of domain*'
like "so does --policy" "$("$SBX" run --policy ./docker.json -- mkdir x 2>&1)" '*out of domain*'
write double.json '{"defaultAction": "SCMP_ACT_ALLOW", "defaultAction": "SCMP_ACT_KILL"}'
ok "a key that stands twice is refused" told "defaultAction" "$SBX" run --seccomp double.json -- true
ok "the libseccomp back end compiles a profile" "$SBX" run --seccomp-backend libseccomp --policy ./docker.json -- true
ok "an unknown back end is refused" told "libsecomp" "$SBX" run --seccomp-backend libsecomp -- true

# ---- sbx policy ----

like "show prints the lines of a policy" "$("$SBX" policy show ./p.sbx)" '*mkdir*EDOM*'
like "show --source prints a built-in as it was written" "$("$SBX" policy show --source default)" '%sbx-policy 1*'
"$SBX" policy show default >shown.sbx
ok "what show prints can be used" "$SBX" run --policy ./shown.sbx -- ls
ok "check finds nothing in the built-ins" "$SBX" policy check default strict dev nested
write thin.sbx '%sbx-policy 1' 'read: allow'
fails "check finds what is missing" 1 "$SBX" policy check ./thin.sbx
like "and names it" "$("$SBX" policy check ./thin.sbx)" '*exit_group*'
like "explain tells of a call" "$("$SBX" policy explain socket)" '*AF_UNIX*'
like "explain tells why" "$("$SBX" policy explain keyctl)" '*keyring*'
like "why runs the program" "$("$SBX" policy why socket AF_VSOCK 1 0)" '*EAFNOSUPPORT*default:*'
like "why takes numbers" "$("$SBX" policy why socket 1 1 0)" '*allow*'
like "why takes a number for the call" "$("$SBX" policy why 9999)" '*ENOSYS*'
like "why knows another policy" "$("$SBX" policy why --policy dev ptrace 0)" '*allow*'
ok "why refuses an unknown constant" told "AF_VSOCK" "$SBX" policy why socket AF_VSOK
ok "explain refuses an unknown call" told "socket" "$SBX" policy explain sokcet
"$SBX" policy convert --to oci ./p.sbx >converted.json
ok "convert writes JSON" jq -e .defaultAction converted.json
"$SBX" policy convert --to oci -o converted.json ./p.sbx
like "which denies the same" "$("$SBX" run --policy ./converted.json -- mkdir x 2>&1)" '*out of domain*'
"$SBX" policy convert --to native -o converted.sbx ./docker.json
like "and back" "$("$SBX" run --policy ./converted.sbx -- mkdir x 2>&1)" '*out of domain*'
ok "an unknown command is refused" told "sbx policy check" "$SBX" policy chekc
ok "an unknown option is refused" told "--polcy" "$SBX" policy why --polcy x read
ok "a missing operand is told" told "something is missing" "$SBX" policy show

: >empty
head -c 100000 /dev/urandom >binary
yes 'read: allow' | head -c 1000000 >long
for command in show check convert; do
	ok "$command: a file that is missing" told "missing" "$SBX" policy "$command" ./missing
	ok "$command: a binary file" told "binary" timeout 10 "$SBX" policy "$command" ./binary
	ok "$command: a file of 1 MB" told "long" timeout 10 "$SBX" policy "$command" ./long
done
for command in show check convert; do
	ok "$command: an empty file" told "no rule" "$SBX" policy "$command" ./empty
done
ok "explain: a file that is missing" told "missing" "$SBX" policy explain --policy ./missing read
ok "explain: a binary file" told "binary" timeout 10 "$SBX" policy explain --policy ./binary read
ok "why: an empty file" told "no rule" "$SBX" policy why --policy ./empty read

# ---- what the documents say ----

awk '/^```sbx-policy$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print > ("'"$tmp"'/example." n) }' \
	"$here/../../docs/policy.md"
failed=
for example in "$tmp"/example.*; do
	"$SBX" policy show "$example" >/dev/null 2>"$tmp/said" || failed="$failed $(cat "$tmp/said")"
done
is "every example of docs/policy.md is a policy" "$failed" ""
