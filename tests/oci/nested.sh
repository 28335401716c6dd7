#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Inside of a user namespace of somebody else: that of podman and of rootless docker, where the
# runtime is root of a few ids and no configuration asks for another namespace; and inside of a
# sandbox of our own.
# shellcheck disable=SC2016 # the scripts in quotes are for other shells
# shellcheck source=tests/oci/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" != 0 ] || skip_all 'root has no user namespace'
unshare -Ur true 2>/dev/null || skip_all 'no user namespaces here'

# The engine's namespace stays while it works: each command joins it, as podman's do.
timeout 120 unshare -Urm --propagation private sleep 120 &
engine=$!
waiting="$waiting $engine"
inner() {
	pgrep -P "$engine" sleep
}
until_true inner >/dev/null
engine=$(pgrep -P "$engine" sleep)
cat >"$tmp/runtime" <<END
#!/bin/sh
exec nsenter --preserve-credentials -t $engine -U -m "$runtime" "\$@"
END
chmod 755 "$tmp/runtime"
real=$runtime
runtime=$tmp/runtime
plain='.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings) | del(.linux.gidMappings)'

plan 17

command_bundle hello 'id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user' "$plain"
said=$(oci run -b "$bundle" x)
like 'run: root of the namespace that was there' "$said" "0*0*$(id -u)*1*user:*"
is 'which is the engine'\''s' "$(printf '%s\n' "$said" | grep user)" "$(readlink "/proc/$engine/ns/user")"
bundle life "$plain | .process.args = [\"sleep\", \"60\"]"
ok 'create' oci create -b "$bundle" --pid-file "$tmp/pid" x
is 'created' "$(status x)" created
ok 'start' oci start x
is 'running' "$(status x)" running
is 'exec' "$(oci exec x sh -c 'readlink /proc/self/ns/pid; readlink /proc/self/ns/mnt' | tr '\n' ' ')" \
	"$(nsenter --preserve-credentials -t "$engine" -U -m readlink "/proc/$(cat "$tmp/pid")/ns/pid" "/proc/$(cat "$tmp/pid")/ns/mnt" | tr '\n' ' ')"
is 'ps' "$(oci ps -f json x)" "[$(cat "$tmp/pid")]"
ok 'kill' oci kill x KILL
ok 'stopped' until_true status_is x stopped
ok 'delete' oci delete x
is 'nothing is left' "$(ids)" ''
command_bundle mounts 'touch /ro/x; cat /proc/self/mountinfo; ls /dev | tr "\n" " "; echo works >/dev/null && echo null' "$plain |
	.mounts += [{destination: \"/ro\", type: \"bind\", source: \"$tmp/home\", options: [\"rbind\", \"ro\", \"nosuid\"]}]"
said=$(oci run -b "$bundle" x)
like 'mounts: read-only binds and devices' "$said" '*touch: /ro/x: Read-only file system*/ro ro,nosuid*null*'
command_bundle user 'id -u' "$plain | .linux.namespaces += [{type: \"user\"}] |
	.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}]"
is 'a user namespace in it' "$(oci run -b "$bundle" x)" 0

# ---- in a sandbox of our own ---------------------------------------------------------------------

runtime=$real
command_bundle sandbox 'id -u'
cp "$runtime" "$tmp/work/sbx-oci" 2>/dev/null
within_sandbox() {
	said=$(timeout -s KILL 30 "$SBX" run --no-config --net none --policy none -v "$tmp:$tmp" -- "$tmp/work/sbx-oci" \
		--root "$tmp/work/state" run -b "$bundle" y 2>&1 </dev/null)
}
within_sandbox
like 'in a sandbox: a new /proc is refused with a way out' "$said" '*/proc is partly covered*hint: *"rbind"*'
command_bundle sandbox 'id -u' '(.mounts[] | select(.destination == "/proc")) |=
	{destination: "/proc", type: "bind", source: "/proc", options: ["rbind"]}'
within_sandbox
is 'in a sandbox: a container' "$said" 0
is 'of which nothing is left' "$(ls -A "$tmp/work/state")" ''
