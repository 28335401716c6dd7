/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "image/input.h"

#define DIFF_1  "sha256:2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd565a2ab337ce393f"
#define DIFF_2  "sha256:1d6bfe366593f3e266cf337ec5f2b8a58adf68d1243c6a6a80980d3401c5e965"
#define CHAIN_2 "sha256:89bb61880986595326a27d94373e10586c1132906045cbeb11eadfd2a2a78d24"

/* As umoci 0.4 wrote it. */
static const char umoci[] =
	"{\"created\":\"2026-11-22T10:03:20.870431484Z\",\"architecture\":\"amd64\",\"os\":"
	"\"linux\",\"config\":{\"User\":\"5:6\",\"ExposedPorts\":{\"80/tcp\":{}},\"Env\":["
	"\"A=b\"],\"Entrypoint\":[\"/bin/x\"],\"Cmd\":[\"a\"],\"Volumes\":{\"/data\":{}},"
	"\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"}},\"rootfs\":{\"type\":\"layers\","
	"\"diff_ids\":[\"" DIFF_1 "\",\"" DIFF_2
	"\"]},\"history\":[{\"created_by\":\"umoci "
	"repack\"},{\"created_by\":\"umoci config\",\"empty_layer\":true}]}";

/* The shape that docker 20 writes, shortened: null where there is nothing. */
static const char docker[] =
	"{\"architecture\":\"arm\",\"variant\":\"v7\",\"config\":{\"Hostname\":\"\","
	"\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,\"Tty\":false,"
	"\"ExposedPorts\":{\"53/udp\":{},\"80\":{},\"9/sctp\":{},\"x/tcp\":{},"
	"\"70000/tcp\":{},\"443/TCP\":{}},\"Env\":[\"PATH=/usr/bin:/bin\",\"EMPTY=\","
	"\"NOTHING\",\"=x\"],\"Cmd\":[\"bash\"],\"Image\":\"sha256:1\",\"Volumes\":null,"
	"\"WorkingDir\":\"srv\",\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":null,"
	"\"StopSignal\":\"SIGQUIT\"},\"container_config\":{\"Cmd\":[\"/bin/sh\"]},"
	"\"docker_version\":\"20.10.7\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
	"\"diff_ids\":[\"" DIFF_1 "\"]}}";

static int parse(const char *text, struct arena *arena, struct image_config *config,
		 struct error *err)
{
	return image_config_parse(text, strlen(text), arena, config, NULL, err);
}

static void assert_list(const char *const *list, const char *joined)
{
	struct arena arena = { 0 };
	const char *found = "";

	for (; *list; list++)
		found = arena_printf(&arena, "%s[%s]", found, *list);
	assert_string_equal(found, joined);
	arena_free(&arena);
}

static void what_umoci_writes_is_read(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	const char *const *diffs;
	struct error err;

	(void)state;
	assert_int_equal(
		image_config_parse(umoci, strlen(umoci), &arena, &config, &diffs, &err),
		0);
	assert_string_equal(config.os, "linux");
	assert_string_equal(config.architecture, "amd64");
	assert_null(config.variant);
	assert_list(config.entrypoint, "[/bin/x]");
	assert_list(config.command, "[a]");
	assert_list(config.env, "[A=b]");
	assert_list(config.volumes, "[/data]");
	assert_list(config.labels, "[k=v]");
	assert_string_equal(config.user, "5:6");
	assert_string_equal(config.workdir, "/w");
	assert_int_equal(config.port_count, 1);
	assert_int_equal(config.ports[0].port, 80);
	assert_false(config.ports[0].udp);
	assert_int_equal(config.layer_count, 2);
	assert_list(config.chains, "[" DIFF_1 "][" CHAIN_2 "]");
	assert_list(diffs, "[" DIFF_1 "][" DIFF_2 "]");
	arena_free(&arena);
}

static void what_docker_writes_is_read(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse(docker, &arena, &config, &err), 0);
	assert_string_equal(config.architecture, "arm");
	assert_string_equal(config.variant, "v7");
	assert_null(config.user);
	assert_list(config.entrypoint, "");
	assert_list(config.command, "[bash]");
	assert_list(config.volumes, "");
	assert_list(config.labels, "");
	assert_string_equal(config.stop_signal, "SIGQUIT");
	arena_free(&arena);
}

static void what_nobody_could_use_is_passed_over(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(parse(docker, &arena, &config, &err), 0);
	assert_list(config.env, "[PATH=/usr/bin:/bin][EMPTY=]");
	assert_string_equal(config.workdir, "/srv");
	assert_int_equal(config.port_count, 3);
	assert_int_equal(config.ports[0].port, 53);
	assert_true(config.ports[0].udp);
	assert_int_equal(config.ports[1].port, 80);
	assert_int_equal(config.ports[2].port, 443);
	arena_free(&arena);
}

