/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/files.h"
#include "policy/cgroup.h"

#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the kernel's tables --------------------------------------------------------------- */

static const char hybrid[] = "9:name=systemd:/user\n"
			     "4:memory:/a b\n"
			     "2:cpu,cpuacct:/c:d\n"
			     "0::/user.slice/x.scope\n";

static const char *own_path(const char *table, const char *controller)
{
	static char path[PATH_MAX];
	FILE *file = fmemopen((void *)(uintptr_t)table, strlen(table), "r");
	const int failed = cgroup_own_path(file, controller, path);

	fclose(file);
	return failed ? NULL : path;
}

static void the_own_group_is_found_by_hierarchy(void **state)
{
	(void)state;
	assert_string_equal(own_path(hybrid, NULL), "/user.slice/x.scope");
	assert_string_equal(own_path(hybrid, "memory"), "/a b");
	assert_string_equal(own_path(hybrid, "cpu"), "/c:d");
	assert_string_equal(own_path(hybrid, "cpuacct"), "/c:d");
	assert_null(own_path(hybrid, "cpuset"));
	assert_null(own_path(hybrid, "mem"));
	assert_null(own_path("4:memory:/a\n", NULL));
	assert_null(own_path("no table\n0::x\n", NULL));
}

static const char mounts[] =
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu rw shared:5 - cgroup cgroup rw,cpu,cpuacct\n"
	"35 31 0:32 /half /mnt/me\\040mory rw - cgroup cgroup rw,memory\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	"42 31 broken line\n";

static const char *directory(const char *controller, const char *own)
{
	static char path[PATH_MAX];
	char top[PATH_MAX];
	FILE *file = fmemopen((void *)(uintptr_t)mounts, sizeof(mounts) - 1, "r");
	const int failed = cgroup_directory(file, controller, own, path, top);

	fclose(file);
	return failed ? NULL : path;
}

static void a_group_is_found_below_the_mount_that_shows_it(void **state)
{
	(void)state;
	assert_string_equal(directory(NULL, "/a/b"), "/sys/fs/cgroup/unified/a/b");
	assert_string_equal(directory(NULL, "/"), "/sys/fs/cgroup/unified");
	assert_string_equal(directory("cpuacct", "/x"), "/sys/fs/cgroup/cpu/x");
	assert_string_equal(directory("memory", "/half/x"), "/mnt/me mory/x");
	assert_string_equal(directory("memory", "/half"), "/mnt/me mory");
	assert_null(directory("memory", "/halfway"));
	assert_null(directory("memory", "/other"));
	assert_null(directory("pids", "/"));
	assert_null(directory(NULL, "/../outside"));
}

static void controllers_are_read_as_whole_words(void **state)
{
	char text[CONTROLLERS_TEXT];

	(void)state;
	assert_int_equal(controllers_listed("cpuset cpu io\n"),
			 CONTROLLER_CPUSET | CONTROLLER_CPU | CONTROLLER_IO);
	assert_int_equal(controllers_listed("cpuset hugetlb\n"), CONTROLLER_CPUSET);
	assert_int_equal(controllers_listed("\n"), 0);
	assert_string_equal(controllers_text(CONTROLLER_MEMORY, text), "memory");
	assert_string_equal(controllers_text(CONTROLLER_IO | CONTROLLER_PIDS, text),
			    "pids and io");
	assert_string_equal(controllers_text(0x1f, text),
			    "memory, pids, cpu, cpuset and io");
}

static void each_limit_names_its_controller(void **state)
{
	const struct cgroup_limits none = { .cpu_period_us = 1, .best_effort = true };
	const struct cgroup_limits all = {
		.memory = 1, .pids = 1, .cpu_quota_us = 1, .cpuset = "0", .io_weight = 1
	};

	(void)state;
	assert_false(cgroup_is_needed(&none));
	assert_int_equal(controllers_needed(&all), 0x1f);
}

/* ---- values ---------------------------------------------------------------------------- */

static bool is_list(const char *text)
{
	struct cpu_set set;

	return cpu_set_parse(text, &set) == 0;
}

