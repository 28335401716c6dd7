/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signatures count for a name. */
#include "image/trust_store.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- whose ----------------------------------------------------------------------------- */

/* How much of the name each prefix covers; 0: nothing. */
static size_t *measure(const struct trust_prefix *prefixes, size_t count,
		       const char *name, bool follow, struct arena *arena)
{
	size_t *lengths = arena_alloc_array(arena, count + 1, sizeof(*lengths));

	for (size_t i = 0; i < count; i++) {
		const char *text = prefixes[i].text;
		char real[PATH_MAX];

		/* One that leads nowhere covers what its text does. */
		if (follow && text[0] == '/' && realpath(text, real))
			text = real;
		if (trust_prefix_covers(text, name))
			lengths[i] = strlen(text);
	}
	return lengths;
}

static size_t longest_below(const size_t *lengths, size_t count, size_t bound)
{
	size_t longest = 0;

	for (size_t i = 0; i < count; i++)
		if (lengths[i] < bound && lengths[i] > longest)
			longest = lengths[i];
	return longest;
}

/* The keys of those that cover most of the name, and have any. */
static int take_longest(const struct trust_prefix *prefixes, size_t count,
			const size_t *lengths, struct arena *arena,
			struct trust_list *list, struct error *err)
{
	for (size_t length = longest_below(lengths, count, SIZE_MAX);
	     length > 0 && list->count == 0;
	     length = longest_below(lengths, count, length))
		for (size_t i = 0; i < count; i++)
			if (lengths[i] == length &&
			    trust_add_keys(&prefixes[i], arena, list, err) < 0)
				return -1;
	return 0;
}

static int follow_links(const struct trust_prefix *prefixes, size_t count,
			const char *name, struct arena *arena, struct trust_list *list,
			struct error *err)
{
	char real[PATH_MAX];

	if (name[0] != '/' || count == 0)
		return 0;
	if (!realpath(name, real)) {
		/* Nothing is there that could be used: a pipe, or memory. */
		if (errno == ENOENT)
			return 0;
		return error_errno_id(err, ERROR_SIGNATURE, "tell what %s leads to",
				      name);
	}
	return take_longest(prefixes, count, measure(prefixes, count, real, true, arena),
			    arena, list, err);
}

int trust_find_in(const struct trust_places *places, const char *name,
		  struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
		  struct error *err)
{
	struct trust_prefix *prefixes;
	struct trust_list list = { 0 };
	size_t count;

	if (trust_prefixes(places, arena, &prefixes, &count, err) < 0 ||
	    take_longest(prefixes, count, measure(prefixes, count, name, false, arena),
			 arena, &list, err) < 0)
		return -1;
	if (list.count == 0 && follow_links(prefixes, count, name, arena, &list, err) < 0)
		return -1;
	*ret_keys = list.keys;
	*ret_count = list.count;
	return 0;
}

int trust_find(const char *name, struct arena *arena, struct trust_key **ret_keys,
	       size_t *ret_count, struct error *err)
{
	struct trust_places places;

	if (trust_places_find(arena, &places, err) < 0)
		return -1;
	return trust_find_in(&places, name, arena, ret_keys, ret_count, err);
}

int trust_covers_signer(const char *name, const char *signer, struct arena *arena,
			struct error *err)
{
	struct trust_key *keys;
	size_t count;

	if (trust_find(name, arena, &keys, &count, err) < 0)
		return -1;
	if (count == 0)
		return 1;
	for (size_t i = 0; i < count && signer; i++)
		if (strcmp(keys[i].signer, signer) == 0)
			return 1;
	return 0;
}

int trust_list(struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
	       struct error *err)
{
	struct trust_list list = { 0 };
	struct trust_places places;
	struct trust_prefix *prefixes;
	size_t count;

