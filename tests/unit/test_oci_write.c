/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/oci.h"

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
#include "tests/unit/made_up_rules.h"

enum { TEXT_MAX = 64 << 10 };

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static const struct clause known = { .action = { ACTION_ERRNO, EPERM } };
static const struct clause unknown = { .action = { ACTION_ERRNO, ENOSYS } };
static const struct clause killed = { .action = { ACTION_KILL, 0 } };
static const struct action allow = { ACTION_ALLOW, 0 };
static const struct action deny = { ACTION_ERRNO, EPERM };

/* Rules of the native ABI in which one call has these clauses. */
static struct rules rules_of(const char *name, const struct clause *clauses, size_t count)
{
	struct call_rules *call = arena_alloc(&arena, sizeof(*call));
	struct rules rules = {
		.served = 1U << abi_native(),
		.foreign = killed,
		.known = known,
		.unknown = unknown,
	};

	*call = (struct call_rules){ (uint32_t)call_number(abi_native(), name), name,
				     clauses, count };
	rules.abis[abi_native()].calls = call;
	rules.abis[abi_native()].count = 1;
	return rules;
}

static const struct json_value *write_well(const struct rules *rules)
{
	const struct json_value *document;
	struct error err = { 0 };
	const char *text = oci_seccomp_write(rules, &arena, &err);

	if (!text) {
		fail_msg("%s", err.text);
		return NULL;
	}
	document = json_read(text, strlen(text), "text", &arena, &err);
	assert_non_null(document);
	return document;
}

/* Its rules for this call, without the names, in a line each. */
static const char *rules_for(const struct json_value *document, const char *name)
{
	const struct json_value *array = json_get(document, "syscalls");
	const char *lines = "";

	for (size_t i = 0; i < json_count(array); i++) {
		const struct json_value *rule = json_at(array, i);
		const struct json_value *names = json_get(rule, "names");

		for (size_t j = 0; j < json_count(names); j++) {
			struct json_value *copy = json_make_object(&arena);
			struct error err;
			const char *text = "";

			assert_int_equal(json_want_text(json_at(names, j), &text, &err),
					 0);
			if (strcmp(text, name) != 0)
				continue;
			json_put_copy(copy, "rule", rule);
			json_remove(
				(struct json_value *)(uintptr_t)json_get(copy, "rule"),
				"names");
			lines = arena_printf(&arena, "%s%s\n", lines,
					     json_write(json_get(copy, "rule"),
							JSON_LAYOUT_LINE, &arena));
		}
	}
	return lines;
}

#define ALLOW "{\"action\":\"SCMP_ACT_ALLOW\""
#define DENY  "{\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1"
#define ARGS  ",\"args\":["
#define ARG(INDEX, VALUE, OP)                                                            \
	"{\"index\":" INDEX ",\"value\":" VALUE ",\"op\":\"SCMP_CMP_" OP "\"}"
#define MASKED(INDEX, MASK, VALUE)                                                       \
	"{\"index\":" INDEX ",\"value\":" MASK ",\"valueTwo\":" VALUE                    \
	",\"op\":\"SCMP_CMP_MASKED_EQ\"}"

static void assert_rules(const struct clause *clauses, size_t count, const char *expected)
{
	const struct rules rules = rules_of("read", clauses, count);

	assert_string_equal(rules_for(write_well(&rules), "read"), expected);
}

/* ---- the document ------------------------------------------------------------------- */

static void known_and_unknown_calls_are_told_apart(void **state)
{
	const struct clause clause = { .action = allow };
	const struct rules rules = rules_of("read", &clause, 1);
	const struct json_value *document = write_well(&rules);
	struct error err;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(
		json_get_unsigned(document, "defaultErrnoRet", 4095, &value, &err), 0);
	assert_int_equal(value, ENOSYS);
	assert_int_equal(json_count(json_get(document, "flags")), 0);
	assert_int_equal(json_count(json_get(document, "architectures")), 1);
	assert_int_equal(json_count(json_get(document, "syscalls")), 2);
	assert_string_equal(rules_for(document, "read"), ALLOW "}\n");
	assert_string_equal(rules_for(document, "write"), DENY "}\n");
}

static void flags_and_architectures_are_written(void **state)
{
	const struct clause clause = { .action = allow };
	struct rules rules = rules_of("read", &clause, 1);
	const struct json_value *document;

	(void)state;
	rules.flags = RULES_LOG | RULES_WAIT_KILLABLE;
	document = write_well(&rules);
	assert_string_equal(
		json_write(json_get(document, "flags"), JSON_LAYOUT_LINE, &arena),
		"[\"SECCOMP_FILTER_FLAG_LOG\","
		"\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]");
	if (abi_native() == ABI_X86_64)
		assert_string_equal(json_write(json_get(document, "architectures"),
					       JSON_LAYOUT_LINE, &arena),
				    "[\"SCMP_ARCH_X86_64\"]");
}

