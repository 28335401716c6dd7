/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/schedule.h"

#include "base/error.h"
#include "plan/plan.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a child, since nothing of it can be taken back by a user. */
static int in_child(int (*act)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int take_batch(void)
{
	const struct process_spec process = {
		.schedule = { .given = true, .policy = SCHED_BATCH, .nice = 7 },
		.io = { .given = true, .class = 2, .priority = 6 },
		.has_personality = true,
		.personality = PER_LINUX | ADDR_NO_RANDOMIZE,
	};
	struct error err = { 0 };

	if (schedule_take(&process, &err) < 0 || schedule_pose(&process, &err) < 0)
		return 1;
	/* sched_getscheduler(2) of musl answers ENOSYS. */
	if ((int)syscall(SYS_sched_getscheduler, 0) != SCHED_BATCH ||
	    getpriority(PRIO_PROCESS, 0) != 7)
		return 2;
	if (syscall(SYS_ioprio_get, 1, 0) != (2 << 13 | 6))
		return 3;
	return personality(0xffffffff) == (PER_LINUX | ADDR_NO_RANDOMIZE) ? 0 : 4;
}

static void policy_nice_io_and_personality_are_as_asked(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_batch), 0);
}

static int take_nothing(void)
{
	const struct process_spec process = { .argc = 0 };
	const int before = (int)syscall(SYS_sched_getscheduler, 0);
	struct error err = { 0 };

	if (schedule_take(&process, &err) < 0 || schedule_pose(&process, &err) < 0 ||
	    schedule_bind(NULL, &err) < 0)
		return 1;
	return (int)syscall(SYS_sched_getscheduler, 0) == before ? 0 : 2;
}

static void nothing_changes_where_nothing_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_nothing), 0);
}

/* 0: refused in words of ours; 3: it may be had here. */
static int take_fifo(void)
{
	const struct process_spec process = {
		.schedule = { .given = true, .policy = SCHED_FIFO, .priority = 10 },
	};
	struct error err = { 0 };

	if (schedule_take(&process, &err) == 0)
		return 3;
	return strstr(err.text, "CAP_SYS_NICE") && err.errnum == 0 ? 0 : 1;
}

static void what_takes_power_is_refused_without_the_kernels_words(void **state)
{
	const int answer = in_child(take_fifo);

	(void)state;
	if (answer == 3)
		skip();
	assert_int_equal(answer, 0);
}

static int keep_to_first(void)
{
	cpu_set_t set;
	struct error err = { 0 };
	char list[32];
	size_t first = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	while (!CPU_ISSET(first, &set))
		first++;
	snprintf(list, sizeof(list), "%zu,8000-8191", first);
	if (schedule_bind(list, &err) < 0 || sched_getaffinity(0, sizeof(set), &set) < 0)
		return 2;
	return CPU_COUNT(&set) == 1 && CPU_ISSET(first, &set) ? 0 : 3;
}

static void a_list_of_processors_is_kept_to(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_to_first), 0);
}

static void a_list_that_is_none_is_refused(void **state)
{
	static const char *const lists[] = { "",
					     "a",
					     "1-",
					     "-1",
					     "3-1",
					     "0,",
					     "0 1",
					     "0-8192",
					     "0x1",
					     "8192",
					     "0,,1",
					     "1-2-3",
					     "18446744073709551616" };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		assert_int_equal(schedule_bind(lists[i], &err), -1);
		assert_int_equal(err.id, ERROR_CONFIG);
	}
}

static void processors_that_are_not_there_are_named(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(schedule_bind("8190-8191", &err), -1);
	assert_string_equal(
		err.text,
		"keep to the processors 8190-8191: none of them may be used here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_nice_io_and_personality_are_as_asked),
		cmocka_unit_test(nothing_changes_where_nothing_is_asked_for),
		cmocka_unit_test(what_takes_power_is_refused_without_the_kernels_words),
		cmocka_unit_test(a_list_of_processors_is_kept_to),
		cmocka_unit_test(a_list_that_is_none_is_refused),
		cmocka_unit_test(processors_that_are_not_there_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
