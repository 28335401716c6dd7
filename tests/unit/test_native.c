/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#include "temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS "%sbx-policy 1\n"

static void read_only(struct policies *policies, const char *text)
{
	policies_init(policies);
	policies_must_read(policies, text);
}

/* ---- defaults ---- */

static void what_is_not_listed_is_refused_and_what_is_not_known_is_missing(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "read: allow\n");
	assert_answer(&policies, "allow p:2", "read", 0);
	assert_answer(&policies, "errno(EPERM)", "write", 0);
	assert_answer(&policies, "errno(ENOSYS)", "1023", 0);
	assert_answer_on(&policies, ABI_I386, "kill", "read", 0);
	policies_free(&policies);
}

static void without_the_mark_everything_else_is_killed(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, "read: 1\n");
	assert_answer(&policies, "allow p:1", "read", 0);
	assert_answer(&policies, "kill", "write", 0);
	assert_answer(&policies, "kill", "1023", 0);
	policies_free(&policies);
}

static void a_default_without_the_mark_is_for_all_that_is_not_listed(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, "@default return EPERM\nread: 1\n");
	assert_answer(&policies, "errno(EPERM) p:1", "write", 0);
	assert_answer(&policies, "errno(EPERM) p:1", "1023", 0);
	policies_free(&policies);
}

static void each_default_has_its_directive(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "@default log\n@known errno(EACCES) explain \"so\"\n"
				  "@foreign errno(ENOSYS)\nread: allow\n");
	assert_answer(&policies, "errno(EACCES) p:3", "write", 0);
	assert_answer(&policies, "log p:2", "1023", 0);
	assert_answer_on(&policies, ABI_I386, "errno(ENOSYS) p:4", "read", 0);
	assert_string_equal(policies.rules->known.why, "so");
	policies_free(&policies);
}

static void a_deny_list_allows_the_rest_and_acts_on_what_matches(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, "@denylist\nsocket: arg0 == AF_ALG; return EAFNOSUPPORT\n"
			     "ptrace: kill-process\n");
	assert_answer(&policies, "errno(EAFNOSUPPORT) p:2", "socket", 38);
	assert_answer(&policies, "allow p:1", "socket", 2);
	assert_answer(&policies, "kill p:3", "ptrace", 0);
	assert_answer(&policies, "allow p:1", "write", 0);
	policies_free(&policies);
}

/* ---- actions ---- */

static void every_action_has_its_words(void **state)
{
	static const struct {
		const char *word, *action;
	} rows[] = {
		{ "allow", "allow" },
		{ "1", "allow" },
		{ "errno(EPERM)", "errno(EPERM)" },
		{ "errno(38)", "errno(ENOSYS)" },
		{ "errno ( 0x26 )", "errno(ENOSYS)" },
		{ "return EBADF", "errno(EBADF)" },
		{ "return 9", "errno(EBADF)" },
		{ "return 0", "fake(0)" },
		{ "fake(0)", "fake(0)" },
		{ "fake(7)", "fake(7)" },
		{ "kill", "kill" },
		{ "kill-process", "kill" },
		{ "kill-thread", "kill-thread" },
		{ "trap", "trap" },
		{ "log", "log" },
		{ "notify", "notify" },
		{ "user-notify", "notify" },
		{ "trace", "trace" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policies policies;
		char text[100], expected[100];

		snprintf(text, sizeof(text), "%sread: %s\n", OURS, rows[i].word);
		snprintf(expected, sizeof(expected), "%s p:2", rows[i].action);
		read_only(&policies, text);
		assert_answer(&policies, expected, "read", 0);
		policies_free(&policies);
	}
}

static void a_line_may_say_why(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS
		  "keyctl: errno(EPERM) explain \"no \\\"namespace\\\" \\\\\" # so\n");
	assert_string_equal(policies.rules->abis[ABI_X86_64].calls[0].clauses[0].why,
			    "no \"namespace\" \\");
	policies_free(&policies);
}

/* ---- expressions ---- */

/* What `rule` answers for `read` or ioctl with these arguments. */
struct expected {
	const char *rule;
	uint64_t args[6];
	const char *answer;
};

