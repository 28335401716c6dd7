/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image/image.h"

static void machines_have_the_names_of_images(void **state)
{
	(void)state;
	assert_string_equal(image_arch_of_machine("x86_64"), "amd64");
	assert_string_equal(image_arch_of_machine("aarch64"), "arm64");
	assert_string_equal(image_arch_of_machine("armv7l"), "arm");
	assert_string_equal(image_arch_of_machine("i686"), "386");
	assert_string_equal(image_arch_of_machine("riscv64"), "riscv64");
	assert_string_equal(image_arch_of_machine("ppc64le"), "ppc64le");
	assert_string_equal(image_arch_of_machine("s390x"), "s390x");
	assert_string_equal(image_arch_of_machine("loongarch64"), "loong64");
	assert_string_equal(image_arch_of_machine("mips64"), "mips64le");
	assert_null(image_arch_of_machine("vax"));
	assert_null(image_arch_of_machine(""));
}

static void images_have_the_names_of_machines(void **state)
{
	(void)state;
	assert_string_equal(image_machine_of_arch("amd64"), "x86_64");
	assert_string_equal(image_machine_of_arch("x86_64"), "x86_64");
	assert_string_equal(image_machine_of_arch("arm64"), "aarch64");
	assert_string_equal(image_machine_of_arch("arm"), "armv7l");
	assert_string_equal(image_machine_of_arch("386"), "i686");
	assert_null(image_machine_of_arch("vax"));
}

static void labels_of_acis_are_either(void **state)
{
	(void)state;
	assert_string_equal(image_arch_of_machine("amd64"), "amd64");
	assert_string_equal(image_arch_of_machine("i386"), "386");
	assert_string_equal(image_arch_of_machine("aarch64"), "arm64");
	assert_string_equal(image_arch_of_machine("armv6l"), "arm");
}

static void variants_are_of_machines_that_have_some(void **state)
{
	(void)state;
	assert_string_equal(image_variant_of_machine("armv7l"), "v7");
	assert_string_equal(image_variant_of_machine("armv6l"), "v6");
	assert_string_equal(image_variant_of_machine("aarch64"), "v8");
	assert_null(image_variant_of_machine("x86_64"));
	assert_null(image_variant_of_machine("vax"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_have_the_names_of_images),
		cmocka_unit_test(images_have_the_names_of_machines),
		cmocka_unit_test(labels_of_acis_are_either),
		cmocka_unit_test(variants_are_of_machines_that_have_some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
