# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Which Debian packages each command of ./dev needs, and how they come onto the machine.
# docs/dependencies.md says why each is there.

build_packages='gcc libc6-dev meson ninja-build pkg-config libseccomp-dev libcap-ng-dev
	libjansson-dev libsystemd-dev libslirp-dev libarchive-dev libsodium-dev nettle-dev scdoc'
run_packages='uidmap'
neighbour_packages='bubblewrap crun firejail libarchive-tools'
test_packages='libcmocka-dev clang clang-format clang-tidy shellcheck
	musl-tools dpkg-dev gperf gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user qemu-user-static
	qemu-system-x86 busybox-static cpio kmod xz-utils zstd e2fsprogs mmdebstrap
	flatpak ostree dbus xdg-dbus-proxy gir1.2-webkit2-4.1 python3-gi xvfb xauth fonts-dejavu-core
	umoci skopeo minisign signify-openbsd gpgv squashfuse squashfs-tools erofs-utils
	fuse-overlayfs runsc podman buildah runc umoci skopeo slirp4netns passt iperf3 openssl nftables tcpdump libcap2-bin procps iproute2 strace tmux git jq man-db file python3-jsonschema tzdata'

# A machine that somebody works at gets no daemon from us.
ci_packages='docker.io containerd rootlesskit python3-grpcio slurm-wlm munge'

packages_for() { # COMMAND
	echo "$build_packages"
	case $1 in
	run) echo "$run_packages" ;;
	bench) echo "$run_packages $neighbour_packages $test_packages" ;;
	test) echo "$run_packages $neighbour_packages $test_packages ${CI:+$ci_packages}" ;;
	esac
}

missing_packages() { # PACKAGE...
	local package
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			echo "$package"
	done
}

# Prints NAME=VALUE for each proxy variable that is set.
proxy_settings() {
	env | grep -iE '^(https?|ftp|all|no)_proxy=' || true
}

# A machine without dpkg gets no packages: meson says what it misses.
need_packages() { # COMMAND
	local missing
	command -v dpkg-query >/dev/null || return 0
	# shellcheck disable=SC2046
	mapfile -t missing < <(missing_packages $(packages_for "$1"))
	[ "${#missing[@]}" -gt 0 ] || return 0
	say "getting ${#missing[@]} packages: ${missing[*]}"
	get_packages "${missing[@]}"
}

get_packages() { # PACKAGE...
	local script='apt-get -q update; apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300'
	as_root "$script $*" || die "cannot get the packages"
}

# Runs a shell line as root, or prints it and stops.
as_root() { # LINE
	local proxies
	mapfile -t proxies < <(proxy_settings)
	if [ "$(id -u)" = 0 ]; then
		quietly env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive sh -c "$1"
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		quietly sudo env "${proxies[@]}" DEBIAN_FRONTEND=noninteractive sh -c "$1"
	else
		say "cannot get them without root; run this as root, then ./dev again:"
		echo "    $1" >&2
		exit 1
	fi
}

# Shows what a command printed only if it fails.
quietly() { # COMMAND ARG...
	local log status=0
	log=$(mktemp)
	"$@" </dev/null >"$log" 2>&1 || status=$?
	[ "$status" -eq 0 ] || tail -n 30 "$log" >&2
	rm -f "$log"
	return "$status"
}
