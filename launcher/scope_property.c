/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/scope_property.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 80, TEXT_MAX = 4096, LETTERS_MIN = 3 };

/* What is left to read, and the type that the last word of it named; 0: none. */
struct reader {
	const char *at;
	int type;     /* a letter */
	bool seconds; /* numbers are given in seconds, and go as microseconds */
};

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t");
}

/* ---- types ------------------------------------------------------------------------------ */

static const struct {
	const char *word;
	unsigned char type;
} types[] = {
	{ "boolean", 'b' }, { "byte", 'y' },   { "int16", 'n' },      { "uint16", 'q' },
	{ "int32", 'i' },   { "uint32", 'u' }, { "int64", 'x' },      { "uint64", 't' },
	{ "string", 's' },  { "double", 'd' }, { "objectpath", 'o' }, { "@b", 'b' },
	{ "@y", 'y' },      { "@n", 'n' },     { "@q", 'q' },         { "@i", 'i' },
	{ "@u", 'u' },      { "@x", 'x' },     { "@t", 't' },         { "@s", 's' },
	{ "@d", 'd' },
};

/* "uint64 5": takes the type off. */
static void read_type(struct reader *reader)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const size_t length = strlen(types[i].word);

		if (strncmp(reader->at, types[i].word, length) != 0 ||
		    reader->at[length] != ' ')
			continue;
		reader->at += length;
		reader->type = types[i].type;
		skip_blanks(reader);
		return;
	}
}

/* What a value without a type is. */
static int guess_type(const struct reader *reader)
{
	if (*reader->at == '\'' || *reader->at == '"')
		return 's';
	if (strncmp(reader->at, "true", 4) == 0 || strncmp(reader->at, "false", 5) == 0)
		return 'b';
	return reader->seconds ? 't' : 'i';
}

/* ---- values ----------------------------------------------------------------------------- */

static int read_quoted(struct reader *reader, char text[TEXT_MAX])
{
	const char quote = *reader->at++;
	size_t length = 0;

	if (quote != '\'' && quote != '"')
		return -EINVAL;
	while (*reader->at && *reader->at != quote) {
		if (*reader->at == '\\' && reader->at[1])
			reader->at++;
		if (length + 1 >= TEXT_MAX)
			return -EINVAL;
		text[length++] = *reader->at++;
	}
	text[length] = '\0';
	return *reader->at++ == quote ? 0 : -EINVAL;
}

static int append_text(sd_bus_message *message, struct reader *reader, int type)
{
	char text[TEXT_MAX];
	const int failed = read_quoted(reader, text);

	return failed < 0 ? failed
			  : sd_bus_message_append_basic(message, (char)type, text);
}

static int append_boolean(sd_bus_message *message, struct reader *reader)
{
	const bool value = strncmp(reader->at, "true", 4) == 0;
	const int word = value;

	if (!value && strncmp(reader->at, "false", 5) != 0)
		return -EINVAL;
	reader->at += value ? 4 : 5;
	return sd_bus_message_append_basic(message, 'b', &word);
}

static int append_double(sd_bus_message *message, struct reader *reader)
{
	char *end;
	const double value = strtod(reader->at, &end);
	const uint64_t microseconds = value < 0 ? 0 : (uint64_t)(value * 1000000);

	if (end == reader->at)
		return -EINVAL;
	reader->at = end;
	if (reader->seconds)
		return sd_bus_message_append_basic(message, 't', &microseconds);
	return sd_bus_message_append_basic(message, 'd', &value);
}

static int append_negative(sd_bus_message *message, int type, int64_t value)
{
	const int16_t small = (int16_t)value;
	const int32_t middle = (int32_t)value;

	if (type == 'n' && small == value)
		return sd_bus_message_append_basic(message, (char)type, &small);
	if (type == 'i' && middle == value)
		return sd_bus_message_append_basic(message, (char)type, &middle);
	return type == 'x' ? sd_bus_message_append_basic(message, (char)type, &value)
			   : -EINVAL;
}

static int append_whole(sd_bus_message *message, int type, uint64_t value)
{
	const uint8_t byte = (uint8_t)value;
	const uint16_t small = (uint16_t)value;
	const uint32_t middle = (uint32_t)value;

	if (type == 'y' && byte == value)
		return sd_bus_message_append_basic(message, (char)type, &byte);
	if (type == 'q' && small == value)
		return sd_bus_message_append_basic(message, (char)type, &small);
	if (type == 'u' && middle == value)
		return sd_bus_message_append_basic(message, (char)type, &middle);
	if (type == 't')
		return sd_bus_message_append_basic(message, (char)type, &value);
	return value > INT64_MAX ? -EINVAL
				 : append_negative(message, type, (int64_t)value);
}

