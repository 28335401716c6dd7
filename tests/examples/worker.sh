#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# examples/worker/install-runsc.sh: what is pinned is installed, and nothing else is, for both
# architectures. The files are made here: a program that tells a version, and an ELF header.
# shellcheck source=tests/examples/lib.sh
. "$(dirname "$0")/lib.sh"

install=$examples/worker/install-runsc.sh
case $(uname -m) in
aarch64) native=aarch64 foreign=x86_64 foreign_name=amd64 machine='\267' other='\076' ;;
*) native=x86_64 foreign=aarch64 foreign_name=arm64 machine='\076' other='\267' ;;
esac
version=0.0~20240729.0
mirror=$tmp/mirror
to=$tmp/to
mkdir -p "$mirror/$version/$native" "$mirror/$version/$foreign" "$mirror/20990101.0/$native/gvisor-bin"

elf() { # MACHINE: the header of a program (elf(5)), which is all that is looked at
	printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000%b\000' "$1"
	echo "and the rest"
}

# A program of this machine that tells a version must be a real one: it is executed.
real() { # FILE VERSION
	printf '#include <stdio.h>\nint main(void) { puts("runsc version %s\\nspec: 1.2.0"); }\n' "$2" >"$tmp/runsc.c"
	cc -o "$1" "$tmp/runsc.c"
}

sums() { # DIR FILE...
	(cd "$1" && shift && sha512sum "$@")
}

# refused DESCRIPTION PATTERN ARG...: 1, a line that is like it, and nothing installed
refused() {
	description=$1
	pattern=$2
	shift 2
	output=$("$install" --to "$to" "$@" 2>&1)
	status=$?
	[ "$status" = 1 ] && printf '%s\n' "$output" | grep -qE -e "$pattern" && [ -z "$(ls -A "$to" 2>/dev/null)" ]
	result $? "$description" || say "status $status: $output; $(ls -A "$to")"
}

command -v cc >/dev/null || {
	echo "1..0 # SKIP no C compiler"
	tests_planned=0
	exit 0
}
real "$mirror/$version/$native/runsc" "$version"
elf "$other" >"$mirror/$version/$foreign/runsc"
pin=$tmp/pin
"$install" --print-pin "$mirror" "$version" "$native" >"$pin"
"$install" --print-pin "$mirror" "$version" "$foreign" >>"$pin"

plan 31

# ---- what is refused ---------------------------------------------------------------------------

refused "an architecture that nobody has" '^Unsupported architecture: s390x$' --pin "$pin" "$mirror" "$version" s390x
refused "also by its other names" '^Unsupported architecture: x86$' --pin "$pin" "$mirror" "$version" x86
refused "a version that is not pinned" 'cannot install version 20990101.0: it is not pinned: .*/pins/20990101.0' \
	"$mirror" 20990101.0
refused "a pin of another version" "cannot install version 20990101.0: .*/pin is about $version" \
	--pin "$pin" "$mirror" 20990101.0
refused "a version that the mirror has not" "cannot install version 0.0~20221219.0: $mirror does not have it" \
	"$mirror" 0.0~20221219.0
refused "a version that is a path" "it is no version" --pin "$pin" "$mirror" ../mirror
refused "a mirror that is not there" "no such directory" --pin "$pin" "$tmp/nowhere" "$version"

file=$mirror/$version/$native/runsc
mv "$file" "$tmp/good"
refused "a file that is missing" 'runsc binary not found' --pin "$pin" "$mirror" "$version"
cp "$mirror/$version/$foreign/runsc" "$file"
refused "a file for another machine" "wrong architecture: it is for $foreign, not for $native" \
	--pin "$pin" "$mirror" "$version"
