/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx image verify`: signatures and checksums, asked without starting anything. */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "image/trust.h"
#include "launcher/command_words.h"
#include "launcher/verify.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What is to be verified: open, and its name for people and prefixes. */
struct subject {
	int fd;
	const char *name;
};

static int open_subject(const char *operand, struct arena *arena, struct subject *subject,
			struct error *err)
{
	const char *path;

	if (strcmp(operand, "-") == 0) {
		subject->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		path = images_signed_file(operand, arena);
		subject->fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
		operand = path[0] == '/' ? path : arena_printf(arena, "./%s", path);
	}
	if (subject->fd < 0)
		return error_errno_id(err, ERROR_SOURCE_MISSING, "verify %s", operand);
	subject->name = trust_name(operand, arena, err);
	return subject->name ? 0 : -1;
}

/* ---- checksums ------------------------------------------------------------------------- */

static int verify_sum(struct image_request *request, const struct subject *subject,
		      struct error *err)
{
	const char *sha512;

	if (request->signature || request->key) {
		error_set(err, ERROR_USAGE, "verify a checksum and a signature at once");
		return error_hint(err, "sbx image verify twice does");
	}
	if (images_verify_sum(subject->fd, subject->name, request->sha512,
			      &request->arena, &sha512, err) < 0)
		return -1;
	return image_say(arena_printf(&request->arena, "%s: the SHA-512 is right\n",
				      printable(&request->arena, subject->name)),
			 err);
}

/* ---- signatures ------------------------------------------------------------------------ */

static int find_keys(struct image_request *request, const char *name,
		     struct trust_key **ret_keys, size_t *ret_count, struct error *err)
{
	if (request->key) {
		*ret_keys = arena_alloc(&request->arena, sizeof(**ret_keys));
		*ret_count = 1;
		return trust_read_key(request->key, &request->arena, *ret_keys, err);
	}
	if (trust_find(name, &request->arena, ret_keys, ret_count, err) < 0)
		return -1;
	if (*ret_count > 0)
		return 0;
	error_set(err, ERROR_SIGNATURE, "verify %s: no trusted key covers it", name);
	return error_hint(err, "--key KEY names one; sbx trust add trusts one");
}

static int verify_signature(struct image_request *request, const struct subject *subject,
			    struct error *err)
{
	struct arena *arena = &request->arena;
	struct trust_key *keys;
	struct verified verified;
	size_t count;

	if (find_keys(request, subject->name, &keys, &count, err) < 0 ||
	    images_verify_with(subject->fd, subject->name, request->signature, keys,
			       count, arena, &verified, err) < 0)
		return -1;
	return image_say(arena_printf(arena, "%s: signed by the key %s (%s)\n%s%s%s",
				      printable(arena, subject->name), verified.id,
				      printable(arena, verified.key),
				      verified.comment ? "trusted comment: " : "",
				      verified.comment ? verified.comment : "",
				      verified.comment ? "\n" : ""),
			 err);
}

int image_verify(struct image_request *request, struct error *err)
{
	struct subject subject = { .fd = -1 };
	int result = open_subject(request->words[0], &request->arena, &subject, err);

	if (result == 0)
		result = request->sha512 ? verify_sum(request, &subject, err)
					 : verify_signature(request, &subject, err);
	fd_close(&subject.fd);
	return result;
}
