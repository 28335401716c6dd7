/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A text, where its mistake is, what is said of it, and what is hinted at ("" : nothing). */
struct mistake {
	const char *text, *where, *says, *hint;
};

static void assert_mistake(const struct mistake *mistake)
{
	struct policies policies;
	char begin[32];

	policies_init(&policies);
	policies_read(&policies, mistake->text);
	if (policies.rules)
		fail_msg("nothing was said of \"%s\"", mistake->text);
	assert_int_equal(policies.err.id, ERROR_POLICY);
	snprintf(begin, sizeof(begin), "read p:%s: ", mistake->where);
	if (!text_starts_with(policies.err.text, begin) ||
	    strcmp(policies.err.text + strlen(begin), mistake->says) != 0 ||
	    strcmp(policies.err.hint, mistake->hint) != 0)
		fail_msg("\"%s\": %s (%s)", mistake->text, policies.err.text,
			 policies.err.hint);
	policies_free(&policies);
}

#define assert_mistakes(list)                                                            \
	for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)                    \
	assert_mistake(&(list)[i])

#define OURS "%sbx-policy 1\n"

static void unknown_names_name_the_nearest(void **state)
{
	static const struct mistake mistakes[] = {
		{ "opne: 1\n", "1:1", "no system call is called \"opne\"",
		  "the nearest is open; \"opne?\" would be optional" },
		{ "read: 1\n {write, ptrcae}: 1\n", "2:10",
		  "no system call is called \"ptrcae\"",
		  "the nearest is ptrace; \"ptrcae?\" would be optional" },
		{ "qqqqqqqqqqqq: 1\n", "1:1", "no system call is called \"qqqqqqqqqqqq\"",
		  "\"qqqqqqqqqqqq?\" would be left out where nobody knows it" },
		{ "4294967296: 1\n", "1:1", "no system call is called \"4294967296\"",
		  "\"4294967296?\" would be left out where nobody knows it" },
		{ "@debgu: 1\n", "1:1", "no group is called \"@debgu\"",
		  "the nearest is @debug" },
		{ "{read, -@qqqqqqqqqq}: 1\n", "1:9",
		  "no group is called \"@qqqqqqqqqq\"",
		  "docs/policy.md lists them: @file-system, @debug" },
		{ "@debug@v99: 1\n", "1:1", "no group is called \"@debug@v99\"",
		  "the nearest is @debug" },
		{ "read: alow\n", "1:7", "no action is called \"alow\"",
		  "the nearest is allow" },
		{ "read: xxxxxxxxxx\n", "1:7", "no action is called \"xxxxxxxxxx\"",
		  "actions are allow, errno(EPERM), fake(0), kill, trap, log and notify" },
		{ "socket: domian == 1\n", "1:9", "socket has no argument \"domian\"",
		  "the nearest is domain; socket has domain, type, protocol" },
		{ "socket: xxxxxxx == 1\n", "1:9", "socket has no argument \"xxxxxxx\"",
		  "socket has domain, type, protocol; arg0 to arg5 are any call's" },
		{ "socket: arg6 == 1\n", "1:9", "\"arg6\" is no argument",
		  "arguments are arg0 to arg5" },
		{ "socket: domain == AF_INTE\n", "1:19",
		  "no constant is called \"AF_INTE\"",
		  "the nearest is AF_INET; a number does as well" },
		{ "socket: domain == QQQQQQQQQQQQQQQ\n", "1:19",
		  "no constant is called \"QQQQQQQQQQQQQQQ\"",
		  "a number does as well: 0x5412" },
		{ "read: errno(EPREM)\n", "1:13", "no error is called \"EPREM\"",
		  "errno(3) lists them; usual ones are EPERM, ENOSYS, EACCES and "
		  "EAFNOSUPPORT" },
		{ "read[arch=x86_46]: 1\n", "1:11",
		  "no architecture is called \"x86_46\"", "the nearest is x86_64" },
		{ "@arch native mips\n", "1:14", "no architecture is called \"mips\"",
		  "x86_64, x32, i386, aarch64 and arm are known" },
		{ "@flags lgo\n", "1:8", "no flag is called \"lgo\"",
		  "flags are log, spec-allow and wait-killable" },
		{ "@extend default\n", "1:1", "nothing is called @extend",
		  "the nearest is @extends" },
		{ "@debug allow\n", "1:1", "nothing is called @debug",
		  "a group has a colon: @debug: allow" },
		{ "[cap]\n", "1:2", "no section is called [cap]",
		  "the nearest is [caps]" },
		{ "[xxxxxxxx]\n", "1:2", "no section is called [xxxxxxxx]",
		  "sections are [seccomp], [caps], [landlock] and [limits]" },
		{ "[caps]\nbonding = none\n", "2:1", "[caps] has no key \"bonding\"",
		  "the nearest is bounding" },
		{ "[landlock]\nread: 1\n", "2:1", "[landlock] has no key \"read:\"",
		  "rules of system calls stand below [seccomp]" },
		{ "[limits]\nzzzzzzzzz = 1\n", "2:1", "[limits] has no key \"zzzzzzzzz\"",
		  "keys are memory, memory-swap, pids, cpus, cpuset, io-weight and the "
		  "resource limits" },
		{ "read: 1 when cap(CAP_SYS_ADMN)\n", "1:18",
		  "no capability is called \"CAP_SYS_ADMN\"",
		  "the nearest is CAP_SYS_ADMIN" },
		{ "read: 1 when kernle > 5\n", "1:14",
		  "nothing can be asked by \"kernle\"", "the nearest is kernel" },
		{ "read: 1 when xxxxxxxx\n", "1:14",
		  "nothing can be asked by \"xxxxxxxx\"",
		  "when cap(CAP_SYS_ADMIN), kernel >= 5.14 or arch(x86_64)" },
	};

	(void)state;
	assert_mistakes(mistakes);
}

