#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a pinned release of gVisor's runsc from a directory, having verified every byte of
# it: on a plain machine, and by the Containerfile beside this script.
#
#   install-runsc.sh [OPTION...] MIRROR VERSION [ARCH]
#
#   MIRROR   a directory: MIRROR/VERSION/ARCH/runsc, and beside it gvisor-bin/ where the release
#            has one. ARCH is x86_64 or aarch64 there, as in gVisor's own archive
#   VERSION  as `runsc --version` tells it: 20250407.0, 0.0~20240729.0 (Debian's)
#   ARCH     amd64 or arm64, as TARGETARCH in a Containerfile; default: this machine's
#
#   --pin FILE        what the files have to be; default: pins/VERSION beside this script. A list
#                     as sha512sum writes it does too: what the files are called in it does not
#                     count
#   --to DIR          where runsc goes, default /usr/local/bin
#   --write-pin FILE  a pin of what was installed, for sbx run --runsc-pin FILE
#   --print-pin       print the pin of what lies in the mirror, and install nothing
#
# Ends with 1 where anything is not as it has to be: what was installed before is then as it was.
set -eu

name=${0##*/}
here=$(cd "$(dirname "$0")" && pwd -P)

die() { # TEXT [HINT]
	echo "$name: cannot $1" >&2
	[ $# -lt 2 ] || echo "$name: hint: $2" >&2
	exit 1
}

warn() {
	echo "$name: $1" >&2
}

usage() {
	sed -n 's/^# \{0,1\}//; 3,20p' "$0" >&2
	exit 2
}

# ---- architectures ---------------------------------------------------------------------------

# The name in the mirror of what may be called in two ways.
mirror_arch() { # ARCH
	case $1 in
	amd64 | x86_64) echo x86_64 ;;
	arm64 | aarch64) echo aarch64 ;;
	*)
		echo "Unsupported architecture: $1" >&2
		return 1
		;;
	esac
}

# What the ELF header says, or nothing (elf(5): class, byte order, e_machine).
file_arch() { # FILE
	case $(od -An -v -tx1 -N20 "$1" | tr -d ' \n') in
	7f454c460201????????????????????????3e00) echo x86_64 ;;
	7f454c460201????????????????????????b700) echo aarch64 ;;
	7f454c46????????????????????????????????) echo another ;;
	esac
}

check_arch() { # FILE
	found=$(file_arch "$1")
	[ "$found" != "$arch" ] || return 0
	[ -n "$found" ] || die "install $from/runsc: it is no program" \
		"it begins with '$(head -c 40 "$1" | tr -cd '[:print:]')': perhaps a web server's page about an error"
	die "install $from/runsc: wrong architecture: it is for $found, not for $arch" \
		"'exec format error' is what it would say; take the one of $arch"
}

# ---- checksums -------------------------------------------------------------------------------

# Prints "SUM PATH" for each line of the pin that is about this architecture. A pin has
# `release R` and `arch A` in front of its sums; a plain list has neither.
pinned_sums() {
	tr -d '\r' <"$pin" | awk -v arch="$arch" '
		$1 == "arch" { there = $2; sub(/^amd64$/, "x86_64", there); sub(/^arm64$/, "aarch64", there) }
		length($1) == 128 && $1 ~ /^[0-9a-fA-F]+$/ && (there == "" || there == arch) {
			sum = tolower($1); sub(/^[^ ]+ [ *]?/, ""); print sum, $0
		}'
}

# The sum that the pin has for a file. One sum alone is runsc's, whatever it is called there.
pinned_sum() { # runsc | gvisor-bin/NAME
	awk -v name="$1" '
		{ sum = $1; sub(/^[^ ]+ /, ""); sums[NR] = sum; paths[NR] = $0 }
		END {
			if (NR == 1 && name == "runsc") print sums[1]
			else for (i = 1; i <= NR; i++)
				if (paths[i] == name ||
				    substr(paths[i], length(paths[i]) - length(name)) == "/" name)
					print sums[i]
		}' "$sums" | sort -u
}

sum_of() { # FILE
	sha512sum <"$1" | cut -d ' ' -f 1
}

files_of() { # DIR
	(cd "$1" && echo runsc && find gvisor-bin -type f 2>/dev/null | sort)
}

print_pin() { # DIR
	printf 'release %s\narch %s\n' "$version" "$arch"
	files_of "$1" | while IFS= read -r file; do
		printf '%s  %s\n' "$(sum_of "$1/$file")" "$file"
	done
}

verify_file() { # DIR FILE
	wanted=$(pinned_sum "$2")
	[ -n "$wanted" ] || die "verify $2: $pin has no sum of it for $arch" \
		"$name --print-pin shows what would have to stand there"
	found=$(sum_of "$1/$2")
	[ "$found" != "$wanted" ] || return 0
	echo "$2: FAILED" >&2
	die "verify $from/$2: checksum mismatch: its SHA-512 begins with $(cut8 "$found"), not with $(cut8 "$wanted")" \
		"fetch it anew; if the release was changed on purpose, so has to be $pin"
}

cut8() {
	printf '%.8s\n' "$1" | tr '\n' ' ' | sed 's/ *$//'
}

