/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#include "policy/bpf.h"
#include "policy/native.h"
#include "policy/readers.h"
#include "temporary.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static void assert_refused(struct named *named, const char *operand, const char *text,
			   const char *hint)
{
	policies_open(&named->policies, operand);
	assert_null(named->policies.rules);
	if (!strstr(named->policies.err.text, text) ||
	    !strstr(named->policies.err.hint, hint))
		fail_msg("%s: %s (%s)", operand, named->policies.err.text,
			 named->policies.err.hint);
}

/* ---- operands ---- */

static void a_name_is_a_built_in_or_a_file_of_the_directories(void **state)
{
	struct named named;

	named_init(&named, state);
	put_file(state, "mine", OURS "read: log\n");
	put_file(state, "with-dash.sbx", OURS "read: trap\n");
	put_file(state, "default", OURS "read: kill\n");
	must_open(&named, "default");
	assert_true(profile_is(named.policies.profile, "default"));
	assert_string_equal(profile_name(named.policies.profile), "default");
	must_open(&named, "mine");
	assert_false(profile_is(named.policies.profile, "mine"));
	assert_int_equal(strncmp(policies_answer(&named.policies, ABI_X86_64, "read",
						 (uint64_t[6]){ 0 }),
				 "log ", 4),
			 0);
	must_open(&named, "with-dash");
	must_open(&named, "./mine");
	assert_answer(&named.policies, "log ./mine:2", "read", 0);
	must_open(&named, "~/mine");
	assert_answer(&named.policies, "log ~/mine:2", "read", 0);
	policies_free(&named.policies);
}

static void what_is_not_there_names_the_nearest(void **state)
{
	struct named named;

	named_init(&named, state);
	put_file(state, "browser", OURS "read: log\n");
	assert_refused(&named, "defualt", "find policy defualt",
		       "the nearest is default; a file has a slash: ./defualt");
	assert_refused(&named, "browse", "find policy browse", "the nearest is browser");
	assert_refused(&named, "xxxxxxxxxxx", "find policy xxxxxxxxxxx",
		       "sbx policy list");
	assert_refused(&named, "defualt+ptrace", "find policy defualt",
		       "the nearest is default");
	assert_refused(&named, "", "find a policy without a name", "sbx policy list");
	assert_refused(&named, "../x/y", "read policy ../x/y", "");
	assert_int_equal(named.policies.err.id, ERROR_SOURCE_MISSING);
	assert_int_equal(named.policies.err.errnum, ENOENT);
	assert_refused(&named, "./.", "read policy ./.", "");
	policies_free(&named.policies);
}

static void adjustments_allow_and_refuse(void **state)
{
	struct named named;

	named_init(&named, state);
	put_file(state, "my-own", OURS "@known kill\n{read, write}: log\n");
	must_open(&named, "default+ptrace-read");
	assert_true(profile_is(named.policies.profile, "default"));
	assert_string_equal(profile_name(named.policies.profile), "default+ptrace-read");
	assert_answer(&named.policies, "allow default+ptrace-read:3", "ptrace", 0);
	assert_answer(&named.policies, "errno(EPERM) default+ptrace-read:4", "read", 0);
	must_open(&named, "my-own+@debug-ptrace");
	assert_answer(&named.policies, "allow my-own+@debug-ptrace:3", "kcmp", 0);
	assert_answer(&named.policies, "errno(EPERM) my-own+@debug-ptrace:4", "ptrace",
		      0);
	must_open(&named, "my-own-@file-system+open-read");
	assert_answer(&named.policies, "errno(EPERM) my-own-@file-system+open-read:3",
		      "stat", 0);
	assert_answer(&named.policies, "allow my-own-@file-system+open-read:4", "open",
		      0);
	assert_int_equal(strncmp(policies_answer(&named.policies, ABI_X86_64, "socket",
						 (uint64_t[6]){ 0 }),
				 "kill ", 5),
			 0);
	must_open(&named, "my-own+read-read");
	assert_answer(&named.policies, "errno(EPERM) my-own+read-read:4", "read", 0);
	assert_refused(&named, "default+ptrcae", "no system call is called \"ptrcae\"",
		       "the nearest is ptrace");
	assert_refused(&named, "default+", "no call stands behind the last + or -", "");
	assert_refused(&named, "default++read", "no call stands behind the last + or -",
		       "");
	policies_free(&named.policies);
}

