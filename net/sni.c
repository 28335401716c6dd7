/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a server would make of these bytes must not differ from what is made of them here,
 * or a name is shown to us and another one served. So this reader is strict: what servers
 * read in more than one way (a name twice, bytes behind the end, an empty record) is no TLS to it.
 */
#include "net/sni.h"

#include "net/names.h"
#include "net/rules_parts.h"

#include <stdbool.h>
#include <string.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HEADER = 5,
	RECORD_MAX = 16384, /* RFC 8446, 5.1 */
	HANDSHAKE_HEADER = 4,
	CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ESNI = 0xffce, /* before it was ECH */
	EXTENSION_ECH = 0xfe0d,  /* RFC 9849 */
	NAME_TYPE_HOST = 0,
	RANDOM_SIZE = 32,
	SESSION_ID_MAX = 32,
};

/* The rest of something that has a length. */
struct reader {
	const uint8_t *at;
	size_t left;
};

static bool take_number(struct reader *from, size_t bytes, size_t *ret_number)
{
	size_t number = 0;

	if (from->left < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | from->at[i];
	from->at += bytes;
	from->left -= bytes;
	*ret_number = number;
	return true;
}

static bool take_bytes(struct reader *from, size_t size, struct reader *ret_part)
{
	if (from->left < size)
		return false;
	*ret_part = (struct reader){ from->at, size };
	from->at += size;
	from->left -= size;
	return true;
}

/* A part with its length in front. */
static bool take_part(struct reader *from, size_t length_bytes, struct reader *ret_part)
{
	size_t size;

	return take_number(from, length_bytes, &size) && take_bytes(from, size, ret_part);
}

/* ---- records ---- */

/* The handshake's bytes, without the records that they came in. */
struct hello {
	uint8_t bytes[SNI_BYTES_MAX];
	size_t used;
	size_t promised; /* used, when the last record is whole */
};

/* The size of the whole message, once it is known; else 0. */
static size_t size_of(const struct hello *hello)
{
	const uint8_t *bytes = hello->bytes;

	if (hello->used < HANDSHAKE_HEADER)
		return 0;
	return HANDSHAKE_HEADER +
	       ((size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]);
}

static bool is_hello_so_far(const struct hello *hello)
{
	size_t size = size_of(hello);

	if (hello->used > 0 && hello->bytes[0] != CLIENT_HELLO)
		return false;
	if (size > SNI_BYTES_MAX)
		return false;
	/* Something behind it in one record with it: RFC 8446, 5.1 lets nothing be there. */
	return size == 0 || hello->promised <= size;
}

/* As much of a record's header as there is. */
static bool is_header_so_far(const struct reader *from)
{
	const uint8_t *at = from->at;

	if (from->left > 0 && at[0] != RECORD_HANDSHAKE)
		return false;
	if (from->left > 1 && at[1] != 3)
		return false;
	return from->left <= 2 || at[2] <= 4;
}

/* SNI_NAME: there was a record, whole or the beginning of one. */
static enum sni_answer add_record(struct reader *from, struct hello *hello)
{
	size_t header, length;
	struct reader part;

	if (!is_header_so_far(from))
		return SNI_NOT_TLS;
	if (from->left < RECORD_HEADER)
		return SNI_MORE;
	take_number(from, 3, &header);
	take_number(from, 2, &length);
	if (length == 0 || length > RECORD_MAX)
		return SNI_NOT_TLS;
	if (hello->used + length > sizeof(hello->bytes))
		return SNI_NOT_TLS;
	hello->promised = hello->used + length;
	take_bytes(from, length < from->left ? length : from->left, &part);
	memcpy(hello->bytes + hello->used, part.at, part.left);
	hello->used += part.left;
	return SNI_NAME;
}

/* SNI_NAME: it is whole. */
static enum sni_answer gather(struct reader *from, struct hello *hello)
{
	while (hello->used < HANDSHAKE_HEADER || hello->used < size_of(hello)) {
		enum sni_answer answer = add_record(from, hello);

		if (answer != SNI_NAME)
			return answer;
		if (!is_hello_so_far(hello))
			return SNI_NOT_TLS;
		if (hello->used < hello->promised)
			return SNI_MORE;
	}
	return SNI_NAME;
}

/* ---- the name ---- */

/* RFC 6066, 3: ASCII, no dot at the end (some clients send one), no address. */
static enum sni_answer read_host(const struct reader *host, char *ret_name)
{
	char name[NAME_TEXT_MAX];
	size_t length = host->left;

	if (length > 0 && host->at[length - 1] == '.')
		length--;
	if (length == 0 || length >= sizeof(name))
		return SNI_NOT_TLS;
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = host->at[i];

		if (byte == '\0')
			return SNI_NOT_TLS;
		name[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
	}
	name[length] = '\0';
	if (rules_name_error(name) || rules_name_is_address(name))
		return SNI_NOT_TLS;
	memcpy(ret_name, name, length + 1);
	return SNI_NAME;
}

static enum sni_answer read_server_name(struct reader extension, char *ret_name)
{
	struct reader list, host;
	size_t type;

	if (!take_part(&extension, 2, &list) || extension.left > 0)
		return SNI_NOT_TLS;
	if (!take_number(&list, 1, &type) || type != NAME_TYPE_HOST)
		return SNI_NOT_TLS;
	if (!take_part(&list, 2, &host) || list.left > 0)
		return SNI_NOT_TLS;
	return read_host(&host, ret_name);
}

/*
 * All of them are read, whatever stands in the first: a name in the clear is none where an
 * encrypted one is beside it. What is made up (GREASE, RFC 8701) has other types.
 */
static enum sni_answer read_extensions(struct reader extensions, char *ret_name)
{
	enum sni_answer answer = SNI_HIDDEN;
	bool is_encrypted = false, was_named = false;

	while (extensions.left > 0) {
		struct reader extension;
		size_t type;

		if (!take_number(&extensions, 2, &type) ||
		    !take_part(&extensions, 2, &extension))
			return SNI_NOT_TLS;
		if (type == EXTENSION_ECH || type == EXTENSION_ESNI)
			is_encrypted = true;
		if (type != EXTENSION_SERVER_NAME)
			continue;
		if (was_named)
			return SNI_NOT_TLS;
		was_named = true;
		answer = read_server_name(extension, ret_name);
		if (answer != SNI_NAME)
			return answer;
	}
	return is_encrypted ? SNI_HIDDEN : answer;
}

/* RFC 8446, 4.1.2, which is also what TLS 1.2 and before it send. */
static enum sni_answer read_hello(struct reader hello, char *ret_name)
{
	struct reader skipped, part;
	size_t version;

	if (!take_number(&hello, 2, &version) || version >> 8 != 3)
		return SNI_NOT_TLS;
	if (!take_bytes(&hello, RANDOM_SIZE, &skipped))
		return SNI_NOT_TLS;
	if (!take_part(&hello, 1, &part) || part.left > SESSION_ID_MAX)
		return SNI_NOT_TLS;
	if (!take_part(&hello, 2, &part) || part.left < 2 || part.left % 2 != 0)
		return SNI_NOT_TLS;
	if (!take_part(&hello, 1, &part) || part.left < 1)
		return SNI_NOT_TLS;
	if (hello.left == 0)
		return SNI_HIDDEN;
	if (!take_part(&hello, 2, &part) || hello.left > 0)
		return SNI_NOT_TLS;
	return read_extensions(part, ret_name);
}

enum sni_answer sni_find(const uint8_t *bytes, size_t size, char *ret_name)
{
	struct reader from = { bytes, size };
	char name[NAME_TEXT_MAX] = "";
	struct hello hello;
	enum sni_answer answer;

	hello.used = 0;
	hello.promised = 0;
	answer = gather(&from, &hello);
	if (answer == SNI_MORE && size >= SNI_BYTES_MAX)
		return SNI_NOT_TLS;
	if (answer != SNI_NAME)
		return answer;
	answer = read_hello((struct reader){ hello.bytes + HANDSHAKE_HEADER,
					     hello.used - HANDSHAKE_HEADER },
			    name);
	if (answer == SNI_NAME)
		memcpy(ret_name, name, strlen(name) + 1);
	return answer;
}