static int append_number(sd_bus_message *message, struct reader *reader, int type)
{
	const bool negative = *reader->at == '-';
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(reader->at + negative, &end, 0);
	if (errno || end == reader->at + negative || (negative && value > INT64_MAX))
		return -EINVAL;
	reader->at = end;
	if (negative)
		return append_negative(message, type, -(int64_t)value);
	if (reader->seconds && value > UINT64_MAX / 1000000)
		return -EINVAL;
	return append_whole(message, reader->seconds ? 't' : type,
			    reader->seconds ? value * 1000000 : value);
}

static int append_basic(sd_bus_message *message, struct reader *reader, int type)
{
	switch (type) {
	case 's':
	case 'o':
		return append_text(message, reader, type);
	case 'b':
		return append_boolean(message, reader);
	case 'd':
		return append_double(message, reader);
	default:
		return append_number(message, reader, type);
	}
}

/* ---- variants --------------------------------------------------------------------------- */

static int append_elements(sd_bus_message *message, struct reader *reader, int type)
{
	int failed = 0;

	while (failed >= 0 && *reader->at != ']') {
		failed = append_basic(message, reader, type);
		skip_blanks(reader);
		if (failed >= 0 && *reader->at != ',' && *reader->at != ']')
			return -EINVAL;
		if (*reader->at == ',')
			reader->at++;
		skip_blanks(reader);
	}
	reader->at += failed >= 0;
	return failed;
}

static int append_array(sd_bus_message *message, struct reader *reader)
{
	char inner[2] = { 0 }, whole[3] = { 'a' };
	int type;
	int failed;

	reader->at++;
	skip_blanks(reader);
	read_type(reader);
	type = reader->type ? reader->type : guess_type(reader);
	inner[0] = whole[1] = (char)type;
	failed = sd_bus_message_open_container(message, 'v', whole);
	if (failed >= 0)
		failed = sd_bus_message_open_container(message, 'a', inner);
	if (failed >= 0)
		failed = append_elements(message, reader, type);
	if (failed >= 0)
		failed = sd_bus_message_close_container(message);
	return failed < 0 ? failed : sd_bus_message_close_container(message);
}

static int append_plain(sd_bus_message *message, struct reader *reader)
{
	char type[2] = { 0 };
	int failed;

	read_type(reader);
	type[0] = (char)(reader->type ? reader->type : guess_type(reader));
	/* Seconds go as microseconds, whatever they were. */
	failed = sd_bus_message_open_container(
		message, 'v', reader->seconds && type[0] != 's' ? "t" : type);
	if (failed >= 0)
		failed = append_basic(message, reader, type[0]);
	return failed < 0 ? failed : sd_bus_message_close_container(message);
}

static int append_variant(sd_bus_message *message, struct reader *reader)
{
	int failed;

	/* "@as []" */
	if (reader->at[0] == '@' && reader->at[1] == 'a' && reader->at[2]) {
		reader->type = (unsigned char)reader->at[2];
		reader->at += 3;
		skip_blanks(reader);
		if (*reader->at != '[')
			return -EINVAL;
	}
	failed = *reader->at == '[' ? append_array(message, reader)
				    : append_plain(message, reader);
	skip_blanks(reader);
	return failed >= 0 && *reader->at ? -EINVAL : failed;
}

/* ---- properties ------------------------------------------------------------------------- */

static int read_name(const char *word, char name[NAME_MAX_BYTES], bool *ret_seconds)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const size_t length = strspn(word, letters);

	if (length < LETTERS_MIN || length + 2 > NAME_MAX_BYTES || word[length] != '=')
		return -EINVAL;
	memcpy(name, word, length);
	name[length] = '\0';
	*ret_seconds = length > 4 && strcmp(name + length - 3, "Sec") == 0 &&
		       name[length - 4] != 'U';
	if (*ret_seconds)
		memcpy(name + length - 3, "USec", sizeof("USec"));
	return 0;
}

int scope_property_append(sd_bus_message *message, const char *word)
{
	char name[NAME_MAX_BYTES];
	struct reader reader = { 0 };
	int failed = read_name(word, name, &reader.seconds);

	if (failed < 0)
		return failed;
	reader.at = strchr(word, '=') + 1;
	skip_blanks(&reader);
	failed = sd_bus_message_open_container(message, 'r', "sv");
	if (failed >= 0)
		failed = sd_bus_message_append_basic(message, 's', name);
	if (failed >= 0)
		failed = append_variant(message, &reader);
	return failed < 0 ? failed : sd_bus_message_close_container(message);
}
