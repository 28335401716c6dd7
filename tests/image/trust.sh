#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a trusted key covers is started if that key has signed it, and not otherwise: whatever
# the file is called, whatever is missing, and whoever has changed it. The signatures are of
# the real tools where they are installed, else those of tests/data/signatures are looked at.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

data=$(cd "$image_here/../data/signatures" && pwd -P)
trusted="$XDG_CONFIG_HOME/sbx/trust.d"

plan 91

# In a directory of its own, so that prefixes can be compared: srv/a is not srv/ab.
make_images root.tar
mkdir -p srv/a srv/ab other
cp "$images/root.tar" srv/a/x.tar
cp "$images/root.tar" srv/ab/x.tar
here=$PWD

# start ROOT [OPTION...]: the root is used, and what it prints shows it
start() {
	root=$1
	shift
	run --no-cache --net none -R "$root" "$@" -- cat /data/file
}

# refused DESCRIPTION PATTERN ROOT [OPTION...]: with a text, and nothing was started
refused() {
	description=$1 pattern=$2
	shift 2
	# shellcheck disable=SC2254
	case $(start "$@") in
	*content*) result 1 "$description" || say 'it was started' ;;
	'sbx: cannot verify '$pattern) result 0 "$description" ;;
	*) result 1 "$description" || say "$(start "$@")" ;;
	esac
}

# flip FILE: one bit of one byte in the middle
flip() {
	python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(0, 2)
    at = file.tell() // 2
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 1]))' "$1"
}

# ---- nothing is trusted ------------------------------------------------------------------

is 'without a key nothing has to be verified' "$(start srv/a/x.tar)" content
refused 'a signature without a key verifies nothing' '*: no trusted key covers it*' \
	srv/a/x.tar --signature "$data/hashed.minisig"

# ---- keys and signatures of each kind ------------------------------------------------------

# with_kind KIND KEY SIGNATURE FILE: what is true of each kind; FILE is signed by KEY, in
# SIGNATURE beside it
with_kind() {
	kind=$1 key=$2 signature=$3 file=$4
	sbx trust add --prefix "$(dirname "$here/$file")" "$key" >"$tmp/said"
	like "$kind: a key is added" "$(cat "$tmp/said")" 'trusted for */srv/a: * key *'
	is "$kind: what the key has signed is used" "$(start "$file")" content
	mv "$signature" away
	refused "$kind: without a signature it is not" '*: there is no signature beside it*' "$file"
	is "$kind: the signature can be elsewhere" "$(start "$file" --signature away)" content
	flip away
	refused "$kind: a changed signature is none" '*' "$file" --signature away
	flip away
	mv away "$signature"
	flip "$file"
	refused "$kind: a changed file is refused" '*: it is not what was signed*' "$file"
	like "$kind: but for --insecure, which says so" "$(run --no-cache --net none -R "$file" --insecure -- true)" \
		"sbx: note: $here/$file was not verified (--insecure)"
	flip "$file"
	printf x >>"$file"
	refused "$kind: a longer file is refused" '*: it is not what was signed*' "$file"
	truncate -s -1 "$file"
	is "$kind: the file as it was is used" "$(start "$file")" content
	ok "$kind: the key is removed" sbx trust remove --prefix "$here/srv/a"
	rm -f "$signature"
}

# without_kind KIND: in place of with_kind
without_kind() {
	for what in added signed missing elsewhere changed flipped insecure longer again removed; do
		skip "$1: $what" "$1 is not installed"
	done
}

if command -v minisign >/dev/null; then
	minisign -G -W -p m.pub -s m.key >/dev/null 2>&1 </dev/null
	minisign -S -s m.key -m srv/a/x.tar >/dev/null 2>&1 </dev/null
	with_kind minisign m.pub srv/a/x.tar.minisig srv/a/x.tar
	minisign -S -l -s m.key -m srv/a/x.tar >/dev/null 2>&1 </dev/null
	with_kind 'minisign -l' m.pub srv/a/x.tar.minisig srv/a/x.tar
else
	without_kind minisign
	without_kind 'minisign -l'
fi

signify=$(command -v signify-openbsd || command -v signify) || signify=
if [ -n "$signify" ]; then
	"$signify" -G -n -p s.pub -s s.sec
	"$signify" -S -s s.sec -m srv/a/x.tar -x srv/a/x.tar.sig
	with_kind signify s.pub srv/a/x.tar.sig srv/a/x.tar
else
	without_kind signify
fi

