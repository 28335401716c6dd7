/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/explain.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "launcher/sync.h"
#include "plan/plan.h"
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the table ------------------------------------------------------------------------- */

static struct denial *meet(struct denials *denials, int number, uint64_t word, int errnum)
{
	const struct seccomp_data data = { .nr = number, .arch = 1 };
	const struct explained explained = { .value = (uint16_t)errnum, .word = word };
	bool is_new;

	return denials_note(denials, &data, &explained, &is_new);
}

static void what_is_of_one_kind_is_counted(void **state)
{
	struct denials *denials = calloc(1, sizeof(*denials));

	(void)state;
	assert_non_null(denials);
	assert_ptr_equal(meet(denials, 41, 40, EPERM), meet(denials, 41, 40, EPERM));
	assert_ptr_not_equal(meet(denials, 41, 40, EPERM), meet(denials, 41, 38, EPERM));
	assert_ptr_not_equal(meet(denials, 41, 40, EPERM), meet(denials, 42, 40, EPERM));
	assert_ptr_not_equal(meet(denials, 41, 40, EPERM), meet(denials, 41, 40, EACCES));
	assert_int_equal(denials->kind_count, 4);
	assert_int_equal(denials->kinds[0].count, 5);
	assert_int_equal(denials->count, 8);
	free(denials);
}

static void kinds_beyond_the_table_are_only_counted(void **state)
{
	struct denials *denials = calloc(1, sizeof(*denials));

	(void)state;
	assert_non_null(denials);
	for (unsigned int i = 0; i < DENIAL_KINDS_MAX; i++)
		assert_non_null(meet(denials, 41, i, EPERM));
	for (unsigned int i = 0; i < 1000; i++)
		assert_null(meet(denials, 42, i, EPERM));
	assert_non_null(meet(denials, 41, 7, EPERM));
	assert_int_equal(denials->kind_count, DENIAL_KINDS_MAX);
	assert_int_equal(denials->beyond, 1000);
	assert_int_equal(denials->count, DENIAL_KINDS_MAX + 1001);
	free(denials);
}

static void lines_are_few_in_a_second_and_in_all(void **state)
{
	struct denials *denials = calloc(1, sizeof(*denials));
	int lines = 0;

	(void)state;
	assert_non_null(denials);
	for (int i = 0; i < 50; i++)
		lines += denials_may_show(denials, 5);
	assert_int_equal(lines, 10);
	assert_true(denials_may_show(denials, 6));
	for (unsigned int second = 7; second < 100; second++)
		for (int i = 0; i < 50; i++)
			lines += denials_may_show(denials, second);
	assert_int_equal(denials->shown, 100);
	free(denials);
}

/* ---- the words ------------------------------------------------------------------------- */

static const struct denial vsock = {
	.number = 41,
	.explained = {
		.value = EAFNOSUPPORT,
		.error = "EAFNOSUPPORT",
		.call = "socket(AF_VSOCK, SOCK_STREAM, 0)",
		.rule = "default:41",
		.why = "it reaches the host of a virtual machine",
		.remedy = "--policy default+socket",
	},
	.pid = 7,
	.program = "git",
	.count = 3,
};

static void a_line_says_who_what_why_and_how_to_allow_it(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_string_equal(
		denial_line(&vsock, false, &arena),
		"sbx: denied: pid 7 (git): socket(AF_VSOCK, SOCK_STREAM, 0) -> "
		"EAFNOSUPPORT [default:41: it reaches the host of a virtual machine]; "
		"allow with --policy default+socket\n");
	arena_free(&arena);
}

static void what_is_not_known_is_left_out(void **state)
{
	const struct denial unknown = {
		.explained = { .value = EPERM, .error = "EPERM", .call = "bpf(0)" },
	};
	struct arena arena = { 0 };

	(void)state;
	assert_string_equal(denial_line(&unknown, false, &arena),
			    "sbx: denied: a process: bpf(0) -> EPERM\n");
	arena_free(&arena);
}

static const char *text_of(const struct json_value *object, const char *key)
{
	struct error err;
	const char *text = NULL;

	assert_int_equal(json_get_text(object, key, &text, &err), 0);
	return text;
}

