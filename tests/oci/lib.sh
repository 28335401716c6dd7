# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of `sbx-oci` share, on top of the sandbox tests' own. RUNTIME is the program
# under test: SBX_OCI where it is not given, and anybody can have a look at what another one
# does with the same script (RUNTIME=/usr/sbin/runc SBX_OCI=… tests/oci/NAME.sh). Bundles have
# one root in common, $root, of busybox alone; every container belongs to $state and goes with
# the test.

oci_here=$(cd "$(dirname "$0")/../oci" && pwd -P)
: "${RUNTIME:=${SBX_OCI:?the path of the sbx-oci to test}}"
: "${SBX:=$SBX_OCI}"
runtime=$RUNTIME

# shellcheck source=tests/sandbox/lib.sh
. "$oci_here/../sandbox/lib.sh"

for tool in jq busybox; do
	command -v "$tool" >/dev/null || skip_all "$tool is not installed"
done
busybox=$(command -v busybox)
case $(file -L "$busybox" 2>/dev/null) in
*dynamic*) skip_all 'busybox is not static' ;;
esac

own_place
state=$tmp/state root=$tmp/root config=$tmp/config.json
mkdir -p "$root/bin" "$root/proc" "$root/dev" "$root/sys" "$root/etc" "$root/tmp" "$tmp/said" "$tmp/home"
export HOME="$tmp/home"
cp "$busybox" "$root/bin/busybox"
"$busybox" --install -s "$root/bin" 2>/dev/null
for applet in "$root"/bin/*; do
	[ "$applet" = "$root/bin/busybox" ] || ln -sf busybox "$applet"
done

trap 'leave' EXIT
leave() {
	status=$?
	for id in "$state"/*; do
		[ ! -d "$id" ] || timeout -s KILL 10 "$runtime" --root "$state" delete --force "${id##*/}" >/dev/null 2>&1 </dev/null
	done
	(exit "$status")
	finish
}

# The configuration that filters begin with. An ordinary user gets a user namespace of one id.
user_namespace=
# shellcheck disable=SC2016 # for jq
[ "$(id -u)" = 0 ] || user_namespace='| .linux.namespaces += [{type: "user"}] |
	.linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1}] |
	.linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1}]'
jq -n --arg root "$root" --argjson uid "$(id -u)" --argjson gid "$(id -g)" '{
	ociVersion: "1.0.2",
	process: {
		user: {uid: 0, gid: 0}, args: ["sh"], env: ["PATH=/bin", "TERM=xterm"], cwd: "/",
		capabilities: (["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"] |
			{bounding: ., effective: ., permitted: .}),
		noNewPrivileges: true
	},
	root: {path: $root},
	hostname: "bundle",
	mounts: [
		{destination: "/proc", type: "proc", source: "proc"},
		{destination: "/dev", type: "tmpfs", source: "tmpfs",
			options: ["nosuid", "strictatime", "mode=755", "size=65536k"]},
		{destination: "/dev/pts", type: "devpts", source: "devpts",
			options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
		{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"]}
	],
	linux: {
		namespaces: ["pid", "network", "ipc", "uts", "mount"] | map({type: .}),
		maskedPaths: ["/proc/kcore"],
		readonlyPaths: ["/proc/sys"]
	}
} '"$user_namespace" >"$config" || exit 1

# bundle NAME [FILTER]: the directory $bundle with that configuration, changed by a filter of jq
bundle() {
	bundle=$tmp/bundles/$1
	mkdir -p "$bundle"
	jq "${2:-.}" "$config" >"$bundle/config.json" || exit 1
}

# command NAME SCRIPT [FILTER]: a bundle that runs a script of the shell
command_bundle() {
	bundle "$1" ".process.args = [\"sh\", \"-c\", $(printf %s "$2" | jq -Rs .)] | ${3:-.}"
}

# oci ARG...: what the runtime says. Containers that outlive it write where nobody waits for
# them: into $out, which is else a file of nobody's.
oci() {
	said=${out:-$(mktemp "$tmp/said/XXXXXX")}
	timeout -s KILL "${limit:-30}" "$runtime" --root "$state" "$@" >"$said" 2>&1 </dev/null
	status=$?
	cat "$said"
	return "$status"
}

# status ID: a word
status() {
	oci state "$1" | sed -n 's/.*"status": *"\([a-z]*\)".*/\1/p'
}

# pid ID: of process 1 of a container
pid() {
	oci state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}

status_is() { # ID STATUS
	[ "$(status "$1")" = "$2" ]
}

# ids: of all containers, in one line
ids() {
	oci list -q | tr '\n' ' ' | sed 's/ $//'
}

# lives PID: and is no zombie
lives() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	'' | Z* | X*) return 1 ;;
	esac
}

is_gone() { # PID
	! lives "$1"
}

# holds FILE TEXT: a line is the text
holds() {
	grep -qxF -e "$2" "$1" 2>/dev/null
}

# What engines take for a word about the container's command (podman).
about_command='permission denied|operation not permitted|executable file not found|no such file or directory|open executable'

# refused DESCRIPTION PATTERN ARG...: status 1, with these words, and none of the others
refused() {
	description=$1 pattern=$2
	shift 2
	said=$(oci "$@")
	if [ $? != 1 ]; then
		result 1 "$description" || say "it did not end with 1: $said"
		return
	fi
	if printf '%s' "$said" | grep -qiE "$about_command"; then
		result 1 "$description" || say "what is not about a command: $said"
		return
	fi
	like "$description" "$said" "$pattern"
}