static void calls_that_get_the_default_are_left_out(void **state)
{
	const struct clause clause = { .action = { ACTION_ERRNO, ENOSYS } };
	const struct rules rules = rules_of("clone3", &clause, 1);

	(void)state;
	assert_string_equal(rules_for(write_well(&rules), "clone3"), "");
}

/* Numbers above the last that is listed would not exist under runc. */
static void other_defaults_list_every_call(void **state)
{
	const struct clause clause = { .action = allow };
	struct rules rules = rules_of("read", &clause, 1);

	(void)state;
	rules.known = rules.unknown = killed;
	assert_string_equal(rules_for(write_well(&rules), "clone3"),
			    "{\"action\":\"SCMP_ACT_KILL_PROCESS\"}\n");
}

/* ---- arguments ---------------------------------------------------------------------- */

static void comparisons_are_written_as_they_are(void **state)
{
	static const struct {
		enum test_op op;
		const char *expected;
	} cases[] = {
		{ TEST_EQ, ALLOW ARGS ARG("1", "7", "EQ") "]}\n" DENY ARGS ARG(
				   "1", "7", "NE") "]}\n" },
		{ TEST_NE, ALLOW ARGS ARG("1", "7", "NE") "]}\n" DENY ARGS ARG(
				   "1", "7", "EQ") "]}\n" },
		{ TEST_LT, ALLOW ARGS ARG("1", "6", "LE") "]}\n" DENY ARGS ARG(
				   "1", "7", "GE") "]}\n" },
		{ TEST_LE, ALLOW ARGS ARG("1", "7", "LE") "]}\n" DENY ARGS ARG(
				   "1", "8", "GE") "]}\n" },
		{ TEST_GT, ALLOW ARGS ARG("1", "8", "GE") "]}\n" DENY ARGS ARG(
				   "1", "7", "LE") "]}\n" },
		{ TEST_GE, ALLOW ARGS ARG("1", "7", "GE") "]}\n" DENY ARGS ARG(
				   "1", "6", "LE") "]}\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct clause clauses[] = {
			{ .when = test_of(&arena, 1, true, cases[i].op, UINT64_MAX, 7),
			  .action = allow },
			{ .action = deny },
		};

		assert_rules(clauses, 2, cases[i].expected);
	}
}

static void words_of_32_bits_are_masked(void **state)
{
	const struct clause clauses[] = {
		{ .when = test_of(&arena, 0, false, TEST_EQ, UINT64_MAX, 0x5412),
		  .action = deny },
		{ .action = { ACTION_ERRNO, ENOSYS } },
	};

	(void)state;
	assert_rules(clauses, 2, DENY ARGS MASKED("0", "4294967295", "21522") "]}\n");
}

static void a_set_of_values_is_a_rule_for_each(void **state)
{
	const struct condition *first = test_of(&arena, 0, true, TEST_EQ, UINT64_MAX, 1);
	const struct condition *second =
		test_of(&arena, 0, true, TEST_EQ, UINT64_MAX, 10);
	const struct clause clauses[] = {
		{ .when = either_of(&arena, first, second), .action = allow },
		{ .action = { ACTION_ERRNO, ENOSYS } },
	};

	(void)state;
	assert_rules(clauses, 2,
		     ALLOW ARGS ARG("0", "1", "EQ") "]}\n" ALLOW ARGS ARG("0", "10",
									  "EQ") "]}\n");
}

static void earlier_clauses_are_taken_out_of_later_ones(void **state)
{
	const struct clause clauses[] = {
		{ .when = test_of(&arena, 0, true, TEST_EQ, UINT64_MAX, 1),
		  .action = deny },
		{ .when = test_of(&arena, 2, true, TEST_EQ, 0xf0, 0x10),
		  .action = allow },
		{ .action = { ACTION_ERRNO, ENOSYS } },
	};

	(void)state;
	assert_rules(clauses, 3,
		     DENY ARGS ARG("0", "1", "EQ") "]}\n" ALLOW ARGS ARG(
			     "0", "1", "NE") "," MASKED("2", "240", "16") "]}\n");
}

/* ---- whatever the clauses are ------------------------------------------------------- */

static bool arg_holds(const struct oci_arg *arg, uint64_t value)
{
	if (!arg->asked)
		return true;
	switch (arg->op) {
	case TEST_EQ:
		return value == arg->value;
	case TEST_NE:
		return value != arg->value;
	case TEST_LE:
		return value <= arg->value;
	case TEST_GE:
		return value >= arg->value;
	case OCI_MASKED_EQ:
		return (value & arg->value) == arg->second;
	default:
		fail_msg("operator %d", arg->op);
	}
	return false;
}