static void lists_of_processors_are_read(void **state)
{
	struct cpu_set a, b;

	(void)state;
	assert_int_equal(cpu_set_parse("0-3,8", &a), 0);
	assert_true(a.bits[0] == 0x10f);
	assert_int_equal(cpu_set_parse("8,2-3,0,1\n", &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(is_list("8191"));
	assert_false(is_list("8192"));
	assert_false(is_list(""));
	assert_false(is_list("1,"));
	assert_false(is_list("3-1"));
	assert_false(is_list("-1"));
	assert_false(is_list("1 2"));
	assert_false(is_list("99999999999999999999"));
}

static int check(const struct cgroup_limits *limits)
{
	struct error err;

	return cgroup_check(limits, &err);
}

static void limits_that_contradict_themselves_are_refused(void **state)
{
	(void)state;
	assert_int_equal(check(&(struct cgroup_limits){ 0 }), 0);
	assert_int_equal(check(&(struct cgroup_limits){ .memory = 5,
							.memory_swap = 5,
							.has_memory_swap = true }),
			 0);
	assert_int_equal(check(&(struct cgroup_limits){ .memory = 5,
							.memory_swap = 4,
							.has_memory_swap = true }),
			 -1);
	assert_int_equal(check(&(struct cgroup_limits){ .memory_swap = 4,
							.has_memory_swap = true }),
			 -1);
	assert_int_equal(check(&(struct cgroup_limits){ .memory = UINT64_MAX }), -1);
	assert_int_equal(check(&(struct cgroup_limits){ .cpu_quota_us = 999,
							.cpu_period_us = 100000 }),
			 -1);
	assert_int_equal(check(&(struct cgroup_limits){ .cpu_quota_us = 1000,
							.cpu_period_us = 1000001 }),
			 -1);
	assert_int_equal(check(&(struct cgroup_limits){ .cpuset = "x" }), -1);
	assert_int_equal(check(&(struct cgroup_limits){ .io_weight = 10001 }), -1);
}

/* A directory of plain files keeps what is written, as a group does. */
static int make_group(struct temporary *temporary, const char *const *files)
{
	for (size_t i = 0; files[i]; i++)
		temporary_file(temporary, files[i], "", 0);
	return open(temporary->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *content(int group, const char *file)
{
	static char text[100];

	assert_true(files_read(group, file, text, sizeof(text) - 1) >= 0);
	return text;
}

static void values_are_written_as_the_kernel_reads_them(void **state)
{
	static const char *const files[] = {
		"memory.max", "memory.swap.max", "memory.oom.group",
		"pids.max",   "cpu.max",         "cpuset.cpus",
		NULL
	};
	const struct cgroup_limits limits = { .memory = (64 << 20) + 5,
					      .memory_swap = 96 << 20,
					      .has_memory_swap = true,
					      .pids = 7,
					      .cpu_quota_us = 150000,
					      .cpu_period_us = 100000,
					      .cpuset = "0-1,3" };
	const int group = make_group(*state, files);
	struct error err;

	assert_int_equal(cgroup_write_limits(group, &limits, 0xf, false, &err), 0);
	assert_string_equal(content(group, "memory.max"), "67108864");
	assert_string_equal(content(group, "memory.swap.max"), "33554432");
	assert_string_equal(content(group, "memory.oom.group"), "1");
	assert_string_equal(content(group, "pids.max"), "7");
	assert_string_equal(content(group, "cpu.max"), "150000 100000");
	assert_string_equal(content(group, "cpuset.cpus"), "0-1,3");
	close(group);
}

static void a_limit_that_did_not_take_is_an_error(void **state)
{
	static const char *const files[] = { NULL };
	const struct cgroup_limits limits = { .pids = 7 };
	const struct temporary *temporary = *state;
	const int group = make_group(*state, files);
	struct error err;

	unlinkat(group, "pids.max", 0);
	assert_int_equal(symlinkat("/dev/null", group, "pids.max"), 0);
	assert_int_equal(
		cgroup_write_limits(group, &limits, CONTROLLER_PIDS, false, &err), -1);
	assert_string_equal(err.text, "set pids.max to 7: the kernel made it ");
	unlinkat(group, "pids.max", 0);
	assert_int_equal(
		cgroup_write_limits(group, &limits, CONTROLLER_PIDS, false, &err), -1);
	assert_string_equal(err.text, "set pids.max to 7");
	assert_int_equal(err.id, ERROR_CGROUP);
	close(group);
	(void)temporary;
}

static void figures_are_read_by_key(void **state)
{
	static const char table[] = "usage_usec 12\nuser_usec 5\nnr_throttled 3\n";
	const struct temporary *temporary = *state;
	const int group = open(temporary->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t value = 0;

	temporary_file(temporary, "cpu.stat", table, sizeof(table) - 1);
	temporary_file(temporary, "memory.peak", "4096\n", 5);
	assert_int_equal(cgroup_number(group, "cpu.stat", "user_usec", &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(cgroup_number(group, "memory.peak", "", &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(cgroup_number(group, "cpu.stat", "usec", &value), -1);
	assert_int_equal(cgroup_number(group, "no.such", "", &value), -1);
	close(group);
}

static void io_is_added_up_over_all_devices(void **state)
{
	static const char table[] =
		"8:0 rbytes=10 wbytes=1 rios=1\n8:16 rbytes=5 wbytes=2\n";
	const struct temporary *temporary = *state;
	struct cgroup group = { .way = CGROUP_BESIDE, .part_count = 1 };
	struct cgroup_usage usage;

	temporary_file(temporary, "io.stat", table, sizeof(table) - 1);
	temporary_file(temporary, "cpu.stat", "usage_usec 12\n", 14);
	group.parts[0].limits = open(temporary->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cgroup_read_usage(&group, &usage);
	assert_int_equal(usage.read_bytes, 15);
	assert_int_equal(usage.written_bytes, 3);
	assert_int_equal(usage.cpu_us, 12);
	assert_true(usage.cpu_user_us == UINT64_MAX);
	assert_int_equal(usage.oom_kills, 0);
	close(group.parts[0].limits);
}

/* ---- where there is none --------------------------------------------------------------- */

static void refuses(const struct cgroup_search *search, const char *text,
		    const char *hint)
{
	struct error err;

	assert_int_equal(cgroup_refuse(search, &err), -1);
	assert_int_equal(err.id, ERROR_CGROUP);
	if (!strstr(err.text, text))
		fail_msg("'%s' is not in '%s'", text, err.text);
	if (!strstr(err.hint, hint))
		fail_msg("'%s' is not in '%s'", hint, err.hint);
}

static void each_refusal_says_what_helps(void **state)
{
	const unsigned int both = CONTROLLER_MEMORY | CONTROLLER_CPUSET;

	(void)state;
	refuses(&(struct cgroup_search){ .needed = both,
					 .undelegated = CONTROLLER_CPUSET },
		"limit memory and cpuset: systemd does not delegate cpuset",
		"Delegate=cpu cpuset io memory pids");
	refuses(&(struct cgroup_search){ .needed = both,
					 .withheld = CONTROLLER_CPUSET,
					 .own = "/sys/fs/cgroup/a/b" },
		"the cgroup above this one does not get cpuset",
		"echo +cpuset >/sys/fs/cgroup/a/../cgroup.subtree_control");
	refuses(&(struct cgroup_search){ .needed = both,
					 .crowded = true,
					 .own = "/sys/fs/cgroup/x" },
		"other processes live", "mkdir /sys/fs/cgroup/x/own");
	refuses(&(struct cgroup_search){ .needed = both,
					 .lacking = CONTROLLER_MEMORY,
					 .old = CONTROLLER_MEMORY },
		"cgroup v1 has memory", "systemd.unified_cgroup_hierarchy=1");
	refuses(&(struct cgroup_search){ .needed = both, .lacking = CONTROLLER_CPUSET },
		"no controller cpuset", "best-effort");
	refuses(&(struct cgroup_search){ .needed = both }, "no systemd that runs",
		"enable-linger");
	refuses(&(struct cgroup_search){ .needed = both, .systemd = true },
		"no cgroup here is this user's", "Delegate=yes");
}

static void resource_limits_stand_in_for_some(void **state)
{
	const struct cgroup_limits limits = { .memory = 4096, .pids = 9, .io_weight = 5 };
	struct rlimit_entry entries[2];
	char text[120];

	(void)state;
	assert_int_equal(cgroup_fall_back(&limits, entries, text, sizeof(text)), 2);
	assert_int_equal(entries[0].resource, RLIMIT_DATA);
	assert_int_equal(entries[0].hard, 4096);
	assert_int_equal(entries[1].resource, RLIMIT_NPROC);
	assert_int_equal(entries[1].soft, 9);
	assert_string_equal(text,
			    "memory is limited for each process, pids for each user, "
			    "io not at all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_group_is_found_by_hierarchy),
		cmocka_unit_test(a_group_is_found_below_the_mount_that_shows_it),
		cmocka_unit_test(controllers_are_read_as_whole_words),
		cmocka_unit_test(each_limit_names_its_controller),
		cmocka_unit_test(lists_of_processors_are_read),
		cmocka_unit_test(limits_that_contradict_themselves_are_refused),
		cmocka_unit_test(values_are_written_as_the_kernel_reads_them),
		cmocka_unit_test(a_limit_that_did_not_take_is_an_error),
		cmocka_unit_test(figures_are_read_by_key),
		cmocka_unit_test(io_is_added_up_over_all_devices),
		cmocka_unit_test(each_refusal_says_what_helps),
		cmocka_unit_test(resource_limits_stand_in_for_some),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
