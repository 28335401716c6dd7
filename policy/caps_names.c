/* SPDX-License-Identifier: Apache-2.0 */
/* Names and usual sets of capabilities: what needs no library, for programs of the build. */
#include "policy/policy.h"

#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#define CAP_BIT(number) (UINT64_C(1) << (number))

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[38] = "CAP_PERFMON",
	[39] = "CAP_BPF",
	[40] = "CAP_CHECKPOINT_RESTORE",
};

enum {
	NAME_COUNT = sizeof(names) / sizeof(names[0]),
	CAPS_MAX = 64, /* bits of a set; more than any kernel has */
};

static const struct named_set {
	const char *name;
	uint64_t bits;
} sets[] = {
	{ "@default", 0 }, /* caps_default_root() */
	{ "@docker", CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) |
			     CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_FOWNER) |
			     CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_NET_RAW) |
			     CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) |
			     CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_SETPCAP) |
			     CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_SYS_CHROOT) |
			     CAP_BIT(CAP_KILL) | CAP_BIT(CAP_AUDIT_WRITE) },
	{ "@users", CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |
			    CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) |
			    CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) },
	{ "@services",
	  CAP_BIT(CAP_KILL) | CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_AUDIT_WRITE) },
};

static uint64_t set_by_name(const char *name)
{
	if (strcasecmp(name, "@all") == 0)
		return caps_all();
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (strcasecmp(name, sets[i].name) == 0)
			return sets[i].bits ? sets[i].bits : caps_default_root();
	}
	return 0;
}

uint64_t caps_by_name(const char *name)
{
	if (name[0] == '@')
		return set_by_name(name);
	if (strcasecmp(name, "ALL") == 0)
		return caps_all();
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (unsigned int i = 0; i < NAME_COUNT; i++) {
		if (strcasecmp(name, names[i] + 4) == 0)
			return CAP_BIT(i);
	}
	return 0;
}

const char *caps_name(unsigned int number)
{
	return number < NAME_COUNT ? names[number] : NULL;
}

uint64_t caps_all(void)
{
	unsigned int known = 0, beyond = CAPS_MAX;

	/* Beyond its last one the kernel answers EINVAL; /proc may not be there to ask. */
	while (beyond - known > 1) {
		unsigned int middle = (known + beyond) / 2;

		if (prctl(PR_CAPBSET_READ, middle, 0, 0, 0) < 0)
			beyond = middle;
		else
			known = middle;
	}
	return beyond == CAPS_MAX ? UINT64_MAX : CAP_BIT(beyond) - 1;
}

uint64_t caps_default_root(void)
{
	return CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |
	       CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_NET_BIND_SERVICE) |
	       CAP_BIT(CAP_SETFCAP) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) |
	       CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SYS_CHROOT);
}
