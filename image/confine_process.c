/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The power of sbx-image over everything but its root: capabilities, limits, system calls.
 * What is given away here cannot be had again.
 */
#include "image/confine_parts.h"
#include "image/tasks.h"

#include "base/error.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- limits ------------------------------------------------------------------------------ */

enum {
	MB = 1 << 20,
	OWN_MEMORY = 64 * MB,      /* tables, buffers, texts, a thread's stack */
	DECODER_MEMORY = 192 * MB, /* a window of 128 MiB, and what is around it */
};

struct limit {
	int resource;
	uint64_t most;
};

static const struct limit limits[] = {
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_MEMLOCK, 0 },
	{ RLIMIT_NOFILE, 256 },
	{ RLIMIT_STACK, 8 * MB },
	{ RLIMIT_MSGQUEUE, 0 },
#ifndef SBX_SANITIZED /* the shadow of all memory counts as data, terabytes of it */
	{ RLIMIT_DATA, OWN_MEMORY + DECODER_MEMORY },
#endif
};

/* What prlimit64 takes on every architecture; all bits set is no limit. */
struct limit_pair {
	uint64_t soft, hard;
};

static int exchange_limit(int resource, const struct limit_pair *wanted,
			  struct limit_pair *ret_present)
{
	return (int)syscall(SYS_prlimit64, 0, resource, wanted, ret_present);
}

/* Both to the same: what is lower already stays, nothing can be raised again. */
static int limit_one(const struct limit *limit, struct error *err)
{
	struct limit_pair value;

	if (exchange_limit(limit->resource, NULL, &value) < 0)
		return error_errno_id(err, ERROR_IMAGE, "read a limit");
	if (value.hard > limit->most)
		value.hard = limit->most;
	value.soft = value.hard;
	if (exchange_limit(limit->resource, &value, NULL) < 0)
		return error_errno_id(err, ERROR_IMAGE, "limit sbx-image");
	return 0;
}

/* Threads count as processes, of all of the user's before 5.14: the filter tells them apart. */
static int limit_all(bool threads, struct error *err)
{
	static const struct limit no_process = { RLIMIT_NPROC, 0 };

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (limit_one(&limits[i], err) < 0)
			return -1;
	return threads ? 0 : limit_one(&no_process, err);
}

/* ---- capabilities ------------------------------------------------------------------------ */

#define BIT(capability) (UINT64_C(1) << (capability))

/* Whiteouts take no CAP_MKNOD: overlayfs makes them itself, with the power that mounted it. */
static uint64_t kept_by(enum confine_power power)
{
	switch (power) {
	case CONFINE_READS:
		return 0;
	case CONFINE_READS_ALL:
		return BIT(CAP_DAC_READ_SEARCH);
	case CONFINE_WRITES:
		return BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) |
		       BIT(CAP_FSETID) | BIT(CAP_SETFCAP);
	}
	return 0;
}

static int keep_capabilities(uint64_t kept, struct error *err)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	const uint32_t low = (uint32_t)kept, high = (uint32_t)(kept >> 32);
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = low, .permitted = low },
		{ .effective = high, .permitted = high },
	};

	/* Up to the last one of this kernel; without CAP_SETPCAP there is nothing to drop. */
	for (unsigned long i = 0; i < 64; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			break;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return error_errno_id(err, ERROR_IMAGE,
				      "clear the ambient capabilities of sbx-image");
	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno_id(err, ERROR_IMAGE,
				      "drop the capabilities of sbx-image");
	return 0;
}

/* ---- calls ------------------------------------------------------------------------------- */

static int filter_calls(enum confine_power power, bool threads, struct error *err)
{
	struct sock_filter program[CONFINE_CALLS_MAX];
	struct sock_fprog filter = { .filter = program };

	filter.len = (unsigned short)confine_write_calls(power, threads, program);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_IMAGE,
				      "forbid new privileges to sbx-image");
	if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
		return error_errno_id(err, ERROR_IMAGE,
				      "filter the system calls of sbx-image");
	return 0;
}

/*
 * A change of credentials takes the death signal away and may make the process dumpable:
 * PR_SET_PDEATHSIG(2const), PR_SET_DUMPABLE(2const).
 */
int confine_process(enum confine_power power, bool threads, struct error *err)
{
	int death_signal = 0;

	(void)prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0);
	if (limit_all(threads, err) < 0 || keep_capabilities(kept_by(power), err) < 0)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) < 0)
		return error_errno_id(err, ERROR_IMAGE, "close sbx-image off");
	return filter_calls(power, threads, err);
}