# Nothing of the pin may be missing: a companion that is not there would be fetched at run time.
verify_all() { # DIR
	[ -s "$sums" ] || die "verify $from/runsc: $pin has no SHA-512 sum for $arch" \
		"lines as sha512sum writes them"
	files_of "$1" | while IFS= read -r file; do
		verify_file "$1" "$file" || exit
	done || exit
	sed -n 's|^[^ ]* .*\(gvisor-bin/.*\)$|\1|p' "$sums" | while IFS= read -r file; do
		[ -f "$1/$file" ] || die "verify $from: $file is missing, which belongs to this release" \
			"a release is an archive since 2026: runsc, and gvisor-bin/ beside it"
	done || exit
}

check_release() {
	there=$(tr -d '\r' <"$pin" | awk '$1 == "release" { sub(/^release-/, "", $2); print $2 }' | sort -u)
	case $there in
	'' | "$version") return ;;
	esac
	die "install version $version: $pin is about $there" "updating is one line: the version, and its pin"
}

# ---- the files ---------------------------------------------------------------------------------

# A copy is verified, and nothing else is installed: the mirror may change meanwhile.
copy_release() { # DIR
	[ -d "$mirror" ] || die "read the mirror $mirror: there is no such directory"
	[ -d "$mirror/$version" ] || die "install version $version: $mirror does not have it" \
		"it has: $(cd "$mirror" && echo *)"
	[ -f "$from/runsc" ] || die "install $from/runsc: runsc binary not found" \
		"Debian has it in the package runsc; gVisor's own releases are told in README.md"
	cp "$from/runsc" "$1/runsc"
	[ ! -d "$from/gvisor-bin" ] || cp -R "$from/gvisor-bin" "$1/"
	[ -z "$(find "$1" ! -type f ! -type d)" ] || die "install $from: it has more than files"
	chmod -R u=rwX,go=rX "$1"
	chmod 755 "$1/runsc"
}

# A smoke test, where this machine can: the file may be for another.
check_version() { # DIR
	[ "$(mirror_arch "$(uname -m)" 2>/dev/null)" = "$arch" ] || {
		warn "runsc is for $arch: its --version was not asked here"
		return 0
	}
	said=$("$1/runsc" --version 2>&1 | sed -n 1p)
	case $said in
	"runsc version $version" | "runsc version release-$version") return ;;
	esac
	die "install version $version: runsc --version says '$(printf %s "$said" | tr -cd '[:print:]')'"
}

# Companions first: a runsc without its own must not be there for a moment.
place() { # DIR
	rm -rf "$to/gvisor-bin.old"
	[ ! -d "$to/gvisor-bin" ] || mv "$to/gvisor-bin" "$to/gvisor-bin.old"
	[ ! -d "$1/gvisor-bin" ] || mv "$1/gvisor-bin" "$to/gvisor-bin"
	mv "$1/runsc" "$to/runsc"
	rm -rf "$to/gvisor-bin.old"
}

install_release() {
	mkdir -p "$to"
	to=$(cd "$to" && pwd -P)
	[ -z "$write_pin" ] || mkdir -p "$(dirname "$write_pin")"
	new=$(mktemp -d "$to/.runsc.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	sums=$new/sums
	mkdir "$new/files"
	pinned_sums >"$sums"
	copy_release "$new/files"
	check_arch "$new/files/runsc"
	verify_all "$new/files"
	check_version "$new/files"
	[ -z "$write_pin" ] || print_pin "$new/files" >"$new/pin"
	place "$new/files"
	[ -z "$write_pin" ] || mv "$new/pin" "$write_pin"
	echo "$to/runsc: $version for $arch, verified"
	[ "$(command -v runsc || true)" = "$to/runsc" ] ||
		warn "'runsc binary not found in PATH' it might be called later, or another one: sbx run --runsc $to/runsc"
}

# ---- words -------------------------------------------------------------------------------------

pin='' write_pin='' to=/usr/local/bin only_print=no
while [ $# -gt 0 ]; do
	case $1 in
	--pin | --to | --write-pin) [ $# -gt 1 ] || usage ;;
	esac
	case $1 in
	--pin) pin=$2 && shift 2 ;;
	--to) to=$2 && shift 2 ;;
	--write-pin) write_pin=$2 && shift 2 ;;
	--print-pin) only_print=yes && shift ;;
	-*) usage ;;
	*) break ;;
	esac
done
{ [ $# -ge 2 ] && [ $# -le 3 ]; } || usage
mirror=${1%/} version=${2#release-}
case $version in
'' | .* | */*) die "install version '$version': it is no version" ;;
esac
arch=$(mirror_arch "${3:-$(uname -m)}")
from=$mirror/$version/$arch

[ "$version" != latest ] || warn "'latest' is another file tomorrow: pin a version for production"
if [ "$only_print" = yes ]; then
	[ -f "$from/runsc" ] || die "read $from/runsc: runsc binary not found"
	print_pin "$from"
	exit
fi
[ -n "$pin" ] || pin=$here/pins/$version
[ -f "$pin" ] || die "install version $version: it is not pinned: $pin: there is no such file" \
	"$name --print-pin $mirror $version $arch prints one; compare it with what gVisor or Debian tells"
check_release
install_release