if command -v gpg >/dev/null && command -v gpgv >/dev/null; then
	export GNUPGHOME="$tmp/gnupg"
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase '' --quick-generate-key 'T <t@example.org>' ed25519 sign never \
		>/dev/null 2>&1 </dev/null
	gpg --batch --armor --export >p.asc
	gpg --batch --armor --detach-sign -o srv/a/x.tar.asc srv/a/x.tar 2>/dev/null
	with_kind OpenPGP p.asc srv/a/x.tar.asc srv/a/x.tar
	gpgconf --kill all
else
	without_kind OpenPGP
fi

# ---- what the fixtures say -------------------------------------------------------------------

# verdict KEY SIGNATURE: what is said of image.tar, which is no archive, in its first line
verdict() {
	sbx image verify "$data/image.tar" --key "$data/$1" --signature "$data/$2" </dev/null | head -n 1
}

for pair in minisign.pub:hashed.minisig minisign.pub:whole.minisig signify.pub:signify.sig; do
	like "a signature of the tool itself: ${pair#*:}" "$(verdict "${pair%:*}" "${pair#*:}")" \
		"$data/image.tar: signed by the key *"
done
like 'another key with the same tool is foreign' "$(verdict minisign-other.pub hashed.minisig)" \
	'*: its signature is by the key E5A9D278E37F85D5, which is not among those that count'
like 'a key of another kind is foreign' "$(verdict openpgp.asc hashed.minisig)" \
	'*hashed.minisig is a signature of minisign or signify, and the trusted key is one of OpenPGP'
if command -v gpgv >/dev/null; then
	for pair in openpgp.asc:openpgp.sig openpgp.pgp:openpgp.sig.asc; do
		like "a signature of gpg: $pair" "$(verdict "${pair%:*}" "${pair#*:}")" \
			"$data/image.tar: signed by the key 96DD4EB108942803C5DFDF2EA6CC5FE089FFC997 *"
	done
	like 'an OpenPGP key that others have' "$(verdict openpgp-other.asc openpgp.sig)" \
		'*: its signature is by the key A6CC5FE089FFC997, which is not among those that count'
	like 'a key that has expired' "$(verdict openpgp-expired.asc openpgp-expired.sig.asc)" '*, has expired'
	like 'a key that was revoked' "$(verdict openpgp-revoked.asc openpgp-revoked.sig.asc)" '*, was revoked'
	like 'a signature that has expired' "$(verdict openpgp-old.asc openpgp-late.sig.asc)" '*its signature has expired'
	like 'a signature by SHA-1' "$(verdict openpgp-old.asc openpgp-sha1.sig.asc)" '*which can be forged'
	like 'a signature of text' "$(verdict openpgp-old.asc openpgp-text.sig.asc)" '*of text, not of bytes'
	like 'a message that holds its text' "$(verdict openpgp.asc openpgp-inline.asc)" 'sbx: cannot verify *'
	like 'a clear signature' "$(verdict openpgp.asc openpgp-clear.asc)" 'sbx: cannot verify *'
else
	for what in 1 2 3 4 5 6 7 8 9 10; do
		skip "OpenPGP $what" 'gpgv is not installed'
	done
fi
like 'a stream is verified as it goes by' \
	"$(sbx image verify - --key "$data/signify.pub" --signature "$data/signify.sig" <"$data/image.tar")" '*: signed by *'

# ---- checksums ---------------------------------------------------------------------------------

sha512sum "$data/image.tar" >sum
digest=$(cut -d' ' -f1 sum)
ok 'a SHA-512 is right' sbx image verify "$data/image.tar" --sha512 "$digest"
ok 'so is one of capital letters' sbx image verify "$data/image.tar" --sha512 "$(echo "$digest" | tr a-f A-F)"
printf '%s  %s\n' "$(sha512sum <sum | cut -d' ' -f1)" other "$digest" runsc >sums
ok 'a list counts by digest, whatever it calls the file' sbx image verify "$data/image.tar" --sha512 sums
printf 'SHA512 (some where/runsc) = %s\n' "$digest" >sums
ok 'a list of another form' sbx image verify "$data/image.tar" --sha512 sums
cp "$data/image.tar" changed
flip changed
like 'a changed byte' "$(sbx image verify changed --sha512 "$digest")" '*: its SHA-512 is *'
fails 'a changed byte and a list' 125 sbx image verify changed --sha512 sums
fails 'a list of nothing' 125 sbx image verify "$data/image.tar" --sha512 "$data/README"

# ---- names -----------------------------------------------------------------------------------

sbx trust add --prefix "$here/srv/a/" "$data/minisign.pub" >/dev/null
missing='*: there is no signature beside it*'
refused 'a covered file needs a signature' "$missing" srv/a/x.tar
is 'a prefix covers whole components' "$(start srv/ab/x.tar)" content
refused '.. does not lead around it' "$missing" srv/ab/../a/x.tar
refused 'nor do two slashes' "$missing" "$here//srv///a/x.tar"
ln -s srv/a/x.tar link.tar
ln -s "$here/srv/a" other/dir
refused 'nor a link to the file' "$missing" link.tar
refused 'nor a link to the directory' "$missing" other/dir/x.tar
refused 'nor /proc' "$missing" /proc/self/cwd/srv/a/x.tar
like 'nor standard input' "$(sbx run --no-config --no-cache --net none -R - -- cat /data/file <srv/a/x.tar)" "sbx: cannot verify $missing"
refused 'nor a layout by another name' "$missing" oci-archive:srv/a/x.tar

# ---- what cannot be read ---------------------------------------------------------------------

prefix=$(echo "$trusted"/*)
key=$(echo "$prefix"/*)
for what in "$key" "$prefix" "$trusted"; do
	chmod 0 "$what"
	refused "unreadable: ${what##*/}" '*Permission denied*' srv/a/x.tar
	chmod 700 "$what"
done
echo nonsense >"$prefix/vendor.minisign"
refused 'a key that is none' '*use the key */vendor.minisign: *' srv/a/x.tar
mv "$prefix/vendor.minisign" "$prefix/vendor.pub"
refused 'a key of no known kind' '*vendor.pub is not a key*' srv/a/x.tar
rm "$prefix/vendor.pub"
chmod 777 "$prefix"
refused 'keys that everybody can write' '*everybody may write there*' srv/a/x.tar
chmod 700 "$prefix"
sbx trust remove --prefix "$here/srv/a"

# ---- what was kept -----------------------------------------------------------------------------

# A file is known again by its times, if they are old enough.
touch -d '1 minute ago' srv/ab/x.tar
kept() {
	run --net none -R srv/ab/x.tar "$@" -- cat /data/file
}
is 'it is kept without a key' "$(kept)" content
sbx trust add --prefix / "$data/minisign.pub" >/dev/null
like 'a key counts for what was kept before it' "$(kept)" "sbx: cannot verify $missing"
like '--insecure uses what was kept, and says so' "$(kept --insecure)" "*was not verified (--insecure)*content"
sbx trust remove --prefix /
is 'without the key it is used again' "$(kept)" content

# ---- layouts -----------------------------------------------------------------------------------

if command -v minisign >/dev/null; then
	make_images oci
	minisign -G -W -f -p m.pub -s m.key >/dev/null 2>&1 </dev/null
	sbx trust add --prefix "$images" m.pub >/dev/null
	layout() {
		run --no-cache --net none -R "oci:$images/oci:latest"
	}
	like 'a layout needs a signature of its index' "$(layout)" 'sbx: cannot verify */oci/index.json: *'
	minisign -S -s m.key -m "$images/oci/index.json" >/dev/null 2>&1 </dev/null
	like 'a layout with a signed index is used' "$(layout)" 'hello *'
	# Two of its blobs are another image's.
	used=0
	for blob in "$images"/oci/blobs/sha256/*; do
		flip "$blob"
		case $(layout) in *hello*) used=$((used + 1)) ;; esac
		flip "$blob"
	done
	is 'a changed blob is refused, wherever it hangs' "$used" 2
	like 'and still is' "$(layout)" 'hello *'
	sbx trust remove --prefix "$images"
else
	for what in 1 2 3 4; do
		skip "a layout $what" 'minisign is not installed'
	done
fi

# ---- those of the machine -----------------------------------------------------------------------

# with_etc: the same with a /etc of its own, in which a key covers everything
with_etc() {
	# shellcheck disable=SC2016 # for the shell inside
	timeout -s KILL 60 unshare -Urm sh -c '
		mkdir -p "$1/etc/sbx/trust.d/%2F" && cp /etc/passwd /etc/group /etc/ld.so.cache "$1/etc" &&
			cp "$2" "$1/etc/sbx/trust.d/%2F/x.minisign" && mount --bind "$1/etc" /etc || exit 77
		shift 2
		exec "$@"' sh "$tmp" "$data/minisign.pub" "$SBX" "$@" 2>&1 </dev/null
}
like 'a key of the machine counts for everybody' "$(with_etc run --no-config --no-cache -R srv/ab/x.tar -- true)" \
	"sbx: cannot verify $missing"
like 'and is not removed by one of them' "$(with_etc trust remove --prefix /)" '*/etc/sbx/trust.d/%2F is the administrator*'
like 'it is listed as what it is' "$(with_etc trust list --json)" '*"prefix":"/","id":"E5A9D278E37F85D5","kind":"minisign",*"system":true}*'
