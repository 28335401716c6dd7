/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step before a command is executed: its filter is loaded, and from then on the
 * filter judges whoever loaded it. seccomp(2), seccomp_unotify(2).
 */
#include "policy/policy.h"

#include "base/error.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the data of SECCOMP_RET_USER_NOTIF: the rest is an errno, not a value to be faked. */
enum { NOTIFIES_OF_ERRNO = 0x8000 };

static struct sock_fprog program_for_kernel(const struct seccomp_program *program)
{
	return (struct sock_fprog){
		.len = (unsigned short)program->count,
		.filter = (struct sock_filter *)program->instructions,
	};
}

/*
 * A filter around us that does not know seccomp(2) may let prctl(2) pass, which has no flags:
 * none of those that are left here changes what is denied.
 */
static int load(const struct seccomp_program *program, unsigned int flags)
{
	struct sock_fprog filter = program_for_kernel(program);

	flags &= ~SYS_SECCOMP_WAIT_KILLABLE_RECV;
	if (flags && sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, &filter) == 0)
		return 0;
	if (flags && errno != EPERM && errno != ENOSYS)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

int seccomp_install(const struct seccomp_program *program, struct error *err)
{
	if (program->count == 0)
		return 0;
	if (load(program, 0) < 0)
		return error_errno_id(err, ERROR_SECCOMP, "load the seccomp filter");
	return 0;
}

/* Without WAIT_KILLABLE_RECV (5.19) a signal in time repeats the call, and its denial. */
static int load_supervised(const struct seccomp_filter *filter)
{
	struct sock_fprog program = program_for_kernel(&filter->program);
	/* A listener cannot be had together with TSYNC, and there is but one thread. */
	const unsigned int flags =
		(filter->flags & ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC) |
		SECCOMP_FILTER_FLAG_NEW_LISTENER;
	int listener = sys_seccomp(SECCOMP_SET_MODE_FILTER,
				   flags | SYS_SECCOMP_WAIT_KILLABLE_RECV, &program);

	if (listener < 0 && errno == EINVAL)
		listener = sys_seccomp(SECCOMP_SET_MODE_FILTER,
				       flags & ~SYS_SECCOMP_WAIT_KILLABLE_RECV, &program);
	return listener;
}

int seccomp_install_filter(const struct seccomp_filter *filter, int *ret_listener,
			   struct error *err)
{
	int listener = -1;
	int failed;

	if (filter->program.count == 0)
		return 0;
	if (filter->supervised || filter->notifies)
		failed = listener = load_supervised(filter);
	else
		failed = load(&filter->program, filter->flags);
	if (failed >= 0) {
		*ret_listener = listener;
		return 0;
	}
	error_errno_id(err, ERROR_SECCOMP, "load the seccomp filter");
	/* Who refuses the call with EPERM or ENOSYS is a filter around us. */
	if ((filter->supervised || filter->notifies) && err->errnum != ENOMEM &&
	    err->errnum != EACCES)
		return 1;
	return -1;
}

/* What a supervisor would have answered, by the filter itself. */
static int without_listener(uint32_t *value, struct error *err)
{
	const uint32_t data = *value & SECCOMP_RET_DATA;

	if ((*value & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_USER_NOTIF)
		return 0;
	if (data && !(data & NOTIFIES_OF_ERRNO)) {
		error_set(
			err, ERROR_SECCOMP,
			"load the seccomp filter: fake(%u) needs a listener, and there is "
			"one around this sandbox already, or the kernel has none",
			data);
		return -1;
	}
	*value = SECCOMP_RET_ERRNO | (data ? data & ~(uint32_t)NOTIFIES_OF_ERRNO : EPERM);
	return 0;
}

int seccomp_install_plain(const struct seccomp_filter *filter, struct error *err)
{
	struct sock_filter copy[BPF_MAXINSNS];
	const struct seccomp_program program = { copy, filter->program.count };

	if (program.count > BPF_MAXINSNS)
		return error_set(err, ERROR_SECCOMP,
				 "load the seccomp filter: it is too long");
	memcpy(copy, filter->program.instructions, program.count * sizeof(*copy));
	for (size_t i = 0; i < program.count; i++)
		if (copy[i].code == (BPF_RET | BPF_K) &&
		    without_listener(&copy[i].k, err) < 0)
			return -1;
	if (load(&program, filter->flags) < 0)
		return error_errno_id(err, ERROR_SECCOMP, "load the seccomp filter");
	return 0;
}

long seccomp_keyed_call(const struct seccomp_filter *filter, long number, long a, long b,
			long c)
{
	const uint64_t *key = filter->key;

	return syscall(number, a, b, c, (long)key[0], (long)key[1], (long)key[2]);
}
