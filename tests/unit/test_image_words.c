/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include "base/arena.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct image_job read_back(const struct image_job *job, struct arena *arena)
{
	struct image_job read = { .memory = 1 };
	struct error err = { 0 };

	assert_int_equal(image_job_read(image_job_words(job, arena), arena, &read, &err),
			 0);
	return read;
}

static void an_extraction_comes_through(void **state)
{
	static const char *const lowers[] = { "/cache/a/root", "/cache/b c/root" };
	struct arena arena = { 0 };
	const struct image_job job = {
		.task = IMAGE_TASK_EXTRACT,
		.socket = 3,
		.path = "/srv/image\nwith a line.tar",
		.input_fd = 0,
		.kind = "oci-archive",
		.tag = "",
		.arch = "amd64",
		.first = 0,
		.last = 126,
		.into = "/cache/new/x/root",
		.lowers = lowers,
		.lower_count = 2,
		.memory = UINT64_MAX,
		.mounts = 3,
		.squash = true,
		.undigested = true,
		.limits = { .entries = 5, .bytes = 6, .ratio = 7 },
		.expected = "blake2b:00ff",
	};
	struct image_job read;

	(void)state;
	read = read_back(&job, &arena);
	assert_int_equal(read.task, IMAGE_TASK_EXTRACT);
	assert_int_equal(read.socket, 3);
	assert_string_equal(read.path, job.path);
	assert_int_equal(read.input_fd, 0);
	assert_string_equal(read.kind, job.kind);
	assert_string_equal(read.tag, "");
	assert_string_equal(read.arch, "amd64");
	assert_int_equal(read.first, 0);
	assert_int_equal(read.last, 126);
	assert_string_equal(read.into, job.into);
	assert_int_equal(read.lower_count, 2);
	assert_string_equal(read.lowers[0], lowers[0]);
	assert_string_equal(read.lowers[1], lowers[1]);
	assert_true(read.memory == UINT64_MAX);
	assert_int_equal(read.mounts, 3);
	assert_true(read.squash);
	assert_true(read.undigested);
	assert_memory_equal(&read.limits, &job.limits, sizeof(job.limits));
	assert_string_equal(read.expected, job.expected);
	arena_free(&arena);
}

static void a_verification_comes_through(void **state)
{
	static const char *const keys[] = { "/etc/sbx/trust.d/%2F/a.minisign", "b", "c" };
	struct arena arena = { 0 };
	const struct image_job job = {
		.task = IMAGE_TASK_VERIFY,
		.socket = -1,
		.path = "/x",
		.input_fd = -1,
		.first = -1,
		.last = -1,
		.signature = "/x.minisig",
		.keys = keys,
		.key_count = 3,
		.sha512 = "abc",
	};
	struct image_job read;

	(void)state;
	read = read_back(&job, &arena);
	assert_int_equal(read.task, IMAGE_TASK_VERIFY);
	assert_string_equal(read.signature, job.signature);
	assert_int_equal(read.key_count, 3);
	assert_string_equal(read.keys[2], "c");
	assert_string_equal(read.sha512, "abc");
	arena_free(&arena);
}

static void what_was_not_said_is_nothing(void **state)
{
	struct arena arena = { 0 };
	const struct image_job job = { .task = IMAGE_TASK_REMOVE,
				       .socket = -1,
				       .input_fd = -1,
				       .first = -1,
				       .last = -1 };
	const struct image_job read = read_back(&job, &arena);

	(void)state;
	assert_int_equal(read.task, IMAGE_TASK_REMOVE);
	assert_int_equal(read.socket, -1);
	assert_null(read.path);
	assert_int_equal(read.input_fd, -1);
	assert_null(read.tag);
	assert_int_equal(read.first, -1);
	assert_int_equal(read.last, -1);
	assert_null(read.into);
	assert_int_equal(read.lower_count, 0);
	assert_int_equal(read.memory, 0);
	assert_int_equal(read.mounts, 0);
	assert_false(read.squash);
	assert_null(read.expected);
	assert_int_equal(read.key_count, 0);
	arena_free(&arena);
}

static void words_of_others_are_refused(void **state)
{
	static const char *const cases[][6] = {
		{ NULL },
		{ "sbx-image" },
		{ "sbx-image", SBX_VERSION },
		{ "sbx-image", "0.0.0", "inspect" },
		{ "sbx-image", SBX_VERSION, "eat" },
		{ "sbx-image", SBX_VERSION, "inspect", "path" },
		{ "sbx-image", SBX_VERSION, "inspect", "colour", "red" },
		{ "sbx-image", SBX_VERSION, "inspect", "socket", "x" },
		{ "sbx-image", SBX_VERSION, "inspect", "socket", "-1" },
		{ "sbx-image", SBX_VERSION, "inspect", "memory", "1k" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct image_job read = { .memory = 1 };
		struct error err = { 0 };

		assert_int_equal(image_job_read(cases[i], &arena, &read, &err), -1);
		assert_int_equal(err.id, ERROR_IMAGE);
		assert_int_equal(read.memory, 1);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_extraction_comes_through),
		cmocka_unit_test(a_verification_comes_through),
		cmocka_unit_test(what_was_not_said_is_nothing),
		cmocka_unit_test(words_of_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
