/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/*
 * An OCI image layout (image-spec, image-layout.md): index.json leads to a manifest, perhaps
 * by further indexes, and that to a configuration and layers. Whatever is named by a digest
 * is compared with it before it is parsed.
 */

enum { INDEX_DEPTH_MAX = 4, LAYERS_MAX = 512 };

static const char *const index_types[] = {
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	NULL,
};

static const char *const manifest_types[] = {
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	NULL,
};

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
	NULL,
};

static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip",
	"application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
	NULL,
};

static const char *const none[] = { NULL };

/* descriptor.md: what names a blob. */
struct descriptor {
	const char *type; /* "" where nothing is said */
	const char *digest;
	const char *blob; /* its name in the layout */
	uint64_t size;
};

static const struct descriptor no_descriptor = { "", "", "", 0 };

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(*list, text) == 0)
			return true;
	}
	return false;
}

static int read_descriptor(const struct json_value *value, struct arena *arena,
			   struct descriptor *ret_descriptor, struct error *err)
{
	struct descriptor descriptor = no_descriptor;
	const char *colon;

	if (json_want_kind(value, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_text(value, "mediaType", &descriptor.type, err) < 0 ||
	    texts_want_text(value, "digest", &descriptor.digest, err) < 0 ||
	    texts_want_unsigned(value, "size", INT64_MAX, &descriptor.size, err) < 0)
		return -1;
	if (!digest_is_text(descriptor.digest))
		return json_complain(value, err,
				     "neither a sha256 nor a sha512 digest: %s",
				     descriptor.digest);
	colon = strchr(descriptor.digest, ':');
	descriptor.blob =
		arena_printf(arena, "blobs/%.*s/%s", (int)(colon - descriptor.digest),
			     descriptor.digest, colon + 1);
	*ret_descriptor = descriptor;
	return 0;
}

/* A blob that is a text, as its descriptor says. */
static const char *read_blob(const struct blobs *blobs,
			     const struct descriptor *descriptor, struct arena *arena,
			     size_t *ret_length, struct error *err)
{
	size_t length = 0;
	const char *text =
		blobs_read(blobs, descriptor->blob, BLOBS_TEXT_MAX, arena, &length, err);

	if (!text)
		return NULL;
	if (length != descriptor->size) {
		error_set(err, ERROR_IMAGE,
			  "read %s of the image: it has %zu bytes, its descriptor says "
			  "%llu",
			  descriptor->blob, length, (unsigned long long)descriptor->size);
		return NULL;
	}
	if (!digest_matches(descriptor->digest, text, length)) {
		error_set(err, ERROR_IMAGE,
			  "read %s of the image: it has another digest than its name",
			  descriptor->blob);
		return NULL;
	}
	*ret_length = length;
	return text;
}

static int check_layout(const struct blobs *blobs, struct arena *arena, struct error *err)
{
	static const char name[] = "oci-layout";
	const struct json_value *document;
	const char *version = "";
	size_t length = 0;
	const char *text = blobs_read(blobs, name, BLOBS_TEXT_MAX, arena, &length, err);

	if (!text)
		return error_hint(err, "without a prefix -R takes a directory as it is, "
				       "and archives of every kind");
	document = texts_read(text, length, name, arena, err);
	if (!document)
		return -1;
	if (texts_want_text(document, "imageLayoutVersion", &version, err) < 0)
		return texts_complain(name, err);
	if (!text_starts_with(version, "1."))
		return error_set(err, ERROR_IMAGE,
				 "read the image: its layout has version %s, not 1",
				 version);
	return 0;
}

/* schemaVersion is 2 in everything that is not of before 2016. */
static int check_schema(const struct json_value *document, struct error *err)
{
	uint64_t version = 2;

	if (json_want_kind(document, JSON_KIND_OBJECT, err) < 0 ||
	    json_get_unsigned(document, "schemaVersion", UINT32_MAX, &version, err) < 0)
		return -1;
	if (version != 2)
		return json_complain(document, err, "schema version %llu is not 2",
				     (unsigned long long)version);
	return 0;
}

/* ---- from the index to a manifest ---------------------------------------------------- */

struct walk {
	const struct blobs *blobs;
	const struct image_job *job;
	struct arena *arena;
	const char *name;             /* of the image; NULL: none */
	struct descriptor descriptor; /* of what was chosen */
	const struct json_value *document;
};

static int choose(struct walk *walk, bool by_name, const char *text_name,
		  struct error *err)
{
	const struct json_value *manifests = NULL;
	const struct json_value *chosen;

