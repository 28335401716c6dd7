/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/input.h"
#include "tests/unit/made_images.h"

static const char manifest_type[] = "application/vnd.oci.image.manifest.v1+json";
static const char index_type[] = "application/vnd.oci.image.index.v1+json";
static const char config_type[] = "application/vnd.oci.image.config.v1+json";
static const char layer_type[] = "application/vnd.oci.image.layer.v1.tar";
static const char empty_digest[] =
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct scene {
	struct arena arena;
	struct made *made;
	struct image_job job;
	struct source source;
	struct error err;
};

static void begin(struct scene *scene)
{
	*scene = (struct scene){ .job = { .input_fd = -1 } };
	scene->made = made_begin(NULL);
}

static int read_it(struct scene *scene)
{
	const struct stream_options options = { .name = "x.tar" };
	auto_close int fd = made_end(scene->made);
	struct stream *stream = stream_open(fd, &options, &scene->err);
	struct blobs *blobs = blobs_of_archive(stream, fd, 0, 1 << 20, &scene->err);
	int result;

	assert_non_null(blobs);
	stream_free(stream);
	result = oci_image_read(blobs, &scene->job, &scene->arena, &scene->source,
				&scene->err);
	blobs_free(blobs);
	return result;
}

static void assert_runs(struct scene *scene, const char *command)
{
	if (read_it(scene) < 0)
		fail_msg("%s", scene->err.text);
	assert_string_equal(scene->source.config.command[0], command);
	arena_free(&scene->arena);
}

static void assert_error(struct scene *scene, enum error_id id, const char *text)
{
	assert_int_equal(read_it(scene), -1);
	if (!strstr(scene->err.text, text))
		fail_msg("%s", scene->err.text);
	assert_int_equal(scene->err.id, id);
	arena_free(&scene->arena);
}

static const char *image(struct scene *scene, const char *file, const char *arch,
			 const char *more)
{
	return made_image(scene->made, file, arch, more, &scene->arena);
}

/* An image with a platform, as members of an index have one. */
static const char *for_machine(struct scene *scene, const char *file, const char *arch,
			       const char *variant)
{
	return image(
		scene, file, arch,
		arena_printf(&scene->arena,
			     ",\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"%s"
			     "%s%s}",
			     arch, variant[0] ? ",\"variant\":\"" : "", variant,
			     variant[0] ? "\"" : ""));
}

static const char *named(struct scene *scene, const char *file, const char *name)
{
	return image(
		scene, file, "amd64",
		arena_printf(&scene->arena,
			     ",\"annotations\":{\"org.opencontainers.image.ref.name\":"
			     "\"%s\"}",
			     name));
}

static void index_of(struct scene *scene, const char *a, const char *b, const char *c)
{
	made_index(scene->made,
		   arena_printf(&scene->arena, "%s%s%s%s%s", a, b ? "," : "", b ? b : "",
				c ? "," : "", c ? c : ""),
		   &scene->arena);
}

/* ---- which one ----------------------------------------------------------------------- */

static void the_only_image_is_taken(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	index_of(&scene, named(&scene, "a", "localhost/a:1"), NULL, NULL);
	assert_int_equal(read_it(&scene), 0);
	assert_string_equal(scene.source.config.kind, "oci");
	assert_string_equal(scene.source.config.reference, "localhost/a:1");
	assert_string_equal(scene.source.config.architecture, "amd64");
	assert_int_equal(scene.source.config.layer_count, 1);
	assert_string_equal(scene.source.config.chains[0], scene.source.layers[0].diff);
	assert_true(digest_is_text(scene.source.digest));
	assert_true(scene.source.whiteouts);
	arena_free(&scene.arena);
}

static void a_tag_chooses_one_of_several(void **state)
{
	static const char *const tags[] = { "localhost/b:1", "b:1", "localhost/b:1" };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		begin(&scene);
		scene.job.tag = tags[i];
		index_of(&scene, named(&scene, "a", "localhost/a:1"),
			 named(&scene, "b", "localhost/b:1"), NULL);
		assert_runs(&scene, "/b");
	}
}

