/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.devices of a container; those that every container has are not listed here. Where
 * /dev is a directory of the host, its devices are there.
 */
#include "plan/from_oci.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "plan/plan.h"

static const struct json_value *find_devices(const struct oci_reader *reader)
{
	return json_get(json_get(reader->document, "linux"), "devices");
}

size_t oci_count_devices(const struct oci_reader *reader)
{
	return json_count(find_devices(reader));
}

static int read_type(const struct json_value *object, struct device_node *node,
		     struct error *err)
{
	const char *type = NULL;

	if (json_get_text(object, "type", &type, err) < 0)
		return -1;
	if (!type || !type[0] || type[1] || !strchr("cbup", type[0]))
		return json_complain(object, err, "type is not c, b, u or p");
	node->type = (char)(type[0] == 'u' ? 'c' : type[0]);
	return 0;
}

static int read_number(const struct json_value *object, const char *key,
		       unsigned int *ret_number, struct error *err)
{
	uint64_t number = 0;
	int found = json_get_unsigned(object, key, UINT32_MAX, &number, err);

	if (found > 0)
		return json_complain(object, err, "%s is missing", key);
	*ret_number = (unsigned int)number;
	return found;
}

/* Engines leave the bits of the file's type in fileMode. */
static int read_owner(const struct json_value *object, struct device_node *node,
		      struct error *err)
{
	uint32_t mode = 0;
	int has_mode = json_get_u32(object, "fileMode", &mode, err);
	int has_uid = json_get_u32(object, "uid", &node->uid, err);
	int has_gid = json_get_u32(object, "gid", &node->gid, err);

	if (has_mode < 0 || has_uid < 0 || has_gid < 0)
		return -1;
	node->has_mode = has_mode == 0;
	node->has_uid = has_uid == 0;
	node->has_gid = has_gid == 0;
	node->mode = mode & 0777;
	return 0;
}

static int read_node(const struct json_value *object, struct device_node *node,
		     const char **ret_path, struct error *err)
{
	const char *path = NULL;

	if (json_want_kind(object, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(object, "path", &path, err) < 0)
		return -1;
	if (!path || path[0] != '/')
		return json_complain(object, err, "path is missing or not absolute");
	if (read_type(object, node, err) < 0 || read_owner(object, node, err) < 0)
		return -1;
	if (node->type != 'p' && (read_number(object, "major", &node->major, err) < 0 ||
				  read_number(object, "minor", &node->minor, err) < 0))
		return -1;
	*ret_path = path;
	return 0;
}

static bool dev_is_bound(const struct mount_entry *entries, size_t count)
{
	bool bound = false;

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(entries[i].dest, "/dev") || !strcmp(entries[i].dest, "/dev/"))
			bound = entries[i].kind == MOUNT_BIND;
	}
	return bound;
}

static void add_node(struct oci_reader *reader, const struct device_node *node,
		     const char *path, struct mount_entry *entry)
{
	struct device_node *kept = arena_alloc(reader->arena, sizeof(*kept));

	*kept = *node;
	*entry = (struct mount_entry){ .kind = MOUNT_DEVICE, .dest = path, .node = kept };
}

/* The place of /dev/ptmx is that of a link into the container's own terminals. */
int oci_read_devices(struct oci_reader *reader, struct mount_entry *entries,
		     size_t *count, struct error *err)
{
	const bool bound = dev_is_bound(entries, *count);
	const struct json_value *array;
	size_t objects;

	if (oci_get_list(json_get(reader->document, "linux"), "devices", &array, &objects,
			 err) < 0)
		return -1;
	for (size_t i = 0; i < objects; i++) {
		struct device_node node = { 0 };
		const char *path = NULL;

		if (read_node(json_at(array, i), &node, &path, err) < 0)
			return -1;
		if (bound && text_starts_with(path, "/dev/"))
			oci_ignore(reader, json_at(array, i),
				   "/dev is a directory of the host");
		else if (!strcmp(path, "/dev/ptmx"))
			oci_ignore(reader, json_at(array, i), "it is always there");
		else
			add_node(reader, &node, path, &entries[(*count)++]);
	}
	return 0;
}
