#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What sbx-oci says of itself: versions and what was built in, features that agree with the
# schema and with what is taken, the template of `spec` for whoever runs it, the words before and
# behind a command, and what there is not.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

plan 34

# valid SCHEMA FILE
cat >"$tmp/valid.py" <<'END'
import json, os, sys, warnings
warnings.simplefilter("ignore")
import jsonschema
place = os.path.abspath(sys.argv[1])
with open(place) as text:
    schema = json.load(text)
resolver = jsonschema.RefResolver("file://" + place, schema)
with open(sys.argv[2]) as text:
    jsonschema.Draft4Validator(schema, resolver=resolver).validate(json.load(text))
END
valid() {
	python3 "$tmp/valid.py" "$oci_here/schema/$1-schema.json" "$2"
}

# valid_is DESCRIPTION SCHEMA FILE
valid_is() {
	if python3 -c 'import jsonschema' 2>/dev/null; then
		ok "$1" valid "$2" "$3"
	else
		skip "$1" 'python3-jsonschema is not installed'
	fi
}

# ---- the version ------------------------------------------------------------------------------------

version=$("$runtime" --version)
like 'the version stands in the first line' "$version" "sbx-oci version [0-9]*.[0-9]*.[0-9]*
*"
like 'the specification in another' "$version" '*
spec: 1.[0-9].[0-9]
*'
options=$(echo "$version" | sed -n 's/^options: //p')
like 'S6: what is always there' " $options " '* ambient nokmem *'
is '-v is the same' "$("$runtime" -v)" "$version"

# ---- features -----------------------------------------------------------------------------------------

oci features >"$tmp/features.json"
valid_is 'features are valid by the schema' features "$tmp/features.json"
feature() {
	jq -r "$1" "$tmp/features.json"
}
is 'the options are those of the version' "$(feature '.annotations["sbx.options"]')" "$options"
for module in seccomp apparmor selinux; do
	case " $options " in *" $module "*) wanted=true ;; *) wanted=false ;; esac
	is "S6: features agree with the version on $module" "$(feature ".linux.$module.enabled")" "$wanted"
done
is 'all hooks' "$(feature '.hooks | sort | join(" ")')" \
	'createContainer createRuntime poststart poststop prestart startContainer'
is 'all namespaces' "$(feature '.linux.namespaces | join(" ")')" 'cgroup ipc mount network pid time user uts'
like 'the newest version is the one that --version names' "$version" "*
spec: $(feature .ociVersionMax)
*"

# ---- spec -----------------------------------------------------------------------------------------------

mkdir -p "$tmp/template/rootfs"
cp -a "$root/." "$tmp/template/rootfs"
ok 'spec writes into the bundle that is named' oci spec -b "$tmp/template"
valid_is 'S12: what it writes is valid by the schema' config "$tmp/template/config.json"
said=$(oci spec -b "$tmp/template")
is 'it does not write over one' $? 1
like 'and says so' "$said" '*config.json*exists*'
mkdir "$tmp/rootless"
oci spec -b "$tmp/rootless" --rootless
is 'S12: --rootless maps the one id of the caller' \
	"$(jq -c '[.linux.uidMappings, .linux.gidMappings | .[] | .containerID, .hostID, .size]' "$tmp/rootless/config.json")" \
	"[0,$(id -u),1,0,$(id -g),1]"
if [ "$(id -u)" = 0 ]; then
	is 'S14: root gets no user namespace unasked' "$(jq -c '.linux.uidMappings' "$tmp/template/config.json")" null
else
	ok 'S14: which an ordinary user gets unasked' cmp "$tmp/template/config.json" "$tmp/rootless/config.json"
fi

# Not a byte is changed: the shell asks for a terminal.
gives_shell() { # PROGRAM...
	printf 'echo "uid $(id -u)"; exit 7\n' |
		timeout -s KILL 30 script -qec "$* --root '$tmp/shell' run -b '$tmp/template' shell" /dev/null >"$tmp/shell.out" 2>&1
	tr -d '\r' <"$tmp/shell.out" | grep -qx 'uid 0' || cat "$tmp/shell.out"
	tr -d '\r' <"$tmp/shell.out" | grep -qx 'uid 0'
}
ok 'S12: the template gives a shell' gives_shell "'$runtime'"
for other in runc crun; do
	if ! command -v "$other" >/dev/null; then
		skip "S12: $other runs it unchanged" "$other is not installed"
	elif [ "$other" = crun ] && { [ "$(id -u)" = 0 ] || grep -q ' - cgroup ' /proc/self/mountinfo; }; then
		skip "S12: $other runs it unchanged" 'crun cannot run here: root without limits, or a hybrid hierarchy'
	else
		ok "S12: $other runs it unchanged" gives_shell "$other"
	fi
done

# A root out of a tar, as `docker export` writes it, by no tool but ours.
bundle_of_tar() {
	mkdir "$tmp/unpacked" && tar -C "$root" -cf "$tmp/root.tar" . &&
		"$SBX" image unpack --squash-ids "$tmp/root.tar" "$tmp/unpacked/rootfs" >"$tmp/said/unpack" 2>&1 &&
		oci spec -b "$tmp/unpacked" &&
		jq '.process.terminal = false | .process.args = ["sh", "-c", "echo unpacked; exit 4"]' \
			"$tmp/unpacked/config.json" >"$tmp/changed" && cp "$tmp/changed" "$tmp/unpacked/config.json" || return
	said=$(oci run -b "$tmp/unpacked" unpacked)
	[ "$?:$said" = 4:unpacked ] || {
		echo "$said"
		return 1
	}
}
if [ -x "$(dirname "$SBX")/sbx-image" ]; then
	ok 'S11: a tar becomes the root of a bundle that runs' bundle_of_tar
else
	skip 'S11: a tar becomes the root of a bundle that runs' 'built without sbx-image'
fi

# ---- the words ------------------------------------------------------------------------------------------------

ok 'help is no failure' oci --help
like 'it lists the commands' "$(oci --help)" '*  create  *  delete *'
fails 'a command that there is not' 1 oci craete
like 'is corrected' "$(oci craete 2>&1)" '*did you mean sbx-oci create*'
fails 'no command at all' 1 oci
fails 'an option that there is not' 1 oci --rooot x list
like 'is corrected, too' "$(oci --rooot x list)" '*--root*'
fails 'a value that there is not' 1 oci --cgroup-manager best list
ok 'options of older runtimes are taken' oci --rootless=auto --criu /usr/sbin/criu --systemd-cgroup=false list

# ---- what there is not ------------------------------------------------------------------------------------------

for command in checkpoint restore; do
	fails "S20: $command has a status of its own" 69 oci "$command" web
done
like 'S20: and says so' "$(oci checkpoint web)" '*not supported*'
