/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/terminal.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

void terminal_init(struct terminal *terminal)
{
	terminal->master = -1;
	terminal->caller = -1;
	terminal->raw = false;
	flow_init(&terminal->in);
	flow_init(&terminal->out);
}

void terminal_attach(struct terminal *terminal, int master, bool input)
{
	(void)fcntl(master, F_SETFL, fcntl(master, F_GETFL) | O_NONBLOCK);
	terminal->master = master;
	flow_open(&terminal->out, master, STDOUT_FILENO);
	if (input)
		flow_open(&terminal->in, STDIN_FILENO, master);
	for (int fd = 0; fd <= 2 && terminal->caller < 0; fd++)
		if (isatty(fd))
			terminal->caller = fd;
	terminal_make_raw(terminal);
}

void terminal_make_raw(struct terminal *terminal)
{
	struct termios modes;

	if (terminal->caller < 0 || terminal->raw ||
	    tcgetattr(terminal->caller, &terminal->before) < 0)
		return;
	modes = terminal->before;
	cfmakeraw(&modes);
	terminal->raw = tcsetattr(terminal->caller, TCSANOW, &modes) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (!terminal->raw)
		return;
	/*
	 * SIGTTOU is blocked: it works from the background too. It must not wait for a
	 * terminal that nobody reads.
	 */
	(void)tcsetattr(terminal->caller, TCSANOW, &terminal->before);
	terminal->raw = false;
}

void terminal_resize(const struct terminal *terminal)
{
	struct winsize size;

	if (terminal->master >= 0 && terminal->caller >= 0 &&
	    ioctl(terminal->caller, TIOCGWINSZ, &size) == 0)
		(void)ioctl(terminal->master, TIOCSWINSZ, &size);
}

void terminal_drain(struct terminal *terminal)
{
	struct flow *out = &terminal->out;

	/* Bounded: who writes into it is dead, and a terminal holds a few pages at most. */
	for (int round = 0; round < 1000 && out->from >= 0; round++) {
		struct pollfd events[FLOW_EVENTS];

		flow_events(out, events);
		if (poll(events, FLOW_EVENTS, 1000) <= 0)
			break;
		if (!flow_pump(out, events))
			break;
	}
}

void terminal_free(struct terminal *terminal)
{
	terminal_restore(terminal);
	flow_close(&terminal->in);
	flow_close(&terminal->out);
	fd_close(&terminal->master);
}