static void several_images_and_no_tag_are_listed(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	index_of(&scene, named(&scene, "a", "one"), named(&scene, "b", "two"),
		 image(&scene, "c", "amd64", ""));
	assert_int_equal(read_it(&scene), -1);
	assert_non_null(strstr(scene.err.text,
			       "choose one of several images: one, two, sha256:"));
	assert_non_null(strstr(scene.err.hint, "oci:DIR:NAME"));
	arena_free(&scene.arena);
	begin(&scene);
	scene.job.tag = "three";
	index_of(&scene, named(&scene, "a", "one"), named(&scene, "b", "two"), NULL);
	assert_error(&scene, ERROR_IMAGE, "find the image three: there is one, two");
}

static void two_names_of_one_image_need_no_tag(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	index_of(&scene, named(&scene, "a", "one"), named(&scene, "a", "two"), NULL);
	assert_runs(&scene, "/a");
}

static void the_machine_chooses_one_of_an_index(void **state)
{
	static const struct {
		const char *arch, *command;
	} machines[] = {
		{ "amd64", "/x" },  { "arm64", "/y" },    { "arm", "/z" },
		{ "arm/v7", "/z" }, { "arm64/v8", "/y" }, { NULL, "/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct scene scene;

		begin(&scene);
		scene.job.arch = machines[i].arch;
		index_of(&scene, for_machine(&scene, "x", "amd64", ""),
			 for_machine(&scene, "y", "arm64", "v8"),
			 for_machine(&scene, "z", "arm", "v7"));
		assert_runs(&scene, machines[i].command);
	}
}

static void the_best_variant_that_the_machine_has_is_taken(void **state)
{
	static const struct {
		const char *arch, *command;
	} machines[] = {
		{ "arm", "/seven" },
		{ "arm/v7", "/seven" },
		{ "arm/v6", "/six" },
		{ "arm/v8", "/seven" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct scene scene;

		begin(&scene);
		scene.job.arch = machines[i].arch;
		index_of(&scene, for_machine(&scene, "five", "arm", "v5"),
			 for_machine(&scene, "seven", "arm", "v7"),
			 for_machine(&scene, "six", "arm", "v6"));
		assert_runs(&scene, machines[i].command);
	}
}

static void no_image_for_the_machine_is_said(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.job.arch = "amd64";
	index_of(&scene, for_machine(&scene, "x", "arm64", ""),
		 for_machine(&scene, "y", "s390x", ""), NULL);
	assert_error(&scene, ERROR_ARCHITECTURE,
		     "start: unsupported architecture: arm64, s390x (this machine: "
		     "amd64)");
	begin(&scene);
	scene.job.arch = "arm/v6";
	index_of(&scene, for_machine(&scene, "x", "arm", "v7"),
		 for_machine(&scene, "y", "s390x", ""), NULL);
	assert_error(&scene, ERROR_ARCHITECTURE, "unsupported architecture: arm, s390x");
}

static void the_only_image_is_taken_whatever_it_is_for(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	scene.job.arch = "amd64";
	index_of(&scene, for_machine(&scene, "x", "arm64", "v8"),
		 image(&scene, "statement", "unknown",
		       ",\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"}"),
		 NULL);
	assert_int_equal(read_it(&scene), 0);
	assert_string_equal(scene.source.config.architecture, "arm64");
	arena_free(&scene.arena);
}

/* An index as a blob, with this descriptor in it; returns its own. */
static const char *nested(struct scene *scene, const char *descriptor)
{
	const char *text = arena_printf(
		&scene->arena, "{\"schemaVersion\":2,\"manifests\":[%s]}", descriptor);

	return arena_printf(
		&scene->arena, "{%s}",
		made_blob(scene->made, index_type, text, strlen(text), &scene->arena));
}

static void indexes_nest_to_a_bound(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	index_of(&scene, nested(&scene, nested(&scene, image(&scene, "a", "amd64", ""))),
		 NULL, NULL);
	assert_runs(&scene, "/a");
	begin(&scene);
	index_of(&scene,
		 nested(&scene,
			nested(&scene,
			       nested(&scene,
				      nested(&scene, image(&scene, "a", "amd64", ""))))),
		 NULL, NULL);
	assert_error(&scene, ERROR_IMAGE,
		     "read the image: its indexes nest deeper than 4");
}

static void an_index_without_images_is_an_error(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	made_index(scene.made, "", &scene.arena);
	assert_error(&scene, ERROR_IMAGE, "read the image: its index names none");
}

/* ---- what is wrong ------------------------------------------------------------------- */

static void assert_bad_index(const char *index, const char *layout, const char *text)
{
	struct scene scene;

	begin(&scene);
	if (index)
		made_text(scene.made, "index.json", index);
	if (layout)
		made_text(scene.made, "oci-layout", layout);
	assert_error(&scene, ERROR_IMAGE, text);
}

static void texts_of_another_shape_are_refused(void **state)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

	(void)state;
	assert_bad_index("{}", NULL, "find oci-layout in the image");
	assert_bad_index("{}", "{}", "imageLayoutVersion is missing");
	assert_bad_index("{}", "[]", "read oci-layout: the document: not an object");
	assert_bad_index("{}", "{\"imageLayoutVersion\":\"2.0.0\"}",
			 "read the image: its layout has version 2.0.0, not 1");
	assert_bad_index(NULL, layout, "find index.json in the image");
	assert_bad_index("", layout, "read index.json");
	assert_bad_index("[]", layout, "read index.json: the document: not an object");
	assert_bad_index("{}", layout, "manifests is missing");
	assert_bad_index("{\"schemaVersion\":1,\"manifests\":[]}", layout,
			 "schema version 1 is not 2");
	assert_bad_index("{\"manifests\":{}}", layout, "manifests: not an array");
	assert_bad_index("{\"manifests\":[1]}", layout, "manifests[0]: not an object");
	assert_bad_index("{\"manifests\":[{}]}", layout,
			 "manifests[0]: digest is missing");
	assert_bad_index("{\"manifests\":[{\"digest\":\"sha256:../../etc\",\"size\":1}]}",
			 layout, "neither a sha256 nor a sha512 digest");
	assert_bad_index("{\"manifests\":[{\"digest\":\"md5:1\",\"size\":1}]}", layout,
			 "neither a sha256 nor a sha512 digest: md5:1");
}

static void assert_bad_descriptor(const char *descriptor, const char *text)
{
	struct scene scene;

	begin(&scene);
	made_text(scene.made,
		  arena_printf(&scene.arena, "blobs/sha256/%s",
			       strchr(empty_digest, ':') + 1),
		  "not empty");
	made_index(scene.made, descriptor, &scene.arena);
	assert_error(&scene, ERROR_IMAGE, text);
}

static void blobs_are_compared_with_their_descriptors(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_bad_descriptor(
		arena_printf(&arena, "{\"digest\":\"%s\",\"size\":9}", empty_digest),
		"it has another digest than its name");
	assert_bad_descriptor(
		arena_printf(&arena, "{\"digest\":\"%s\",\"size\":8}", empty_digest),
		"it has 9 bytes, its descriptor says 8");
	assert_bad_descriptor(
		"{\"digest\":\"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff"
		"61f20015ad\",\"size\":3}",
		"find blobs/sha256/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f"
		"20015ad in the image");
	assert_bad_descriptor(
		arena_printf(&arena, "{\"digest\":\"%s\",\"size\":-1}", empty_digest),
		"manifests[0].size: not within 0");
	arena_free(&arena);
}

/* An image whose manifest has these layers and whose configuration these diff_ids. */
static void make_layers(struct scene *scene, const char *layers, const char *diffs,
			const char *type)
{
	const char *config =
		arena_printf(&scene->arena,
			     "{\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[%s]}}", diffs);
	const char *manifest = arena_printf(
		&scene->arena, "{\"schemaVersion\":2,\"config\":{%s},\"layers\":[%s]}",
		made_blob(scene->made, type, config, strlen(config), &scene->arena),
		layers);

	made_index(scene->made,
		   arena_printf(&scene->arena, "{%s}",
				made_blob(scene->made, manifest_type, manifest,
					  strlen(manifest), &scene->arena)),
		   &scene->arena);
}

static const char *layer_of(struct scene *scene, const char *type)
{
	return arena_printf(&scene->arena,
			    "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":0}", type,
			    empty_digest);
}