static void contradictions_name_both_lines(void **state)
{
	static const struct mistake mistakes[] = {
		{ "read: 1\n\nread: kill\n", "3:1", "read is decided already, by line 1",
		  "one of both lines has to go" },
		{ "read: arg0 == 1; return EIO\nread: 1\n", "2:1",
		  "read is decided already, by line 1", "one of both lines has to go" },
		{ "read: 1\nread: kill when cap(CAP_KILL)\n", "2:1",
		  "read is decided already, by line 1", "one of both lines has to go" },
		{ "ptrace: 1\n@debug: kill\n", "2:1",
		  "ptrace is decided already, by line 1",
		  "{@debug, -ptrace}: … takes it out of the group" },
		{ "@debug: kill\n{read, ptrace}: 1\n", "2:8",
		  "ptrace is decided already, by line 1",
		  "take it out of the group of the other line: {@…, -ptrace}: …" },
		{ "read[arch=x86_64]: 1\nread: 1\n", "2:1",
		  "read is decided already, by line 1", "one of both lines has to go" },
		{ "read: {allow, kill}\n", "1:15",
		  "nothing is left for this part of the block", "" },
		{ "@default kill\n@default log\n", "2:1",
		  "this was said already, by line 1", "" },
		{ "@default kill\n@denylist\n", "2:1",
		  "@denylist stands before the rules, and without @default", "" },
		{ "@arch native\n@arch i386\n", "2:1", "@arch was said already", "" },
		{ "read: 1\n@extends default\n", "2:1",
		  "@extends stands before the rules", "" },
		{ "@extends none\n@extends none\n", "2:1", "a policy cannot extend two",
		  "" },
		{ "read: 1\n" OURS, "2:1", "%sbx-policy is a file's first line", "" },
	};

	(void)state;
	assert_mistakes(mistakes);
}