	if (check_schema(walk->document, err) == 0)
		manifests =
			texts_member(walk->document, "manifests", JSON_KIND_ARRAY, err);
	if (!manifests)
		return texts_complain(text_name, err);
	chosen = oci_choose(manifests, walk->job, by_name, &walk->name, walk->arena, err);
	if (!chosen)
		return -1;
	if (read_descriptor(chosen, walk->arena, &walk->descriptor, err) < 0)
		return texts_complain(text_name, err);
	return 0;
}

static int open_document(struct walk *walk, struct error *err)
{
	size_t length = 0;
	const char *text =
		read_blob(walk->blobs, &walk->descriptor, walk->arena, &length, err);

	if (!text)
		return -1;
	walk->document =
		texts_read(text, length, walk->descriptor.blob, walk->arena, err);
	return walk->document ? 0 : -1;
}

static bool is_index(const struct walk *walk)
{
	const char *type = walk->descriptor.type;

	if (type[0] == '\0')
		return json_get(walk->document, "manifests");
	return is_one_of(type, index_types);
}

static int find_manifest(struct walk *walk, struct error *err)
{
	static const char name[] = "index.json";
	size_t length = 0;
	const char *text =
		blobs_read(walk->blobs, name, BLOBS_TEXT_MAX, walk->arena, &length, err);

	if (!text)
		return -1;
	walk->document = texts_read(text, length, name, walk->arena, err);
	if (!walk->document || choose(walk, true, name, err) < 0 ||
	    open_document(walk, err) < 0)
		return -1;
	for (int depth = 1; is_index(walk); depth++) {
		if (depth == INDEX_DEPTH_MAX)
			return error_set(
				err, ERROR_IMAGE,
				"read the image: its indexes nest deeper than %d",
				INDEX_DEPTH_MAX);
		if (choose(walk, false, walk->descriptor.blob, err) < 0 ||
		    open_document(walk, err) < 0)
			return -1;
	}
	if (walk->descriptor.type[0] != '\0' &&
	    !is_one_of(walk->descriptor.type, manifest_types))
		return error_set(err, ERROR_IMAGE,
				 "read the image: its manifest is of another kind: %s",
				 walk->descriptor.type);
	return 0;
}

/* ---- the manifest -------------------------------------------------------------------- */

static int check_layer_type(const struct json_value *value,
			    const struct descriptor *layer, struct error *err)
{
	if (strstr(layer->type, "nondistributable") || strstr(layer->type, "foreign"))
		return json_complain(value, err,
				     "the layer is kept elsewhere, not in the image (%s)",
				     layer->type);
	if (!is_one_of(layer->type, layer_types))
		return json_complain(value, err, "no layer of files: %s", layer->type);
	return 0;
}

static int read_layers(const struct walk *walk, const char *const *diffs,
		       struct source *source, struct error *err)
{
	const struct json_value *array =
		texts_member(walk->document, "layers", JSON_KIND_ARRAY, err);
	struct source_layer *layers;

	if (!array)
		return -1;
	if (json_count(array) > LAYERS_MAX)
		return json_complain(array, err, "more than %d layers", LAYERS_MAX);
	if (json_count(array) != source->config.layer_count)
		return json_complain(array, err,
				     "%zu layers, but the configuration has %zu",
				     json_count(array), source->config.layer_count);
	layers = arena_alloc_array(walk->arena, json_count(array) + 1, sizeof(*layers));
	for (size_t i = 0; i < json_count(array); i++) {
		struct descriptor layer = no_descriptor;

		if (read_descriptor(json_at(array, i), walk->arena, &layer, err) < 0 ||
		    check_layer_type(json_at(array, i), &layer, err) < 0)
			return -1;
		layers[i] = (struct source_layer){ layer.blob, layer.digest, diffs[i],
						   layer.size };
	}
	source->layers = layers;
	return 0;
}

static int read_config(const struct walk *walk, struct source *source,
		       const char *const **ret_diffs, struct error *err)
{
	const struct json_value *value =
		texts_member(walk->document, "config", JSON_KIND_OBJECT, err);
	struct descriptor config = no_descriptor;
	size_t length = 0;
	const char *text;

	if (!value || read_descriptor(value, walk->arena, &config, err) < 0)
		return texts_complain(walk->descriptor.blob, err);
	if (config.type[0] != '\0' && !is_one_of(config.type, config_types))
		return error_set(err, ERROR_IMAGE, "run it: it is no image, but %s",
				 config.type);
	text = read_blob(walk->blobs, &config, walk->arena, &length, err);
	if (!text)
		return -1;
	return image_config_parse(text, length, walk->arena, &source->config, ret_diffs,
				  err);
}

int oci_image_read(const struct blobs *blobs, const struct image_job *job,
		   struct arena *arena, struct source *source, struct error *err)
{
	struct walk walk = {
		.blobs = blobs,
		.job = job,
		.arena = arena,
		.descriptor = no_descriptor,
	};
	const char *const *diffs = none;

	if (check_layout(blobs, arena, err) < 0 || find_manifest(&walk, err) < 0)
		return -1;
	if (check_schema(walk.document, err) < 0)
		return texts_complain(walk.descriptor.blob, err);
	if (read_config(&walk, source, &diffs, err) < 0 ||
	    image_config_check_os(&source->config, err) < 0)
		return -1;
	if (read_layers(&walk, diffs, source, err) < 0)
		return texts_complain(walk.descriptor.blob, err);
	source->config.reference = walk.name;
	source->digest = walk.descriptor.digest;
	source->whiteouts = true;
	return 0;
}
