/* SPDX-License-Identifier: Apache-2.0 */

/* The first bytes of a connection from anybody. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/names.h"
#include "net/sni.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *claim)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", claim);
	abort();
}

/* In memory of its own, so that a byte too far is seen. */
static enum sni_answer find(const uint8_t *data, size_t size, char *name)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	enum sni_answer answer;

	if (!bytes)
		abort();
	if (size > 0)
		memcpy(bytes, data, size);
	memset(name, 0x7f, NAME_TEXT_MAX);
	answer = sni_find(bytes, size, name);
	demand(answer == SNI_NAME || name[0] == 0x7f, "only a name is told");
	free(bytes);
	return answer;
}

static void check_name(const char *name)
{
	size_t length = strnlen(name, NAME_TEXT_MAX);

	demand(length > 0 && length < NAME_TEXT_MAX, "a name has the length of one");
	demand(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == length,
	       "a name has the bytes of one");
	demand(name[0] != '.' && name[length - 1] != '.',
	       "a name has no dot at its ends");
}

/* One message in records of one byte each is the same message. */
static void check_in_pieces(const uint8_t *data, size_t size, const char *expected)
{
	size_t length = (size_t)data[3] << 8 | data[4];
	uint8_t pieces[6 * 1024] = { 0 };
	char name[NAME_TEXT_MAX];

	if (size < 5 + length || length > sizeof(pieces) / 6)
		return;
	for (size_t i = 0; i < length; i++) {
		const uint8_t piece[6] = { 22, 3, 1, 0, 1, data[5 + i] };

		memcpy(pieces + 6 * i, piece, sizeof(piece));
	}
	if (find(pieces, 6 * length, name) == SNI_NAME)
		demand(strcmp(name, expected) == 0, "pieces are the whole");
	else
		demand(length < 4 + ((size_t)data[6] << 16 | (size_t)data[7] << 8 |
				     data[8]),
		       "pieces of the whole are TLS");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[NAME_TEXT_MAX], earlier_name[NAME_TEXT_MAX];
	enum sni_answer answer = find(data, size, name);
	size_t step = size / 64 + 1;

	demand(answer != SNI_MORE || size < SNI_BYTES_MAX, "there is an end to waiting");
	if (answer == SNI_NAME) {
		check_name(name);
		check_in_pieces(data, size, name);
	}
	for (size_t earlier = 0; earlier < size; earlier += step) {
		enum sni_answer before = find(data, earlier, earlier_name);

		if (before == SNI_MORE)
			continue;
		demand(before == answer, "what was answered stays so");
		demand(before != SNI_NAME || strcmp(name, earlier_name) == 0,
		       "a name stays the same");
	}
	return 0;
}
