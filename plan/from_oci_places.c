/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member "mounts" of a container's configuration, then its devices, readonlyPaths and
 * maskedPaths: what lies behind can cover what lies before.
 */
#include "plan/from_oci.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/syscalls.h"
#include "base/text.h"
#include "plan/oci_spelling.h"
#include "plan/plan.h"

enum { MOUNTS_MAX = 20000, PROPAGATIONS_MAX = 4 };

/* One object of the array while it is read. */
struct place {
	struct oci_reader *reader;
	const struct json_value *object;
	struct mount_entry *entry;
	const char *type;
	struct mount_attributes attributes;
	size_t propagations;
	bool binds, whole, remounts;     /* the words bind or rbind; rbind; remount */
	const struct json_value *mapped; /* the word idmap */
	bool maps_below;
	char *data; /* words of the file system, with commas */
};

/* ---- words ---------------------------------------------------------------------------- */

static void add_attribute(struct place *place, const struct oci_word_row *row)
{
	struct mount_attributes *to = &place->attributes;
	uint64_t *set = row->below ? &to->set_below : &to->set;
	uint64_t *clear = row->below ? &to->clear_below : &to->clear;

	*set = (*set & ~row->clear) | row->set;
	*clear = (*clear & ~row->set) | row->clear;
}

static int add_propagation(struct place *place, const struct json_value *value,
			   const struct oci_word_row *row, struct error *err)
{
	if (place->propagations == PROPAGATIONS_MAX)
		return json_complain(value, err, "more than %d words of propagation",
				     PROPAGATIONS_MAX);
	place->attributes.propagation[place->propagations++] = (unsigned long)row->set;
	return 0;
}

static void add_data(struct place *place, const char *word)
{
	place->data = place->data ? arena_printf(place->reader->arena, "%s,%s",
						 place->data, word)
				  : arena_strdup(place->reader->arena, word);
}

/* Of a tmpfs these are fields, as it is made in more than one way. */
static bool take_tmpfs_word(struct place *place, const char *word)
{
	struct mount_entry *entry = place->entry;
	uint32_t mode;

	if (text_starts_with(word, "size="))
		return text_to_size(word + 5, &entry->size) == 0;
	if (!text_starts_with(word, "mode=") || text_to_octal(word + 5, 07777, &mode) < 0)
		return false;
	entry->mode = mode;
	entry->flags |= MOUNT_F_MODE;
	return true;
}

/* A device number of a group that nobody has inside would fail the whole mount. */
static bool is_foreign_group(const struct place *place, const char *word)
{
	const struct plan *plan = place->reader->plan;
	uint32_t gid;

	if (strcmp(place->type, "devpts") != 0 || !text_starts_with(word, "gid=") ||
	    text_to_u32(word + 4, &gid) < 0 ||
	    plan->namespaces.kinds[NS_USER].mode != NS_PRIVATE)
		return false;
	for (size_t i = 0; i < plan->ids.gids.count; i++) {
		const struct id_range *range = &plan->ids.gids.ranges[i];

		if (gid >= range->inside && gid - range->inside < range->count)
			return false;
	}
	return true;
}

static void take_own_word(struct place *place, const struct json_value *value,
			  const char *word)
{
	if (!strcmp(place->type, "tmpfs") && take_tmpfs_word(place, word))
		return;
	if (is_foreign_group(place, word))
		oci_ignore(place->reader, value, "the container has no such group");
	else
		add_data(place, word);
}

static int take_word(struct place *place, const struct json_value *value,
		     const char *word, struct error *err)
{
	const struct oci_word_row *row = oci_mount_word(word);

	if (!row) {
		take_own_word(place, value, word);
		return 0;
	}
	switch (row->effect) {
	case OCI_WORD_ATTRIBUTE:
		add_attribute(place, row);
		break;
	case OCI_WORD_PROPAGATION:
		return add_propagation(place, value, row, err);
	case OCI_WORD_BIND:
		break; /* find_type() has seen it */
	case OCI_WORD_FLAG:
		place->entry->flags |= (unsigned int)row->set;
		break;
	case OCI_WORD_MAPPED:
		place->mapped = value;
		place->maps_below = row->set;
		break;
	case OCI_WORD_REMOUNT:
		place->remounts = true;
		break;
	case OCI_WORD_SUPER:
		if (place->binds)
			oci_ignore(place->reader, value, "a bind does not change it");
		else
			add_data(place, word);
		break;
	case OCI_WORD_NONE:
	case OCI_WORD_NOTHING:
		break;
	}
	return 0;
}

