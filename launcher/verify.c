/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/verify.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "image/image.h"
#include "image/trust.h"
#include "launcher/command_words.h"
#include "launcher/gpgv.h"
#include "launcher/images.h"
#include "launcher/report.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One id is enough to read: no helper has to map more. */
static int digest(struct image_job *job, struct arena *arena,
		  const struct json_value **ret_document, struct error *err)
{
	const struct id_range uid = { 0, geteuid(), 1 }, gid = { 0, getegid(), 1 };
	const struct ids_spec ids = { { &uid, 1 }, { &gid, 1 }, true };
	struct images_result result = { .document_count = 0 };

	if (images_do(&ids, job, "verifying", arena, &result, err) < 0)
		return -1;
	images_result_close(&result);
	if (result.document_count != 1)
		return error_set(err, ERROR_IMAGE, "understand sbx-image");
	*ret_document = result.documents[0];
	return 0;
}

static const char *const *paths_of(const struct trust_key *keys, size_t count,
				   bool openpgp, struct arena *arena, size_t *ret_count)
{
	const char **paths = arena_alloc_array(arena, count + 1, sizeof(*paths));

	*ret_count = 0;
	for (size_t i = 0; i < count; i++)
		if ((keys[i].scheme == TRUST_OPENPGP) == openpgp)
			paths[(*ret_count)++] = keys[i].path;
	return paths;
}

/* What is told is somebody's who made a signature: what counts is which of our keys it names. */
static int take_key(const struct trust_key *key, struct verified *verified,
		    struct error *err)
{
	if (!key || !verified->blake2b)
		return error_set(err, ERROR_IMAGE, "understand who signed it");
	verified->signer = key->signer;
	verified->id = key->id;
	verified->key = key->path;
	return 0;
}

/* ---- minisign and signify -------------------------------------------------------------- */

static int verify_natively(int fd, const char *signature, const struct trust_key *keys,
			   size_t key_count, struct arena *arena,
			   struct verified *verified, struct error *err)
{
	struct image_job job = {
		.task = IMAGE_TASK_VERIFY,
		.socket = -1,
		.input_fd = fd,
		.signature = signature,
	};
	const struct json_value *document = NULL;
	const struct trust_key *found = NULL;
	const char *path = "", *comment = NULL;

	job.keys = paths_of(keys, key_count, false, arena, &job.key_count);
	if (digest(&job, arena, &document, err) < 0 ||
	    json_get_text(document, "key", &path, err) < 0 ||
	    json_get_text(document, "blake2b", &verified->blake2b, err) < 0 ||
	    json_get_text(document, "comment", &comment, err) < 0)
		return -1;
	for (size_t i = 0; i < key_count; i++)
		if (keys[i].scheme != TRUST_OPENPGP && strcmp(keys[i].path, path) == 0)
			found = &keys[i];
	verified->comment = comment ? printable(arena, comment) : NULL;
	return take_key(found, verified, err);
}

/* ---- OpenPGP --------------------------------------------------------------------------- */

/* gpgv gets the bytes from sbx-image while that hashes them: both have seen the same. */
static int verify_by_gpgv(int fd, const char *signature, const struct trust_key *keys,
			  size_t key_count, struct arena *arena,
			  struct verified *verified, struct error *err)
{
	struct image_job job = { .task = IMAGE_TASK_VERIFY,
				 .socket = -1,
				 .input_fd = fd };
	const struct json_value *document = NULL;
	const struct trust_key *found = NULL;
	const char *const *paths;
	char id[GPGV_ID_SIZE];
	struct gpgv gpgv;
	size_t count;

	paths = paths_of(keys, key_count, true, arena, &count);
	if (gpgv_start(paths, count, signature, arena, &gpgv, err) < 0)
		return -1;
	job.tee = gpgv.data;
	if (digest(&job, arena, &document, err) < 0 ||
	    json_get_text(document, "blake2b", &verified->blake2b, err) < 0) {
		gpgv_stop(&gpgv);
		return -1;
	}
	if (gpgv_end(&gpgv, arena, id, err) < 0)
		return -1;
	for (size_t i = 0; i < key_count; i++)
		if (keys[i].scheme == TRUST_OPENPGP && strcmp(keys[i].id, id) == 0)
			found = &keys[i];
	return take_key(found, verified, err);
}

/* ---- either ---------------------------------------------------------------------------- */

static int find_and_verify(int fd, const char *file, const char *given,
			   const struct trust_key *keys, size_t key_count,
			   struct arena *arena, struct verified *verified,
			   struct error *err)
{
	struct trust_signature signature;

	if (!given && file[0] != '/') {
		error_set(err, ERROR_SIGNATURE, "nothing lies beside a stream");
		return error_hint(err, "--signature FILE names it");
	}
	if (trust_find_signature(file, given, keys, key_count, arena, &signature, err) <
	    0)
		return -1;
	switch (signature.family) {
	case TRUST_FAMILY_ED25519:
		return verify_natively(fd, signature.path, keys, key_count, arena,
				       verified, err);
	case TRUST_FAMILY_OPENPGP:
		break;
	}
	return verify_by_gpgv(fd, signature.path, keys, key_count, arena, verified, err);
}

static int verify_file(int fd, const char *file, const char *signature,
		       const struct trust_key *keys, size_t key_count,
		       struct arena *arena, struct verified *ret_verified,
		       struct error *err)
{
	struct verified verified = { .signer = NULL };

	*err = (struct error){ .errnum = 0 };
	if (find_and_verify(fd, file, signature, keys, key_count, arena, &verified, err) <
	    0)
		return error_within(err, "verify %s", file);
	/* A stream has no beginning to be left at. */
	(void)lseek(fd, 0, SEEK_SET);
	*ret_verified = verified;
	return 0;
}