static void assert_all(const char *call, const struct expected *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct policies policies;
		char text[300];
		const char *answer;

		snprintf(text, sizeof(text), "%s@known kill\n%s: %s\n", OURS, call,
			 rows[i].rule);
		read_only(&policies, text);
		answer = policies_answer(&policies, ABI_X86_64, call, rows[i].args);
		if (strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0)
			fail_msg("%s, row %zu: %s instead of %s", rows[i].rule, i, answer,
				 rows[i].answer);
		policies_free(&policies);
	}
}

#define HIGH ((uint64_t)1 << 32)

static void comparisons_of_wide_arguments_look_at_64_bits(void **state)
{
	static const struct expected rows[] = {
		{ "arg1 == 5", { 0, 5 }, "allow" },
		{ "arg1 == 5", { 0, 5 | HIGH }, "kill" },
		{ "buf == 5", { 0, 5 }, "allow" },
		{ "arg1 != 5", { 0, 5 }, "kill" },
		{ "arg1 != 5", { 0, 5 | HIGH }, "allow" },
		{ "arg1 < 0x100000000", { 0, HIGH - 1 }, "allow" },
		{ "arg1 < 0x100000000", { 0, HIGH }, "kill" },
		{ "arg1 <= 0x100000000", { 0, HIGH }, "allow" },
		{ "arg1 > 0xffffffff", { 0, HIGH }, "allow" },
		{ "arg1 > 0xffffffff", { 0, HIGH - 1 }, "kill" },
		{ "arg1 >= 4294967296", { 0, HIGH - 1 }, "kill" },
		{ "arg1 >= 4294967296", { 0, HIGH }, "allow" },
		{ "arg1 == -1", { 0, UINT64_MAX }, "allow" },
		{ "arg1 == -1", { 0, UINT32_MAX }, "kill" },
		{ "arg1 == ~0", { 0, UINT64_MAX }, "allow" },
		{ "arg1 & 0x100000004", { 0, HIGH }, "allow" },
		{ "arg1 & 0x100000004", { 0, 3 }, "kill" },
		{ "(arg1 & 0xff) == 0x12", { 0, 0x3412 }, "allow" },
		{ "(arg1 & 0xff) != 0x12", { 0, 0x3412 }, "kill" },
		{ "(arg1 & 0xff) >= 0x12", { 0, 0x3411 }, "kill" },
		{ "arg1 in 3", { 0, 2 }, "allow" },
		{ "arg1 in 3", { 0, 4 }, "kill" },
		{ "arg1 in 3", { 0, HIGH }, "kill" },
		{ "arg1 in ~3", { 0, HIGH | 4 }, "allow" },
		{ "arg1 in ~3", { 0, 1 }, "kill" },
		{ "arg1 in {1, 010, 0x20}", { 0, 8 }, "allow" },
		{ "arg1 in {1, 010, 0x20}", { 0, 32 }, "allow" },
		{ "arg1 in { 1 }", { 0, 2 }, "kill" },
	};

	(void)state;
	assert_all("read", rows, sizeof(rows) / sizeof(rows[0]));
}

static void arguments_of_32_bits_are_compared_on_32_bits(void **state)
{
	static const struct expected rows[] = {
		{ "cmd == TIOCSTI", { 0, 0x5412 }, "allow" },
		{ "cmd == TIOCSTI", { 0, 0x5412 | HIGH }, "allow" },
		{ "arg1 == TIOCSTI", { 0, 0x5412 | HIGH }, "allow" },
		{ "cmd != TIOCSTI", { 0, 0x5412 | HIGH }, "kill" },
		{ "cmd == -1", { 0, UINT32_MAX }, "allow" },
		{ "cmd == 0xffffffff", { 0, UINT64_MAX }, "allow" },
		{ "cmd < 5", { 0, 4 | HIGH }, "allow" },
		{ "cmd in ~1", { 0, HIGH }, "allow" },
		{ "cmd & 1", { 0, HIGH }, "kill" },
		{ "(cmd & ~0xff) == 0x5400", { 0, HIGH | 0x5412 }, "allow" },
	};

	(void)state;
	assert_all("ioctl", rows, sizeof(rows) / sizeof(rows[0]));
}

