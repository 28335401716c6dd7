/* SPDX-License-Identifier: Apache-2.0 */

/* The file-system operations as OCI mounts, one object for each entry, in their order. */

#include "plan/to_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "plan/oci_spelling.h"

static void put_path_option(struct json_value *options, const char *name,
			    const char *path, struct arena *arena)
{
	if (path)
		json_put_text(options, NULL,
			      arena_printf(arena, "%s=%s", name,
					   oci_escape_layer(path, arena)));
}

/* OCI names the topmost layer first, as the kernel does. */
static void put_layers(struct json_value *options, const struct mount_entry *entry,
		       struct arena *arena)
{
	const char *list = NULL;

	for (size_t i = entry->lower_count; i > 0; i--) {
		const char *layer = oci_escape_layer(entry->lowers[i - 1], arena);

		list = list ? arena_printf(arena, "%s:%s", list, layer) : layer;
	}
	if (list)
		json_put_text(options, NULL, arena_printf(arena, "lowerdir=%s", list));
	put_path_option(options, "upperdir", entry->upper, arena);
	put_path_option(options, "workdir", entry->work, arena);
}

static void put_options(struct json_value *object, const struct oci_mount_row *row,
			const struct mount_entry *entry, struct arena *arena)
{
	static const unsigned int flags[] = { MOUNT_F_RDONLY, MOUNT_F_NOSUID,
					      MOUNT_F_NODEV, MOUNT_F_NOEXEC };
	struct json_value *options = json_put_array(object, "options");

	for (size_t i = 0; i < OCI_IMPLIED_MAX && row->implied[i]; i++)
		json_put_text(options, NULL, row->implied[i]);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (entry->flags & flags[i])
			json_put_text(options, NULL,
				      oci_flag_word(flags[i], row->recursive));
	}
	if (row->carries & OCI_CARRIES_MODE && entry->mode)
		json_put_text(options, NULL,
			      arena_printf(arena, "mode=%04o", entry->mode));
	if (row->carries & OCI_CARRIES_SIZE && entry->size)
		json_put_text(options, NULL,
			      arena_printf(arena, "size=%llu",
					   (unsigned long long)entry->size));
	if (row->carries & OCI_CARRIES_LAYERS)
		put_layers(options, entry, arena);
}

static void put_own_layers(struct json_value *object, const struct mount_entry *entry)
{
	struct json_value *array;

	if (entry->upper)
		json_put_text(object, "sbx.upper", entry->upper);
	if (entry->work)
		json_put_text(object, "sbx.work", entry->work);
	if (!entry->lower_count)
		return;
	array = json_put_array(object, "sbx.lowers");
	for (size_t i = 0; i < entry->lower_count; i++)
		json_put_text(array, NULL, entry->lowers[i]);
}

/* As text where it is one: NUL ends texts. */
static void put_content(struct json_value *object, const struct mount_entry *entry,
			struct arena *arena)
{
	if (!entry->content_size)
		return;
	if (memchr(entry->content, '\0', entry->content_size))
		json_put_text(object, "sbx.content_hex",
			      oci_hex(entry->content, entry->content_size, arena));
	else
		json_put_text(object, "sbx.content",
			      arena_strndup(arena, entry->content, entry->content_size));
}

/* Whatever the entry says and the OCI spelling of its kind does not. */
static void put_own_members(struct json_value *object, const struct oci_mount_row *row,
			    const struct mount_entry *entry, struct arena *arena)
{
	if (entry->source && !row->stands_for && !(row->carries & OCI_CARRIES_SOURCE))
		json_put_text(object, "sbx.source", entry->source);
	if (entry->mode && !(row->carries & OCI_CARRIES_MODE))
		json_put_text(object, "sbx.mode",
			      arena_printf(arena, "%04o", entry->mode));
	if (entry->size && !(row->carries & OCI_CARRIES_SIZE))
		json_put_unsigned(object, "sbx.size", entry->size);
	if (!(row->carries & OCI_CARRIES_LAYERS))
		put_own_layers(object, entry);
	put_content(object, entry, arena);
	if (entry->flags & MOUNT_F_OPTIONAL)
		json_put_bool(object, "sbx.optional", true);
	if (entry->flags & MOUNT_F_NOFOLLOW)
		json_put_bool(object, "sbx.nofollow", true);
}

/* Whether a reader finds the kind without being told. */
static bool is_plain(const struct json_value *object, const struct oci_mount_row *row)
{
	const char *const *options = NULL;
	const char *type = NULL, *destination = NULL;
	struct error none;
	size_t count;

	if (json_get_texts(object, "options", &options, &count, &none) < 0 ||
	    json_get_text(object, "type", &type, &none) < 0 ||
	    json_get_text(object, "destination", &destination, &none) < 0)
		return false;
	return oci_mount_row_of(type, destination, options) == row;
}

static void put_mount(struct json_value *array, const struct mount_entry *entry,
		      struct arena *arena)
{
	const struct oci_mount_row *row = oci_mount_row_for(entry);
	struct json_value *object = json_put_object(array, NULL);
	const char *source =
		row->carries & OCI_CARRIES_SOURCE ? entry->source : row->source;

	json_put_text(object, "destination", entry->dest);
	json_put_text(object, "type", row->type);
	if (source)
		json_put_text(object, "source", source);
	put_options(object, row, entry, arena);
	if (!is_plain(object, row))
		json_put_text(object, OCI_MOUNT_KIND, row->name);
	put_own_members(object, row, entry, arena);
}

/* Our own /dev has terminals; another runtime has to be told. The reader passes it over. */
static void put_terminals(struct json_value *array, const struct mount_entry *dev,
			  struct arena *arena)
{
	static const char *const words[] = { "nosuid",        "noexec",    "newinstance",
					     "ptmxmode=0666", "mode=0620", NULL };
	struct json_value *object = json_put_object(array, NULL);
	struct json_value *options;

	json_put_text(object, "destination", arena_printf(arena, "%s/pts", dev->dest));
	json_put_text(object, "type", "devpts");
	json_put_text(object, "source", "devpts");
	options = json_put_array(object, "options");
	for (size_t i = 0; words[i]; i++)
		json_put_text(options, NULL, words[i]);
}

/* Where the covers begin that OCI has lists of their own for: read-only ones, then masks. */
static size_t count_mounts(const struct rootfs_spec *rootfs)
{
	size_t count = rootfs->mount_count;

	while (count && oci_is_plain_cover(&rootfs->mounts[count - 1], MOUNT_MASK))
		count--;
	while (count && oci_is_plain_cover(&rootfs->mounts[count - 1], MOUNT_READONLY))
		count--;
	return count;
}

size_t oci_put_mounts(struct json_value *document, const struct rootfs_spec *rootfs,
		      struct arena *arena)
{
	struct json_value *array = json_put_array(document, "mounts");
	size_t count = count_mounts(rootfs);

	for (size_t i = 0; i < count; i++) {
		put_mount(array, &rootfs->mounts[i], arena);
		if (rootfs->mounts[i].kind == MOUNT_DEV)
			put_terminals(array, &rootfs->mounts[i], arena);
	}
	return count;
}