static void a_text_in_json_is_read_by_its_reader(void **state)
{
	struct named named;

	named_init(&named, state);
	put_file(state, "j.json",
		 " { \"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [ { \"names\": "
		 "[\"read\"], \"action\": \"SCMP_ACT_ALLOW\" } ] }");
	put_file(state, "over", OURS "@extends ./j.json\nwrite: log\n");
	must_open(&named, "./j.json");
	must_open(&named, "./over");
	assert_answer(&named.policies, "log ./over:3", "write", 0);
	assert_int_equal(strncmp(policies_answer(&named.policies, ABI_X86_64, "read",
						 (uint64_t[6]){ 0 }),
				 "allow", 5),
			 0);
	must_open(&named, "j.json+write");
	policies_free(&named.policies);
}

/* ---- other files ---- */

static void a_derived_line_replaces_what_is_inherited(void **state)
{
	struct named named;

	named_init(&named, state);
	put_file(state, "base",
		 OURS "@known errno(EIO)\n@default trap\nread: arg0 == 1\n"
		      "read: log\nwrite: log\nclose: kill\n[caps]\nkeep = a\n");
	put_file(state, "middle",
		 OURS "@extends ./base\n@known errno(EBADF)\n"
		      "read: allow when cap(CAP_KILL)\n{close, write}: trap\n");
	put_file(state, "top",
		 OURS "@extends ./middle\nwrite[arch=arm]: allow\n"
		      "close: arg0 == 5\n[caps]\nkeep = b\n");
	must_open(&named, "./top");
	assert_answer(&named.policies, "allow ./base:4", "read", 1);
	assert_answer(&named.policies, "log ./base:5", "read", 2);
	assert_answer(&named.policies, "trap ./middle:5", "write", 0);
	assert_answer(&named.policies, "allow ./top:4", "close", 5);
	assert_answer(&named.policies, "errno(EBADF) ./middle:3", "close", 6);
	assert_answer(&named.policies, "errno(EBADF) ./middle:3", "open", 6);
	assert_answer(&named.policies, "trap ./base:3", "1023", 6);
	policies_free(&named.policies);
}

static void files_are_included_beside_their_file(void **state)
{
	struct named named;
	const struct temporary *temporary = *state;
	char path[300];

	named_init(&named, state);
	snprintf(path, sizeof(path), "%s/sub", temporary->path);
	assert_int_equal(mkdir(path, 0755), 0);
	put_file(state, "sub/a", OURS "@include b\n[caps]\nkeep = a\n");
	put_file(state, "sub/b", "write: log\n");
	put_file(state, "outer",
		 OURS "read: allow\n@include sub/a\n@include? nothing\n"
		      "close: trap\n");
	must_open(&named, "./outer");
	assert_answer(&named.policies, "log b:1", "write", 0);
	assert_answer(&named.policies, "trap ./outer:5", "close", 0);
	put_file(state, "twice", OURS "write: allow\n@include sub/b\n");
	assert_refused(&named, "./twice",
		       "read sub/b:1:1: write is decided already, by "
		       "./twice:2",
		       "one of both lines has to go");
	put_file(state, "missing", OURS "@include nothing\n");
	assert_refused(&named, "./missing", "read ./missing:2:10: read policy nothing",
		       "");
	put_file(state, "extending", OURS "@include base2\n");
	put_file(state, "base2", "@extends none\n");
	assert_refused(&named, "./extending",
		       "read base2:1:1: an included file cannot extend another", "");
	policies_free(&named.policies);
}

static void circles_are_named(void **state)
{
	struct named named;
	char name[16], text[64];

	named_init(&named, state);
	put_file(state, "x", OURS "@include y\n");
	put_file(state, "y", "@include ./z\n");
	put_file(state, "z", "read: 1\n@include x\n");
	assert_refused(&named, "./x", "read ./z:2:10: a circle: ./x > y > ./z > x", "");
	put_file(state, "e1", OURS "@extends e2\n");
	put_file(state, "e2", OURS "@extends ./e1\n");
	assert_refused(&named, "e1", "a circle: ", "");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		snprintf(text, sizeof(text), "@include d%d\n", i + 1);
		put_file(state, name, text);
	}
	assert_refused(&named, "./d0", "there are too many files",
		       "at most 256, one inside the other at most 16");
	policies_free(&named.policies);
}

