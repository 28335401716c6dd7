/* SPDX-License-Identifier: Apache-2.0 */
/* The five sets of a container, what of them can be granted, and the one that is held. */
#include "base/error.h"
#include "policy/policy.h"

#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BIT(number) (UINT64_C(1) << (number))

/* What a child answers: its exit status. */
enum answer { AS_ASKED, NOT_AS_ASKED, REFUSED, NO_NAMESPACE };

static const struct caps_spec five = {
	.separate = true,
	.bounding = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_FOWNER),
	.kept = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETUID),
	.effective = BIT(CAP_CHOWN),
	.inheritable = BIT(CAP_KILL) | BIT(CAP_FOWNER),
	.ambient = BIT(CAP_KILL),
};

static bool has(unsigned int set, unsigned int number)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint32_t word;

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	word = set == 0   ? data[number / 32].effective
	       : set == 1 ? data[number / 32].permitted
			  : data[number / 32].inheritable;
	return word >> number % 32 & 1;
}

static bool is_set(unsigned int set, uint64_t wanted)
{
	for (unsigned int i = 0; i < 41; i++)
		if (has(set, i) != ((wanted & BIT(i)) != 0))
			return false;
	return true;
}

static bool is_ambient(uint64_t wanted)
{
	for (unsigned int i = 0; i < 41; i++)
		if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) !=
		    ((wanted & BIT(i)) != 0))
			return false;
	return true;
}

static int look(const struct caps_spec *caps, uint64_t held)
{
	return is_set(0, caps->effective) && is_set(1, caps->kept | held) &&
			       is_set(2, caps->inheritable) &&
			       is_ambient(caps->ambient) &&
			       caps_bounding() == caps->bounding
		       ? AS_ASKED
		       : NOT_AS_ASKED;
}

/* Runs `act` in a child that has a user namespace of its own, and all power over it. */
static int in_namespace(int (*act)(const void *), const void *what)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) < 0 ? NO_NAMESPACE : act(what));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		skip();
	return WEXITSTATUS(status);
}

static int apply(const void *what)
{
	struct error err = { 0 };

	return caps_apply(what, &err) < 0 ? REFUSED : look(what, 0);
}

static void five_sets_are_as_asked(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(apply, &five), AS_ASKED);
}

static int apply_open(const void *what)
{
	struct caps_spec caps = *(const struct caps_spec *)what;
	struct error err = { 0 };
	const int before = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	caps.may_gain = true;
	if (caps_apply(&caps, &err) < 0)
		return REFUSED;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == before ? look(&caps, 0)
								: NOT_AS_ASKED;
}

static void new_privileges_are_left_possible_where_they_may_be_had(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(apply_open, &five), AS_ASKED);
}

static int hold_and_raise(const void *what)
{
	const uint64_t held = BIT(CAP_SYS_ADMIN);
	struct error err = { 0 };

	if (caps_apply_holding(what, held, &err) < 0 || look(what, held) != AS_ASKED)
		return REFUSED;
	if (caps_permitted() != (five.kept | held) || caps_raise(held, &err) < 0)
		return REFUSED;
	return has(0, CAP_SYS_ADMIN) && has(0, CAP_CHOWN) && !has(0, CAP_KILL)
		       ? AS_ASKED
		       : NOT_AS_ASKED;
}

static void one_that_is_held_can_be_raised(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(hold_and_raise, &five), AS_ASKED);
}

static int exec_after_holding(const void *what)
{
	struct error err = { 0 };

	if (caps_apply_holding(what, BIT(CAP_SYS_ADMIN), &err) < 0 ||
	    caps_raise(BIT(CAP_SYS_ADMIN), &err) < 0)
		return REFUSED;
	execl("/bin/sh", "sh", "-c",
	      "read -r _ caps <<-END\n$(grep CapPrm /proc/self/status)\nEND\n"
	      "exit $((0x$caps >> 21 & 1))",
	      (char *)NULL);
	return REFUSED;
}

static void the_next_exec_takes_it_away(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(exec_after_holding, &five), AS_ASKED);
}

static int grant_without(const void *what)
{
	struct caps_spec caps = *(const struct caps_spec *)what;
	const struct caps_spec fewer = { .kept = caps_all() & ~BIT(CAP_KILL) };
	struct error err = { 0 };

	if (caps_apply(&fewer, &err) < 0)
		return REFUSED;
	if (caps_grant(&caps, false) != BIT(CAP_KILL))
		return NOT_AS_ASKED;
	if ((caps.kept | caps.bounding | caps.inheritable | caps.ambient) & BIT(CAP_KILL))
		return NOT_AS_ASKED;
	return apply(&caps);
}

static void what_is_not_there_is_left_out_of_each_set_and_told(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(grant_without, &five), AS_ASKED);
}

static void sets_are_made_to_fit_each_other(void **state)
{
	struct caps_spec caps = {
		.separate = true,
		.bounding = BIT(CAP_CHOWN),
		.kept = BIT(CAP_CHOWN),
		.effective = BIT(CAP_CHOWN) | BIT(CAP_KILL),
		.inheritable = BIT(CAP_CHOWN) | BIT(CAP_FOWNER),
		.ambient = BIT(CAP_CHOWN) | BIT(CAP_SETUID),
	};

	(void)state;
	assert_int_equal(caps_grant(&caps, true),
			 BIT(CAP_KILL) | BIT(CAP_FOWNER) | BIT(CAP_SETUID));
	assert_int_equal(caps.effective, BIT(CAP_CHOWN));
	assert_int_equal(caps.inheritable, BIT(CAP_CHOWN));
	assert_int_equal(caps.ambient, BIT(CAP_CHOWN));
	assert_int_equal(caps_grant(&caps, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_sets_are_as_asked),
		cmocka_unit_test(new_privileges_are_left_possible_where_they_may_be_had),
		cmocka_unit_test(one_that_is_held_can_be_raised),
		cmocka_unit_test(the_next_exec_takes_it_away),
		cmocka_unit_test(what_is_not_there_is_left_out_of_each_set_and_told),
		cmocka_unit_test(sets_are_made_to_fit_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
