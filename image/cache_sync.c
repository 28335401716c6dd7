/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers are believed after a loss of power: image/cache.h says why. */
#include "image/cache.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/cache_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/*
 * As random(4) has it, without its end; "" where nobody knows. Another file may be mounted on
 * it, in a container for one: that would be the same in the next boot.
 */
const char *cache_boot(struct arena *arena)
{
	auto_close int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	struct statfs system;
	char text[64];
	ssize_t length;

	if (fd < 0 || fstatfs(fd, &system) < 0 || system.f_type != PROC_SUPER_MAGIC)
		return "";
	length = read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return "";
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return arena_strdup(arena, text);
}

static bool is_of_this_boot(const struct cache *cache, const char *key,
			    struct arena *arena)
{
	const char *path = arena_printf(arena, "layers/%s/layer.json", key);
	const struct json_value *document = cache_load_document(cache, path, arena);
	const char *made = "", *boot = cache_boot(arena);
	struct error ignored;

	(void)json_get_text(document, "boot", &made, &ignored);
	return *boot && strcmp(made, boot) == 0;
}

bool cache_layer_lasts(const struct cache *cache, const char *key, struct arena *arena)
{
	const char *mark = arena_printf(arena, "layers/%s/" CACHE_SYNCED, key);

	return faccessat(cache->dir, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       is_of_this_boot(cache, key, arena);
}

/* ---- writing it out ---------------------------------------------------------------------- */

const char *const *cache_unsynced(const char *const *roots, size_t count,
				  struct arena *arena)
{
	const char **layers = arena_alloc_array(arena, count + 1, sizeof(*layers));
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const char *slash = strrchr(roots[i], '/');
		const int length = slash ? (int)(slash - roots[i]) : 0;
		const char *layer = arena_printf(arena, "%.*s", length, roots[i]);

		if (access(arena_printf(arena, "%s/" CACHE_SYNCED, layer), F_OK) < 0 &&
		    errno == ENOENT)
			layers[used++] = layer;
	}
	return used ? layers : NULL;
}

/* One process is enough: what another one is at is not waited for. */
static int open_layer(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK))
		return -1;
	return fd_take(&fd);
}

/* The mark is made behind the files: where it is found, they are there. */
static int sync_layer(int layer)
{
	auto_close int mark = -1;

	if (syncfs(layer) < 0)
		return -1;
	mark = openat(layer, CACHE_SYNCED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		      0600);
	return mark < 0 ? -1 : 0;
}

int cache_sync(const char *const *layers)
{
	int failed = 0;

	for (int i = 0; layers[i]; i++) {
		auto_close int layer = open_layer(layers[i]);

		if (layer < 0 || sync_layer(layer) < 0)
			failed = -1;
	}
	return failed;
}
