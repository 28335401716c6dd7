/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * What an image says of itself as a document of ours: sbx-image writes it, the front ends
 * read it, and the cache keeps it. What is empty is left out.
 */

static const struct text_row {
	const char *key;
	size_t offset;
} text_rows[] = {
	{ "kind", offsetof(struct image_config, kind) },
	{ "reference", offsetof(struct image_config, reference) },
	{ "digest", offsetof(struct image_config, digest) },
	{ "os", offsetof(struct image_config, os) },
	{ "architecture", offsetof(struct image_config, architecture) },
	{ "variant", offsetof(struct image_config, variant) },
	{ "user", offsetof(struct image_config, user) },
	{ "workdir", offsetof(struct image_config, workdir) },
	{ "stop_signal", offsetof(struct image_config, stop_signal) },
};

static const struct list_row {
	const char *key;
	size_t offset;
} list_rows[] = {
	{ "entrypoint", offsetof(struct image_config, entrypoint) },
	{ "command", offsetof(struct image_config, command) },
	{ "env", offsetof(struct image_config, env) },
	{ "volumes", offsetof(struct image_config, volumes) },
	{ "labels", offsetof(struct image_config, labels) },
};

enum {
	TEXT_COUNT = sizeof(text_rows) / sizeof(text_rows[0]),
	LIST_COUNT = sizeof(list_rows) / sizeof(list_rows[0]),
};

static const char *const empty_list[] = { NULL };

static const void *field(const struct image_config *config, size_t offset)
{
	return (const char *)config + offset;
}

static void write_list(struct json_value *document, const char *key,
		       const char *const *list)
{
	struct json_value *array;

	if (!list || !list[0])
		return;
	array = json_put_array(document, key);
	for (; *list; list++)
		json_put_text(array, NULL, *list);
}

static void write_ports(struct json_value *document, const struct image_config *config)
{
	struct json_value *array;

	if (config->port_count == 0)
		return;
	array = json_put_array(document, "ports");
	for (size_t i = 0; i < config->port_count; i++) {
		const struct image_port *port = &config->ports[i];
		char text[16];

		snprintf(text, sizeof(text), "%u/%s", port->port,
			 port->udp ? "udp" : "tcp");
		json_put_text(array, NULL, text);
	}
}

struct json_value *image_config_write(const struct image_config *config,
				      struct arena *arena)
{
	struct json_value *document = json_make_object(arena);
	struct json_value *chains;

	for (size_t i = 0; i < TEXT_COUNT; i++) {
		const char *const *text = field(config, text_rows[i].offset);

		if (*text)
			json_put_text(document, text_rows[i].key, *text);
	}
	for (size_t i = 0; i < LIST_COUNT; i++) {
		const char *const *const *list = field(config, list_rows[i].offset);

		write_list(document, list_rows[i].key, *list);
	}
	write_ports(document, config);
	chains = json_put_array(document, "layers");
	for (size_t i = 0; i < config->layer_count; i++)
		json_put_text(chains, NULL, config->chains[i]);
	if (json_has_escapes(document))
		json_put_bool(document, "escaped", true);
	return document;
}

static int read_port(const struct json_value *value, struct image_port *ret_port,
		     struct error *err)
{
	const char *text;
	const char *slash;
	char digits[8];
	uint32_t port = 0;

	if (json_want_text(value, &text, err) < 0)
		return -1;
	slash = strchr(text, '/');
	if (!slash || (size_t)(slash - text) >= sizeof(digits))
		return json_complain(value, err, "no port: %s", text);
	memcpy(digits, text, (size_t)(slash - text));
	digits[slash - text] = '\0';
	if (text_to_u32(digits, &port) < 0 || port == 0 || port > UINT16_MAX)
		return json_complain(value, err, "no port: %s", text);
	ret_port->port = (uint16_t)port;
	ret_port->udp = strcmp(slash, "/udp") == 0;
	return 0;
}

static int read_ports(const struct json_value *document, struct arena *arena,
		      struct image_config *config, struct error *err)
{
	const struct json_value *array = NULL;
	struct image_port *ports;

	if (json_get_array(document, "ports", &array, err) < 0)
		return -1;
	if (json_count(array) == 0)
		return 0;
	ports = arena_alloc_array(arena, json_count(array), sizeof(*ports));
	for (size_t i = 0; i < json_count(array); i++) {
		if (read_port(json_at(array, i), &ports[i], err) < 0)
			return -1;
	}
	config->ports = ports;
	config->port_count = json_count(array);
	return 0;
}

static int read_fields(const struct json_value *document, struct image_config *config,
		       struct error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < TEXT_COUNT; i++) {
		const char **text = (const char **)((char *)config + text_rows[i].offset);

		if (json_get_text(document, text_rows[i].key, text, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < LIST_COUNT; i++) {
		const char *const **list =
			(const char *const **)((char *)config + list_rows[i].offset);

		*list = empty_list;
		if (json_get_texts(document, list_rows[i].key, list, &count, err) < 0)
			return -1;
	}
	config->chains = empty_list;
	return json_get_texts(document, "layers", &config->chains, &config->layer_count,
			      err) < 0
		       ? -1
		       : 0;
}

int image_config_read(const struct json_value *document, struct arena *arena,
		      struct image_config *ret_config, struct error *err)
{
	struct json_value *box = json_make_object(arena);
	struct image_config config = { 0 };
	bool escaped = false;

	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_bool(document, "escaped", &escaped, err) < 0)
		return -1;
	if (escaped) {
		json_put_copy(box, "image", document);
		json_restore_bytes(box);
		document = json_get(box, "image");
	}
	if (read_fields(document, &config, err) < 0 ||
	    read_ports(document, arena, &config, err) < 0)
		return -1;
	*ret_config = config;
	return 0;
}
