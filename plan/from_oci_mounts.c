/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The member "mounts" of a config.json, and linux.readonlyPaths and maskedPaths, which come
 * behind all mounts.
 */
#include "plan/from_oci.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

/* One object of the array while it is read. */
struct mount_reader {
	struct oci_reader *reader;
	const struct json_value *object;
	const struct oci_mount_row *row;
	bool named; /* sbx.kind says the kind */
	struct mount_entry *entry;
};

enum {
	LOWERS_MAX = 500, /* overlayfs' own limit */
	MOUNTS_MAX = 20000,
};

/* ---- option words ------------------------------------------------------------------- */

/* Words that take a flag back, those that change nothing here, and those for /dev. */
static const struct negation {
	const char *word;
	unsigned int flag;
} negations[] = {
	{ "rw", MOUNT_F_RDONLY },   { "rrw", MOUNT_F_RDONLY },
	{ "suid", MOUNT_F_NOSUID }, { "rsuid", MOUNT_F_NOSUID },
	{ "dev", MOUNT_F_NODEV },   { "rdev", MOUNT_F_NODEV },
	{ "exec", MOUNT_F_NOEXEC }, { "rexec", MOUNT_F_NOEXEC },
};

/*
 * Binds are recursive and mounts are private here whatever they say; access times are not
 * a matter of what may be done.
 */
static const char *const harmless_words[] = {
	"bind",          "rbind",       "private",      "rprivate",       "slave",
	"rslave",        "defaults",    "async",        "loud",           "silent",
	"atime",         "noatime",     "relatime",     "norelatime",     "strictatime",
	"nostrictatime", "diratime",    "nodiratime",   "ratime",         "rnoatime",
	"rrelatime",     "rnorelatime", "rstrictatime", "rnostrictatime", "rdiratime",
	"rnodiratime",   "nolazytime",  NULL,
};

static bool is_implied(const struct oci_mount_row *row, const char *word)
{
	for (size_t i = 0; i < OCI_IMPLIED_MAX && row->implied[i]; i++) {
		if (!strcmp(row->implied[i], word))
			return true;
	}
	return false;
}

/* 1: word is none of these. */
static int read_flag_word(struct mount_reader *mount, const char *word)
{
	unsigned int flag = oci_flag_of(word);

	if (is_implied(mount->row, word))
		return 0;
	mount->entry->flags |= flag;
	if (flag)
		return 0;
	for (size_t i = 0; i < sizeof(negations) / sizeof(negations[0]); i++) {
		if (strcmp(negations[i].word, word) != 0)
			continue;
		mount->entry->flags &= ~negations[i].flag;
		return 0;
	}
	return oci_choice(harmless_words, word) >= 0 ? 0 : 1;
}

static int read_mode(const struct json_value *value, const char *text, mode_t *ret_mode,
		     struct error *err)
{
	uint32_t mode;

	if (text_to_octal(text, 07777, &mode) < 0)
		return json_complain(value, err, "not an octal mode");
	*ret_mode = mode;
	return 0;
}

static int read_size(const struct json_value *value, const char *text, uint64_t *ret_size,
		     struct error *err)
{
	if (text_to_size(text, ret_size) < 0)
		return json_complain(value, err, "not a size");
	return 0;
}

/* OCI's first layer is the topmost one, ours the lowest. */
static int read_lowers(struct mount_reader *mount, const struct json_value *value,
		       const char *list, struct error *err)
{
	struct arena *arena = mount->reader->arena;
	const char *layers[LOWERS_MAX], **lowers;
	size_t count = 0;

	while (list) {
		const char *layer = oci_next_layer(&list, arena);

		if (!layer[0] || count == LOWERS_MAX)
			return json_complain(value, err, "not 1 to %d directories",
					     LOWERS_MAX);
		layers[count++] = oci_absolute(mount->reader, layer);
	}
	lowers = arena_alloc_array(arena, count, sizeof(*lowers));
	for (size_t i = 0; i < count; i++)
		lowers[i] = layers[count - 1 - i];
	mount->entry->lowers = lowers;
	mount->entry->lower_count = count;
	return 0;
}

