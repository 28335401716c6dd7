/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Docker's and podman's profiles have to answer here as they do under their runtimes, for
 * every number, whatever the arguments.
 */
#include "policy/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "policy/bpf.h"
#include "tests/unit/runtimes.h"

enum { NUMBERS = 600, VALUES_MAX = 64, TEXT_MAX = 64 << 10 };

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* ---- two programs of one text ------------------------------------------------------- */

struct pair {
	struct reference theirs;
	struct rules rules;
	struct seccomp_program ours;
	struct notes notes;
};

static const struct bpf_wishes plain;

static void make_pair(const char *text, size_t length,
		      const struct profile_conditions *conditions, struct pair *ret_pair)
{
	const struct json_value *value;
	struct profile profile;
	struct error err = { 0 };

	value = json_read(text, length, "profile", &arena, &err);
	assert_non_null(value);
	reference_make(value, conditions, &arena, &ret_pair->theirs);
	if (oci_seccomp_read(text, length, "profile", &arena, &profile, &err) < 0)
		fail_msg("%s", err.text);
	ret_pair->notes = (struct notes){ .arena = &arena };
	assert_int_equal(profile.resolve(&profile, conditions, &arena, &ret_pair->rules,
					 &ret_pair->notes, &err),
			 0);
	if (bpf_generate(&ret_pair->rules, &plain, &arena, &ret_pair->ours, &err) < 0)
		fail_msg("%s", err.text);
}

static void take_value(uint64_t *values, size_t *count, uint64_t value)
{
	for (size_t i = 0; i < *count; i++) {
		if (values[i] == value)
			return;
	}
	assert_true(*count < VALUES_MAX);
	values[(*count)++] = value;
}

static void gather_of(const struct condition *condition, uint64_t *values, size_t *count)
{
	const struct test *test = &condition->test;

	if (condition->kind != CONDITION_TEST) {
		gather_of(condition->left, values, count);
		gather_of(condition->right, values, count);
		return;
	}
	take_value(values, count, test->value - 1);
	take_value(values, count, test->value);
	take_value(values, count, test->value + 1);
	take_value(values, count, test->value | 1ULL << 32);
	if (test->mask != UINT64_MAX)
		take_value(values, count, test->value | (test->mask & -test->mask));
}

/* Every value that some test compares with, what lies around it, and the ends. */
static size_t gather_values(const struct rules *rules, uint64_t *values)
{
	size_t count = 0;

	take_value(values, &count, 0);
	take_value(values, &count, 0x7fffffff);
	take_value(values, &count, UINT32_MAX);
	take_value(values, &count, UINT64_MAX);
	for (size_t i = 0; i < rules->abis[abi_native()].count; i++) {
		const struct call_rules *call = &rules->abis[abi_native()].calls[i];

		for (size_t j = 0; j < call->clause_count; j++) {
			if (call->clauses[j].when)
				gather_of(call->clauses[j].when, values, &count);
		}
	}
	return count;
}

static void compare_at(const struct pair *pair, struct seccomp_data *data)
{
	uint32_t theirs = reference_answer(&pair->theirs, data);
	uint32_t ours = bpf_run(&pair->ours, data, NULL);
	const struct clause *clause = rules_decide(&pair->rules, data);

	/* What is not served ends its process here, not only its thread. */
	if (clause == &pair->rules.foreign && theirs == SECCOMP_RET_KILL_THREAD)
		theirs = SECCOMP_RET_KILL_PROCESS;
	if (theirs != ours || theirs != bpf_return_value(clause->action, &plain))
		fail_msg(
			"arch %x, number 0x%x (0x%llx, 0x%llx, 0x%llx): %x instead of %x",
			data->arch, (unsigned int)data->nr,
			(unsigned long long)data->args[0],
			(unsigned long long)data->args[1],
			(unsigned long long)data->args[2], ours, theirs);
}

static void compare_number(const struct pair *pair, enum abi abi, uint32_t number,
			   const uint64_t *values, size_t count)
{
	uint64_t mask = abi_is_wide(abi) ? UINT64_MAX : UINT32_MAX;
	struct seccomp_data data = { .nr = (int)number, .arch = abi_audit(abi) };

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			data.args[0] = values[i] & mask;
			data.args[1] = values[(i + j) % count] & mask;
			data.args[2] = values[j] & mask;
			compare_at(pair, &data);
		}
	}
}

/*
 * Two kinds of numbers are known to be answered otherwise: calls that libseccomp is too old
 * for, and holes in the table below the last call of the profile, which are no call on any
 * kernel and ENOSYS here.
 */
static bool is_comparable(const struct pair *pair, enum abi abi, uint32_t number)
{
	if (number > pair->theirs.last[abi] && pair->theirs.hides_newer)
		return !call_name(abi, number);
	if (!pair->theirs.hides_newer && !reference_knows(abi, number))
		return !call_name(abi, number);
	return reference_knows(abi, number);
}

static size_t compare(const struct pair *pair)
{
	uint64_t values[VALUES_MAX];
	size_t count = gather_values(&pair->rules, values), compared = 0;

	for (int abi = 0; abi < ABI_COUNT; abi++) {
		if (!(abi_served() & 1U << abi))
			continue;
		for (uint32_t i = 0; i < NUMBERS; i++) {
			uint32_t number = abi == ABI_X32 ? i | X32_BIT : i;

			if (!is_comparable(pair, (enum abi)abi, number))
				continue;
			compare_number(pair, (enum abi)abi, number, values, count);
			compared++;
		}
	}
	return compared;
}

