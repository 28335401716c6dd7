/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * What `docker save` and `podman save` write: manifest.json is a list of images, each with the
 * names of its configuration and of its layers in the archive. No digest is written beside
 * these names, but the configuration says what is in each layer, and is itself named by its
 * digest.
 */

static const char manifest_name[] = "manifest.json";
static const char *const none[] = { NULL };
enum { LAYERS_MAX = 512, SHA256_HEX = 64 };

static int get_tags(const struct json_value *image, const char *const **ret_tags,
		    size_t *ret_count, struct error *err)
{
	*ret_tags = none;
	*ret_count = 0;
	if (json_get_texts(image, "RepoTags", ret_tags, ret_count, err) < 0)
		return texts_complain(manifest_name, err);
	return 0;
}

/* The names of all images, for a message. */
static int list_names(const struct json_value *document, struct arena *arena,
		      const char **ret_names, struct error *err)
{
	const char **names =
		arena_alloc_array(arena, json_count(document) + 1, sizeof(const char *));

	for (size_t i = 0; i < json_count(document); i++) {
		const char *const *tags;
		size_t count;

		if (get_tags(json_at(document, i), &tags, &count, err) < 0)
			return -1;
		names[i] = count > 0 ? texts_joined(tags, count, arena)
				     : "one without a name";
	}
	*ret_names = texts_joined(names, json_count(document), arena);
	return 0;
}

struct found {
	const struct json_value *image;
	const char *name;
	size_t count;
};

static int find_tagged(const struct json_value *document, const char *tag,
		       bool (*is_same)(const char *name, const char *tag),
		       struct found *found, struct error *err)
{
	for (size_t i = 0; i < json_count(document); i++) {
		const char *const *tags;
		size_t count;

		if (get_tags(json_at(document, i), &tags, &count, err) < 0)
			return -1;
		for (size_t j = 0; j < count; j++) {
			if (!is_same(tags[j], tag))
				continue;
			if (found->image != json_at(document, i))
				found->count++;
			found->image = json_at(document, i);
			found->name = tags[j];
		}
	}
	return 0;
}

static int find_only(const struct json_value *document, struct found *found,
		     struct error *err)
{
	const char *const *tags;
	size_t count;

	found->count = json_count(document);
	if (found->count == 0)
		return 0;
	found->image = json_at(document, 0);
	if (get_tags(found->image, &tags, &count, err) < 0)
		return -1;
	found->name = count > 0 ? tags[0] : NULL;
	return 0;
}

static int choose(const struct json_value *document, const char *tag, struct arena *arena,
		  struct found *found, struct error *err)
{
	const char *names = "";

	if (!tag && find_only(document, found, err) < 0)
		return -1;
	if (tag && find_tagged(document, tag, texts_is_exact, found, err) < 0)
		return -1;
	if (tag && found->count == 0 &&
	    find_tagged(document, tag, texts_is_near, found, err) < 0)
		return -1;
	if (found->count == 1)
		return 0;
	if (list_names(document, arena, &names, err) < 0)
		return -1;
	if (found->count == 0 && tag)
		return error_set(err, ERROR_IMAGE, "find the image %s: there is %s", tag,
				 names);
	if (found->count == 0)
		return error_set(err, ERROR_IMAGE, "find an image: it names none");
	error_set(err, ERROR_IMAGE, "choose one of several images: %s", names);
	return error_hint(err, "write its name behind the file's, as in "
			       "docker-archive:FILE:NAME");
}

/* The digest that a blob's name promises: "HEX.json", "sha256:HEX", "blobs/sha256/HEX". */
static const char *digest_in_name(const char *name, struct arena *arena)
{
	static const char *const prefixes[] = { "blobs/sha256/", "sha256:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (text_starts_with(name, prefixes[i]))
			name += strlen(prefixes[i]);
	}
	if (strlen(name) < SHA256_HEX || !digest_is_hex(name, SHA256_HEX))
		return "";
	if (name[SHA256_HEX] != '\0' && strcmp(name + SHA256_HEX, ".json") != 0)
		return "";
	return arena_printf(arena, "sha256:%.*s", SHA256_HEX, name);
}

