/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx image inspect`: what an image says of itself. Nothing is written, nothing is kept. */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/page.h"
#include "image/image.h"
#include "launcher/command_words.h"
#include "launcher/images.h"

#include <string.h>

/* What was found; digest and layers where the image says them. */
struct inspection {
	const char *operand;
	struct image_config config;
	const char *digest;
	const struct json_value *layers; /* of { "digest", "bytes" } */
};

static int inspect(struct image_request *request, struct inspection *ret_inspection,
		   struct error *err)
{
	struct inspection inspection = { .operand = request->words[0] };
	struct images_result result;
	struct image_job job;
	struct ids_spec ids;
	bool single;

	if (images_input(request->words[0], request->tag, &request->arena, &job, err) <
		    0 ||
	    image_verify_input(request, &job, err) < 0 ||
	    images_default_ids(&request->arena, &ids, &single, err) < 0)
		return -1;
	job.task = IMAGE_TASK_INSPECT;
	if (images_do(&ids, &job, inspection.operand, &request->arena, &result, err) < 0)
		return -1;
	images_result_close(&result);
	if (result.document_count == 0) {
		error_set(err, ERROR_IMAGE, "understand sbx-image: it says nothing");
		return -1;
	}
	if (image_config_read(result.documents[0], &request->arena, &inspection.config,
			      err) < 0)
		return -1;
	if (result.document_count > 1 &&
	    (json_get_text(result.documents[1], "digest", &inspection.digest, err) < 0 ||
	     json_get_array(result.documents[1], "layers", &inspection.layers, err) < 0))
		return -1;
	*ret_inspection = inspection;
	return 0;
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static const struct json_value *layer_at(const struct inspection *inspection, size_t i)
{
	return i < json_count(inspection->layers) ? json_at(inspection->layers, i) : NULL;
}

/* 0: nobody has said it. */
static uint64_t layer_bytes(const struct inspection *inspection, size_t i)
{
	struct error ignored;
	uint64_t bytes = 0;

	(void)json_get_unsigned(layer_at(inspection, i), "bytes", UINT64_MAX, &bytes,
				&ignored);
	return bytes;
}

static const char *layer_digest(const struct inspection *inspection, size_t i)
{
	const char *digest = NULL;
	struct error ignored;

	(void)json_get_text(layer_at(inspection, i), "digest", &digest, &ignored);
	return or_null(digest);
}

static const char *port_text(const struct image_port *port, struct arena *arena)
{
	return arena_printf(arena, "%u/%s", port->port, port->udp ? "udp" : "tcp");
}

/* ---- for programs ---------------------------------------------------------------------- */

static void put_list(struct json_value *object, const char *key, const char *const *list,
		     struct arena *arena)
{
	struct json_value *array = json_put_array(object, key);

	for (; *list; list++)
		json_put_text(array, NULL, printable(arena, *list));
}

static void put_layers(struct json_value *object, const struct inspection *inspection,
		       struct arena *arena)
{
	const struct image_config *config = &inspection->config;
	struct json_value *array = json_put_array(object, "layers");

	for (size_t i = 0; i < config->layer_count; i++) {
		struct json_value *layer = json_put_object(array, NULL);
		const uint64_t bytes = layer_bytes(inspection, i);

		image_put_text(layer, "chain", or_null(config->chains[i]), arena);
		image_put_text(layer, "digest", layer_digest(inspection, i), arena);
		if (bytes)
			json_put_unsigned(layer, "bytes", bytes);
		else
			json_put_null(layer, "bytes");
	}
}

static struct json_value *as_json(const struct inspection *inspection,
				  struct arena *arena)
{
	const struct image_config *config = &inspection->config;
	struct json_value *object = json_make_object(arena), *ports;

	json_put_integer(object, "version", 1);
	json_put_text(object, "root", printable(arena, inspection->operand));
	image_put_text(object, "kind", config->kind, arena);
	image_put_text(object, "digest", or_null(inspection->digest), arena);
	image_put_text(object, "reference", config->reference, arena);
	image_put_text(object, "os", config->os, arena);
	image_put_text(object, "architecture", config->architecture, arena);
	image_put_text(object, "variant", config->variant, arena);
	put_list(object, "entrypoint", config->entrypoint, arena);
	put_list(object, "command", config->command, arena);
	put_list(object, "env", config->env, arena);
	image_put_text(object, "user", config->user, arena);
	image_put_text(object, "workdir", config->workdir, arena);
	image_put_text(object, "stop_signal", config->stop_signal, arena);
	ports = json_put_array(object, "ports");
	for (size_t i = 0; i < config->port_count; i++)
		json_put_text(ports, NULL, port_text(&config->ports[i], arena));
	put_list(object, "volumes", config->volumes, arena);
	put_list(object, "labels", config->labels, arena);
	put_layers(object, inspection, arena);
	return object;
}

/* ---- for people ------------------------------------------------------------------------ */

static void show(struct page *page, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	page_put(page, arena_printf(page->arena, "%-14s", name));
	page_put(page, value);
	page_put(page, "\n");
}

static void show_text(struct page *page, const char *name, const char *value)
{
	show(page, name, value ? printable(page->arena, value) : NULL);
}

/* One value a line, the name before the first. */
static void show_list(struct page *page, const char *name, const char *const *list)
{
	for (; *list; list++) {
		show(page, name, **list ? printable(page->arena, *list) : "''");
		name = "";
	}
}

static void show_platform(struct page *page, const struct image_config *config)
{
	if (!config->os && !config->architecture)
		return;
	show_text(page, "platform",
		  arena_printf(page->arena, "%s/%s%s%s", config->os ? config->os : "?",
			       config->architecture ? config->architecture : "?",
			       config->variant ? "/" : "",
			       config->variant ? config->variant : ""));
}

static void show_ports(struct page *page, const struct image_config *config)
{
	const char *name = "ports";

	for (size_t i = 0; i < config->port_count; i++) {
		show(page, name, port_text(&config->ports[i], page->arena));
		name = "";
	}
}

static void show_layers(struct page *page, const struct inspection *inspection)
{
	const struct image_config *config = &inspection->config;
	const char *name = "layers";

	for (size_t i = 0; i < config->layer_count; i++) {
		const uint64_t bytes = layer_bytes(inspection, i);
		const char *chain = or_null(config->chains[i]);

		show(page, name,
		     arena_printf(page->arena, "%s%s%s",
				  chain ? printable(page->arena, chain)
					: "known when it was read",
				  bytes ? "  " : "",
				  bytes ? image_size_text(bytes, page->arena) : ""));
		name = "";
	}
}

static const char *as_text(const struct inspection *inspection, struct arena *arena)
{
	const struct image_config *config = &inspection->config;
	struct page page = { .arena = arena };

	show_text(&page, "kind", config->kind);
	show_text(&page, "digest", inspection->digest);
	show_text(&page, "reference", config->reference);
	show_platform(&page, config);
	show_list(&page, "entrypoint", config->entrypoint);
	show_list(&page, "command", config->command);
	show_list(&page, "env", config->env);
	show_text(&page, "user", config->user);
	show_text(&page, "workdir", config->workdir);
	show_text(&page, "stop signal", config->stop_signal);
	show_ports(&page, config);
	show_list(&page, "volumes", config->volumes);
	show_list(&page, "labels", config->labels);
	show_layers(&page, inspection);
	return page_text(&page);
}

int image_inspect(struct image_request *request, struct error *err)
{
	struct inspection inspection = { .operand = request->words[0] };

	if (inspect(request, &inspection, err) < 0)
		return -1;
	if (request->json)
		return image_say_json(as_json(&inspection, &request->arena),
				      &request->arena, err);
	return image_say(as_text(&inspection, &request->arena), err);
}
