/* SPDX-License-Identifier: Apache-2.0 */

/* The words of linux.seccomp (runtime-spec, config-linux.md). */
#include "policy/oci.h"

#include <string.h>

const char *const oci_actions[] = {
	[ACTION_ALLOW] = "SCMP_ACT_ALLOW",
	[ACTION_ERRNO] = "SCMP_ACT_ERRNO",
	[ACTION_FAKE] = "SCMP_ACT_ERRNO", /* of 0 */
	[ACTION_KILL] = "SCMP_ACT_KILL_PROCESS",
	[ACTION_KILL_THREAD] = "SCMP_ACT_KILL_THREAD",
	[ACTION_TRAP] = "SCMP_ACT_TRAP",
	[ACTION_LOG] = "SCMP_ACT_LOG",
	[ACTION_NOTIFY] = "SCMP_ACT_NOTIFY",
	[ACTION_TRACE] = "SCMP_ACT_TRACE",
	NULL,
};

const char *const oci_ops[] = {
	[TEST_EQ] = "SCMP_CMP_EQ",
	[TEST_NE] = "SCMP_CMP_NE",
	[TEST_LT] = "SCMP_CMP_LT",
	[TEST_LE] = "SCMP_CMP_LE",
	[TEST_GT] = "SCMP_CMP_GT",
	[TEST_GE] = "SCMP_CMP_GE",
	[OCI_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	NULL,
};

const char *const oci_flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	NULL,
};

const char *const oci_arches[] = {
	[ABI_X86_64] = "SCMP_ARCH_X86_64",
	[ABI_X32] = "SCMP_ARCH_X32",
	[ABI_I386] = "SCMP_ARCH_X86",
	[ABI_AARCH64] = "SCMP_ARCH_AARCH64",
	[ABI_ARM] = "SCMP_ARCH_ARM",
	"SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",
	"SCMP_ARCH_MIPS",
	"SCMP_ARCH_MIPS64",
	"SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",
	"SCMP_ARCH_MIPSEL64",
	"SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PARISC",
	"SCMP_ARCH_PARISC64",
	"SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",
	"SCMP_ARCH_PPC64LE",
	"SCMP_ARCH_RISCV64",
	"SCMP_ARCH_S390",
	"SCMP_ARCH_S390X",
	"SCMP_ARCH_SH",
	"SCMP_ARCH_SHEB",
	NULL,
};

int oci_word(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

int oci_action_kind(const char *word, enum action_kind *ret_kind)
{
	int index = oci_word(oci_actions, word);

	if (strcmp(word, "SCMP_ACT_KILL") == 0)
		index = ACTION_KILL_THREAD;
	if (index < 0)
		return -1;
	*ret_kind = (enum action_kind)index;
	return 0;
}

/* The selectors are SYS_… of linux/net.h and the calls of linux/ipc.h. */
static const struct oci_multiplexed multiplexed[] = {
	{ "socket", "socketcall", 1 },
	{ "bind", "socketcall", 2 },
	{ "connect", "socketcall", 3 },
	{ "listen", "socketcall", 4 },
	{ "accept", "socketcall", 5 },
	{ "getsockname", "socketcall", 6 },
	{ "getpeername", "socketcall", 7 },
	{ "socketpair", "socketcall", 8 },
	{ "send", "socketcall", 9 },
	{ "recv", "socketcall", 10 },
	{ "sendto", "socketcall", 11 },
	{ "recvfrom", "socketcall", 12 },
	{ "shutdown", "socketcall", 13 },
	{ "setsockopt", "socketcall", 14 },
	{ "getsockopt", "socketcall", 15 },
	{ "sendmsg", "socketcall", 16 },
	{ "recvmsg", "socketcall", 17 },
	{ "accept4", "socketcall", 18 },
	{ "recvmmsg", "socketcall", 19 },
	{ "sendmmsg", "socketcall", 20 },
	{ "semop", "ipc", 1 },
	{ "semget", "ipc", 2 },
	{ "semctl", "ipc", 3 },
	{ "semtimedop", "ipc", 4 },
	{ "msgsnd", "ipc", 11 },
	{ "msgrcv", "ipc", 12 },
	{ "msgget", "ipc", 13 },
	{ "msgctl", "ipc", 14 },
	{ "shmat", "ipc", 21 },
	{ "shmdt", "ipc", 22 },
	{ "shmget", "ipc", 23 },
	{ "shmctl", "ipc", 24 },
};

const struct oci_multiplexed *oci_multiplexed(const char *name)
{
	for (size_t i = 0; i < sizeof(multiplexed) / sizeof(multiplexed[0]); i++) {
		if (multiplexed[i].name[0] == name[0] &&
		    strcmp(multiplexed[i].name, name) == 0)
			return &multiplexed[i];
	}
	return NULL;
}