	if (trust_places_find(arena, &places, err) < 0 ||
	    trust_prefixes(&places, arena, &prefixes, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (trust_add_keys(&prefixes[i], arena, &list, err) < 0)
			return -1;
	*ret_keys = list.keys;
	*ret_count = list.count;
	return 0;
}

/* ---- the signature --------------------------------------------------------------------- */

static const struct mark {
	const char *bytes;
	enum trust_family family;
} marks[] = {
	{ "untrusted comment:", TRUST_FAMILY_ED25519 },
	{ "-----BEGIN PGP SIGNATURE-----", TRUST_FAMILY_OPENPGP },
};

/* 1: it is such a file; 0: there is none; -1: it cannot be read, or is no signature. */
static int look_at(const char *path, struct trust_signature *ret_signature,
		   struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[64] = "";
	ssize_t length;

	if (fd < 0 && errno == ENOENT)
		return 0;
	length = fd < 0 ? -1 : fd_read_all(fd, head, sizeof(head) - 1);
	if (length < 0)
		return error_errno_id(err, ERROR_SIGNATURE, "read the signature %s",
				      path);
	ret_signature->path = path;
	if (length > 0 && ((unsigned char)head[0] & 0x80)) {
		ret_signature->family = TRUST_FAMILY_OPENPGP;
		return 1;
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		if (text_starts_with(head, marks[i].bytes)) {
			ret_signature->family = marks[i].family;
			return 1;
		}
	}
	return error_set(err, ERROR_SIGNATURE,
			 "%s is no signature of minisign, signify or OpenPGP", path);
}

static bool could_make(const struct trust_key *keys, size_t count,
		       enum trust_family family)
{
	for (size_t i = 0; i < count; i++)
		if ((keys[i].scheme == TRUST_OPENPGP) == (family == TRUST_FAMILY_OPENPGP))
			return true;
	return false;
}

static const char *family_name(enum trust_family family)
{
	return family == TRUST_FAMILY_OPENPGP ? "OpenPGP" : "minisign or signify";
}

/* 1: one that counts; 0: there is none, and *ret_other one of the other kind, or none; -1 */
static int look_beside(const char *file, const struct trust_key *keys, size_t key_count,
		       struct arena *arena, struct trust_signature *ret_signature,
		       struct trust_signature *ret_other, struct error *err)
{
	static const char *const suffixes[] = { ".minisig", ".sig", ".asc" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		const char *path = arena_printf(arena, "%s%s", file, suffixes[i]);
		const int found = look_at(path, ret_signature, err);

		if (found < 0)
			return -1;
		if (found && could_make(keys, key_count, ret_signature->family))
			return 1;
		if (found && !ret_other->path)
			*ret_other = *ret_signature;
	}
	return 0;
}

static int refuse_kind(const struct trust_signature *signature,
		       const struct trust_key *keys, size_t key_count, struct error *err)
{
	const char *kind = key_count > 0 ? trust_scheme_name(keys[0].scheme) : "no kind";

	error_set(err, ERROR_SIGNATURE, "%s is a signature of %s, and the %s of %s",
		  signature->path, family_name(signature->family),
		  key_count == 1 ? "trusted key is one" : "trusted keys are", kind);
	return error_hint(err, "sbx trust list shows the keys, sbx trust add adds one");
}

static int refuse_missing(struct error *err)
{
	error_set(err, ERROR_SIGNATURE,
		  "there is no signature beside it (.minisig, .sig or .asc)");
	return error_hint(err, "--signature FILE names it");
}

/* As look_beside(), for one that was named. */
static int look_at_given(const char *given, const struct trust_key *keys,
			 size_t key_count, struct trust_signature *ret_signature,
			 struct trust_signature *ret_other, struct error *err)
{
	const int found = look_at(given, ret_signature, err);

	if (found == 0)
		return error_set(err, ERROR_SIGNATURE, "there is no signature %s", given);
	if (found < 0 || could_make(keys, key_count, ret_signature->family))
		return found;
	*ret_other = *ret_signature;
	return 0;
}

int trust_find_signature(const char *file, const char *given,
			 const struct trust_key *keys, size_t key_count,
			 struct arena *arena, struct trust_signature *ret_signature,
			 struct error *err)
{
	struct trust_signature signature = { 0 }, other = { 0 };
	char real[PATH_MAX];
	int found = given ? look_at_given(given, keys, key_count, &signature, &other, err)
			  : look_beside(file, keys, key_count, arena, &signature, &other,
					err);

	/* Beside a link there may be none, and one beside what it leads to. */
	if (found == 0 && !given && !other.path && realpath(file, real) &&
	    strcmp(real, file) != 0)
		found = look_beside(real, keys, key_count, arena, &signature, &other,
				    err);
	if (found < 0)
		return -1;
	if (found == 0)
		return other.path ? refuse_kind(&other, keys, key_count, err)
				  : refuse_missing(err);
	*ret_signature = signature;
	return 0;
}
