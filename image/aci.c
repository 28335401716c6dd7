/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * The manifest of an App Container Image (appc specification, schema/aci: "Image Manifest
 * Schema"). What is executed is an entrypoint: rkt puts arguments behind it.
 */

static const char manifest_name[] = "the image's manifest";
enum { PORTS_MAX = 1024 };

/* Each { "name": …, "value": … }; NULL: no such name. */
static int find_pair(const struct json_value *pairs, const char *name,
		     const char **ret_value, struct error *err)
{
	for (size_t i = 0; i < json_count(pairs); i++) {
		const struct json_value *pair = json_at(pairs, i);
		const char *found;

		if (json_want_kind(pair, JSON_KIND_OBJECT, err) < 0 ||
		    texts_want_text(pair, "name", &found, err) < 0)
			return -1;
		if (strcmp(found, name) != 0)
			continue;
		return texts_want_text(pair, "value", ret_value, err);
	}
	return 0;
}

/* "NAME=VALUE" of each. */
static int get_pairs(const struct json_value *object, const char *key,
		     struct arena *arena, const char *const **ret_list, struct error *err)
{
	const struct json_value *pairs = NULL;
	const char **list;

	if (json_get_array(object, key, &pairs, err) < 0)
		return -1;
	list = arena_alloc_array(arena, json_count(pairs) + 1, sizeof(*list));
	for (size_t i = 0; i < json_count(pairs); i++) {
		const struct json_value *pair = json_at(pairs, i);
		const char *name;
		const char *value;

		if (json_want_kind(pair, JSON_KIND_OBJECT, err) < 0 ||
		    texts_want_text(pair, "name", &name, err) < 0 ||
		    texts_want_text(pair, "value", &value, err) < 0)
			return -1;
		if (name[0] == '\0' || strchr(name, '='))
			return json_complain(json_get(pair, "name"), err,
					     "no name of a variable: %s", name);
		list[i] = arena_printf(arena, "%s=%s", name, value);
	}
	*ret_list = list;
	return 0;
}

static int get_mount_points(const struct json_value *app, struct arena *arena,
			    const char *const **ret_list, struct error *err)
{
	const struct json_value *array = NULL;
	const char **list;

	if (json_get_array(app, "mountPoints", &array, err) < 0)
		return -1;
	list = arena_alloc_array(arena, json_count(array) + 1, sizeof(*list));
	for (size_t i = 0; i < json_count(array); i++) {
		if (json_want_kind(json_at(array, i), JSON_KIND_OBJECT, err) < 0 ||
		    texts_want_text(json_at(array, i), "path", &list[i], err) < 0)
			return -1;
	}
	*ret_list = list;
	return 0;
}

/* "count" ports from "port" on. */
static int get_port(const struct json_value *value, struct image_port *ports,
		    size_t *count, struct error *err)
{
	const char *protocol = "tcp";
	uint64_t first = 0;
	uint64_t number = 1;

	if (json_want_kind(value, JSON_KIND_OBJECT, err) < 0 ||
	    texts_want_unsigned(value, "port", UINT16_MAX, &first, err) < 0 ||
	    json_get_unsigned(value, "count", UINT16_MAX, &number, err) < 0 ||
	    json_get_text(value, "protocol", &protocol, err) < 0)
		return -1;
	if (first == 0 || number == 0 || first + number - 1 > UINT16_MAX)
		return json_complain(value, err, "no port");
	for (uint64_t i = 0; i < number && *count < PORTS_MAX; i++) {
		ports[*count].port = (uint16_t)(first + i);
		ports[*count].udp = strcmp(protocol, "udp") == 0;
		(*count)++;
	}
	return 0;
}

static int get_ports(const struct json_value *app, struct arena *arena,
		     struct image_config *config, struct error *err)
{
	const struct json_value *array = NULL;
	struct image_port *ports;

	if (json_get_array(app, "ports", &array, err) < 0)
		return -1;
	if (json_count(array) == 0)
		return 0;
	ports = arena_alloc_array(arena, PORTS_MAX, sizeof(*ports));
	for (size_t i = 0; i < json_count(array); i++) {
		if (get_port(json_at(array, i), ports, &config->port_count, err) < 0)
			return -1;
	}
	config->ports = ports;
	return 0;
}

/* A name or a number; the specification also allows a path, whose owner is meant. */
static int get_id(const struct json_value *app, const char *key, const char **ret_id,
		  struct error *err)
{
	const char *id = NULL;

	if (json_get_text(app, key, &id, err) < 0)
		return -1;
	if (id && id[0] == '/')
		return json_complain(json_get(app, key), err,
				     "the owner of a file (%s) is not supported", id);
	*ret_id = id && id[0] != '\0' ? id : NULL;
	return 0;
}

static int read_app(const struct json_value *app, struct arena *arena,
		    struct image_config *config, struct error *err)
{
	const char *group = NULL;
	size_t count = 0;

	if (json_get_texts(app, "exec", &config->entrypoint, &count, err) < 0 ||
	    get_id(app, "user", &config->user, err) < 0 ||
	    get_id(app, "group", &group, err) < 0 ||
	    json_get_text(app, "workingDirectory", &config->workdir, err) < 0 ||
	    get_pairs(app, "environment", arena, &config->env, err) < 0 ||
	    get_mount_points(app, arena, &config->volumes, err) < 0 ||
	    get_ports(app, arena, config, err) < 0)
		return -1;
	if (config->user && group)
		config->user = arena_printf(arena, "%s:%s", config->user, group);
	if (config->workdir && config->workdir[0] == '\0')
		config->workdir = NULL;
	if (config->workdir && config->workdir[0] != '/')
		return json_complain(json_get(app, "workingDirectory"), err,
				     "not absolute: %s", config->workdir);
	return 0;
}

static int read_labels(const struct json_value *document, const char *name,
		       struct arena *arena, struct image_config *config,
		       struct error *err)
{
	const struct json_value *labels = NULL;
	const char *version = NULL;
	const char *arch = NULL;

	if (json_get_array(document, "labels", &labels, err) < 0 ||
	    get_pairs(document, "labels", arena, &config->labels, err) < 0 ||
	    find_pair(labels, "os", &config->os, err) < 0 ||
	    find_pair(labels, "arch", &arch, err) < 0 ||
	    find_pair(labels, "version", &version, err) < 0)
		return -1;
	config->reference = version ? arena_printf(arena, "%s:%s", name, version) : name;
	if (!arch)
		return 0;
	config->architecture = image_arch_of_machine(arch);
	config->variant = image_variant_of_machine(arch);
	if (!config->architecture)
		config->architecture = arch;
	return 0;
}

static int check_kind(const struct json_value *document, struct error *err)
{
	const char *kind = "";

	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0 ||
	    texts_want_text(document, "acKind", &kind, err) < 0)
		return -1;
	if (strcmp(kind, "ImageManifest") != 0)
		return json_complain(json_get(document, "acKind"), err,
				     "not ImageManifest: %s", kind);
	return 0;
}

