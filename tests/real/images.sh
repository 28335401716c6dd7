#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What other tools write is a root as it is: tars of mmdebstrap and of podman export, layouts of
# umoci, archives of skopeo and podman save. Each runs with one option and says the same as there.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need busybox python3 umoci skopeo podman
need_ordinary_user
archive=$("$here/debian-tar" 2>"$tmp/log") || no_debian=$(tail -n 1 "$tmp/log")
own_place
export XDG_CACHE_HOME="$tmp/cache" TMPDIR="$tmp"
mkdir -m 700 "$tmp/podman" "$tmp/podman/home" "$tmp/podman/run"

stop() {
	pause=$tmp/podman/run/libpod/tmp/pause.pid
	[ ! -s "$pause" ] || kill "$(cat "$pause")"
}

pod() {
	HOME=$tmp/podman/home XDG_RUNTIME_DIR=$tmp/podman/run timeout -k 5 120 podman --log-level error \
		--root "$tmp/podman/store" --runroot "$tmp/podman/run/podman" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend file --runtime "$(command -v runc || command -v crun)" "$@" </dev/null
}

run() {
	timeout -s KILL 60 "$SBX" run --no-config --net none "$@" 2>&1 </dev/null
}

# All files of an image, and what is in them; places where every sandbox has its own left out.
list='cd / && find app data etc/passwd srv bin | sort | while read -r f; do
	if [ -L "$f" ]; then echo "$f -> $(readlink "$f")"; elif [ -f "$f" ]; then echo "$f $(stat -c "%a %u:%g" "$f") $(sha256sum <"$f")"
	else echo "$f $(stat -c "%a %u:%g" "$f")"; fi; done'

# ---- a layout by umoci -----------------------------------------------------------------------

images=$tmp/images
layout=$tmp/layout
python3 "$here/../image/make_images.py" "$images" "$(command -v busybox)" layers-1.tar root.tar || exit 1

make_layout() {
	mkdir "$tmp/first" "$tmp/second" && tar -C "$tmp/first" -xf "$images/layers-1.tar" &&
		mkdir -p "$tmp/first/data/way" && echo kept >"$tmp/first/data/kept" &&
		umoci init --layout "$layout" && umoci new --image "$layout:base" &&
		umoci insert --rootless --image "$layout:base" "$tmp/first" / &&
		echo 'changed of 2' >"$tmp/second/changed" && echo second >"$tmp/second/c" &&
		umoci insert --rootless --image "$layout:base" --tag top "$tmp/second/changed" /app/changed &&
		umoci insert --rootless --image "$layout:top" --whiteout /app/removed &&
		umoci insert --rootless --image "$layout:top" --opaque "$tmp/second" /app/old &&
		umoci config --image "$layout:top" --config.entrypoint /bin/sh --config.entrypoint -c \
			--config.cmd 'echo "$GREETING $PWD"' --config.env GREETING=hello --config.workingdir /srv &&
		umoci unpack --rootless --image "$layout:top" "$tmp/bundle" &&
		rm "$tmp/bundle/rootfs/data/kept" && rm -r "$tmp/bundle/rootfs/data/way" &&
		echo way >"$tmp/bundle/rootfs/data/way" && chmod 4711 "$tmp/bundle/rootfs/app/kept" &&
		umoci repack --image "$layout:again" "$tmp/bundle"
}
make_layout >"$tmp/log" 2>&1 || {
	say "$(tail -n 5 "$tmp/log")"
	skip_all "umoci makes no image here"
}

# What umoci itself makes of it, seen with the ids that the files have in the image.
umoci_list() {
	rm -rf "$tmp/unpacked"
	umoci unpack --rootless --image "$1" "$tmp/unpacked" >"$tmp/log" 2>&1 &&
		run -R "$tmp/unpacked/rootfs" -- /bin/sh -c "$list"
}

plan 23

