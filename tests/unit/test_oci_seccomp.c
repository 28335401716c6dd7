/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/readers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "policy/policy.h"

static struct arena arena;

static int give_back(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* JSON is written with single quotes here. */
static int read_text(const char *text, struct profile *ret_profile, struct error *err)
{
	char *copy = arena_strdup(&arena, text);

	memset(err, 0, sizeof(*err));
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return oci_seccomp_read(copy, strlen(copy), "p.json", &arena, ret_profile, err);
}

static struct notes notes;
static struct rules rules;

static void resolve_for(const char *text, const struct profile_conditions *conditions)
{
	struct profile profile;
	struct error err;

	if (read_text(text, &profile, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(profile.name, "p.json");
	notes = (struct notes){ .arena = &arena };
	assert_int_equal(
		profile.resolve(&profile, conditions, &arena, &rules, &notes, &err), 0);
}

static void resolve(const char *text)
{
	static const struct profile_conditions plain = { .kernel = 6U << 16 };

	resolve_for(text, &plain);
}

struct arguments {
	uint64_t values[6];
};

static const struct clause *decide(enum abi abi, int number, struct arguments arguments)
{
	struct seccomp_data data = { .nr = number, .arch = abi_audit(abi) };

	for (size_t i = 0; i < 6; i++)
		data.args[i] = arguments.values[i];
	return rules_decide(&rules, &data);
}

#define ARGUMENTS(...) ((struct arguments){ { __VA_ARGS__ } })

static void assert_answer_on(enum abi abi, const char *name, struct arguments arguments,
			     const char *answer)
{
	int number = call_number(abi, name);
	char text[32];

	assert_true(number >= 0);
	assert_string_equal(
		action_text(decide(abi, number, arguments)->action, text, sizeof(text)),
		answer);
}

static void assert_answer(const char *name, struct arguments arguments,
			  const char *answer)
{
	assert_answer_on(abi_native(), name, arguments, answer);
}

static bool has_note(const char *part)
{
	for (size_t i = 0; i < notes.count; i++) {
		if (strstr(notes.lines[i], part))
			return true;
	}
	return false;
}

static void assert_noted(const char *part)
{
	if (!has_note(part))
		fail_msg("no note says \"%s\"; the first of %zu is \"%s\"", part,
			 notes.count, notes.count ? notes.lines[0] : "");
}

#define HEAD(ACTION)       "{'defaultAction':'SCMP_ACT_" ACTION "'"
#define RULE(NAME, ACTION) "{'names':['" NAME "'],'action':'SCMP_ACT_" ACTION "'"
#define ARG(INDEX, OP, VALUE)                                                            \
	"{'index':" INDEX ",'op':'SCMP_CMP_" OP "','value':" VALUE "}"

/* ---- actions ------------------------------------------------------------------------ */

static void every_action_is_read(void **state)
{
	(void)state;
	resolve(HEAD("ALLOW") ",'syscalls':[" RULE("read", "KILL") "}," RULE(
		"write",
		"KILL_THREAD") ","
			       "'comment':'x'}," RULE("close", "KILL_PROCESS") "}," RULE("fstat", "TRAP") "}," RULE("lseek", "ERRNO") "}," RULE("mmap", "ERRNO") ",'errnoRet':38}," RULE(
				       "munmap",
				       "ERRNO") ",'errnoRet':0}," RULE("brk",
								       "TRACE") "}," RULE("ioctl",
											  "TRACE") ",'errnoRet':7}," RULE("dup",
															  "LOG") "}," RULE("getpid",
																	   "NOTIFY") "}]}");
	assert_answer("read", ARGUMENTS(0), "kill-thread");
	assert_answer("write", ARGUMENTS(0), "kill-thread");
	assert_answer("close", ARGUMENTS(0), "kill");
	assert_answer("fstat", ARGUMENTS(0), "trap");
	assert_answer("lseek", ARGUMENTS(0), "errno(EPERM)");
	assert_answer("mmap", ARGUMENTS(0), "errno(ENOSYS)");
	assert_answer("munmap", ARGUMENTS(0), "fake(0)");
	assert_answer("brk", ARGUMENTS(0), "trace(1)");
	assert_answer("ioctl", ARGUMENTS(0), "trace(7)");
	assert_answer("dup", ARGUMENTS(0), "log");
	assert_answer("getpid", ARGUMENTS(0), "notify");
	assert_answer("getppid", ARGUMENTS(0), "allow");
	assert_int_equal(notes.count, 0);
}

static void errors_by_name_outrank_numbers(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'defaultErrnoRet':1,'defaultErrno':'ENOSYS','syscalls':[" RULE(
		"read",
		"ERRNO") ",'errno':'EINVAL','errnoRet':1}," RULE("write",
								 "ERRNO") ",'errno':'13'}," RULE("close",
												 "ERRNO") ",'errno':'','errnoRet':5}]}");
	assert_answer("getpid", ARGUMENTS(0), "errno(ENOSYS)");
	assert_answer("read", ARGUMENTS(0), "errno(EINVAL)");
	assert_answer("write", ARGUMENTS(0), "errno(EACCES)");
	assert_answer("close", ARGUMENTS(0), "errno(EIO)");
}

/* ---- arguments ---------------------------------------------------------------------- */

static void operators_compare_64_bits(void **state)
{
	static const struct {
		const char *op;
		const char *below, *at, *above;
	} cases[] = {
		{ "EQ", "allow", "errno(EPERM)", "allow" },
		{ "NE", "errno(EPERM)", "allow", "errno(EPERM)" },
		{ "LT", "errno(EPERM)", "allow", "allow" },
		{ "LE", "errno(EPERM)", "errno(EPERM)", "allow" },
		{ "GT", "allow", "allow", "errno(EPERM)" },
		{ "GE", "allow", "errno(EPERM)", "errno(EPERM)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		resolve(arena_printf(
			&arena,
			HEAD("ALLOW") ",'syscalls':[" RULE(
				"read", "ERRNO") ",'args':[{'index':2,'value':4294967296,"
						 "'op':'SCMP_CMP_%s'}]}]}",
			cases[i].op));
		assert_answer("read", ARGUMENTS(0, 0, UINT32_MAX), cases[i].below);
		assert_answer("read", ARGUMENTS(0, 0, 1ULL << 32), cases[i].at);
		assert_answer("read", ARGUMENTS(0, 0, (1ULL << 32) + 1), cases[i].above);
	}
}

static void a_mask_takes_its_expected_value_from_the_second(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[" RULE(
		"clone",
		"ALLOW") ",'args':[{'index':0,'value':18446744069414584320,'valueTwo':4294967296,"
			 "'op':'SCMP_CMP_MASKED_EQ'}]}]}");
	assert_answer("clone", ARGUMENTS(1ULL << 32 | 5), "allow");
	assert_answer("clone", ARGUMENTS(3ULL << 32), "errno(EPERM)");
	assert_answer("clone", ARGUMENTS(0), "errno(EPERM)");
}

