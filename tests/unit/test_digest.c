/* SPDX-License-Identifier: Apache-2.0 */
#include "image/digest.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "tests/unit/temporary.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static const char *directory(void **state)
{
	const struct temporary *temporary = *state;

	return temporary->path;
}

static struct json_value *document_of(const char *dir, size_t listed, struct arena *arena)
{
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct json_value *document = NULL;
	struct error err = { 0 };

	assert_true(fd >= 0);
	if (tree_digest(fd, listed, arena, &document, &err) < 0)
		fail_msg("cannot %s", err.text);
	return document;
}

static const char *digest_of(const char *dir, struct arena *arena)
{
	const char *digest = NULL;
	struct error err;

	assert_int_equal(
		json_get_text(document_of(dir, 100, arena), "digest", &digest, &err), 0);
	return digest;
}

static void put(const char *dir, const char *name, const char *content)
{
	char path[4096];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, content, strlen(content)), 0);
}

static void two_trees_that_were_written_otherwise_are_the_same(void **state)
{
	const struct timespec past[2] = { { 1000, 0 }, { 2000, 0 } };
	char one[256], other[256], path[300];
	struct arena arena = { NULL };

	snprintf(one, sizeof(one), "%s/one", directory(state));
	snprintf(other, sizeof(other), "%s/other", directory(state));
	assert_int_equal(mkdir(one, 0755), 0);
	assert_int_equal(mkdir(other, 0755), 0);
	put(one, "a", "1");
	put(one, "b", "2");
	put(other, "b", "2");
	put(other, "a", "1");
	snprintf(path, sizeof(path), "%s/a", other);
	assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
	assert_string_equal(digest_of(one, &arena), digest_of(other, &arena));
	arena_free(&arena);
}

static void each_thing_that_counts_makes_another_digest(void **state)
{
	const char *dir = directory(state);
	char path[300], link[300];
	struct arena arena = { NULL };
	const char *seen[8];
	size_t count = 0;

	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(link, sizeof(link), "%s/b", dir);
	put(dir, "a", "1");
	seen[count++] = digest_of(dir, &arena);
	put(dir, "a", "2");
	seen[count++] = digest_of(dir, &arena);
	assert_int_equal(chmod(path, 0600), 0);
	seen[count++] = digest_of(dir, &arena);
	put(dir, "b", "2");
	assert_int_equal(chmod(link, 0600), 0);
	seen[count++] = digest_of(dir, &arena);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, link, 0), 0);
	seen[count++] = digest_of(dir, &arena);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("a", link), 0);
	seen[count++] = digest_of(dir, &arena);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkfifo(link, 0600), 0);
	seen[count++] = digest_of(dir, &arena);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	arena_free(&arena);
}

static const char *member(const struct json_value *document, size_t index,
			  const char *key)
{
	const char *text = "";
	struct error err;

	(void)json_get_text(json_at(json_get(document, "files"), index), key, &text,
			    &err);
	return text;
}

static void files_are_listed_in_the_order_of_their_paths(void **state)
{
	static const char *const paths[] = { ".", "d", "d.txt", "d/x", "e", "z" };
	struct arena arena = { NULL };
	struct json_value *document;
	const char *dir = directory(state);
	char path[300], link[300];

	snprintf(path, sizeof(path), "%s/d", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	put(dir, "z", "same");
	put(dir, "d/x", "");
	put(dir, "d.txt", "");
	snprintf(path, sizeof(path), "%s/z", dir);
	snprintf(link, sizeof(link), "%s/e", dir);
	assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, link, 0), 0);
	document = document_of(dir, 100, &arena);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_string_equal(member(document, i, "path"), paths[i]);
	assert_string_equal(member(document, 4, "type"), "file");
	assert_string_equal(member(document, 5, "type"), "hard link");
	assert_string_equal(member(document, 5, "link"), "e");
	arena_free(&arena);
}

static void too_many_files_are_counted_and_not_listed(void **state)
{
	struct arena arena = { NULL };
	struct json_value *document;
	uint64_t count = 0;
	struct error err;
	const char *dir = directory(state);

	put(dir, "a", "");
	put(dir, "b", "");
	document = document_of(dir, 2, &arena);
	assert_null(json_get(document, "files"));
	assert_int_equal(json_get_unsigned(document, "count", 10, &count, &err), 0);
	assert_int_equal(count, 3);
	arena_free(&arena);
}

static void a_path_longer_than_the_kernel_takes_is_read(void **state)
{
	enum { DEPTH = 40 };
	struct arena arena = { NULL };
	const char *before;
	const char *dir = directory(state);
	char name[151];
	int at;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	before = digest_of(dir, &arena);
	assert_int_equal(symlinkat("gone", at, "deep"), 0);
	assert_string_not_equal(digest_of(dir, &arena), before);
	assert_int_equal(unlinkat(at, "deep", 0), 0);
	close(at);
	arena_free(&arena);
}

static void set(const char *path, const char *name, const char *value)
{
	assert_int_equal(setxattr(path, name, value, strlen(value), 0), 0);
}

/* overlayfs(5) with userxattr, and fuse-overlayfs(1). */
static void marks_of_overlays_are_no_files_and_no_attributes(void **state)
{
	const char *dir = directory(state);
	struct arena arena = { NULL };
	struct json_value *document;
	char path[300];

	snprintf(path, sizeof(path), "%s/d", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	if (setxattr(path, "user.overlay.origin", "", 0, 0) < 0)
		skip(); /* no file system for it */
	put(dir, "d/.wh..wh..opq", "");
	document = document_of(dir, 100, &arena);
	assert_string_equal(member(document, 2, "path"), "d/.wh..wh..opq");
	assert_null(json_get(json_at(json_get(document, "files"), 1), "opaque"));
	set(path, "user.fuseoverlayfs.opaque", "y");
	document = document_of(dir, 100, &arena);
	assert_int_equal(json_count(json_get(document, "files")), 2);
	assert_non_null(json_get(json_at(json_get(document, "files"), 1), "opaque"));
	assert_null(json_get(json_at(json_get(document, "files"), 1), "attributes"));
	set(path, "user.mine", "1");
	document = document_of(dir, 100, &arena);
	assert_non_null(json_get(json_at(json_get(document, "files"), 1), "attributes"));
	arena_free(&arena);
}

#define IN_DIRECTORY(test)                                                               \
	cmocka_unit_test_setup_teardown(test, temporary_make, temporary_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(two_trees_that_were_written_otherwise_are_the_same),
		IN_DIRECTORY(each_thing_that_counts_makes_another_digest),
		IN_DIRECTORY(files_are_listed_in_the_order_of_their_paths),
		IN_DIRECTORY(too_many_files_are_counted_and_not_listed),
		IN_DIRECTORY(marks_of_overlays_are_no_files_and_no_attributes),
		IN_DIRECTORY(a_path_longer_than_the_kernel_takes_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