/* ---- i386 ---- */

static void calls_behind_a_pointer_follow_the_direct_ones(void **state)
{
	struct named named;
	struct policies *policies = &named.policies;

	named_init(&named, state);
	policies_must_read(policies,
			   OURS "@arch native i386\n@known kill\n"
				"socket: domain == AF_UNIX; else errno(EPERM)\n"
				"{bind, recvfrom, shmat}: allow\nconnect: errno(EACCES)\n"
				"mmap: prot == 1\nselect: nfds < 9\nmmap2: prot == 1\n");
	assert_answer_on(policies, ABI_I386, "errno(ENOSYS) p:4", "socketcall", 1);
	assert_answer_on(policies, ABI_I386, "allow p:5", "socketcall", 2);
	assert_answer_on(policies, ABI_I386, "allow p:5", "socketcall", 10);
	assert_answer_on(policies, ABI_I386, "errno(EACCES) p:6", "socketcall", 3);
	assert_answer_on(policies, ABI_I386, "kill p:3", "socketcall", 4);
	assert_answer_on(policies, ABI_I386, "allow p:5", "ipc", 21 | 1 << 16);
	assert_answer_on(policies, ABI_I386, "kill p:3", "ipc", 22);
	assert_answer_on(policies, ABI_I386, "errno(ENOSYS) p:7", "mmap", 0, 0, 1);
	assert_answer_on(policies, ABI_I386, "errno(ENOSYS) p:8", "select", 1);
	assert_answer_on(policies, ABI_I386, "allow p:9", "mmap2", 0, 0, 1);
	assert_answer(policies, "allow p:7", "mmap", 0, 0, 1);
	policies_read(policies, OURS "@arch native i386\nsocketcall: allow\n"
				     "socket: domain == AF_UNIX\n");
	assert_null(policies->rules);
	assert_string_equal(
		policies->err.text,
		"read p:3:1: socketcall allows what line 4 keeps socket from");
	policies_read(policies, OURS "@arch native i386\nsocketcall: allow\n"
				     "{socket, bind}: allow\n");
	assert_non_null(policies->rules);
	/* By a group nobody says it, and native alone has none. */
	policies_must_read(policies,
			   OURS "@arch native i386\n{@network-io, -socket}: allow\n"
				"socket: domain == AF_UNIX\n");
	assert_answer_on(policies, ABI_I386, "errno(ENOSYS) p:4", "socketcall", 1);
	policies_must_read(policies,
			   OURS "socketcall: allow\nsocket: domain == AF_UNIX\n");
	policies_free(policies);
}

/* ---- compiling ---- */

static void compile(struct named *named, bool explains, struct seccomp_filter *ret_filter)
{
	struct policies *policies = &named->policies;

	if (profile_compile(policies->profile, &policies->conditions, explains,
			    BACKEND_SBX, &policies->arena, ret_filter, NULL,
			    &policies->err) < 0)
		fail_msg("cannot %s", policies->err.text);
}

static void a_built_in_is_compiled_already(void **state)
{
	struct named named;
	struct seccomp_filter filter;
	const struct builtin *builtin = builtins;

	named_init(&named, state);
	while (strcmp(builtin->name, "default") != 0)
		builtin++;
	must_open(&named, "default");
	compile(&named, false, &filter);
	assert_ptr_equal(filter.program.instructions,
			 builtin->programs[0].program.instructions);
	assert_false(filter.supervised);
	assert_false(filter.keyed);
	compile(&named, true, &filter);
	assert_true(filter.supervised);
	must_open(&named, "default+ptrace");
	compile(&named, false, &filter);
	assert_true(filter.program.count > 0);
	assert_false(filter.keyed);
	policies_free(&named.policies);
}

