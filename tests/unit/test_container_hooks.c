/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/container.h"

#include "base/error.h"
#include "plan/plan.h"
#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A place, with one hook of the shell in it, or two. */
struct scene {
	struct plan plan;
	struct hook hooks[2];
	const char *argv[2][6];
	const char *env[2];
	char log[256];
	char said[8192]; /* what the log holds */
};

static const char state_text[] = "{\"id\":\"x\"}";

static void make_scene(struct scene *scene, void **state)
{
	const struct temporary *place = *state;

	*scene = (struct scene){ .env = { "A=b", NULL } };
	snprintf(scene->log, sizeof(scene->log), "%s/log", place->path);
	(void)unlink(scene->log);
	scene->plan.container.bundle = place->path;
}

/* LOG is $0 of the script. */
static void add_hook(struct scene *scene, enum hook_kind kind, const char *script)
{
	struct hook_list *list = &scene->plan.container.hooks[kind];
	const char **argv = scene->argv[list->count];

	argv[0] = "name";
	argv[1] = "-c";
	argv[2] = script;
	argv[3] = scene->log;
	scene->hooks[list->count] = (struct hook){
		.path = "/bin/sh",
		.argv = argv,
		.env = scene->env,
	};
	list->hooks = scene->hooks;
	list->count++;
}

static const char *said(struct scene *scene)
{
	int fd = open(scene->log, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, scene->said, sizeof(scene->said) - 1);

	if (fd >= 0)
		close(fd);
	scene->said[length < 0 ? 0 : length] = '\0';
	return scene->said;
}

static int run(struct scene *scene, enum hook_kind kind, struct error *err)
{
	*err = (struct error){ 0 };
	return container_run_hooks(&scene->plan, kind, state_text, err);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void no_hooks_are_no_work(void **state)
{
	struct scene scene;
	struct error err;

	make_scene(&scene, state);
	for (int kind = 0; kind < HOOK_KINDS; kind++)
		assert_int_equal(run(&scene, (enum hook_kind)kind, &err), 0);
}

static void a_hook_gets_its_state_and_exactly_its_words(void **state)
{
	struct scene scene;
	struct error err;
	char wanted[512];

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_RUNTIME,
		 "{ cat /dev/stdin; echo; tr '\\0' ' ' </proc/$$/cmdline | cut -c 1-8; "
		 "tr '\\0' ' ' </proc/$$/environ; echo; readlink /proc/$$/cwd; } "
		 ">\"$0\"");
	assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), 0);
	snprintf(wanted, sizeof(wanted), "%s\nname -c \nA=b \n%s\n", state_text,
		 scene.plan.container.bundle);
	assert_string_equal(said(&scene), wanted);
}

static void without_words_it_gets_its_path_and_an_empty_environment(void **state)
{
	struct scene scene;
	struct error err;
	char path[256];
	int fd;

	make_scene(&scene, state);
	snprintf(path, sizeof(path), "%s/hook", scene.plan.container.bundle);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	dprintf(fd,
		"#!/bin/sh\n{ echo \"$0\" $#; tr '\\0' '\\n' </proc/$$/environ; } >%s\n",
		scene.log);
	close(fd);
	scene.hooks[0] = (struct hook){ .path = path };
	scene.plan.container.hooks[HOOK_POSTSTART] = (struct hook_list){ scene.hooks, 1 };
	assert_int_equal(run(&scene, HOOK_POSTSTART, &err), 0);
	assert_string_equal(said(&scene), strcat(path, " 0\n"));
}

static void a_failing_hook_is_named_with_its_last_line(void **state)
{
	struct scene scene;
	struct error err;

	make_scene(&scene, state);
	add_hook(&scene, HOOK_PRESTART, ":");
	add_hook(&scene, HOOK_PRESTART,
		 "echo first; echo 'the \33[1mreason'>&2; echo; exit 3");
	assert_int_equal(run(&scene, HOOK_PRESTART, &err), -1);
	assert_int_equal(err.id, ERROR_HOOK);
	assert_string_equal(err.text,
			    "run hook 2 of prestart: /bin/sh: it ended with status 3: "
			    "the \\x1b[1mreason");
}

