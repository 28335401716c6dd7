/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

static void abis_have_names_and_the_kernels_numbers(void **state)
{
	(void)state;
	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		assert_int_equal(abi_by_name(abi_name(abi)), abi);
	}
	assert_int_equal(abi_by_name("vax"), ABI_COUNT);
	assert_int_equal(abi_audit(abi_native()), seccomp_arch_native());
	assert_true(abi_served() & 1U << abi_native());
	assert_true(abi_is_wide(ABI_X32));
	assert_false(abi_is_wide(ABI_ARM));
}

static void numbers_of_this_machine_are_those_of_its_headers(void **state)
{
	(void)state;
	assert_int_equal(call_number(abi_native(), "read"), SYS_read);
	assert_int_equal(call_number(abi_native(), "openat"), SYS_openat);
	assert_int_equal(call_number(abi_native(), "clone3"), SYS_clone3);
}

static void a_call_that_another_abi_has_is_told_from_one_that_none_has(void **state)
{
	(void)state;
	assert_int_equal(call_number(ABI_AARCH64, "open"), -1);
	assert_int_equal(call_number(ABI_X86_64, "socketcall"), -1);
	assert_int_equal(call_number(ABI_X86_64, "s390_runtime_instr"), -1);
	assert_int_equal(call_number(ABI_X86_64, "opne"), -2);
	assert_int_equal(call_number(ABI_X86_64, ""), -2);
}

static void x32_numbers_carry_their_bit(void **state)
{
	(void)state;
	assert_int_equal(call_number(ABI_X32, "read"), X32_BIT);
	assert_int_equal(call_number(ABI_X32, "ioctl"), X32_BIT | 514);
	assert_string_equal(call_name(ABI_X32, X32_BIT | 514), "ioctl");
	assert_null(call_name(ABI_X32, 514));
}

static void the_first_of_two_names_is_shown(void **state)
{
	(void)state;
	assert_int_equal(call_number(ABI_ARM, "sync_file_range2"), 341);
	assert_string_equal(call_name(ABI_ARM, 341), "arm_sync_file_range");
}

static void numbers_from_424_on_are_the_same_everywhere(void **state)
{
	size_t count;
	const uint32_t *numbers = call_numbers(ABI_AARCH64, &count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *name = call_name(ABI_AARCH64, numbers[i]);

		if (numbers[i] < 424 || strcmp(name, "memfd_secret") == 0)
			continue;
		for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
			const int number = call_number(abi, name);

			assert_int_equal(number & ~X32_BIT, numbers[i]);
		}
	}
}

static void every_number_has_a_name_that_leads_back(void **state)
{
	(void)state;
	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		size_t count;
		const uint32_t *numbers = call_numbers(abi, &count);

		assert_true(count > 300);
		for (size_t i = 0; i < count; i++) {
			assert_true(i == 0 || numbers[i - 1] < numbers[i]);
			assert_int_equal(call_number(abi, call_name(abi, numbers[i])),
					 numbers[i]);
		}
	}
	assert_null(call_name(ABI_X86_64, 100000));
}

static void libseccomp_knows_the_same_numbers(void **state)
{
	const char *const *names = group_calls("@known");

	(void)state;
	for (; *names; names++) {
		for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
			const int ours = call_number(abi, *names);
			int theirs =
				seccomp_syscall_resolve_name_arch(abi_audit(abi), *names);

			if (abi == ABI_X32)
				theirs = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X32,
									   *names);
			if (theirs >= 0 && theirs != ours)
				fail_msg("%s on %s: %d, libseccomp says %d", *names,
					 abi_name(abi), ours, theirs);
		}
	}
}

/* The other way: what libseccomp knows of the first 600 numbers is in the lists. */
static void libseccomp_knows_no_more(void **state)
{
	static const uint32_t theirs[] = { [ABI_X86_64] = SCMP_ARCH_X86_64,
					   [ABI_X32] = SCMP_ARCH_X32,
					   [ABI_I386] = SCMP_ARCH_X86,
					   [ABI_AARCH64] = SCMP_ARCH_AARCH64,
					   [ABI_ARM] = SCMP_ARCH_ARM };

	(void)state;
	for (enum abi abi = ABI_X86_64; abi < ABI_COUNT; abi++) {
		for (int i = 0; i < 600; i++) {
			const int number = abi == ABI_X32 ? i | X32_BIT : i;
			char *name =
				seccomp_syscall_resolve_num_arch(theirs[abi], number);

			if (name && call_number(abi, name) != number)
				fail_msg("%s has %s as %d", abi_name(abi), name, number);
			free(name);
		}
	}
}

static void a_mistyped_call_meets_the_nearest(void **state)
{
	(void)state;
	assert_string_equal(call_nearest("opneat"), "openat");
	assert_string_equal(call_nearest("sockte"), "socket");
	assert_null(call_nearest("no_such_thing_at_all"));
}

static void arguments_have_names_and_the_kernels_widths(void **state)
{
	size_t count = 0;
	const struct argument *arguments = call_arguments("ioctl", &count);

	(void)state;
	assert_int_equal(count, 3);
	assert_string_equal(arguments[1].name, "cmd");
	assert_false(arguments[1].wide);
	assert_string_equal(arguments[1].family, "IOCTL");
	assert_true(arguments[2].wide);
	assert_null(arguments[2].family);
	assert_null(call_arguments("getppid", &count));
	assert_null(call_arguments("nothing", &count));
}

