/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "policy/policy.h"

#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BIT(number) (UINT64_C(1) << (number))

/* What a child answers: its exit status. */
enum answer { AS_ASKED, NOT_AS_ASKED, REFUSED, NO_NAMESPACE };

static void names_are_found_with_and_without_prefix_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(caps_by_name("CAP_NET_RAW"), BIT(CAP_NET_RAW));
	assert_int_equal(caps_by_name("net_raw"), BIT(CAP_NET_RAW));
	assert_int_equal(caps_by_name("Cap_Chown"), BIT(CAP_CHOWN));
	assert_int_equal(caps_by_name("all"), caps_all());
}

static void what_is_no_capability_has_no_bit(void **state)
{
	(void)state;
	assert_int_equal(caps_by_name(""), 0);
	assert_int_equal(caps_by_name("CAP_"), 0);
	assert_int_equal(caps_by_name("CAP_CAP_CHOWN"), 0);
	assert_int_equal(caps_by_name("NET"), 0);
	assert_int_equal(caps_by_name("CHOWN "), 0);
}

static void every_capability_has_one_name_and_is_found_by_it(void **state)
{
	unsigned int i = 0;

	(void)state;
	for (; caps_name(i); i++)
		assert_int_equal(caps_by_name(caps_name(i)), BIT(i));
	assert_int_equal(i, 41);
	assert_null(caps_name(64));
}

static void the_default_root_has_what_apt_su_and_nginx_need_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(caps_default_root(), UINT64_C(0x800405fb));
	assert_int_equal(caps_default_root() & ~caps_all(), 0);
}

static void sets_have_names_that_begin_with_at(void **state)
{
	(void)state;
	assert_int_equal(caps_by_name("@default"), caps_default_root());
	assert_int_equal(caps_by_name("@all"), caps_all());
	assert_int_equal(caps_by_name("@docker"), UINT64_C(0xa80425fb));
	assert_int_equal(caps_by_name("@Docker"), caps_by_name("@docker"));
	assert_true(caps_by_name("@users") & caps_by_name("setuid"));
	assert_true(caps_by_name("@services") & caps_by_name("net_bind_service"));
	assert_int_equal(caps_by_name("@nobody"), 0);
	assert_int_equal(caps_by_name("@"), 0);
}

static uint64_t effective_now(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return UINT64_MAX;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static int look(uint64_t kept, uint64_t ambient)
{
	if (effective_now() != kept)
		return NOT_AS_ASKED;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return NOT_AS_ASKED;
	for (unsigned int i = 0; i < 41; i++) {
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 && !(kept & BIT(i)))
			return NOT_AS_ASKED;
		if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) !=
		    ((ambient & BIT(i)) != 0))
			return NOT_AS_ASKED;
	}
	return AS_ASKED;
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
	const struct caps_spec *caps = what;
	struct error err = { 0 };

	if (caps_apply(caps, &err) < 0)
		return err.id == ERROR_CAPABILITIES ? REFUSED : NOT_AS_ASKED;
	return look(caps->kept, caps->ambient);
}

static void nothing_is_kept_where_nothing_is_asked_for(void **state)
{
	const struct caps_spec caps = { .kept = 0, .ambient = 0 };

	(void)state;
	assert_int_equal(in_namespace(apply, &caps), AS_ASKED);
}

static void exactly_what_is_asked_for_is_kept(void **state)
{
	const struct caps_spec some = { .kept = BIT(CAP_CHOWN) | BIT(CAP_BLOCK_SUSPEND),
					.ambient = 0 };
	const struct caps_spec all = { .kept = caps_all(), .ambient = 0 };

	(void)state;
	assert_int_equal(in_namespace(apply, &some), AS_ASKED);
	assert_int_equal(in_namespace(apply, &all), AS_ASKED);
}

static void ambient_capabilities_are_raised(void **state)
{
	const struct caps_spec caps = { .kept = BIT(CAP_CHOWN) | BIT(CAP_KILL),
					.ambient = BIT(CAP_KILL) };

	(void)state;
	assert_int_equal(in_namespace(apply, &caps), AS_ASKED);
}