static void layers_and_diff_ids_must_be_as_many(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	make_layers(&scene, layer_of(&scene, layer_type), "", config_type);
	assert_error(&scene, ERROR_IMAGE,
		     "layers: 1 layers, but the configuration has 0");
	begin(&scene);
	make_layers(&scene, "", arena_printf(&scene.arena, "\"%s\"", empty_digest),
		    config_type);
	assert_error(&scene, ERROR_IMAGE,
		     "layers: 0 layers, but the configuration has 1");
	begin(&scene);
	make_layers(&scene, "", "", config_type);
	assert_int_equal(read_it(&scene), 0);
	assert_int_equal(scene.source.config.layer_count, 0);
	arena_free(&scene.arena);
}

static void assert_layer_type(const char *type, const char *text)
{
	struct scene scene;

	begin(&scene);
	make_layers(&scene, layer_of(&scene, type),
		    arena_printf(&scene.arena, "\"%s\"", empty_digest), config_type);
	if (text) {
		assert_error(&scene, ERROR_IMAGE, text);
		return;
	}
	assert_int_equal(read_it(&scene), 0);
	arena_free(&scene.arena);
}

static void layers_have_known_types(void **state)
{
	(void)state;
	assert_layer_type("application/vnd.oci.image.layer.v1.tar", NULL);
	assert_layer_type("application/vnd.oci.image.layer.v1.tar+gzip", NULL);
	assert_layer_type("application/vnd.oci.image.layer.v1.tar+zstd", NULL);
	assert_layer_type("application/vnd.docker.image.rootfs.diff.tar.gzip", NULL);
	assert_layer_type("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
			  "layers[0]: the layer is kept elsewhere, not in the image");
	assert_layer_type("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
			  "layers[0]: the layer is kept elsewhere, not in the image");
	assert_layer_type("text/plain", "layers[0]: no layer of files: text/plain");
}