/* A path that is one layer: no colon may be left over. */
static int read_layer(struct mount_reader *mount, const struct json_value *value,
		      const char *text, const char **ret_path, struct error *err)
{
	const char *layer = oci_next_layer(&text, mount->reader->arena);

	if (!layer[0] || text)
		return json_complain(value, err, "not one directory");
	*ret_path = oci_absolute(mount->reader, layer);
	return 0;
}

/* Options with a value, as far as the kind has a place for it. 1: word is none of them. */
static int read_value_word(struct mount_reader *mount, const struct json_value *value,
			   const char *word, struct error *err)
{
	unsigned int carries = mount->row->carries;
	struct mount_entry *entry = mount->entry;

	if (carries & OCI_CARRIES_MODE && text_starts_with(word, "mode="))
		return read_mode(value, word + 5, &entry->mode, err);
	if (carries & OCI_CARRIES_SIZE && text_starts_with(word, "size="))
		return read_size(value, word + 5, &entry->size, err);
	if (!(carries & OCI_CARRIES_LAYERS))
		return 1;
	if (text_starts_with(word, "lowerdir="))
		return read_lowers(mount, value, word + 9, err);
	if (text_starts_with(word, "upperdir="))
		return read_layer(mount, value, word + 9, &entry->upper, err);
	if (text_starts_with(word, "workdir="))
		return read_layer(mount, value, word + 8, &entry->work, err);
	return 1;
}

/* Our own /dev lies in the scratch space; how large another one would be says nothing. */
static bool is_dev_word(const struct oci_mount_row *row, const char *word)
{
	return row->kind == MOUNT_DEV &&
	       (text_starts_with(word, "mode=") || text_starts_with(word, "size="));
}

static int read_options(struct mount_reader *mount, const char *const *words,
			struct error *err)
{
	const struct json_value *array = json_get(mount->object, "options");

	for (size_t i = 0; words && words[i]; i++) {
		const struct json_value *value = json_at(array, i);
		int taken = read_flag_word(mount, words[i]);

		if (taken > 0)
			taken = read_value_word(mount, value, words[i], err);
		if (taken > 0 && !is_dev_word(mount->row, words[i]))
			return json_complain(value, err, "this option is not supported");
		if (taken < 0)
			return -1;
	}
	return 0;
}

/* ---- members of ours ---------------------------------------------------------------- */

static int read_own_layers(struct mount_reader *mount, struct error *err)
{
	struct mount_entry *entry = mount->entry;

	if (json_get_text(mount->object, "sbx.upper", &entry->upper, err) < 0 ||
	    json_get_text(mount->object, "sbx.work", &entry->work, err) < 0 ||
	    json_get_texts(mount->object, "sbx.lowers", &entry->lowers,
			   &entry->lower_count, err) < 0)
		return -1;
	return 0;
}

static int read_content(struct mount_reader *mount, struct error *err)
{
	const struct json_value *hex = json_get(mount->object, "sbx.content_hex");
	struct mount_entry *entry = mount->entry;

	if (json_get_text(mount->object, "sbx.content", &entry->content, err) < 0)
		return -1;
	entry->content_size = entry->content ? strlen(entry->content) : 0;
	if (!hex)
		return 0;
	if (entry->content)
		return json_complain(hex, err, "sbx.content is there as well");
	entry->content =
		oci_read_hex(hex, &entry->content_size, err, mount->reader->arena);
	return entry->content ? 0 : -1;
}

static int read_own_flag(struct mount_reader *mount, const char *key, unsigned int flag,
			 struct error *err)
{
	bool set = false;

	if (json_get_bool(mount->object, key, &set, err) < 0)
		return -1;
	if (set)
		mount->entry->flags |= flag;
	return 0;
}