int images_verify_with(int fd, const char *name, const char *signature,
		       const struct trust_key *keys, size_t key_count,
		       struct arena *arena, struct verified *ret_verified,
		       struct error *err)
{
	return verify_file(fd, name, signature, keys, key_count, arena, ret_verified,
			   err);
}

/* ---- checksums ------------------------------------------------------------------------- */

static bool is_digest(const char *text)
{
	enum { DIGITS = 128 };

	return strlen(text) == DIGITS && strspn(text, "0123456789abcdefABCDEF") == DIGITS;
}

/* wanted: 128 digits; "": those in the list, or any where there is none. */
static int sum_file(int fd, const char *name, const char *wanted, const char *list,
		    struct arena *arena, const char **ret_sha512, struct error *err)
{
	struct image_job job = { .task = IMAGE_TASK_VERIFY,
				 .socket = -1,
				 .input_fd = fd,
				 .sha512 = wanted,
				 .signature = list };
	const struct json_value *document = NULL;

	*err = (struct error){ .errnum = 0 };
	if (digest(&job, arena, &document, err) < 0 ||
	    json_get_text(document, "sha512", ret_sha512, err) != 0)
		return error_within(err, "verify %s", name);
	return 0;
}

int images_verify_sum(int fd, const char *name, const char *wanted, struct arena *arena,
		      const char **ret_sha512, struct error *err)
{
	if (is_digest(wanted))
		return sum_file(fd, name, wanted, NULL, arena, ret_sha512, err);
	return sum_file(fd, name, "", wanted, arena, ret_sha512, err);
}

int images_sha512(int fd, const char *name, struct arena *arena, const char **ret_sha512,
		  struct error *err)
{
	return sum_file(fd, name, "", NULL, arena, ret_sha512, err);
}

/* ---- what has to be ---------------------------------------------------------------------- */

static void say_insecure(const char *name, struct arena *arena)
{
	report_notes(arena_printf(arena, "%s was not verified (--insecure)",
				  printable(arena, name)));
}

/* 1: with these keys; 0: not at all; -1: it cannot be. */
static int find_keys(const char *name, const char *signature, bool insecure,
		     struct arena *arena, struct trust_key **ret_keys, size_t *ret_count,
		     struct error *err)
{
	if (insecure) {
		say_insecure(name, arena);
		return 0;
	}
	if (trust_find(name, arena, ret_keys, ret_count, err) < 0)
		return error_within(err, "verify %s", name);
	if (*ret_count > 0)
		return 1;
	if (!signature)
		return 0;
	error_set(err, ERROR_SIGNATURE, "verify %s: no trusted key covers it", name);
	return error_hint(err, "sbx trust add --prefix / KEY trusts KEY for all images");
}

static int complete(const struct trust_key *keys, struct error *err)
{
	if (err->id == ERROR_SIGNATURE && !err->hint[0])
		return error_hint(
			err, "the trusted keys for %s count; --insecure does without",
			keys[0].prefix);
	return -1;
}

/* On the index of a layout all else hangs by digests. */
const char *images_signed_file(const char *operand, struct arena *arena)
{
	const char *tag;
	const char *path = image_operand_path(operand, arena, &tag);
	enum image_kind kind;
	struct error ignored;

	if (image_recognize(operand, &kind, &ignored) == 0 && kind == IMAGE_LAYOUT)
		return arena_printf(arena, "%s/index.json", path);
	return path;
}

static int open_signed(const char *path, struct error *err)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	auto_close int fd =
		is_stdin ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (!is_stdin && (fd < 0 || fstat(fd, &status) < 0))
		return error_errno_id(err, ERROR_SOURCE_MISSING, "verify %s", path);
	if (is_stdin || !S_ISREG(status.st_mode))
		return error_set(err, ERROR_SIGNATURE,
				 "verify %s: it is no file, and can be read only once",
				 path);
	return fd_take(&fd);
}

/* As it was typed, but absolute: messages name it so, and signatures lie beside it. */
static const char *absolute_file(const char *path, struct arena *arena, struct error *err)
{
	return trust_name(path[0] == '/' ? path : arena_printf(arena, "./%s", path),
			  arena, err);
}

int images_verify(const char *operand, const char *name, const char *signature,
		  bool insecure, struct arena *arena, struct verified *ret_verified,
		  struct error *err)
{
	struct verified verified = { .signer = NULL };
	struct trust_key *keys = NULL;
	size_t count = 0;
	const int needed =
		find_keys(name, signature, insecure, arena, &keys, &count, err);
	auto_close int fd = -1;
	const char *path, *file;

	if (needed > 0) {
		path = images_signed_file(operand, arena);
		file = absolute_file(path, arena, err);
		fd = file ? open_signed(path, err) : -1;
		if (fd < 0)
			return -1;
		if (verify_file(fd, file, signature, keys, count, arena, &verified, err) <
		    0)
			return complete(keys, err);
	}
	if (needed >= 0)
		*ret_verified = verified;
	return needed < 0 ? -1 : 0;
}

int images_verify_fd(int fd, const char *name, const char *signature, bool insecure,
		     struct arena *arena, struct verified *ret_verified,
		     struct error *err)
{
	struct verified verified = { .signer = NULL };
	struct trust_key *keys = NULL;
	size_t count = 0;
	const int needed =
		find_keys(name, signature, insecure, arena, &keys, &count, err);

	if (needed > 0 &&
	    verify_file(fd, name, signature, keys, count, arena, &verified, err) < 0)
		return complete(keys, err);
	if (needed >= 0)
		*ret_verified = verified;
	return needed < 0 ? -1 : 0;
}