static void arguments_of_a_rule_must_all_hold(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[" RULE("read", "ALLOW") ",'args':[" ARG(
		"0", "EQ", "1") "," ARG("1", "EQ", "2") "]}]}");
	assert_answer("read", ARGUMENTS(1, 2), "allow");
	assert_answer("read", ARGUMENTS(1, 3), "errno(EPERM)");
	assert_answer("read", ARGUMENTS(0, 2), "errno(EPERM)");
}

static void an_argument_that_is_tested_twice_parts_the_rule(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[" RULE("read", "ALLOW") ",'args':[" ARG(
		"0", "EQ", "1") "," ARG("0", "EQ", "2") "," ARG("1", "EQ", "7") "]}]}");
	assert_answer("read", ARGUMENTS(1), "allow");
	assert_answer("read", ARGUMENTS(2), "allow");
	assert_answer("read", ARGUMENTS(3, 7), "allow");
	assert_answer("read", ARGUMENTS(3), "errno(EPERM)");
	assert_noted("p.json:1: args: one of them is enough");
}

/* ---- several rules of one call ------------------------------------------------------ */

static void any_rule_of_a_call_may_hold(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[" RULE("read", "ALLOW") ",'args':[" ARG(
		"0", "EQ", "1") "]}," RULE("read",
					   "KILL_PROCESS") ",'args':[" ARG("0", "EQ",
									   "2") "]}]}");
	assert_answer("read", ARGUMENTS(1), "allow");
	assert_answer("read", ARGUMENTS(2), "kill");
	assert_answer("read", ARGUMENTS(3), "errno(EPERM)");
	assert_int_equal(notes.count, 0);
}

