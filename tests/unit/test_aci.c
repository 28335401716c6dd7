/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "image/input.h"

/* Every field of the specification's example that is read here. */
static const char whole[] =
	"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\","
	"\"name\":\"example.com/reduce-worker\",\"labels\":["
	"{\"name\":\"version\",\"value\":\"1.0.0\"},{\"name\":\"arch\",\"value\":\"amd64\"},"
	"{\"name\":\"os\",\"value\":\"linux\"}],\"app\":{"
	"\"exec\":[\"/usr/bin/reduce-worker\",\"--quiet\"],\"user\":\"100\",\"group\":\"300\","
	"\"supplementaryGIDs\":[400],\"eventHandlers\":[{\"exec\":[\"/bin/x\"],\"name\":"
	"\"pre-start\"}],\"workingDirectory\":\"/opt/work\",\"environment\":["
	"{\"name\":\"REDUCE_WORKER_DEBUG\",\"value\":\"true\"}],\"isolators\":[{\"name\":"
	"\"resource/cpu\",\"value\":{\"limit\":\"20\"}}],\"mountPoints\":[{\"name\":\"work\","
	"\"path\":\"/var/lib/work\",\"readOnly\":false}],\"ports\":[{\"name\":\"health\","
	"\"port\":4000,\"protocol\":\"tcp\",\"socketActivated\":true},{\"name\":\"dns\","
	"\"port\":53,\"count\":2,\"protocol\":\"udp\"}]},"
	"\"annotations\":[{\"name\":\"created\",\"value\":\"2014-10-27T19:32:27.67021798Z\"}]}";

static int parse(const char *text, struct arena *arena, struct image_config *config,
		 struct error *err)
{
	const struct image_job job = { .input_fd = -1 };

	return aci_manifest_read(text, strlen(text), &job, arena, config, err);
}

static void a_manifest_is_read(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse(whole, &arena, &config, &err), 0);
	assert_string_equal(config.kind, "aci");
	assert_string_equal(config.reference, "example.com/reduce-worker:1.0.0");
	assert_string_equal(config.os, "linux");
	assert_string_equal(config.architecture, "amd64");
	assert_string_equal(config.entrypoint[0], "/usr/bin/reduce-worker");
	assert_string_equal(config.entrypoint[1], "--quiet");
	assert_null(config.entrypoint[2]);
	assert_null(config.command[0]);
	assert_string_equal(config.user, "100:300");
	assert_string_equal(config.workdir, "/opt/work");
	assert_string_equal(config.env[0], "REDUCE_WORKER_DEBUG=true");
	assert_null(config.env[1]);
	assert_string_equal(config.volumes[0], "/var/lib/work");
	assert_string_equal(config.labels[0], "version=1.0.0");
	assert_int_equal(config.port_count, 3);
	assert_int_equal(config.ports[0].port, 4000);
	assert_int_equal(config.ports[2].port, 54);
	assert_true(config.ports[2].udp);
	assert_int_equal(config.layer_count, 1);
	assert_string_equal(config.chains[0], "");
	arena_free(&arena);
}

static void an_image_without_an_app_is_read(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse("{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.0\","
			       "\"name\":\"x\"}",
			       &arena, &config, &err),
			 0);
	assert_null(config.entrypoint[0]);
	assert_null(config.env[0]);
	assert_null(config.architecture);
	assert_string_equal(config.reference, "x");
	arena_free(&arena);
}

static void architectures_have_their_names(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(
		parse("{\"acKind\":\"ImageManifest\",\"name\":\"x\",\"labels\":[{"
		      "\"name\":\"arch\",\"value\":\"armv6l\"}]}",
		      &arena, &config, &err),
		0);
	assert_string_equal(config.architecture, "arm");
	assert_string_equal(config.variant, "v6");
	assert_int_equal(
		parse("{\"acKind\":\"ImageManifest\",\"name\":\"x\",\"labels\":[{"
		      "\"name\":\"arch\",\"value\":\"armv7b\"}]}",
		      &arena, &config, &err),
		0);
	assert_string_equal(config.architecture, "armv7b");
	arena_free(&arena);
}

