/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that put something into the file system. All of them append to one list,
 * because operations are done in the order in which they are written.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PARTS_MAX = 3 };

/* Applies one word of a list to the operation. */
typedef int word_setter(struct mount_entry *entry, const char *word, struct error *err);

static void add_entry(struct draft *draft, const struct mount_entry *entry)
{
	draft->mounts = arena_grow(&draft->plan.arena, draft->mounts, draft->mount_count,
				   sizeof(*draft->mounts));
	draft->mounts[draft->mount_count++] = *entry;
}

/*
 * Splits at colons; `\:` is a colon. Returns how many parts there are; those past the
 * last place are left in it, with their colons.
 */
static size_t split(struct draft *draft, const char *text, const char **ret_parts,
		    size_t max)
{
	char *to = arena_strdup(&draft->plan.arena, text);
	size_t count = 1;

	ret_parts[0] = to;
	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == ':') {
			*to++ = *++text;
			continue;
		}
		if (*text != ':' || count == max) {
			*to++ = *text;
			continue;
		}
		*to++ = '\0';
		ret_parts[count++] = to;
	}
	*to = '\0';
	return count;
}

/* Words with commas between them; an empty one at the end is none. */
static int apply_words(struct draft *draft, struct mount_entry *entry, const char *words,
		       word_setter *apply, struct error *err)
{
	while (*words) {
		size_t length = strcspn(words, ",");

		if (apply(entry, arena_strndup(&draft->plan.arena, words, length), err) <
		    0)
			return -1;
		words += length + (words[length] == ',');
	}
	return 0;
}

static int set_dest(struct draft *draft, struct mount_entry *entry, const char *dest,
		    struct error *err)
{
	if (dest[0] != '/')
		return error_set(err, ERROR_USAGE,
				 "the destination '%s' is not an absolute path", dest);
	entry->dest = path_clean(&draft->plan.arena, dest);
	if (!strcmp(entry->dest, "/")) {
		error_set(err, ERROR_USAGE, "the destination is the root itself");
		return error_hint(err, "--root DIR");
	}
	if (path_ends_in_parent(entry->dest))
		return error_set(err, ERROR_USAGE,
				 "the destination '%s' ends in '..': it has to be named",
				 dest);
	return 0;
}

static bool has_dot_dot(const char *path)
{
	for (; *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += length;
	}
	return false;
}

/* Where the source itself stands; ".." is taken as the host's links mean it. */
static const char *default_dest(struct draft *draft, const char *source)
{
	char real[PATH_MAX];

	if (has_dot_dot(source) && realpath(source, real))
		return arena_strdup(&draft->plan.arena, real);
	return source;
}

/* What is missing is refused later. */
void note_source(struct mount_entry *entry, const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return;
	entry->source_device = status.st_dev;
	entry->source_inode = status.st_ino;
}

static int set_source(struct draft *draft, const struct given *given,
		      struct mount_entry *entry, const char *source, struct error *err)
{
	if (!*source) {
		error_set(err, ERROR_USAGE, "the source is empty");
		return -1;
	}
	entry->source = path_of_caller(draft, given->base, source, err);
	if (!entry->source)
		return -1;
	/*
	 * A relative one is looked at from where we stand, whatever that is called by now;
	 * with ".." it means what the cleaned path says.
	 */
	note_source(entry, given->base || source[0] == '~' || strstr(source, "..")
				   ? entry->source
				   : source);
	return 0;
}

