/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capabilities of a container: five sets (runtime-spec, config.md, "Linux Process"), of
 * which what cannot be granted here is left out with a warning, as the specification asks.
 */
#include "policy/policy.h"

#include "base/error.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As capset(2) wants them; 64 bits of a set lie in two halves. */
struct sets {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
};

static int read_sets(struct sets *ret_sets)
{
	ret_sets->header = (struct __user_cap_header_struct){
		_LINUX_CAPABILITY_VERSION_3,
		0,
	};
	return (int)syscall(SYS_capget, &ret_sets->header, ret_sets->data);
}

static uint64_t joined(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

uint64_t caps_bounding(void)
{
	const uint64_t all = caps_all();
	uint64_t bounding = 0;

	for (unsigned int i = 0; i < 64 && all >> i & 1; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			bounding |= UINT64_C(1) << i;
	return bounding;
}

uint64_t caps_permitted(void)
{
	struct sets sets;

	return read_sets(&sets) < 0
		       ? 0
		       : joined(sets.data[0].permitted, sets.data[1].permitted);
}

uint64_t caps_grant(struct caps_spec *caps, bool new_user_namespace)
{
	const struct caps_spec asked = *caps;
	uint64_t have = caps_all(), bound = have;
	struct sets sets;

	if (!new_user_namespace) {
		bound = caps_bounding();
		have = read_sets(&sets) < 0
			       ? 0
			       : joined(sets.data[0].permitted, sets.data[1].permitted);
	}
	caps->bounding &= bound;
	caps->kept &= have;
	caps->effective &= caps->kept;
	/* capset(2) lets nothing be inheritable that is not bounded. */
	caps->inheritable &= caps->bounding;
	caps->ambient &= caps->kept & caps->inheritable;
	return (asked.bounding & ~caps->bounding) | (asked.kept & ~caps->kept) |
	       (asked.effective & ~caps->effective) |
	       (asked.inheritable & ~caps->inheritable) |
	       (asked.ambient & ~caps->ambient);
}

int caps_raise(uint64_t set, struct error *err)
{
	struct sets sets;

	if (read_sets(&sets) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES, "read the capabilities");
	sets.data[0].effective |= (uint32_t)set;
	sets.data[1].effective |= (uint32_t)(set >> 32);
	if (syscall(SYS_capset, &sets.header, sets.data) < 0)
		return error_errno_id(err, ERROR_CAPABILITIES, "raise a capability");
	return 0;
}
