/* SPDX-License-Identifier: Apache-2.0 */
/* Which machine an ELF file is for, and whether its programs can run here. */
#include "userns/userns.h"

#include "image/image.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_elf_file_names_its_machine(void **state)
{
	(void)state;
	assert_string_equal(binfmt_machine(EM_AARCH64, 64), "aarch64");
	assert_string_equal(binfmt_machine(EM_S390, 64), "s390x");
	assert_string_equal(binfmt_machine(EM_X86_64, 64), "x86_64");
	assert_string_equal(binfmt_machine(EM_ARM, 32), "armv7l");
	assert_null(binfmt_machine(EM_VAX, 32));
	assert_null(binfmt_machine(EM_AARCH64, 32));
	assert_null(binfmt_machine(0, 0));
}

/* Else it could not be named in an error, or not be found by an image's label. */
static void each_of_them_has_a_name_in_images(void **state)
{
	static const unsigned int numbers[] = { EM_AARCH64, EM_ARM,   EM_X86_64,
						EM_386,     EM_RISCV, EM_S390 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		const char *machine = binfmt_machine(numbers[i], 64);
		const char *arch;

		if (!machine)
			machine = binfmt_machine(numbers[i], 32);
		assert_non_null(machine);
		arch = image_arch_of_machine(machine);
		assert_non_null(arch);
		assert_string_equal(image_machine_of_arch(arch), machine);
	}
}

static void what_nobody_knows_has_no_way(void **state)
{
	(void)state;
	assert_int_equal(binfmt_find("vax"), BINFMT_NONE);
	assert_int_equal(binfmt_find(""), BINFMT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_elf_file_names_its_machine),
		cmocka_unit_test(each_of_them_has_a_name_in_images),
		cmocka_unit_test(what_nobody_knows_has_no_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
