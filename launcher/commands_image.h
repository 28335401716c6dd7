/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_COMMANDS_IMAGE_H
#define SBX_LAUNCHER_COMMANDS_IMAGE_H

/* The commands behind `sbx image`, and what they say alike. */

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct image_job;
struct json_value;

enum {
	IMAGE_WORDS_MAX = 2,
};

/* What stands behind the command's name. NULL and false: not given. */
struct image_request {
	struct arena arena;
	const char *words[IMAGE_WORDS_MAX];
	size_t count;
	const char *max, *older, *tag, *signature, *sha512, *key;
	bool json, all, dry_run, squash_ids, insecure;
};

/* Each prints what it has to say. -1: the error. */
int image_list(struct image_request *request, struct error *err);
int image_gc(struct image_request *request, struct error *err);
int image_inspect(struct image_request *request, struct error *err);
int image_unpack(struct image_request *request, struct error *err);
int image_verify(struct image_request *request, struct error *err);

/* Whether what is to be read counts (images_verify_input()), before its first byte is. */
int image_verify_input(struct image_request *request, struct image_job *job,
		       struct error *err);

int image_say(const char *text, struct error *err);
int image_say_json(struct json_value *document, struct arena *arena, struct error *err);

/* "230.4 MiB", for people. */
const char *image_size_text(uint64_t bytes, struct arena *arena);

/* RFC 3339, in UTC. */
const char *image_time_text(int64_t seconds, struct arena *arena);

/* Texts of images are foreign: printable, or null. */
void image_put_text(struct json_value *object, const char *key, const char *text,
		    struct arena *arena);

#endif