static int add_bind(struct draft *draft, const struct given *given, enum mount_kind kind,
		    unsigned int flags, struct error *err)
{
	struct mount_entry entry = { .kind = kind, .flags = flags };
	const char *parts[PARTS_MAX];
	size_t count = split(draft, given->operand, parts, PARTS_MAX);

	if (count == PARTS_MAX)
		return error_set(
			err, ERROR_USAGE,
			"'%s' is not SRC[:DST] (a colon in a name needs a backslash before it)",
			given->operand);
	if (set_source(draft, given, &entry, parts[0], err) < 0)
		return -1;
	if (count == 1)
		entry.dest = default_dest(draft, entry.source);
	else if (set_dest(draft, &entry, parts[1], err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

int add_ro(struct draft *draft, const struct given *given, struct error *err)
{
	return add_bind(draft, given, MOUNT_BIND,
			MOUNT_F_RDONLY | MOUNT_F_NOSUID | MOUNT_F_NODEV, err);
}

int add_rw(struct draft *draft, const struct given *given, struct error *err)
{
	return add_bind(draft, given, MOUNT_BIND, MOUNT_F_NOSUID | MOUNT_F_NODEV, err);
}

int add_cow(struct draft *draft, const struct given *given, struct error *err)
{
	return add_bind(draft, given, MOUNT_COW, MOUNT_F_NOSUID | MOUNT_F_NODEV, err);
}

int add_dev_bind(struct draft *draft, const struct given *given, struct error *err)
{
	return add_bind(draft, given, MOUNT_BIND, MOUNT_F_NOSUID, err);
}

int add_mask(struct draft *draft, const struct given *given, struct error *err)
{
	struct mount_entry entry = { .kind = MOUNT_MASK };

	if (set_dest(draft, &entry, given->operand, err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

/* ---- words of -v ---- */

static const struct volume_word {
	const char *word;
	unsigned int add, remove;
	const char *refusal; /* NULL: known; what has no meaning here changes nothing */
} volume_words[] = {
	{ "ro", MOUNT_F_RDONLY, 0, NULL },
	{ "rw", 0, MOUNT_F_RDONLY, NULL },
	{ "noexec", MOUNT_F_NOEXEC, 0, NULL },
	{ "exec", 0, MOUNT_F_NOEXEC, NULL },
	{ "nosuid", 0, 0, NULL },
	{ "nodev", 0, 0, NULL },
	{ "dev", 0, MOUNT_F_NODEV, NULL },
	{ "bind", 0, 0, NULL },
	{ "rbind", 0, 0, NULL },
	{ "z", 0, 0, NULL },
	{ "Z", 0, 0, NULL },
	{ "private", 0, 0, NULL },
	{ "rprivate", 0, 0, NULL },
	{ "slave", 0, 0, NULL },
	{ "rslave", 0, 0, NULL },
	{ "cached", 0, 0, NULL },
	{ "delegated", 0, 0, NULL },
	{ "consistent", 0, 0, NULL },
	{ "nocopy", 0, 0, NULL },
	{ "O", 0, 0, NULL },
	{ "suid", 0, 0, "set-user-id programs never work in a sandbox" },
	{ "U", 0, 0, "the owner of SRC is not changed" },
	{ "shared", 0, 0, "mounts do not propagate out of the sandbox" },
	{ "rshared", 0, 0, "mounts do not propagate out of the sandbox" },
	{ "copy", 0, 0, "there are no named volumes" },
	{ "idmap", 0, 0, "mounts are not id-mapped" },
};

static int apply_volume_word(struct mount_entry *entry, const char *word,
			     struct error *err)
{
	for (size_t i = 0; i < sizeof(volume_words) / sizeof(volume_words[0]); i++) {
		const struct volume_word *known = &volume_words[i];

		if (strcmp(known->word, word) != 0)
			continue;
		if (known->refusal)
			return error_set(err, ERROR_USAGE, "'%s': %s", word,
					 known->refusal);
		entry->flags = (entry->flags | known->add) & ~known->remove;
		if (!strcmp(word, "O"))
			entry->kind = MOUNT_COW;
		return 0;
	}
	return error_set(err, ERROR_USAGE,
			 "'%s' is not a volume option (such as ro, rw, z)", word);
}

int add_volume(struct draft *draft, const struct given *given, struct error *err)
{
	struct mount_entry entry = { .kind = MOUNT_BIND,
				     .flags = MOUNT_F_NOSUID | MOUNT_F_NODEV };
	const char *parts[PARTS_MAX];
	size_t count = split(draft, given->operand, parts, PARTS_MAX);

	if (count == 1) {
		error_set(err, ERROR_USAGE, "'%s' is not SRC:DST[:ro]", given->operand);
		return error_hint(err, "--tmpfs %s, for an empty directory",
				  given->operand);
	}
	if (set_source(draft, given, &entry, parts[0], err) < 0 ||
	    set_dest(draft, &entry, parts[1], err) < 0)
		return -1;
	if (count > 2 && apply_words(draft, &entry, parts[2], apply_volume_word, err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

/* ---- --tmpfs ---- */

static int set_tmpfs_size(struct mount_entry *entry, const char *value, struct error *err)
{
	if (text_to_size(value, &entry->size) < 0 || entry->size == 0)
		return error_set(err, ERROR_USAGE, "'%s' is not a size (such as 64M)",
				 value);
	return 0;
}

static int set_tmpfs_mode(struct mount_entry *entry, const char *value, struct error *err)
{
	uint32_t mode;

	if (text_to_octal(value, 07777, &mode) < 0)
		return error_set(err, ERROR_USAGE, "'%s' is not a mode (such as 0755)",
				 value);
	entry->mode = (mode_t)mode;
	return 0;
}

static int apply_tmpfs_word(struct mount_entry *entry, const char *word,
			    struct error *err)
{
	if (text_starts_with(word, "size="))
		return set_tmpfs_size(entry, word + strlen("size="), err);
	if (text_starts_with(word, "mode="))
		return set_tmpfs_mode(entry, word + strlen("mode="), err);
	if (!strcmp(word, "nosuid") || !strcmp(word, "nodev"))
		return 0;
	if (strcmp(word, "ro") != 0 && strcmp(word, "rw") != 0 &&
	    strcmp(word, "exec") != 0 && strcmp(word, "noexec") != 0)
		return error_set(err, ERROR_USAGE,
				 "'%s' is none of size=N, mode=M, ro, noexec", word);
	return apply_volume_word(entry, word, err);
}

/* What users of podman expect: everybody may write to it, as to /tmp. */
static const struct mount_entry plain_tmpfs = {
	.kind = MOUNT_TMPFS,
	.flags = MOUNT_F_NOSUID | MOUNT_F_NODEV,
	.mode = 01777,
};

int add_tmpfs(struct draft *draft, const struct given *given, struct error *err)
{
	struct mount_entry entry = plain_tmpfs;
	const char *parts[2];
	size_t count = split(draft, given->operand, parts, 2);

	if (set_dest(draft, &entry, parts[0], err) < 0)
		return -1;
	if (count > 1 && apply_words(draft, &entry, parts[1], apply_tmpfs_word, err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

/* ---- --mount ---- */

struct mount_words {
	const char *type, *source, *dest, *size, *mode;
	unsigned int flags;
};

/* One field of the list; in double quotes it may hold commas. Returns what follows. */
static const char *take_field(struct draft *draft, const char *text,
			      const char **ret_field)
{
	char *field = arena_strdup(&draft->plan.arena, text), *to = field;
	bool quoted = *text == '"';

	for (text += quoted; *text; text++) {
		if (quoted && *text == '"' && text[1] != '"') {
			quoted = false;
			continue;
		}
		if (quoted && *text == '"')
			text++;
		else if (!quoted && *text == ',')
			break;
		*to++ = *text;
	}
	*to = '\0';
	*ret_field = field;
	return *text == ',' ? text + 1 : text;
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(*words, word))
			return true;
	}
	return false;
}

static int set_readonly(struct mount_words *words, const char *value, struct error *err)
{
	if (!value || !strcmp(value, "true") || !strcmp(value, "1"))
		words->flags |= MOUNT_F_RDONLY;
	else if (!strcmp(value, "false") || !strcmp(value, "0"))
		words->flags &= ~(unsigned int)MOUNT_F_RDONLY;
	else
		return error_set(err, ERROR_USAGE, "'%s' is none of true, false", value);
	return 0;
}

static int apply_mount_field(struct mount_words *words, const char *key,
			     const char *value, struct error *err)
{
	static const char *const sources[] = { "source", "src", NULL };
	static const char *const dests[] = { "destination", "dst", "target", NULL };
	static const char *const readonly[] = { "readonly", "ro", NULL };
	static const char *const ignored[] = { "consistency", "relabel", "z", "Z", NULL };

	if (is_one_of(key, readonly))
		return set_readonly(words, value, err);
	if (!strcmp(key, "bind-propagation") && value && strstr(value, "private"))
		return 0;
	if (is_one_of(key, ignored))
		return 0;
	if (!value || !*value)
		return error_set(err, ERROR_USAGE, "'%s' is not a field with a value",
				 key);
	if (!strcmp(key, "type"))
		words->type = value;
	else if (is_one_of(key, sources))
		words->source = value;
	else if (is_one_of(key, dests))
		words->dest = value;
	else if (!strcmp(key, "tmpfs-size"))
		words->size = value;
	else if (!strcmp(key, "tmpfs-mode"))
		words->mode = value;
	else
		return error_set(err, ERROR_USAGE,
				 "'%s' is not a field that is known here", key);
	return 0;
}

static int read_mount(struct draft *draft, const char *text, struct mount_words *words,
		      struct error *err)
{
	while (*text) {
		const char *field, *value = NULL;
		char *equals;

		text = take_field(draft, text, &field);
		equals = strchr(field, '=');
		if (equals) {
			*equals = '\0';
			value = equals + 1;
		}
		if (apply_mount_field(words, field, value, err) < 0)
			return -1;
	}
	return 0;
}

static int add_mount_bind(struct draft *draft, const struct given *given,
			  const struct mount_words *words, struct error *err)
{
	struct mount_entry entry = {
		.kind = MOUNT_BIND, .flags = MOUNT_F_NOSUID | MOUNT_F_NODEV | words->flags
	};

	if (!words->source)
		return error_set(err, ERROR_USAGE, "src= is missing");
	if (words->size || words->mode)
		return error_set(err, ERROR_USAGE,
				 "tmpfs-size and tmpfs-mode need type=tmpfs");
	if (set_source(draft, given, &entry, words->source, err) < 0 ||
	    set_dest(draft, &entry, words->dest, err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

static int add_mount_tmpfs(struct draft *draft, const struct mount_words *words,
			   struct error *err)
{
	struct mount_entry entry = plain_tmpfs;

	entry.flags |= words->flags;
	if (words->source)
		return error_set(err, ERROR_USAGE, "src= has no meaning with type=tmpfs");
	if (words->size && set_tmpfs_size(&entry, words->size, err) < 0)
		return -1;
	if (words->mode && set_tmpfs_mode(&entry, words->mode, err) < 0)
		return -1;
	if (set_dest(draft, &entry, words->dest, err) < 0)
		return -1;
	add_entry(draft, &entry);
	return 0;
}

int add_mount(struct draft *draft, const struct given *given, struct error *err)
{
	struct mount_words words = { 0 };

	if (read_mount(draft, given->operand, &words, err) < 0)
		return -1;
	if (!words.dest)
		return error_set(err, ERROR_USAGE, "dst= is missing");
	if (words.type && !strcmp(words.type, "bind"))
		return add_mount_bind(draft, given, &words, err);
	if (words.type && !strcmp(words.type, "tmpfs"))
		return add_mount_tmpfs(draft, &words, err);
	if (!words.type || !strcmp(words.type, "volume")) {
		error_set(err, ERROR_USAGE, "there are no named volumes");
		return error_hint(err, "type=bind or type=tmpfs");
	}
	return error_set(err, ERROR_USAGE, "type '%s' is none of bind, tmpfs",
			 words.type);
}
