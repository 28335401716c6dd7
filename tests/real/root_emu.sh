#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian root where one id is mapped: packages that make accounts, give files away and drop
# their power are installed all the same, since these calls seem to succeed (--root-emu). What
# cannot be had that way is told as it is: who becomes another account stays root.
# shellcheck disable=SC2016 # the scripts in quotes are for the shells inside
# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"

need mmdebstrap zstd dpkg-scanpackages cc
need_ordinary_user
if ! archive=$("$here/debian-tar" 2>"$tmp/log") || ! packages=$("$here/debian-packages" \
	openssh-client postfix man-db dbus sudo iputils-ping libcap2-bin 2>"$tmp/log"); then
	say "$(tail -n 5 "$tmp/log")"
	skip_all "no Debian packages can be had"
fi

root=$tmp/root
mkdir "$root" "$tmp/kept" "$tmp/bin"

inside() {
	"$SBX" run --root "$root" --map single -e DEBIAN_FRONTEND=noninteractive \
		--ro "$packages:/packages" --ro "$tmp/bin:/opt" "$@"
}

# What is written stays for the next.
kept() {
	inside --upper "$tmp/kept" "$@"
}

# Calls of its own, without a C library: libc asks nobody whether a call has worked.
make_static() {
	cat >"$tmp/calls.c" <<-'END'
		#include <errno.h>
		#include <linux/capability.h>
		#include <stdio.h>
		#include <sys/stat.h>
		#include <sys/syscall.h>
		#include <sys/sysmacros.h>
		#include <unistd.h>

		static void tell(const char *name, long result)
		{
			printf("%s %ld\n", name, result < 0 ? -(long)errno : result);
		}

		int main(void)
		{
			struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
			struct __user_cap_data_struct none[2] = { { 0 } };

			tell("kexec_load", syscall(SYS_kexec_load, 0L, 0L, 0L, 0L));
			tell("setgroups", syscall(SYS_setgroups, 0L, 0L));
			tell("setresuid", syscall(SYS_setresuid, 1000, 1000, 1000));
			tell("setfsuid", syscall(SYS_setfsuid, 1000));
			tell("capset", syscall(SYS_capset, &header, none));
			tell("fchownat", syscall(SYS_fchownat, -100, "/nowhere", 5, 5, 0));
			tell("block", mknod("/tmp/block", S_IFBLK | 0600, makedev(8, 0)));
			tell("pipe", mknod("/tmp/pipe", S_IFIFO | 0600, 0));
			tell("whiteout", mknod("/tmp/whiteout", S_IFCHR | 0600, 0));
			tell("getuid", getuid());
			return 0;
		}
	END
	cc -static -o "$tmp/bin/calls" "$tmp/calls.c"
}

plan 26

ok "an archive is unpacked by its user alone" \
	tar -C "$root" --no-same-owner -xf "$archive"
echo 'deb [trusted=yes] file:/packages ./' >"$root/etc/apt/sources.list"
make_static
"$SBX" unshare "$here/fingerprint" "$root" >"$tmp/before"

# ---- without and with ------------------------------------------------------------------------

output=$(inside --root-emu off -- sh -c 'apt-get update && apt-get install -y openssh-client' 2>&1)
[ $? = 100 ]
result $? "without emulation openssh-client cannot be installed" || say "$output"
output=$(inside --root-emu off -- install -o nobody /dev/null /tmp/x 2>&1)
has "nor can a file be given away" "$output" 'Invalid argument|not permitted'

output=$(kept -- sh -c 'apt-get -q update && apt-get -q -y --no-install-recommends install \
	openssh-client postfix man-db dbus sudo' 2>&1)
result $? "openssh-client, postfix, man-db, dbus and sudo are installed" || say "$output"
has "apt has found that it need not become _apt" "$(kept -- apt-config dump)" \
	'^APT::Sandbox::User "root";'
