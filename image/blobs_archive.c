/* SPDX-License-Identifier: Apache-2.0 */
#include "image/blobs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/input.h"

/*
 * One pass over an archive of blobs. In a plain tar the places of the members are noted, and
 * their bytes passed over; else they are copied into memory. A name is a text of the image,
 * so it is short, and there are not many.
 */
enum { MEMBERS_MAX = 1 << 16, NAME_MAX_LENGTH = 512 };

struct pass {
	struct blobs *blobs;
	struct archive *archive;
	const char *name;
	bool plain;          /* places in the file can be noted */
	bool hold_texts;     /* but what is small is held as it was hashed */
	uint64_t place;      /* where the archive begins */
	uint64_t used, most; /* bytes in memory */
};

static int write_at(int fd, const void *bytes, size_t length, uint64_t offset)
{
	const char *from = bytes;

	while (length > 0) {
		ssize_t part = pwrite(fd, from, length, (off_t)offset);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -1;
		from += part;
		length -= (size_t)part;
		offset += (uint64_t)part;
	}
	return 0;
}

static int make_memory(struct pass *pass, uint64_t size, struct error *err)
{
	if (size > pass->most - pass->used)
		return error_set(err, ERROR_IMAGE,
				 "hold %s in memory: it has more than %llu bytes",
				 pass->name, (unsigned long long)pass->most);
	if (pass->blobs->memory < 0)
		pass->blobs->memory = memfd_create("blobs", MFD_CLOEXEC);
	/* Holes at an end are bytes too. */
	if (pass->blobs->memory < 0 ||
	    ftruncate(pass->blobs->memory, (off_t)(pass->used + size)) < 0)
		return error_errno(err, "hold an image in memory");
	return 0;
}

static int hold(struct pass *pass, struct blob *blob, struct error *err)
{
	if (make_memory(pass, blob->size, err) < 0)
		return -1;
	for (;;) {
		const void *bytes;
		size_t length;
		la_int64_t offset;
		int result =
			archive_read_data_block(pass->archive, &bytes, &length, &offset);

		if (result == ARCHIVE_EOF)
			break;
		if (result != ARCHIVE_OK)
			return reader_error(pass->archive, pass->name, err);
		if (offset < 0 || (uint64_t)offset > blob->size ||
		    length > blob->size - (uint64_t)offset)
			return error_set(err, ERROR_IMAGE, "read %s: it is damaged",
					 pass->name);
		if (write_at(pass->blobs->memory, bytes, length,
			     pass->used + (uint64_t)offset) < 0)
			return error_errno(err, "hold an image in memory");
	}
	blob->in_memory = true;
	blob->offset = pass->used;
	pass->used += blob->size;
	return 0;
}

/* 1: blob is a member that counts; 0: not; -1. */
static int note_file(struct pass *pass, struct archive_entry *entry, struct blob *blob,
		     struct error *err)
{
	la_int64_t size = archive_entry_size(entry);
	bool is_text;

	if (size < 0)
		return 0;
	blob->size = (uint64_t)size;
	is_text = size <= BLOBS_TEXT_MAX;
	if (!pass->plain || (pass->hold_texts && is_text))
		return hold(pass, blob, err) < 0 ? -1 : 1;
	/* A sparse member does not lie there as it is. */
	if (archive_entry_sparse_count(entry) > 0)
		return 0;
	blob->offset = pass->place + (uint64_t)archive_filter_bytes(pass->archive, 0);
	return 1;
}

static const char *directory_of(const char *name, struct arena *arena)
{
	const char *slash = strrchr(name, '/');

	return slash ? arena_strndup(arena, name, (size_t)(slash - name)) : "";
}

static int note_link(struct blob *blob, const char *base, const char *target,
		     struct arena *arena)
{
	if (strlen(target) > NAME_MAX_LENGTH)
		return 0;
	blob->link = blobs_resolve(base, target, arena);
	return blob->link ? 1 : 0;
}

static int note_entry(struct pass *pass, struct archive_entry *entry, struct blob *blob,
		      struct error *err)
{
	struct arena *arena = &pass->blobs->arena;
	const char *path = archive_entry_pathname(entry);
	const char *hard_link = archive_entry_hardlink(entry);
	const char *symlink = archive_entry_symlink(entry);

	if (!path || strlen(path) > NAME_MAX_LENGTH)
		return 0;
	blob->name = blobs_resolve("", path[0] == '/' ? path + 1 : path, arena);
	if (!blob->name)
		return 0;
	if (hard_link)
		return note_link(blob, "", hard_link, arena);
	if (symlink)
		return note_link(blob, directory_of(blob->name, arena), symlink, arena);
	if (archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	return note_file(pass, entry, blob, err);
}

static int add(struct pass *pass, const struct blob *blob, struct error *err)
{
	struct blobs *blobs = pass->blobs;

	if (blobs->count == MEMBERS_MAX)
		return error_set(err, ERROR_IMAGE, "read %s: it has more than %d members",
				 pass->name, MEMBERS_MAX);
	blobs->list = arena_grow(&blobs->arena, blobs->list, blobs->count, sizeof(*blob));
	blobs->list[blobs->count] = *blob;
	blobs->list[blobs->count].order = blobs->count;
	blobs->count++;
	return 0;
}

static int read_members(struct pass *pass, struct error *err)
{
	for (;;) {
		struct archive_entry *entry;
		struct blob blob = { 0 };
		int result = archive_read_next_header(pass->archive, &entry);
		int noted;

		if (result == ARCHIVE_EOF)
			return 0;
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return reader_error(pass->archive, pass->name, err);
		noted = note_entry(pass, entry, &blob, err);
		if (noted < 0 || (noted > 0 && add(pass, &blob, err) < 0))
			return -1;
	}
}

static int compare(const void *a, const void *b)
{
	const struct blob *one = a;
	const struct blob *other = b;
	int order = strcmp(one->name, other->name);

	if (order != 0)
		return order;
	return one->order < other->order ? -1 : 1;
}

static void sort(struct blobs *blobs)
{
	size_t count = 0;

	if (blobs->count == 0)
		return;
	qsort(blobs->list, blobs->count, sizeof(*blobs->list), compare);
	for (size_t i = 0; i < blobs->count; i++) {
		bool is_last = i + 1 == blobs->count ||
			       strcmp(blobs->list[i].name, blobs->list[i + 1].name) != 0;

		if (is_last)
			blobs->list[count++] = blobs->list[i];
	}
	blobs->count = count;
}

struct blobs *blobs_of_archive(struct stream *stream, int fd, uint64_t place,
			       uint64_t memory, struct error *err)
{
	struct pass pass = {
		.blobs = blobs_of_directory(-1, err),
		.name = stream_name(stream),
		.hold_texts = stream_is_hashed(stream),
		.place = place,
		.most = memory,
	};
	int result;

	if (!pass.blobs)
		return NULL;
	pass.blobs->file = fd;
	pass.archive = reader_open(stream, err);
	if (!pass.archive) {
		blobs_free(pass.blobs);
		return NULL;
	}
	pass.plain = archive_filter_code(pass.archive, 0) == ARCHIVE_FILTER_NONE;
	result = read_members(&pass, err);
	archive_read_free(pass.archive);
	if (result < 0) {
		blobs_free(pass.blobs);
		return NULL;
	}
	sort(pass.blobs);
	return pass.blobs;
}
