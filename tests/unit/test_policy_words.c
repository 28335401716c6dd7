/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#include "policy/readers.h"
#include "temporary.h"

#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OURS "%sbx-policy 1\n"

/* Writes a file of the test's directory. */
static void put_file(void **state, const char *name, const char *text)
{
	assert_non_null(temporary_file(*state, name, text, strlen(text)));
}

/* Policies whose names are looked for in the test's directory. */
struct named {
	struct policies policies;
	const char *dirs[2];
};

static void named_init(struct named *named, void **state)
{
	const struct temporary *temporary = *state;

	policies_init(&named->policies);
	named->dirs[0] = temporary->path;
	named->dirs[1] = NULL;
	named->policies.places.dirs = named->dirs;
	named->policies.places.base = temporary->path;
	named->policies.places.home = temporary->path;
}

static void must_open(struct named *named, const char *operand)
{
	policies_open(&named->policies, operand);
	if (!named->policies.rules)
		fail_msg("cannot %s (%s)", named->policies.err.text,
			 named->policies.err.hint);
}

/* ---- texts again ---- */

/* Whether both answer every call the same, at the values that their tests name. */
static void assert_same_rules(const struct rules *a, const struct rules *b,
			      const char *what)
{
	static const uint64_t values[] = { 0,
					   1,
					   2,
					   3,
					   5,
					   16,
					   38,
					   40,
					   0x5412,
					   0x20008,
					   0xffffffff,
					   0x10000000,
					   (uint64_t)1 << 32,
					   UINT64_MAX };
	enum { VALUES = sizeof(values) / sizeof(values[0]) };

	assert_int_equal(a->served, b->served);
	assert_int_equal(a->flags, b->flags);
	for (enum abi abi = 0; abi < ABI_COUNT; abi++) {
		for (uint32_t number = 0; number < 520; number++) {
			for (size_t i = 0; i < (size_t)VALUES * VALUES; i++) {
				struct seccomp_data data = {
					.arch = abi_audit(abi),
					.nr = (int)(abi == ABI_X32 ? number | X32_BIT
								   : number),
					.args = { values[i % VALUES], values[i / VALUES],
						  values[i % VALUES],
						  values[i / VALUES] },
				};

				if (!action_is_same(rules_decide(a, &data)->action,
						    rules_decide(b, &data)->action))
					fail_msg("%s: call %u of %s", what, number,
						 abi_name(abi));
			}
		}
	}
}

static void assert_shown_again(struct named *named, const char *operand, uint64_t caps)
{
	struct policies again;
	const char *text;

	named->policies.conditions.caps = caps;
	must_open(named, operand);
	text = profile_show(named->policies.profile, &named->policies.arena);
	policies_init(&again);
	again.conditions = named->policies.conditions;
	policies_read(&again, text);
	if (!again.rules)
		fail_msg("%s: cannot %s\n%s", operand, again.err.text, text);
	assert_same_rules(named->policies.rules, again.rules, operand);
	policies_free(&again);
}

static void what_is_shown_reads_as_the_same_rules(void **state)
{
	static const char *const operands[] = { "default",
						"strict",
						"dev",
						"nested",
						"docker",
						"none",
						"default+ptrace-read-@file-system",
						"./guarded",
						"./deny",
						"./abis" };
	struct named named;

	named_init(&named, state);
	put_file(state, "below",
		 OURS "@arch native i386\nread: log when !cap(CAP_KILL)\n"
		      "read: arg0 == 1; else trap\nwrite: {arg1 == 3; log}\n"
		      "{close, open}: allow\n@network-io: allow\n");
	put_file(state, "guarded",
		 OURS
		 "@extends ./below\nread: errno(EIO) when cap(CAP_KILL) && \\\n"
		 "   !cap(CAP_CHOWN)\nwrite[arch=i386]: kill when cap(CAP_CHOWN)\n"
		 "close: errno(5) explain \"a \\\"reason\\\"\"\n[limits]\nnofile = 5\n");
	put_file(state, "deny", "@denylist\nread: arg0 == 1; return EIO\nwrite: kill\n");
	put_file(state, "abis",
		 OURS "@arch native i386 x32\n{read, write[arch=x32]}: allow\n"
		      "write[arch=i386,arm]: log\n@default trap\n");
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		assert_shown_again(&named, operands[i], 0);
		assert_shown_again(&named, operands[i], caps_by_name("CAP_KILL"));
		assert_shown_again(&named, operands[i],
				   caps_by_name("CAP_KILL") | caps_by_name("CAP_CHOWN") |
					   caps_by_name("CAP_SYS_ADMIN"));
	}
	policies_free(&named.policies);
}

