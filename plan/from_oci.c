/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An OCI config.json as a plan: what to_oci.c wrote, and what other tools write as far as a
 * plan can hold it. The text may come from anybody. Members that nobody knows are passed
 * over, as the specification wants it; members that are known and ask for what cannot be
 * done are refused, because a limit that is dropped in silence is a hole.
 */
#include "plan/from_oci.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/internal.h"
#include "plan/oci_spelling.h"
#include "policy/profile.h"

enum {
	SYSCTLS_MAX = 1000,
};

/* ---- shared by the parts ------------------------------------------------------------ */

int oci_annotation(const struct oci_reader *reader, const char *name,
		   const struct json_value **ret_value, const char **ret_text,
		   struct error *err)
{
	const struct json_value *value = json_get(reader->annotations, name);

	if (!value)
		return 1;
	if (json_want_text(value, ret_text, err) < 0)
		return -1;
	*ret_value = value;
	return 0;
}

int oci_read_bool(const struct json_value *value, bool *ret_value, struct error *err)
{
	const char *text;

	if (json_want_text(value, &text, err) < 0)
		return -1;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return json_complain(value, err, "neither \"true\" nor \"false\"");
	*ret_value = text[0] == 't';
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

void *oci_read_hex(const struct json_value *value, size_t *ret_size, struct error *err,
		   struct arena *arena)
{
	unsigned char *bytes;
	const char *text;
	size_t size;

	if (json_want_text(value, &text, err) < 0)
		return NULL;
	size = strlen(text) / 2;
	bytes = arena_alloc(arena, size + 1);
	for (size_t i = 0; text[i]; i++) {
		int digit = hex_digit(text[i]);

		if (digit < 0 || i / 2 == size) {
			json_complain(value, err, "not pairs of the digits 0-9 and a-f");
			return NULL;
		}
		bytes[i / 2] = (unsigned char)(bytes[i / 2] << 4 | digit);
	}
	*ret_size = size;
	return bytes;
}

const char *oci_absolute(const struct oci_reader *reader, const char *path)
{
	if (path[0] == '/')
		return path;
	return arena_printf(reader->arena, "%s/%s", reader->bundle, path);
}

int oci_get_list(const struct json_value *object, const char *key,
		 const struct json_value **ret_array, size_t *ret_count,
		 struct error *err)
{
	*ret_array = NULL;
	*ret_count = 0;
	if (json_get_array(object, key, ret_array, err) < 0)
		return -1;
	*ret_count = json_count(*ret_array);
	return 0;
}

/* ---- the top ------------------------------------------------------------------------ */

int oci_check_version(const struct json_value *document, struct error *err)
{
	const struct json_value *value = json_get(document, "ociVersion");
	const char *text;

	if (!value)
		return json_complain(document, err, "ociVersion is missing");
	if (json_want_text(value, &text, err) < 0)
		return -1;
	if (strncmp(text, "1.", 2) != 0)
		return json_complain(value, err, "only versions 1.x are read");
	return 0;
}

static int read_root_kind(struct oci_reader *reader, const char *path, struct error *err)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct json_value *value;
	const char *word;
	int found = oci_annotation(reader, OCI_ROOT_KIND, &value, &word, err);
	int kind;

	if (found < 0)
		return -1;
	if (found > 0) {
		rootfs->kind = strcmp(path, "/") != 0 ? ROOT_DIRECTORY : ROOT_HOST;
		return 0;
	}
	kind = oci_choice(oci_root_kinds, word);
	if (kind < 0)
		return json_complain(value, err,
				     "not host, directory, empty, image or served");
	rootfs->kind = (enum root_kind)kind;
	return 0;
}

static int read_root_mode(struct oci_reader *reader, const struct json_value *root,
			  struct error *err)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct json_value *value;
	const char *word;
	bool readonly = false;
	int found, mode;

	if (json_get_bool(root, "readonly", &readonly, err) < 0)
		return -1;
	rootfs->mode = readonly ? ROOT_RO : ROOT_RW;
	found = oci_annotation(reader, OCI_ROOT_MODE, &value, &word, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	mode = oci_choice(oci_root_modes, word);
	if (mode < 0)
		return json_complain(value, err, "not cow, ro or rw");
	if (readonly != (mode != ROOT_RW))
		return json_complain(value, err, "root.readonly says otherwise");
	rootfs->mode = (enum root_mode)mode;
	return 0;
}

static int read_root(struct oci_reader *reader, struct error *err)
{
	struct rootfs_spec *rootfs = &reader->plan->rootfs;
	const struct json_value *root = NULL, *value;
	const char *path = NULL;
	int found;

	found = json_get_object(reader->document, "root", &root, err);
	if (found < 0)
		return -1;
	if (found > 0)
		return json_complain(reader->document, err, "root is missing");
	if (json_get_text(root, "path", &path, err) < 0)
		return -1;
	if (!path || !path[0])
		return json_complain(root, err, "path is missing");
	if (read_root_kind(reader, path, err) < 0)
		return -1;
	if (rootfs->kind == ROOT_HOST && strcmp(path, "/") != 0)
		return json_complain(root, err,
				     "path is not / although it is the host's");
	if (rootfs->kind == ROOT_DIRECTORY || rootfs->kind == ROOT_SERVED)
		rootfs->path = oci_absolute(reader, path);
	else if (oci_annotation(reader, OCI_ROOT_PATH, &value, &rootfs->path, err) < 0)
		return -1;
	return read_root_mode(reader, root, err);
}

