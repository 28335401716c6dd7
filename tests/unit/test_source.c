/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/input.h"
#include "tests/unit/made_images.h"
#include "tests/unit/temporary.h"

static const char aci_manifest[] =
	"{\"acKind\":\"ImageManifest\",\"name\":\"x\",\"app\":{\"exec\":[\"/x\"]}}";

static int open_fd(int fd, const char *kind, const char *expected, struct arena *arena,
		   struct source *source, struct error *err)
{
	const struct image_job job = {
		.input_fd = fd,
		.path = "x.tar",
		.kind = kind,
		.expected = expected,
		.memory = 64 << 20,
	};

	return source_open(&job, arena, source, err);
}

/* The names in a layer, each in brackets; its digests are checked. NULL: err. */
static const char *names_in(struct source *source, size_t i, struct arena *arena,
			    struct error *err)
{
	const struct stream_options options = { .sha256 = true };
	struct stream *stream = source_open_layer(source, i, &options, err);
	struct archive *archive = stream ? reader_open(stream, err) : NULL;
	struct archive_entry *entry;
	const char *names = "";

	if (!archive) {
		stream_free(stream);
		return NULL;
	}
	while (archive_read_next_header(archive, &entry) == ARCHIVE_OK)
		names = arena_printf(arena, "%s[%s]", names,
				     archive_entry_pathname(entry));
	archive_read_free(archive);
	return source_close_layer(source, i, stream, err) == 0 ? names : NULL;
}

static void assert_names(struct source *source, size_t i, const char *names)
{
	struct arena arena = { 0 };
	struct error err = { 0 };
	const char *found = names_in(source, i, &arena, &err);

	if (!found)
		fail_msg("%s", err.text);
	assert_string_equal(found, names);
	arena_free(&arena);
}

/* Once as a file, once as a pipe. kind as image_config.kind; names of the first layer */
static void assert_is(struct made *made, const char *kind, const char *names)
{
	struct arena arena = { 0 };
	auto_close int fd = made_end(made);
	size_t length;
	const char *bytes = made_bytes(fd, &arena, &length);
	auto_close int pipe_fd = made_pipe(bytes, length);
	struct error err = { 0 };
	struct source source;

	if (open_fd(fd, NULL, NULL, &arena, &source, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(source.config.kind, kind);
	assert_names(&source, 0, names);
	assert_names(&source, 0, names); /* a file can be read again */
	source_close(&source);
	if (open_fd(pipe_fd, NULL, NULL, &arena, &source, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(source.config.kind, kind);
	assert_names(&source, 0, names);
	source_close(&source);
	arena_free(&arena);
}

static const char *const filters[] = { NULL, "gzip", "zstd", "xz", "bzip2" };
enum { FILTER_COUNT = sizeof(filters) / sizeof(filters[0]) };

static void a_tar_is_handed_on_without_loss(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILTER_COUNT; i++) {
		struct made *made = made_begin(filters[i]);

		made_directory(made, "./");
		made_text(made, "./etc/hello", "hi");
		made_text(made, "manifest.json", "{}");
		assert_is(made, "tar", "[./][./etc/hello][manifest.json]");
	}
}

static void an_empty_tar_is_one(void **state)
{
	(void)state;
	assert_is(made_begin(NULL), "tar", "");
}

static void a_layout_in_an_archive_is_an_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILTER_COUNT; i++) {
		struct arena arena = { 0 };
		struct made *made = made_begin(filters[i]);

		made_directory(made, "blobs/");
		made_index(made, made_image(made, "hello", "amd64", "", &arena), &arena);
		assert_is(made, "oci", "[hello]");
		arena_free(&arena);
	}
}

static void make_docker(struct made *made, struct arena *arena)
{
	size_t length;
	const char *tar = made_tar("hello", "hi", NULL, arena, &length);
	const char *config = arena_printf(arena, "{\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
					  digest_of(tar, length, arena));
	const char *digest = digest_of(config, strlen(config), arena);

	made_file(made, arena_printf(arena, "%s/layer.tar", strchr(digest, ':') + 1), tar,
		  length);
	made_text(made, "config", config);
	made_text(made, "manifest.json",
		  arena_printf(arena,
			       "[{\"Config\":\"config\",\"Layers\":[\"%s/layer.tar\"]}]",
			       strchr(digest, ':') + 1));
}

static void an_archive_of_docker_is_an_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILTER_COUNT; i++) {
		struct arena arena = { 0 };
		struct made *made = made_begin(filters[i]);

		make_docker(made, &arena);
		assert_is(made, "docker", "[hello]");
		arena_free(&arena);
	}
}