static void what_is_converted_reads_as_the_same_rules(void **state)
{
	static const char *const operands[] = { "default", "strict", "dev",
						"nested",  "docker", "./args" };
	struct named named;

	named_init(&named, state);
	put_file(state, "args",
		 OURS
		 "@arch native i386\n@flags log\nread: arg1 == 5 || (arg1 & 3) == 2 && "
		 "arg2 in {1, 2, 16}\nioctl: cmd in ~0x10; else fake(3)\n"
		 "mmap: {prot & PROT_EXEC; kill, flags > 0x20008; trap, log}\n"
		 "socket: !(domain == AF_UNIX || type != 3); else errno(EIO)\n"
		 "lseek: offset == -1 || offset == 0x100000000\n");
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		struct policies again;
		const char *text;

		must_open(&named, operands[i]);
		text = profile_convert(named.policies.profile, &named.policies.conditions,
				       "native", &named.policies.arena,
				       &named.policies.err);
		if (!text)
			fail_msg("cannot %s", named.policies.err.text);
		policies_init(&again);
		policies_must_read(&again, text);
		assert_same_rules(named.policies.rules, again.rules, operands[i]);
		policies_free(&again);
	}
	assert_null(profile_convert(named.policies.profile, &named.policies.conditions,
				    "nativ", &named.policies.arena, &named.policies.err));
	assert_string_equal(named.policies.err.hint, "the nearest is native");
	policies_free(&named.policies);
}

/* ---- words ---- */

