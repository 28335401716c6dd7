/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/schedule.h"

#include "base/error.h"
#include "plan/plan.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of sched_setattr(2), its first published size. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

enum {
	WHO_PROCESS = 1, /* ioprio_set(2) */
	CLASS_SHIFT = 13,
	PROCESSORS_MAX = 8192, /* CONFIG_NR_CPUS of any kernel */
	WORD_BITS = 8 * sizeof(unsigned long),
};

struct processors {
	unsigned long words[PROCESSORS_MAX / WORD_BITS];
};

/*
 * What the kernel refuses is named by us: its own words would say that the program could not
 * be executed.
 */
static int refuse(const char *what, const char *needs, struct error *err)
{
	const int errnum = errno;

	if (errnum != EPERM)
		return error_errno_id(err, ERROR_LIMIT, "%s", what);
	error_set(err, ERROR_LIMIT, "%s: it needs %s, outside of every user namespace",
		  what, needs);
	return error_hint(err, "leave it out of the configuration, or start as root");
}

static int take_policy(const struct schedule_spec *schedule, struct error *err)
{
	const struct attributes attributes = {
		.size = sizeof(attributes),
		.policy = (uint32_t)schedule->policy,
		.flags = schedule->flags,
		.nice = schedule->nice,
		.priority = schedule->priority,
		.runtime = schedule->runtime,
		.deadline = schedule->deadline,
		.period = schedule->period,
	};

	if (!schedule->given)
		return 0;
	if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0)
		return refuse("set process.scheduler", "CAP_SYS_NICE", err);
	return 0;
}

int schedule_take(const struct process_spec *process, struct error *err)
{
	const int class = process->io.class << CLASS_SHIFT;

	if (take_policy(&process->schedule, err) < 0)
		return -1;
	if (!process->io.given)
		return 0;
	if (syscall(SYS_ioprio_set, WHO_PROCESS, 0, class | process->io.priority) < 0)
		return refuse("set process.ioPriority", "CAP_SYS_NICE or CAP_SYS_ADMIN",
			      err);
	return 0;
}

/* One number or range; *at is behind it. false: it is none. */
static bool read_range(const char **at, unsigned long *ret_first, unsigned long *ret_last)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*ret_first = strtoul(*at, &end, 10);
	*ret_last = *ret_first;
	if (*end == '-') {
		*at = end + 1;
		if (**at < '0' || **at > '9')
			return false;
		*ret_last = strtoul(*at, &end, 10);
	}
	*at = end;
	return *ret_first <= *ret_last && *ret_last < PROCESSORS_MAX;
}

static bool read_processors(const char *text, struct processors *ret_set)
{
	unsigned long first, last;

	memset(ret_set, 0, sizeof(*ret_set));
	while (read_range(&text, &first, &last)) {
		for (unsigned long i = first; i <= last; i++)
			ret_set->words[i / WORD_BITS] |= 1UL << i % WORD_BITS;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
	return false;
}

int schedule_bind(const char *processors, struct error *err)
{
	struct processors set;

	if (!processors)
		return 0;
	if (!read_processors(processors, &set))
		return error_set(err, ERROR_CONFIG,
				 "keep to the processors %s: a list is 0-1,3",
				 processors);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(set), &set) == 0)
		return 0;
	if (errno != EINVAL)
		return error_errno_id(err, ERROR_LIMIT, "keep to the processors %s",
				      processors);
	return error_set(err, ERROR_LIMIT,
			 "keep to the processors %s: none of them may be used here",
			 processors);
}

int schedule_pose(const struct process_spec *process, struct error *err)
{
	if (process->has_personality && personality(process->personality) < 0)
		return error_errno(err, "set linux.personality");
	return 0;
}