static void an_archive_that_is_both_is_a_layout(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);

	(void)state;
	made_index(made, made_image(made, "layout", "amd64", "", &arena), &arena);
	make_docker(made, &arena);
	assert_is(made, "oci", "[layout]");
	arena_free(&arena);
}

static void a_manifest_and_a_rootfs_are_an_aci(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILTER_COUNT; i++) {
		struct made *made = made_begin(filters[i]);

		made_text(made, "rootfs/x", "hi");
		made_text(made, "manifest", aci_manifest);
		assert_is(made, "aci", "[rootfs/x][manifest]");
		made = made_begin(filters[i]);
		made_text(made, "./manifest", aci_manifest);
		made_directory(made, "./rootfs");
		assert_is(made, "aci", "[./manifest][./rootfs/]");
	}
}

static void names_alone_make_no_image(void **state)
{
	struct made *made = made_begin(NULL);

	(void)state;
	made_text(made, "rootfs/x", "hi");
	assert_is(made, "tar", "[rootfs/x]");
	made = made_begin(NULL);
	made_text(made, "manifest", "a list of goods");
	made_text(made, "x", "hi");
	assert_is(made, "tar", "[manifest][x]");
	made = made_begin(NULL);
	made_text(made, "blobs/x", "hi");
	made_text(made, "index.json", "{}");
	assert_is(made, "tar", "[blobs/x][index.json]");
}

static void an_aci_says_what_is_to_be_taken_of_it(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin("gzip");
	auto_close int fd = -1;
	struct source source;
	struct error err;

	(void)state;
	made_text(made, "manifest", aci_manifest);
	made_text(made, "rootfs/x", "hi");
	fd = made_end(made);
	assert_int_equal(open_fd(fd, NULL, NULL, &arena, &source, &err), 0);
	assert_string_equal(source.strip, "rootfs/");
	assert_string_equal(source.config.entrypoint[0], "/x");
	assert_false(source.whiteouts);
	assert_int_equal(source.config.layer_count, 1);
	assert_string_equal(source.digest, "");
	source_close(&source);
	arena_free(&arena);
}

static void a_kind_is_believed(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	struct source source;
	struct error err;

	(void)state;
	made_text(made, "etc/hello", "first");
	make_docker(made, &arena);
	fd = made_end(made);
	assert_int_equal(open_fd(fd, NULL, NULL, &arena, &source, &err), 0);
	assert_string_equal(source.config.kind, "tar");
	source_close(&source);
	assert_int_equal(open_fd(fd, "docker-archive", NULL, &arena, &source, &err), 0);
	assert_string_equal(source.config.kind, "docker");
	assert_names(&source, 0, "[hello]");
	source_close(&source);
	assert_int_equal(open_fd(fd, "oci-archive", NULL, &arena, &source, &err), -1);
	assert_string_equal(err.text, "find oci-layout in the image");
	assert_int_equal(open_fd(fd, "oci", NULL, &arena, &source, &err), -1);
	assert_string_equal(err.text, "read x.tar: it is no directory, so no OCI layout");
	arena_free(&arena);
}

/* ---- digests ------------------------------------------------------------------------- */

