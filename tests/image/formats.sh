#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each kind of archive is a root as it is, with the settings that it brings.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

plan 18
make_images all

for suffix in '' .gz .bz2 .xz .zst .lz4; do
	is "a tar${suffix:+ ($suffix)}" "$(run --no-cache -R "$images/root.tar$suffix" -- cat /data/file)" content
done
is 'a directory' "$(run -R "$images/root" -- cat /data/file)" content
greeting='hello /srv 1000:1000'
is 'an OCI layout' "$(run --no-cache -R "oci:$images/oci:latest")" "$greeting"
for name in oci oci-gz oci-zst docker docker-first; do
	is "an archive of an image ($name)" "$(run --no-cache -R "$images/$name.tar")" "$greeting"
done
is 'an app container image' "$(run --no-cache -R "$images/app.aci")" "$greeting"
is 'a root of one file' "$(run --no-cache -R "$images/one.tar" -- /busybox echo alive)" alive
is 'a descriptor by its name' "$(run --no-cache -R /dev/fd/3 -- cat /data/file 3<"$images/root.tar")" content
is 'and by the other one' "$(run -R /proc/self/fd/3 -- cat /data/file 3<"$images/root.tar.gz")" content
is 'standard input by its name' "$(sbx run --no-config -R /dev/stdin -- cat /data/file <"$images/root.tar")" content
