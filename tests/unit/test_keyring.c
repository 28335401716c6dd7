/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/keyring.h"

#include "base/error.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child answers: its exit status. */
enum answer { WELL, NO_KEYS, NOT_LEFT, STILL_FOUND, WRITABLE, LINKABLE };

static long add_key(const char *name, int32_t keyring)
{
	return syscall(SYS_add_key, "user", name, "secret", 6, keyring);
}

static long find_key(const char *name)
{
	return sys_keyctl(KEYCTL_SEARCH, (unsigned long)KEY_SPEC_SESSION_KEYRING,
			  (unsigned long)"user", (unsigned long)name, 0);
}

/* In a session of its own with a key, as a login has one. */
static enum answer leave(void)
{
	struct error err;
	long key;

	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0 ||
	    add_key("sbx-test-key", KEY_SPEC_SESSION_KEYRING) < 0 ||
	    find_key("sbx-test-key") < 0)
		return NO_KEYS;
	if (keyring_leave(&err) < 0)
		return NOT_LEFT;
	if (find_key("sbx-test-key") >= 0)
		return STILL_FOUND;
	if (add_key("sbx-test-other", KEY_SPEC_SESSION_KEYRING) >= 0)
		return WRITABLE;
	key = add_key("sbx-test-own", KEY_SPEC_PROCESS_KEYRING);
	if (key >= 0 && sys_keyctl(KEYCTL_LINK, (unsigned long)key,
				   (unsigned long)KEY_SPEC_SESSION_KEYRING, 0, 0) >= 0)
		return LINKABLE;
	/* Once more, as a second sandbox does it: the same keyring, and no other answer. */
	if (keyring_leave(&err) < 0)
		return NOT_LEFT;
	return WELL;
}

static void the_keys_of_the_caller_are_left_behind(void **state)
{
	int status;
	pid_t child;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit((int)leave());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_KEYS) {
		print_message("no keys can be made here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), WELL);
}

/* In a session of its own with a key, whose container has a keyring that is another. */
static enum answer own(void)
{
	struct error err = { 0 };
	int left;

	if (sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) < 0 ||
	    add_key("sbx-test-key", KEY_SPEC_SESSION_KEYRING) < 0 ||
	    find_key("sbx-test-key") < 0)
		return NO_KEYS;
	left = keyring_own(&err);
	if (left != 0)
		return left == 1 && strstr(err.text, "quota") ? NO_KEYS : NOT_LEFT;
	if (find_key("sbx-test-key") >= 0)
		return STILL_FOUND;
	/* The quota may have run out meanwhile: then it is the empty one that is shared. */
	if (add_key("sbx-test-own", KEY_SPEC_SESSION_KEYRING) < 0)
		return errno == EDQUOT || errno == EACCES ? NO_KEYS : WRITABLE;
	return find_key("sbx-test-own") < 0 ? WRITABLE : WELL;
}

static void a_container_has_a_keyring_that_it_may_use(void **state)
{
	int status;
	pid_t child;

	(void)state;
	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit((int)own());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_KEYS) {
		print_message("no keys can be made here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), WELL);
}

static void the_callers_own_session_stays_as_it_was(void **state)
{
	const long before = sys_keyctl(KEYCTL_GET_KEYRING_ID,
				       (unsigned long)KEY_SPEC_SESSION_KEYRING, 0, 0, 0);

	the_keys_of_the_caller_are_left_behind(state);
	assert_int_equal(sys_keyctl(KEYCTL_GET_KEYRING_ID,
				    (unsigned long)KEY_SPEC_SESSION_KEYRING, 0, 0, 0),
			 before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_of_the_caller_are_left_behind),
		cmocka_unit_test(a_container_has_a_keyring_that_it_may_use),
		cmocka_unit_test(the_callers_own_session_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
