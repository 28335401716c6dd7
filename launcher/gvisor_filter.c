/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter around runsc that is about time alone. Each program of runsc's registers for
 * membarrier(2) before its main(), and the kernel lets it wait for all processors: 8 to 10 ms,
 * in each of the six programs that a start consists of. Where there is no membarrier(2),
 * gVisor goes without, and has none for its processes either, which ask before they use it.
 */
#include "launcher/gvisor.h"

#include "base/syscalls.h"
#include "launcher/child.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

int gvisor_spare_barriers(struct child *child, struct error *err)
{
	/* Of another architecture there is no program: what is not there cannot be missed. */
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(program) / sizeof(*program), program };

	(void)err;
	/* With kvm gVisor's own kernel needs it. */
	if (child->gvisor->choice.platform != PLATFORM_KVM)
		(void)sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter);
	return 0;
}
