#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Roots for another machine (G3, G14): they run by qemu-user where that can be, and else nothing
# is started, with the text that says why.
# shellcheck source=tests/image/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(uname -m)" = x86_64 ] || skip_all 'the programs of other machines are made on x86_64'

plan 16

# labelled ARCH FILE: an archive of an image for ARCH, whose one layer has FILE as /hello
labelled() {
	python3 - "$1" "$2" "$image_here" <<'P'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[3])
from archives import Layout, Tar
arch, file = sys.argv[1:3]
layout = Layout()
layer = Tar().directory("./").add("hello", open(file, "rb").read(), mode=0o755).bytes()
layout.image([layer], architecture=arch, Cmd=["/hello"])
open(arch + ".tar", "wb").write(layout.archive())
P
}

# start ROOT [OPTION...]
start() {
	root=$1
	shift
	run --net none -R "$root" "$@"
}

# ---- nobody runs it ----------------------------------------------------------------------------

labelled nothing64 "$busybox"
like 'an image for no machine that there is' "$(start nothing64.tar)" \
	'sbx: cannot use *nothing64.tar as root: unsupported architecture: nothing64 (this machine: amd64)'
is 'with the status of what was not started' "$(start nothing64.tar >/dev/null; echo $?)" 125
labelled amd64 "$busybox"
like 'an image for this one' "$(start amd64.tar --entrypoint= -- /hello)" '*applet*'

# without QEMU COMMAND...: where no qemu for that machine is installed
# shellcheck disable=SC2016 # for the shell inside
without() {
	unshare --map-root-user --mount sh -c '
		qemu=$1
		shift
		for file in /usr/bin/qemu-$qemu-static /usr/bin/qemu-$qemu; do
			[ ! -e $file ] || mount --bind /dev/null $file
		done
		exec "$@"' sh "$@"
}

for machine in arm64:aarch64 s390x:s390x; do
	arch=${machine%:*} qemu=${machine#*:}
	labelled "$arch" "$busybox"
	if [ -e "/proc/sys/fs/binfmt_misc/qemu-$qemu" ]; then
		skip "an image for $arch" "the host's binfmt_misc runs it"
		continue
	fi
	like "an image for $arch" \
		"$(without "$qemu" timeout -s KILL 60 "$SBX" run --no-config --net none -R "$arch.tar" 2>&1 </dev/null)" \
		"*: unsupported architecture: $arch (this machine: amd64)*hint: as root: apt install qemu-user-static"
done

# ---- qemu does ---------------------------------------------------------------------------------

skip_rest() {
	while [ "$tests_run" -lt 16 ]; do
		skip 'a program for arm64' "$1"
	done
	exit
}

command -v aarch64-linux-gnu-gcc >/dev/null || skip_rest 'aarch64-linux-gnu-gcc is not installed'
cat >hello.c <<'C'
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct utsname name;

	if (uname(&name) < 0)
		return 1;
	printf("%s\n", name.machine);
	fflush(stdout);
	return argc > 1 ? execv(argv[1], argv + 1) : 7;
}
C
mkdir root
aarch64-linux-gnu-gcc -static -o root/hello hello.c || skip_rest 'nothing can be made for it'
[ -x /usr/bin/qemu-aarch64-static ] || skip_rest 'qemu-user-static is not installed'

# Before 6.7 there is none for users.
case $(start root -- /hello) in
*'no binfmt_misc for users'*) skip_rest 'this kernel has no binfmt_misc for users' ;;
esac

labelled arm64 root/hello
printf '#!/hello /hello\n' >root/script
chmod 755 root/script
tar -C root -cf root.tar .
is 'an image that says so' "$(start arm64.tar; echo $?)" 'aarch64
7'
is 'a directory whose command is for it' "$(start root -- /hello; echo $?)" 'aarch64
7'
is 'an archive' "$(start root.tar -e PATH=/ -- hello)" aarch64
is 'in memory' "$(start root.tar --no-cache -- /hello)" aarch64
is 'what it starts' "$(start root -- /hello /hello /hello)" 'aarch64
aarch64
aarch64'
is 'a script' "$(start root -- /script | head -n 2)" 'aarch64
aarch64'
is 'without a policy' "$(start root --policy none -- /hello)" aarch64
is 'with all capabilities' "$(start root --cap-add all -- /hello /hello)" 'aarch64
aarch64'
is 'the same twice' "$(start root --pure --repeat 2 -- /hello)" aarch64
like '--dry-run tells' "$(start root --dry-run -- /hello)" '*programs for aarch64 run by qemu-user*'
if [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
	skip 'without an init there is nobody to keep it' 'the host does'
else
	like 'without an init there is nobody to keep it' "$(start root --no-init -- /hello)" \
		'sbx: cannot use --no-init: the init keeps qemu at hand for programs for aarch64*'
fi
