/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/terminal.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LIMIT = 200000 };

/* A flow from one pipe to another. */
struct course {
	struct flow flow;
	int source, sink; /* the ends of others: what is written, what arrives */
};

static void set_nonblocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

static int open_course(void **state)
{
	static struct course course;
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	flow_init(&course.flow);
	flow_open(&course.flow, in[0], out[1]);
	course.source = in[1];
	course.sink = out[0];
	set_nonblocking(in[0]);
	set_nonblocking(in[1]);
	set_nonblocking(out[0]);
	set_nonblocking(out[1]);
	/* One page each: what flows is more than fits. */
	(void)fcntl(in[1], F_SETPIPE_SZ, 4096);
	(void)fcntl(out[1], F_SETPIPE_SZ, 4096);
	*state = &course;
	return 0;
}

static int close_course(void **state)
{
	struct course *course = *state;

	fd_close(&course->flow.from);
	fd_close(&course->flow.to);
	fd_close(&course->source);
	fd_close(&course->sink);
	flow_close(&course->flow);
	return 0;
}

/* One look at both sides, as the launcher's loop does it. */
static bool step(struct flow *flow, int *ret_ready)
{
	struct pollfd events[2];

	flow_events(flow, events);
	*ret_ready = poll(events, 2, 0);
	return flow_pump(flow, events);
}

static void bytes_arrive_as_they_were_written(void **state)
{
	struct course *course = *state;
	const char sent[] = "a\0b\n\xff\x04 end";
	char got[64];
	int ready;

	assert_int_equal(write(course->source, sent, sizeof(sent)), sizeof(sent));
	assert_true(step(&course->flow, &ready));
	assert_true(step(&course->flow, &ready));
	assert_int_equal(read(course->sink, got, sizeof(got)), sizeof(sent));
	assert_memory_equal(got, sent, sizeof(sent));
}

