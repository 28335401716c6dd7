/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/execute.h"

#include "base/error.h"
#include "plan/plan.h"
#include "temporary.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A filter that is never loaded: with it the words for failures are prepared. */
static const struct seccomp_filter some_filter;

static void make(const struct temporary *temporary, const char *name, const char *text,
		 mode_t mode)
{
	assert_int_equal(chmod(temporary_file(temporary, name, text, strlen(text)), mode),
			 0);
}

static void make_directory(const struct temporary *temporary, const char *name)
{
	assert_true(mkdirat(temporary->fd, name, 0755) == 0 || errno == EEXIST);
}

/* The command NAME with a PATH of one directory of the test, and one that is not there. */
struct command {
	char path[PATH_MAX];
	const char *argv[3];
	const char *env[2];
	struct process_spec process;
};

static void command(struct command *command, const struct temporary *temporary,
		    const char *name)
{
	snprintf(command->path, sizeof(command->path), "PATH=/no/such:%s/first:%s",
		 temporary->path, temporary->path);
	command->argv[0] = name;
	command->argv[1] = "7";
	command->argv[2] = NULL;
	command->env[0] = command->path;
	command->env[1] = NULL;
	command->process = (struct process_spec){
		.argv = command->argv, .argc = 2, .env = command->env, .env_count = 1
	};
}

static int prepare(const struct temporary *temporary, const char *name,
		   struct execution *execution, struct error *err)
{
	static struct command of;

	command(&of, temporary, name);
	return execution_prepare(execution, &of.process, &some_filter, err);
}

static void the_first_file_that_can_be_executed_is_found(void **state)
{
	const struct temporary *temporary = *state;
	struct execution execution;
	struct error err;
	char wanted[PATH_MAX];

	make_directory(temporary, "first");
	make_directory(temporary, "first/program");
	make(temporary, "program", "#!/bin/sh\nexit $1\n", 0755);
	assert_int_equal(prepare(temporary, "program", &execution, &err), 0);
	snprintf(wanted, sizeof(wanted), "%s/program", temporary->path);
	assert_string_equal(execution.path, wanted);
}

static void one_that_nobody_may_execute_is_refused_at_once(void **state)
{
	struct execution execution;
	struct error err = { 0 };

	make(*state, "text", "text\n", 0644);
	assert_int_equal(prepare(*state, "text", &execution, &err), -1);
	assert_int_equal(err.status, 126);
	assert_int_equal(err.id, ERROR_COMMAND_NOT_EXECUTABLE);
}

static void one_that_is_missing_is_refused_at_once(void **state)
{
	struct execution execution;
	struct error err = { 0 };

	assert_int_equal(prepare(*state, "nothing", &execution, &err), -1);
	assert_string_equal(err.text, "start nothing: not found in PATH");
	assert_int_equal(err.status, 127);
	assert_int_equal(prepare(*state, "./no/thing", &execution, &err), -1);
	assert_int_equal(err.status, 127);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	static char name[2 * PATH_MAX];
	struct execution execution;
	struct error err = { 0 };

	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	assert_int_equal(prepare(*state, name, &execution, &err), -1);
	assert_int_equal(err.errnum, ENAMETOOLONG);
	assert_int_equal(prepare(*state, name + 1, &execution, &err), -1);
	assert_int_equal(err.status, 127);
}

static int run(const struct temporary *temporary, const char *name,
	       const struct seccomp_filter *filter)
{
	struct command of;
	struct execution execution;
	struct error err;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		command(&of, temporary, name);
		if (execution_prepare(&execution, &of.process, filter, &err) == 0)
			(void)execution_run(&execution, &err);
		_exit(error_status(&err));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_file_without_a_mark_is_for_the_shell(void **state)
{
	make(*state, "unmarked", "exit $1\n", 0755);
	assert_int_equal(run(*state, "unmarked", NULL), 7);
	assert_int_equal(run(*state, "unmarked", &some_filter), 7);
}

static void one_with_a_mark_is_for_its_interpreter(void **state)
{
	make(*state, "marked", "#!/bin/sh\nexit $1\n", 0755);
	assert_int_equal(run(*state, "marked", NULL), 7);
	assert_int_equal(run(*state, "marked", &some_filter), 7);
}

/* The words that were prepared are those that would have been found. */
static void assert_said_alike(const struct temporary *temporary, const char *name)
{
	struct command of;
	struct execution late, early;
	struct error found, prepared;

	command(&of, temporary, name);
	assert_int_equal(execution_prepare(&late, &of.process, NULL, &found), 0);
	assert_int_equal(execution_run(&late, &found), -1);
	assert_int_equal(execution_prepare(&early, &of.process, &some_filter, &prepared),
			 0);
	assert_int_equal(execution_run(&early, &prepared), -1);
	assert_string_equal(prepared.text, found.text);
	assert_string_equal(prepared.hint, found.hint);
	assert_int_equal(prepared.errnum, found.errnum);
	assert_int_equal(prepared.status, found.status);
	assert_int_equal(prepared.id, found.id);
	assert_int_equal(prepared.explained, found.explained);
}

static void failures_are_told_the_same_behind_a_filter(void **state)
{
	make(*state, "orphan", "#!/no/such/shell\n", 0755);
	make(*state, "foreign", "\177ELF\002\002\001", 0755);
	make(*state, "unreadable", "#!/etc/passwd\n", 0755);
	assert_said_alike(*state, "orphan");
	assert_said_alike(*state, "foreign");
	assert_said_alike(*state, "unreadable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_file_that_can_be_executed_is_found),
		cmocka_unit_test(one_that_nobody_may_execute_is_refused_at_once),
		cmocka_unit_test(one_that_is_missing_is_refused_at_once),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
		cmocka_unit_test(a_file_without_a_mark_is_for_the_shell),
		cmocka_unit_test(one_with_a_mark_is_for_its_interpreter),
		cmocka_unit_test(failures_are_told_the_same_behind_a_filter),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