static void a_rule_without_arguments_decides_alone(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[\n" RULE("read", "KILL_PROCESS") ",'args':[" ARG(
		"0", "EQ", "1") "]},\n" RULE("read", "ALLOW") "},\n" RULE("read",
									  "TRAP") "}]}");
	assert_answer("read", ARGUMENTS(1), "allow");
	assert_answer("read", ARGUMENTS(2), "allow");
	assert_noted("p.json:2: read: kill has no effect: p.json:3 says allow always");
	assert_noted("p.json:4: read: trap has no effect: p.json:3 says allow always");
}

static void what_says_the_default_is_not_there(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[\n" RULE("read", "ERRNO") "},\n" RULE("read", "ALLOW") "},\n" RULE(
		"write",
		"ERRNO") ",'args':[" ARG("0", "EQ",
					 "1") "]},\n" RULE("write",
							   "ALLOW") ",'args':[" ARG("0",
										    "LE",
										    "1") "]},\n" RULE("close",
												      "ERRNO") "}]}");
	assert_answer("read", ARGUMENTS(0), "allow");
	assert_answer("write", ARGUMENTS(1), "allow");
	assert_answer("write", ARGUMENTS(2), "errno(EPERM)");
	assert_answer("close", ARGUMENTS(0), "errno(EPERM)");
	assert_noted("p.json:2: read: errno(EPERM) has no effect: p.json:3 says allow");
	assert_noted("p.json:4: write: errno(EPERM) has no effect: it is the default");
	assert_int_equal(notes.count, 2);
}

static void rules_that_overlap_are_noted(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[\n" RULE("read", "ALLOW") ",'args':[" ARG("0", "LT", "9") "]},\n" RULE("read", "KILL") ",'args':[" ARG(
		"0", "GE",
		"8") "]},\n" RULE("write",
				  "ALLOW") ",'args':[" ARG("0", "LT",
							   "9") "]},\n" RULE("write",
									     "KILL") ",'args':[" ARG("0",
												     "GE",
												     "9") "]}]}");
	assert_int_equal(notes.count, 1);
	assert_noted("p.json:3: read: may say otherwise than p.json:2");
}

static void calls_newer_than_the_profile_do_not_exist(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",'syscalls':[" RULE("statx", "ERRNO") "}," RULE(
		"read", "ALLOW") "}]}");
	assert_answer("read", ARGUMENTS(0), "allow");
	assert_answer("statx", ARGUMENTS(0), "errno(EPERM)");
	assert_answer("write", ARGUMENTS(0), "errno(EPERM)");
	assert_answer("clone3", ARGUMENTS(0), "errno(ENOSYS)");
	assert_int_equal(decide(abi_native(), 4000, ARGUMENTS(0))->action.value, ENOSYS);
}

static void defaults_that_let_pass_hold_for_newer_calls(void **state)
{
	(void)state;
	resolve(HEAD("LOG") ",'syscalls':[" RULE("read", "ERRNO") "}]}");
	assert_answer("clone3", ARGUMENTS(0), "log");
	assert_int_equal(decide(abi_native(), 4000, ARGUMENTS(0))->action.kind,
			 ACTION_LOG);
}

/* ---- includes and excludes ---------------------------------------------------------- */

#define GUARDED(PART) HEAD("ERRNO") ",'syscalls':[" RULE("read", "ALLOW") "," PART "}]}"

static void assert_guard(const char *text, uint64_t caps, unsigned int kernel, bool holds)
{
	const struct profile_conditions conditions = { .caps = caps, .kernel = kernel };

	resolve_for(text, &conditions);
	assert_answer("read", ARGUMENTS(0), holds ? "allow" : "errno(EPERM)");
}

enum { KERNEL_5_9 = 5 << 16 | 9, KERNEL_5_10 = 5 << 16 | 10 };

