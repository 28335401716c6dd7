/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * The configuration of an image (image-spec, config.md); docker's own, from which it comes,
 * has the same words in the same places. What it says are defaults of a run, so what nobody
 * could use (a variable without "=", a port that is none) is passed over; a wrong kind of
 * value is an error.
 */

static const char name_of_text[] = "the image's configuration";
static const char *const empty_list[] = { NULL };

void image_config_init(struct image_config *config, const char *kind)
{
	*config = (struct image_config){
		.kind = kind,
		.entrypoint = empty_list,
		.command = empty_list,
		.env = empty_list,
		.volumes = empty_list,
		.labels = empty_list,
		.chains = empty_list,
	};
}

int image_config_check_os(const struct image_config *config, struct error *err)
{
	if (!config->os || strcmp(config->os, "linux") == 0)
		return 0;
	return error_set(err, ERROR_ARCHITECTURE,
			 "start: unsupported operating system: %s (this machine: linux)",
			 config->os);
}

/* A text that is there and not empty, else NULL. */
static int get_text(const struct json_value *object, const char *key,
		    const char **ret_text, struct error *err)
{
	const char *text = NULL;

	if (json_get_text(object, key, &text, err) < 0)
		return -1;
	*ret_text = text && text[0] != '\0' ? text : NULL;
	return 0;
}

static int get_list(const struct json_value *object, const char *key,
		    const char *const **ret_list, struct error *err)
{
	size_t count = 0;

	return json_get_texts(object, key, ret_list, &count, err) < 0 ? -1 : 0;
}

/* "NAME=VALUE" each. */
static int get_env(const struct json_value *object, struct arena *arena,
		   const char *const **ret_env, struct error *err)
{
	const char *const *list = empty_list;
	const char **env;
	size_t count = 0;
	size_t kept = 0;

	if (json_get_texts(object, "Env", &list, &count, err) < 0)
		return -1;
	env = arena_alloc_array(arena, count + 1, sizeof(*env));
	for (size_t i = 0; i < count; i++) {
		if (list[i][0] != '=' && strchr(list[i], '='))
			env[kept++] = list[i];
	}
	*ret_env = env;
	return 0;
}

/* "80/tcp", "53/udp", "80". */
static bool read_port(const char *text, struct image_port *ret_port)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char digits[8] = "";
	uint32_t port = 0;

	if (length >= sizeof(digits))
		return false;
	memcpy(digits, text, length);
	if (text_to_u32(digits, &port) < 0 || port == 0 || port > UINT16_MAX)
		return false;
	ret_port->port = (uint16_t)port;
	ret_port->udp = slash && strcasecmp(slash, "/udp") == 0;
	return ret_port->udp || !slash || strcasecmp(slash, "/tcp") == 0;
}

static int get_ports(const struct json_value *object, struct arena *arena,
		     struct image_config *config, struct error *err)
{
	const struct json_value *set = NULL;
	struct image_port *ports;

	if (json_get_object(object, "ExposedPorts", &set, err) < 0)
		return -1;
	ports = arena_alloc_array(arena, json_count(set) + 1, sizeof(*ports));
	for (size_t i = 0; i < json_count(set); i++) {
		if (read_port(json_key_at(set, i), &ports[config->port_count]))
			config->port_count++;
	}
	config->ports = ports;
	return 0;
}

/* The keys of an object. */
static int get_keys(const struct json_value *object, const char *key, struct arena *arena,
		    const char *const **ret_list, struct error *err)
{
	const struct json_value *set = NULL;
	const char **list;

	if (json_get_object(object, key, &set, err) < 0)
		return -1;
	list = arena_alloc_array(arena, json_count(set) + 1, sizeof(*list));
	for (size_t i = 0; i < json_count(set); i++)
		list[i] = json_key_at(set, i);
	*ret_list = list;
	return 0;
}

static int get_labels(const struct json_value *object, struct arena *arena,
		      const char *const **ret_list, struct error *err)
{
	const struct json_value *set = NULL;
	const char **list;

	if (json_get_object(object, "Labels", &set, err) < 0)
		return -1;
	list = arena_alloc_array(arena, json_count(set) + 1, sizeof(*list));
	for (size_t i = 0; i < json_count(set); i++) {
		const char *value;

		if (json_want_text(json_at(set, i), &value, err) < 0)
			return -1;
		list[i] = arena_printf(arena, "%s=%s", json_key_at(set, i), value);
	}
	*ret_list = list;
	return 0;
}

static int read_run(const struct json_value *run, struct arena *arena,
		    struct image_config *config, struct error *err)
{
	if (get_list(run, "Entrypoint", &config->entrypoint, err) < 0 ||
	    get_list(run, "Cmd", &config->command, err) < 0 ||
	    get_env(run, arena, &config->env, err) < 0 ||
	    get_text(run, "User", &config->user, err) < 0 ||
	    get_text(run, "WorkingDir", &config->workdir, err) < 0 ||
	    get_text(run, "StopSignal", &config->stop_signal, err) < 0 ||
	    get_ports(run, arena, config, err) < 0 ||
	    get_keys(run, "Volumes", arena, &config->volumes, err) < 0 ||
	    get_labels(run, arena, &config->labels, err) < 0)
		return -1;
	if (config->workdir && config->workdir[0] != '/')
		config->workdir = arena_printf(arena, "/%s", config->workdir);
	return 0;
}

static int read_layers(const struct json_value *document, struct arena *arena,
		       struct image_config *config, const char *const **ret_diffs,
		       struct error *err)
{
	const struct json_value *rootfs = NULL;
	const char *const *diffs = empty_list;
	size_t count = 0;

	if (json_get_object(document, "rootfs", &rootfs, err) < 0)
		return -1;
	if (rootfs && json_get_texts(rootfs, "diff_ids", &diffs, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!digest_is_text(diffs[i]))
			return json_complain(
				json_at(json_get(rootfs, "diff_ids"), i), err,
				"neither a sha256 nor a sha512 digest: %s", diffs[i]);
	}
	config->chains = digest_chains(diffs, count, arena);
	config->layer_count = count;
	if (ret_diffs)
		*ret_diffs = diffs;
	return 0;
}

static int read_document(const struct json_value *document, struct arena *arena,
			 struct image_config *config, const char *const **ret_diffs,
			 struct error *err)
{
	const struct json_value *run = NULL;

	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0 ||
	    get_text(document, "os", &config->os, err) < 0 ||
	    get_text(document, "architecture", &config->architecture, err) < 0 ||
	    get_text(document, "variant", &config->variant, err) < 0 ||
	    json_get_object(document, "config", &run, err) < 0)
		return -1;
	if (run && read_run(run, arena, config, err) < 0)
		return -1;
	return read_layers(document, arena, config, ret_diffs, err);
}

int image_config_parse(const char *text, size_t length, struct arena *arena,
		       struct image_config *ret_config, const char *const **ret_diffs,
		       struct error *err)
{
	const struct json_value *document =
		texts_read(text, length, name_of_text, arena, err);
	struct image_config config;

	if (!document)
		return -1;
	image_config_init(&config, "oci");
	if (read_document(document, arena, &config, ret_diffs, err) < 0)
		return texts_complain(name_of_text, err);
	*ret_config = config;
	return 0;
}