static int check_own_members(const struct mount_reader *mount, struct error *err)
{
	static const char *const known[] = {
		OCI_MOUNT_KIND,    "sbx.source",   "sbx.mode",     "sbx.size",
		"sbx.upper",       "sbx.work",     "sbx.lowers",   "sbx.content",
		"sbx.content_hex", "sbx.optional", "sbx.nofollow", NULL
	};

	for (size_t i = 0; i < json_count(mount->object); i++) {
		const char *key = json_key_at(mount->object, i);

		if (text_starts_with(key, OCI_OWN) && oci_choice(known, key) < 0)
			return json_complain(json_at(mount->object, i), err,
					     "no member of sbx");
	}
	return 0;
}

static int read_own_members(struct mount_reader *mount, struct error *err)
{
	const struct json_value *object = mount->object;
	struct mount_entry *entry = mount->entry;
	const char *mode = NULL;

	if (check_own_members(mount, err) < 0 ||
	    json_get_text(object, "sbx.source", &entry->source, err) < 0 ||
	    json_get_text(object, "sbx.mode", &mode, err) < 0 ||
	    (mode &&
	     read_mode(json_get(object, "sbx.mode"), mode, &entry->mode, err) < 0) ||
	    json_get_unsigned(object, "sbx.size", UINT64_MAX, &entry->size, err) < 0 ||
	    read_own_layers(mount, err) < 0 || read_content(mount, err) < 0 ||
	    read_own_flag(mount, "sbx.optional", MOUNT_F_OPTIONAL, err) < 0)
		return -1;
	return read_own_flag(mount, "sbx.nofollow", MOUNT_F_NOFOLLOW, err);
}

/* ---- one mount ---------------------------------------------------------------------- */

static int find_row(struct mount_reader *mount, const char *type,
		    const char *const *words, struct error *err)
{
	const char *kind = NULL;

	if (json_get_text(mount->object, OCI_MOUNT_KIND, &kind, err) < 0)
		return -1;
	mount->named = kind;
	mount->row = kind ? oci_mount_row_named(kind)
			  : oci_mount_row_of(type, mount->entry->dest, words);
	if (kind && !mount->row)
		return json_complain(json_get(mount->object, OCI_MOUNT_KIND), err,
				     "no kind of mount");
	if (!mount->row)
		return json_complain(
			json_get(mount->object, type ? "type" : "destination"), err,
			"this type of mount is not supported");
	if (kind && type && strcmp(type, mount->row->type) != 0)
		return json_complain(json_get(mount->object, "type"), err,
				     "not what goes with sbx.kind");
	mount->entry->kind = mount->row->kind;
	return 0;
}

static int read_source(struct mount_reader *mount, struct error *err)
{
	struct mount_entry *entry = mount->entry;
	const char *source = NULL;

	if (json_get_text(mount->object, "source", &source, err) < 0)
		return -1;
	if (mount->row->stands_for)
		entry->source = mount->row->stands_for;
	if (!(mount->row->carries & OCI_CARRIES_SOURCE))
		return 0;
	if (!source || !source[0])
		return json_complain(mount->object, err, "source is missing");
	entry->source = entry->kind == MOUNT_SYMLINK
				? source
				: oci_absolute(mount->reader, source);
	return 0;
}

static int refuse_id_maps(const struct mount_reader *mount, struct error *err)
{
	static const char *const keys[] = { "uidMappings", "gidMappings" };
	const struct json_value *array;
	size_t count;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (oci_get_list(mount->object, keys[i], &array, &count, err) < 0)
			return -1;
		if (count)
			return json_complain(array, err, "not supported");
	}
	return 0;
}