static void capabilities_are_asked_for(void **state)
{
	static const char *const included =
		GUARDED("'includes':{'caps':['CAP_CHOWN','CAP_KILL']}");
	static const char *const excluded =
		GUARDED("'excludes':{'caps':['CAP_CHOWN','CAP_KILL']}");
	static const char *const unknown = GUARDED("'includes':{'caps':['CAP_FLY']}");
	const uint64_t chown = 1, kill = 1 << 5;

	(void)state;
	assert_guard(included, 0, 0, false);
	assert_guard(included, chown, 0, false);
	assert_guard(included, chown | kill, 0, true);
	assert_guard(excluded, 0, 0, true);
	assert_guard(excluded, kill, 0, false);
	assert_guard(unknown, UINT64_MAX, 0, false);
	assert_noted("CAP_FLY: no capability");
	assert_guard(GUARDED("'excludes':{'caps':['CAP_FLY']}"), UINT64_MAX, 0, true);
}

static void kernels_are_asked_for(void **state)
{
	(void)state;
	assert_guard(GUARDED("'includes':{'minKernel':'5.10'}"), 0, KERNEL_5_9, false);
	assert_guard(GUARDED("'includes':{'minKernel':'5.10'}"), 0, KERNEL_5_10, true);
	assert_guard(GUARDED("'excludes':{'minKernel':'5.10'}"), 0, KERNEL_5_9, true);
	assert_guard(GUARDED("'excludes':{'minKernel':'5.10'}"), 0, KERNEL_5_10, false);
}

static void architectures_are_asked_for(void **state)
{
	bool is_pc = abi_native() == ABI_X86_64;

	(void)state;
	assert_guard(GUARDED("'includes':{'arches':['amd64','s390x']}"), 0, 0, is_pc);
	assert_guard(GUARDED("'includes':{'arches':['s390x']}"), 0, 0, false);
	assert_guard(GUARDED("'excludes':{'arches':['amd64']}"), 0, 0, !is_pc);
	assert_guard(GUARDED("'includes':{},'excludes':null"), 0, 0, true);
}

/* ---- architectures and flags -------------------------------------------------------- */

static void only_what_is_listed_is_served(void **state)
{
	(void)state;
	resolve(HEAD("ALLOW") "}");
	assert_int_equal(rules.served, 1 << abi_native());
	resolve(HEAD("ALLOW") ",'architectures':['SCMP_ARCH_X86','SCMP_ARCH_X32',"
			      "'SCMP_ARCH_ARM','SCMP_ARCH_RISCV64']}");
	assert_int_equal(rules.served & ~abi_served(), 0);
	if (abi_native() == ABI_X86_64)
		assert_int_equal(rules.served,
				 1 << ABI_X86_64 | 1 << ABI_X32 | 1 << ABI_I386);
}

static void a_map_is_read_for_this_machine(void **state)
{
	(void)state;
	resolve(HEAD("ALLOW") ",'archMap':["
			      "{'architecture':'SCMP_ARCH_MIPS','subArchitectures':["
			      "'SCMP_ARCH_X32']},"
			      "{'architecture':'SCMP_ARCH_X86_64','subArchitectures':["
			      "'SCMP_ARCH_X86']},"
			      "{'architecture':'SCMP_ARCH_RISCV64',"
			      "'subArchitectures':null}]}");
	if (abi_native() == ABI_X86_64)
		assert_int_equal(rules.served, 1 << ABI_X86_64 | 1 << ABI_I386);
}

static void flags_are_those_of_the_runtimes(void **state)
{
	(void)state;
	resolve(HEAD("ALLOW") "}");
	assert_int_equal(rules.flags, RULES_SPEC_ALLOW);
	resolve(HEAD("ALLOW") ",'flags':[]}");
	assert_int_equal(rules.flags, 0);
	resolve(HEAD("ALLOW") ",'flags':['SECCOMP_FILTER_FLAG_TSYNC',"
			      "'SECCOMP_FILTER_FLAG_LOG',"
			      "'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']}");
	assert_int_equal(rules.flags, RULES_LOG | RULES_WAIT_KILLABLE);
}

