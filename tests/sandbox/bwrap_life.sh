#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sbx-bwrap through the eyes of its caller: who is told what and when, what is held how long,
# who dies with whom. bwrap_life.py plays the scenes; where bubblewrap is installed it has to
# show the same, but for the scenes where it is known to be wrong.
# shellcheck disable=SC2016 # the scripts in quotes are for the shell inside
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_BWRAP:?the path of the sbx-bwrap to test}"
here=$(cd "$(dirname "$0")" && pwd)
command -v python3 >/dev/null || skip_all 'python3 is not installed'
theirs=$(command -v bwrap || true)
cd "$tmp" || exit 1

scene() {
	timeout -s KILL 90 python3 "$here/bwrap_life.py" "$1" "$2" 2>&1
}
# same SCENE DESCRIPTION
same() {
	if [ -z "$theirs" ]; then
		skip "$2" 'there is no bubblewrap to compare with'
		return
	fi
	is "$2" "$(scene "$1" "$SBX_BWRAP")" "$(scene "$1" "$theirs")"
}
# shows SCENE DESCRIPTION TEXT: ours alone
shows() {
	is "$2" "$(scene "$1" "$SBX_BWRAP")" "$3"
}
# survives DESCRIPTION COUNT WORDS...: whenever the launcher is killed, nothing stays
survives() {
	description=$1
	shift
	ok "$description" timeout -s KILL 120 python3 "$here/death.py" "$@"
}
newline='
'

plan 45

# ---- who is told, and who waits ---------------------------------------------------------------

same info_text '--info-fd: the text'
same info_of_few 'only of the namespaces that are new'
shows info_is_true 'it is true, and ends before the command begins' \
	"mnt True${newline}pid True${newline}uts True${newline}status 0"
same json_status '--json-status-fd: two lines'
same json_status_without_exec 'one where nothing was executed'
same json_status_without_start 'or the start failed'
same block '--block-fd'
same block_until_closed 'its end lets the command go, too'
if [ "$(scene foreign_map "$SBX_BWRAP")" = 'no subordinate ids' ]; then
	skip '--userns-block-fd' 'no subordinate ids'
else
	same foreign_map '--userns-block-fd: the caller maps the ids'
fi

# ---- what is held ---------------------------------------------------------------------------

shows sync '--sync-fd stays open as long as anything lives, and not in the command' \
	"False${newline}5 (open) (end)"
same sync_as_process_1 'with process 1 the command has it'
same sync_needs_no_pids 'it needs no process namespace'
shows lock '--lock-file is locked until the end' "up${newline} False${newline}status 0 True"
same lock_that_is_taken 'a lock that somebody else has'
same lock_that_is_missing 'a lock file that is missing'

# ---- death --------------------------------------------------------------------------------------

shows die_with_parent '--die-with-parent: launcher or caller, the command goes' \
	"gone, gone${newline}gone, gone${newline}gone, gone"
shows live_without_parent 'without it the command goes on' 'goes on goes on goes on'
shows signals 'signals end the launcher alone' \
	"-15 goes on -15 gone${newline}-2 goes on -2 gone${newline}-1 goes on -1 gone"
shows background 'what runs in the background keeps the sandbox, not the launcher' \
	'5 (open) (end)'
same statuses 'statuses'
survives '--die-with-parent: killed at any instant' 15 "$SBX_BWRAP" --bind / / --die-with-parent \
	sh -c 'echo up; exec sleep 30'
for words in '--unshare-pid --proc /proc' '--unshare-pid --as-pid-1' '--unshare-all --new-session --dev /dev'; do
	# shellcheck disable=SC2086
	survives "$words: so, too" 15 "$SBX_BWRAP" --bind / / --die-with-parent $words sh -c 'echo up; sleep 30'
	# shellcheck disable=SC2086
	survives "$words: without it the command goes on, and nothing else does" 10 \
		"$SBX_BWRAP" --bind / / $words sh -c 'echo up; sleep 1'
done

# ---- what the command finds ---------------------------------------------------------------------

same descriptors 'only the command keeps what it inherits'
same number_of_descriptors 'it inherits nothing else'
same session 'session and process group'
same process_1 'who is process 1'
shows secrets_of_process_1 'process 1 does not show what the caller said and had' "0${newline}status 1"
same signal_states 'blocked and ignored signals'

# ---- odd callers ----------------------------------------------------------------------------------

shows ignored_children 'SIGCHLD is ignored' "status 7${newline}status 7"
same few_descriptors 'few descriptors and many mounts'
if [ -n "${ASAN_OPTIONS:-}" ]; then
	skip 'too few descriptors' 'a sanitizer needs more, and its own libraries'
	skip 'little memory' 'a sanitizer needs more, and its own libraries'
else
	shows fewer_descriptors 'too few descriptors' ''
	same little_memory 'little memory'
fi
same no_environment 'no environment'
same no_standard_descriptors 'no standard streams'
same many_words 'as many words as bubblewrap takes'

# ---- foreign namespaces -----------------------------------------------------------------------------

same join_userns '--userns'
same join_another_id 'and another id in it'
same join_two '--userns2'
shows not_a_namespace 'what is no namespace' "bwrap: Joining the specified user namespace failed, it might not be a descendant of the current user namespace.
status 1
bwrap: Setting userns2 failed: Invalid argument
status 1
bwrap: Setting pidns failed: Invalid argument
status 1"
shows join_pids '--pidns' "True
seen
status 6
2
status 137
(3, '1', 'status 0')"
