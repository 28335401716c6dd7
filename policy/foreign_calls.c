/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/foreign_calls.h"

#include <seccomp.h>

int foreign_call_number(enum abi abi, const char *name)
{
	const uint32_t arch = abi == ABI_X32 ? SCMP_ARCH_X32 : abi_audit(abi);
	const int number = seccomp_syscall_resolve_name_arch(arch, name);

	/* Below -1 are names of calls that this ABI has not, or behind a multiplexer. */
	if (number == __NR_SCMP_ERROR)
		return -2;
	return number < 0 ? -1 : number;
}
