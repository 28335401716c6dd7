/* SPDX-License-Identifier: Apache-2.0 */
#include "image/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* What kind of archive it is, by the names in it. */

enum { ENTRIES_LOOKED_AT = 4, SHA256_HEX = 64 };

static const char *const image_names[] = {
	"blobs", "oci-layout", "index.json", "manifest.json", "repositories",
};

/* What follows a digest in the names of those who write archives of docker. */
static const char *const digest_ends[] = { "", "/", ".json", ".tar" };

static const char *skip_dots(const char *name)
{
	while (text_starts_with(name, "./"))
		name += 2;
	return strcmp(name, ".") == 0 ? "" : name;
}

/* The name itself, or something below it. */
static bool is_below(const char *name, const char *top)
{
	size_t length = strlen(top);

	return strncmp(name, top, length) == 0 &&
	       (name[length] == '\0' || name[length] == '/');
}

static bool is_digest_name(const char *name)
{
	if (text_starts_with(name, "sha256:"))
		name += strlen("sha256:");
	if (strlen(name) < SHA256_HEX || !digest_is_hex(name, SHA256_HEX))
		return false;
	name += SHA256_HEX;
	for (size_t i = 1; i < sizeof(digest_ends) / sizeof(digest_ends[0]); i++) {
		if (text_starts_with(name, digest_ends[i]))
			return true;
	}
	return name[0] == '\0';
}

static enum source_shape shape_of(const char *name)
{
	for (size_t i = 0; i < sizeof(image_names) / sizeof(image_names[0]); i++) {
		if (is_below(name, image_names[i]))
			return SOURCE_IMAGE;
	}
	if (is_digest_name(name))
		return SOURCE_IMAGE;
	if (is_below(name, "rootfs") || strcmp(name, "manifest") == 0)
		return SOURCE_ACI;
	return SOURCE_TAR;
}

static int look_at_entries(struct archive *archive, const char *name,
			   enum source_shape *ret_shape, struct error *err)
{
	for (int i = 0; i < ENTRIES_LOOKED_AT; i++) {
		struct archive_entry *entry;
		int result = archive_read_next_header(archive, &entry);
		const char *path;

		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return reader_error(archive, name, err);
		path = archive_entry_pathname(entry);
		if (!path)
			break;
		path = skip_dots(path);
		if (path[0] == '\0')
			continue;
		*ret_shape = shape_of(path);
		return 0;
	}
	*ret_shape = SOURCE_TAR;
	return 0;
}

int source_look(struct stream *stream, const char *name, enum source_shape *ret_shape,
		struct error *err)
{
	struct archive *archive = reader_open(stream, err);
	int result;

	if (!archive)
		return -1;
	result = look_at_entries(archive, name, ret_shape, err);
	archive_read_free(archive);
	return result;
}

static int read_text(struct archive *archive, struct archive_entry *entry,
		     const char *name, struct arena *arena, const char **ret_text,
		     size_t *ret_length, struct error *err)
{
	la_int64_t size = archive_entry_size(entry);
	la_ssize_t length;
	char *text;

	if (size < 0 || size > BLOBS_TEXT_MAX)
		return error_set(err, ERROR_IMAGE,
				 "read %s: its manifest has more than %d bytes", name,
				 BLOBS_TEXT_MAX);
	text = arena_alloc(arena, (size_t)size + 1);
	length = archive_read_data(archive, text, (size_t)size);
	if (length < 0)
		return reader_error(archive, name, err);
	*ret_text = text;
	*ret_length = (size_t)length;
	return 0;
}

static int find_manifest(struct archive *archive, const char *name, struct arena *arena,
			 const char **ret_text, size_t *ret_length, struct error *err)
{
	for (;;) {
		struct archive_entry *entry;
		int result = archive_read_next_header(archive, &entry);
		const char *path;

		if (result == ARCHIVE_EOF)
			return 0;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return reader_error(archive, name, err);
		path = archive_entry_pathname(entry);
		if (path && strcmp(skip_dots(path), "manifest") == 0 &&
		    archive_entry_filetype(entry) == AE_IFREG)
			return read_text(archive, entry, name, arena, ret_text,
					 ret_length, err);
	}
}

int source_find_manifest(struct stream *stream, const char *name, struct arena *arena,
			 const char **ret_text, size_t *ret_length, struct error *err)
{
	struct archive *archive = reader_open(stream, err);
	int result;

	*ret_text = NULL;
	*ret_length = 0;
	if (!archive)
		return -1;
	result = find_manifest(archive, name, arena, ret_text, ret_length, err);
	archive_read_free(archive);
	return result;
}