static void sockets_of_i386_go_through_one_call_as_well(void **state)
{
	(void)state;
	if (abi_native() != ABI_X86_64)
		return;
	resolve(HEAD("ERRNO") ",'architectures':['SCMP_ARCH_X86'],'syscalls':[" RULE(
		"socket",
		"ALLOW") ",'args':[" ARG("0", "EQ",
					 "1") "]}," RULE("semget",
							 "ALLOW") "}," RULE("clone3",
									    "ALLOW") "}]}");
	assert_answer_on(ABI_I386, "socket", ARGUMENTS(1), "allow");
	assert_answer_on(ABI_I386, "socket", ARGUMENTS(2), "errno(EPERM)");
	assert_answer_on(ABI_I386, "socketcall", ARGUMENTS(1), "allow");
	assert_answer_on(ABI_I386, "socketcall", ARGUMENTS(2), "errno(EPERM)");
	assert_answer_on(ABI_I386, "semget", ARGUMENTS(0), "allow");
	assert_answer_on(ABI_I386, "ipc", ARGUMENTS(2), "allow");
	assert_answer_on(ABI_I386, "ipc", ARGUMENTS(3), "errno(EPERM)");
}

static void other_architectures_are_killed(void **state)
{
	struct seccomp_data data = { .nr = 0, .arch = AUDIT_ARCH_S390X };

	(void)state;
	resolve(HEAD("ALLOW") "}");
	assert_int_equal(rules_decide(&rules, &data)->action.kind, ACTION_KILL);
}

/* ---- what is said about a text ------------------------------------------------------ */

static void what_nobody_knows_is_noted(void **state)
{
	(void)state;
	resolve(HEAD("ERRNO") ",\n'syscals':[],'syscalls':[\n"
			      "{'names':['read',\n'raed'],'action':'SCMP_ACT_ALLOW',"
			      "'prio':1,'args':[{'index':0,'op':'SCMP_CMP_EQ',"
			      "'valeu':5}],'includes':{'cap':[]}}]}");
	assert_noted("p.json:2: syscals: a member that nobody knows");
	assert_noted("p.json:4: raed: no system call that is known here");
	assert_noted("p.json:4: prio: ");
	assert_noted("p.json:4: valeu: ");
	assert_noted("p.json:4: cap: ");
	assert_answer("read", ARGUMENTS(0), "allow");
}

static void clauses_know_their_lines(void **state)
{
	const struct clause *clause;

	(void)state;
	resolve("{\n'defaultAction':\n\t'SCMP_ACT_ERRNO','syscalls':[{'names':[\n'read',\n"
		"'write'],'action':'SCMP_ACT_ALLOW'}]}");
	clause = decide(abi_native(), call_number(abi_native(), "write"), ARGUMENTS(0));
	assert_string_equal(clause->source.file, "p.json");
	assert_int_equal(clause->source.line, 5);
	assert_int_equal(clause->source.column, 1);
	assert_int_equal(rules.known.source.line, 3);
	assert_int_equal(rules.known.source.column, 2);
}

