/* SPDX-License-Identifier: Apache-2.0 */
#include "image/keys.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	ALGORITHM_SIZE = 2,
	KEY_SIZE = ALGORITHM_SIZE + KEY_NUMBER_SIZE + KEY_POINT_SIZE,
	SIGNATURE_LINE_SIZE = 74
};

static const char comment_mark[] = "untrusted comment:";

void key_number_text(const unsigned char number[KEY_NUMBER_SIZE],
		     char ret_text[KEY_ID_SIZE])
{
	for (size_t i = 0; i < KEY_NUMBER_SIZE; i++)
		snprintf(ret_text + 2 * i, 3, "%02X", number[KEY_NUMBER_SIZE - 1 - i]);
}

/* ---- minisign and signify -------------------------------------------------------------- */

/* "Ed", the number, the point. */
static int take_key(const char *line, size_t length, struct public_key *key,
		    struct error *err)
{
	/* A secret key is longer, and is to be called what it is. */
	unsigned char bytes[256];
	const ssize_t size = base64_decode(line, length, bytes, sizeof(bytes));

	if (size < 0)
		return error_set(err, ERROR_SIGNATURE,
				 "there is something else than base64 in it");
	if (size == SIGNATURE_LINE_SIZE)
		return error_set(err, ERROR_SIGNATURE,
				 "it is a signature, not a public key");
	if (size != KEY_SIZE || memcmp(bytes, "Ed", ALGORITHM_SIZE) != 0)
		return error_set(err, ERROR_SIGNATURE,
				 size > KEY_SIZE
					 ? "it is no public key, but a secret one perhaps"
					 : "it is no public key");
	memcpy(key->number, bytes + ALGORITHM_SIZE, KEY_NUMBER_SIZE);
	memcpy(key->point, bytes + ALGORITHM_SIZE + KEY_NUMBER_SIZE, KEY_POINT_SIZE);
	key_number_text(key->number, key->id);
	base64_encode(bytes, KEY_SIZE, key->signer);
	return 0;
}

static bool has_word(const char *line, size_t length, const char *word)
{
	const size_t size = strlen(word);

	for (size_t i = 0; i + size <= length; i++)
		if (memcmp(line + i, word, size) == 0)
			return true;
	return false;
}

/* Without a comment, or with minisign's own, it is a key of minisign. */
static int parse_ed25519(const char *text, size_t length, struct public_key *key,
			 struct error *err)
{
	const char *at = text;
	const char *const end = text + length;
	size_t line_length = 0;
	const char *line = line_take(&at, end, &line_length);

	key->scheme = TRUST_MINISIGN;
	if (line && line_length >= strlen(comment_mark) &&
	    memcmp(line, comment_mark, strlen(comment_mark)) == 0) {
		if (!has_word(line, line_length, "minisign"))
			key->scheme = TRUST_SIGNIFY;
		line = line_take(&at, end, &line_length);
	}
	if (!line || line_length == 0)
		return error_set(err, ERROR_SIGNATURE, "there is no key in it");
	if (take_key(line, line_length, key, err) < 0)
		return -1;
	if (!is_blank(at, end))
		return error_set(err, ERROR_SIGNATURE,
				 "there is something behind the key");
	return 0;
}

/* ---- OpenPGP --------------------------------------------------------------------------- */

static bool is_armored(const char *text, size_t length)
{
	return has_word(text, length, "-----BEGIN PGP ");
}

static int parse_openpgp(const char *bytes, size_t length, struct arena *arena,
			 struct public_key *key, struct error *err)
{
	unsigned char *packets = (unsigned char *)(uintptr_t)bytes;
	size_t size = length;

	key->scheme = TRUST_OPENPGP;
	if (is_armored(bytes, length) && !((unsigned char)bytes[0] & 0x80) &&
	    armor_remove(bytes, length, "PUBLIC KEY BLOCK", arena, &packets, &size, err) <
		    0)
		return -1;
	if (openpgp_key_id(packets, size, arena, key->id, err) < 0)
		return -1;
	snprintf(key->signer, sizeof(key->signer), "%s", key->id);
	key->packets = packets;
	key->packets_size = size;
	return 0;
}

/* ---- files ----------------------------------------------------------------------------- */

int public_key_parse(const char *bytes, size_t length, struct arena *arena,
		     struct public_key *ret_key, struct error *err)
{
	struct public_key key = { 0 };
	int parsed;

	if (length == 0)
		return error_set(err, ERROR_SIGNATURE, "it is empty");
	parsed = ((unsigned char)bytes[0] & 0x80) || is_armored(bytes, length)
			 ? parse_openpgp(bytes, length, arena, &key, err)
			 : parse_ed25519(bytes, length, &key, err);
	if (parsed == 0)
		*ret_key = key;
	return parsed;
}

/* Not blocking: opening a FIFO must not wait for anybody. */
char *key_file_read(const char *path, size_t max, struct arena *arena, size_t *ret_length,
		    struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	char *text;

	if (fd < 0 || fstat(fd, &status) < 0) {
		error_errno_id(err, ERROR_SIGNATURE, "read %s", path);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		error_set(err, ERROR_SIGNATURE, "read %s: it is no regular file", path);
		return NULL;
	}
	text = files_read_all(arena, fd, max, ret_length);
	if (!text && errno == EFBIG)
		error_set(err, ERROR_SIGNATURE, "read %s: it is too large for what it is",
			  path);
	else if (!text)
		error_errno_id(err, ERROR_SIGNATURE, "read %s", path);
	return text;
}

int public_key_read(const char *path, struct arena *arena, struct public_key *ret_key,
		    struct error *err)
{
	size_t length;
	const char *text = key_file_read(path, KEY_FILE_MAX, arena, &length, err);

	if (!text)
		return error_within(err, "use a key");
	if (public_key_parse(text, length, arena, ret_key, err) < 0)
		return error_within(err, "use the key %s", path);
	return 0;
}