static int take_words(struct place *place, const char *const *words, struct error *err)
{
	const struct json_value *array = json_get(place->object, "options");

	for (size_t i = 0; words && words[i]; i++) {
		if (!words[i][0])
			continue;
		if (take_word(place, json_at(array, i), words[i], err) < 0)
			return -1;
		if (place->binds && place->data)
			return json_complain(json_at(array, i), err,
					     "no option of a bind mount");
	}
	return 0;
}

/* ---- id maps -------------------------------------------------------------------------- */

static int read_id_map(struct place *place, struct error *err)
{
	struct oci_reader *reader = place->reader;
	struct mount_id_map map = { .recursive = place->maps_below };
	struct mount_id_map *kept;

	if (oci_read_id_map(reader, place->object, "uidMappings", &map.uids, err) < 0 ||
	    oci_read_id_map(reader, place->object, "gidMappings", &map.gids, err) < 0)
		return -1;
	if (!map.uids.count != !map.gids.count)
		return json_complain(place->object, err, "%s is missing",
				     map.uids.count ? "gidMappings" : "uidMappings");
	if (!map.uids.count && !place->mapped)
		return 0;
	if (!map.uids.count) {
		map.uids = reader->plan->ids.uids;
		map.gids = reader->plan->ids.gids;
	}
	if (!map.uids.count)
		return json_complain(place->mapped, err,
				     "there are neither uidMappings nor a new user "
				     "namespace whose map it could be");
	if (id_map_check(&map.uids, err) < 0 || id_map_check(&map.gids, err) < 0)
		return error_within(err, "%s", json_path(place->object, reader->arena));
	kept = arena_alloc(reader->arena, sizeof(*kept));
	*kept = map;
	place->entry->id_map = kept;
	return 0;
}

/* ---- kinds ---------------------------------------------------------------------------- */

static enum mount_kind kind_of(const char *type)
{
	static const struct {
		const char *type;
		enum mount_kind kind;
	} kinds[] = {
		{ "tmpfs", MOUNT_TMPFS },   { "proc", MOUNT_PROC },
		{ "sysfs", MOUNT_SYSFS },   { "mqueue", MOUNT_MQUEUE },
		{ "cgroup", MOUNT_CGROUP }, { "cgroup2", MOUNT_CGROUP },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kinds[i].type, type))
			return kinds[i].kind;
	}
	return MOUNT_FILESYSTEM;
}

/* Only what is mounted there already can be meant, and only one thing of it is asked for. */
static int settle_remount(struct place *place, struct error *err)
{
	const struct mount_attributes *attributes = &place->attributes;

	if (attributes->set != MOUNT_ATTR_RDONLY || attributes->set_below ||
	    place->propagations)
		return json_complain(json_get(place->object, "options"), err,
				     "remount is only supported with ro");
	place->entry->kind = MOUNT_READONLY;
	place->entry->flags = 0;
	place->entry->source = NULL;
	return 0;
}

/* Which hierarchies there are decides how they are mounted; no word changes that. */
static void settle_data(struct place *place)
{
	struct mount_entry *entry = place->entry;

	if (entry->kind != MOUNT_CGROUP)
		entry->data = place->data;
	else if (place->data)
		oci_ignore(place->reader, json_get(place->object, "options"),
			   "cgroups have no options of their own here");
	/* What is made in it comes first. */
	if (entry->kind == MOUNT_TMPFS && place->attributes.set & MOUNT_ATTR_RDONLY)
		entry->flags |= MOUNT_F_RDONLY;
}

static void settle_attributes(struct place *place)
{
	struct mount_attributes *kept = arena_alloc(place->reader->arena, sizeof(*kept));

	*kept = place->attributes;
	place->entry->attributes = kept;
}

