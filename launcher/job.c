/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher as a job of a shell (job control: setpgid(2), tcsetpgrp(3)). */
#include "launcher/job.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Whoever stands still does not see that the sandbox has ended: then this child wakes its
 * parent, again and again, since it may not have stood still yet.
 */
static _Noreturn void wake_at_the_end(int pidfd, pid_t launcher)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	while (getppid() == launcher) {
		(void)kill(launcher, SIGCONT);
		(void)poll(NULL, 0, 50);
	}
	_exit(0);
}

/*
 * SIGTSTP and not SIGSTOP: the kernel discards it where no shell could continue us
 * (an orphaned process group, setpgid(2)).
 */
void job_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

void job_stand_still(int pidfd)
{
	const pid_t launcher = getpid();
	const pid_t waker = fork();

	if (waker == 0)
		wake_at_the_end(pidfd, launcher);
	if (waker < 0)
		return;
	job_stop();
	(void)kill(waker, SIGKILL);
	while (waitpid(waker, NULL, 0) < 0 && errno == EINTR)
		;
}
