/* SPDX-License-Identifier: Apache-2.0 */
/* Where the cache lies, and whether it can be believed: what is in it is run. */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "image/cache_parts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Below images/, in the order in which they are made. */
static const char *const places[] = { "layers", "images", "files", "new" };

/* ---- names ----------------------------------------------------------------------------- */

const char *cache_short_name(const char *text, struct arena *arena)
{
	uint64_t hash = 14695981039346656037U; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211U;
	return arena_printf(arena, "%016" PRIx64, hash);
}

bool cache_is_digest(const char *text)
{
	const char *digits = text + strlen("sha256:");

	return text_starts_with(text, "sha256:") && strlen(text) == CACHE_DIGEST_SIZE &&
	       strspn(digits, "0123456789abcdef") == strlen(digits);
}

bool cache_is_name(const char *text)
{
	const size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	return length > 0 && length <= CACHE_NAME_MAX;
}

const char *cache_map_name(const char *map, bool squash, struct arena *arena)
{
	return cache_short_name(arena_printf(arena, "%s%s", squash ? "squash " : "", map),
				arena);
}

const char *cache_layer_key(const char *chain, const char *map, struct arena *arena)
{
	if (!cache_is_digest(chain))
		return NULL;
	return arena_printf(arena, "%s-%s", chain + strlen("sha256:"), map);
}

int64_t cache_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* ---- errors ---------------------------------------------------------------------------- */

int cache_error(struct error *err, const char *what, const char *name)
{
	const int errnum = errno;

	error_set(err, ERROR_CACHE, "%s %s", what, name);
	err->errnum = errnum;
	if (errnum == ENOSPC || errnum == EDQUOT)
		return error_hint(err, "sbx image gc makes room; --no-cache needs none");
	return error_hint(err, CACHE_HINT);
}

static int refuse_directory(const char *path, const char *why, struct error *err)
{
	error_set(err, ERROR_CACHE, "use the cache %s: %s", path, why);
	return error_hint(err, CACHE_HINT);
}

/* ---- opening --------------------------------------------------------------------------- */

/* $XDG_CACHE_HOME, which has to be absolute (XDG Base Directory Specification), or what
 * stands for it. */
static const char *base_path(struct arena *arena, struct error *err)
{
	const char *given = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (given && *given) {
		if (given[0] == '/')
			return given;
		error_set(err, ERROR_CACHE,
			  "find the cache: XDG_CACHE_HOME is not absolute: %s", given);
		error_hint(err, CACHE_HINT);
		return NULL;
	}
	if (home && home[0] == '/')
		return arena_printf(arena, "%s/.cache", home);
	error_set(err, ERROR_CACHE,
		  "find the cache: neither XDG_CACHE_HOME nor HOME says where it is");
	error_hint(err, CACHE_HINT);
	return NULL;
}

/* What is there is as good, whoever may not make it. */
static int make_directory(int parent, const char *name)
{
	struct stat ignored;
	int errnum;

	if (mkdirat(parent, name, S_IRWXU) == 0)
		return 0;
	errnum = errno;
	if (fstatat(parent, name, &ignored, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	errno = errnum;
	return -1;
}

/* mkdir -p; what exists is left as it is. -1 and errno. */
static int make_parents(const char *path, struct arena *arena)
{
	char *copy = arena_strdup(arena, path);

	for (char *at = copy + 1;; at++) {
		const char kept = *at;

		if (kept != '/' && kept != '\0')
			continue;
		*at = '\0';
		if (make_directory(AT_FDCWD, copy) < 0)
			return -1;
		if (kept == '\0')
			return 0;
		*at = kept;
	}
}

/* No open(2) for others, however the modes inside are: a file that is setuid in an image is
 * setuid of the caller here. */
static int close_to_others(int fd, mode_t mode)
{
	if ((mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	return fchmod(fd, S_IRWXU);
}

/* One directory of ours. -1: error; -1 and ENOENT in err: it is missing, and was not made. */
static int open_own(int parent, const char *name, const char *path, bool make,
		    struct error *err)
{
	auto_close int fd = -1;
	struct stat info;

	if (make && make_directory(parent, name) < 0)
		return cache_error(err, "make the cache", path);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return refuse_directory(path, "it is a link, or no directory", err);
	if (fd < 0 || fstat(fd, &info) < 0)
		return cache_error(err, "open the cache", path);
	if (info.st_uid != geteuid())
		return refuse_directory(path, "it belongs to somebody else", err);
	if (info.st_mode & (S_IWGRP | S_IWOTH))
		return refuse_directory(path, "others can write to it", err);
	if (close_to_others(fd, info.st_mode) < 0)
		return cache_error(err, "close to others the cache", path);
	return fd_take(&fd);
}

static int open_places(int dir, const char *path, bool make, struct arena *arena,
		       struct error *err)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *place = arena_printf(arena, "%s/%s", path, places[i]);
		auto_close int fd = open_own(dir, places[i], place, make, err);

		if (fd < 0)
			return -1;
	}
	return 0;
}

int cache_open_folder(const char *name, bool make, struct arena *arena, struct error *err)
{
	const char *base = base_path(arena, err);
	auto_close int base_fd = -1, sbx = -1;

	if (!base)
		return -1;
	if (make && make_parents(base, arena) < 0)
		return cache_error(err, "make", base);
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base_fd < 0)
		return cache_error(err, "open", base);
	sbx = open_own(base_fd, "sbx", arena_printf(arena, "%s/sbx", base), make, err);
	if (sbx < 0)
		return -1;
	return open_own(sbx, name, arena_printf(arena, "%s/sbx/%s", base, name), make,
			err);
}

static int open_cache(bool make, struct arena *arena, struct cache *ret_cache,
		      struct error *err)
{
	auto_close int dir = cache_open_folder("images", make, arena, err);
	const char *path;

	if (dir < 0)
		return -1;
	path = arena_printf(arena, "%s/sbx/images", base_path(arena, err));
	if (open_places(dir, path, make, arena, err) < 0)
		return -1;
	*ret_cache = (struct cache){ .dir = fd_take(&dir),
				     .path = path,
				     .opened = cache_now() };
	return 0;
}

int cache_open(struct arena *arena, struct cache *ret_cache, struct error *err)
{
	return open_cache(true, arena, ret_cache, err);
}

int cache_open_existing(struct arena *arena, struct cache *ret_cache, struct error *err)
{
	struct error failure = { 0 };

	if (open_cache(false, arena, ret_cache, &failure) == 0)
		return 1;
	if (failure.errnum == ENOENT)
		return 0;
	*err = failure;
	return -1;
}

void cache_close(struct cache *cache)
{
	fd_close(&cache->dir);
}

/* ---- reading a directory --------------------------------------------------------------- */

/* A directory that changes meanwhile may show a name twice, or not at all (readdir(3)). */
int cache_each(const struct cache *cache, const char *path,
	       int (*visit)(void *context, const char *name), void *context)
{
	int fd = openat(cache->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	int answer = 0;

	if (!names) {
		fd_close(&fd);
		return -1;
	}
	while (answer == 0) {
		const struct dirent *entry = readdir(names);

		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			answer = visit(context, entry->d_name);
	}
	closedir(names);
	return answer;
}