static void a_line_of_json_has_the_denial_in_parts(void **state)
{
	struct arena arena = { 0 };
	struct error err;
	const char *line = denial_line(&vsock, true, &arena);
	struct json_value *object = json_read(line, strlen(line), "line", &arena, &err);
	const struct json_value *denial;

	(void)state;
	assert_non_null(object);
	assert_string_equal(text_of(object, "level"), "warning");
	assert_string_equal(text_of(object, "id"), "denied");
	denial = json_get(object, "denial");
	assert_non_null(denial);
	assert_string_equal(text_of(denial, "call"), vsock.explained.call);
	assert_string_equal(text_of(denial, "program"), "git");
	arena_free(&arena);
}

static const char *summarize(struct denials *denials, struct arena *arena)
{
	return denials_summary(denials, NULL, false, arena);
}

static void the_summary_counts_what_had_no_line(void **state)
{
	struct denials *denials = calloc(1, sizeof(*denials));
	struct arena arena = { 0 };

	(void)state;
	assert_non_null(denials);
	assert_null(summarize(denials, &arena));
	meet(denials, 41, 1, EPERM)->shown = true;
	denials->shown = 1;
	assert_null(summarize(denials, &arena));
	meet(denials, 41, 1, EPERM);
	assert_string_equal(summarize(denials, &arena),
			    "sbx: 1 more denial of 1 kind; --denials FILE counts them\n");
	meet(denials, 41, 2, EPERM);
	assert_string_equal(
		summarize(denials, &arena),
		"sbx: 2 more denials of 2 kinds; --denials FILE counts them\n");
	denials->beyond = 1;
	denials->count++;
	assert_string_equal(denials_summary(denials, "f", false, &arena),
			    "sbx: 3 more denials of 2 and more kinds; f counts them\n");
	arena_free(&arena);
	free(denials);
}

/* ---- the supervisor -------------------------------------------------------------------- */

/* Numbers that no kernel has, so that only the filter can answer them. */
enum { CALL_DENIED = 2000, CALL_OTHER = 2001, CALL_FAKED = 2002, FAKED = 77 };

#define NOTIFY(data) (SECCOMP_RET_USER_NOTIF | (data))
#define ANSWER(number, value)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                             \
		BPF_STMT(BPF_RET | BPF_K, (value))

static const struct sock_filter instructions[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	ANSWER(CALL_DENIED, NOTIFY(0x8000 | EAFNOSUPPORT)),
	ANSWER(CALL_OTHER, NOTIFY(0x8000 | EPERM)),
	ANSWER(CALL_FAKED, NOTIFY(FAKED)),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static const struct seccomp_filter filter = {
	.program = { instructions, sizeof(instructions) / sizeof(*instructions) },
	.supervised = true,
};

static void answer(struct answers *answers, const struct seccomp_data *data,
		   struct explained *ret_explained)
{
	(void)answers;
	*ret_explained = (struct explained){
		.fake = data->nr == CALL_FAKED,
		.value = data->nr == CALL_FAKED   ? FAKED
			 : data->nr == CALL_OTHER ? 0
						  : EAFNOSUPPORT,
		.word = data->args[0],
	};
}

/* A child under the filter, and the supervisor above it. */
struct scene {
	struct plan plan;
	struct explainer explainer;
	pid_t child;
};

static _Noreturn void act(int socket, int (*play)(void))
{
	struct message message = { .turn = TURN_LISTENER };
	struct error err;
	int listener = -1;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    seccomp_install_filter(&filter, &listener, &err) != 0 ||
	    sync_send(socket, &message, listener) < 0)
		_exit(99);
	close(listener);
	close(socket);
	_exit(play());
}

