/* SPDX-License-Identifier: Apache-2.0 */
/* Keys come and go. What is written is made anew from what was understood. */
#include "image/trust_store.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "image/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- add ------------------------------------------------------------------------------- */

/* The directory of a prefix's keys, made where it is missing; open. */
static int open_prefix(const char *trust_dir, const char *prefix, struct arena *arena,
		       const char **ret_path, struct error *err)
{
	const char *path = arena_printf(arena, "%s/%s", trust_dir,
					trust_prefix_encode(prefix, arena));
	auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int place = -1;
	int dir;

	if (root < 0)
		return error_errno(err, "open /");
	place = files_make_dirs_in_root(root, path, 0700);
	dir = place < 0 ? -1 : openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, "make %s", path);
	*ret_path = path;
	return dir;
}

/* What the file will hold. */
static const char *text_of(const struct public_key *key, struct arena *arena,
			   size_t *ret_length)
{
	const char *text;

	if (key->scheme == TRUST_OPENPGP) {
		*ret_length = key->packets_size;
		return key->packets;
	}
	text = arena_printf(arena, "untrusted comment: %s public key %s\n%s\n",
			    trust_scheme_name(key->scheme), key->id, key->signer);
	*ret_length = strlen(text);
	return text;
}

/* Ids can be had by others: a second key with one is not to take the place of the first. */
static int check_same(int dir, const char *name, const struct public_key *key,
		      const char *prefix, struct arena *arena, struct error *err)
{
	char *text = arena_alloc(arena, KEY_FILE_MAX + 1);
	const ssize_t length = files_read(dir, name, text, KEY_FILE_MAX);
	struct public_key old;

	if (length < 0 && errno == ENOENT)
		return 0;
	if (length < 0)
		return error_errno_id(err, ERROR_SIGNATURE, "read %s", name);
	if (public_key_parse(text, (size_t)length, arena, &old, err) == 0 &&
	    strcmp(old.signer, key->signer) == 0)
		return 0;
	error_set(err, ERROR_SIGNATURE, "trust the key %s: there is another %s for %s",
		  key->id, name, prefix);
	return error_hint(err, "sbx trust remove --prefix %s %s", prefix, key->id);
}

static int write_key(int dir, const char *dir_path, const struct public_key *key,
		     const char *prefix, struct arena *arena, struct trust_key *ret_key,
		     struct error *err)
{
	const char *name =
		arena_printf(arena, "%s%s", key->id, trust_scheme_suffix(key->scheme));
	size_t length;
	const char *text = text_of(key, arena, &length);

	if (check_same(dir, name, key, prefix, arena, err) < 0)
		return -1;
	if (files_replace(dir, name, text, length, 0644) < 0)
		return error_errno(err, "write %s/%s", dir_path, name);
	*ret_key = (struct trust_key){
		.prefix = prefix,
		.path = arena_printf(arena, "%s/%s", dir_path, name),
		.id = arena_strdup(arena, key->id),
		.signer = arena_strdup(arena, key->signer),
		.scheme = key->scheme,
	};
	return 0;
}

static int find_user_dir(struct arena *arena, const char **ret_dir, struct error *err)
{
	struct trust_places places;

	if (trust_places_find(arena, &places, err) < 0)
		return -1;
	*ret_dir = places.dirs[TRUST_USER];
	if (*ret_dir)
		return 0;
	error_set(err, ERROR_SIGNATURE, "find your directory of trusted keys");
	return error_hint(err, "set HOME or XDG_CONFIG_HOME");
}

int trust_add(const char *prefix, const char *key_file, struct arena *arena,
	      struct trust_key *ret_key, struct error *err)
{
	const char *clean = trust_prefix_clean(prefix, arena, err);
	auto_close int dir = -1;
	const char *trust_dir = NULL, *path = NULL;
	struct public_key key;

	if (!clean || find_user_dir(arena, &trust_dir, err) < 0 ||
	    public_key_read(key_file, arena, &key, err) < 0)
		return -1;
	dir = open_prefix(trust_dir, clean, arena, &path, err);
	if (dir < 0)
		return error_within(err, "trust a key");
	return write_key(dir, path, &key, clean, arena, ret_key, err);
}

/* ---- remove ---------------------------------------------------------------------------- */

/* By the name of its file, or by what is in it. A key that cannot be read can go, too. */
static bool is_key(int dir, const char *name, const char *id, struct arena *arena)
{
	const size_t length = strlen(id);
	struct public_key key;
	struct error ignored;
	ssize_t size;
	char *text;

	if (name[0] == '.')
		return false;
	if (!id[0] || (strncasecmp(name, id, length) == 0 && name[length] == '.'))
		return true;
	text = arena_alloc(arena, KEY_FILE_MAX + 1);
	size = files_read(dir, name, text, KEY_FILE_MAX);
	return size >= 0 &&
	       public_key_parse(text, (size_t)size, arena, &key, &ignored) == 0 &&
	       strcasecmp(key.id, id) == 0;
}

/* How many, or -1. */
static int remove_keys(DIR *dir, const char *path, const char *id, struct arena *arena,
		       struct error *err)
{
	int count = 0;

	errno = 0;
	for (struct dirent *each = readdir(dir); each; each = readdir(dir)) {
		if (is_key(dirfd(dir), each->d_name, id, arena)) {
			if (unlinkat(dirfd(dir), each->d_name, 0) < 0)
				return error_errno(err, "remove %s/%s", path,
						   each->d_name);
			count++;
		}
		errno = 0;
	}
	return errno ? error_errno(err, "read %s", path) : count;
}

/* None was the user's: why, and what can be done. */
static int refuse_removal(const char *prefix, const char *id, struct arena *arena,
			  struct error *err)
{
	const char *etc = arena_printf(arena, "/etc/sbx/trust.d/%s",
				       trust_prefix_encode(prefix, arena));

	error_set(err, ERROR_SIGNATURE, "remove %s%s of %s: there is none of yours",
		  id[0] ? "the key " : "the keys", id, prefix);
	if (access(etc, F_OK) == 0)
		return error_hint(err, "%s is the administrator's", etc);
	return error_hint(err, "sbx trust list shows what there is");
}

static int remove_in(const char *prefix, const char *id, struct arena *arena,
		     struct error *err)
{
	const char *clean = trust_prefix_clean(prefix, arena, err);
	const char *trust_dir, *path;
	int count = 0;
	DIR *dir;

	if (!clean || find_user_dir(arena, &trust_dir, err) < 0)
		return -1;
	path = arena_printf(arena, "%s/%s", trust_dir, trust_prefix_encode(clean, arena));
	dir = opendir(path);
	if (!dir && errno != ENOENT)
		return error_errno(err, "read %s", path);
	if (dir) {
		count = remove_keys(dir, path, id, arena, err);
		closedir(dir);
	}
	if (count < 0)
		return -1;
	/* Other keys keep it, and so does what is hidden in it. */
	if (count > 0)
		(void)rmdir(path);
	return count > 0 ? 0 : refuse_removal(clean, id, arena, err);
}

int trust_remove(const char *prefix, const char *id, struct error *err)
{
	struct arena arena = { 0 };
	const int result = remove_in(prefix, id ? id : "", &arena, err);

	arena_free(&arena);
	return result;
}
