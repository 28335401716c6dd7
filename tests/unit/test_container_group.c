/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/error.h"
#include "policy/group.h"

#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- weights --------------------------------------------------------------------------- */

/* 10^((l² + 125 l) / 612 - 7 / 34), l = log2(shares), rounded up. */
static void shares_become_weights_by_the_usual_curve(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} pairs[] = {
		{ 0, 1 },         { 2, 1 },          { 3, 2 },           { 256, 35 },
		{ 512, 59 },      { 1024, 100 },     { 2048, 174 },      { 4096, 303 },
		{ 102400, 4429 }, { 262144, 10000 }, { 1000000, 10000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_int_equal(group_weight_of_shares(pairs[i].shares),
				 pairs[i].weight);
}

static void more_shares_never_weigh_less(void **state)
{
	(void)state;
	for (uint64_t shares = 2; shares < 262144; shares += 61)
		assert_true(group_weight_of_shares(shares) <=
			    group_weight_of_shares(shares + 61));
}

static void weights_of_block_devices_are_stretched(void **state)
{
	(void)state;
	assert_int_equal(group_io_weight(10), 1);
	assert_int_equal(group_io_weight(500), 4950);
	assert_int_equal(group_io_weight(1000), 10000);
	assert_int_equal(group_io_weight(5000), 10000);
}

/* ---- devices --------------------------------------------------------------------------- */

enum { R = BPF_DEVCG_ACC_READ, W = BPF_DEVCG_ACC_WRITE, M = BPF_DEVCG_ACC_MKNOD };

static const struct cgroup_device_rule nothing = { false, 'a', -1, -1, true, true, true };

static struct cgroup_device_rule rule(bool allow, char type, int64_t major, int64_t minor,
				      int access)
{
	return (struct cgroup_device_rule){ allow,
					    type,
					    major,
					    minor,
					    (access & R) != 0,
					    (access & W) != 0,
					    (access & M) != 0 };
}

/* One step of the few instructions that there are. Returns the next one's number. */
static size_t step(const struct bpf_insn *at, size_t number, uint64_t *registers,
		   const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t *to = &registers[at->dst_reg];
	const uint64_t immediate = (uint64_t)(int64_t)at->imm;
	bool taken = false;

	switch (at->code) {
	case BPF_LDX | BPF_W | BPF_MEM: {
		uint32_t word;

		assert_int_equal(at->src_reg, BPF_REG_1);
		memcpy(&word, (const char *)context + at->off, sizeof(word));
		*to = word;
		break;
	}
	case BPF_ALU64 | BPF_MOV | BPF_X:
		*to = registers[at->src_reg];
		break;
	case BPF_ALU64 | BPF_MOV | BPF_K:
		*to = immediate;
		break;
	case BPF_ALU64 | BPF_AND | BPF_K:
		*to &= immediate;
		break;
	case BPF_ALU64 | BPF_RSH | BPF_K:
		*to >>= immediate;
		break;
	case BPF_JMP | BPF_JNE | BPF_K:
		taken = *to != immediate;
		break;
	case BPF_JMP | BPF_JEQ | BPF_K:
		taken = *to == immediate;
		break;
	default:
		fail_msg("instruction %zu is not known", number);
	}
	return number + 1 + (taken ? (size_t)at->off : 0);
}

static bool run(const struct bpf_insn *program, size_t count,
		const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t registers[11] = { 0 };
	size_t number = 0;

	while (number < count && program[number].code != (BPF_JMP | BPF_EXIT))
		number = step(&program[number], number, registers, context);
	assert_true(number < count);
	return registers[0] != 0;
}

static bool asks(const struct cgroup_device_rule *rules, size_t count, char type,
		 uint32_t major, uint32_t minor, int access)
{
	struct arena arena = { 0 };
	struct bpf_insn *program;
	const size_t length = group_device_program(rules, count, &arena, &program);
	const struct bpf_cgroup_dev_ctx context = {
		.access_type = (uint32_t)access << 16 |
			       (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor,
	};
	const bool allowed = run(program, length, &context);

	arena_free(&arena);
	return allowed;
}

static void no_rule_allows_no_device(void **state)
{
	(void)state;
	assert_false(asks(NULL, 0, 'c', 1, 3, R));
	assert_false(asks(&nothing, 1, 'c', 1, 3, R));
}

static void what_a_rule_names_is_allowed_and_nothing_beside_it(void **state)
{
	const struct cgroup_device_rule rules[] = { nothing,
						    rule(true, 'c', 10, 229, R | W),
						    rule(true, 'b', 8, -1, R) };

	(void)state;
	assert_true(asks(rules, 3, 'c', 10, 229, R));
	assert_true(asks(rules, 3, 'c', 10, 229, R | W));
	assert_false(asks(rules, 3, 'c', 10, 229, R | M));
	assert_false(asks(rules, 3, 'b', 10, 229, R));
	assert_false(asks(rules, 3, 'c', 10, 228, R));
	assert_true(asks(rules, 3, 'b', 8, 17, R));
	assert_false(asks(rules, 3, 'b', 8, 17, W));
	assert_false(asks(rules, 3, 'b', 9, 17, R));
}

static void later_rules_win(void **state)
{
	const struct cgroup_device_rule rules[] = { rule(true, 'a', -1, -1, R | W | M),
						    rule(false, 'c', 1, 5, W),
						    rule(true, 'c', 1, 5, M) };

	(void)state;
	assert_true(asks(rules, 3, 'b', 8, 0, R | W));
	assert_true(asks(rules, 3, 'c', 1, 5, R));
	assert_false(asks(rules, 3, 'c', 1, 5, R | W));
	assert_true(asks(rules, 3, 'c', 1, 5, R | M));
	assert_false(asks(rules, 3, 'c', 1, 5, W));
}

/* Two rules may each give a part of what is asked for at once. */
static void permissions_add_up(void **state)
{
	const struct cgroup_device_rule rules[] = { rule(true, 'c', 4, -1, R),
						    rule(true, 'c', 4, 7, W) };

	(void)state;
	assert_true(asks(rules, 2, 'c', 4, 7, R | W));
	assert_false(asks(rules, 2, 'c', 4, 8, R | W));
}

/* ---- devices of v1 --------------------------------------------------------------------- */

static void exceptions_are_the_opposite_of_the_beginning(void **state)
{
	const struct cgroup_device_rule rules[] = { nothing, rule(true, 'c', 1, 3, R),
						    rule(true, 'c', 1, 3, W),
						    rule(true, 'a', 7, -1, R) };
	struct device_exceptions exceptions;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(group_device_exceptions(rules, 4, &arena, &exceptions, &err), 0);
	assert_false(exceptions.allowed);
	assert_int_equal(exceptions.count, 3);
	assert_true(exceptions.rules[0].read && exceptions.rules[0].write);
	assert_int_equal(exceptions.rules[1].type, 'b');
	assert_int_equal(exceptions.rules[2].type, 'c');
	assert_int_equal(exceptions.rules[2].major, 7);
	arena_free(&arena);
}

static void a_wide_rule_takes_narrow_ones_back(void **state)
{
	const struct cgroup_device_rule rules[] = { rule(true, 'c', 1, 3, R | W),
						    rule(true, 'c', 1, 5, R),
						    rule(false, 'c', 1, -1, R) };
	struct device_exceptions exceptions;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(group_device_exceptions(rules, 3, &arena, &exceptions, &err), 0);
	assert_int_equal(exceptions.count, 1);
	assert_false(exceptions.rules[0].read);
	assert_true(exceptions.rules[0].write);
	arena_free(&arena);
}

static void a_narrow_rule_cannot_be_cut_out_of_a_wide_one(void **state)
{
	const struct cgroup_device_rule rules[] = { rule(true, 'c', 1, -1, R),
						    rule(false, 'c', 1, 5, R) };
	struct device_exceptions exceptions;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(group_device_exceptions(rules, 2, &arena, &exceptions, &err),
			 -1);
	assert_non_null(strstr(err.text, "wildcards"));
	arena_free(&arena);
}

static void a_rule_about_all_begins_anew(void **state)
{
	const struct cgroup_device_rule rules[] = { rule(true, 'c', 1, 3, R),
						    rule(true, 'a', -1, -1, R | W | M),
						    rule(false, 'b', 8, 0, W) };
	struct device_exceptions exceptions;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(group_device_exceptions(rules, 3, &arena, &exceptions, &err), 0);
	assert_true(exceptions.allowed);
	assert_int_equal(exceptions.count, 1);
	assert_false(exceptions.rules[0].allow);
	arena_free(&arena);
}

/* ---- paths and records ----------------------------------------------------------------- */

static void a_path_that_climbs_is_refused(void **state)
{
	static const char *const bad[] = { "..",   "/a/../b", "a/..",
					   "../a", "a\nb",    "a\x1b" };
	static const char *const good[] = { "/a/b", "a", "", "a..b/...",
					    "/user.slice/x:y" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(group_check_path("path", bad[i], &err), -1);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(group_check_path("path", good[i], &err), 0);
}

static void a_group_is_refused_by_its_path_before_anything_is_made(void **state)
{
	const struct group_want wants[] = {
		{ .path = "/a/../b", .id = "x" },
		{ .path = "/", .id = "x" },
		{ .path = ".", .id = "x" },
		{ .id = "x", .delegate = "../y" },
		{ .id = "x", .systemd_subgroup = "y/.." },
	};
	struct container_group group;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(wants) / sizeof(*wants); i++)
		assert_int_equal(group_make(&wants[i], &arena, &group, &err), -1);
	arena_free(&arena);
}

static void a_record_is_read_back(void **state)
{
	const struct temporary *temporary = *state;
	struct container_group group = { .manager = GROUP_SYSTEMD,
					 .unified = true,
					 .scope = "sbx-oci-x.scope",
					 .user_manager = true,
					 .part_count = 2 };
	struct container_group read;
	struct arena arena = { 0 };
	struct error err;

	group.parts[0] = (struct container_group_part){ .path = temporary->path,
							.controllers = "",
							.made = true };
	group.parts[1] = (struct container_group_part){ .path = "/nowhere/a b",
							.controllers = "cpu,cpuacct" };
	assert_int_equal(group_open(group_record(&group, &arena), &arena, &read, &err),
			 0);
	assert_int_equal(read.manager, GROUP_SYSTEMD);
	assert_true(read.unified && read.user_manager);
	assert_string_equal(read.scope, "sbx-oci-x.scope");
	assert_int_equal(read.part_count, 2);
	assert_string_equal(read.parts[0].controllers, "");
	assert_true(read.parts[0].made && read.parts[0].dir >= 0);
	assert_string_equal(read.parts[1].path, "/nowhere/a b");
	assert_int_equal(read.parts[1].dir, -1);
	group_close(&read);
	arena_free(&arena);
}

static void no_record_is_no_group(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "0 0 0",
					   "9 0 0 -\n",
					   "0 0 0 -\n1 cpu\n",
					   "0 0 0 -\n1 cpu relative\n" };
	struct container_group group;
	struct arena arena = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(group_open(NULL, &arena, &group, &err), 0);
	assert_false(group_is_there(&group));
	assert_int_equal(group_clone_fd(&group), -1);
	assert_int_equal(group_move(&group, getpid(), &err), 0);
	assert_int_equal(group_kill(&group, 9, &err), 0);
	assert_int_equal(group_remove(&group, &err), 0);
	group_close(&group);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(group_open(bad[i], &arena, &group, &err), -1);
	arena_free(&arena);
}

/* ---- values, on files that stand in for a group's ---------------------------------------- */

static struct container_group group_of(const struct temporary *temporary,
				       const char *controllers)
{
	struct container_group group = { .unified = !*controllers, .part_count = 1 };

	group.parts[0] = (struct container_group_part){
		.dir = open(temporary->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.inner = -1,
		.path = temporary->path,
		.controllers = controllers,
	};
	return group;
}

static const struct cgroup_number no_limit = { true, UINT64_MAX };

static void what_the_kernel_has_anyway_never_fails(void **state)
{
	struct container_group group = group_of(*state, "");
	const struct container_group nothing_there = { .holding = -1 };
	const struct cgroup_resources resources = {
		.memory = no_limit,
		.memory_swap = no_limit,
		.memory_reservation = no_limit,
		.memory_kernel = no_limit,
		.swappiness = { true, 60 },
		.cpu_shares = { true, 1024 },
		.cpu_quota = no_limit,
		.cpu_period = { true, 100000 },
		.cpu_rt_period = { true, 1000000 },
		.cpu_rt_runtime = { true, 0 },
		.cpu_idle = { true, 0 },
		.cpu_burst = { true, 0 },
		.pids = no_limit,
		.net_class = { true, 0 },
		.use_hierarchy = true,
		.cpus = "",
	};
	struct error err;

	assert_int_equal(group_apply(&group, &resources, false, &err), 0);
	assert_int_equal(group_apply(&nothing_there, &resources, false, &err), 0);
	group_close(&group);
}

static void a_limit_without_its_controller_is_named(void **state)
{
	struct container_group group = group_of(*state, "");
	const struct cgroup_resources resources = { .cpu_shares = { true, 512 },
						    .pids = { true, 7 } };
	struct error err;

	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	assert_non_null(strstr(err.text, "linux.resources.pids.limit to 7"));
	assert_non_null(strstr(err.text, "controller pids"));
	assert_non_null(strstr(err.hint, "best-effort"));
	assert_int_equal(group_apply(&group, &resources, true, &err), 1);
	assert_non_null(strstr(err.text, "pids.limit"));
	group_close(&group);
}

static const char *content(const struct temporary *temporary, const char *name)
{
	static char text[100];
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", temporary->path, name);
	file = fopen(path, "re");
	assert_non_null(file);
	memset(text, 0, sizeof(text));
	assert_true(fread(text, 1, sizeof(text) - 1, file) < sizeof(text));
	fclose(file);
	return text;
}

/* A plain file keeps what follows, where a longer text was: so they begin empty. */
static void begin(const struct temporary *temporary, const char *name)
{
	(void)temporary_file(temporary, name, "", 0);
}

static void swap_of_v2_is_what_is_left_of_both(void **state)
{
	struct container_group group = group_of(*state, "");
	struct cgroup_resources resources = { .memory = { true, 1 << 20 },
					      .memory_swap = { true, 3 << 20 } };
	struct error err;

	begin(*state, "memory.max");
	begin(*state, "memory.swap.max");
	assert_int_equal(group_apply(&group, &resources, false, &err), 0);
	assert_string_equal(content(*state, "memory.max"), "1048576");
	assert_string_equal(content(*state, "memory.swap.max"), "2097152");
	resources.memory_swap.value = 1;
	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	assert_non_null(strstr(err.text, "less than memory.limit"));
	group_close(&group);
}

static void less_than_is_used_is_refused_where_that_is_asked(void **state)
{
	struct container_group group = group_of(*state, "");
	const struct cgroup_resources resources = { .memory = { true, 4096 },
						    .check_before_update = true };
	struct error err;

	begin(*state, "memory.max");
	(void)temporary_file(*state, "memory.current", "8192\n", 5);
	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	assert_non_null(strstr(err.text, "checkBeforeUpdate"));
	assert_string_equal(content(*state, "memory.max"), "");
	group_close(&group);
}

static void a_quota_keeps_the_period_that_was(void **state)
{
	struct container_group group = group_of(*state, "");
	const struct cgroup_resources resources = { .cpu_quota = { true, 1234 } };
	struct error err;

	(void)temporary_file(*state, "cpu.max", "99999 50000\n", 12);
	/* The file is longer than what is written: it does not read as it should. */
	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	assert_memory_equal(content(*state, "cpu.max"), "1234 50000", 10);
	group_close(&group);
}

static void files_of_v2_are_written_by_their_names(void **state)
{
	struct container_group group = group_of(*state, "");
	const struct cgroup_pair good[] = { { .name = "memory.high",
					      .text = "5000000" } };
	const struct cgroup_pair bad[] = { { .name = "../x", .text = "1" } };
	const struct cgroup_pair lacking[] = { { .name = "misc.max", .text = "a 1" } };
	struct cgroup_resources resources = { .unified = { good, 1 } };
	struct error err;

	begin(*state, "memory.high");
	assert_int_equal(group_apply(&group, &resources, false, &err), 0);
	assert_string_equal(content(*state, "memory.high"), "5000000");
	resources.unified.entries = bad;
	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	resources.unified.entries = lacking;
	assert_int_equal(group_apply(&group, &resources, false, &err), -1);
	assert_non_null(strstr(err.text, "controller misc"));
	group_close(&group);
}

static void v1_has_files_of_its_own(void **state)
{
	struct container_group group = group_of(*state, "memory,cpu,pids");
	const struct cgroup_resources resources = { .cpu_shares = { true, 77 },
						    .pids = { true, 0 },
						    .memory_reservation = { true,
									    8192 } };
	struct error err;

	begin(*state, "cpu.shares");
	begin(*state, "pids.max");
	begin(*state, "memory.soft_limit_in_bytes");
	assert_int_equal(group_apply(&group, &resources, false, &err), 0);
	assert_string_equal(content(*state, "cpu.shares"), "77");
	assert_string_equal(content(*state, "pids.max"), "max");
	assert_string_equal(content(*state, "memory.soft_limit_in_bytes"), "8192");
	group_close(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_become_weights_by_the_usual_curve),
		cmocka_unit_test(more_shares_never_weigh_less),
		cmocka_unit_test(weights_of_block_devices_are_stretched),
		cmocka_unit_test(no_rule_allows_no_device),
		cmocka_unit_test(what_a_rule_names_is_allowed_and_nothing_beside_it),
		cmocka_unit_test(later_rules_win),
		cmocka_unit_test(permissions_add_up),
		cmocka_unit_test(exceptions_are_the_opposite_of_the_beginning),
		cmocka_unit_test(a_wide_rule_takes_narrow_ones_back),
		cmocka_unit_test(a_narrow_rule_cannot_be_cut_out_of_a_wide_one),
		cmocka_unit_test(a_rule_about_all_begins_anew),
		cmocka_unit_test(a_path_that_climbs_is_refused),
		cmocka_unit_test(a_group_is_refused_by_its_path_before_anything_is_made),
		cmocka_unit_test(no_record_is_no_group),
#define WITH_FILES(test)                                                                 \
	cmocka_unit_test_setup_teardown(test, temporary_make, temporary_remove)
		WITH_FILES(a_record_is_read_back),
		WITH_FILES(what_the_kernel_has_anyway_never_fails),
		WITH_FILES(a_limit_without_its_controller_is_named),
		WITH_FILES(swap_of_v2_is_what_is_left_of_both),
		WITH_FILES(less_than_is_used_is_refused_where_that_is_asked),
		WITH_FILES(a_quota_keeps_the_period_that_was),
		WITH_FILES(files_of_v2_are_written_by_their_names),
		WITH_FILES(v1_has_files_of_its_own),
#undef WITH_FILES
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