static const struct {
	const char *text, *message;
} refused[] = {
	{ "[]", "read p.json:1:1: the document: not an object" },
	{ "{}", "read p.json:1:1: the document: defaultAction is missing" },
	{ "{'defaultAction':'SCMP_ACT_ALOW'}",
	  "read p.json:1:18: defaultAction: \"SCMP_ACT_ALOW\" is no action (nearest: "
	  "SCMP_ACT_ALLOW)" },
	{ HEAD("ALLOW") ",'defaultAction':'SCMP_ACT_KILL'}", "duplicate" },
	{ HEAD("ALLOW") ",'defaultErrnoRet':1}",
	  "defaultErrnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE have one" },
	{ HEAD("ALLOW") ",'defaultErrno':'EPERM'}", "defaultErrno: only SCMP_ACT_ERRNO" },
	{ HEAD("ERRNO") ",'defaultErrno':'EPREM'}",
	  "defaultErrno: no error is called so" },
	{ HEAD("ERRNO") ",'defaultErrnoRet':4096}",
	  "defaultErrnoRet: not within 0 and 4095" },
	{ HEAD("ERRNO") ",'defaultErrnoRet':'1'}", "defaultErrnoRet: not an integer" },
	{ HEAD("ALLOW") ",'architectures':['SCMP_ARCH_X68']}",
	  "architectures[0]: \"SCMP_ARCH_X68\" is no architecture" },
	{ HEAD("ALLOW") ",'architectures':['SCMP_ARCH_X86'],'archMap':["
			"{'architecture':'SCMP_ARCH_X86'}]}",
	  "archMap: architectures is there as well" },
	{ HEAD("ALLOW") ",'archMap':[{}]}", "archMap[0]: architecture is missing" },
	{ HEAD("ALLOW") ",'flags':['SECCOMP_FILTER_FLAG_LOGG']}",
	  "flags[0]: \"SECCOMP_FILTER_FLAG_LOGG\" is no flag (nearest: "
	  "SECCOMP_FILTER_FLAG_LOG)" },
	{ HEAD("ALLOW") ",'listenerPath':'/run/x'}", "listenerPath: not supported yet" },
	{ HEAD("ALLOW") ",'listenerMetadata':'x'}", "listenerMetadata: not supported" },
	{ HEAD("ALLOW") ",'syscalls':[{}]}", "syscalls[0]: names is missing" },
	{ HEAD("ALLOW") ",'syscalls':[{'names':[]}]}", "syscalls[0]: names is missing" },
	{ HEAD("ALLOW") ",'syscalls':[{'names':['a'],'name':'b'}]}",
	  "syscalls[0].name: names is there as well" },
	{ HEAD("ALLOW") ",'syscalls':[{'name':'read'}]}",
	  "syscalls[0]: action is missing" },
	{ HEAD("ALLOW") ",'syscalls':['read']}", "syscalls[0]: not an object" },
	{ HEAD("ALLOW") ",'syscalls':{}}", "syscalls: not an array" },
	{ HEAD("ALLOW") ",'syscalls':[{'names':[1]}]}",
	  "syscalls[0].names[0]: not a string" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'errnoRet':1}]}",
	  "syscalls[0].errnoRet: only SCMP_ACT_ERRNO" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",\n 'args':[" ARG(
		  "6", "EQ", "1") "]}]}",
	  "read p.json:2:19: syscalls[0].args[0].index: not within 0 and 5" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'args':[" ARG("0", "EG",
									    "1") "]}]}",
	  "syscalls[0].args[0].op: \"SCMP_CMP_EG\" is no operator (nearest: SCMP_CMP_EQ)" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'args':[" ARG("0", "EQ",
									    "-1") "]}]}",
	  "syscalls[0].args[0].value: not within 0 and 18446744073709551615" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'args':[{'index':0}]}]}",
	  "syscalls[0].args[0]: op is missing" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'args':[{}]}]}",
	  "syscalls[0].args[0]: index is missing" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read",
					     "LOG") ",'includes':{'minKernel':'5'}}]}",
	  "syscalls[0].includes.minKernel: not a version such as 5.14" },
	{ HEAD("ALLOW") ",'syscalls':[" RULE("read", "LOG") ",'excludes':{'caps':'x'}}]}",
	  "syscalls[0].excludes.caps: not an array" },
};

static void mistakes_are_refused_with_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct profile profile;
		struct error err;

		if (read_text(refused[i].text, &profile, &err) == 0)
			fail_msg("read: %s", refused[i].text);
		if (!strstr(err.text, refused[i].message))
			fail_msg("\"%s\" instead of \"%s\"", err.text,
				 refused[i].message);
		assert_int_equal(err.id, ERROR_POLICY);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, give_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_action_is_read),
		TEST(errors_by_name_outrank_numbers),
		TEST(operators_compare_64_bits),
		TEST(a_mask_takes_its_expected_value_from_the_second),
		TEST(arguments_of_a_rule_must_all_hold),
		TEST(an_argument_that_is_tested_twice_parts_the_rule),
		TEST(any_rule_of_a_call_may_hold),
		TEST(a_rule_without_arguments_decides_alone),
		TEST(what_says_the_default_is_not_there),
		TEST(rules_that_overlap_are_noted),
		TEST(calls_newer_than_the_profile_do_not_exist),
		TEST(defaults_that_let_pass_hold_for_newer_calls),
		TEST(capabilities_are_asked_for),
		TEST(kernels_are_asked_for),
		TEST(architectures_are_asked_for),
		TEST(only_what_is_listed_is_served),
		TEST(a_map_is_read_for_this_machine),
		TEST(flags_are_those_of_the_runtimes),
		TEST(sockets_of_i386_go_through_one_call_as_well),
		TEST(other_architectures_are_killed),
		TEST(what_nobody_knows_is_noted),
		TEST(clauses_know_their_lines),
		TEST(mistakes_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
