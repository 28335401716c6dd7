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

#define DIFF "sha256:2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd565a2ab337ce393f"

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
	result = docker_archive_read(blobs, &scene->job, &scene->arena, &scene->source,
				     &scene->err);
	blobs_free(blobs);
	return result;
}

static void assert_error(struct scene *scene, const char *text)
{
	assert_int_equal(read_it(scene), -1);
	if (!strstr(scene->err.text, text))
		fail_msg("%s", scene->err.text);
	assert_int_equal(scene->err.id, ERROR_IMAGE);
	arena_free(&scene->arena);
}

/* Adds a configuration that runs /NAME, under its digest; returns that name. */
static const char *config_of(struct scene *scene, const char *name)
{
	const char *text = arena_printf(
		&scene->arena,
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/%s\"]},"
		"\"rootfs\":{\"diff_ids\":[\"" DIFF "\"]}}",
		name);
	const char *digest = digest_of(text, strlen(text), &scene->arena);
	const char *file =
		arena_printf(&scene->arena, "%s.json", strchr(digest, ':') + 1);

	made_text(scene->made, file, text);
	return file;
}

/* Two images: localhost/a:1 and docker.io/library/b:latest. */
static void begin_two(struct scene *scene)
{
	begin(scene);
	made_text(scene->made, "x/layer.tar", "layer");
	made_text(
		scene->made, "manifest.json",
		arena_printf(
			&scene->arena,
			"[{\"Config\":\"%s\",\"RepoTags\":[\"localhost/a:1\",\"a:other\"],"
			"\"Layers\":[\"x/layer.tar\"]},{\"Config\":\"%s\",\"RepoTags\":["
			"\"docker.io/library/b:latest\"],\"Layers\":[\"x/layer.tar\"]}]",
			config_of(scene, "a"), config_of(scene, "b")));
}

