/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void an_empty_arena_can_be_freed(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	arena_free(&arena);
	arena_free(&arena);
	assert_null(arena.blocks);
}

static void memory_is_zeroed_and_aligned(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t size = 1; size < 100; size++) {
		unsigned char *bytes = arena_alloc(&arena, size);

		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xff, size);
	}
	arena_free(&arena);
}

static void pieces_do_not_overlap(void **state)
{
	struct arena arena = { 0 };
	unsigned char *pieces[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(&arena, i + 1);
		memset(pieces[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t j = 0; j <= i; j++)
			assert_int_equal(pieces[i][j], i);
	}
	arena_free(&arena);
}

static void large_pieces_have_room(void **state)
{
	struct arena arena = { 0 };
	char *large = arena_alloc(&arena, 1 << 20);
	char *small = arena_alloc(&arena, 1);

	(void)state;
	memset(large, 1, 1 << 20);
	*small = 2;
	assert_int_equal(large[(1 << 20) - 1], 1);
	arena_free(&arena);
}

static void texts_are_copied(void **state)
{
	struct arena arena = { 0 };
	char text[] = "abc";
	char *copy = arena_strdup(&arena, text);
	char *part = arena_strndup(&arena, text, 2);
	char *longer = arena_strndup(&arena, "ab\0cd", 5);

	(void)state;
	text[0] = 'x';
	assert_string_equal(copy, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(longer, "ab");
	arena_free(&arena);
}

static void texts_are_formatted_at_any_length(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_string_equal(arena_printf(&arena, "%s:%d", "a", 7), "a:7");
	assert_int_equal(strlen(arena_printf(&arena, "%020000d", 0)), 20000);
	arena_free(&arena);
}

static void a_list_grows_and_keeps_its_elements(void **state)
{
	struct arena arena = { 0 };
	uint64_t *list = NULL;
	size_t count = 0;

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		list = arena_grow(&arena, list, count, sizeof(*list));
		list[count++] = i;
	}
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(list[i], i);
	arena_free(&arena);
}

static void an_array_whose_size_overflows_ends_the_program(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct arena arena = { 0 };

		close(STDERR_FILENO);
		arena_alloc_array(&arena, SIZE_MAX / 2, 4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_arena_can_be_freed),
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(large_pieces_have_room),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(texts_are_formatted_at_any_length),
		cmocka_unit_test(a_list_grows_and_keeps_its_elements),
		cmocka_unit_test(an_array_whose_size_overflows_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