/* A layout whose layer is `blob`, while its digests are those of `says`, and of `diff`. */
static int read_layer(const char *blob, size_t length, const char *says, const char *diff,
		      struct error *err)
{
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);
	const char *config =
		arena_printf(&arena, "{\"rootfs\":{\"diff_ids\":[\"%s\"]}}", diff);
	const char *manifest = arena_printf(
		&arena,
		"{\"config\":{%s},\"layers\":[{\"mediaType\":"
		"\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
		made_blob(made, "application/vnd.oci.image.config.v1+json", config,
			  strlen(config), &arena),
		says, length);
	struct source source;
	auto_close int fd = -1;
	const char *names;

	made_file(made,
		  arena_printf(&arena, "blobs/%.6s/%s", says, strchr(says, ':') + 1),
		  blob, length);
	made_index(
		made,
		arena_printf(&arena, "{%s}",
			     made_blob(made, "application/vnd.oci.image.manifest.v1+json",
				       manifest, strlen(manifest), &arena)),
		&arena);
	fd = made_end(made);
	if (open_fd(fd, NULL, NULL, &arena, &source, err) < 0)
		fail_msg("%s", err->text);
	names = names_in(&source, 0, &arena, err);
	source_close(&source);
	arena_free(&arena);
	return names ? 0 : -1;
}

static const char *sha512_of(const void *bytes, size_t length, struct arena *arena)
{
	unsigned char digest[crypto_hash_sha512_BYTES];
	char hex[129];

	crypto_hash_sha512(digest, bytes, length);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	return arena_printf(arena, "sha512:%s", hex);
}

static void layers_have_the_digests_that_the_image_says(void **state)
{
	static const char *const packed_by[] = { NULL, "gzip", "zstd" };
	struct arena arena = { 0 };
	size_t length;
	const char *tar = made_tar("hello", "hi", NULL, &arena, &length);
	const char *diff = digest_of(tar, length, &arena);
	const char *diff_512 = sha512_of(tar, length, &arena);
	const char *other = digest_of("other", 5, &arena);

	(void)state;
	for (size_t i = 0; i < sizeof(packed_by) / sizeof(packed_by[0]); i++) {
		size_t size;
		const char *blob = made_tar("hello", "hi", packed_by[i], &arena, &size);
		const char *digest = digest_of(blob, size, &arena);
		const char *digest_512 = sha512_of(blob, size, &arena);
		struct error err;

		assert_int_equal(read_layer(blob, size, digest, diff, &err), 0);
		assert_int_equal(read_layer(blob, size, digest_512, diff, &err), 0);
		assert_int_equal(read_layer(blob, size, digest, diff_512, &err), 0);
		assert_int_equal(read_layer(blob, size, digest_512, diff_512, &err), 0);
		assert_int_equal(read_layer(blob, size, digest, other, &err), -1);
		assert_non_null(strstr(err.text, "what is in it has another digest"));
		assert_int_equal(err.id, ERROR_IMAGE);
		assert_int_equal(read_layer(blob, size, other, diff, &err), -1);
		assert_non_null(strstr(err.text, "another digest than the image says"));
	}
	arena_free(&arena);
}

