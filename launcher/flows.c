/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/flows.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Without a word of who could still write: they are no processes of the sandbox. */
enum { SILENCE_MS = 1000 };

void flows_init(struct flows *flows, bool kept)
{
	*flows = (struct flows){ .unread = -1, .start = -1, .kept = kept };
	flow_init(&flows->in);
	flow_init(&flows->out[0]);
	flow_init(&flows->out[1]);
}

/* ---- the input ------------------------------------------------------------------------- */

static int64_t place_of_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	return lseek(fd, 0, SEEK_CUR);
}

void flows_take_input(struct flows *flows, int pipe, bool counting)
{
	if (counting) {
		fd_close(&flows->unread);
		flows->unread = pipe;
		return;
	}
	(void)fcntl(pipe, F_SETFL, O_WRONLY | O_NONBLOCK);
	flows->start = place_of_file(STDIN_FILENO);
	flow_open_watched(&flows->in, STDIN_FILENO, pipe);
}

/* The pipe is ours: the command sees its end. */
static void close_input(struct flows *flows)
{
	fd_close(&flows->in.to);
	flow_close(&flows->in);
}

/*
 * Where the command stopped reading, the caller goes on. It can write into the pipe too:
 * that moves nothing beyond where it began.
 */
static void give_offset_back(struct flows *flows, size_t held)
{
	const int64_t now = flows->start < 0 ? -1 : place_of_file(STDIN_FILENO);
	int64_t there;
	int unread = 0;

	if (now < 0 || flows->unread < 0 || ioctl(flows->unread, FIONREAD, &unread) < 0)
		return;
	there = now - unread - (int64_t)held;
	(void)lseek(STDIN_FILENO, there < flows->start ? flows->start : there, SEEK_SET);
}

void flows_move_input_to(int64_t offset)
{
	struct stat status;

	if (offset > lseek(STDIN_FILENO, 0, SEEK_CUR) &&
	    fstat(STDIN_FILENO, &status) == 0 && offset <= status.st_size)
		(void)lseek(STDIN_FILENO, offset, SEEK_SET);
}

/* ---- the output ------------------------------------------------------------------------ */

void flows_take_output(struct flows *flows, int stream, int pipe)
{
	struct flow *flow = &flows->out[stream == STDERR_FILENO];

	if (flow->from >= 0)
		fd_close(&pipe);
	else
		flow_open_watched(flow, pipe, stream);
	/* Without memory: the command is told by the pipe. */
	if (flow->from < 0)
		fd_close(&pipe);
}

/* A pipe that the command closes is closed for good: who reads behind us sees it. */
static void close_output(struct flows *flows, struct flow *flow)
{
	auto_close int null = -1;
	const int to = flow->to;

	fd_close(&flow->from);
	flow_close(flow);
	if (to != STDOUT_FILENO || flows->kept)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		(void)dup2(null, STDOUT_FILENO);
}

bool flows_are_open(const struct flows *flows)
{
	return flows->out[0].from >= 0 || flows->out[1].from >= 0;
}

/* ---- all of them ----------------------------------------------------------------------- */

void flows_events(const struct flows *flows, struct pollfd events[FLOWS_EVENTS])
{
	flow_events(&flows->in, events);
	for (size_t i = 0; i < 2; i++)
		flow_events(&flows->out[i], events + (i + 1) * FLOW_EVENTS);
}

static void pump_outputs(struct flows *flows, const struct pollfd *events)
{
	for (size_t i = 0; i < 2; i++) {
		struct flow *flow = &flows->out[i];

		if (flow->from >= 0 && !flow_pump(flow, events + i * FLOW_EVENTS))
			close_output(flows, flow);
	}
}

void flows_pump(struct flows *flows, const struct pollfd events[FLOWS_EVENTS])
{
	if (!flow_pump(&flows->in, events))
		close_input(flows);
	pump_outputs(flows, events + FLOW_EVENTS);
}

/* ---- the end --------------------------------------------------------------------------- */

/* The number of one that ends a process, or 0. */
static int read_signals(int signals, const sigset_t *ignored)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		const int number = (int)info.ssi_signo;

		if (sigismember(ignored, number))
			continue;
		if (number == SIGTERM || number == SIGINT || number == SIGHUP ||
		    number == SIGQUIT)
			return number;
		if (number == SIGTSTP)
			job_stop();
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Who reads behind us may take its time; who writes is gone. */
static bool is_read_slowly(const struct flows *flows)
{
	return flow_is_full(&flows->out[0]) || flow_is_full(&flows->out[1]);
}

static int time_to_wait(const struct flows *flows, int64_t deadline)
{
	const int64_t left = deadline - now_ms();

	if (deadline >= 0 && left < SILENCE_MS)
		return left > 0 ? (int)left : 0;
	return is_read_slowly(flows) && deadline < 0 ? -1 : SILENCE_MS;
}

/* false: nothing more is to come, or there is a *ret_number. */
static bool drain_once(struct flows *flows, int signals, const sigset_t *ignored,
		       int64_t deadline, int *ret_number)
{
	struct pollfd events[2 * FLOW_EVENTS + 1] = {
		[2 * FLOW_EVENTS] = { .fd = signals, .events = POLLIN }
	};
	int ready;

	for (size_t i = 0; i < 2; i++)
		flow_events(&flows->out[i], events + i * FLOW_EVENTS);
	ready = poll(events, 2 * FLOW_EVENTS + 1, time_to_wait(flows, deadline));
	if (ready < 0)
		return errno == EINTR;
	if (deadline >= 0 && now_ms() >= deadline)
		*ret_number = SIGALRM;
	else if (events[2 * FLOW_EVENTS].revents)
		*ret_number = read_signals(signals, ignored);
	if (*ret_number)
		return false;
	if (ready == 0)
		return is_read_slowly(flows);
	pump_outputs(flows, events);
	return true;
}

int flows_drain(struct flows *flows, int signals, const sigset_t *ignored, int limit_ms)
{
	const int64_t deadline = limit_ms < 0 ? -1 : now_ms() + limit_ms;
	int number = 0;

	while (flows_are_open(flows) &&
	       drain_once(flows, signals, ignored, deadline, &number))
		;
	return number;
}

int flows_end(struct flows *flows, struct error *err)
{
	static const char *const names[] = { "output", "error" };
	int failed = 0;

	give_offset_back(flows, flows->in.end - flows->in.start);
	close_input(flows);
	fd_close(&flows->unread);
	for (size_t i = 0; i < 2; i++) {
		struct flow *flow = &flows->out[i];

		fd_close(&flow->from);
		flow_close(flow);
		errno = flow->lost;
		if (flow->lost)
			failed = error_errno(err, "write the command's standard %s",
					     names[i]);
	}
	return failed;
}
