/* SPDX-License-Identifier: Apache-2.0 */
#include "base/accounts_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

static bool is_number(const char *text)
{
	uint64_t value;

	return text_to_u64(text, 10, &value) == 0;
}

bool accounts_is_askable(const char *name)
{
	/* strtoul(3), by which getent looks, passes over blanks and takes a sign. */
	return *name != '\0' && !strchr("+- \t\v\f\r", *name) && !is_number(name) &&
	       !strpbrk(name, ":\n/");
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The program starts with no signal blocked or ignored. 0 or an errno. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int errnum;

	sigemptyset(&none);
	sigfillset(&all);
	errnum = posix_spawnattr_setsigmask(attributes, &none);
	if (errnum == 0)
		errnum = posix_spawnattr_setsigdefault(attributes, &all);
	if (errnum == 0)
		errnum = posix_spawnattr_setflags(
			attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return errnum;
}

static int set_files(posix_spawn_file_actions_t *actions, int output_fd)
{
	int errnum =
		posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

	if (errnum == 0)
		errnum = posix_spawn_file_actions_adddup2(actions, output_fd, 1);
	if (errnum == 0)
		errnum = posix_spawn_file_actions_addopen(actions, 2, "/dev/null",
							  O_WRONLY, 0);
	return errnum;
}

/* 0 or an errno. */
static int start(const char *const *words, int output_fd, pid_t *ret_pid)
{
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int errnum = posix_spawn_file_actions_init(&actions);

	if (errnum != 0)
		return errnum;
	errnum = posix_spawnattr_init(&attributes);
	if (errnum != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return errnum;
	}
	errnum = set_signals(&attributes);
	if (errnum == 0)
		errnum = set_files(&actions, output_fd);
	if (errnum == 0)
		errnum = posix_spawn(ret_pid, words[0], &actions, &attributes,
				     (char *const *)(uintptr_t)words, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

/*
 * Reads to the end of the output; what does not fit is read and dropped, so that the
 * program ends by itself. -1 and errno, ETIME when it takes too long.
 */
static int collect(int fd, char *answer)
{
	int64_t deadline = now_ms() + ANSWER_TIME_MS;
	char dropped[512];
	size_t used = 0;

	answer[0] = '\0';
	for (;;) {
		bool is_full = used == ANSWER_SIZE - 1;
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		ssize_t got;

		if (left <= 0) {
			errno = ETIME;
			return -1;
		}
		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		got = is_full ? read(fd, dropped, sizeof(dropped))
			      : read(fd, answer + used, ANSWER_SIZE - 1 - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		if (!is_full) {
			used += (size_t)got;
			answer[used] = '\0';
		}
	}
}

int accounts_ask(const char *const *words, char ret_answer[static ANSWER_SIZE],
		 struct error *err)
{
	auto_close int read_end = -1, write_end = -1;
	int fds[2], errnum, collected;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "ask %s", words[0]);
	read_end = fds[0];
	write_end = fds[1];
	errnum = start(words, write_end, &pid);
	fd_close(&write_end);
	ret_answer[0] = '\0';
	if (errnum == ENOENT)
		return 0;
	if (errnum != 0) {
		errno = errnum;
		return error_errno(err, "ask %s", words[0]);
	}
	collected = collect(read_end, ret_answer);
	if (collected < 0) {
		error_errno(err, "ask %s", words[0]);
		kill(pid, SIGKILL);
	}
	/* Its output says everything; where SIGCHLD is ignored there is no status at all. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return collected;
}