static void those_behind_it_do_not_run(void **state)
{
	struct scene scene;
	struct error err;

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_CONTAINER, "kill -s USR1 $$");
	add_hook(&scene, HOOK_CREATE_CONTAINER, "echo no >\"$0\"");
	assert_int_equal(run(&scene, HOOK_CREATE_CONTAINER, &err), -1);
	assert_non_null(
		strstr(err.text, "hook 1 of createContainer: /bin/sh: signal 10"));
	assert_string_equal(said(&scene), "");
}

static void but_at_the_end_of_a_container_all_of_them_run(void **state)
{
	struct scene scene;
	struct error err;

	make_scene(&scene, state);
	add_hook(&scene, HOOK_POSTSTOP, "echo one >\"$0\"; exit 1");
	add_hook(&scene, HOOK_POSTSTOP, "echo two >>\"$0\"; exit 2");
	assert_int_equal(run(&scene, HOOK_POSTSTOP, &err), -1);
	assert_non_null(strstr(err.text, "hook 1 of poststop"));
	assert_string_equal(said(&scene), "one\ntwo\n");
}

/* Engines take strerror(3)'s words for words about the container's command. */
static void a_file_that_cannot_be_executed_has_words_of_its_own(void **state)
{
	static const char *const paths[] = { "/nonexistent", "/etc/passwd" };

	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		struct error err;

		make_scene(&scene, state);
		add_hook(&scene, HOOK_CREATE_RUNTIME, ":");
		scene.hooks[0].path = paths[i];
		assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), -1);
		assert_int_equal(err.errnum, 0);
		assert_non_null(strstr(err.text, paths[i]));
		assert_null(strcasestr(err.text, "no such file or directory"));
		assert_null(strcasestr(err.text, "permission denied"));
	}
}

static void who_is_out_of_time_is_killed_with_its_children(void **state)
{
	struct scene scene;
	struct error err;
	double began = seconds();
	pid_t child;

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_RUNTIME, "sleep 60 & echo $! >\"$0\"; wait");
	scene.hooks[0].timeout_s = 1;
	assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), -1);
	assert_non_null(strstr(err.text, "it was out of time"));
	child = (pid_t)strtol(said(&scene), NULL, 10);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(seconds() - began < 20);
}

static void who_reads_no_state_does_not_end_us(void **state)
{
	enum { LARGE = 1 << 20 };
	struct scene scene;
	struct error err = { 0 };
	char *text = malloc(LARGE + 1);
	sigset_t pending;

	assert_non_null(text);
	memset(text, 'x', LARGE);
	text[LARGE] = '\0';
	make_scene(&scene, state);
	add_hook(&scene, HOOK_POSTSTART, "exec <&-; sleep 0.1");
	assert_int_equal(container_run_hooks(&scene.plan, HOOK_POSTSTART, text, &err), 0);
	scene.plan.container.hooks[HOOK_POSTSTART].count = 0;
	add_hook(&scene, HOOK_POSTSTART, "wc -c >\"$0\"");
	assert_int_equal(container_run_hooks(&scene.plan, HOOK_POSTSTART, text, &err), 0);
	assert_int_equal(strtol(said(&scene), NULL, 10), LARGE);
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGPIPE));
	free(text);
}

static void much_output_and_a_daemon_hold_nobody_up(void **state)
{
	struct scene scene;
	struct error err;
	double began = seconds();

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_RUNTIME,
		 "head -c 3000000 /dev/zero | tr '\\0' x; sleep 5 & exit 1");
	assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), -1);
	assert_non_null(strstr(err.text, "xxxx"));
	assert_true(seconds() - began < 4);
}