static const char *blake2b_of(int fd, struct arena *arena)
{
	unsigned char digest[64];
	char hex[129];
	size_t length;
	const char *bytes = made_bytes(fd, arena, &length);

	crypto_generichash_blake2b(digest, sizeof(digest), (const unsigned char *)bytes,
				   length, NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	return arena_printf(arena, "blake2b:%s", hex);
}

/* What is read of it is refused when it is not the verified file; -1: when it is opened. */
static void assert_verified(struct made *made, bool opens)
{
	struct arena arena = { 0 };
	auto_close int fd = made_end(made);
	const char *digest = blake2b_of(fd, &arena);
	struct error err = { 0 };
	struct source source;

	assert_int_equal(open_fd(fd, NULL, digest, &arena, &source, &err), 0);
	assert_non_null(names_in(&source, 0, &arena, &err));
	source_close(&source);
	digest = "blake2b:00";
	if (opens) {
		assert_int_equal(open_fd(fd, NULL, digest, &arena, &source, &err), 0);
		assert_null(names_in(&source, 0, &arena, &err));
		source_close(&source);
	} else {
		assert_int_equal(open_fd(fd, NULL, digest, &arena, &source, &err), -1);
	}
	assert_string_equal(
		err.text,
		"take x.tar: it is not what was verified, it changed meanwhile");
	assert_int_equal(err.id, ERROR_SIGNATURE);
	arena_free(&arena);
}

static void what_is_read_is_what_was_verified(void **state)
{
	struct arena arena = { 0 };
	struct made *made = made_begin("gzip");

	(void)state;
	made_text(made, "etc/hello", "hi");
	assert_verified(made, true);
	made = made_begin(NULL);
	make_docker(made, &arena);
	assert_verified(made, false);
	made = made_begin("zstd");
	made_index(made, made_image(made, "hello", "amd64", "", &arena), &arena);
	assert_verified(made, false);
	made = made_begin("gzip");
	made_text(made, "rootfs/x", "hi");
	made_text(made, "manifest", aci_manifest);
	assert_verified(made, false);
	arena_free(&arena);
}

/* ---- the real ones ------------------------------------------------------------------- */

static void read_real(const char *name, const char *tag, struct arena *arena,
		      struct source *source, struct error *err)
{
	const struct image_job job = {
		.input_fd = -1,
		.path = arena_printf(arena, "%s/images/%s", getenv("SBX_TEST_DATA"),
				     name),
		.tag = tag,
	};

	if (source_open(&job, arena, source, err) < 0)
		fail_msg("%s", err->text);
}

static void what_podman_saves_is_read(void **state)
{
	struct arena arena = { 0 };
	struct source source;
	struct error err;

	(void)state;
	read_real("podman-docker.tar", NULL, &arena, &source, &err);
	assert_string_equal(source.config.kind, "docker");
	assert_string_equal(source.config.reference, "localhost/tiny:latest");
	assert_string_equal(source.config.command[0], "/bin/sh");
	assert_int_equal(source.config.ports[0].port, 53);
	assert_names(&source, 0, "[etc/][etc/hello]");
	source_close(&source);
	arena_free(&arena);
}

static void what_skopeo_copies_is_read(void **state)
{
	struct arena arena = { 0 };
	struct source source;
	struct error err;

	(void)state;
	read_real("skopeo-oci.tar", NULL, &arena, &source, &err);
	assert_string_equal(source.config.kind, "oci");
	assert_string_equal(source.config.reference, "two");
	assert_string_equal(source.config.entrypoint[0], "/bin/x");
	assert_int_equal(source.config.layer_count, 2);
	assert_names(&source, 0, "[.][etc/][etc/hello]");
	assert_names(&source, 1, "[.][bin/][bin/x][etc/][etc/.wh.hello]");
	source_close(&source);
	arena_free(&arena);
}

static void what_umoci_makes_is_read(void **state)
{
	struct arena arena = { 0 };
	struct source source;
	struct error err;

	(void)state;
	read_real("umoci-layout.tar", "one", &arena, &source, &err);
	assert_string_equal(source.config.reference, "one");
	assert_int_equal(source.config.layer_count, 1);
	source_close(&source);
	arena_free(&arena);
}

/* ---- directories, and what is nothing ------------------------------------------------ */

static void write_member(const struct temporary *temporary, const char *name,
			 const struct blobs *blobs)
{
	struct arena arena = { 0 };
	struct error err;
	size_t length;
	const char *text = blobs_read(blobs, name, 1 << 20, &arena, &length, &err);

	assert_non_null(text);
	temporary_file(temporary, name, text, length);
	arena_free(&arena);
}

static void a_layout_in_a_directory_is_an_image(void **state)
{
	const struct temporary *temporary = *state;
	const struct image_job job = { .input_fd = -1, .path = temporary->path };
	struct arena arena = { 0 };
	struct source source;
	struct source archive;
	struct error err;

	read_real("skopeo-oci.tar", NULL, &arena, &archive, &err);
	assert_int_equal(mkdirat(temporary->fd, "blobs", 0755), 0);
	assert_int_equal(mkdirat(temporary->fd, "blobs/sha256", 0755), 0);
	write_member(temporary, "oci-layout", archive.blobs);
	write_member(temporary, "index.json", archive.blobs);
	for (size_t i = 0; i < archive.config.layer_count; i++)
		write_member(temporary, archive.layers[i].blob, archive.blobs);
	assert_int_equal(source_open(&job, &arena, &source, &err), -1);
	assert_non_null(strstr(err.text, "find blobs/sha256/"));
	write_member(
		temporary,
		arena_printf(&arena, "blobs/sha256/%s", strchr(archive.digest, ':') + 1),
		archive.blobs);
	assert_int_equal(source_open(&job, &arena, &source, &err), -1);
	source_close(&archive);
	arena_free(&arena);
}

static void assert_not_opened(const char *path, int fd, const char *text)
{
	const struct image_job job = { .input_fd = fd, .path = path };
	struct arena arena = { 0 };
	struct source source;
	struct error err = { 0 };

	assert_int_equal(source_open(&job, &arena, &source, &err), -1);
	if (!strstr(err.text, text))
		fail_msg("%s", err.text);
	assert_int_equal(err.id, ERROR_IMAGE);
	arena_free(&arena);
}

static void what_is_no_image_is_said_in_words(void **state)
{
	const struct temporary *temporary = *state;
	auto_close int fd = memfd_create("text", MFD_CLOEXEC);
	auto_close int pipe_fd = made_pipe("only a text", 11);
	auto_close int empty = made_pipe("", 0);

	assert_int_equal(fd_write_all(fd, "only a text", 11), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_not_opened("/nowhere/at/all", -1, "read /nowhere/at/all");
	assert_not_opened("x", fd, "read x: it is not a tar archive");
	assert_not_opened(NULL, pipe_fd, "read standard input: it is not a tar archive");
	assert_not_opened(NULL, empty, "read standard input: it is empty");
	assert_int_equal(mkdirat(temporary->fd, "empty", 0755), 0);
	fd_close(&fd);
	fd = openat(temporary->fd, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_not_opened("empty", fd,
			  "read empty: it is a directory, and no OCI layout");
}

static void a_stream_is_held_within_the_memory(void **state)
{
	static char bytes[60000];
	struct arena arena = { 0 };
	struct made *made = made_begin(NULL);
	auto_close int fd = -1;
	auto_close int pipe_fd = -1;
	struct image_job job = { .memory = 10000 };
	struct source source;
	struct error err;
	size_t length;
	const char *all;

	(void)state;
	made_file(made, "blobs/x", bytes, sizeof(bytes) - 1000);
	fd = made_end(made);
	all = made_bytes(fd, &arena, &length);
	pipe_fd = made_pipe(all, length);
	job.input_fd = pipe_fd;
	assert_int_equal(source_open(&job, &arena, &source, &err), -1);
	assert_string_equal(err.text,
			    "hold an image in memory: it has more than 10000 bytes");
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tar_is_handed_on_without_loss),
		cmocka_unit_test(an_empty_tar_is_one),
		cmocka_unit_test(a_layout_in_an_archive_is_an_image),
		cmocka_unit_test(an_archive_of_docker_is_an_image),
		cmocka_unit_test(an_archive_that_is_both_is_a_layout),
		cmocka_unit_test(a_manifest_and_a_rootfs_are_an_aci),
		cmocka_unit_test(names_alone_make_no_image),
		cmocka_unit_test(an_aci_says_what_is_to_be_taken_of_it),
		cmocka_unit_test(a_kind_is_believed),
		cmocka_unit_test(layers_have_the_digests_that_the_image_says),
		cmocka_unit_test(what_is_read_is_what_was_verified),
		cmocka_unit_test(what_podman_saves_is_read),
		cmocka_unit_test(what_skopeo_copies_is_read),
		cmocka_unit_test(what_umoci_makes_is_read),
		cmocka_unit_test(a_layout_in_a_directory_is_an_image),
		cmocka_unit_test(what_is_no_image_is_said_in_words),
		cmocka_unit_test(a_stream_is_held_within_the_memory),
	};

	return cmocka_run_group_tests(tests, temporary_make, temporary_remove);
}
