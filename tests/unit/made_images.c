/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/made_images.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/fd.h"
#include "image/input.h"

struct made {
	struct archive *archive;
	int fd;
};

struct made *made_begin(const char *filter)
{
	struct made *made = calloc(1, sizeof(*made));

	assert_non_null(made);
	made->fd = memfd_create("made", MFD_CLOEXEC);
	assert_true(made->fd >= 0);
	setlocale(LC_CTYPE, "C.UTF-8"); /* names are written as they are */
	made->archive = archive_write_new();
	archive_write_set_format_pax_restricted(made->archive);
	if (filter)
		assert_int_equal(archive_write_add_filter_by_name(made->archive, filter),
				 ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(made->archive, 1);
	assert_int_equal(archive_write_open_fd(made->archive, made->fd), ARCHIVE_OK);
	return made;
}

static struct archive_entry *new_entry(const char *name, unsigned int type)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 0644);
	archive_entry_set_mtime(entry, 1, 0);
	return entry;
}

static void write_entry(struct made *made, struct archive_entry *entry)
{
	assert_int_equal(archive_write_header(made->archive, entry), ARCHIVE_OK);
	archive_entry_free(entry);
}

void made_directory(struct made *made, const char *name)
{
	write_entry(made, new_entry(name, AE_IFDIR));
}

void made_file(struct made *made, const char *name, const void *bytes, size_t length)
{
	struct archive_entry *entry = new_entry(name, AE_IFREG);

	archive_entry_set_size(entry, (la_int64_t)length);
	write_entry(made, entry);
	assert_int_equal(archive_write_data(made->archive, bytes, length), length);
}

void made_text(struct made *made, const char *name, const char *text)
{
	made_file(made, name, text, strlen(text));
}

void made_symlink(struct made *made, const char *name, const char *target)
{
	struct archive_entry *entry = new_entry(name, AE_IFLNK);

	archive_entry_set_symlink(entry, target);
	write_entry(made, entry);
}

void made_hard_link(struct made *made, const char *name, const char *target)
{
	struct archive_entry *entry = new_entry(name, AE_IFREG);

	archive_entry_set_hardlink(entry, target);
	write_entry(made, entry);
}

int made_end(struct made *made)
{
	int fd = made->fd;

	assert_int_equal(archive_write_close(made->archive), ARCHIVE_OK);
	archive_write_free(made->archive);
	free(made);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

const char *made_bytes(int fd, struct arena *arena, size_t *ret_length)
{
	struct stat file;
	char *bytes;

	assert_int_equal(fstat(fd, &file), 0);
	bytes = arena_alloc(arena, (size_t)file.st_size + 1);
	assert_int_equal(pread(fd, bytes, (size_t)file.st_size, 0), file.st_size);
	*ret_length = (size_t)file.st_size;
	return bytes;
}

const char *made_tar(const char *name, const char *text, const char *filter,
		     struct arena *arena, size_t *ret_length)
{
	struct made *made = made_begin(filter);
	auto_close int fd = -1;

	made_text(made, name, text);
	fd = made_end(made);
	return made_bytes(fd, arena, ret_length);
}

int made_pipe(const void *bytes, size_t length)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fd_write_all(ends[1], bytes, length), 0);
	close(ends[1]);
	return ends[0];
}

const char *made_blob(struct made *made, const char *type, const void *bytes,
		      size_t length, struct arena *arena)
{
	const char *digest = digest_of(bytes, length, arena);

	made_file(made, arena_printf(arena, "blobs/sha256/%s", strchr(digest, ':') + 1),
		  bytes, length);
	return arena_printf(arena, "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu",
			    type, digest, length);
}

const char *made_image(struct made *made, const char *file, const char *arch,
		       const char *more, struct arena *arena)
{
	size_t tar_length;
	size_t gzip_length;
	const char *tar = made_tar(file, file, NULL, arena, &tar_length);
	const char *gzip = made_tar(file, file, "gzip", arena, &gzip_length);
	const char *layer = made_blob(made, "application/vnd.oci.image.layer.v1.tar+gzip",
				      gzip, gzip_length, arena);
	const char *config = arena_printf(
		arena,
		"{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/%s\"]},"
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		arch, file, digest_of(tar, tar_length, arena));
	const char *manifest = arena_printf(
		arena, "{\"schemaVersion\":2,\"config\":{%s},\"layers\":[{%s}]}",
		made_blob(made, "application/vnd.oci.image.config.v1+json", config,
			  strlen(config), arena),
		layer);

	return arena_printf(arena, "{%s%s}",
			    made_blob(made, "application/vnd.oci.image.manifest.v1+json",
				      manifest, strlen(manifest), arena),
			    more);
}

void made_index(struct made *made, const char *descriptors, struct arena *arena)
{
	made_text(made, "index.json",
		  arena_printf(arena, "{\"schemaVersion\":2,\"manifests\":[%s]}",
			       descriptors));
	made_text(made, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}
