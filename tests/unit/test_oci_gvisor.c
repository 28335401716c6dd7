/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as linux.seccomp for gVisor, which tries the rules in their order. */
#include "policy/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/policies.h"

static struct policies policies;
static unsigned int losses;

static int begin(void **state)
{
	(void)state;
	policies_init(&policies);
	return 0;
}

static int end(void **state)
{
	(void)state;
	policies_free(&policies);
	return 0;
}

static const struct json_value *hand_over(void)
{
	const struct json_value *document =
		profile_for_gvisor(policies.profile, &policies.conditions,
				   &policies.arena, &losses, &policies.err);

	if (!document)
		fail_msg("%s", policies.err.text);
	return document;
}

static const struct json_value *of_text(const char *text)
{
	policies_must_read(&policies, text);
	return hand_over();
}

static const char *text_of(const struct json_value *object, const char *key)
{
	const char *text = "";
	struct error err;

	(void)json_get_text(object, key, &text, &err);
	return text;
}

static unsigned long long number_of(const struct json_value *object, const char *key)
{
	uint64_t number = 0;
	struct error err;

	(void)json_get_unsigned(object, key, UINT64_MAX, &number, &err);
	return number;
}

static bool names(const struct json_value *rule, const char *call)
{
	const struct json_value *list = json_get(rule, "names");
	const char *name;
	struct error err;

	for (size_t i = 0; i < json_count(list); i++) {
		if (json_want_text(json_at(list, i), &name, &err) == 0 &&
		    !strcmp(name, call))
			return true;
	}
	return false;
}

/* "ACTION 0&f=1 1==2; ACTION" of the call, in the order of the rules; "" leaves it to the default. */
static const char *rules_for(const struct json_value *document, const char *call)
{
	const struct json_value *list = json_get(document, "syscalls");
	const char *line = "";

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_value *rule = json_at(list, i);
		const struct json_value *args = json_get(rule, "args");

		if (!names(rule, call))
			continue;
		line = arena_printf(&policies.arena, "%s%s%s", line, *line ? "; " : "",
				    text_of(rule, "action") + strlen("SCMP_ACT_"));
		for (size_t j = 0; j < json_count(args); j++) {
			const struct json_value *arg = json_at(args, j);

			line = arena_printf(&policies.arena, "%s %llu:%s:%llx:%llx", line,
					    number_of(arg, "index"),
					    text_of(arg, "op") + strlen("SCMP_CMP_"),
					    number_of(arg, "value"),
					    number_of(arg, "valueTwo"));
		}
	}
	return line;
}

static void errors_are_eperm_and_enosys(void **state)
{
	const struct json_value *document;

	(void)state;
	document = of_text("%sbx-policy 1\n@default allow\nmkdirat: errno(EPERM)\n"
			   "unlinkat: errno(ENOSYS)\n");
	assert_string_equal(rules_for(document, "mkdirat"), "ERRNO");
	assert_string_equal(rules_for(document, "unlinkat"), "TRACE");
	assert_string_equal(text_of(document, "defaultAction"), "SCMP_ACT_ALLOW");
	assert_int_equal(losses, 0);
	document = of_text("%sbx-policy 1\n@default allow\nmkdirat: errno(EACCES)\n");
	assert_string_equal(rules_for(document, "mkdirat"), "ERRNO");
	assert_int_equal(losses, PROFILE_LOSES_ERRNO);
}

static void what_gvisor_cannot_do_is_told(void **state)
{
	const struct json_value *document;

	(void)state;
	document = of_text("%sbx-policy 1\n@default allow\nmkdirat: kill\n");
	assert_string_equal(rules_for(document, "mkdirat"), "KILL");
	assert_int_equal(losses, PROFILE_LOSES_KILL);
	document = of_text("%sbx-policy 1\n@default errno(EPERM)\nmkdirat: log\n");
	assert_string_equal(rules_for(document, "mkdirat"), "ALLOW");
	assert_int_equal(losses, PROFILE_LOSES_LOG);
	document = of_text("%sbx-policy 1\n@default allow\nmkdirat: trap\n");
	assert_string_equal(rules_for(document, "mkdirat"), "TRAP");
	assert_int_equal(losses, 0);
}

static void clauses_keep_their_order(void **state)
{
	const struct json_value *document;

	(void)state;
	document = of_text("%sbx-policy 1\n@default allow\n"
			   "mkdir: errno(ENOSYS)\n"
			   "lseek: arg1 == 0 || arg2 == 7; else errno(ENOSYS)\n");
	assert_string_equal(rules_for(document, "lseek"),
			    "ALLOW 1:EQ:0:0; ALLOW 2:MASKED_EQ:ffffffff:7; TRACE");
}

static void alternatives_are_rules_and_conjunctions_are_not(void **state)
{
	const struct json_value *document;

	(void)state;
	document = of_text("%sbx-policy 1\n@default allow\n"
			   "lseek: arg1 == 1 && (arg2 == 2 || arg2 == 3); "
			   "else errno(EPERM)\n");
	assert_string_equal(rules_for(document, "lseek"),
			    "ALLOW 1:EQ:1:0 2:MASKED_EQ:ffffffff:2; "
			    "ALLOW 1:EQ:1:0 2:MASKED_EQ:ffffffff:3; ERRNO");
}

static void pselect6_has_the_name_of_older_releases_too(void **state)
{
	const struct json_value *document;

	(void)state;
	document = of_text("%sbx-policy 1\n@default errno(EPERM)\npselect6: allow\n");
	assert_string_equal(rules_for(document, "pselect6"), "ALLOW");
	assert_string_equal(rules_for(document, "pselect"), "ALLOW");
}

/* Each instruction of theirs may be several of a program of 4096. */
static void every_built_in_is_short_enough(void **state)
{
	static const char *const built_in[] = { "default", "strict", "dev", "nested",
						"docker" };

	(void)state;
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		policies_open(&policies, built_in[i]);
		assert_in_range(json_count(json_get(hand_over(), "syscalls")), 1, 300);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(errors_are_eperm_and_enosys, begin, end),
		cmocka_unit_test_setup_teardown(what_gvisor_cannot_do_is_told, begin,
						end),
		cmocka_unit_test_setup_teardown(clauses_keep_their_order, begin, end),
		cmocka_unit_test_setup_teardown(
			alternatives_are_rules_and_conjunctions_are_not, begin, end),
		cmocka_unit_test_setup_teardown(
			pselect6_has_the_name_of_older_releases_too, begin, end),
		cmocka_unit_test_setup_teardown(every_built_in_is_short_enough, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