static void every_argument_list_is_whole(void **state)
{
	const char *const *names = group_calls("@known");

	(void)state;
	for (; *names; names++) {
		size_t count = 0;
		const struct argument *arguments = call_arguments(*names, &count);

		assert_true(count <= 6);
		for (size_t i = 0; i < count; i++) {
			const bool has_family = arguments[i].kind == ARGUMENT_WORD ||
						arguments[i].kind == ARGUMENT_FLAGS;

			assert_true(arguments[i].name[0] != '\0');
			assert_int_equal(arguments[i].family != NULL, has_family);
		}
	}
}

#define SAME(constant)                                                                   \
	do {                                                                             \
		uint64_t value = 0;                                                      \
		assert_int_equal(constant_value(#constant, &value), 0);                  \
		assert_int_equal(value, (uint64_t)(constant));                           \
	} while (0)

static void constants_are_those_of_this_machines_headers(void **state)
{
	(void)state;
	SAME(AF_VSOCK);
	SAME(SOCK_CLOEXEC);
	SAME(CLONE_NEWUSER);
	SAME(PROT_EXEC);
	SAME(MAP_ANONYMOUS);
	SAME(TIOCSTI);
	SAME(O_DIRECT);
	SAME(O_DIRECTORY);
	SAME(O_NOFOLLOW);
	SAME(O_TMPFILE);
	SAME(F_ADD_SEALS);
	SAME(PR_SET_NO_NEW_PRIVS);
	SAME(EAFNOSUPPORT);
}

static void an_unknown_constant_is_none(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_int_equal(constant_value("AF_UNIXX", &value), -1);
	assert_int_equal(value, 7);
	assert_string_equal(constant_nearest("AF_UNIXX"), "AF_UNIX");
	/* Of the other machine. */
	assert_int_equal(
		constant_value(abi_native() == ABI_X86_64 ? "PROT_BTI" : "MAP_32BIT",
			       &value),
		-1);
}

static void a_value_has_the_usual_name_of_its_family(void **state)
{
	(void)state;
	assert_string_equal(constant_name("AF", 1), "AF_UNIX");
	assert_string_equal(constant_name("AF", 40), "AF_VSOCK");
	assert_string_equal(constant_name("SIG", 6), "SIGABRT");
	assert_string_equal(constant_name("PR", 1), "PR_SET_PDEATHSIG");
	assert_null(constant_name("AF", 4711));
	assert_null(constant_name("NOFAMILY", 1));
}

static void errnos_have_numbers_and_numbers_names(void **state)
{
	(void)state;
	assert_int_equal(errno_by_name("ENOSYS"), ENOSYS);
	assert_int_equal(errno_by_name("EWOULDBLOCK"), EAGAIN);
	assert_int_equal(errno_by_name("EFD_SEMAPHORE"), -1);
	assert_int_equal(errno_by_name("ENOTHING"), -1);
	for (int i = 1; i < 134; i++) {
		/* Two numbers were never given away. */
		if (i != 41 && i != 58)
			assert_int_equal(errno_by_name(errno_name(i)), i);
	}
	assert_string_equal(errno_name(EAGAIN), "EAGAIN");
	assert_null(errno_name(0));
	assert_null(errno_name(4095));
}

static bool has(const char *group, const char *call)
{
	const char *const *calls = group_calls(group);

	while (*calls && strcmp(*calls, call) != 0)
		calls++;
	return *calls != NULL;
}

static void groups_contain_groups(void **state)
{
	(void)state;
	assert_true(has("@basic-io", "read"));
	assert_true(has("@default", "read"));
	assert_true(has("@system-service", "read"));
	assert_true(has("@privileged", "init_module"));
	assert_false(has("@basic-io", "init_module"));
	assert_true(has("@known", "s390_runtime_instr"));
}

static void a_group_is_found_with_and_without_its_version(void **state)
{
	(void)state;
	assert_ptr_equal(group_calls("@file-system@v1"), group_calls("@file-system"));
	assert_null(group_calls("@file-system@v2"));
	assert_null(group_calls("@file-system@1"));
	assert_null(group_calls("@file-system@v"));
	assert_null(group_calls("@filesystem"));
	assert_null(group_calls("file-system"));
	assert_string_equal(group_nearest("@filesystem"), "@file-system");
}

static void every_group_has_a_title_and_every_title_a_group(void **state)
{
	size_t count = 0;

	(void)state;
	for (const struct group_title *title = group_titles(); title->name; title++) {
		const char *const *calls = group_calls(title->name);

		assert_non_null(calls);
		assert_non_null(calls[0]);
		assert_true(title->what[0] != '\0');
		count++;
	}
	assert_true(count > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abis_have_names_and_the_kernels_numbers),
		cmocka_unit_test(numbers_of_this_machine_are_those_of_its_headers),
		cmocka_unit_test(
			a_call_that_another_abi_has_is_told_from_one_that_none_has),
		cmocka_unit_test(x32_numbers_carry_their_bit),
		cmocka_unit_test(the_first_of_two_names_is_shown),
		cmocka_unit_test(numbers_from_424_on_are_the_same_everywhere),
		cmocka_unit_test(every_number_has_a_name_that_leads_back),
		cmocka_unit_test(libseccomp_knows_the_same_numbers),
		cmocka_unit_test(libseccomp_knows_no_more),
		cmocka_unit_test(a_mistyped_call_meets_the_nearest),
		cmocka_unit_test(arguments_have_names_and_the_kernels_widths),
		cmocka_unit_test(every_argument_list_is_whole),
		cmocka_unit_test(constants_are_those_of_this_machines_headers),
		cmocka_unit_test(an_unknown_constant_is_none),
		cmocka_unit_test(a_value_has_the_usual_name_of_its_family),
		cmocka_unit_test(errnos_have_numbers_and_numbers_names),
		cmocka_unit_test(groups_contain_groups),
		cmocka_unit_test(a_group_is_found_with_and_without_its_version),
		cmocka_unit_test(every_group_has_a_title_and_every_title_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