/* ---- linux -------------------------------------------------------------------------- */

static int read_namespace(struct oci_reader *reader, const struct json_value *entry,
			  bool *seen, struct error *err)
{
	const char *type = NULL, *path = NULL;
	struct ns_choice *choice;
	enum ns_kind kind;

	if (json_want_kind(entry, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(entry, "type", &type, err) < 0 ||
	    json_get_text(entry, "path", &path, err) < 0)
		return -1;
	if (!type)
		return json_complain(entry, err, "type is missing");
	kind = oci_namespace_kind(type);
	if (kind == NS_COUNT)
		return json_complain(json_get(entry, "type"), err,
				     "no kind of namespace");
	if (kind == NS_TIME && path && path[0] && !reader->container)
		return json_complain(json_get(entry, "path"), err, "not supported");
	if (seen[kind])
		return json_complain(entry, err, "a second namespace of this type");
	seen[kind] = true;
	if (kind == NS_TIME && (!path || !path[0])) {
		reader->plan->namespaces.new_time = true;
		return 0;
	}
	choice = &reader->plan->namespaces.kinds[kind];
	choice->mode = path && path[0] ? NS_JOINED : NS_PRIVATE;
	choice->path = choice->mode == NS_JOINED ? path : NULL;
	if (choice->path && choice->path[0] != '/')
		return json_complain(json_get(entry, "path"), err,
				     "not an absolute path");
	return 0;
}

int oci_read_namespaces(struct oci_reader *reader, const struct json_value *linux_part,
			struct error *err)
{
	struct ns_choice *kinds = reader->plan->namespaces.kinds;
	const struct json_value *array;
	bool seen[NS_COUNT] = { false };
	size_t count;

	for (int i = 0; i < (reader->container ? NS_COUNT : NS_TIME); i++)
		kinds[i] = (struct ns_choice){ .mode = NS_SHARED };
	if (oci_get_list(linux_part, "namespaces", &array, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (read_namespace(reader, json_at(array, i), seen, err) < 0)
			return -1;
	}
	return 0;
}

static int read_id_number(const struct json_value *entry, const char *key,
			  uint32_t *ret_value, struct error *err)
{
	int found = json_get_u32(entry, key, ret_value, err);

	if (found > 0)
		return json_complain(entry, err, "%s is missing", key);
	return found;
}

int oci_read_id_map(struct oci_reader *reader, const struct json_value *object,
		    const char *key, struct id_map *ret_map, struct error *err)
{
	const struct json_value *array;
	struct id_range *ranges;
	size_t count;

	if (oci_get_list(object, key, &array, &count, err) < 0)
		return -1;
	if (count > ID_RANGES_MAX)
		return json_complain(array, err, "more than %d ranges", ID_RANGES_MAX);
	ranges = arena_alloc_array(reader->arena, count, sizeof(*ranges));
	for (size_t i = 0; i < count; i++) {
		const struct json_value *entry = json_at(array, i);

		if (json_want_kind(entry, JSON_KIND_OBJECT, err) < 0 ||
		    read_id_number(entry, "containerID", &ranges[i].inside, err) < 0 ||
		    read_id_number(entry, "hostID", &ranges[i].outside, err) < 0 ||
		    read_id_number(entry, "size", &ranges[i].count, err) < 0)
			return -1;
	}
	*ret_map = (struct id_map){ count ? ranges : NULL, count };
	return 0;
}

int oci_read_sysctls(struct oci_reader *reader, const struct json_value *linux_part,
		     struct error *err)
{
	struct namespaces_spec *spec = &reader->plan->namespaces;
	const struct json_value *object = NULL;
	struct key_value *sysctls;
	size_t count;

	if (json_get_object(linux_part, "sysctl", &object, err) < 0)
		return -1;
	count = json_count(object);
	if (!count)
		return 0;
	if (count > SYSCTLS_MAX)
		return json_complain(object, err, "more than %d", SYSCTLS_MAX);
	sysctls = arena_alloc_array(reader->arena, count, sizeof(*sysctls));
	for (size_t i = 0; i < count; i++) {
		sysctls[i].key = json_key_at(object, i);
		if (json_want_text(json_at(object, i), &sysctls[i].value, err) < 0)
			return -1;
	}
	spec->sysctls = sysctls;
	spec->sysctl_count = count;
	return 0;
}

/* An empty one says nothing, as other empty objects that engines write. */
static int read_filter(struct oci_reader *reader, const struct json_value *linux_part,
		       struct error *err)
{
	static const char *const listener[] = { "listenerPath", "listenerMetadata",
						NULL };
	const struct json_value *filter = NULL;

	if (json_get_object(linux_part, "seccomp", &filter, err) < 0)
		return -1;
	if (json_count(filter) == 0)
		return 0;
	if (oci_refuse_members(filter, listener, err) < 0)
		return -1;
	if (json_get(reader->annotations, OCI_SECCOMP))
		return json_complain(filter, err,
				     "annotations." OCI_SECCOMP " is there as well");
	return profile_read_json(filter, reader->name, reader->arena,
				 &reader->plan->policy.profile, err);
}

/* Every mount is private here; a namespace that only receives from outside may be so too. */
static int check_propagation(const struct json_value *linux_part, struct error *err)
{
	static const char *const harmless[] = { "private", "rprivate", "slave",
						"rslave",  "",         NULL };
	const char *word = "";

	if (json_get_text(linux_part, "rootfsPropagation", &word, err) < 0)
		return -1;
	if (oci_choice(harmless, word) < 0)
		return json_complain(json_get(linux_part, "rootfsPropagation"), err,
				     "only private and slave are supported");
	return 0;
}

static int read_linux(struct oci_reader *reader, struct error *err)
{
	const struct json_value *linux_part = NULL;
	struct plan *plan = reader->plan;

	if (json_get_object(reader->document, "linux", &linux_part, err) < 0 ||
	    check_propagation(linux_part, err) < 0 ||
	    oci_read_namespaces(reader, linux_part, err) < 0 ||
	    oci_read_id_map(reader, linux_part, "uidMappings", &plan->ids.uids, err) <
		    0 ||
	    oci_read_id_map(reader, linux_part, "gidMappings", &plan->ids.gids, err) <
		    0 ||
	    oci_read_resources(reader, linux_part, err) < 0 ||
	    read_filter(reader, linux_part, err) < 0)
		return -1;
	return oci_read_sysctls(reader, linux_part, err);
}

/* Without them the host's own mounts and ids would be at stake. */
static int check_namespaces(const struct oci_reader *reader, struct error *err)
{
	const struct ns_choice *kinds = reader->plan->namespaces.kinds;

	if (kinds[NS_USER].mode != NS_SHARED && kinds[NS_MOUNT].mode == NS_PRIVATE)
		return 0;
	json_complain(
		reader->document, err,
		"linux.namespaces needs one of type user and a new one of type mount");
	return error_hint(err, "start from what `sbx config` prints");
}

/* ---- the whole ---------------------------------------------------------------------- */

static int read_parts(struct oci_reader *reader, struct error *err)
{
	if (oci_check_version(reader->document, err) < 0 ||
	    json_get_object(reader->document, "annotations", &reader->annotations, err) <
		    0 ||
	    oci_refuse_unsupported(reader->document, err) < 0 ||
	    json_get_text(reader->document, "hostname",
			  &reader->plan->namespaces.hostname, err) < 0 ||
	    read_linux(reader, err) < 0 || read_root(reader, err) < 0 ||
	    oci_read_process(reader, err) < 0 || oci_read_mounts(reader, err) < 0)
		return -1;
	if (oci_read_annotations(reader, err) < 0)
		return -1;
	return check_namespaces(reader, err);
}

/* OCI's relative paths start where config.json lies; what comes by a pipe lies here. */
const char *oci_find_bundle(const char *name, struct arena *arena)
{
	const char *slash = strrchr(name, '/');
	char here[4096];

	if (name[0] == '/')
		return arena_strndup(arena, name, (size_t)(slash - name));
	if (!getcwd(here, sizeof(here)))
		here[0] = '\0';
	if (!slash)
		return arena_strdup(arena, here);
	return arena_printf(arena, "%s/%.*s", here, (int)(slash - name), name);
}

static bool is_escaped(const struct json_value *document)
{
	const struct json_value *mark =
		json_get(json_get(document, "annotations"), OCI_ESCAPED);
	bool escaped = false;
	struct error none;

	return mark && oci_read_bool(mark, &escaped, &none) == 0 && escaped;
}

int plan_from_oci(const char *text, size_t length, const char *name, struct plan *plan,
		  struct error *err)
{
	struct arena *arena = &plan->arena;
	struct json_value *document = json_read(text, length, name, arena, err);
	struct plan read = { 0 };
	struct oci_reader reader = {
		.arena = arena, .name = name, .document = document, .plan = &read
	};

	if (!document)
		return -1;
	if (is_escaped(document))
		json_restore_bytes(document);
	reader.bundle = oci_find_bundle(name, arena);
	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0 ||
	    read_parts(&reader, err) < 0)
		return error_within(err, "read %s", name);
	oci_list_unknown(&reader);
	plan->container.ignored = oci_ignored(&reader);
	plan->ids = read.ids;
	plan->namespaces = read.namespaces;
	plan->image = read.image;
	plan->rootfs = read.rootfs;
	plan->net = read.net;
	plan->policy = read.policy;
	plan->process = read.process;
	plan->life = read.life;
	plan->runtime = read.runtime;
	return 0;
}