static void assert_refused(const char *members, enum error_id id, const char *expected)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err = { 0 };
	const char *text = arena_printf(
		&arena, "{\"acKind\":\"ImageManifest\",\"name\":\"x\"%s}", members);

	assert_int_equal(parse(text, &arena, &config, &err), -1);
	if (!strstr(err.text, expected))
		fail_msg("%s", err.text);
	assert_int_equal(err.id, id);
	arena_free(&arena);
}

static void dependencies_are_not_fetched(void **state)
{
	(void)state;
	assert_refused(",\"dependencies\":[{\"imageName\":\"example.com/base\"}]",
		       ERROR_IMAGE,
		       "take the image: it lies on top of other images, which are not "
		       "fetched (example.com/base)");
	assert_refused(",\"dependencies\":[{}]", ERROR_IMAGE, "not fetched (others)");
	assert_refused(",\"dependencies\":[1]", ERROR_IMAGE, "not fetched (others)");
}

static void other_systems_are_refused(void **state)
{
	(void)state;
	assert_refused(",\"labels\":[{\"name\":\"os\",\"value\":\"freebsd\"}]",
		       ERROR_ARCHITECTURE, "unsupported operating system: freebsd");
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse("{\"acKind\":\"PodManifest\"}", &arena, &config, &err),
			 -1);
	assert_string_equal(
		err.text,
		"read the image's manifest: acKind: not ImageManifest: PodManifest");
	assert_int_equal(parse("[]", &arena, &config, &err), -1);
	assert_int_equal(parse("{}", &arena, &config, &err), -1);
	assert_string_equal(err.text,
			    "read the image's manifest: the document: acKind is missing");
	arena_free(&arena);
	assert_refused(",\"app\":1", ERROR_IMAGE, "app: not an object");
	assert_refused(",\"app\":{\"exec\":[1]}", ERROR_IMAGE,
		       "app.exec[0]: not a string");
	assert_refused(",\"app\":{\"user\":\"/etc/passwd\"}", ERROR_IMAGE,
		       "the owner of a file (/etc/passwd) is not supported");
	assert_refused(",\"app\":{\"workingDirectory\":\"x\"}", ERROR_IMAGE,
		       "app.workingDirectory: not absolute: x");
	assert_refused(",\"app\":{\"environment\":[{\"name\":\"A=B\",\"value\":\"\"}]}",
		       ERROR_IMAGE, "no name of a variable: A=B");
	assert_refused(",\"app\":{\"environment\":[1]}", ERROR_IMAGE, "not an object");
	assert_refused(",\"app\":{\"ports\":[{\"port\":0}]}", ERROR_IMAGE, "no port");
	assert_refused(",\"app\":{\"ports\":[{\"port\":65535,\"count\":2}]}", ERROR_IMAGE,
		       "no port");
	assert_refused(",\"app\":{\"mountPoints\":[{}]}", ERROR_IMAGE, "path is missing");
	assert_refused(",\"labels\":[[]]", ERROR_IMAGE, "labels[0]: not an object");
}

static void ports_are_not_many(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(
		parse("{\"acKind\":\"ImageManifest\",\"name\":\"x\",\"app\":{"
		      "\"ports\":[{\"port\":1,\"count\":60000},{\"port\":1,\"count\":"
		      "60000}]}}",
		      &arena, &config, &err),
		0);
	assert_int_equal(config.port_count, 1024);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_read),
		cmocka_unit_test(an_image_without_an_app_is_read),
		cmocka_unit_test(architectures_have_their_names),
		cmocka_unit_test(dependencies_are_not_fetched),
		cmocka_unit_test(other_systems_are_refused),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(ports_are_not_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