static void the_least_configuration_is_enough(void **state)
{
	static const char *const texts[] = { "{}", "{\"config\":null,\"rootfs\":null}",
					     "{\"rootfs\":{\"diff_ids\":null}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena arena = { 0 };
		struct image_config config;
		struct error err;

		assert_int_equal(parse(texts[i], &arena, &config, &err), 0);
		assert_list(config.entrypoint, "");
		assert_list(config.env, "");
		assert_int_equal(config.layer_count, 0);
		assert_list(config.chains, "");
		arena_free(&arena);
	}
}

static void assert_wrong(const char *text, const char *expected)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err = { 0 };

	assert_int_equal(parse(text, &arena, &config, &err), -1);
	if (!strstr(err.text, expected))
		fail_msg("%s", err.text);
	assert_int_equal(err.id, ERROR_IMAGE);
	arena_free(&arena);
}

static void wrong_kinds_are_errors_with_their_place(void **state)
{
	(void)state;
	assert_wrong("", "read the image's configuration");
	assert_wrong("[]", "read the image's configuration: the document: not an object");
	assert_wrong("{\"config\":[]}",
		     "read the image's configuration: config: not an object");
	assert_wrong("{\"config\":{\"Cmd\":\"sh\"}}", "config.Cmd: not an array");
	assert_wrong("{\"config\":{\"Env\":[1]}}", "config.Env[0]: not a string");
	assert_wrong("{\"config\":{\"Labels\":{\"a\":1}}}",
		     "config.Labels.a: not a string");
	assert_wrong("{\"os\":1}", "os: not a string");
	assert_wrong("{\"rootfs\":{\"diff_ids\":[\"md5:1\"]}}",
		     "rootfs.diff_ids[0]: neither a sha256 nor a sha512 digest: md5:1");
	assert_wrong("{\"rootfs\":{\"diff_ids\":[\"sha256:12\"]}}",
		     "neither a sha256 nor a sha512 digest");
	assert_wrong("{\"a\":1,\"a\":2}", "read the image's configuration");
}

static void assert_same_list(const char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++)
		assert_string_equal(*a, *b);
	assert_null(*a);
	assert_null(*b);
}

static void what_is_written_is_read_back(void **state)
{
	static const char *const words[] = { "a b", "", "\xef\x9e\x80 caf\xc3\xa9",
					     NULL };
	static const char *const chains[] = { DIFF_1, CHAIN_2, NULL };
	static const struct image_port ports[] = { { 53, true }, { 65535, false } };
	const struct image_config config = {
		.kind = "oci",
		.reference = "localhost/x:1",
		.os = "linux",
		.architecture = "arm",
		.variant = "v7",
		.entrypoint = words,
		.command = words,
		.env = words,
		.volumes = words,
		.labels = words,
		.user = "5:6",
		.workdir = "/\"\\\n",
		.stop_signal = "SIGTERM",
		.ports = ports,
		.port_count = 2,
		.chains = chains,
		.layer_count = 2,
	};
	struct arena arena = { 0 };
	const char *text = json_write(image_config_write(&config, &arena),
				      JSON_LAYOUT_LINES, &arena);
	struct image_config again;
	struct error err;

	(void)state;
	assert_int_equal(
		image_config_read(json_read(text, strlen(text), "it", &arena, &err),
				  &arena, &again, &err),
		0);
	assert_string_equal(again.kind, "oci");
	assert_string_equal(again.reference, "localhost/x:1");
	assert_string_equal(again.variant, "v7");
	assert_string_equal(again.workdir, config.workdir);
	assert_string_equal(again.stop_signal, "SIGTERM");
	assert_same_list(again.entrypoint, words);
	assert_same_list(again.labels, words);
	assert_same_list(again.chains, chains);
	assert_int_equal(again.layer_count, 2);
	assert_int_equal(again.port_count, 2);
	assert_memory_equal(&again.ports[0].port, &ports[0].port, sizeof(uint16_t));
	assert_true(again.ports[0].udp);
	assert_int_equal(again.ports[1].port, 65535);
	assert_false(again.ports[1].udp);
	arena_free(&arena);
}

static void lists_of_an_empty_document_are_empty(void **state)
{
	struct arena arena = { 0 };
	struct image_config config;
	struct error err;

	(void)state;
	assert_int_equal(
		image_config_read(json_make_object(&arena), &arena, &config, &err), 0);
	assert_null(config.kind);
	assert_null(config.env[0]);
	assert_null(config.chains[0]);
	assert_int_equal(config.layer_count, 0);
	arena_free(&arena);
}

