/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/learn.h"

#include "base/error.h"
#include "base/fd.h"
#include "policy/learn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALLS_A_TURN = 64 };

void learner_attach(struct learner *learner, int listener)
{
	learner->listener = listener;
	learner->deaf = listener < 0;
}

int learner_keep_outputs(struct learner *learner, struct error *err)
{
	for (size_t i = 0; i < 2; i++)
		if (learner->files[i] &&
		    files_hold_place(learner->files[i], &learner->places[i]) < 0)
			return error_errno(err, "write %s", learner->files[i]);
	if (!learner->writes_output)
		return 0;
	learner->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (learner->output < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_errno(err, "keep the standard output for the policy");
	return 0;
}

static bool executes(const struct seccomp_data *data)
{
	return data->nr == SYS_execve || data->nr == SYS_execveat;
}

/* Who is met for the first time, or may have become another program, is looked at. */
static void get_to_know(struct learner *learner, pid_t pid,
			const struct seccomp_data *data)
{
	pid_t *place = &learner->familiar[pid % LEARN_FAMILIAR];

	if (*place != pid)
		learner_meet(learner, pid);
	*place = executes(data) ? 0 : pid;
}

/* What the launcher does on the way to the command is no part of the command. */
static bool starts_command(const struct learner *learner, const struct seccomp_data *data)
{
	return memcmp(&data->args[3], learner->key, sizeof(learner->key)) == 0;
}

static bool still_waits(const struct learner *learner, uint64_t id)
{
	return ioctl(learner->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/*
 * The registers of a call that waits cannot change, and the base policy looks at nothing
 * else: to let it go on is as safe as the base is.
 */
static void answer(struct learner *learner, const struct seccomp_notif *call)
{
	const bool starts = starts_command(learner, &call->data);
	const int errnum = starts ? 0 : learn_judge(&learner->base, &call->data);
	struct seccomp_notif_resp response = {
		.id = call->id,
		.error = -errnum,
		.flags = errnum ? 0U : (__u32)SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	if (!starts && errnum == 0)
		get_to_know(learner, (pid_t)call->pid, &call->data);
	if (errnum == 0)
		learner_look(learner, (pid_t)call->pid, &call->data);
	if (!still_waits(learner, call->id))
		return;
	if (!starts)
		learn_call(learner->learned, &call->data, errnum);
	/* ENOENT: its task was killed meanwhile. */
	(void)ioctl(learner->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void learner_serve(struct learner *learner)
{
	for (int i = 0; i < CALLS_A_TURN; i++) {
		struct pollfd event = { .fd = learner->listener, .events = POLLIN };
		struct seccomp_notif call = { 0 };

		if (poll(&event, 1, 0) != 1)
			return;
		if (!(event.revents & POLLIN)) {
			fd_close(&learner->listener);
			return;
		}
		/* ENOENT and EINTR: nobody waits any more. */
		if (ioctl(learner->listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0)
			answer(learner, &call);
	}
}
