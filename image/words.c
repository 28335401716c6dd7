/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as words and back. Both ends are ours and of one version, so the words are plain: the
 * task, and then for each field that says something its name and an operand; lists repeat
 * theirs. What is not named is zero, NULL, or -1 where the row says so.
 */
#include "image/image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

enum field_kind {
	FIELD_TEXT,   /* const char * */
	FIELD_LIST,   /* const char *const *, with a size_t at `count` */
	FIELD_NUMBER, /* int, -1 where it is not named */
	FIELD_TIMES,  /* int, 0 where it is not named */
	FIELD_SIZE,   /* uint64_t */
	FIELD_FLAG,   /* bool, a word without an operand */
};

#define FIELD(name, kind, member)                                                        \
	{                                                                                \
		name, kind, offsetof(struct image_job, member), 0                        \
	}
#define LIST(name, member, count)                                                        \
	{                                                                                \
		name, FIELD_LIST, offsetof(struct image_job, member),                    \
			offsetof(struct image_job, count)                                \
	}

static const struct field {
	const char *name;
	enum field_kind kind;
	size_t offset, count;
} fields[] = {
	FIELD("socket", FIELD_NUMBER, socket),
	FIELD("path", FIELD_TEXT, path),
	FIELD("input", FIELD_NUMBER, input_fd),
	FIELD("kind", FIELD_TEXT, kind),
	FIELD("tag", FIELD_TEXT, tag),
	FIELD("arch", FIELD_TEXT, arch),
	FIELD("first", FIELD_NUMBER, first),
	FIELD("last", FIELD_NUMBER, last),
	FIELD("into", FIELD_TEXT, into),
	LIST("lower", lowers, lower_count),
	FIELD("memory", FIELD_SIZE, memory),
	FIELD("mounts", FIELD_TIMES, mounts),
	FIELD("squash", FIELD_FLAG, squash),
	FIELD("undigested", FIELD_FLAG, undigested),
	FIELD("entries", FIELD_SIZE, limits.entries),
	FIELD("bytes", FIELD_SIZE, limits.bytes),
	FIELD("ratio", FIELD_SIZE, limits.ratio),
	FIELD("expected", FIELD_TEXT, expected),
	FIELD("signature", FIELD_TEXT, signature),
	LIST("key", keys, key_count),
	FIELD("sha512", FIELD_TEXT, sha512),
	FIELD("tee", FIELD_TIMES, tee),
};

enum { FIELD_COUNT = sizeof(fields) / sizeof(*fields) };

static const char *const task_names[] = {
	[IMAGE_TASK_INSPECT] = "inspect", [IMAGE_TASK_EXTRACT] = "extract",
	[IMAGE_TASK_VERIFY] = "verify",   [IMAGE_TASK_DIGEST] = "digest",
	[IMAGE_TASK_REMOVE] = "remove",
};

enum { TASK_COUNT = sizeof(task_names) / sizeof(*task_names) };

/* ---- to words --------------------------------------------------------------------------- */

struct writer {
	struct arena *arena;
	const char **words;
	size_t count;
};

static void put(struct writer *writer, const char *word)
{
	writer->words = arena_grow(writer->arena, writer->words, writer->count,
				   sizeof(*writer->words));
	writer->words[writer->count++] = word;
}

static void put_pair(struct writer *writer, const char *name, const char *operand)
{
	put(writer, name);
	put(writer, operand);
}

static void put_list(struct writer *writer, const struct field *field,
		     const struct image_job *job)
{
	const char *const *texts =
		*(const char *const *const *)(const void *)((const char *)job +
							    field->offset);
	const size_t count =
		*(const size_t *)(const void *)((const char *)job + field->count);

	for (size_t i = 0; i < count; i++)
		put_pair(writer, field->name, texts[i]);
}

static void put_number(struct writer *writer, const char *name, int number, int silent)
{
	if (number != silent)
		put_pair(writer, name, arena_printf(writer->arena, "%d", number));
}