static void a_document_that_is_not_ours_is_refused(void **state)
{
	static const char *const texts[] = {
		"[]",
		"{\"kind\":1}",
		"{\"env\":{}}",
		"{\"ports\":[\"80\"]}",
		"{\"ports\":[\"0/tcp\"]}",
		"{\"ports\":[\"65536/tcp\"]}",
		"{\"ports\":[\"123456789/tcp\"]}",
		"{\"layers\":\"x\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arena arena = { 0 };
		struct image_config config;
		struct error err;

		assert_int_equal(image_config_read(json_read(texts[i], strlen(texts[i]),
							     "it", &arena, &err),
						   &arena, &config, &err),
				 -1);
		arena_free(&arena);
	}
}

static void other_systems_are_told_apart(void **state)
{
	struct image_config config = { .os = "windows" };
	struct error err;

	(void)state;
	assert_int_equal(image_config_check_os(&config, &err), -1);
	assert_int_equal(err.id, ERROR_ARCHITECTURE);
	assert_string_equal(
		err.text,
		"start: unsupported operating system: windows (this machine: linux)");
	config.os = NULL;
	assert_int_equal(image_config_check_os(&config, &err), 0);
}

static void digests_are_checked_for_their_form(void **state)
{
	(void)state;
	assert_true(digest_is_text(DIFF_1));
	assert_false(digest_is_text("sha256:"));
	assert_false(digest_is_text(DIFF_1 "0"));
	assert_false(
		digest_is_text("SHA256:2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd56"
			       "5a2ab337ce393f"));
	assert_false(
		digest_is_text("sha256:2F0CE06CB9B43093BE8684A04FF7F7A8D8078238888374DD56"
			       "5A2AB337CE393F"));
	assert_false(
		digest_is_text("sha512:2f0ce06cb9b43093be8684a04ff7f7a8d8078238888374dd56"
			       "5a2ab337ce393f"));
	assert_false(
		digest_is_text("sha256:../../../../../../../../../../../../../../../../"
			       "etc/passwd-----"));
	assert_true(digest_matches(
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb41"
		"0ff61f20015ad",
		"abc", 3));
	assert_false(digest_matches(DIFF_1, "abc", 3));
	assert_false(digest_matches("md5:1", "abc", 3));
}

static void tags_mean_names_by_their_ends(void **state)
{
	(void)state;
	assert_true(texts_is_near("localhost/tiny:latest", "localhost/tiny:latest"));
	assert_true(texts_is_near("localhost/tiny:latest", "tiny:latest"));
	assert_true(texts_is_near("localhost/tiny:latest", "tiny"));
	assert_true(texts_is_near("localhost/tiny:latest", "latest"));
	assert_true(texts_is_near("docker.io/library/debian:12", "debian:12"));
	assert_false(texts_is_near("docker.io/library/debian:12", "debian"));
	assert_false(texts_is_near("docker.io/library/debian:12", "2"));
	assert_false(texts_is_near("localhost/tiny:latest", "iny"));
	assert_false(texts_is_near("localhost/tiny:latest", ""));
}

/* A byte that is no text, and the character that stands for one: each comes back as it was. */
static void names_come_back_byte_for_byte(void **state)
{
	static const char *const names[] = { "/caf\xe9", "/\xef\x9e\x80",
					     "/\xef\x9e\xa9\xe9", NULL };
	static const char *const none[] = { NULL };
	const struct image_config config = {
		.kind = "oci",
		.workdir = "/\xef\x9f\xbf",
		.entrypoint = none,
		.command = names,
		.env = none,
		.volumes = names,
		.labels = none,
		.chains = none,
	};
	struct arena arena = { 0 };
	struct json_value *document = image_config_write(&config, &arena);
	const char *text = json_write(document, JSON_LAYOUT_LINE, &arena);
	struct image_config read;
	struct error err;

	(void)state;
	document = json_read(text, strlen(text), "it", &arena, &err);
	assert_non_null(document);
	assert_int_equal(image_config_read(document, &arena, &read, &err), 0);
	/* Reading leaves the document as it is: it may be read again. */
	assert_int_equal(image_config_read(document, &arena, &read, &err), 0);
	assert_string_equal(read.workdir, config.workdir);
	for (size_t i = 0; names[i]; i++) {
		assert_string_equal(read.command[i], names[i]);
		assert_string_equal(read.volumes[i], names[i]);
	}
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_umoci_writes_is_read),
		cmocka_unit_test(what_docker_writes_is_read),
		cmocka_unit_test(what_nobody_could_use_is_passed_over),
		cmocka_unit_test(the_least_configuration_is_enough),
		cmocka_unit_test(wrong_kinds_are_errors_with_their_place),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(lists_of_an_empty_document_are_empty),
		cmocka_unit_test(a_document_that_is_not_ours_is_refused),
		cmocka_unit_test(names_come_back_byte_for_byte),
		cmocka_unit_test(other_systems_are_told_apart),
		cmocka_unit_test(digests_are_checked_for_their_form),
		cmocka_unit_test(tags_mean_names_by_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