static bool answer_holds(const struct oci_answer *answer, const uint64_t *values)
{
	for (size_t i = 0; i < 6; i++) {
		if (!arg_holds(&answer->args[i], values[i]))
			return false;
	}
	return true;
}

static void assert_one_answer(const struct rules *rules, const struct call_rules *call,
			      const struct oci_answers *answers, const uint64_t *values)
{
	struct seccomp_data data = { .nr = (int)call->number,
				     .arch = abi_audit(abi_native()) };
	const struct oci_answer *found = NULL;

	memcpy(data.args, values, sizeof(data.args));
	for (size_t i = 0; i < answers->count; i++) {
		if (!answer_holds(&answers->list[i], values))
			continue;
		assert_null(found);
		found = &answers->list[i];
	}
	if (!found)
		fail_msg("no rule holds");
	assert_true(found &&
		    action_is_same(found->action, rules_decide(rules, &data)->action));
}

static void every_call_has_just_the_answer_of_its_clauses(void **state)
{
	static const struct made_up wanted = { .clauses_max = 4,
					       .depth_max = 3,
					       .share = 8 };
	struct made_up native = wanted;
	size_t compared = 0;

	(void)state;
	native.served = 1U << abi_native();
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct dice dice = { .seed = seed };
		struct rules rules;

		make_up_rules(&dice, &native, &arena, &rules);
		for (size_t i = 0; i < rules.abis[abi_native()].count; i++) {
			const struct call_rules *call =
				&rules.abis[abi_native()].calls[i];
			struct oci_answers answers;

			if (oci_split(call->clauses, call->clause_count, &arena,
				      &answers) < 0)
				continue;
			for (int point = 0; point < 60; point++) {
				uint64_t values[6];

				for (size_t j = 0; j < 6; j++)
					values[j] = make_up_value(&dice);
				assert_one_answer(&rules, call, &answers, values);
			}
			compared++;
		}
		arena_free(&arena);
	}
	assert_true(compared > 200);
}

/* ---- profiles, back and forth ------------------------------------------------------- */