static void and_binds_stronger_than_or(void **state)
{
	static const struct expected rows[] = {
		{ "arg1 == 1 || arg1 == 2 && arg2 == 3", { 0, 1, 0 }, "allow" },
		{ "arg1 == 1 || arg1 == 2 && arg2 == 3", { 0, 2, 0 }, "kill" },
		{ "arg1 == 1 || arg1 == 2 && arg2 == 3", { 0, 2, 3 }, "allow" },
		{ "(arg1 == 1 || arg1 == 2) && arg2 == 3", { 0, 1, 0 }, "kill" },
		{ "(arg1 == 1 || arg1 == 2) && arg2 == 3", { 0, 1, 3 }, "allow" },
		{ "((arg1 & 1) == 1 && ((arg2 == 2)))", { 0, 3, 2 }, "allow" },
		{ "(arg1 & 1 && arg2 & 2)", { 0, 3, 3 }, "allow" },
		{ "(arg1 & 1) || arg2 & 2", { 0, 0, 2 }, "allow" },
		{ "!(arg1 == 1)", { 0, 1 }, "kill" },
		{ "!(arg1 == 1 || arg2 > 3)", { 0, 2, 3 }, "allow" },
		{ "!(arg1 == 1 || arg2 > 3)", { 0, 2, 4 }, "kill" },
		{ "!(arg1 == 1 && arg2 <= 3) && arg1 < 9", { 0, 1, 4 }, "allow" },
		{ "!!(arg1 >= 1)", { 0, 1 }, "allow" },
		{ "arg1 in {1, 2} && !(arg2 in ~1)", { 0, 1, 1 }, "allow" },
		{ "arg1 in {1, 2} && !(arg2 in ~1)", { 0, 1, 2 }, "kill" },
	};

	(void)state;
	assert_all("read", rows, sizeof(rows) / sizeof(rows[0]));
}

static void values_are_joined_by_or_and_inverted(void **state)
{
	static const struct expected rows[] = {
		{ "prot == PROT_READ|PROT_WRITE", { 0, 0, 3 }, "allow" },
		{ "prot == (PROT_READ | 0x2)", { 0, 0, 3 }, "allow" },
		{ "prot in ~(PROT_EXEC|8)", { 0, 0, 4 }, "kill" },
		{ "prot in ~PROT_EXEC || arg2 in ~PROT_WRITE", { 0, 0, 4 }, "allow" },
		{ "prot in ~PROT_EXEC || arg2 in ~PROT_WRITE", { 0, 0, 6 }, "kill" },
		{ "arg0 == ~~5", { 5 }, "allow" },
	};

	(void)state;
	assert_all("mmap", rows, sizeof(rows) / sizeof(rows[0]));
}

static void else_is_for_what_does_not_match(void **state)
{
	static const struct expected rows[] = {
		{ "arg1 == 1; else errno(EIO)", { 0, 1 }, "allow" },
		{ "arg1 == 1; else errno(EIO)", { 0, 2 }, "errno(EIO)" },
		{ "arg1 == 1; return EIO", { 0, 1 }, "allow" },
		{ "arg1 == 1; return EIO", { 0, 2 }, "errno(EIO)" },
		{ "arg1 == 1", { 0, 2 }, "kill" },
		{ "arg1 == 1 ; else trap explain \"x\"", { 0, 2 }, "trap" },
	};

	(void)state;
	assert_all("read", rows, sizeof(rows) / sizeof(rows[0]));
}

static void the_first_part_of_a_block_that_matches_decides(void **state)
{
	static const struct expected rows[] = {
		{ "{ arg1 == 1; return EIO, arg1 < 3, kill-thread }",
		  { 0, 1 },
		  "errno(EIO)" },
		{ "{ arg1 == 1; return EIO, arg1 < 3, kill-thread }", { 0, 2 }, "allow" },
		{ "{ arg1 == 1; return EIO, arg1 < 3, kill-thread }",
		  { 0, 3 },
		  "kill-thread" },
		{ "{ arg1 == 1; allow }", { 0, 1 }, "allow" },
		{ "{ arg1 == 1; log }", { 0, 2 }, "kill" },
		{ "{ allow }", { 0, 2 }, "allow" },
	};

	(void)state;
	assert_all("read", rows, sizeof(rows) / sizeof(rows[0]));
}

