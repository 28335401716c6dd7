/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories of trusted keys. They decide what is started, so nothing in them is passed
 * over: what cannot be read, or is not understood, is an error.
 */
#include "image/trust_store.h"

#include "base/accounts.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "image/keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct scheme {
	enum trust_scheme scheme;
	const char *name, *suffix;
} schemes[] = {
	{ TRUST_MINISIGN, "minisign", ".minisign" },
	{ TRUST_SIGNIFY, "signify", ".signify" },
	{ TRUST_OPENPGP, "OpenPGP", ".pgp" },
};

enum { SCHEME_COUNT = sizeof(schemes) / sizeof(*schemes) };

const char *trust_scheme_name(enum trust_scheme scheme)
{
	return schemes[scheme].name;
}

const char *trust_scheme_suffix(enum trust_scheme scheme)
{
	return schemes[scheme].suffix;
}

/* ---- places ---------------------------------------------------------------------------- */

/* Without XDG_CONFIG_HOME and HOME the account tells: an empty environment trusts no less. */
static int find_user_config(struct arena *arena, const char **ret_dir, struct error *err)
{
	const char *dir = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	struct account account;
	int found;

	if (dir && dir[0] == '/') {
		*ret_dir = dir;
		return 0;
	}
	if (home && home[0] == '/') {
		*ret_dir = arena_printf(arena, "%s/.config", home);
		return 0;
	}
	found = account_by_uid(-1, geteuid(), &account, err);
	if (found < 0)
		return error_within(err, "find the trusted keys");
	*ret_dir = found == 0 ? arena_printf(arena, "%s/.config", account.home) : NULL;
	return 0;
}

int trust_places_find(struct arena *arena, struct trust_places *ret_places,
		      struct error *err)
{
	const char *dir = NULL;

	if (find_user_config(arena, &dir, err) < 0)
		return -1;
	ret_places->dirs[TRUST_USER] =
		dir ? arena_printf(arena, "%s/sbx/trust.d", dir) : NULL;
	ret_places->dirs[TRUST_ETC] = "/etc/sbx/trust.d";
	return 0;
}

/* ---- directories ----------------------------------------------------------------------- */