output=$(kept -- apt-get -q -y install iputils-ping libcap2-bin 2>&1)
result $? "iputils-ping and libcap2-bin are" || say "$output"
is "dpkg finds nothing wrong" "$(kept -- dpkg --audit 2>&1)" ""
like "what was installed works" "$(kept -- sh -c '
	ssh-keygen -q -t ed25519 -N "" -f /tmp/key && ssh-keygen -l -f /tmp/key.pub' 2>&1)" '256 SHA256:*'
has "postfix has its configuration" "$(kept -- postconf -n 2>&1)" '^mydestination ='
has "man-db finds a page" "$(kept -- sh -c '
	mkdir -p /usr/local/share/man/man1
	printf ".TH WORK 1\n.SH NAME\nwork \\\\- is done\n" >/usr/local/share/man/man1/work.1
	mandb -q && whatis work' 2>&1)" '^work \(1\).*is done'
has "dbus a bus" "$(kept -- dbus-run-session -- dbus-send --print-reply --dest=org.freedesktop.DBus \
	/ org.freedesktop.DBus.ListNames 2>&1)" 'org.freedesktop.DBus'
like "ping pings" "$(kept --cap-add NET_RAW -- ping -c 1 -W 2 127.0.0.1 2>&1 | tr '\n' ' ')" '*1 received*'

# ---- accounts and files ------------------------------------------------------------------------

ok "adduser makes an account" kept -- adduser --disabled-password --gecos '' bob
ok "useradd makes one with a home" kept -- useradd -m alice
is "both are there" "$(kept -- getent passwd bob alice | cut -d : -f 1,6 | tr '\n' ' ')" \
	"bob:/home/bob alice:/home/alice "
is "install -o and chown succeed, and the files stay root's" "$(kept -- sh -c '
	cd /tmp && install -o alice -m 600 /dev/null a && touch b && chown bob:bob b && stat -c "%u %a" a b' \
	2>&1 | tr '\n' ' ')" "0 600 0 644 "
is "a device seems to be made, and is not there" "$(inside -- sh -c \
	'mknod /tmp/null c 1 3; echo $?; ls -A /tmp' 2>&1)" 0
is "a pipe is made" "$(inside -- sh -c 'mknod /tmp/pipe p && stat -c %F /tmp/pipe' 2>&1)" fifo
is "a capability of a file is kept as it is" "$(kept -- sh -c '
	cp /bin/true /tmp/t && setcap cap_net_raw=ep /tmp/t && getcap /tmp/t' 2>&1)" "/tmp/t cap_net_raw=ep"

# ---- what it is not ----------------------------------------------------------------------------

is "su and sudo stay root" "$(kept -- sh -c 'su bob -c "id -u"; sudo -u bob id -u 2>/dev/null')" "0
0"
is "a static program gets the same answers" "$(inside -- /opt/calls | tr '\n' ' ')" \
	"kexec_load 0 setgroups 0 setresuid 0 setfsuid 0 capset 0 fchownat 0 block 0 pipe 0 whiteout 0 getuid 0 "
is "a policy of none is emulated on request" \
	"$(inside --policy none --root-emu on -- sh -c 'chown 5 /tmp; echo $?-$SBX_ROOT_EMU' 2>&1)" 0-1
is "and only then" "$(inside --policy none -- sh -c 'chown 5 /tmp 2>/dev/null; echo $?-$SBX_ROOT_EMU' 2>&1)" 1-
is "--map subuid needs none" "$("$SBX" run --root "$root" --map subuid -- \
	sh -c 'touch /tmp/x && chown 5 /tmp/x && stat -c %u /tmp/x; echo "[$SBX_ROOT_EMU]"' 2>&1)" "5
[]"
is "APT_CONFIG of one's own is left alone" \
	"$(inside -e APT_CONFIG=/etc/own -- sh -c 'echo $APT_CONFIG-$SBX_ROOT_EMU')" /etc/own-1

"$SBX" unshare "$here/fingerprint" "$root" >"$tmp/after"
difference=$(diff "$tmp/before" "$tmp/after")
result $? "nothing of this has changed the root" || say "$difference"
