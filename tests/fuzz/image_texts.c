/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/image_texts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/blobs.h"
#include "image/input.h"

enum { MEMBERS_MAX = 32, TEXT_MAX = 1 << 16 };

struct member {
	const char *digest;
	size_t size;
};

struct making {
	struct arena arena;
	struct member members[MEMBERS_MAX];
	struct blobs *blobs;
	uint64_t used;
};

struct text {
	char *bytes;
	size_t length, room;
};

static void append(struct text *text, const char *bytes, size_t length)
{
	if (length > text->room - text->length)
		length = text->room - text->length;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

/* "@3" and "#3" of earlier members; how many bytes of from that took. */
static size_t replace(const struct making *making, const char *from, size_t left,
		      struct text *text, struct arena *arena)
{
	const struct member *member;
	size_t number = left > 1 ? (size_t)(unsigned char)from[1] - '0' : 0;
	const char *words;

	if ((from[0] != '@' && from[0] != '#') || number < 1 || number > 9 ||
	    number > making->blobs->count) {
		append(text, from, 1);
		return 1;
	}
	member = &making->members[number - 1];
	words = from[0] == '#' ? member->digest
			       : arena_printf(arena, "\"digest\":\"%s\",\"size\":%zu",
					      member->digest, member->size);
	append(text, words, strlen(words));
	return 2;
}

static void add(struct making *making, const char *name, const char *from, size_t length)
{
	struct blobs *blobs = making->blobs;
	struct text text = { arena_alloc(&making->arena, TEXT_MAX), 0, TEXT_MAX };
	struct member *member = &making->members[blobs->count];
	struct blob blob = { .in_memory = true, .offset = making->used };

	for (size_t i = 0; i < length;)
		i += replace(making, from + i, length - i, &text, &making->arena);
	member->digest = digest_of(text.bytes, text.length, &making->arena);
	member->size = text.length;
	blob.name = strcmp(name, "@") == 0
			    ? arena_printf(&blobs->arena, "blobs/sha256/%s",
					   strchr(member->digest, ':') + 1)
			    : arena_strdup(&blobs->arena, name);
	blob.size = text.length;
	if (fd_write_all(blobs->memory, text.bytes, text.length) < 0)
		abort();
	making->used += text.length;
	blobs->list = arena_grow(&blobs->arena, blobs->list, blobs->count, sizeof(blob));
	blobs->list[blobs->count++] = blob;
}

/* The bytes up to the next line that is a dot. */
static size_t text_length(const char *text, size_t left)
{
	for (size_t i = 0; i + 2 < left; i++) {
		if (text[i] == '\n' && text[i + 1] == '.' && text[i + 2] == '\n')
			return i;
	}
	return left;
}

static int compare(const void *a, const void *b)
{
	const struct blob *one = a;
	const struct blob *other = b;

	return strcmp(one->name, other->name);
}

struct blobs *image_texts_make(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	struct making making = { 0 };
	struct error err;

	making.blobs = blobs_of_directory(-1, &err);
	making.blobs->memory = memfd_create("blobs", MFD_CLOEXEC);
	while (size > 0 && making.blobs->count < MEMBERS_MAX) {
		const char *line = memchr(at, '\n', size);
		size_t name = line ? (size_t)(line - at) : size;
		size_t begin = line ? name + 1 : name;
		size_t length = text_length(at + begin, size - begin);
		size_t used = begin + length + 3 < size ? begin + length + 3 : size;

		add(&making, arena_strndup(&making.arena, at, name), at + begin, length);
		at += used;
		size -= used;
	}
	if (making.blobs->count > 0)
		qsort(making.blobs->list, making.blobs->count, sizeof(struct blob),
		      compare);
	arena_free(&making.arena);
	return making.blobs;
}

void image_texts_use(const struct source *source)
{
	struct arena arena = { 0 };

	if (source->config.layer_count > 0 && !source->layers[0].blob)
		abort();
	for (size_t i = 0; i < source->config.layer_count; i++) {
		if (!digest_is_text(source->layers[i].diff))
			abort();
	}
	json_write(image_config_write(&source->config, &arena), JSON_LAYOUT_LINE, &arena);
	arena_free(&arena);
}
