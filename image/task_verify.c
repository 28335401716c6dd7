/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IMAGE_TASK_VERIFY: the input goes by once, and is hashed for everybody who wants to know: for
 * the signature, for the extraction that comes later, for a list of checksums, and for a
 * checker in another process (tee), which gets the very bytes that are hashed.
 */
#include "image/tasks.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "image/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 << 10, PROGRESS_EACH = 8 << 20, HEX_MAX = 2 * SHA512_SIZE + 1 };

/* What was opened while there was a file system, and what came of it. */
struct verification {
	const struct image_job *job;
	struct arena *arena;
	int input;
	uint64_t done, total;
	const char *text; /* of the signature, or of the list of checksums */
	size_t text_length;
	struct public_key *keys;
	struct signature signature;
	struct signature_check check;
	crypto_hash_sha512_state sha512;
	bool tee_is_closed;
};

/* ---- before ---------------------------------------------------------------------------- */

static int open_input(struct verification *verification, struct error *err)
{
	const char *path = verification->job->path;
	struct stat status;

	verification->input = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
				   : verification->job->input_fd;
	if (verification->input < 0 || fstat(verification->input, &status) < 0)
		return error_errno(err, "read %s", path ? path : "the input");
	/* What a stream has brought already is gone; a file is judged from its first byte. */
	if (S_ISREG(status.st_mode)) {
		verification->total = (uint64_t)status.st_size;
		if (lseek(verification->input, 0, SEEK_SET) < 0)
			return error_errno(err, "read %s", path ? path : "the input");
	}
	return 0;
}

static int open_all(struct verification *verification, struct error *err)
{
	const struct image_job *job = verification->job;
	const size_t max = job->sha512 ? KEY_FILE_MAX : SIGNATURE_FILE_MAX;

	if (open_input(verification, err) < 0)
		return -1;
	if (job->signature) {
		verification->text =
			key_file_read(job->signature, max, verification->arena,
				      &verification->text_length, err);
		if (!verification->text)
			return -1;
	}
	verification->keys = arena_alloc_array(verification->arena, job->key_count + 1,
					       sizeof(*verification->keys));
	for (size_t i = 0; i < job->key_count; i++)
		if (public_key_read(job->keys[i], verification->arena,
				    &verification->keys[i], err) < 0)
			return -1;
	return 0;
}

/* ---- the pass -------------------------------------------------------------------------- */

static int begin(struct verification *verification, struct error *err)
{
	const struct image_job *job = verification->job;
	const bool is_signed = job->signature && !job->sha512;

	if (is_signed &&
	    signature_parse(verification->text, verification->text_length,
			    verification->arena, &verification->signature, err) < 0)
		return -1;
	crypto_hash_sha512_init(&verification->sha512);
	return signature_begin(is_signed ? &verification->signature : NULL,
			       verification->keys, job->keys, job->key_count,
			       verification->arena, &verification->check, err);
}

/* Whoever reads there may have seen enough: what it has to say is its own matter. */
static int copy(struct verification *verification, const void *bytes, size_t length,
		struct error *err)
{
	if (verification->job->tee <= 0 || verification->tee_is_closed)
		return 0;
	if (fd_write_all(verification->job->tee, bytes, length) == 0)
		return 0;
	if (errno != EPIPE)
		return error_errno(err, "hand the input on");
	verification->tee_is_closed = true;
	return 0;
}

static int add(struct verification *verification, const void *bytes, size_t length,
	       struct error *err)
{
	signature_add(&verification->check, bytes, length);
	if (verification->job->sha512)
		crypto_hash_sha512_update(&verification->sha512, bytes, length);
	return copy(verification, bytes, length, err);
}

static void tell_progress(struct verification *verification, size_t length)
{
	const struct image_turn turn = {
		.kind = IMAGE_TURN_PROGRESS,
		.done = verification->done + length,
		.total = verification->total,
	};

	if (turn.done / PROGRESS_EACH != verification->done / PROGRESS_EACH)
		(void)image_turn_send(verification->job->socket, &turn, NULL, -1);
	verification->done = turn.done;
}

static int pass(struct verification *verification, struct error *err)
{
	unsigned char *buffer = arena_alloc(verification->arena, BUFFER_SIZE);

	for (;;) {
		const ssize_t length = read(verification->input, buffer, BUFFER_SIZE);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return error_errno(err, "read the input");
		if (length == 0)
			return 0;
		if (add(verification, buffer, (size_t)length, err) < 0)
			return -1;
		tell_progress(verification, (size_t)length);
	}
}

/* ---- behind it ------------------------------------------------------------------------- */

static int check_sha512(const struct verification *verification, const char *sha512,
			struct error *err)
{
	const char *wanted = verification->job->sha512;
	bool found = false;

	if (!wanted || (!wanted[0] && !verification->text))
		return 0;
	if (wanted[0]) {
		if (strcasecmp(wanted, sha512) == 0)
			return 0;
		return error_set(err, ERROR_SIGNATURE,
				 "its SHA-512 is %.16s…, not %.16s…", sha512, wanted);
	}
	if (sums_have(verification->text, verification->text_length, sha512, &found,
		      err) < 0)
		return -1;
	if (found)
		return 0;
	return error_set(err, ERROR_SIGNATURE, "its SHA-512, %.16s…, is not in the list",
			 sha512);
}

static void put_digests(const struct verification *verification,
			const unsigned char blake2b[BLAKE2B_SIZE], const char *sha512,
			struct json_value *document)
{
	char hex[HEX_MAX];

	sodium_bin2hex(hex, sizeof(hex), blake2b, BLAKE2B_SIZE);
	json_put_text(document, "blake2b",
		      arena_printf(verification->arena, "blake2b:%s", hex));
	if (verification->job->sha512)
		json_put_text(document, "sha512", sha512);
}

static int conclude(struct verification *verification, struct error *err)
{
	struct json_value *document = json_make_object(verification->arena);
	unsigned char blake2b[BLAKE2B_SIZE], sum[SHA512_SIZE];
	const struct signature_judge *judge;
	char sha512[HEX_MAX];

	crypto_hash_sha512_final(&verification->sha512, sum);
	sodium_bin2hex(sha512, sizeof(sha512), sum, sizeof(sum));
	if (signature_end(&verification->check, blake2b, &judge, err) < 0 ||
	    check_sha512(verification, sha512, err) < 0)
		return -1;
	put_digests(verification, blake2b, sha512, document);
	if (judge) {
		json_put_text(document, "key", judge->path);
		json_put_text(document, "id", judge->key->id);
		if (verification->signature.comment)
			json_put_text(document, "comment",
				      verification->signature.comment);
	}
	return image_document_send(verification->job->socket, document,
				   verification->arena, err);
}

int task_verify(const struct image_job *job, struct arena *arena, struct error *err)
{
	struct verification verification = { .job = job, .arena = arena };

	if (sodium_init() < 0)
		return error_set(err, ERROR_IMAGE, "start libsodium");
	if (open_all(&verification, err) < 0 || confine_to_nothing(err) < 0 ||
	    confine_process(CONFINE_READS, false, err) < 0 ||
	    begin(&verification, err) < 0 || pass(&verification, err) < 0)
		return -1;
	return conclude(&verification, err);
}