static void assert_says(const char *text, const char *part)
{
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void a_call_is_explained(void **state)
{
	struct named named;
	struct policies *policies = &named.policies;
	const char *text;

	named_init(&named, state);
	policies_must_read(policies, OURS
			   "@arch native i386\nsocket: domain in {AF_UNIX, AF_INET} && "
			   "(type & 0xf) == SOCK_STREAM; else errno(EAFNOSUPPORT) "
			   "explain \"others are not needed\"\nread: allow\n");
	text = profile_explain(policies->profile, &policies->conditions, "socket",
			       &policies->arena, &policies->err);
	assert_string_equal(
		text,
		"socket on x86_64 (41), i386 (359):\n"
		"  if domain in {AF_UNIX, AF_INET} && (type & 15) == SOCK_STREAM: allow  "
		"[p:3]\n"
		"  else: errno(EAFNOSUPPORT)  [p:3: others are not needed]\n"
		"on any other ABI: kill\n");
	text = profile_explain(policies->profile, &policies->conditions, "stat64",
			       &policies->arena, &policies->err);
	assert_says(text, "stat64 on x86_64:\n  there is no such call\n");
	assert_says(text, "stat64 on i386 (195):\n  not listed: errno(EPERM)\n");
	assert_says(profile_explain(policies->profile, &policies->conditions, "read",
				    &policies->arena, &policies->err),
		    "  always: allow  [p:4]\n");
	assert_null(profile_explain(policies->profile, &policies->conditions, "scoket",
				    &policies->arena, &policies->err));
	assert_string_equal(policies->err.hint, "the nearest is socket");
	policies_free(policies);
}

static void the_program_says_why(void **state)
{
	struct named named;
	struct policies *policies = &named.policies;
	struct seccomp_data data = { .arch = abi_audit(ABI_X86_64) };
	const char *text;

	named_init(&named, state);
	policies_must_read(policies, OURS "socket: domain == AF_UNIX; else "
					  "errno(EAFNOSUPPORT) explain \"so\"\n");
	data.nr = call_number(ABI_X86_64, "socket");
	data.args[0] = 40;
	data.args[1] = 1;
	text = profile_why(policies->profile, &policies->conditions, &data,
			   &policies->arena, &policies->err);
	assert_says(text, "socket(AF_VSOCK, SOCK_STREAM, 0): errno(EAFNOSUPPORT)\n");
	assert_says(text, "  decided by p:2\n  because so\n  ");
	data.nr = call_number(ABI_X86_64, "read");
	text = profile_why(policies->profile, &policies->conditions, &data,
			   &policies->arena, &policies->err);
	assert_says(text, "errno(EPERM)\n  no line says so: it is the default\n");
	policies_free(policies);
}

static void the_linter_finds_what_is_most_often_a_mistake(void **state)
{
	static const struct {
		const char *text, *finding;
	} rows[] = {
		{ "read: allow\n", "execve is not allowed" },
		{ "read: allow\n", "exit_group is not allowed" },
		{ "rt_sigreturn: kill\n", "p:2: rt_sigreturn is not allowed" },
		{ "clone: allow\n", "clone3 is refused by EPERM" },
		{ "clone: flags == 17\nclone3: allow\n", "p:3: clone3 is allowed: what" },
		{ "socket: allow\n", "p:2: socket is allowed for every family" },
		{ "@foreign allow\n", "p:2: other ABIs are allowed" },
		{ "@default errno(EPERM)\n", "p:2: calls that are newer" },
		{ "@default allow\n",
		  "p:2: calls that are newer than the tables are allowed" },
		{ "read: allow when kernel > 1.0\nread: log\n",
		  "p:3: the line has no effect: an earlier one decides read always" },
		{ "read: fd == 1\nread: {fd == 1; kill, log}\n",
		  "p:3: read: fd == 1 never decides" },
		{ "read: fd < 5 && fd > 9; else log\n",
		  "p:2: read: fd < 5 && fd > 9 never" },
	};
	struct named named;
	struct policies *policies = &named.policies;

	named_init(&named, state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];

		snprintf(text, sizeof(text), "%s%s", OURS, rows[i].text);
		policies_must_read(policies, text);
		assert_says(profile_lint(policies->profile, &policies->conditions,
					 &policies->arena, &policies->err),
			    rows[i].finding);
	}
	put_file(
		state, "wide.json",
		"{ \"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [ { \"names\": "
		"[\"socket\"], \"action\": \"SCMP_ACT_ALLOW\", \"args\": [ { \"index\": 0, "
		"\"value\": 1, \"op\": \"SCMP_CMP_EQ\" } ] } ] }");
	must_open(&named, "./wide.json");
	assert_says(profile_lint(policies->profile, &policies->conditions,
				 &policies->arena, &policies->err),
		    "socket: 64 bits of domain are compared");
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		must_open(&named, builtin->name);
		assert_string_equal(profile_lint(policies->profile, &policies->conditions,
						 &policies->arena, &policies->err),
				    "");
	}
	policies_free(policies);
}

static void what_there_is_is_listed(void **state)
{
	struct named named;
	const char *list;

	named_init(&named, state);
	put_file(state, "zz-mine.sbx", OURS);
	list = profile_list(&named.policies.places, &named.policies.arena);
	assert_says(list, "default ");
	assert_says(list, "none ");
	assert_says(list, "zz-mine ");
	assert_says(list, "zz-mine.sbx\n");
	assert_says(profile_builtin_text("default"), "%sbx-policy 1\n");
	assert_null(profile_builtin_text("zz-mine"));
	policies_free(&named.policies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shown_reads_as_the_same_rules),
		cmocka_unit_test(what_is_converted_reads_as_the_same_rules),
		cmocka_unit_test(a_call_is_explained),
		cmocka_unit_test(the_program_says_why),
		cmocka_unit_test(the_linter_finds_what_is_most_often_a_mistake),
		cmocka_unit_test(what_there_is_is_listed),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