static int read_config(const struct blobs *blobs, const char *name, struct arena *arena,
		       struct source *source, const char *const **ret_diffs,
		       struct error *err)
{
	size_t length = 0;
	const char *text = blobs_read(blobs, name, BLOBS_TEXT_MAX, arena, &length, err);
	const char *promised = digest_in_name(name, arena);

	if (!text)
		return -1;
	source->digest = digest_of(text, length, arena);
	if (promised[0] != '\0' && strcmp(promised, source->digest) != 0)
		return error_set(
			err, ERROR_IMAGE,
			"read %s of the image: it has another digest than its name",
			name);
	return image_config_parse(text, length, arena, &source->config, ret_diffs, err);
}

/* A layer under blobs/ is named by its digest; other names say nothing. */
static const char *layer_digest(const char *name, struct arena *arena)
{
	return text_starts_with(name, "blobs/") ? digest_in_name(name, arena) : "";
}

static int read_layers(const struct blobs *blobs, const struct json_value *image,
		       const char *const *diffs, struct arena *arena,
		       struct source *source, struct error *err)
{
	const char *const *names = none;
	struct source_layer *layers;
	size_t count = 0;

	if (json_get_texts(image, "Layers", &names, &count, err) < 0)
		return texts_complain(manifest_name, err);
	if (count > LAYERS_MAX)
		return error_set(err, ERROR_IMAGE,
				 "read the image: it has more than %d layers",
				 LAYERS_MAX);
	if (count != source->config.layer_count)
		return error_set(
			err, ERROR_IMAGE,
			"read the image: it has %zu layers, but its configuration %zu",
			count, source->config.layer_count);
	layers = arena_alloc_array(arena, count + 1, sizeof(*layers));
	for (size_t i = 0; i < count; i++) {
		uint64_t offset;
		int fd;

		if (blobs_place(blobs, names[i], &fd, &offset, &layers[i].size, err) < 0)
			return -1;
		close(fd);
		layers[i].blob = names[i];
		layers[i].digest = layer_digest(names[i], arena);
		layers[i].diff = diffs ? diffs[i] : "";
	}
	source->layers = layers;
	return 0;
}

static const struct json_value *read_manifest(const struct blobs *blobs,
					      struct arena *arena, struct error *err)
{
	const struct json_value *document;
	size_t length = 0;
	const char *text;

	if (!blobs_have(blobs, manifest_name) && blobs_have(blobs, "repositories")) {
		error_set(err, ERROR_IMAGE,
			  "read the image: it is from a docker of before 1.10, without "
			  "manifest.json");
		return NULL;
	}
	text = blobs_read(blobs, manifest_name, BLOBS_TEXT_MAX, arena, &length, err);
	document = text ? texts_read(text, length, manifest_name, arena, err) : NULL;
	if (document && json_want_kind(document, JSON_KIND_ARRAY, err) < 0) {
		texts_complain(manifest_name, err);
		return NULL;
	}
	return document;
}

int docker_archive_read(const struct blobs *blobs, const struct image_job *job,
			struct arena *arena, struct source *source, struct error *err)
{
	const struct json_value *document = read_manifest(blobs, arena, err);
	const char *const *diffs = NULL;
	struct found found = { 0 };
	const char *config;

	if (!document || choose(document, job->tag, arena, &found, err) < 0)
		return -1;
	if (texts_want_text(found.image, "Config", &config, err) < 0)
		return texts_complain(manifest_name, err);
	if (read_config(blobs, config, arena, source, &diffs, err) < 0 ||
	    image_config_check_os(&source->config, err) < 0 ||
	    read_layers(blobs, found.image, diffs, arena, source, err) < 0)
		return -1;
	source->config.kind = "docker";
	source->config.reference = found.name;
	source->whiteouts = true;
	return 0;
}
