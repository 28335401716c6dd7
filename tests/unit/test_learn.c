/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn.h"

#include "base/arena.h"
#include "base/error.h"
#include "policy/learned.h"
#include "policy/tables.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct learned *learned;

static int make(void **state)
{
	(void)state;
	arena = (struct arena){ 0 };
	learned = learn_new(&arena);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void see(const char *name, uint64_t arg0, uint64_t arg1, int errnum)
{
	const struct seccomp_data data = {
		.nr = call_number(abi_native(), name),
		.arch = abi_audit(abi_native()),
		.args = { arg0, arg1 },
	};

	learn_call(learned, &data, errnum);
}

static const char *text(void)
{
	return learn_policy(learned, "a command", &arena);
}

static void assert_has(const char *whole, const char *part)
{
	if (!strstr(whole, part))
		fail_msg("no '%s' in:\n%s", part, whole);
}

static void assert_lacks(const char *whole, const char *part)
{
	if (strstr(whole, part))
		fail_msg("'%s' in:\n%s", part, whole);
}

static void a_call_is_allowed_with_its_arguments(void **state)
{
	(void)state;
	see("ioctl", 0, 0x5401, 0);
	see("chdir", 0, 0, 0);
	assert_has(text(), "ioctl: cmd == TCGETS\n");
	assert_has(text(), "chdir: allow");
	assert_lacks(text(), "ptrace");
}

static void what_the_base_answered_is_kept(void **state)
{
	(void)state;
	see("chdir", 0, 0, EACCES);
	see("ioctl", 0, 0x5401, 0);
	see("ioctl", 0, 0x5413, EPERM);
	assert_has(text(), "chdir: return EACCES\n");
	assert_has(text(), "ioctl: cmd == TCGETS; return EPERM\n");
	assert_has(text(), "clone3: return ENOSYS\n");
}

static void the_record_comes_back(void **state)
{
	const char *once;
	struct error err = { 0 };

	(void)state;
	see("ioctl", 0, 0x5401, 0);
	see("chdir", 0, 0, EACCES);
	learn_file(learned, "/a b/\n#,?c", true);
	learn_listing(learned, "/srv");
	learn_destination(learned, "connect unix /a b");
	once = text();
	learned = learn_new(&arena);
	assert_int_equal(learn_resume(learned, once, strlen(once), "once", &err), 0);
	assert_string_equal(text(), once);
	assert_has(once, "rw = /a\\040b/\\012\\043\\054\\077c?\n");
	assert_has(once, "ls = /srv?\n");
}

static void what_was_not_learned_is_refused(void **state)
{
	static const char *const texts[] = { "getpid: allow\n",
					     "#: call\n",
					     "#: call no_such_call 0 0 0 0 1\n",
					     "#: call prctl 0 0 0 0 x\n",
					     "#: ro 1 relative\n",
					     "#: xx 1 /a\n" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(
			learn_resume(learned, texts[i], strlen(texts[i]), "f", &err), -1);
	assert_int_equal(learn_resume(learned, "", 0, "empty", &err), 0);
}

static void many_neighbours_become_their_directory(void **state)
{
	const struct seen_path *rules;
	char path[64];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/opt/x/%d", i);
		learn_file(learned, path, false);
		snprintf(path, sizeof(path), "/etc/%d", i);
		learn_file(learned, path, false);
	}
	learn_file(learned, "/tmp/x1", true);
	learn_file(learned, "/tmp/x2", false);
	assert_int_equal(learned_rules_of_paths(learned, &arena, &rules), 22);
	assert_has(text(), "ro = /opt/x?\n");
	assert_has(text(), "rw = /tmp?\n");
	assert_lacks(text(), "ro = /tmp?\n");
	assert_lacks(text(), "ro = /etc?\n");
	assert_has(text(), "ro = /etc/7?\n");
}

static void to_list_a_directory_opens_nothing_below(void **state)
{
	(void)state;
	learn_listing(learned, "/");
	learn_listing(learned, "/home");
	learn_file(learned, "/home/a", false);
	assert_has(text(), "ls = /?\n");
	assert_has(text(), "ro = /home/a?\n");
	assert_lacks(text(), "/home?");
}

static void a_report_obeys_nothing_foreign(void **state)
{
	const char *page, *plain;

	(void)state;
	learn_file(learned, "/<b>\033[31m&", false);
	see("chdir", 0, 0, EACCES);
	page = learn_report(learned, "x <script>\n", true, &arena);
	plain = learn_report(learned, "x", false, &arena);
	assert_has(page, "/&lt;b&gt;");
	assert_has(page, "&amp;");
	assert_lacks(page, "<script>");
	assert_lacks(page, "\033");
	assert_lacks(plain, "\033");
	assert_has(plain, "EACCES");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_is_allowed_with_its_arguments,
						make, drop),
		cmocka_unit_test_setup_teardown(what_the_base_answered_is_kept, make,
						drop),
		cmocka_unit_test_setup_teardown(the_record_comes_back, make, drop),
		cmocka_unit_test_setup_teardown(what_was_not_learned_is_refused, make,
						drop),
		cmocka_unit_test_setup_teardown(many_neighbours_become_their_directory,
						make, drop),
		cmocka_unit_test_setup_teardown(to_list_a_directory_opens_nothing_below,
						make, drop),
		cmocka_unit_test_setup_teardown(a_report_obeys_nothing_foreign, make,
						drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