static void annotations_say_where_output_goes(void **state)
{
	struct scene scene;
	struct error err;

	make_scene(&scene, state);
	scene.plan.container.hooks_stdout = scene.log;
	scene.plan.container.hooks_stderr = scene.log;
	add_hook(&scene, HOOK_POSTSTOP, "echo out; echo err >&2");
	assert_int_equal(run(&scene, HOOK_POSTSTOP, &err), 0);
	assert_int_equal(run(&scene, HOOK_POSTSTOP, &err), 0);
	assert_string_equal(said(&scene), "out\nerr\nout\nerr\n");
	scene.plan.container.hooks_stdout = "/nonexistent/log";
	assert_int_equal(run(&scene, HOOK_POSTSTOP, &err), -1);
	assert_non_null(strstr(err.text, "/nonexistent/log"));
}

static void descriptors_of_ours_are_not_inherited(void **state)
{
	struct scene scene;
	struct error err;
	int kept = dup(STDERR_FILENO);

	make_scene(&scene, state);
	assert_true(kept >= 0);
	/* Those of the shell itself begin at 10. */
	add_hook(
		&scene, HOOK_CREATE_RUNTIME,
		"ls /proc/$$/fd >\"$0.all\"; grep -vx -e '[012]' -e '1.' \"$0.all\" >\"$0\"; :");
	assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), 0);
	assert_string_equal(said(&scene), "");
	close(kept);
}

/* A signal that waits to be taken: somebody wants us to end. */
static void a_hook_ends_when_we_are_asked_to(void **state)
{
	struct scene scene;
	struct error err;
	sigset_t set, before;
	int number;
	double began = seconds();

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_RUNTIME, "kill -s TERM $PPID; sleep 60");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	assert_int_equal(run(&scene, HOOK_CREATE_RUNTIME, &err), -1);
	assert_non_null(strstr(err.text, "interrupted"));
	assert_true(seconds() - began < 20);
	/* It is still to be taken by whom it was for. */
	assert_int_equal(sigwait(&set, &number), 0);
	assert_int_equal(number, SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void a_hook_does_not_outlive_us(void **state)
{
	struct scene scene;
	struct error err;
	pid_t runtime;
	long hook = 0;

	make_scene(&scene, state);
	add_hook(&scene, HOOK_CREATE_RUNTIME,
		 "echo $$ >\"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 60");
	runtime = fork();
	assert_true(runtime >= 0);
	if (runtime == 0)
		_exit(run(&scene, HOOK_CREATE_RUNTIME, &err) == 0 ? 0 : 1);
	for (int i = 0; i < 1000 && hook == 0; i++) {
		(void)usleep(10000);
		hook = strtol(said(&scene), NULL, 10);
	}
	assert_true(hook > 0);
	kill(runtime, SIGKILL);
	assert_int_equal(waitpid(runtime, NULL, 0), runtime);
	assert_int_equal(waitpid((pid_t)hook, NULL, 0), (pid_t)hook);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hooks_are_no_work),
		cmocka_unit_test(a_hook_gets_its_state_and_exactly_its_words),
		cmocka_unit_test(without_words_it_gets_its_path_and_an_empty_environment),
		cmocka_unit_test(a_failing_hook_is_named_with_its_last_line),
		cmocka_unit_test(those_behind_it_do_not_run),
		cmocka_unit_test(but_at_the_end_of_a_container_all_of_them_run),
		cmocka_unit_test(a_file_that_cannot_be_executed_has_words_of_its_own),
		cmocka_unit_test(who_is_out_of_time_is_killed_with_its_children),
		cmocka_unit_test(who_reads_no_state_does_not_end_us),
		cmocka_unit_test(much_output_and_a_daemon_hold_nobody_up),
		cmocka_unit_test(annotations_say_where_output_goes),
		cmocka_unit_test(descriptors_of_ours_are_not_inherited),
		cmocka_unit_test(a_hook_ends_when_we_are_asked_to),
		cmocka_unit_test(a_hook_does_not_outlive_us),
	};

	/* What outlives its parent becomes our child. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		puts("nobody becomes the parent of what was left here");
		return 77;
	}
	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