static const struct caps_spec nothing = { .kept = 0, .ambient = 0 };
static const struct caps_spec only_kill = { .kept = BIT(CAP_KILL), .ambient = 0 };

static int apply_after_a_vfork(const void *what)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0)
		_exit(apply(&nothing));
	if (waitpid(child, &status, 0) < 0 || status != 0)
		return NOT_AS_ASKED;
	return apply(what);
}

static void the_parent_of_a_vfork_keeps_what_its_child_dropped(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(apply_after_a_vfork, &only_kill), AS_ASKED);
}

static int drop_all(const void *what)
{
	struct error err = { 0 };

	(void)what;
	if (caps_bound(0, &err) < 0 || caps_drop_all(&err) < 0)
		return REFUSED;
	return look(0, 0);
}

static void dropping_all_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(drop_all, NULL), AS_ASKED);
}

static int hold_one(const void *what)
{
	const uint64_t held = BIT(CAP_BLOCK_SUSPEND);
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct error err = { 0 };

	if (caps_apply_holding(what, held, &err) < 0 || caps_drop_to(held, &err) < 0 ||
	    syscall(SYS_capget, &header, data) < 0)
		return REFUSED;
	return data[CAP_BLOCK_SUSPEND / 32].permitted == 1U << CAP_BLOCK_SUSPEND % 32 &&
			       data[0].permitted == 0 && data[0].effective == 0 &&
			       data[1].effective == 0
		       ? AS_ASKED
		       : NOT_AS_ASKED;
}

static void one_that_is_held_is_permitted_alone(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(hold_one, &only_kill), AS_ASKED);
}

static int apply_after_dropping_all(const void *what)
{
	return apply(&nothing) == AS_ASKED ? apply(what) : NOT_AS_ASKED;
}

static void a_capability_that_is_not_there_cannot_be_kept(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(apply_after_dropping_all, &only_kill), REFUSED);
}

/* Without CAP_SETPCAP the bounding set stays full, whatever a library says. */
static int apply_without_setpcap(const void *what)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	struct error err = { 0 };

	data[0].permitted = (uint32_t)(caps_all() & ~BIT(CAP_SETPCAP));
	data[0].effective = data[0].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return NOT_AS_ASKED;
	if (caps_apply(what, &err) == 0)
		return AS_ASKED;
	return strstr(err.text, "bounding") ? REFUSED : NOT_AS_ASKED;
}

static void a_bounding_set_that_does_not_shrink_is_noticed(void **state)
{
	(void)state;
	assert_int_equal(in_namespace(apply_without_setpcap, &nothing), REFUSED);
}

static void a_strange_set_is_refused_by_name(void **state)
{
	const struct caps_spec unknown = { .kept = BIT(63), .ambient = 0 };
	const struct caps_spec stray = { .kept = BIT(CAP_CHOWN),
					 .ambient = BIT(CAP_KILL) };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(caps_apply(&unknown, &err), -1);
	assert_non_null(strstr(err.text, "this kernel does not know it"));
	assert_int_equal(caps_apply(&stray, &err), -1);
	assert_string_equal(err.text, "make CAP_KILL ambient: it is not kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_with_and_without_prefix_in_any_case),
		cmocka_unit_test(what_is_no_capability_has_no_bit),
		cmocka_unit_test(every_capability_has_one_name_and_is_found_by_it),
		cmocka_unit_test(sets_have_names_that_begin_with_at),
		cmocka_unit_test(
			the_default_root_has_what_apt_su_and_nginx_need_and_no_more),
		cmocka_unit_test(nothing_is_kept_where_nothing_is_asked_for),
		cmocka_unit_test(exactly_what_is_asked_for_is_kept),
		cmocka_unit_test(ambient_capabilities_are_raised),
		cmocka_unit_test(the_parent_of_a_vfork_keeps_what_its_child_dropped),
		cmocka_unit_test(dropping_all_leaves_nothing),
		cmocka_unit_test(one_that_is_held_is_permitted_alone),
		cmocka_unit_test(a_capability_that_is_not_there_cannot_be_kept),
		cmocka_unit_test(a_bounding_set_that_does_not_shrink_is_noticed),
		cmocka_unit_test(a_strange_set_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
