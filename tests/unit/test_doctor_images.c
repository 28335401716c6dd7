/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the doctor about images, and what sbx-image is asked for. */
#include "launcher/doctor.h"
#include "tests/unit/made_up_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_row(const struct host_facts *facts, const char *id,
		       enum row_state state, const char *found, const char *costs)
{
	const struct finding finding = doctor_judge(id, facts);

	assert_int_equal(finding.state, state);
	assert_non_null(strstr(finding.found, found));
	assert_non_null(strstr(finding.costs, costs));
}

static void a_program_that_answers_is_good(void **state)
{
	const struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "sbx-image", ROW_OK, "libarchive 3.6.2", "");
}

static void a_program_that_does_not_serve_is_missing(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	strcpy(facts.images.version, "0.0.1");
	assert_row(&facts, "sbx-image", ROW_MISSING, "version 0.0.1, sbx of", "");
	facts.images.version[0] = '\0';
	assert_row(&facts, "sbx-image", ROW_MISSING, "does not answer", "");
	facts.images = (struct image_facts){ .path = "/usr/libexec/sbx/sbx-image" };
	assert_row(&facts, "sbx-image", ROW_MISSING, "sbx-image is not there",
		   "directories only");
}

static void compressions_that_are_missing_are_named(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	strcpy(facts.images.archives, "libarchive 3.7.0 zlib/1.3 liblzma/5.4.1");
	assert_row(&facts, "sbx-image", ROW_LIMITED, "3.7.0",
		   "compressed as .zst .bz2 .lz4");
}

static void images_of_file_systems_need_a_server(void **state)
{
	struct host_facts facts = good_host();

	(void)state;
	assert_row(&facts, "squashfuse", ROW_OK, "/usr/bin/squashfuse", "");
	facts.squashfuse[0] = '\0';
	assert_row(&facts, "squashfuse", ROW_MISSING, "neither", "file systems");
	assert_string_equal(doctor_judge("squashfuse", &facts).remedy,
			    "sudo apt-get install squashfuse");
	strcpy(facts.erofsfuse, "/usr/bin/erofsfuse");
	assert_row(&facts, "squashfuse", ROW_LIMITED, "/usr/bin/erofsfuse", "squashfs");
}

static void an_answer_is_read(void **state)
{
	char text[] = "version 1.2.3\narchives libarchive 3.6.2 zlib/1\033\nsignatures "
		      "libsodium 1.0.18\nnonsense\n\nmore of it\n";
	struct image_facts images = { .there = true };

	(void)state;
	host_parse_image_probe(text, &images);
	assert_string_equal(images.version, "1.2.3");
	assert_string_equal(images.archives, "libarchive 3.6.2 zlib/1\\x1b");
	assert_string_equal(images.signatures, "libsodium 1.0.18");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_answers_is_good),
		cmocka_unit_test(a_program_that_does_not_serve_is_missing),
		cmocka_unit_test(compressions_that_are_missing_are_named),
		cmocka_unit_test(images_of_file_systems_need_a_server),
		cmocka_unit_test(an_answer_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