/* Skips where this machine has no listeners to give. */
static void open_scene(struct scene *scene, int (*play)(void))
{
	struct message message;
	int ends[2];
	int listener = -1;

	*scene = (struct scene){ .plan.policy.explains = true };
	explainer_init(&scene->explainer, &scene->plan);
	scene->explainer.answer = answer;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	scene->child = fork();
	if (scene->child == 0)
		act(ends[1], play);
	assert_true(scene->child > 0);
	close(ends[1]);
	if (sync_receive(ends[0], &message, &listener) != 1) {
		close(ends[0]);
		(void)waitpid(scene->child, NULL, 0);
		skip();
	}
	close(ends[0]);
	assert_true(listener >= 0);
	explainer_attach(&scene->explainer, listener, 0, false);
}

/* Serves until the listener is at its end, at most ten seconds. */
static void serve(struct scene *scene)
{
	struct pollfd event = { .fd = scene->explainer.listener, .events = POLLIN };

	for (int round = 0; round < 100000 && scene->explainer.listener >= 0; round++)
		if (poll(&event, 1, 10000) > 0)
			explainer_serve(&scene->explainer, false);
		else
			break;
	assert_int_equal(scene->explainer.listener, -1);
}

static int close_scene(struct scene *scene)
{
	struct error err;
	int status;

	assert_int_equal(waitpid(scene->child, &status, 0), scene->child);
	assert_int_equal(explainer_end(&scene->explainer, &err), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What the supervisor writes to stderr is for nobody here. */
static int catch_lines(void)
{
	int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	auto_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	assert_true(before >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	return before;
}

static void let_lines_go(int before)
{
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	close(before);
}

static int ask_all(void)
{
	errno = 0;
	if (syscall(CALL_DENIED, 1) != -1 || errno != EAFNOSUPPORT)
		return 1;
	/* An answer that says nothing denies. */
	if (syscall(CALL_OTHER, 1) != -1 || errno != EPERM)
		return 2;
	return syscall(CALL_FAKED, 1) == FAKED ? 0 : 3;
}

static void denials_are_answered_and_told_once(void **state)
{
	struct scene scene;
	int before;

	(void)state;
	if (!policy_is_built_in())
		skip();
	open_scene(&scene, ask_all);
	before = catch_lines();
	serve(&scene);
	let_lines_go(before);
	assert_int_equal(scene.explainer.denials->count, 2);
	assert_int_equal(scene.explainer.denials->kinds[0].pid, scene.child);
	assert_string_equal(scene.explainer.denials->kinds[0].program, "test_explain");
	assert_string_equal(scene.explainer.denials->kinds[0].explained.call,
			    "call 2000");
	assert_string_equal(scene.explainer.denials->kinds[0].explained.error,
			    "EAFNOSUPPORT");
	assert_int_equal(scene.explainer.denials->shown, 2);
	assert_int_equal(close_scene(&scene), 0);
}

static void without_an_explanation_the_answers_are_the_same(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, ask_all);
	scene.plan.policy.explains = false;
	serve(&scene);
	assert_int_equal(scene.explainer.denials->count, 0);
	assert_int_equal(close_scene(&scene), 0);
}

static int ask_often(void)
{
	for (unsigned int i = 0; i < 2000; i++)
		if (syscall(CALL_DENIED, i) != -1 || errno != EAFNOSUPPORT)
			return 1;
	return 0;
}

static void many_kinds_are_bounded(void **state)
{
	struct scene scene;
	int before;

	(void)state;
	open_scene(&scene, ask_often);
	before = catch_lines();
	serve(&scene);
	assert_int_equal(scene.explainer.denials->count, 2000);
	assert_int_equal(scene.explainer.denials->kind_count, DENIAL_KINDS_MAX);
	assert_in_range(scene.explainer.denials->shown, 1, 100);
	assert_int_equal(close_scene(&scene), 0);
	let_lines_go(before);
}

static void on_signal(int number)
{
	(void)number;
}

/* A timer interrupts the waiting call again and again. */
static int ask_in_a_storm(void)
{
	const struct sigaction action = { .sa_handler = on_signal,
					  .sa_flags = SA_RESTART };
	const struct itimerspec often = { { 0, 20000 }, { 0, 20000 } };
	timer_t timer;

	if (sigaction(SIGALRM, &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0 ||
	    timer_settime(timer, 0, &often, NULL) < 0)
		return 2;
	for (int i = 0; i < 500; i++)
		if (syscall(CALL_DENIED, 1) != -1 ||
		    (errno != EAFNOSUPPORT && errno != EINTR))
			return 1;
	return 0;
}

static void a_storm_of_signals_is_survived(void **state)
{
	struct scene scene;
	int before;

	(void)state;
	open_scene(&scene, ask_in_a_storm);
	before = catch_lines();
	serve(&scene);
	assert_int_equal(scene.explainer.denials->kind_count, 1);
	assert_int_equal(close_scene(&scene), 0);
	let_lines_go(before);
}

static void *ask_for_ever(void *nothing)
{
	for (;;)
		(void)syscall(CALL_DENIED, 1);
	return nothing;
}

/* Threads that are asking are killed by the end of their process. */
static int leave_threads_asking(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		if (pthread_create(&thread, NULL, ask_for_ever, NULL) != 0)
			return 1;
	(void)poll(NULL, 0, 100);
	return 0;
}

static void tasks_that_end_while_they_wait_do_no_harm(void **state)
{
	struct scene scene;
	int before;

	(void)state;
	open_scene(&scene, leave_threads_asking);
	before = catch_lines();
	serve(&scene);
	assert_int_equal(close_scene(&scene), 0);
	let_lines_go(before);
}

static void who_does_not_read_the_lines_holds_nobody_up(void **state)
{
	struct scene scene;
	int ends[2];
	int before;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	while (write(ends[1], "full", 4) > 0)
		;
	assert_int_equal(fcntl(ends[1], F_SETFL, O_WRONLY), 0);
	open_scene(&scene, ask_often);
	before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	serve(&scene);
	assert_int_equal(scene.explainer.denials->shown, 0);
	assert_int_equal(close_scene(&scene), 0);
	let_lines_go(before);
	close(ends[0]);
	close(ends[1]);
}

/* ---- --denials ------------------------------------------------------------------------- */

static void the_document_lists_every_kind(void **state)
{
	const char *path = temporary_file(*state, "denials", "", 0);
	struct arena arena = { 0 };
	struct scene scene;
	struct error err;
	char text[8192];
	ssize_t length;
	auto_close int fd = -1;
	int before;

	open_scene(&scene, ask_all);
	scene.plan.policy.denials = path;
	before = catch_lines();
	serve(&scene);
	assert_int_equal(close_scene(&scene), 0);
	let_lines_go(before);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd_read_all(fd, text, sizeof(text));
	assert_true(length > 0);

	struct json_value *object = json_read(text, (size_t)length, path, &arena, &err);

	assert_non_null(object);
	assert_int_equal(json_count(json_get(object, "denials")), 2);
	arena_free(&arena);
}

static void a_document_that_cannot_be_written_is_an_error(void **state)
{
	const struct plan plan = { .policy.denials = "/no/such/folder/file" };
	struct explainer explainer;
	struct error err = { 0 };

	(void)state;
	explainer_init(&explainer, &plan);
	assert_int_equal(explainer_end(&explainer, &err), -1);
	assert_string_equal(err.text, "write the denials to /no/such/folder/file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_of_one_kind_is_counted),
		cmocka_unit_test(kinds_beyond_the_table_are_only_counted),
		cmocka_unit_test(lines_are_few_in_a_second_and_in_all),
		cmocka_unit_test(a_line_says_who_what_why_and_how_to_allow_it),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(a_line_of_json_has_the_denial_in_parts),
		cmocka_unit_test(the_summary_counts_what_had_no_line),
		cmocka_unit_test(denials_are_answered_and_told_once),
		cmocka_unit_test(without_an_explanation_the_answers_are_the_same),
		cmocka_unit_test(many_kinds_are_bounded),
		cmocka_unit_test(a_storm_of_signals_is_survived),
		cmocka_unit_test(tasks_that_end_while_they_wait_do_no_harm),
		cmocka_unit_test(who_does_not_read_the_lines_holds_nobody_up),
		cmocka_unit_test(the_document_lists_every_kind),
		cmocka_unit_test(a_document_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