static void resolve_text(const char *text, size_t length, struct rules *ret_rules)
{
	const struct profile_conditions conditions = { caps_default_root(), 6U << 16,
						       false };
	struct profile profile;
	struct error err = { 0 };

	if (oci_seccomp_read(text, length, "text", &arena, &profile, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(
		profile.resolve(&profile, &conditions, &arena, ret_rules, NULL, &err), 0);
}

static void assert_same_answers(const struct rules *rules, const struct rules *again)
{
	static const struct bpf_wishes plain;
	struct seccomp_program program;
	struct error err = { 0 };

	assert_int_equal(again->served, rules->served);
	assert_int_equal(again->flags, rules->flags);
	if (bpf_generate(rules, &plain, &arena, &program, &err) < 0 ||
	    bpf_verify(again, &plain, &program, &err) < 0)
		fail_msg("%s", err.text);
}

/*
 * Its last call is another: it has numbers of its own behind those that it shares. So runc
 * takes another call as the first newer one there, and no rule by name can say that.
 */
static void leave_x32_out(char *text)
{
	char *word = strstr(text, "SCMP_ARCH_X32");

	assert_non_null(word);
	memcpy(word, "SCMP_ARCH_X86", strlen("SCMP_ARCH_X86"));
}

static void assert_comes_back(const char *name)
{
	const char *folder = getenv("SBX_TEST_DATA");
	const char *written, *twice;
	static char text[TEXT_MAX + 1];
	struct rules rules, again;
	struct error err = { 0 };
	ssize_t length;

	if (!folder) {
		skip();
		return;
	}
	length = files_read(AT_FDCWD, arena_printf(&arena, "%s/seccomp/%s", folder, name),
			    text, TEXT_MAX);
	assert_true(length > 0);
	leave_x32_out(text);
	resolve_text(text, (size_t)length, &rules);
	written = oci_seccomp_write(&rules, &arena, &err);
	if (!written) {
		fail_msg("%s", err.text);
		return;
	}
	resolve_text(written, strlen(written), &again);
	assert_same_answers(&rules, &again);
	twice = oci_seccomp_write(&again, &arena, &err);
	if (!twice)
		fail_msg("%s", err.text);
	assert_string_equal(twice, written);
}

static void dockers_profile_comes_back(void **state)
{
	(void)state;
	assert_comes_back("docker.json");
}

static void podmans_profile_comes_back(void **state)
{
	(void)state;
	assert_comes_back("podman.json");
}

/* ---- policies of our own ------------------------------------------------------------ */

static void resolve_builtin(const char *name, struct rules *ret_rules)
{
	static const char *const nowhere[] = { NULL };
	const struct profile_places places = { .dirs = nowhere };
	const struct profile_conditions conditions = { caps_default_root(), 6U << 16,
						       false };
	const struct profile *profile;
	struct error err = { 0 };

	if (profile_read(name, &places, &arena, &profile, &err) < 0 ||
	    profile->resolve(profile, &conditions, &arena, ret_rules, NULL, &err) < 0)
		fail_msg("%s: %s", name, err.text);
}

static void assert_refused(const struct rules *rules, const char *message)
{
	struct error err = { 0 };

	assert_null(oci_seccomp_write(rules, &arena, &err));
	if (!strstr(err.text, message))
		fail_msg("\"%s\" instead of \"%s\"", err.text, message);
}

/*
 * Of several architectures, one has socketcall(2): there our own policies let pass only
 * what is allowed whatever its arguments, and JSON cannot say that.
 */
static void built_in_policies_can_be_said_for_one_architecture(void **state)
{
	(void)state;
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		struct rules rules = { 0 }, again;
		struct error err = { 0 };
		const char *written;

		resolve_builtin(builtin->name, &rules);
		written = oci_seccomp_write(&rules, &arena, &err);
		if (rules.served & 1U << ABI_I386) {
			assert_null(written);
			assert_non_null(strstr(err.text, "socketcall of i386"));
			rules.served = 1U << abi_native();
			written = oci_seccomp_write(&rules, &arena, &err);
		}
		if (strcmp(builtin->name, "none") == 0) {
			assert_refused(&rules, "other architectures are always killed");
			continue;
		}
		if (!written) {
			fail_msg("%s: %s", builtin->name, err.text);
			return;
		}
		resolve_text(written, strlen(written), &again);
		assert_same_answers(&rules, &again);
	}
}

/* ---- what JSON cannot say ----------------------------------------------------------- */

static void what_json_cannot_say_is_refused_by_its_line(void **state)
{
	const struct clause faked = { .action = { ACTION_FAKE, 3 },
				      .source = { "p.sbx", 7, 1 } };
	const struct clause trapped = { .action = { ACTION_TRAP, 3 },
					.source = { "p.sbx", 8, 1 } };
	struct rules rules = rules_of("read", &faked, 1);

	(void)state;
	assert_refused(&rules, "say it in JSON: p.sbx:7: read: there is no fake(3)");
	rules = rules_of("read", &trapped, 1);
	assert_refused(&rules, "p.sbx:8: read: there is no trap(3)");
	rules = rules_of("read", &unknown, 1);
	rules.foreign.action = deny;
	assert_refused(&rules, "other architectures are always killed");
	rules = rules_of("read", &unknown, 1);
	rules.unknown = faked;
	assert_refused(&rules, "p.sbx:7: there is no fake(3)");
}

static void sums_of_values_that_are_too_many_are_refused(void **state)
{
	const struct condition *when = NULL;
	struct clause clauses[] = { { 0 }, { .action = deny } };
	struct rules rules;

	(void)state;
	for (uint8_t i = 0; i < 6; i++) {
		const struct condition *test =
			test_of(&arena, i, true, TEST_NE, 0x5555555555555555, 0);

		when = when ? both_of(&arena, when, test) : test;
	}
	clauses[0] = (struct clause){ .when = when, .action = allow };
	clauses[0].source = (struct source_line){ "p.sbx", 9, 1 };
	rules = rules_of("read", clauses, 2);
	assert_refused(&rules, "p.sbx:9: read: too many values");
}

static void abis_that_disagree_are_refused(void **state)
{
	static const struct clause allowed = { .action = { ACTION_ALLOW, 0 } };
	struct call_rules call = { .name = "read",
				   .clauses = &allowed,
				   .clause_count = 1 };
	struct rules rules = rules_of("write", &allowed, 1);

	(void)state;
	if (abi_native() != ABI_X86_64)
		return;
	call.number = (uint32_t)call_number(ABI_I386, "read");
	rules.served |= 1U << ABI_I386;
	rules.abis[ABI_I386].calls = &call;
	rules.abis[ABI_I386].count = 1;
	assert_refused(&rules, "say it in JSON: ");
}

#define TEST(name) cmocka_unit_test_teardown(name, give_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(known_and_unknown_calls_are_told_apart),
		TEST(flags_and_architectures_are_written),
		TEST(calls_that_get_the_default_are_left_out),
		TEST(other_defaults_list_every_call),
		TEST(comparisons_are_written_as_they_are),
		TEST(words_of_32_bits_are_masked),
		TEST(a_set_of_values_is_a_rule_for_each),
		TEST(earlier_clauses_are_taken_out_of_later_ones),
		TEST(every_call_has_just_the_answer_of_its_clauses),
		TEST(dockers_profile_comes_back),
		TEST(podmans_profile_comes_back),
		TEST(built_in_policies_can_be_said_for_one_architecture),
		TEST(what_json_cannot_say_is_refused_by_its_line),
		TEST(sums_of_values_that_are_too_many_are_refused),
		TEST(abis_that_disagree_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