/* ---- names ---- */

static void sets_and_groups_name_many_calls_and_minus_takes_out(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS
		  "{read, write , -nosuch?}: allow\n{@debug, -ptrace}: errno(EACCES)\n"
		  "ptrace: log\n{-close, @debug@v1?, close, open, nosuch?, "
		  "-@debug}: trap\n");
	assert_answer(&policies, "allow p:2", "read", 0);
	assert_answer(&policies, "allow p:2", "write", 0);
	assert_answer(&policies, "errno(EACCES) p:3", "perf_event_open", 0);
	assert_answer(&policies, "log p:4", "ptrace", 0);
	assert_answer(&policies, "errno(EPERM)", "close", 0);
	assert_answer(&policies, "trap p:5", "open", 0);
	policies_free(&policies);
}

static void optional_names_are_left_out_where_nobody_knows_them(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "opne?: kill\n@nosuch?: kill\n{opne, @nosuch, read}?: "
				  "allow\n");
	policies_free(&policies);
}

static void a_call_of_another_abi_is_no_error(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "{socketcall, mmap2, read}: allow\n");
	assert_answer(&policies, "allow p:2", "read", 0);
	assert_int_equal(policies.rules->abis[ABI_X86_64].count, 1);
	policies_free(&policies);
}

static void a_number_is_a_name_too(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "0: allow\n1000: log\n");
	assert_answer(&policies, "allow p:2", "read", 0);
	assert_answer(&policies, "log p:3", "1000", 0);
	policies_free(&policies);
}

static void names_may_be_for_some_abis_only(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "@arch native i386\nread[arch=x86_64]: allow\n"
				  "read[arch=x86,arm64]: log\n"
				  "{write[arch=i386], @debug[arch=arm]}: trap\n");
	assert_answer(&policies, "allow p:3", "read", 0);
	assert_answer_on(&policies, ABI_I386, "log p:4", "read", 0);
	assert_answer(&policies, "errno(EPERM)", "write", 0);
	assert_answer_on(&policies, ABI_I386, "trap p:5", "write", 0);
	assert_answer(&policies, "errno(EPERM)", "ptrace", 0);
	policies_free(&policies);
}

/* ---- conditions ---- */

static void a_line_is_there_when_its_condition_holds(void **state)
{
	static const struct {
		const char *when;
		bool holds;
	} rows[] = {
		{ "cap(CAP_SYS_ADMIN)", true },
		{ "cap(sys_admin)", true },
		{ "cap(CAP_NET_RAW)", false },
		{ "!cap(CAP_NET_RAW)", true },
		{ "kernel >= 5.14", true },
		{ "kernel >= 6.1", true },
		{ "kernel > 6.1", false },
		{ "kernel < 6.2", true },
		{ "kernel <= 6", false },
		{ "kernel == 6.1", true },
		{ "kernel != 6.1", false },
		{ "arch(x86_64)", true },
		{ "arch(arm64, arm)", false },
		{ "arch(i386) || cap(CAP_SYS_ADMIN) && kernel > 4.0", true },
		{ "(arch(i386) || cap(CAP_SYS_ADMIN)) && !(kernel > 4.0)", false },
		{ "!!arch(x86_64)", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policies policies;
		char text[200];

		policies_init(&policies);
		policies.conditions.caps = caps_by_name("SYS_ADMIN");
		snprintf(text, sizeof(text), "%sread: allow when %s explain \"x\"\n",
			 OURS, rows[i].when);
		policies_must_read(&policies, text);
		if (policies.rules->abis[ABI_X86_64].count != rows[i].holds)
			fail_msg("when %s", rows[i].when);
		policies_free(&policies);
	}
}

static void lines_for_one_call_hold_in_order(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "read: allow when cap(CAP_SYS_ADMIN)\n"
				  "read: arg1 == 1\nread: {arg1 == 2; log}\n"
				  "read: errno(EIO)\n");
	assert_answer(&policies, "allow p:3", "read", 0, 1);
	assert_answer(&policies, "log p:4", "read", 0, 2);
	assert_answer(&policies, "errno(EIO) p:5", "read", 0, 3);
	policies.conditions.caps = caps_by_name("SYS_ADMIN");
	policies_must_read(&policies, OURS "read: allow when cap(CAP_SYS_ADMIN)\n"
					   "read: errno(EIO)\n");
	assert_answer(&policies, "allow p:2", "read", 0, 3);
	policies_free(&policies);
}

