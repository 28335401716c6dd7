/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of a command that has pipes of ours, from end to end: a launcher with the real
 * monitor, a child with the real other half, and a shell in the place of runsc.
 */
#include "launcher/gvisor_streams.h"

#include "base/error.h"
#include "base/fd.h"
#include "launcher/child.h"
#include "launcher/flows.h"
#include "launcher/monitor.h"
#include "launcher/signals.h"
#include "launcher/sync.h"
#include "plan/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the stand-in ---------------------------------------------------------------------- */

/* What the launcher has as 0, 1 and 2, and what runs behind it. */
struct scene {
	int streams[3];
	const char *script;
	uint64_t timeout_ms;
};

static _Noreturn void run_script(const struct scene *scene,
				 const struct gvisor_streams *streams)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		(void)dup2(streams->inner[i], i);
	/* What a create that succeeds has to say is not the command's. */
	(void)!write(STDERR_FILENO, "warning\n", 8);
	(void)raise(SIGSTOP);
	execl("/bin/sh", "sh", "-c", scene->script, NULL);
	_exit(127);
}

static _Noreturn void be_child(const struct scene *scene, const struct plan *plan,
			       int socket)
{
	struct child child = { .plan = plan, .socket = socket };
	struct message message = { .turn = TURN_FAILED };
	struct gvisor_streams streams;
	int status;
	pid_t pid;

	if (gvisor_streams_make(&child, &streams, &message.err) < 0)
		goto failed;
	pid = fork();
	if (pid == 0)
		run_script(scene, &streams);
	(void)waitpid(pid, &status, WUNTRACED);
	gvisor_streams_hush(&streams);
	if (gvisor_streams_hand_over(&streams, &child, &message.err) < 0)
		goto failed;
	(void)kill(pid, SIGCONT);
	for (int i = 0; i < 3; i++)
		close(i);
	(void)sync_send_turn(socket, TURN_STARTED, pid);
	(void)waitpid(pid, &status, 0);
	message = (struct message){ .turn = TURN_ENDED,
				    .value = status,
				    .stdin_offset = -1 };
failed:
	(void)sync_send(socket, &message, -1);
	_exit(0);
}

static int say_nothing(void *context, pid_t init, struct error *err)
{
	(void)context;
	(void)init;
	(void)err;
	return 0;
}

static _Noreturn void be_launcher(const struct scene *scene)
{
	const struct plan plan = { .life.status_fd = -1,
				   .life.timeout_ms = scene->timeout_ms,
				   .process.stop_signal = SIGTERM };
	struct sandbox sandbox = { .init = -1 };
	struct outcome outcome = { 0 };
	struct error err = { 0 };
	sigset_t ignored;
	const struct monitor_events events = { .started = say_nothing,
					       .lasting = say_nothing,
					       .ignored = &ignored };
	int ends[2];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 3; i++)
		(void)dup2(scene->streams[i], i);
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	network_init(&sandbox.network);
	if (signals_prepare(&ignored, &err) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		_exit(99);
	sandbox.init = fork();
	if (sandbox.init == 0) {
		close(ends[0]);
		be_child(scene, &plan, ends[1]);
	}
	close(ends[1]);
	sandbox.socket = ends[0];
	sandbox.pidfd = (int)syscall(SYS_pidfd_open, sandbox.init, 0);
	if (monitor_run(&plan, &sandbox, &events, &outcome, &err) < 0) {
		(void)dprintf(STDERR_FILENO, "cannot %s\n", err.text);
		_exit(125);
	}
	_exit(outcome.status);
}