for name in base top again; do
	wanted=$(umoci_list "$layout:$name")
	like "umoci's image '$name' has files" "$wanted" '*app/kept*'
	is "a layout of umoci, '$name', from memory" \
		"$(run --no-cache -R "oci:$layout:$name" --entrypoint '' -- /bin/sh -c "$list")" "$wanted"
	is "and from the cache" "$(run -R "oci:$layout:$name" --entrypoint '' -- /bin/sh -c "$list")" "$wanted"
done
is "with the settings of the image and no other option" "$(run -R "oci:$layout:top")" 'hello /srv'

# ---- archives by skopeo ------------------------------------------------------------------------

wanted=$(umoci_list "$layout:again")
skopeo copy -q "oci:$layout:again" "docker-archive:$tmp/skopeo-docker.tar:sbx/test:again" >"$tmp/log" 2>&1
skopeo copy -q "oci:$layout:again" "oci-archive:$tmp/skopeo-oci.tar:again" >"$tmp/log" 2>&1
for name in docker oci; do
	is "a $name archive of skopeo" \
		"$(run --no-cache -R "$tmp/skopeo-$name.tar" --entrypoint '' -- /bin/sh -c "$list")" "$wanted"
	is "and its own command" "$(run -R "$tmp/skopeo-$name.tar")" 'hello /srv'
done

# ---- podman ----------------------------------------------------------------------------------

cat >"$tmp/Containerfile" <<-END
	FROM scratch
	ADD images/root.tar /
	RUN rm /data/file && mkdir -p /app && echo made >/app/made && chown 1000:1000 /app/made
	ENV GREETING=hello
	WORKDIR /srv
	ENTRYPOINT ["/bin/sh", "-c"]
	CMD ["echo \$GREETING \$PWD"]
END
if ! { pod build -q --isolation chroot --layers -t sbx-test -f "$tmp/Containerfile" "$tmp" &&
	pod save -q --format docker-archive -o "$tmp/podman-docker.tar" sbx-test &&
	pod save -q --format oci-archive -o "$tmp/podman-oci.tar" sbx-test &&
	pod create --name one sbx-test && pod export -o "$tmp/podman-export.tar" one; } >"$tmp/log" 2>&1; then
	say "$(tail -n 5 "$tmp/log")"
	for _ in 1 2 3 4 5 6; do
		skip "archives of podman" "podman makes no image here"
	done
else
	wanted=$(pod run --rm --network none --entrypoint '["/bin/sh", "-c"]' sbx-test "$list")
	like "podman's image has files" "$wanted" '*app/made 644 1000:1000*'
	for name in docker oci export; do
		is "podman's archive ($name)" \
			"$(run --no-cache -R "$tmp/podman-$name.tar" --entrypoint '' -- /bin/sh -c "$list")" "$wanted"
	done
	for name in docker oci; do
		is "and its own command ($name)" "$(run -R "$tmp/podman-$name.tar")" 'hello /srv'
	done
fi

# ---- Debian ----------------------------------------------------------------------------------

if [ -n "${no_debian-}" ]; then
	for _ in 1 2 3; do
		skip "a Debian root" "no Debian root can be had: $no_debian"
	done
else
	ask='. /etc/os-release && echo "$ID" && dpkg-query -f "\${Package} " -W bash && id -un nobody && stat -c %U:%G:%a /etc/shadow'
	wanted=$(printf 'debian\nbash nobody\nroot:shadow:640')
	is "a tar of mmdebstrap, from memory" "$(run --no-cache -R "$archive" -- sh -c "$ask")" "$wanted"
	is "from a pipe" "$(zstd -qdc "$archive" | timeout -s KILL 60 "$SBX" run --no-config --net none -R - -- sh -c "$ask" 2>&1)" "$wanted"
	is "and from the cache" "$(run -R "$archive" -- true && run -R "$archive" -- sh -c "$ask")" "$wanted"
fi
