#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hooks of all six kinds: in which order, where, with what on stdin; and what becomes of a
# container one of whose hooks fails (runtime-spec, runtime.md, "Lifecycle").
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

# Notes its name and namespaces, keeps its state, and fails if its name is that of the file.
cat >"$tmp/hook" <<'END'
#!/bin/sh
echo "$1 $(readlink /proc/self/ns/mnt) $(pwd)" >>"$PLACE/log"
cat >"$PLACE/state.$1"
env >"$PLACE/env.$1"
if [ "$1" = "$(cat "$PLACE/fail")" ]; then
	echo "the reason of $1" >&2
	exit 9
fi
END
chmod 755 "$tmp/hook"
mkdir "$tmp/root$tmp" -p
calls="def call(name): [{path: \"$tmp/hook\", args: [\"hook\", name], env: [\"PLACE=$tmp\", \"PATH=/bin:/usr/bin\"]}];"
mounts=".mounts += [{destination: \"$tmp\", source: \"$tmp\", type: \"bind\", options: [\"bind\"]}]"
bundle hooks "$calls $mounts | .annotations = {color: \"blue\"} | .process.args = [\"sleep\", \"60\"] | .hooks = {
	prestart: call(\"prestart\"), createRuntime: call(\"createRuntime\"), createContainer: call(\"createContainer\"),
	startContainer: (call(\"startContainer\") + call(\"startContainer2\")), poststart: call(\"poststart\"),
	poststop: (call(\"poststop\") + call(\"poststop2\"))}"

ran() {
	cut -d' ' -f1 "$tmp/log" | tr '\n' ' '
}
again() { # NAME: this one is to fail
	rm -f "$tmp/log"
	: >"$tmp/log"
	echo "$1" >"$tmp/fail"
}
place() { # NAME: where it ran
	sed -n "s/^$1 [^ ]* //p" "$tmp/log"
}
namespace() {
	sed -n "s/^$1 \([^ ]*\) .*/\1/p" "$tmp/log"
}
facts() { # NAME
	jq -r '"\(.id) \(.status) \(.bundle) \(.annotations.color)"' "$tmp/state.$1"
}

plan 46

# ---- in order ---------------------------------------------------------------------------------

again none
ok 'a container with hooks is created' oci create -b "$bundle" one
is 'those of its making have run' "$(ran)" 'prestart createRuntime createContainer '
process=$(pid one)
for kind in prestart createRuntime; do
	is "$kind: runs beside the runtime" "$(namespace $kind)" "$(readlink /proc/self/ns/mnt)"
	is "$kind: in the bundle" "$(place $kind)" "$bundle"
	is "$kind: knows the state" "$(facts $kind)" "one creating $bundle blue"
	is "$kind: and the process" "$(jq .pid "$tmp/state.$kind")" "$process"
	is "$kind: has the environment that it was given" "$(grep -vE '^(PWD|SHLVL|_|OLDPWD)=' "$tmp/env.$kind" | sort | tr '\n' ' ')" \
		"PATH=/bin:/usr/bin PLACE=$tmp "
done
[ "$(namespace createContainer)" != "$(readlink /proc/self/ns/mnt)" ]
result $? 'createContainer: runs in the namespaces of the container'
is 'createContainer: knows the state' "$(facts createContainer)" "one creating $bundle blue"
ok 'start' oci start one
like 'those of the start have run, the last one outside' "$(ran)" '*startContainer startContainer2 poststart '
is 'startContainer: runs in the namespaces of the container' "$(namespace startContainer)" "$(namespace createContainer)"
is 'startContainer: in its root' "$(place startContainer)" /
is 'startContainer: knows the state' "$(facts startContainer)" "one created $bundle blue"
is 'poststart: runs beside the runtime' "$(namespace poststart)" "$(readlink /proc/self/ns/mnt)"
like 'poststart: knows the state' "$(facts poststart)" "one running $bundle blue"
is 'poststart: and the process' "$(jq .pid "$tmp/state.poststart")" "$process"
again none
oci kill one KILL >/dev/null
until_true status_is one stopped
is 'the end of the process runs none' "$(ran)" ''
ok 'delete' oci delete one
is 'those of the end have run' "$(ran)" 'poststop poststop2 '
is 'poststop: runs beside the runtime' "$(namespace poststop)" "$(readlink /proc/self/ns/mnt)"
is 'poststop: knows the state' "$(facts poststop)" "one stopped $bundle blue"

# ---- failing ------------------------------------------------------------------------------------

for kind in prestart createRuntime createContainer; do
	again "$kind"
	said=$(oci create -b "$bundle" two)
	is "$kind fails: so does create" "$? $(ids)" '1 '
	like "$kind fails: its last words are told" "$said" "*$kind*$tmp/hook*the reason of $kind*"
	like "$kind fails: the end has its hooks" "$(ran)" "* poststop poststop2 "
done
again startContainer
oci create -b "$bundle" two >/dev/null
process=$(pid two)
said=$(oci start two)
is 'startContainer fails: so does start' $? 1
like 'startContainer fails: its last words are told' "$said" '*startContainer*the reason of startContainer*'
ok 'startContainer fails: the process is gone' until_true is_gone "$process"
ok 'startContainer fails: the container can be deleted' oci delete --force two
again poststart
oci create -b "$bundle" two >/dev/null
process=$(pid two)
said=$(oci start two)
is 'poststart fails: so does start' $? 1
like 'poststart fails: its last words are told' "$said" '*poststart*the reason of poststart*'
ok 'poststart fails: the process is gone' until_true is_gone "$process"
oci delete --force two >/dev/null
again poststop
oci run -d -b "$bundle" two >/dev/null
said=$(oci delete --force two)
is 'poststop fails: the container is deleted all the same' "$? $(ids)" '0 '
like 'poststop fails: it is told' "$said" '*the reason of poststop*'
like 'poststop fails: and the next one runs' "$(ran)" '*poststop poststop2 '
