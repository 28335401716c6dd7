/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/explain.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/profile.h"
#include "policy/tables.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char text[] =
	"%sbx-policy 1\n"
	"@default allow\n"
	"@known allow\n"
	"socket: domain in {AF_UNIX, AF_INET}; else errno(EAFNOSUPPORT) "
	"explain \"seldom used\"\n"
	"acct: return EPERM\n"
	"epoll_create: fake(7)\n";

/* What is answered to one call by the text above, under this name. */
static struct explained ask(const char *name, const char *call, uint64_t argument)
{
	const struct profile_places places = { 0 };
	const struct seccomp_data data = {
		.nr = call_number(abi_native(), call),
		.arch = abi_audit(abi_native()),
		.args = { argument },
	};
	struct policy_spec policy = { .kernel = profile_kernel() };
	struct answers answers = { .policy = &policy };
	struct arena arena = { 0 };
	struct explained explained;
	struct error err;

	if (name && profile_read_text(text, sizeof(text) - 1, name, &places, &arena,
				      &policy.profile, &err) < 0)
		fail_msg("%s", err.text);
	explain_answer(&answers, &data, &explained);
	explain_words(&answers, &data, &explained);
	arena_free(&answers.arena);
	arena_free(&arena);
	return explained;
}

static void a_denial_has_its_line_and_its_reason(void **state)
{
	const struct explained explained = ask("mine", "socket", 40);

	(void)state;
	assert_false(explained.fake);
	assert_int_equal(explained.value, EAFNOSUPPORT);
	assert_int_equal(explained.word, 40);
	assert_string_equal(explained.error, "EAFNOSUPPORT");
	assert_string_equal(explained.rule, "mine:4");
	assert_string_equal(explained.why, "seldom used");
	assert_string_equal(explained.remedy, "--policy mine+socket");
	assert_int_equal(strncmp(explained.call, "socket(AF_VSOCK, ", 17), 0);
}

static void a_file_is_to_be_edited(void **state)
{
	const struct explained explained = ask("./my.sbx", "acct", 0);

	(void)state;
	assert_string_equal(explained.rule, "./my.sbx:5");
	assert_string_equal(explained.why, "");
	assert_string_equal(explained.remedy, "a line `acct: allow` in ./my.sbx");
}

static void names_are_made_printable(void **state)
{
	const struct explained explained = ask("./a\033b", "acct", 0);

	(void)state;
	assert_string_equal(explained.rule, "./a\\x1bb:5");
	assert_string_equal(explained.remedy, "a line `acct: allow` in ./a\\x1bb");
}

static void a_fake_is_no_denial(void **state)
{
	struct explained explained;

	(void)state;
	if (call_number(abi_native(), "epoll_create") < 0)
		skip();
	explained = ask("mine", "epoll_create", 1);
	assert_true(explained.fake);
	assert_int_equal(explained.value, 7);
}

static void without_a_policy_it_is_denied(void **state)
{
	const struct explained explained = ask(NULL, "acct", 0);

	(void)state;
	assert_false(explained.fake);
	assert_int_equal(explained.value, EPERM);
	assert_string_equal(explained.rule, "");
	assert_string_equal(explained.remedy, "");
}

/* Only an error of ours could ask about it: what is allowed is never notified of. */
static void what_the_rules_allow_is_denied_all_the_same(void **state)
{
	const struct explained explained = ask("mine", "getpid", 0);

	(void)state;
	assert_false(explained.fake);
	assert_int_equal(explained.value, EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_denial_has_its_line_and_its_reason),
		cmocka_unit_test(a_file_is_to_be_edited),
		cmocka_unit_test(names_are_made_printable),
		cmocka_unit_test(a_fake_is_no_denial),
		cmocka_unit_test(without_a_policy_it_is_denied),
		cmocka_unit_test(what_the_rules_allow_is_denied_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