echo '<?xml version="1.0"?><Error>AccessDenied</Error>' >"$file"
refused "a web server's page" "hint: it begins with '<[?]xml .*web server" --pin "$pin" "$mirror" "$version"
cp "$tmp/good" "$file"
last=$(($(wc -c <"$file") - 1))
printf '\125' | dd of="$file" bs=1 seek="$last" conv=notrunc 2>/dev/null
refused "one byte that was changed" '^runsc: FAILED$' --pin "$pin" "$mirror" "$version"
like "it says what was found and what should be" "$output" '*checksum mismatch: its SHA-512 begins with *, not with *'
head -c -1 "$tmp/good" >"$file"
refused "one byte that is missing" 'checksum mismatch' --pin "$pin" "$mirror" "$version"
cp "$tmp/good" "$file"
echo 'no sums at all' >"$tmp/empty"
refused "a pin without sums" "has no SHA-512 sum for $native" --pin "$tmp/empty" "$mirror" "$version"
sed "/$native/,/^arch/d" "$pin" | sed "1i arch $foreign" >"$tmp/foreign"
refused "a pin for the other architecture alone" "has no SHA-512 sum for $native" \
	--pin "$tmp/foreign" "$mirror" "$version"
real "$file" 20250407.0
sums "$mirror/$version/$native" runsc >"$tmp/lies"
refused "a file that calls itself by another version" "runsc --version says 'runsc version 20250407.0'" \
	--pin "$tmp/lies" "$mirror" "$version"
cp "$tmp/good" "$file"

# ---- what is installed -------------------------------------------------------------------------

ok "what is pinned" "$install" --to "$to" --pin "$pin" --write-pin "$tmp/etc/runsc.pin" "$mirror" "$version"
is "is installed as it was" "$(sums "$to" runsc)" "$(sums "$mirror/$version/$native" runsc)"
is "can be executed by everybody" "$(stat -c %a "$to/runsc")" 755
like "and tells its version" "$("$to/runsc" --version)" "runsc version $version*"
is "nothing else is left there" "$(ls -A "$to")" runsc
is "the pin that is written is of what was installed" "$(cat "$tmp/etc/runsc.pin")" \
	"$("$install" --print-pin "$mirror" "$version" "$native")"
real "$file" other
fails "a changed mirror changes nothing" 1 "$install" --to "$to" --pin "$pin" "$mirror" "$version"
like "what was there stays" "$("$to/runsc" --version)" "runsc version $version*"
cp "$tmp/good" "$file"

(cd / && sha512sum "$file") | sed 's,  .*,  /usr/local/bin/some-other-name,' >"$tmp/elsewhere.sha512"
ok "a sum file that names another path" "$install" --to "$to" --pin "$tmp/elsewhere.sha512" "$mirror" "$version"
output=$("$install" --to "$tmp/foreign-to" --pin "$pin" "$mirror" "release-$version" "$foreign_name" 2>&1)
is "a file for another machine, where that is asked for" "$?" 0 || say "$output"
is "it is the other's" "$(od -An -tx1 -j18 -N1 "$tmp/foreign-to/runsc" | tr -d ' ')" "$(printf '%b' "$other" | od -An -tx1 | tr -d ' ')"

# ---- companions ----------------------------------------------------------------------------------

new=$mirror/20990101.0/$native
real "$new/runsc" release-20990101.0
elf "$machine" >"$new/gvisor-bin/sentry"
"$install" --print-pin "$mirror" 20990101.0 >"$tmp/companions"
ok "a release with companions" "$install" --to "$to" --pin "$tmp/companions" "$mirror" 20990101.0
is "they lie beside it" "$(find "$to" -type f -printf '%P\n' | sort)" "gvisor-bin/sentry
runsc"
echo changed >>"$new/gvisor-bin/sentry"
fails "one that was changed is refused" 1 "$install" --to "$to" --pin "$tmp/companions" "$mirror" 20990101.0
rm "$new/gvisor-bin/sentry"
fails "and one that is missing" 1 "$install" --to "$to" --pin "$tmp/companions" "$mirror" 20990101.0
