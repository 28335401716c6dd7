/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `run` without -d: somebody stays with the container, passes signals on and relays its
 * terminal. It has no power over it: the container outlives it, as it does with other runtimes.
 */
#include "launcher/container_life.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/syscalls.h"
#include "launcher/signals.h"
#include "launcher/terminal.h"
#include "plan/plan.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum event {
	EVENT_SIGNAL,
	EVENT_END,
	EVENT_NOTIFY,
	EVENT_TERMINAL_IN,
	EVENT_TERMINAL_OUT = EVENT_TERMINAL_IN + 2,
	EVENT_COUNT = EVENT_TERMINAL_OUT + 2,
};

struct attendance {
	struct container_handle *handle;
	struct terminal terminal;
	int signals;
};

/* Ours are those of the terminal and of our own children and pipes. */
static void pass_on(struct attendance *attendance, int number)
{
	switch (number) {
	case SIGCHLD:
	case SIGPIPE:
	case SIGURG:
	case SIGTTIN:
	case SIGTTOU:
		return;
	case SIGWINCH:
		terminal_resize(&attendance->terminal);
		return;
	case SIGCONT:
		terminal_make_raw(&attendance->terminal);
		terminal_resize(&attendance->terminal);
		break;
	default:
		break;
	}
	if (attendance->handle->signal)
		attendance->handle->signal(attendance->handle->context, number);
	else
		(void)sys_pidfd_send_signal(attendance->handle->pidfd, number);
}

static void take_signals(struct attendance *attendance)
{
	struct signalfd_siginfo info;

	while (read(attendance->signals, &info, sizeof(info)) == sizeof(info))
		pass_on(attendance, (int)info.ssi_signo);
}

static void pump(struct attendance *attendance, const struct pollfd *events)
{
	struct terminal *terminal = &attendance->terminal;

	if (!flow_pump(&terminal->in, &events[EVENT_TERMINAL_IN]))
		flow_close(&terminal->in);
	if (!flow_pump(&terminal->out, &events[EVENT_TERMINAL_OUT]))
		flow_close(&terminal->out);
}

static int follow(struct attendance *attendance, struct error *err)
{
	struct pollfd events[EVENT_COUNT] = { 0 };

	while (!events[EVENT_END].revents) {
		events[EVENT_SIGNAL] =
			(struct pollfd){ .fd = attendance->signals, .events = POLLIN };
		events[EVENT_END] = (struct pollfd){ .fd = attendance->handle->pidfd,
						     .events = POLLIN };
		events[EVENT_NOTIFY] = (struct pollfd){ .fd = attendance->handle->notify,
							.events = POLLIN };
		flow_events(&attendance->terminal.in, &events[EVENT_TERMINAL_IN]);
		flow_events(&attendance->terminal.out, &events[EVENT_TERMINAL_OUT]);
		if (poll(events, EVENT_COUNT, -1) < 0) {
			if (errno != EINTR)
				return error_errno(err, "wait for the container");
			continue;
		}
		if (events[EVENT_SIGNAL].revents)
			take_signals(attendance);
		if (events[EVENT_NOTIFY].revents &&
		    container_take_notify(attendance->handle->notify, 0))
			fd_close(&attendance->handle->notify);
		pump(attendance, events);
	}
	return 0;
}

static int take_status(const struct container_handle *handle, int *ret_status,
		       struct error *err)
{
	int status;

	while (waitpid(handle->pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for the container");
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

/* A stop from the keyboard is for us: the container has no part in it. */
static int watch_signals(struct error *err)
{
	sigset_t set;
	int fd;

	signals_forwarded(&set);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_errno(err, "watch signals") : fd;
}

int container_attend(const struct plan *plan, struct container_handle *handle,
		     int *ret_status, struct error *err)
{
	struct attendance attendance = { .handle = handle };
	int failed;

	attendance.signals = watch_signals(err);
	if (attendance.signals < 0)
		return -1;
	terminal_init(&attendance.terminal);
	if (handle->console >= 0) {
		terminal_attach(&attendance.terminal, fd_take(&handle->console),
				!plan->process.stdin_null);
		if (!plan->process.rows)
			terminal_resize(&attendance.terminal);
	}
	failed = follow(&attendance, err);
	terminal_drain(&attendance.terminal);
	terminal_free(&attendance.terminal);
	fd_close(&attendance.signals);
	return failed < 0 ? -1 : take_status(handle, ret_status, err);
}
