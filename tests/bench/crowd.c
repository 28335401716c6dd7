/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many sandboxes that are all alive at one moment.
 *
 *	crowd --count N --starting K --seconds S COMMAND [ARG…]
 *
 * Starts COMMAND N times, at most K of them on their way at a time. Each command must
 * write one byte to standard output when it runs and wait for the end of file of standard
 * input (`probe wait`). Only when N bytes are there are all released, so that N of them
 * were alive at once. Prints, separated by tabs: N, how many were alive, ms until all
 * were, ms from the first start to the last end, how many failed.
 * After S seconds the launchers are killed, and the line says how far it came.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CROWD_MAX = 20000,
	STILL_MS = 20 /* how long to sleep for a byte before looking for the dead */
};

struct crowd {
	char **argv;
	size_t count, starting;
	double deadline_ms;
	pid_t *pids; /* 0: gone */
	size_t started, alive, ended, failed;
	int marks[2];   /* the commands write, we read */
	int release[2]; /* we close, the commands see the end */
};

extern char **environ;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool start_one(struct crowd *crowd)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, crowd->release[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, crowd->marks[1], STDOUT_FILENO);

	int errnum = posix_spawnp(&crowd->pids[crowd->started], crowd->argv[0], &actions,
				  NULL, crowd->argv, environ);

	posix_spawn_file_actions_destroy(&actions);
	if (errnum != 0) {
		fprintf(stderr, "crowd: cannot start number %zu: %s\n",
			crowd->started + 1, strerror(errnum));
		return false;
	}
	crowd->started++;
	return true;
}

static void forget(struct crowd *crowd, pid_t pid)
{
	for (size_t i = 0; i < crowd->started; i++) {
		if (crowd->pids[i] == pid)
			crowd->pids[i] = 0;
	}
}

/* Waits for one launcher; its end before the release is a failure. False: nobody ended. */
static bool reap_one(struct crowd *crowd, bool released, int flags)
{
	int status;
	pid_t pid = waitpid(-1, &status, flags);

	if (pid <= 0)
		return false;
	forget(crowd, pid);
	crowd->ended++;
	if (status != 0 || !released)
		crowd->failed++;
	return true;
}

static void count_marks(struct crowd *crowd)
{
	struct pollfd marks = { .fd = crowd->marks[0], .events = POLLIN };
	char bytes[4096];

	if (poll(&marks, 1, STILL_MS) <= 0) {
		while (reap_one(crowd, false, WNOHANG))
			;
		return;
	}

	ssize_t length = read(crowd->marks[0], bytes, sizeof(bytes));

	if (length > 0)
		crowd->alive += (size_t)length;
}

/* Returns whether all of them were alive at one moment. */
static bool gather(struct crowd *crowd)
{
	while (crowd->alive < crowd->count) {
		bool may_start = crowd->started < crowd->count &&
				 crowd->started - crowd->alive < crowd->starting;

		if (crowd->failed > 0 || now_ms() > crowd->deadline_ms)
			return false;
		if (!may_start)
			count_marks(crowd);
		else if (!start_one(crowd))
			return false;
	}
	return true;
}

static void kill_all(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->started; i++) {
		if (crowd->pids[i] > 0)
			kill(crowd->pids[i], SIGKILL);
	}
}

/* Interrupts waitpid(2) when the time is up. */
static void ring(int signal)
{
	(void)signal;
}

static void set_alarm(double ms)
{
	const struct sigaction action = { .sa_handler = ring };
	const long us = ms > 1000 ? (long)(ms * 1000) : 1000000;
	const struct itimerval timer = { .it_value = { us / 1000000, us % 1000000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void release(struct crowd *crowd)
{
	close(crowd->release[1]);
	set_alarm(crowd->deadline_ms - now_ms());
	while (crowd->ended < crowd->started && reap_one(crowd, true, 0))
		;
	kill_all(crowd);
	while (crowd->ended < crowd->started && reap_one(crowd, true, 0))
		;
}

/* A sandbox is three processes of the user: launcher, init, command. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NPROC, &limit);
}

static bool read_arguments(struct crowd *crowd, int argc, char **argv)
{
	if (argc < 8 || strcmp(argv[1], "--count") != 0 ||
	    strcmp(argv[3], "--starting") != 0 || strcmp(argv[5], "--seconds") != 0)
		return false;
	crowd->count = strtoul(argv[2], NULL, 10);
	crowd->starting = strtoul(argv[4], NULL, 10);
	crowd->deadline_ms = now_ms() + strtod(argv[6], NULL) * 1e3;
	crowd->argv = argv + 7;
	return crowd->count > 0 && crowd->count <= CROWD_MAX && crowd->starting > 0;
}

int main(int argc, char **argv)
{
	static struct crowd crowd;

	if (!read_arguments(&crowd, argc, argv)) {
		fputs("usage: crowd --count N --starting K --seconds S COMMAND...\n",
		      stderr);
		return 2;
	}
	crowd.pids = calloc(crowd.count, sizeof(*crowd.pids));
	if (!crowd.pids || pipe2(crowd.marks, O_CLOEXEC) < 0 ||
	    pipe2(crowd.release, O_CLOEXEC) < 0)
		return 1;
	raise_limits();

	double begin_ms = now_ms();

	if (!gather(&crowd))
		crowd.deadline_ms = now_ms() + 2000;

	double alive_ms = now_ms() - begin_ms;

	release(&crowd);
	printf("%zu\t%zu\t%.3f\t%.3f\t%zu\n", crowd.count, crowd.alive, alive_ms,
	       now_ms() - begin_ms, crowd.failed);
	return 0;
}