static void nothing_happens_where_nothing_is_ready(void **state)
{
	struct course *course = *state;
	char byte;
	int ready;

	for (int i = 0; i < 3; i++) {
		assert_true(step(&course->flow, &ready));
		assert_int_equal(ready, 0);
	}
	assert_int_equal(read(course->sink, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

/* The n-th byte of what flows. */
static unsigned char byte_at(size_t n)
{
	return (unsigned char)(n * 7 + n / 251);
}

static size_t feed(int fd, size_t from)
{
	unsigned char bytes[1000];
	ssize_t written;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(from + i);
	written = write(fd, bytes, sizeof(bytes));
	return written < 0 ? 0 : (size_t)written;
}

static size_t taste(int fd, size_t from, size_t bite)
{
	unsigned char bytes[64];
	ssize_t got = read(fd, bytes, bite);

	for (ssize_t i = 0; i < got; i++)
		assert_int_equal(bytes[i], byte_at(from + (size_t)i));
	return got < 0 ? 0 : (size_t)got;
}

static void a_slow_reader_loses_nothing(void **state)
{
	struct course *course = *state;
	size_t sent = 0, got = 0;

	for (int round = 0; round < LIMIT && got < 100000; round++) {
		int ready;

		sent += feed(course->source, sent);
		assert_true(step(&course->flow, &ready));
		got += taste(course->sink, got, 1 + (size_t)round % 61);
	}
	assert_true(got >= 100000);
	/* What is on its way is bounded: two pages of pipes and the flow's own room. */
	assert_true(sent - got <= 2 * 65536 + 16384);
}

static void it_reads_no_more_before_all_is_written(void **state)
{
	struct course *course = *state;
	struct pollfd events[2];
	int ready = 1;

	while (ready > 0) {
		(void)feed(course->source, 0);
		assert_true(step(&course->flow, &ready));
	}
	flow_events(&course->flow, events);
	assert_int_equal(events[0].fd, -1);
	assert_int_equal(events[1].fd, course->flow.to);
	assert_int_equal(events[1].events, POLLOUT);
}

static void a_side_that_is_not_ready_after_all_ends_nothing(void **state)
{
	struct course *course = *state;
	struct pollfd events[2] = { { .revents = POLLIN }, { .revents = 0 } };
	int ready = 1;

	/* EAGAIN of the source. */
	assert_true(flow_pump(&course->flow, events));
	while (ready > 0) {
		(void)feed(course->source, 0);
		assert_true(step(&course->flow, &ready));
	}
	while (write(course->flow.to, "x", 1) == 1)
		;
	/* EAGAIN of the sink: what is there stays there. */
	const size_t start = course->flow.start, end = course->flow.end;

	events[0].revents = 0;
	events[1].revents = POLLOUT;
	assert_true(flow_pump(&course->flow, events));
	assert_int_equal(course->flow.start, start);
	assert_int_equal(course->flow.end, end);
}

static void the_end_comes_after_the_last_byte(void **state)
{
	struct course *course = *state;
	char got[8];
	int ready;

	assert_int_equal(write(course->source, "last", 4), 4);
	fd_close(&course->source);
	assert_true(step(&course->flow, &ready));
	assert_true(step(&course->flow, &ready));
	assert_int_equal(read(course->sink, got, sizeof(got)), 4);
	assert_false(step(&course->flow, &ready));
}

static void a_reader_that_is_gone_ends_it(void **state)
{
	struct course *course = *state;
	int ready;

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(write(course->source, "lost", 4), 4);
	fd_close(&course->sink);
	assert_true(step(&course->flow, &ready));
	assert_false(step(&course->flow, &ready));
}

static void one_that_is_closed_waits_for_nothing(void **state)
{
	struct pollfd events[2];
	struct flow flow;

	(void)state;
	flow_init(&flow);
	flow_events(&flow, events);
	assert_int_equal(events[0].fd, -1);
	assert_int_equal(events[1].fd, -1);
	assert_int_equal(poll(events, 2, 0), 0);
	assert_true(flow_pump(&flow, events));
	flow_close(&flow);
	flow_close(&flow);
}

/* ---- terminals --------------------------------------------------------------------------- */

struct pty {
	int master, slave;
};

static bool open_pty(struct pty *pty)
{
	int unlocked = 0;
	char name[64];

	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty->master < 0 || ioctl(pty->master, TIOCSPTLCK, &unlocked) < 0 ||
	    ptsname_r(pty->master, name, sizeof(name)) != 0)
		return false;
	pty->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return pty->slave >= 0;
}

static bool is_raw(int fd)
{
	struct termios modes;

	return tcgetattr(fd, &modes) == 0 && !(modes.c_lflag & (ICANON | ECHO | ISIG));
}

static bool are_same(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

/* In a process whose three streams are the caller's terminal. 0, or which claim failed. */
static int use_terminal(const struct pty *caller, struct pty *inner)
{
	const struct winsize size = { .ws_row = 33, .ws_col = 77 };
	/* tcgetattr(3) of some C libraries leaves a part of it as it was. */
	struct termios before = { 0 }, after = { 0 };
	struct terminal terminal;
	struct winsize seen;

	for (int fd = 0; fd <= 2; fd++)
		if (dup2(caller->slave, fd) < 0)
			return 1;
	if (tcgetattr(0, &before) < 0 || ioctl(caller->master, TIOCSWINSZ, &size) < 0)
		return 2;
	terminal_init(&terminal);
	terminal_attach(&terminal, inner->master, true);
	if (!is_raw(0) || terminal.caller != 0)
		return 3;
	terminal_resize(&terminal);
	if (ioctl(inner->slave, TIOCGWINSZ, &seen) < 0 || seen.ws_row != 33 ||
	    seen.ws_col != 77)
		return 4;
	terminal_restore(&terminal);
	terminal_restore(&terminal);
	if (tcgetattr(0, &after) < 0 || !are_same(&before, &after))
		return 5;
	terminal_make_raw(&terminal);
	if (!is_raw(0))
		return 6;
	/* What was written before the end still comes out. */
	if (write(inner->slave, "bye", 3) != 3)
		return 7;
	close(inner->slave);
	terminal_drain(&terminal);
	terminal_free(&terminal);
	if (tcgetattr(0, &after) < 0 || !are_same(&before, &after))
		return 8;
	return terminal.master == -1 ? 0 : 9;
}

static void the_callers_terminal_is_raw_meanwhile_and_restored(void **state)
{
	struct pty caller = { -1, -1 }, inner = { -1, -1 };
	char text[16] = "";
	int status;
	pid_t child;

	(void)state;
	if (!open_pty(&caller) || !open_pty(&inner)) {
		print_message("no terminals here\n");
		skip();
	}
	fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)setsid();
		alarm(20);
		_exit(use_terminal(&caller, &inner));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(caller.master, text, sizeof(text) - 1), 3);
	assert_string_equal(text, "bye");
	fd_close(&caller.master);
	fd_close(&caller.slave);
	fd_close(&inner.master);
	fd_close(&inner.slave);
}

static int drain_to_nobody(struct pty *inner)
{
	struct terminal terminal;
	int ends[2] = { -1, -1 };

	/* A reader that does not read: the drain must end all the same. */
	if (pipe(ends) < 0 || dup2(ends[1], 1) < 0 || dup2(ends[1], 0) < 0 ||
	    dup2(ends[1], 2) < 0)
		return 1;
	set_nonblocking(1);
	while (write(1, "x", 1) == 1)
		;
	terminal_init(&terminal);
	terminal_attach(&terminal, inner->master, false);
	if (terminal.caller != -1 || terminal.raw)
		return 2;
	if (write(inner->slave, "late", 4) != 4)
		return 3;
	terminal_drain(&terminal);
	terminal_free(&terminal);
	return 0;
}

static void a_reader_that_does_not_read_holds_nobody_up(void **state)
{
	struct pty inner = { -1, -1 };
	int status;
	pid_t child;

	(void)state;
	if (!open_pty(&inner)) {
		print_message("no terminals here\n");
		skip();
	}
	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(20);
		_exit(drain_to_nobody(&inner));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fd_close(&inner.master);
	fd_close(&inner.slave);
}

#define test_course(test) cmocka_unit_test_setup_teardown(test, open_course, close_course)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_course(bytes_arrive_as_they_were_written),
		test_course(nothing_happens_where_nothing_is_ready),
		test_course(a_slow_reader_loses_nothing),
		test_course(it_reads_no_more_before_all_is_written),
		test_course(a_side_that_is_not_ready_after_all_ends_nothing),
		test_course(the_end_comes_after_the_last_byte),
		test_course(a_reader_that_is_gone_ends_it),
		cmocka_unit_test(one_that_is_closed_waits_for_nothing),
		cmocka_unit_test(the_callers_terminal_is_raw_meanwhile_and_restored),
		cmocka_unit_test(a_reader_that_does_not_read_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