/* ---- lines ---- */

static void lines_are_continued_and_commented(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, "\xef\xbb\xbf%sbx-policy 1 # ours\r\n\n  # nothing\n"
			     "\tread \\\n : arg1 == 1 \\  \n || \\\n arg1 == 2 # yes\r\n"
			     "[seccomp] # again\nwrite:allow");
	assert_answer(&policies, "allow p:4", "read", 0, 2);
	assert_answer(&policies, "allow p:9", "write", 0);
	policies_free(&policies);
}

static void other_sections_are_kept_as_they_are(void **state)
{
	struct policies policies;
	const struct profile_setting *settings;
	size_t count;

	(void)state;
	read_only(&policies, OURS
		  "read: allow\n[caps]\nbounding = none # all\nambient=CAP_NET_RAW \\\n"
		  " CAP_CHOWN\n[landlock]\nrw = ${HOME}/a#b \"x\"\n"
		  "ro = \" /with # blanks\"\n[limits]\nnofile = 64\nmemory = 2G\n"
		  "[seccomp]\nwrite: log\n");
	settings = profile_settings(policies.profile, &count);
	assert_int_equal(count, 6);
	assert_string_equal(settings[0].section, "caps");
	assert_string_equal(settings[0].key, "bounding");
	assert_string_equal(settings[0].value, "none");
	assert_string_equal(settings[0].file, "p");
	assert_int_equal(settings[0].line, 4);
	assert_string_equal(settings[1].value, "CAP_NET_RAW  CAP_CHOWN");
	assert_string_equal(settings[2].value, "${HOME}/a#b \"x\"");
	assert_string_equal(settings[3].value, " /with # blanks");
	assert_string_equal(settings[4].key, "nofile");
	assert_string_equal(settings[5].section, "limits");
	assert_answer(&policies, "log p:14", "write", 0);
	policies_free(&policies);
}

static void flags_are_kept(void **state)
{
	struct policies policies;

	(void)state;
	read_only(&policies, OURS "@flags log spec-allow\nread: allow\n");
	assert_int_equal(policies.rules->flags, RULES_LOG | RULES_SPEC_ALLOW);
	policies_free(&policies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_not_listed_is_refused_and_what_is_not_known_is_missing),
		cmocka_unit_test(without_the_mark_everything_else_is_killed),
		cmocka_unit_test(
			a_default_without_the_mark_is_for_all_that_is_not_listed),
		cmocka_unit_test(each_default_has_its_directive),
		cmocka_unit_test(a_deny_list_allows_the_rest_and_acts_on_what_matches),
		cmocka_unit_test(every_action_has_its_words),
		cmocka_unit_test(a_line_may_say_why),
		cmocka_unit_test(comparisons_of_wide_arguments_look_at_64_bits),
		cmocka_unit_test(arguments_of_32_bits_are_compared_on_32_bits),
		cmocka_unit_test(and_binds_stronger_than_or),
		cmocka_unit_test(values_are_joined_by_or_and_inverted),
		cmocka_unit_test(else_is_for_what_does_not_match),
		cmocka_unit_test(the_first_part_of_a_block_that_matches_decides),
		cmocka_unit_test(sets_and_groups_name_many_calls_and_minus_takes_out),
		cmocka_unit_test(optional_names_are_left_out_where_nobody_knows_them),
		cmocka_unit_test(a_call_of_another_abi_is_no_error),
		cmocka_unit_test(a_number_is_a_name_too),
		cmocka_unit_test(names_may_be_for_some_abis_only),
		cmocka_unit_test(a_line_is_there_when_its_condition_holds),
		cmocka_unit_test(lines_for_one_call_hold_in_order),
		cmocka_unit_test(lines_are_continued_and_commented),
		cmocka_unit_test(other_sections_are_kept_as_they_are),
		cmocka_unit_test(flags_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