static void put_field(struct writer *writer, const struct field *field,
		      const struct image_job *job)
{
	const void *value = (const char *)job + field->offset;

	switch (field->kind) {
	case FIELD_TEXT:
		if (*(const char *const *)value)
			put_pair(writer, field->name, *(const char *const *)value);
		return;
	case FIELD_LIST:
		put_list(writer, field, job);
		return;
	case FIELD_NUMBER:
		put_number(writer, field->name, *(const int *)value, -1);
		return;
	case FIELD_TIMES:
		put_number(writer, field->name, *(const int *)value, 0);
		return;
	case FIELD_SIZE:
		if (*(const uint64_t *)value)
			put_pair(writer, field->name,
				 arena_printf(writer->arena, "%llu",
					      *(const unsigned long long *)value));
		return;
	case FIELD_FLAG:
		if (*(const bool *)value)
			put(writer, field->name);
		return;
	}
}

const char *const *image_job_words(const struct image_job *job, struct arena *arena)
{
	struct writer writer = { .arena = arena };

	put(&writer, "sbx-image");
	put_pair(&writer, SBX_VERSION, task_names[job->task]);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		put_field(&writer, &fields[i], job);
	put(&writer, NULL);
	return writer.words;
}

/* ---- from words ------------------------------------------------------------------------- */

static int read_task(const char *name, enum image_task *ret_task)
{
	for (int i = 0; i < TASK_COUNT; i++)
		if (strcmp(task_names[i], name) == 0) {
			*ret_task = (enum image_task)i;
			return 0;
		}
	return -1;
}

static void take_item(struct arena *arena, const struct field *field, const char *operand,
		      struct image_job *job)
{
	const char ***texts = (void *)((char *)job + field->offset);
	size_t *count = (void *)((char *)job + field->count);

	*texts = arena_grow(arena, *texts, *count, sizeof(**texts));
	(*texts)[(*count)++] = operand;
}

/* -1: an operand that is none of ours. */
static int take(struct arena *arena, const struct field *field, const char *operand,
		struct image_job *job)
{
	void *value = (char *)job + field->offset;

	switch (field->kind) {
	case FIELD_TEXT:
		*(const char **)value = operand;
		return 0;
	case FIELD_LIST:
		take_item(arena, field, operand, job);
		return 0;
	case FIELD_NUMBER:
	case FIELD_TIMES:
		return text_to_int(operand, 0, INT_MAX, value);
	case FIELD_SIZE:
		return text_to_u64(operand, 10, value);
	case FIELD_FLAG:
		*(bool *)value = true;
		return 0;
	}
	return -1;
}

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

static int complain(const char *word, struct error *err)
{
	return error_set(err, ERROR_IMAGE, "read the words for sbx-image: %s",
			 word ? word : "there are too few");
}

static int read_fields(const char *const *words, struct arena *arena,
		       struct image_job *job, struct error *err)
{
	while (*words) {
		const struct field *field = find_field(*words);
		const bool is_pair = field && field->kind != FIELD_FLAG;

		if (!field || (is_pair && !words[1]) ||
		    take(arena, field, words[1], job) < 0)
			return complain(*words, err);
		words += is_pair ? 2 : 1;
	}
	return 0;
}

int image_job_read(const char *const *words, struct arena *arena,
		   struct image_job *ret_job, struct error *err)
{
	struct image_job job = { .socket = -1, .input_fd = -1, .first = -1, .last = -1 };

	for (int i = 0; i < 3; i++)
		if (!words[i])
			return complain(NULL, err);
	if (strcmp(words[1], SBX_VERSION) != 0 || read_task(words[2], &job.task) < 0)
		return complain(words[1], err);
	if (read_fields(words + 3, arena, &job, err) < 0)
		return -1;
	*ret_job = job;
	return 0;
}
