/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

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
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
