/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cached.h"

#include "base/fd.h"
#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char map[] = "0123456789abcdef";

int cached_make(void **state)
{
	struct cached *cached = calloc(1, sizeof(*cached));
	void *temporary;
	struct error err;

	if (!cached || temporary_make(&temporary) < 0)
		return -1;
	cached->temporary = temporary;
	setenv("XDG_CACHE_HOME", cached->temporary->path, 1);
	*state = cached;
	return cache_open(&cached->arena, &cached->cache, &err);
}

int cached_remove(void **state)
{
	struct cached *cached = *state;
	void *temporary = cached->temporary;

	cache_close(&cached->cache);
	arena_free(&cached->arena);
	free(cached);
	return temporary_remove(&temporary);
}

const char *cached_digest(struct cached *cached, char digit)
{
	char *digest =
		arena_strdup(&cached->arena, "sha256:................................"
					     "................................");

	memset(digest + strlen("sha256:"), digit, 64);
	return digest;
}

const char *cached_key(struct cached *cached, char digit)
{
	return cache_layer_key(cached_digest(cached, digit), map, &cached->arena);
}

int cached_publish(struct cached *cached, char digit, uint64_t bytes)
{
	struct cache_place place;
	struct error err;
	const char *path;
	int lock = -1, file;

	if (cache_make_place(&cached->cache, &cached->arena, &place, &err) < 0)
		return -1;
	path = arena_printf(&cached->arena, "%s/file", place.path);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return -1;
	close(file);
	if (cache_publish_layer(&cached->cache, &place, cached_key(cached, digit), bytes,
				&cached->arena, &lock, &path, &err) < 0)
		return -1;
	return lock;
}

void cached_add_layer(struct cached *cached, char digit, uint64_t bytes)
{
	int lock = cached_publish(cached, digit, bytes);

	assert_true(lock >= 0);
	close(lock);
}

static const char *image_name(struct cached *cached, char digit)
{
	return arena_printf(&cached->arena, "images/%s.json", cached_key(cached, digit));
}

void cached_add_image(struct cached *cached, char digit, const char *layers, int64_t ago)
{
	static const char *const none[] = { NULL };
	const char *keys[16] = { NULL };
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = 0 } };
	struct cache_record record = {
		.id = cached_digest(cached, digit),
		.source = "/srv/image.tar",
		.map = map,
		.config = { .kind = "oci",
			    .entrypoint = none,
			    .command = none,
			    .env = none,
			    .volumes = none,
			    .labels = none,
			    .chains = none },
		.keys = keys,
		.made = time(NULL),
	};
	struct error err;

	for (; layers[record.key_count]; record.key_count++)
		keys[record.key_count] = cached_key(cached, layers[record.key_count]);
	assert_int_equal(cache_publish_image(&cached->cache, &record, NULL, NULL, &err),
			 0);
	times[1].tv_sec = time(NULL) - ago;
	assert_int_equal(
		utimensat(cached->cache.dir, image_name(cached, digit), times, 0), 0);
}

const char *cached_path(const struct cached *cached, const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", cached->cache.path, name);
	return path;
}

bool cached_has(const struct cached *cached, const char *name)
{
	return faccessat(cached->cache.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool cached_has_layer(struct cached *cached, char digit)
{
	return cached_has(cached, arena_printf(&cached->arena, "layers/%s/root/file",
					       cached_key(cached, digit)));
}

bool cached_has_image(struct cached *cached, char digit)
{
	return cached_has(cached, image_name(cached, digit));
}

int cached_count(struct cached *cached, const char *name)
{
	DIR *names = opendir(cached_path(cached, name));
	int count = -2; /* "." and ".." */

	assert_non_null(names);
	while (readdir(names))
		count++;
	closedir(names);
	return count;
}

int cached_sweep(struct cached *cached)
{
	int count = 0;

	for (;; count++) {
		auto_close int lock = -1;
		const char *tree =
			cache_next_trash(&cached->cache, &cached->arena, &lock);

		if (!tree)
			return count;
		assert_int_equal(files_remove_tree(AT_FDCWD, tree), 0);
	}
}