static pid_t start(const struct scene *scene)
{
	const pid_t pid = fork();

	if (pid == 0)
		be_launcher(scene);
	assert_true(pid > 0);
	return pid;
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- what surrounds it ------------------------------------------------------------------ */

static int null_device(void)
{
	const int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int scratch_file(void)
{
	char path[] = "/tmp/sbx-streams-XXXXXX";
	const int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

static void assert_holds(int fd, const char *expected)
{
	char text[256] = "";
	const ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(got >= 0);
	assert_string_equal(text, expected);
}

static void open_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

/* As far as it goes within a few seconds. */
static size_t read_all(int fd, char *to, size_t size)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	size_t length = 0;

	while (length < size && poll(&end, 1, 20000) > 0) {
		const ssize_t got = read(fd, to + length, size - length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	return length;
}

/* ---- the tests ------------------------------------------------------------------------- */

static void output_and_error_arrive_where_they_belong(void **state)
{
	const int out = scratch_file();
	const int error = scratch_file();
	const int null = null_device();
	const struct scene scene = { { null, out, error },
				     "echo one; echo two >&2; exit 7",
				     0 };

	(void)state;
	assert_int_equal(end_of(start(&scene)), 7);
	assert_holds(out, "one\n");
	assert_holds(error, "two\n");
	close(out);
	close(error);
	close(null);
}

static void one_file_for_both_keeps_the_order(void **state)
{
	const int out = scratch_file();
	const int null = null_device();
	const struct scene scene = { { null, out, out },
				     "for i in 1 2 3; do echo $i; echo e$i >&2; done",
				     0 };

	(void)state;
	assert_int_equal(end_of(start(&scene)), 0);
	assert_holds(out, "1\ne1\n2\ne2\n3\ne3\n");
	close(out);
	close(null);
}

static void a_file_that_is_appended_to_is_appended_to(void **state)
{
	const int out = scratch_file();
	const int null = null_device();
	const struct scene scene = { { null, out, null }, "echo more", 0 };

	(void)state;
	assert_int_equal(write(out, "old\n", 4), 4);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(fcntl(out, F_SETFL, O_APPEND), 0);
	assert_int_equal(end_of(start(&scene)), 0);
	assert_holds(out, "old\nmore\n");
	close(out);
	close(null);
}

static void every_byte_gets_through_whoever_is_slow(void **state)
{
	enum { SIZE = 3 << 20 };
	const char *script = "head -c 3145728 /dev/zero | tr '\\0' '\\377'; exit 3";
	const int null = null_device();
	char *bytes = malloc(SIZE + 1);
	struct scene scene = { { null, -1, null }, script, 0 };
	int ends[2];
	pid_t pid;

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	pid = start(&scene);
	close(ends[1]);
	/* Nobody reads until the command has filled every pipe. */
	(void)poll(NULL, 0, 100);
	assert_int_equal(read_all(ends[0], bytes, SIZE + 1), SIZE);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal((unsigned char)bytes[i], 0xff);
	assert_int_equal(end_of(pid), 3);
	free(bytes);
	close(ends[0]);
	close(null);
}

static void what_is_left_at_the_end_waits_for_its_reader(void **state)
{
	enum { SIZE = 100000 };
	const int null = null_device();
	char *bytes = malloc(SIZE + 1);
	struct scene scene = { { null, -1, null }, "head -c 100000 /dev/zero", 0 };
	int ends[2], status;
	pid_t pid;

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	pid = start(&scene);
	close(ends[1]);
	(void)poll(NULL, 0, 300);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(read_all(ends[0], bytes, SIZE + 1), SIZE);
	assert_int_equal(end_of(pid), 0);
	free(bytes);
	close(ends[0]);
	close(null);
}

static void a_signal_ends_the_wait_for_a_reader(void **state)
{
	const int null = null_device();
	struct scene scene = { { null, -1, null }, "head -c 100000 /dev/zero", 0 };
	int ends[2];
	pid_t pid;

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	pid = start(&scene);
	close(ends[1]);
	(void)poll(NULL, 0, 300);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(end_of(pid), 128 + SIGTERM);
	close(ends[0]);
	close(null);
}

static void so_does_the_time_of_the_run(void **state)
{
	const int null = null_device();
	struct scene scene = { { null, -1, null }, "head -c 100000 /dev/zero", 500 };
	int ends[2];

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	assert_int_equal(end_of(start(&scene)), 124);
	close(ends[0]);
	close(ends[1]);
	close(null);
}

static void who_has_closed_its_end_ends_the_command(void **state)
{
	const int null = null_device();
	struct scene scene = { { null, -1, null },
			       "echo first; while echo more; do :; done 2>/dev/null",
			       0 };
	char first;
	int ends[2];
	pid_t pid;

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	pid = start(&scene);
	close(ends[1]);
	assert_int_equal(read(ends[0], &first, 1), 1);
	close(ends[0]);
	assert_int_equal(end_of(pid), 128 + SIGPIPE);
	close(null);
}

/* Before it has written a word: as soon as the reader is gone. */
static void a_reader_that_is_gone_fails_the_first_write(void **state)
{
	const int error = scratch_file();
	const int null = null_device();
	struct scene scene = { { null, -1, error },
			       "trap '' PIPE; sleep 0.3; echo a 2>/dev/null; "
			       "echo $? >&2",
			       0 };
	int ends[2];
	pid_t pid;

	(void)state;
	open_pipe(ends);
	scene.streams[1] = ends[1];
	close(ends[0]);
	pid = start(&scene);
	close(ends[1]);
	assert_int_equal(end_of(pid), 0);
	assert_holds(error, "1\n");
	close(error);
	close(null);
}

static void a_full_disk_is_an_error_of_the_run(void **state)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const int error = scratch_file();
	const int null = null_device();
	const struct scene scene = { { null, full, error }, "echo lost", 0 };

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(end_of(start(&scene)), 125);
	assert_holds(error, "cannot write the command's standard output\n");
	close(full);
	close(error);
	close(null);
}

static void an_output_that_the_command_closes_is_closed(void **state)
{
	const int null = null_device();
	struct scene scene = { { null, -1, null }, "exec >&-; read x; exit 4", 0 };
	char byte;
	int in[2], out[2];
	pid_t pid;

	(void)state;
	open_pipe(in);
	open_pipe(out);
	scene.streams[0] = in[0];
	scene.streams[1] = out[1];
	pid = start(&scene);
	close(in[0]);
	close(out[1]);
	/* The end of file, while the command lives. */
	assert_int_equal(read_all(out[0], &byte, 1), 0);
	assert_int_equal(write(in[1], "go\n", 3), 3);
	assert_int_equal(end_of(pid), 4);
	close(in[1]);
	close(out[0]);
	close(null);
}

static void the_end_of_the_input_is_seen(void **state)
{
	const int out = scratch_file();
	const int null = null_device();
	struct scene scene = { { -1, out, null }, "cat; echo end", 0 };
	int in[2];
	pid_t pid;

	(void)state;
	open_pipe(in);
	scene.streams[0] = in[0];
	pid = start(&scene);
	close(in[0]);
	assert_int_equal(write(in[1], "text\n", 5), 5);
	close(in[1]);
	assert_int_equal(end_of(pid), 0);
	assert_holds(out, "text\nend\n");
	close(out);
	close(null);
}

static void a_file_goes_on_where_the_command_stopped(void **state)
{
	const int out = scratch_file();
	const int in = scratch_file();
	const int null = null_device();
	const struct scene scene = { { in, out, null }, "read x; echo $x", 0 };

	(void)state;
	assert_int_equal(write(in, "head\none\ntwo\nthree\n", 19), 19);
	assert_int_equal(lseek(in, 5, SEEK_SET), 5);
	assert_int_equal(end_of(start(&scene)), 0);
	assert_int_equal(lseek(in, 0, SEEK_CUR), 9);
	assert_int_equal(end_of(start(&scene)), 0);
	assert_int_equal(lseek(in, 0, SEEK_CUR), 13);
	assert_holds(out, "one\ntwo\n");
	close(out);
	close(in);
	close(null);
}

static void a_long_file_goes_on_there_too(void **state)
{
	const int in = scratch_file();
	const int null = null_device();
	const struct scene scene = { { in, null, null },
				     "head -c 300000 >/dev/null; exec <&-; sleep 0.1",
				     0 };

	(void)state;
	assert_int_equal(ftruncate(in, 1000000), 0);
	assert_int_equal(end_of(start(&scene)), 0);
	/* head may have read a block more than it was asked for: not a byte is lost. */
	assert_in_range(lseek(in, 0, SEEK_CUR), 300000, 300000 + 8192);
	close(in);
	close(null);
}

static void an_unread_file_stays_where_it_was(void **state)
{
	const int in = scratch_file();
	const int null = null_device();
	const struct scene scene = { { in, null, null }, "exit 0", 0 };

	(void)state;
	assert_int_equal(write(in, "some text\n", 10), 10);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_int_equal(end_of(start(&scene)), 0);
	assert_int_equal(lseek(in, 0, SEEK_CUR), 0);
	close(in);
	close(null);
}

/* Nothing of the caller's is open in the command. */
static void the_command_has_pipes_alone(void **state)
{
	const int out = scratch_file();
	const int in = scratch_file();
	const struct scene scene = {
		{ in, out, out },
		"for i in 0 1 2; do readlink /proc/$$/fd/$i | cut -d: -f1; done",
		0
	};

	(void)state;
	assert_int_equal(end_of(start(&scene)), 0);
	assert_holds(out, "pipe\npipe\npipe\n");
	close(out);
	close(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_error_arrive_where_they_belong),
		cmocka_unit_test(one_file_for_both_keeps_the_order),
		cmocka_unit_test(a_file_that_is_appended_to_is_appended_to),
		cmocka_unit_test(every_byte_gets_through_whoever_is_slow),
		cmocka_unit_test(what_is_left_at_the_end_waits_for_its_reader),
		cmocka_unit_test(a_signal_ends_the_wait_for_a_reader),
		cmocka_unit_test(so_does_the_time_of_the_run),
		cmocka_unit_test(who_has_closed_its_end_ends_the_command),
		cmocka_unit_test(a_reader_that_is_gone_fails_the_first_write),
		cmocka_unit_test(a_full_disk_is_an_error_of_the_run),
		cmocka_unit_test(an_output_that_the_command_closes_is_closed),
		cmocka_unit_test(the_end_of_the_input_is_seen),
		cmocka_unit_test(a_file_goes_on_where_the_command_stopped),
		cmocka_unit_test(a_long_file_goes_on_there_too),
		cmocka_unit_test(an_unread_file_stays_where_it_was),
		cmocka_unit_test(the_command_has_pipes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
