#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each stage of a container and of a command that joins it fails once, in a build with
# failpoints: the message names the stage, and nothing stays. Then each protection of a
# container is left out once, and what it stops must succeed.
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/../oci/lib.sh"

tree=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'

# stages_of SOURCE: their names, in a file
stages_of() {
	sed -n 's/^	{ "\([a-z ]*\)", [a-z_]* },$/\1/p' "$tree/launcher/$1.c" >"$tmp/$1"
	[ "$(wc -l <"$tmp/$1")" -gt 5 ] || skip_all "the table of stages was not found in $1.c"
}
stages_of container_child
stages_of join
in_creates=$(grep -cvx 'run the hooks of the start' "$tmp/container_child")
in_joins=$(wc -l <"$tmp/join")

plan $((3 * in_creates + 3 + 2 * in_joins + 1 + 2 * 8 + 1))

bundle sleep '.process.args = ["sleep", "600"]'

# This process is the one that takes what outlives the runtime, and finds it.
while read -r stage <&9; do
	[ "$stage" != 'run the hooks of the start' ] || continue
	said=$(SBX_TEST_FAIL=$stage timeout -s KILL 30 python3 "$tree/tests/sandbox/death.py" 0 \
		"$runtime" --root "$state" create -b "$bundle" x 2>&1 </dev/null)
	is "$stage: the status, and no process stays" $? 1
	is "$stage: the message names it" "$said" "sbx-oci: cannot $stage: made to fail"
	is "$stage: nothing stays" "$(find "$state" -mindepth 1)" ''
done 9<"$tmp/container_child"

# The last one is the start's.
SBX_TEST_FAIL='run the hooks of the start' oci create -b "$bundle" last >/dev/null
like 'the hooks of the start: the message names them' "$(oci start last)" \
	'sbx-oci: cannot run the hooks of the start: made to fail'
is 'the hooks of the start: it has ended' "$(status last)" stopped
ok 'the hooks of the start: it can be deleted' oci delete last

oci run -d -b "$bundle" joined >/dev/null
while read -r stage <&9; do
	said=$(SBX_TEST_FAIL=$stage oci exec joined true)
	is "$stage, by exec: the status" $? 255
	is "$stage, by exec: the message names it" "$said" "sbx-oci: cannot $stage: made to fail"
done 9<"$tmp/join"
is 'none of them stays in the container' "$(oci exec joined sh -c 'cd /proc; echo [0-9]*' | wc -w)" 2
oci delete --force joined

# differs PROTECTION WITH WITHOUT COMMAND...: what it says with the protection and without it
differs() {
	protection=$1 with=$2 without=$3
	shift 3
	echo "$protection" >>"$tmp/attacked"
	like "$protection: holds" "$("$@" 2>&1)" "$with"
	like "$protection: is missed" "$(SBX_TEST_OFF=$protection "$@" 2>&1)" "$without"
}
# inside SCRIPT [FILTER]: what a container says
inside() {
	command_bundle inside "$@"
	oci run -b "$bundle" inside
}

differs session '1' '0' inside 'cut -d" " -f6 /proc/self/stat'
differs capabilities '*420' '*ff' inside 'grep CapEff /proc/self/status'
differs masks 0 '[1-9]*' inside 'wc -c </proc/meminfo' \
	'.linux.maskedPaths = ["/proc/meminfo"]'
differs read-only '*Read-only*' 'written' inside 'echo >/tmp/new && echo written' \
	'(.mounts[] | select(.destination == "/tmp") | .options) += ["ro"]'
differs limits 77 '*[!7]*' inside 'ulimit -n' \
	'.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 77}]'
differs filter refused made inside 'mkdir /tmp/new 2>/dev/null && echo made || echo refused' \
	'.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
differs 'own file' '*cannot start*' '*features*' inside '' \
	'.process.args = ["/proc/self/exe", "--version"]'

# Whoever enters the mount namespace stands on the top of what is stacked at its root.
echo inside >"$root/etc/where"
enter_root() {
	bundle sleep '.process.args = ["sleep", "600"]'
	oci run -d -b "$bundle" entered
	# shellcheck disable=SC2090 # it is there or not
	nsenter ${user_namespace:+-U --preserve-credentials} -m -t "$(pid entered)" /bin/cat /etc/where
	oci delete --force entered
}
differs 'old root' inside '*No such file*' enter_root

# Two cannot be seen from here: who has more groups, and who traces the caller.
grep -ohE 'protection_is_off\("[a-z -]+"\)' "$tree"/launcher/container_*.c "$tree"/userns/container*.c |
	sed 's/.*("\(.*\)")/\1/' | sort -u | grep -vxE 'groups|closed init' >"$tmp/named"
is 'no protection of containers is left out of this test' "$(sort -u "$tmp/attacked" | comm -13 - "$tmp/named")" ''
