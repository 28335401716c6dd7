/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/gvisor_ask.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "policy/policy.h"
#include "userns/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define APART_FLAGS                                                                      \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |      \
	 CLONE_NEWUTS)

uint64_t gvisor_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the child ------------------------------------------------------------------------- */

struct asked {
	const char *path;
	const char *const *words;
	bool apart;
	uint32_t uid, gid; /* as they are outside */
	int output;
};

/* What runsc makes beside its sandbox lies in a tmpfs that goes with it. */
static int enter_apart(const struct asked *asked)
{
	const struct id_range uid = { 0, asked->uid, 1 }, gid = { 0, asked->gid, 1 };
	const struct ids_spec ids = { { &uid, 1 }, { &gid, 1 }, true };
	struct error ignored;

	if (ids_map_self(&ids, &ignored) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
	    mount("none", GVISOR_TRIAL_STATE, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700") < 0)
		return -1;
	return 0;
}

static int take_streams(const struct asked *asked)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(asked->output, STDOUT_FILENO) < 0 ||
	    dup2(asked->output, STDERR_FILENO) < 0)
		return -1;
	fd_close_all_but(STDERR_FILENO + 1, NULL, 0);
	fd_take(&null);
	return 0;
}

static _Noreturn void run(const struct asked *asked)
{
	static const struct rlimit_entry limits[] = { { RLIMIT_CORE, 0, 0 } };
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL=C",
		NULL,
	};
	struct error ignored;
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || take_streams(asked) < 0 ||
	    (asked->apart && enter_apart(asked) < 0) || chdir("/") < 0 ||
	    limits_lower(limits, 1, &ignored) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		dprintf(STDERR_FILENO, "cannot prepare: %s\n", strerror(errno));
	else if (execve(asked->path, (char *const *)(uintptr_t)asked->words,
			environment) < 0)
		dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* ---- the parent ------------------------------------------------------------------------ */

struct gvisor_question gvisor_ask(const char *path, const char *const *words, bool apart)
{
	struct gvisor_question question = { .pid = -1, .pidfd = -1, .output = -1 };
	struct asked asked = { path, words, apart, geteuid(), getegid(), -1 };
	int channel[2];

	if (pipe2(channel, O_CLOEXEC) < 0) {
		question.errnum = errno;
		return question;
	}
	asked.output = channel[1];
	question.output = channel[0];
	question.pid = sys_clone_child(apart ? APART_FLAGS : 0, &question.pidfd);
	if (question.pid == 0)
		run(&asked);
	question.errnum = errno;
	close(channel[1]);
	return question;
}

static int left_ms(uint64_t until_ms)
{
	const uint64_t now = gvisor_now_ms();

	return now < until_ms ? (int)(until_ms - now) : 0;
}

/* True while there may be more. What does not fit is read, and forgotten. */
static bool read_some(int output, struct gvisor_answer *answer)
{
	char spare[4096];
	const size_t room = GVISOR_ANSWER_MAX - answer->size;
	char *to = room > 0 ? answer->text + answer->size : spare;
	const ssize_t length = read(output, to, room > 0 ? room : sizeof(spare));

	if (length > 0 && room > 0)
		answer->size += (size_t)length;
	return length > 0 || (length < 0 && errno == EINTR);
}

/* Until its end: who holds the pipe longer than that is none of ours. */
static void hear(struct gvisor_question *question, uint64_t until_ms,
		 struct gvisor_answer *answer)
{
	struct pollfd watched[] = { { question->pidfd, POLLIN, 0 },
				    { question->output, POLLIN, 0 } };

	for (;;) {
		const int ready = poll(watched, 2, left_ms(until_ms));

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || gvisor_now_ms() >= until_ms)
			return;
		if (watched[1].revents && !read_some(question->output, answer))
			watched[1].fd = -1;
		if (watched[0].revents && !(watched[1].revents & POLLIN))
			break;
	}
	answer->in_time = true;
}

/* Also its whole session: what it started has its output still. */
static void end(struct gvisor_question *question, struct gvisor_answer *answer)
{
	(void)kill(-question->pid, SIGKILL);
	(void)kill(question->pid, SIGKILL);
	while (waitpid(question->pid, &answer->status, 0) < 0 && errno == EINTR)
		;
	fd_close(&question->pidfd);
	fd_close(&question->output);
	question->pid = 0;
}

int gvisor_hear(struct gvisor_question *question, uint64_t until_ms,
		struct gvisor_answer *ret_answer)
{
	ret_answer->in_time = false;
	ret_answer->status = 0;
	ret_answer->size = 0;
	ret_answer->text[0] = '\0';
	if (question->pid <= 0) {
		fd_close(&question->output);
		errno = question->errnum;
		return -1;
	}
	hear(question, until_ms, ret_answer);
	end(question, ret_answer);
	for (size_t i = 0; i < ret_answer->size; i++) {
		if (!ret_answer->text[i])
			ret_answer->text[i] = ' ';
	}
	ret_answer->text[ret_answer->size] = '\0';
	return 0;
}