static int settle_bind(struct place *place, const char *source, struct error *err)
{
	struct mount_entry *entry = place->entry;

	if (!source || !source[0])
		return json_complain(place->object, err, "source is missing");
	entry->kind = MOUNT_BIND;
	entry->source = oci_absolute(place->reader, source);
	if (!place->whole)
		entry->flags |= MOUNT_F_SHALLOW;
	return 0;
}

static int settle_kind(struct place *place, struct error *err)
{
	struct mount_entry *entry = place->entry;
	const char *source = NULL;

	if (json_get_text(place->object, "source", &source, err) < 0)
		return -1;
	if (place->remounts)
		return settle_remount(place, err);
	settle_attributes(place);
	if (place->binds)
		return settle_bind(place, source, err);
	entry->kind = kind_of(place->type);
	if (entry->kind == MOUNT_FILESYSTEM) {
		entry->type = place->type;
		entry->source = source && source[0] ? source : place->type;
	}
	if (entry->kind == MOUNT_TMPFS && source && source[0])
		entry->source = source;
	settle_data(place);
	return 0;
}

/* ---- one mount ------------------------------------------------------------------------ */

/* A bind is one by its words or by a type that the specification has for it. */
static int find_type(struct place *place, const char *const *words, struct error *err)
{
	const char *type = NULL;

	if (json_get_text(place->object, "type", &type, err) < 0)
		return -1;
	for (size_t i = 0; words && words[i]; i++) {
		place->whole |= !strcmp(words[i], "rbind");
		place->binds |= place->whole || !strcmp(words[i], "bind");
	}
	if (type && !strcmp(type, "bind") && !place->binds)
		place->binds = place->whole = true;
	place->type = type && type[0] ? type : "none";
	if (place->binds || (type && type[0] && strcmp(type, "none") != 0))
		return 0;
	return oci_choice(words ? words : (const char *const[]){ NULL }, "remount") >= 0
		       ? 0
		       : json_complain(place->object, err, "type is missing");
}

/* Older configurations have it without the slash in front (config.md). */
static int read_destination(struct place *place, struct error *err)
{
	const char *dest = NULL;

	if (json_get_text(place->object, "destination", &dest, err) < 0)
		return -1;
	if (!dest || !dest[0])
		return json_complain(place->object, err, "destination is missing");
	place->entry->dest =
		dest[0] == '/' ? dest : arena_printf(place->reader->arena, "/%s", dest);
	return 0;
}

static int read_place(struct place *place, struct error *err)
{
	const char *const *words = NULL;
	size_t count;

	if (json_want_kind(place->object, JSON_KIND_OBJECT, err) < 0 ||
	    read_destination(place, err) < 0 ||
	    json_get_texts(place->object, "options", &words, &count, err) < 0 ||
	    find_type(place, words, err) < 0 || take_words(place, words, err) < 0 ||
	    read_id_map(place, err) < 0)
		return -1;
	return settle_kind(place, err);
}

/* ---- the list ------------------------------------------------------------------------- */

int oci_read_container_mounts(struct oci_reader *reader, struct error *err)
{
	const struct json_value *linux_part = json_get(reader->document, "linux");
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct json_value *array;
	struct mount_entry *entries;
	size_t objects, most, count;

	if (oci_get_list(reader->document, "mounts", &array, &objects, err) < 0)
		return -1;
	most = objects + oci_count_devices(reader) +
	       json_count(json_get(linux_part, "readonlyPaths")) +
	       json_count(json_get(linux_part, "maskedPaths"));
	if (most > MOUNTS_MAX)
		return json_complain(reader->document, err, "more than %d mounts",
				     MOUNTS_MAX);
	entries = arena_alloc_array(reader->arena, most, sizeof(*entries));
	for (count = 0; count < objects; count++) {
		struct place place = { .reader = reader,
				       .object = json_at(array, count),
				       .entry = &entries[count] };

		if (read_place(&place, err) < 0)
			return -1;
	}
	if (oci_read_devices(reader, entries, &count, err) < 0 ||
	    oci_read_covers(reader, "readonlyPaths", MOUNT_READONLY, entries, &count,
			    err) < 0 ||
	    oci_read_covers(reader, "maskedPaths", MOUNT_MASK, entries, &count, err) < 0)
		return -1;
	rootfs->mounts = entries;
	rootfs->mount_count = count;
	return 0;
}
