#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whatever a policy denies, the command that it is for is started, and what cannot be started is
# explained as ever: behind the filter sbx needs nothing that a policy could take away.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/sandbox/lib.sh
. "$(dirname "$0")/lib.sh"

busybox=$(command -v busybox) || skip_all 'busybox is not installed'
own_place
mkdir -p "$tmp/root/bin" "$tmp/root/etc" "$tmp/root/proc"
cp "$busybox" "${ASKER:?the path of the asker}" "$tmp/root/bin/"
for name in sh sleep cat true; do
	ln -s busybox "$tmp/root/bin/$name"
done
printf 'echo unmarked "$@"\n' >"$tmp/root/bin/unmarked"
printf '#!/bin/sh\necho marked "$@"\n' >"$tmp/root/bin/marked"
printf '#!/no/such/shell\n' >"$tmp/root/bin/orphan"
printf 'text\n' >"$tmp/root/bin/plain"
chmod 755 "$tmp/root/bin/"*
chmod 644 "$tmp/root/bin/plain"

# under POLICY-LINES OPTION...: nothing but the lines is forbidden
under() {
	printf '%%sbx-policy 1\n@denylist\n%b\n' "$1" >policy
	shift
	timeout -s KILL 30 "$SBX" run --no-config -R "$tmp/root" --policy ./policy "$@" </dev/null 2>&1
	echo "status $?"
}
# Three ways to a command: below an init, as process 1, and below locked mounts.
ways='--hostname=box --no-init --cap-add=SYS_ADMIN'
# What the search, the explanation of a failure, and the last words of a program might use.
wanted='openat: ACTION\nopen: ACTION\naccess: ACTION\nfaccessat: ACTION\nfaccessat2: ACTION
stat: ACTION\nnewfstatat: ACTION\nread: ACTION\nwrite: ACTION\nsendmsg: ACTION\nprctl: ACTION
close: ACTION\nfcntl: ACTION\nrt_sigprocmask: ACTION\nchdir: ACTION\nexecve: ACTION\nvfork: ACTION
getpid: ACTION\nlseek: ACTION\nstatfs: ACTION\nkill: ACTION\nexit: ACTION\nseccomp: ACTION'

long=$(head -c 120000 /dev/zero | tr '\0' x)

plan 54

for way in $ways; do
	for action in 'return EPERM' kill; do
		lines=$(printf '%s' "$wanted" | sed "s/ACTION/$action/g")
		is "$way, $action: the command runs" "$(under "$lines" "$way" -- asker nothing)" 'status 0'
		is "$way, $action: one by its path" "$(under "$lines" "$way" -- /bin/asker nothing)" \
			'status 0'
		# What lies in /proc sbx cannot know before it is there.
		is "$way, $action: a missing one is 127" \
			"$(under "$lines" "$way" -e PATH=/proc -- no-such)" \
			"sbx: cannot start no-such: not found in PATH
status 127"
		is "$way, $action: a missing path is 127" "$(under "$lines" "$way" -- /proc/no-such)" \
			"sbx: cannot start /proc/no-such: No such file or directory
status 127"
		like "$way, $action: one without a permission is 126" \
			"$(under "$lines" "$way" -e PATH=/proc -- version)" \
			'sbx: cannot start /proc/version: *
status 126'
		is "$way, $action: one that is too long is 126" \
			"$(under "$lines" "$way" --rlimit stack=65536 -- asker nothing "$long")" \
			"sbx: cannot start /bin/asker: Argument list too long
status 126"
	done
	is "$way: a script without a mark goes to the shell" \
		"$(under 'execve: return EPERM\naccess: kill' "$way" -- unmarked a b)" 'unmarked a b
status 0'
	is "$way: one with a mark to its own" \
		"$(under 'execve: return EPERM\nexit_group: return EPERM' "$way" -- marked a)" 'marked a
status 0'
	is "$way: the key is good for the start only" \
		"$(under 'execve: return EPERM' "$way" -- sh -c 'exec /bin/cat; echo "$?"')" \
		'sh: exec: line 0: /bin/cat: Operation not permitted
status 126'
done

# ---- nothing is allowed --------------------------------------------------------------------

printf '%%sbx-policy 1\n@default kill\n@known kill\n' >nothing
for way in $ways; do
	"$SBX" run --no-config -R "$tmp/root" --policy ./nothing "$way" --status-fd 7 -- true \
		7>events 2>errors </dev/null
	is "$way: a command that may do nothing is started" \
		"$? $(grep -c started events) $(grep -c SIGSYS events)" '159 2 1'
	like "$way: and its death is explained" "$(cat errors)" \
		'sbx: the command was killed by its policy (SIGSYS): *'
done

# ---- death by SIGSYS -----------------------------------------------------------------------

if [ "$(uname -m)" = x86_64 ]; then
	like 'a call of another ABI ends the command, and one line says so' \
		"$(under '' -- asker foreign)" 'sbx: the command was killed by its policy (SIGSYS): *
status 159'
	like 'so it is below a shell' "$(under '' -- sh -c 'asker foreign; exit $?')" \
		'*sbx: a process of the command was killed by its policy (SIGSYS): *
status 159'
	like 'and for a process that was left behind' \
		"$(under '' -- sh -c '(asker foreign &); sleep 0.5')" \
		'*sbx: a process of the command was killed by its policy (SIGSYS): *
status 0'
else
	skip 'a call of another ABI ends the command, and one line says so' 'it is for x86-64'
	skip 'so it is below a shell' 'it is for x86-64'
	skip 'and for a process that was left behind' 'it is for x86-64'
fi