static void a_tag_chooses_one_of_several(void **state)
{
	static const struct {
		const char *tag, *command, *reference;
	} tags[] = {
		{ "localhost/a:1", "/a", "localhost/a:1" },
		{ "a:1", "/a", "localhost/a:1" },
		{ "a:other", "/a", "a:other" },
		{ "b", "/b", "docker.io/library/b:latest" },
		{ "library/b", "/b", "docker.io/library/b:latest" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		struct scene scene;

		begin_two(&scene);
		scene.job.tag = tags[i].tag;
		if (read_it(&scene) < 0)
			fail_msg("%s", scene.err.text);
		assert_string_equal(scene.source.config.command[0], tags[i].command);
		assert_string_equal(scene.source.config.reference, tags[i].reference);
		assert_string_equal(scene.source.config.kind, "docker");
		assert_int_equal(scene.source.config.layer_count, 1);
		assert_string_equal(scene.source.layers[0].blob, "x/layer.tar");
		assert_string_equal(scene.source.layers[0].digest, "");
		assert_string_equal(scene.source.layers[0].diff, DIFF);
		assert_int_equal(scene.source.layers[0].size, 5);
		assert_true(digest_is_text(scene.source.digest));
		arena_free(&scene.arena);
	}
}

static void several_images_and_no_tag_are_listed(void **state)
{
	struct scene scene;

	(void)state;
	begin_two(&scene);
	assert_int_equal(read_it(&scene), -1);
	assert_string_equal(scene.err.text,
			    "choose one of several images: localhost/a:1, a:other, "
			    "docker.io/library/b:latest");
	assert_non_null(strstr(scene.err.hint, "docker-archive:FILE:NAME"));
	arena_free(&scene.arena);
	begin_two(&scene);
	scene.job.tag = "c";
	assert_error(&scene, "find the image c: there is localhost/a:1, a:other, docker");
}

static void an_image_without_names_is_taken_if_it_is_the_only_one(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	made_text(scene.made, "x/layer.tar", "layer");
	made_text(scene.made, "manifest.json",
		  arena_printf(&scene.arena,
			       "[{\"Config\":\"%s\",\"RepoTags\":null,\"Layers\":["
			       "\"x/layer.tar\"],\"LayerSources\":{}}]",
			       config_of(&scene, "a")));
	assert_int_equal(read_it(&scene), 0);
	assert_null(scene.source.config.reference);
	arena_free(&scene.arena);
}

static void a_layer_under_blobs_is_named_by_its_digest(void **state)
{
	struct scene scene;
	const char *layer;

	(void)state;
	begin(&scene);
	layer = made_blob(scene.made, "x", "layer", 5, &scene.arena);
	made_text(
		scene.made, "manifest.json",
		arena_printf(&scene.arena,
			     "[{\"Config\":\"%s\",\"Layers\":[\"blobs/sha256/%.64s\"]}]",
			     config_of(&scene, "a"), strstr(layer, "sha256:") + 7));
	assert_int_equal(read_it(&scene), 0);
	assert_memory_equal(scene.source.layers[0].digest, strstr(layer, "sha256:"),
			    7 + 64);
	arena_free(&scene.arena);
}

static void a_configuration_must_be_what_its_name_says(void **state)
{
	static const char *const names[] = {
		"2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd565a2ab337ce393f.json",
		"sha256:2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd565a2ab337ce393f",
		("blobs/sha256/"
		 "2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd565a2ab337ce393f"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct scene scene;

		begin(&scene);
		made_text(scene.made, names[i], "{}");
		made_text(scene.made, "manifest.json",
			  arena_printf(&scene.arena,
				       "[{\"Config\":\"%s\",\"Layers\":[]}]", names[i]));
		assert_error(&scene, "it has another digest than its name");
	}
}

static void assert_bad_manifest(const char *manifest, const char *text)
{
	struct scene scene;

	begin(&scene);
	made_text(scene.made, "config", "{}");
	made_text(scene.made, "manifest.json", manifest);
	assert_error(&scene, text);
}

static void texts_of_another_shape_are_refused(void **state)
{
	(void)state;
	assert_bad_manifest("", "read manifest.json");
	assert_bad_manifest("{}", "read manifest.json: the document: not an array");
	assert_bad_manifest("[]", "find an image: it names none");
	assert_bad_manifest("[1]", "[0]: not an object");
	assert_bad_manifest("[{}]", "[0]: Config is missing");
	assert_bad_manifest("[{\"Config\":1}]", "[0].Config: not a string");
	assert_bad_manifest("[{\"RepoTags\":1}]", "RepoTags: not an array");
	assert_bad_manifest("[{\"Config\":\"nothing\"}]", "find nothing in the image");
	assert_bad_manifest("[{\"Config\":\"../../etc/passwd\"}]",
			    "find ../../etc/passwd in the image");
	assert_bad_manifest("[{\"Config\":\"config\",\"Layers\":\"x\"}]",
			    "Layers: not an array");
	assert_bad_manifest("[{\"Config\":\"config\",\"Layers\":[\"x\"]}]",
			    "it has 1 layers, but its configuration 0");
}

static void a_layer_that_is_missing_is_named(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	made_text(scene.made, "manifest.json",
		  arena_printf(&scene.arena,
			       "[{\"Config\":\"%s\",\"Layers\":[\"x/layer.tar\"]}]",
			       config_of(&scene, "a")));
	assert_error(&scene, "find x/layer.tar in the image");
}

static void an_archive_of_long_ago_is_told_apart(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	made_text(scene.made, "repositories", "{}");
	assert_error(&scene, "it is from a docker of before 1.10, without manifest.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_chooses_one_of_several),
		cmocka_unit_test(several_images_and_no_tag_are_listed),
		cmocka_unit_test(an_image_without_names_is_taken_if_it_is_the_only_one),
		cmocka_unit_test(a_layer_under_blobs_is_named_by_its_digest),
		cmocka_unit_test(a_configuration_must_be_what_its_name_says),
		cmocka_unit_test(texts_of_another_shape_are_refused),
		cmocka_unit_test(a_layer_that_is_missing_is_named),
		cmocka_unit_test(an_archive_of_long_ago_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