/* ---- the profiles ------------------------------------------------------------------- */

static size_t read_data(const char *name, char *text)
{
	const char *folder = getenv("SBX_TEST_DATA");
	ssize_t length;

	if (!folder)
		skip();
	length = files_read(AT_FDCWD, arena_printf(&arena, "%s/seccomp/%s", folder, name),
			    text, TEXT_MAX);
	assert_true(length > 0);
	return (size_t)length;
}

static void compare_profile(const char *name)
{
	const uint64_t caps[] = { 0, caps_default_root(), caps_all() };
	static char text[TEXT_MAX + 1];
	size_t length = read_data(name, text);

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		const struct profile_conditions conditions = {
			.caps = caps[i],
			.kernel = 6U << 16,
		};
		struct pair pair;

		make_pair(text, length, &conditions, &pair);
		assert_true(compare(&pair) > 800);
	}
}

static void dockers_profile_answers_as_under_runc(void **state)
{
	(void)state;
	compare_profile("docker.json");
}

static void podmans_profile_answers_as_under_its_runtimes(void **state)
{
	(void)state;
	compare_profile("podman.json");
}

static void podmans_contradiction_is_noted(void **state)
{
	static const struct profile_conditions nobody = { .kernel = 6U << 16 };
	static char text[TEXT_MAX + 1];
	size_t length = read_data("podman.json", text);
	bool found = false;
	struct pair pair;

	(void)state;
	make_pair(text, length, &nobody, &pair);
	for (size_t i = 0; i < pair.notes.count; i++)
		found |= strstr(pair.notes.lines[i],
				"setns: errno(EPERM) has no effect") != NULL;
	assert_true(found);
}

/* ---- smaller texts ------------------------------------------------------------------ */

static void compare_text(const char *text)
{
	static const struct profile_conditions nobody = { .kernel = 6U << 16 };
	char *copy = arena_strdup(&arena, text);
	struct pair pair;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	make_pair(copy, strlen(copy), &nobody, &pair);
	compare(&pair);
}

static void every_operator_means_the_same(void **state)
{
	static const char *const ops[] = {
		"EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		compare_text(arena_printf(
			&arena,
			"{'defaultAction':'SCMP_ACT_ALLOW','syscalls':[{'names':['read',"
			"'getpid'],'action':'SCMP_ACT_ERRNO','errnoRet':5,'args':["
			"{'index':0,'value':7,'valueTwo':5,'op':'SCMP_CMP_%s'}]}]}",
			ops[i]));
		compare_text(arena_printf(
			&arena,
			"{'defaultAction':'SCMP_ACT_KILL_PROCESS','syscalls':[{'names':"
			"['read','statx'],'action':'SCMP_ACT_ALLOW','args':[{'index':2,"
			"'value':1095216660735,'valueTwo':4294967303,'op':'SCMP_CMP_%s'}]"
			"}]}",
			ops[i]));
	}
}

static void several_rules_mean_the_same(void **state)
{
	static const char *const texts[] = {
		"{'defaultAction':'SCMP_ACT_ERRNO','architectures':['SCMP_ARCH_X86',"
		"'SCMP_ARCH_X32'],'syscalls':[{'names':['read','socket','semget','ipc'],"
		"'action':'SCMP_ACT_ALLOW','args':[{'index':0,'value':7,'op':"
		"'SCMP_CMP_EQ'}]},{'names':['read','bind','recv','semctl','futex_waitv'],"
		"'action':'SCMP_ACT_LOG'}]}",
		"{'defaultAction':'SCMP_ACT_TRAP','architectures':['SCMP_ARCH_X86'],"
		"'syscalls':[{'names':['socket','shmget'],'action':'SCMP_ACT_ALLOW',"
		"'args':[{'index':1,'value':7,'op':'SCMP_CMP_LE'},{'index':2,'value':9,"
		"'op':'SCMP_CMP_NE'}]},{'names':['socketcall','connect'],'action':"
		"'SCMP_ACT_ERRNO','errnoRet':0}]}",
		"{'defaultAction':'SCMP_ACT_LOG','syscalls':[{'names':['read'],'action':"
		"'SCMP_ACT_TRACE','args':[{'index':0,'value':7,'op':'SCMP_CMP_LT'},"
		"{'index':0,'value':90,'op':'SCMP_CMP_GT'}]},{'names':['read','write'],"
		"'action':'SCMP_ACT_LOG'},{'names':['close'],'action':'SCMP_ACT_KILL'},"
		"{'names':['close'],'action':'SCMP_ACT_ALLOW'}]}",
		("{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[{'names':['read'],"
		 "'action':'SCMP_ACT_ERRNO'}]}"),
		"{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':13}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		compare_text(texts[i]);
}

#define TEST(name) cmocka_unit_test_teardown(name, give_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dockers_profile_answers_as_under_runc),
		TEST(podmans_profile_answers_as_under_its_runtimes),
		TEST(podmans_contradiction_is_noted),
		TEST(every_operator_means_the_same),
		TEST(several_rules_mean_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