static void what_is_missing_or_too_much_is_said(void **state)
{
	static const struct mistake mistakes[] = {
		{ "%sbx-policy 2\n", "1:13", "version 2 of the format is unknown",
		  "this program knows version 1" },
		{ "%sbx-polcy 1\n", "1:1", "expected %sbx-policy 1, found \"%sbx-polcy\"",
		  "" },
		{ "%sbx-policy\n", "1:12", "the line ends before a number", "" },
		{ "%sbx-policy 1 2\n", "1:15",
		  "expected the end of the line, found \"2\"", "" },
		{ "read\n", "1:5", "the line ends before \":\" behind the name", "" },
		{ "read 1\n", "1:6", "expected \":\" behind the name, found \"1\"", "" },
		{ ": 1\n", "1:1", "expected a system call or a @group, found \":\"", "" },
		{ "{read write}: 1\n", "1:7", "expected \",\" or \"}\", found \"write\"",
		  "" },
		{ "read: 1\n{}: 1\n", "2:2",
		  "expected a system call or a @group, found \"}\"", "" },
		{ "read[x86_64]: 1\n", "1:6",
		  "expected arch=… in brackets, found \"x86_64\"", "" },
		{ "read[arch=x86_64: 1\n", "1:17", "expected \"]\", found \":\"", "" },
		{ "read:\n", "1:6", "the line ends before an action or an expression",
		  "" },
		{ "read: # none\n", "1:7",
		  "the line ends before an action or an expression", "" },
		{ "read: ==\n", "1:7", "expected an action or an expression, found \"=\"",
		  "" },
		{ "read: errno\n", "1:12", "the line ends before an error: (EPERM)", "" },
		{ "read: fake\n", "1:11", "the line ends before a number: (0)", "" },
		{ "read: errno(EPERM\n", "1:18", "the line ends before \")\"", "" },
		{ "read: errno()\n", "1:13",
		  "expected an error such as EPERM, found \")\"", "" },
		{ "read: errno(0)\n", "1:13", "an error is a number from 1 to 4095",
		  "fake(0) lets a call succeed without doing it" },
		{ "read: errno(4096)\n", "1:13", "an error is a number from 1 to 4095",
		  "fake(0) lets a call succeed without doing it" },
		{ "read: return 4096\n", "1:14", "an error is a number from 0 to 4095",
		  "" },
		{ "read: return\n", "1:13", "the line ends before an error such as EPERM",
		  "" },
		{ "read: fake(32768)\n", "1:12",
		  "what is returned is a number from 0 to 32767", "" },
		{ "read: fake(-1)\n", "1:12",
		  "what is returned is a number from 0 to 32767", "" },
		{ "read: allow kill\n", "1:13",
		  "expected the end of the line, \"when\" or \"explain\", found \"kill\"",
		  "" },
		{ "read: allow; return EPERM\n", "1:12",
		  "expected the end of the line, \"when\" or \"explain\", found \";\"",
		  "an action is the whole rule" },
		{ "read: arg0 == 1; kill\n", "1:18",
		  "an action behind \";\" is not clear without \"else\"",
		  "EXPRESSION; else ACTION, or {EXPRESSION; ACTION} for what matches" },
		{ "read: arg0 == 1;\n", "1:17",
		  "the line ends before \"else\" and an action", "" },
		{ "read: arg0 == 1; else\n", "1:22", "the line ends before an action",
		  "" },
		{ "read: arg0\n", "1:11",
		  "the line ends before a comparison: == != < <= > >= & in", "" },
		{ "read: arg0 = 1\n", "1:12",
		  "expected a comparison: == != < <= > >= & in, found \"=\"", "" },
		{ "read: arg0 == 1 &&\n", "1:19", "the line ends before an argument",
		  "" },
		{ "read: arg0 ==\n", "1:14",
		  "the line ends before a number or a constant", "" },
		{ "read: arg0 == 12x\n", "1:15", "\"12x\" is no number of 64 bits",
		  "numbers are 12, 0xc or 014" },
		{ "read: arg0 == 0x10000000000000000\n", "1:15",
		  "\"0x10000000000000000\" is no number of 64 bits",
		  "numbers are 12, 0xc or 014" },
		{ "read: arg0 == 09\n", "1:15", "\"09\" is no number of 64 bits",
		  "numbers are 12, 0xc or 014" },
		{ "read: (arg0 == 1\n", "1:17", "the line ends before \")\"", "" },
		{ "read: !arg0 == 1\n", "1:8",
		  "expected \"(\" behind \"!\", found \"arg0\"", "" },
		{ "read: arg0 & 1 == 1\n", "1:18",
		  "a comparison behind \"&\" is not clear",
		  "write (argument & MASK) == VALUE" },
		{ "read: arg0 in {1, 2\n", "1:20", "the line ends before \",\" or \"}\"",
		  "" },
		{ "read: arg0 in {}\n", "1:16",
		  "expected a number or a constant, found \"}\"", "" },
		{ "read: { arg0 == 1; allow\n", "1:25",
		  "the line ends before \",\" or \"}\"", "" },
		{ "ioctl: cmd == 0x100005412\n", "1:15",
		  "the value has more than 32 bits",
		  "the kernel looks at 32 bits of ioctl's argument cmd" },
		{ "ioctl: arg1 in {1, 0x100000000}\n", "1:20",
		  "the value has more than 32 bits",
		  "the kernel looks at 32 bits of ioctl's argument cmd" },
		{ "read: 1 when\n", "1:13",
		  "the line ends before cap(…), kernel >= … or arch(…)", "" },
		{ "read: 1 when cap CAP_KILL\n", "1:18",
		  "expected cap(CAP_…), found \"CAP_KILL\"", "" },
		{ "read: 1 when cap(CAP_KILL\n", "1:26", "the line ends before \")\"",
		  "" },
		{ "read: 1 when kernel 5\n", "1:21",
		  "expected a comparison: kernel >= 5.14, found \"5\"", "" },
		{ "read: 1 when kernel > 5.x\n", "1:23", "expected a kernel such as 5.14",
		  "" },
		{ "read: 1 when (arch(arm)\n", "1:24", "the line ends before \")\"", "" },
		{ "read: 1 explain why\n", "1:17",
		  "expected a text in double quotes, found \"why\"", "" },
		{ "read: 1 explain \"why\n", "1:17", "a text has no closing quote", "" },
		{ "read: 1 when arch(arm) when arch(arm)\n", "1:24",
		  "expected the end of the line, \"when\" or \"explain\", found \"when\"",
		  "" },
		{ "@include\n", "1:9", "the line ends before the path of a file", "" },
		{ "@extends # x\n", "1:10",
		  "the line ends before the name of a policy or a path", "" },
		{ "@arch\n", "1:6", "the line ends before an architecture", "" },
		{ "[caps\n", "1:6", "the line ends before \"]\"", "" },
		{ "[caps] x\n", "1:8", "expected the end of the line, found \"x\"", "" },
		{ "[caps]\nkeep\n", "2:5", "the line ends before \"=\"", "" },
		{ "[caps]\nkeep = # x\n", "2:8", "the line ends before a value", "" },
		{ "[caps]\nkeep = \"x\" y\n", "2:12",
		  "expected the end of the line, found \"y\"", "" },
		{ "é: 1\n", "1:1", "expected a system call or a @group, found \"é\"",
		  "" },
		{ "read: 1 # é\n{read, é}\n", "2:8",
		  "expected a system call or a @group, found \"é\"", "" },
	};

	(void)state;
	assert_mistakes(mistakes);
}