static int read_destination(struct mount_reader *mount, struct error *err)
{
	const char *dest = NULL;

	if (json_get_text(mount->object, "destination", &dest, err) < 0)
		return -1;
	if (!dest)
		return json_complain(mount->object, err, "destination is missing");
	if (dest[0] != '/')
		return json_complain(json_get(mount->object, "destination"), err,
				     "not an absolute path");
	mount->entry->dest = dest;
	return 0;
}

/* The terminals of a /dev of our own come with it. */
static bool is_within_dev(const struct mount_entry *entries, size_t count,
			  const char *dest)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(entries[i].dest);

		if (entries[i].kind == MOUNT_DEV &&
		    !strncmp(dest, entries[i].dest, length) &&
		    !strcmp(dest + length, "/pts"))
			return true;
	}
	return false;
}

/* 0 read, 1 there is nothing to do for it, -1 error. */
static int read_mount(struct mount_reader *mount, const struct mount_entry *before,
		      size_t count, struct error *err)
{
	const char *const *words = NULL;
	const char *type = NULL;
	size_t word_count;

	if (json_want_kind(mount->object, JSON_KIND_OBJECT, err) < 0 ||
	    read_destination(mount, err) < 0 ||
	    json_get_text(mount->object, "type", &type, err) < 0 ||
	    json_get_texts(mount->object, "options", &words, &word_count, err) < 0)
		return -1;
	if (type && !strcmp(type, "devpts") &&
	    is_within_dev(before, count, mount->entry->dest))
		return 1;
	if (find_row(mount, type, words, err) < 0 || refuse_id_maps(mount, err) < 0 ||
	    read_source(mount, err) < 0 || read_options(mount, words, err) < 0)
		return -1;
	return read_own_members(mount, err);
}

/* ---- the list ----------------------------------------------------------------------- */

int oci_read_covers(struct oci_reader *reader, const char *key, enum mount_kind kind,
		    struct mount_entry *entries, size_t *count, struct error *err)
{
	const struct json_value *array;
	size_t paths;

	if (oci_get_list(json_get(reader->document, "linux"), key, &array, &paths, err) <
	    0)
		return -1;
	for (size_t i = 0; i < paths; i++) {
		struct mount_entry entry = { .kind = kind, .flags = MOUNT_F_OPTIONAL };

		if (json_want_text(json_at(array, i), &entry.dest, err) < 0)
			return -1;
		if (entry.dest[0] != '/')
			return json_complain(json_at(array, i), err,
					     "not an absolute path");
		entries[(*count)++] = entry;
	}
	return 0;
}

static size_t count_entries(const struct oci_reader *reader)
{
	const struct json_value *linux_part = json_get(reader->document, "linux");

	return json_count(json_get(reader->document, "mounts")) +
	       json_count(json_get(linux_part, "readonlyPaths")) +
	       json_count(json_get(linux_part, "maskedPaths"));
}

int oci_read_mounts(struct oci_reader *reader, struct error *err)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	size_t most = count_entries(reader), count = 0, objects;
	const struct json_value *array;
	struct mount_entry *entries;

	if (most > MOUNTS_MAX)
		return json_complain(reader->document, err, "more than %d mounts",
				     MOUNTS_MAX);
	entries = arena_alloc_array(reader->arena, most, sizeof(*entries));
	if (oci_get_list(reader->document, "mounts", &array, &objects, err) < 0)
		return -1;
	for (size_t i = 0; i < objects; i++) {
		struct mount_reader mount = { .reader = reader,
					      .object = json_at(array, i),
					      .entry = &entries[count] };
		int result = read_mount(&mount, entries, count, err);

		if (result < 0)
			return -1;
		count += result == 0;
	}
	if (oci_read_covers(reader, "readonlyPaths", MOUNT_READONLY, entries, &count,
			    err) < 0 ||
	    oci_read_covers(reader, "maskedPaths", MOUNT_MASK, entries, &count, err) < 0)
		return -1;
	rootfs->mounts = count ? entries : NULL;
	rootfs->mount_count = count;
	return 0;
}
