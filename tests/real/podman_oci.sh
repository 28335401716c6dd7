#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman without root makes its containers with sbx-oci: what people type, and what they read
# where it goes wrong. All of it in the place that examples/podman.sh makes.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

: "${SBX_OCI:=${SBX%/*}/sbx-oci}"
export SBX_OCI
example=$here/../../examples/podman.sh

# example RUNTIME ARG...
example() {
	runtime=$1
	shift
	TMPDIR=$tmp SBX_OCI=$runtime timeout -k 5 300 "$example" "$@" </dev/null
}

# ---- outside: the example, and this script in it ---------------------------------------------

if [ "${1-}" != inside ]; then
	need podman busybox python3
	need_ordinary_user
	! ldd "$(command -v busybox)" 2>/dev/null | grep -q '=>' || skip_all "busybox is not static"
	if ! example "$SBX_OCI" >"$tmp/said" 2>&1 &&
		! example "$(command -v runc || command -v crun)" >"$tmp/other" 2>&1; then
		say "$(tail -n 5 "$tmp/said" "$tmp/other")"
		skip_all "podman cannot start a container here"
	fi
	example_said=$(cat "$tmp/said") && export example_said
	example "$SBX_OCI" "$0" inside
	exit
fi

# ---- inside ------------------------------------------------------------------------------------

export XDG_CONFIG_HOME="$HOME/.config"
image=localhost/busybox

pod() {
	timeout -k 5 60 podman --log-level error "$@" </dev/null
}
run() { # ARG...: a container of its own; what it says
	pod run --rm --network none "$@" 2>&1
}
status_of() { # COMMAND...: what it says, and its status
	"$@"
	echo "status $?"
}

plan 55

like 'the example shows a container' "${example_said-}" '*hello from * process 1*'
like 'what is not in it' "${example_said-}" '*executable file `no-such-program` not found*status 127*'
like 'and a path at which no runtime is' "${example_said-}" '*no valid executable found for OCI runtime /nowhere/sbx-oci*status 125*'
is 'it leaves nothing behind' "$(find "$(dirname "$HOME")" -maxdepth 1 -name 'sbx-podman.*' | wc -l)" 1

# ---- who one is ----------------------------------------------------------------------------------

is 'root of the container' "$(run "$image" id -un)" root
is 'another user' "$(run --user 1000 "$image" sh -c 'id -u; grep CapEff /proc/self/status' | tr -s '\t\n' ' ')" '1000 CapEff: 0000000000000000 '
like 'podman knows which runtime it was' "$(pod create --name one "$image" true && pod inspect one --format '{{.OCIRuntime}}')" '*sbx-oci'
pod rm one >/dev/null
mkdir -p "$tmp/private/volume"
echo data >"$tmp/private/volume/file"
chmod 711 "$tmp"
chmod 700 "$tmp/private"
is 'keep-id: the same number inside, and the own files' \
	"$(run --userns keep-id -v "$tmp/private/volume:/v" "$image" sh -c 'id -u; stat -c %u /v/file; cat /v/file; echo more >>/v/file')" \
	"$(id -u)
$(id -u)
data"
is 'which are written' "$(tail -n 1 "$tmp/private/volume/file")" more
like 'auto: ids of its own' "$(run --userns auto "$image" cat /proc/self/uid_map | tr -s ' ')" ' 0 1 *'
like 'and what lies where only the user may go' "$(run --userns auto -v "$tmp/private/volume:/v" "$image" cat /v/file)" 'data*'
like 'nomap: without the own one' "$(run --userns nomap "$image" cat /proc/self/uid_map | tr -s ' ')" ' 0 1 *'
groups=$(id -G | wc -w)
is 'keep-groups: the groups of the caller' \
	"$(run --group-add keep-groups "$image" sed -n 's/^Groups:[[:space:]]*//p' /proc/self/status | wc -w)" "$groups"
is 'what it may not, and may' "$(run --cap-drop ALL --cap-add NET_RAW "$image" sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)" 0000000000002000
like 'privileged: everything' "$(run --privileged "$image" sh -c 'mount -t tmpfs none /tmp && ls /dev/null && echo mounted')" '*mounted'