static void what_is_no_image_is_refused(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	make_layers(&scene, "", "", "application/vnd.cncf.helm.config.v1+json");
	assert_error(&scene, ERROR_IMAGE,
		     "run it: it is no image, but application/vnd.cncf.helm.config");
	begin(&scene);
	index_of(&scene,
		 arena_printf(&scene.arena, "{%s}",
			      made_blob(scene.made, "text/plain", "{}", 2, &scene.arena)),
		 NULL, NULL);
	assert_error(&scene, ERROR_IMAGE, "its manifest is of another kind: text/plain");
}

static void other_systems_are_refused(void **state)
{
	static const char config[] = "{\"os\":\"windows\"}";
	struct scene scene;
	const char *manifest;

	(void)state;
	begin(&scene);
	manifest = arena_printf(
		&scene.arena, "{\"config\":{%s},\"layers\":[]}",
		made_blob(scene.made, config_type, config, strlen(config), &scene.arena));
	index_of(&scene,
		 arena_printf(&scene.arena, "{%s}",
			      made_blob(scene.made, manifest_type, manifest,
					strlen(manifest), &scene.arena)),
		 NULL, NULL);
	assert_error(&scene, ERROR_ARCHITECTURE, "unsupported operating system: windows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_image_is_taken),
		cmocka_unit_test(a_tag_chooses_one_of_several),
		cmocka_unit_test(several_images_and_no_tag_are_listed),
		cmocka_unit_test(two_names_of_one_image_need_no_tag),
		cmocka_unit_test(the_machine_chooses_one_of_an_index),
		cmocka_unit_test(the_best_variant_that_the_machine_has_is_taken),
		cmocka_unit_test(no_image_for_the_machine_is_said),
		cmocka_unit_test(the_only_image_is_taken_whatever_it_is_for),
		cmocka_unit_test(indexes_nest_to_a_bound),
		cmocka_unit_test(an_index_without_images_is_an_error),
		cmocka_unit_test(texts_of_another_shape_are_refused),
		cmocka_unit_test(blobs_are_compared_with_their_descriptors),
		cmocka_unit_test(layers_and_diff_ids_must_be_as_many),
		cmocka_unit_test(layers_have_known_types),
		cmocka_unit_test(what_is_no_image_is_refused),
		cmocka_unit_test(other_systems_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