/* Whoever can write there decides whom the user trusts. */
static int check_writers(const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return error_errno_id(err, ERROR_SIGNATURE, "read %s", path);
	if (!(status.st_mode & S_IWOTH))
		return 0;
	error_set(err, ERROR_SIGNATURE, "trust %s: everybody may write there", path);
	return error_hint(err, "chmod o-w %s", path);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The names in a directory, in order, without those that begin with a dot. A directory that
 * is not there has none.
 */
static int list_names(const char *path, struct arena *arena, const char ***ret_names,
		      size_t *ret_count, struct error *err)
{
	DIR *dir = opendir(path);
	const char **names = NULL;
	size_t count = 0;
	int result;

	if (!dir && errno == ENOENT) {
		*ret_count = 0;
		return 0;
	}
	if (!dir)
		return error_errno_id(err, ERROR_SIGNATURE, "read the trusted keys in %s",
				      path);
	errno = 0;
	for (struct dirent *each = readdir(dir); each; each = readdir(dir)) {
		if (each->d_name[0] != '.') {
			names = arena_grow(arena, names, count, sizeof(*names));
			names[count++] = arena_strdup(arena, each->d_name);
		}
		errno = 0;
	}
	result = errno ? error_errno_id(err, ERROR_SIGNATURE,
					"read the trusted keys in %s", path)
		       : check_writers(path, err);
	closedir(dir);
	if (count > 0)
		qsort(names, count, sizeof(*names), compare_names);
	*ret_names = names;
	*ret_count = count;
	return result;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct trust_prefix *one = a;
	const struct trust_prefix *other = b;
	const int order = strcmp(one->text, other->text);

	return order ? order : (int)one->from_etc - (int)other->from_etc;
}

static int refuse_name(const char *dir, const char *name, const char *wanted,
		       struct error *err)
{
	error_set(err, ERROR_SIGNATURE, "use the trusted keys in %s: %s is not %s", dir,
		  name, wanted);
	return error_hint(err, "sbx trust add makes what belongs there");
}

int trust_prefixes(const struct trust_places *places, struct arena *arena,
		   struct trust_prefix **ret_prefixes, size_t *ret_count,
		   struct error *err)
{
	struct trust_prefix *prefixes = NULL;
	size_t count = 0;

	for (int i = 0; i < TRUST_PLACES; i++) {
		const char *const dir = places->dirs[i];
		const char **names = NULL;
		size_t name_count = 0;

		if (dir && list_names(dir, arena, &names, &name_count, err) < 0)
			return -1;
		for (size_t j = 0; j < name_count; j++) {
			const char *text = trust_prefix_decode(names[j], arena);

			if (!text)
				return refuse_name(dir, names[j], "a prefix", err);
			prefixes = arena_grow(arena, prefixes, count, sizeof(*prefixes));
			prefixes[count++] = (struct trust_prefix){
				.text = text,
				.dir = arena_printf(arena, "%s/%s", dir, names[j]),
				.from_etc = i == TRUST_ETC,
			};
		}
	}
	if (count > 0)
		qsort(prefixes, count, sizeof(*prefixes), compare_prefixes);
	*ret_prefixes = prefixes;
	*ret_count = count;
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------ */

static const struct scheme *scheme_of_name(const char *name)
{
	for (size_t i = 0; i < SCHEME_COUNT; i++) {
		const size_t length = strlen(name), suffix = strlen(schemes[i].suffix);

		if (length > suffix &&
		    strcmp(name + length - suffix, schemes[i].suffix) == 0)
			return &schemes[i];
	}
	return NULL;
}

static void take_key(struct trust_key *key, const char *path,
		     const struct public_key *content, struct arena *arena)
{
	key->path = path;
	key->id = arena_strdup(arena, content->id);
	key->signer = arena_strdup(arena, content->signer);
	key->scheme = content->scheme;
}

int trust_read_key(const char *path, struct arena *arena, struct trust_key *ret_key,
		   struct error *err)
{
	struct trust_key key = { 0 };
	struct public_key content;
	const char *absolute = trust_path_clean(path, arena, err);

	if (!absolute || public_key_read(path, arena, &content, err) < 0)
		return -1;
	take_key(&key, absolute, &content, arena);
	*ret_key = key;
	return 0;
}

const void *trust_read_packets(const char *path, struct arena *arena, size_t *ret_size,
			       struct error *err)
{
	struct public_key content;

	if (public_key_read(path, arena, &content, err) < 0)
		return NULL;
	if (content.scheme != TRUST_OPENPGP) {
		error_set(err, ERROR_SIGNATURE,
			  "use the key %s: it is not one of OpenPGP", path);
		return NULL;
	}
	*ret_size = content.packets_size;
	return content.packets;
}

/* The suffix says for gpgv and sbx-image what the file is: it must be that. */
static int add_key(const struct trust_prefix *prefix, const char *name,
		   struct arena *arena, struct trust_list *list, struct error *err)
{
	const struct scheme *scheme = scheme_of_name(name);
	const char *path = arena_printf(arena, "%s/%s", prefix->dir, name);
	struct trust_key key = { .prefix = prefix->text, .from_etc = prefix->from_etc };
	struct public_key content;

	if (!scheme)
		return refuse_name(prefix->dir, name, "a key", err);
	if (check_writers(path, err) < 0 ||
	    public_key_read(path, arena, &content, err) < 0)
		return -1;
	if ((content.scheme == TRUST_OPENPGP) != (scheme->scheme == TRUST_OPENPGP))
		return error_set(err, ERROR_SIGNATURE,
				 "use the key %s: its name says %s, but it is one of %s",
				 path, scheme->name, trust_scheme_name(content.scheme));
	take_key(&key, path, &content, arena);
	key.scheme = scheme->scheme;
	list->keys = arena_grow(arena, list->keys, list->count, sizeof(*list->keys));
	list->keys[list->count++] = key;
	return 0;
}

int trust_add_keys(const struct trust_prefix *prefix, struct arena *arena,
		   struct trust_list *list, struct error *err)
{
	const char **names = NULL;
	size_t count = 0;

	if (list_names(prefix->dir, arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (add_key(prefix, names[i], arena, list, err) < 0)
			return -1;
	return 0;
}