# ---- files -----------------------------------------------------------------------------------------

chmod 755 "$tmp/private"
said=$(run --read-only --tmpfs /t:size=1m,mode=700 -v "$tmp/private/volume:/ro:ro" -v "$tmp/private/volume:/rw:z" \
	-v named:/n -v "$tmp/private/volume:/ne:noexec" "$image" sh -c \
	'exec 2>&1; echo x >/x; echo x >/ro/x; echo w >/rw/w && cat /ro/w; echo n >/n/n && echo named
	stat -c %a /t; df -k /t | tail -n 1 | awk "{ print \$2 }"; cp /bin/busybox /rw/b; /ne/b true; rm /rw/b')
like 'a root that is only read' "$said" '*create /x: Read-only file system*'
like 'volumes: one that is only read' "$said" '*create /ro/x: Read-only file system*'
like 'one that is written; z is no hindrance' "$said" '*
w
named
*'
like 'a tmpfs with size and mode' "$said" '*
700
1024
*'
like 'one without programs' "$said" '*/ne/b: Permission denied*'
pod volume rm named >/dev/null
printf '#!/bin/sh\n[ "$1" != -- ] || shift\necho "init $$"\nexec "$@"\n' >"$tmp/init"
chmod 755 "$tmp/init"
is 'an init of its own' "$(run --init --init-path "$tmp/init" "$image" echo started)" 'init 1
started'
echo three >"$tmp/three"
is 'descriptors that are handed over' "$(run --preserve-fds 1 "$image" cat /proc/self/fd/3 3<"$tmp/three" 4<"$tmp/init")" three
is 'and no other' "$(run --preserve-fds 1 "$image" sh -c 'cat <&4' 3<"$tmp/three" 4<"$tmp/three" 2>&1 | grep -c three)" 0

# ---- statuses and words ------------------------------------------------------------------------

is 'the status of the command' "$(status_of run "$image" sh -c 'exit 7')" 'status 7'
like '127: no such program' "$(status_of run "$image" missing)" \
	'Error:*executable file `missing` not found in $PATH: [Nn]o such file or directory*status 127'
like '126: not executable' "$(status_of run "$image" /etc/passwd)" 'Error:*/etc/passwd*[Pp]ermission denied*status 126'
like '126: a directory' "$(status_of run "$image" /etc)" 'Error:*/etc: it is a directory*status 126'
like '125: what podman itself refuses' "$(status_of run -v /no/where:/v "$image" true)" '*status 125'
is 'without any cgroup' "$(status_of run --cgroups disabled "$image" echo free)" 'free
status 0'

# ---- a terminal ----------------------------------------------------------------------------------

cat >"$tmp/terminal.py" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", 33, 99, 0, 0))
said = b""
try:
    while chunk := os.read(master, 1000):
        said += chunk
except OSError:
    pass
sys.stdout.write(said.decode().replace("\r", ""))
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
is 'a terminal' "$(timeout -k 5 60 python3 "$tmp/terminal.py" podman run --rm -it --network none "$image" \
	sh -c 'tty; until [ "$(stty size 2>/dev/null)" = "33 99" ]; do sleep 0.05; done; stty size; exit 9')" '/dev/pts/0
33 99
status 9'

# ---- hooks ---------------------------------------------------------------------------------------

mkdir "$tmp/hooks"
hook() { # SCRIPT STAGE...
	python3 - "$@" >"$tmp/hooks/hook.json" <<'END'
import json, sys
print(json.dumps({"version": "1.0.0", "when": {"always": True}, "stages": sys.argv[2:],
    "hook": {"path": "/bin/sh", "args": ["sh", "-c", sys.argv[1]]}}))
END
}
hook "cat >>$tmp/states; echo >>$tmp/states" createRuntime poststart poststop
pod --hooks-dir "$tmp/hooks" run --rm --network none "$image" true
within 10 sh -c "grep -q stopped $tmp/states"
is 'hooks have their turns' "$(sed -nE 's/.*"status": *"([a-z]*)".*/\1/p' "$tmp/states" | tr '\n' ' ')" 'creating running stopped '
hook 'echo it may not >&2; exit 3' prestart
like 'and one that fails is told' "$(status_of pod --hooks-dir "$tmp/hooks" run --rm --network none "$image" echo ran 2>&1)" \
	'Error:*hook*status 3: it may not*status 126'

# ---- one that stays -----------------------------------------------------------------------------

ok 'a container in the background' pod run -d --name web --network none --health-cmd 'test -e /tmp/well' --health-retries 1 \
	"$image" sh -c 'trap "echo asked to end; exit 3" TERM; trap "echo asked again" HUP; echo up; while :; do sleep 0.05; done'
is 'exec: output and status' "$(status_of pod exec web sh -c 'echo out; exit 7')" 'out
status 7'
is 'who, where, with what' "$(pod exec -u 1000 -w /tmp -e A=1 web sh -c 'id -u; pwd; echo $A')" '1000
/tmp
1'
like 'on a terminal' "$(pod exec -t web tty | tr -d '\r')" /dev/pts/0
like 'of nothing' "$(status_of pod exec web missing 2>&1)" 'Error:*executable file `missing` not found*status 127'
like 'of what is not executable' "$(status_of pod exec web /etc/passwd 2>&1)" 'Error:*[Pp]ermission denied*status 126'
like 'where nothing is' "$(status_of pod exec -w /no/where web true 2>&1)" 'Error:*working directory /no/where*status*'
is 'it was not well' "$(status_of pod healthcheck run web 2>&1)" 'unhealthy
status 1'
pod exec -d web touch /tmp/well >/dev/null
within 10 pod exec web test -e /tmp/well
like 'and is now' "$(status_of pod healthcheck run web 2>&1)" '*status 0'
like 'top' "$(pod top web)" '*root*sh -c trap*'
like 'ps' "$(pod ps --format '{{.Names}} {{.Status}}')" 'web Up *'
is 'another one beside it' "$(run --pid container:web --uts container:web --ipc container:web "$image" sh -c 'ps | grep -c "[t]rap"' 2>&1)" 1

# What needs a cgroup of the user's is done, or it is said why not: by podman, or by us.
none='not supported and ignored on cgroups V1|without cgroups v2|on rootless containers with cgroup V1|cgroupv1 rootless'
none="$none|does not get the controller|no cgroup here is this user's|cannot (pause|resume) "
has 'a limit is applied, or refused by name' \
	"$(run --memory 64m "$image" sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes')" "^67108864$|$none"
has 'update' "$(pod update --memory 64m web 2>&1)" "^[0-9a-f]{64}$|^web$|$none"
has 'stats' "$(pod stats --no-stream --format '{{.Name}} {{.PIDs}}' web 2>&1)" "^web [0-9]|$none"
said=$(pod pause web 2>&1)
has 'pause' "$said$(pod inspect web --format ' {{.State.Status}}')" "^web paused|$none"
case $said in
web) pod unpause web >/dev/null ;;
esac
is 'and it runs' "$(pod inspect web --format '{{.State.Status}}')" running

pod kill --signal HUP web >/dev/null
within 10 sh -c 'podman logs web | grep -q again'
is 'stop: its own status' "$(pod stop --time 20 web && pod inspect web --format '{{.State.Status}} {{.State.ExitCode}}')" 'web
exited 3'
is 'logs' "$(pod logs web)" 'up
asked again
asked to end'
is 'started again, and killed' "$(pod start web && pod kill web && pod wait web)" 'web
web
137'
ok 'removed' pod rm web
pod create --name once --network none "$image" sh -c 'echo once; exit 4' >/dev/null
is 'create, then start' "$(status_of pod start --attach once 2>&1)" 'once
status 4'
pod rm once >/dev/null
is 'nothing of them is left' "$(ls "$XDG_RUNTIME_DIR/sbx-oci")" ''