static void what_a_start_calls_is_passed_by_a_key_where_it_is_refused(void **state)
{
	static const struct {
		const char *text;
		bool supervised, notifies, keyed;
	} rows[] = {
		{ OURS "@known allow\n", false, false, false },
		{ OURS "@known allow\nwrite: log\n", false, false, false },
		{ OURS "@known allow\nexecve: errno(EIO)\n", false, false, true },
		{ OURS "@known allow\nwrite: fd == 1\n", false, false, false },
		{ OURS "@known allow\nwrite: fd == 1; else kill\n", false, false, true },
		{ OURS "{execve, exit_group, write, sendmsg}: 1\n", true, false, false },
		{ OURS "{execve, exit_group, write}: 1\n", true, false, true },
		{ OURS "@known allow\nread: notify\n", false, true, false },
		{ OURS "@known allow\nread: fake(3)\n", true, false, false },
		{ OURS "@known allow\nread: fake(0)\n", false, false, false },
	};
	struct named named;
	struct seccomp_filter filter, again;

	named_init(&named, state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		policies_must_read(&named.policies, rows[i].text);
		compile(&named, true, &filter);
		if (filter.supervised != rows[i].supervised ||
		    filter.notifies != rows[i].notifies || filter.keyed != rows[i].keyed)
			fail_msg("%s: supervised %d, notifies %d, keyed %d", rows[i].text,
				 filter.supervised, filter.notifies, filter.keyed);
		compile(&named, true, &again);
		if (filter.keyed)
			assert_memory_not_equal(filter.key, again.key, sizeof(again.key));
	}
	policies_must_read(&named.policies, OURS "read: notify\nwrite: fake(2)\n");
	assert_int_equal(profile_compile(named.policies.profile,
					 &named.policies.conditions, false, BACKEND_SBX,
					 &named.policies.arena, &filter, NULL,
					 &named.policies.err),
			 -1);
	assert_non_null(strstr(named.policies.err.text, "notifies (line 2) and fakes"));
	policies_free(&named.policies);
}

static void a_supervisor_is_told_what_to_answer(void **state)
{
	struct named named;
	struct verdict verdict;
	struct seccomp_data data = { .arch = abi_audit(ABI_X86_64) };

	named_init(&named, state);
	policies_must_read(&named.policies,
			   OURS "read: errno(EACCES) explain \"so\"\nwrite: fake(7)\n");
	data.nr = call_number(ABI_X86_64, "read");
	assert_int_equal(
		profile_answer(named.policies.profile, &named.policies.conditions, &data,
			       &named.policies.arena, &verdict, &named.policies.err),
		0);
	assert_false(verdict.fake);
	assert_int_equal(verdict.value, EACCES);
	assert_string_equal(verdict.file, "p");
	assert_int_equal(verdict.line, 2);
	assert_string_equal(verdict.why, "so");
	assert_string_equal(verdict.allow, "read");
	data.nr = call_number(ABI_X86_64, "write");
	assert_int_equal(
		profile_answer(named.policies.profile, &named.policies.conditions, &data,
			       &named.policies.arena, &verdict, &named.policies.err),
		0);
	assert_true(verdict.fake);
	assert_int_equal(verdict.value, 7);
	policies_free(&named.policies);
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
		cmocka_unit_test(a_name_is_a_built_in_or_a_file_of_the_directories),
		cmocka_unit_test(what_is_not_there_names_the_nearest),
		cmocka_unit_test(adjustments_allow_and_refuse),
		cmocka_unit_test(a_text_in_json_is_read_by_its_reader),
		cmocka_unit_test(a_derived_line_replaces_what_is_inherited),
		cmocka_unit_test(files_are_included_beside_their_file),
		cmocka_unit_test(circles_are_named),
		cmocka_unit_test(calls_behind_a_pointer_follow_the_direct_ones),
		cmocka_unit_test(a_built_in_is_compiled_already),
		cmocka_unit_test(
			what_a_start_calls_is_passed_by_a_key_where_it_is_refused),
		cmocka_unit_test(a_supervisor_is_told_what_to_answer),
		cmocka_unit_test(what_is_shown_reads_as_the_same_rules),
		cmocka_unit_test(what_is_converted_reads_as_the_same_rules),
		cmocka_unit_test(a_call_is_explained),
		cmocka_unit_test(the_program_says_why),
		cmocka_unit_test(the_linter_finds_what_is_most_often_a_mistake),
		cmocka_unit_test(what_there_is_is_listed),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