static int check_dependencies(const struct json_value *document, struct error *err)
{
	const struct json_value *array = NULL;
	const char *name = "others";

	if (json_get_array(document, "dependencies", &array, err) < 0)
		return -1;
	if (json_count(array) == 0)
		return 0;
	if (json_kind_of(json_at(array, 0)) == JSON_KIND_OBJECT &&
	    json_get_text(json_at(array, 0), "imageName", &name, err) < 0)
		return -1;
	error_set(err, ERROR_IMAGE,
		  "take the image: it lies on top of other images, which are not "
		  "fetched (%s)",
		  name);
	return error_hint(err, "build it as one image, without dependencies");
}

static int read_document(const struct json_value *document, struct arena *arena,
			 struct image_config *config, struct error *err)
{
	const struct json_value *app = NULL;
	const char *name = NULL;

	if (check_kind(document, err) < 0 ||
	    texts_want_text(document, "name", &name, err) < 0 ||
	    read_labels(document, name, arena, config, err) < 0 ||
	    json_get_object(document, "app", &app, err) < 0)
		return -1;
	return app ? read_app(app, arena, config, err) : 0;
}

int aci_manifest_read(const char *text, size_t length, const struct image_job *job,
		      struct arena *arena, struct image_config *ret_config,
		      struct error *err)
{
	static const char *const chain[] = { "", NULL };
	const struct json_value *document =
		texts_read(text, length, manifest_name, arena, err);
	struct image_config config;

	(void)job;
	if (!document)
		return -1;
	image_config_init(&config, "aci");
	if (read_document(document, arena, &config, err) < 0)
		return texts_complain(manifest_name, err);
	if (image_config_check_os(&config, err) < 0 ||
	    check_dependencies(document, err) < 0)
		return -1;
	config.chains = chain;
	config.layer_count = 1;
	*ret_config = config;
	return 0;
}
