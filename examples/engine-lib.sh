# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What containerd.sh, docker.sh and kubernetes.sh share: a place where the daemon of an engine
# meets nobody else's, and an image. Needs util-linux and a static busybox.

# The file that the engine is to call, with its whole path. SBX_OCI is another one.
oci_runtime() {
	command -v "${SBX_OCI:-sbx-oci}" || {
		echo "${0##*/}: ${SBX_OCI:-sbx-oci} is not installed; SBX_OCI=/path/to/sbx-oci names another" >&2
		return 1
	}
}

# needs PROGRAM...
needs() {
	for program; do
		command -v "$program" >/dev/null || {
			echo "${0##*/}: $program is not installed" >&2
			exit 1
		}
	done
}

# apart ARG...: the script again, in a new directory ($place) and in namespaces of its own: its
# mounts, its processes and its network, which is none, end with it, however it ends. An engine
# that the machine has already is not seen, since /run is empty. Returns inside.
apart() {
	group=sbx-${0##*/}
	group=${group%.sh}
	if [ -n "${place-}" ]; then
		trap 'exit 130' HUP INT TERM
		mount -t tmpfs -o mode=755 none /run
		return
	fi
	place=$(mktemp -d "${TMPDIR:-/tmp}/$group.XXXXXX")
	export place
	trap clean EXIT
	trap 'exit 130' HUP INT TERM
	if [ "$(id -u)" = 0 ]; then
		setpriv --pdeathsig KILL \
			unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc "$0" "$@"
	else
		apart_rootless "$@"
	fi
	exit
}

# The same for an ordinary user, as the engines do it: root inside of a user namespace.
apart_rootless() {
	needs rootlesskit
	mkdir -m 700 "$place/user"
	XDG_RUNTIME_DIR=$place/user setpriv --pdeathsig KILL \
		rootlesskit --state-dir "$place/user/rootlesskit" --net host --pidns "$0" "$@"
}

# The cgroups of the engine are all that is left of it.
clean() {
	for directory in "/sys/fs/cgroup/$group" /sys/fs/cgroup/*/"$group"; do
		[ ! -d "$directory" ] || find "$directory" -depth -type d -exec rmdir {} +
	done
	rm -rf "$place" 2>/dev/null || rootlesskit --state-dir "$place.end" rm -rf "$place" 2>/dev/null
	rm -rf "$place.end"
}

# within SECONDS COMMAND...: asks again until it succeeds
within() {
	tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# busybox_root DIR: the files of an image
busybox_root() {
	mkdir -p "$1/bin" "$1/etc" "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	for name in $("$1/bin/busybox" --list); do
		[ "$name" = busybox ] || ln -s busybox "$1/bin/$name"
	done
	echo root:x:0:0::/:/bin/sh >"$1/etc/passwd"
	echo root:x:0: >"$1/etc/group"
	chmod 1777 "$1/tmp"
}

# oci_image NAME ARCHIVE: these files as an image of one layer, without any tool for images
oci_image() {
	layout=$place/layout
	busybox_root "$place/files"
	mkdir -p "$layout/blobs/sha256"
	tar -C "$place/files" --owner=0 --group=0 -cf "$place/layer.tar" .
	layer=$(blob "$place/layer.tar")
	cat >"$place/config.json" <<-END
		{ "architecture": "$(architecture)", "os": "linux",
		  "config": { "Env": ["PATH=/bin"], "Cmd": ["/bin/sh", "-c", "trap exit TERM; sleep 9999 & wait"] },
		  "rootfs": { "type": "layers", "diff_ids": ["sha256:${layer%% *}"] } }
	END
	config=$(blob "$place/config.json")
	cat >"$place/manifest.json" <<-END
		{ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		  "config": { "mediaType": "application/vnd.oci.image.config.v1+json",
		    "digest": "sha256:${config%% *}", "size": ${config##* } },
		  "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar",
		    "digest": "sha256:${layer%% *}", "size": ${layer##* } }] }
	END
	manifest=$(blob "$place/manifest.json")
	cat >"$layout/index.json" <<-END
		{ "schemaVersion": 2, "manifests": [{
		  "mediaType": "application/vnd.oci.image.manifest.v1+json",
		  "digest": "sha256:${manifest%% *}", "size": ${manifest##* },
		  "annotations": { "io.containerd.image.name": "$1" } }] }
	END
	echo '{ "imageLayoutVersion": "1.0.0" }' >"$layout/oci-layout"
	tar -C "$layout" -cf "$2" .
}

# blob FILE: puts it into the layout; prints its digest and size
blob() {
	digest=$(sha256sum "$1")
	digest=${digest%% *}
	mv "$1" "$layout/blobs/sha256/$digest"
	echo "$digest $(wc -c <"$layout/blobs/sha256/$digest")"
}

architecture() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}
