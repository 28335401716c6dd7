/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/state_files.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/plan.h"
#include "plan_sample.h"
#include "temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct temporary *place;

static const unsigned char program[] = { 6, 0, 0, 0, 0, 0, 0xff, 0x7f };
static const uint16_t ports[] = { 53, 443 };

/* With a filter, and with ports that Landlock leaves open. */
static struct plan wanted(void)
{
	struct plan plan = plan_sample_full();

	plan.policy.filter = (struct seccomp_filter){
		.program = { program, 1 },
		.flags = 2,
		.keyed = true,
		.key = { 1, 2, UINT64_MAX },
	};
	plan.policy.landlock.limits_connect = true;
	plan.policy.landlock.connect_ports = ports;
	plan.policy.landlock.connect_count = 2;
	plan.policy.landlock.bind_count = 0;
	return plan;
}

static void keep(const struct plan *plan)
{
	struct arena arena = { 0 };

	assert_int_equal(state_keep_plan(place->fd, plan, &arena), 0);
	arena_free(&arena);
}

static void what_a_process_may_do_is_read_as_it_was(void **state)
{
	const struct plan plan = wanted();
	struct plan read = { 0 };
	struct error err;

	(void)state;
	keep(&plan);
	assert_int_equal(state_read_plan(place->fd, &read, &err), 0);
	assert_memory_equal(&read.policy.caps, &plan.policy.caps,
			    sizeof(plan.policy.caps));
	assert_int_equal(read.policy.limits.rlimit_count,
			 plan.policy.limits.rlimit_count);
	assert_memory_equal(read.policy.limits.rlimits, plan.policy.limits.rlimits,
			    plan.policy.limits.rlimit_count *
				    sizeof(struct rlimit_entry));
	assert_int_equal(read.policy.limits.oom_score_adj,
			 plan.policy.limits.oom_score_adj);
	assert_int_equal(read.policy.filter.program.count, 1);
	assert_memory_equal(read.policy.filter.program.instructions, program,
			    sizeof(program));
	assert_true(read.policy.filter.keyed);
	assert_memory_equal(read.policy.filter.key, plan.policy.filter.key,
			    sizeof(plan.policy.filter.key));
	assert_int_equal(read.policy.filter.flags, 2);
	assert_true(read.policy.landlock.limits_connect);
	assert_int_equal(read.policy.landlock.connect_count, 2);
	assert_memory_equal(read.policy.landlock.connect_ports, ports, sizeof(ports));
	plan_free(&read);
}

static void who_it_is_is_read_as_it_was(void **state)
{
	const struct plan plan = wanted();
	const struct process_spec *process = &plan.process;
	struct plan read = { 0 };
	struct error err;

	(void)state;
	keep(&plan);
	assert_int_equal(state_read_plan(place->fd, &read, &err), 0);
	assert_int_equal(read.process.uid, process->uid);
	assert_int_equal(read.process.gid, process->gid);
	assert_int_equal(read.process.umask, process->umask);
	assert_int_equal(read.process.group_count, process->group_count);
	assert_memory_equal(read.process.groups, process->groups,
			    process->group_count * sizeof(*process->groups));
	assert_string_equal(read.process.cwd, process->cwd);
	assert_string_equal(read.process.user_name, process->user_name);
	assert_int_equal(read.process.env_count, process->env_count);
	for (size_t i = 0; i < process->env_count; i++)
		assert_string_equal(read.process.env[i], process->env[i]);
	assert_null(read.process.env[process->env_count]);
	plan_free(&read);
}

/* A filter is not given to what enters, and that is told. */
static void which_kernel_it_is_is_read_as_it_was(void **state)
{
	struct plan plan = wanted();
	struct arena arena = { 0 };
	struct plan read = { 0 };
	struct error err;

	(void)state;
	plan.runtime.kind = RUNTIME_RUNSC;
	plan.runtime.filter = NULL;
	plan.runtime.differences_refused = true;
	keep(&plan);
	assert_int_equal(state_read_plan(place->fd, &read, &err), 0);
	assert_int_equal(read.runtime.kind, RUNTIME_RUNSC);
	assert_true(read.runtime.differences_refused);
	assert_null(read.runtime.differences);
	plan_free(&read);
	read = (struct plan){ 0 };
	plan.runtime.filter = json_make_object(&arena);
	keep(&plan);
	assert_int_equal(state_read_plan(place->fd, &read, &err), 0);
	assert_non_null(strstr(read.runtime.differences[0], "no seccomp filter"));
	assert_null(read.runtime.differences[1]);
	plan_free(&read);
	arena_free(&arena);
}

static void what_namespaces_keep_out_is_not_scoped_again(void **state)
{
	struct plan plan = wanted();
	struct plan read = { 0 };
	struct error err;

	(void)state;
	plan.policy.landlock.scope_signal = plan.policy.landlock.scope_abstract_unix =
		true;
	plan.namespaces.kinds[NS_PID].mode = NS_PRIVATE;
	plan.namespaces.kinds[NS_NET].mode = NS_SHARED;
	keep(&plan);
	assert_int_equal(state_read_plan(place->fd, &read, &err), 0);
	assert_false(read.policy.landlock.scope_signal);
	assert_true(read.policy.landlock.scope_abstract_unix);
	plan_free(&read);
}

static void nothing_that_is_cut_off_is_believed(void **state)
{
	const struct plan plan = wanted();
	struct stat status;
	char path[300];

	(void)state;
	keep(&plan);
	snprintf(path, sizeof(path), "%s/" STATE_PLAN_FILE, place->path);
	assert_int_equal(stat(path, &status), 0);
	for (off_t size = status.st_size - 1; size >= 0; size--) {
		struct plan read = { 0 };
		struct error err;

		assert_int_equal(truncate(path, size), 0);
		assert_int_equal(state_read_plan(place->fd, &read, &err), -1);
		plan_free(&read);
	}
}

static void another_version_is_named(void **state)
{
	const struct plan plan = wanted();
	struct plan read = { 0 };
	struct error err;
	int fd;

	(void)state;
	keep(&plan);
	fd = openat(place->fd, STATE_PLAN_FILE, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "0.0.1", 6, 0), 6);
	close(fd);
	assert_int_equal(state_read_plan(place->fd, &read, &err), -1);
	assert_non_null(strstr(err.text, "another version of sbx has started it"));
	plan_free(&read);
}

static int find_place(void **state)
{
	if (temporary_make(state) < 0)
		return -1;
	place = *state;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_process_may_do_is_read_as_it_was),
		cmocka_unit_test(who_it_is_is_read_as_it_was),
		cmocka_unit_test(which_kernel_it_is_is_read_as_it_was),
		cmocka_unit_test(what_namespaces_keep_out_is_not_scoped_again),
		cmocka_unit_test(nothing_that_is_cut_off_is_believed),
		cmocka_unit_test(another_version_is_named),
	};

	return cmocka_run_group_tests(tests, find_place, temporary_remove);
}