static void a_text_that_is_none_or_empty_has_one_clear_error(void **state)
{
	static const char *const empty[] = { "", "\n\n", "# nothing\n  \\\n" };
	struct policies policies;
	const char binary[] = "\x7f"
			      "ELF\0\0read: 1\n";

	(void)state;
	policies_init(&policies);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		policies_read(&policies, empty[i]);
		assert_string_equal(policies.err.text, "read p: there is no rule in it");
	}
	assert_int_equal(profile_read_text(binary, sizeof(binary), "p", NULL,
					   &policies.arena, &policies.profile,
					   &policies.err),
			 -1);
	assert_string_equal(policies.err.text, "read p: it is no text");
	policies_free(&policies);
}

static void nesting_has_an_end(void **state)
{
	struct policies policies;
	char text[400] = "read: ";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, "(");
	policies_init(&policies);
	policies_read(&policies, text);
	assert_non_null(strstr(policies.err.text, "parentheses are nested too deeply"));
	strcpy(text, "read: arg0 == ");
	for (int i = 0; i < 100; i++)
		strcat(text, "~(");
	policies_read(&policies, text);
	assert_non_null(strstr(policies.err.text, "parentheses are nested too deeply"));
	strcpy(text, "read: 1 when ");
	for (int i = 0; i < 100; i++)
		strcat(text, "!(");
	policies_read(&policies, text);
	assert_non_null(strstr(policies.err.text, "parentheses are nested too deeply"));
	policies_free(&policies);
}

/* A megabyte of one thing ends within a second, well or not. */
static void a_megabyte_is_read_quickly(void **state)
{
	static const char *const parts[] = {
		"read: arg1 == 1\n",
		"@file-system: arg1 == 1\n",
		"{@file-system, -read}: allow when cap(CAP_KILL)\n",
		"socket: domain in {1, 2, 3} || domain == AF_INET && type == 5\n",
		"# nothing\n",
		"read: \\\n",
		"(",
		"read: arg0 == 1 || ((arg0 & 1) == 2)",
		"[caps]\nkeep = x\n",
		"x",
		"\"",
		"@include? /nonexistent\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const size_t size = 1 << 20, length = strlen(parts[i]);
		struct policies policies;
		char *text = malloc(size + 1);
		clock_t start = clock();

		assert_non_null(text);
		for (size_t at = 0; at < size; at += length)
			memcpy(text + at, parts[i],
			       size - at < length ? size - at : length);
		text[size] = '\0';
		policies_init(&policies);
		policies_read(&policies, text);
		free(text);
		policies_free(&policies);
		if (clock() - start > 3 * CLOCKS_PER_SEC)
			fail_msg("\"%s\" took %ld ms", parts[i],
				 (long)((clock() - start) / (CLOCKS_PER_SEC / 1000)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names_name_the_nearest),
		cmocka_unit_test(contradictions_name_both_lines),
		cmocka_unit_test(what_is_missing_or_too_much_is_said),
		cmocka_unit_test(a_text_that_is_none_or_empty_has_one_clear_error),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(a_megabyte_is_read_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
