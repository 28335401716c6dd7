/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the commands of `sbx-oci`. Engines call runc and crun in the forms of two
 * libraries, so both are read: -x VALUE, -xVALUE, --long VALUE, --long=VALUE, -long VALUE,
 * --flag=false, and several letters behind one dash.
 */
#include "launcher/oci.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

struct word_reader {
	const char *const *words; /* the one that is read now */
	const struct oci_option *options;
	size_t count;
	const char *usage;
	struct arena *arena;
	struct error *err;
};

static int refuse(const struct word_reader *reader, const char *what, const char *word)
{
	error_set(reader->err, ERROR_USAGE, "read '%.100s': %s", word, what);
	reader->err->status = 1;
	return error_hint(reader->err, "usage: sbx-oci %s", reader->usage);
}

static void print_option(const struct oci_option *option)
{
	const char *value = option->takes_value ? " VALUE" : "";

	if (!option->help)
		return;
	if (option->letter)
		printf("  -%c, --%s%s\n", option->letter, option->name, value);
	else
		printf("      --%s%s\n", option->name, value);
	printf("          %s\n", option->help);
}

/* Whoever asked for help gets it, and the command has nothing more to do. */
static int answer_help(const struct word_reader *reader)
{
	printf("usage: sbx-oci %s\n", reader->usage);
	for (size_t i = 0; i < reader->count; i++)
		print_option(&reader->options[i]);
	error_set(reader->err, ERROR_NO_COMMAND, "go on: help was asked for");
	return -1;
}

static const struct oci_option *by_name(const struct word_reader *reader,
					const char *name, size_t length)
{
	for (size_t i = 0; i < reader->count; i++)
		if (strlen(reader->options[i].name) == length &&
		    strncmp(reader->options[i].name, name, length) == 0)
			return &reader->options[i];
	return NULL;
}

static const struct oci_option *by_letter(const struct word_reader *reader, char letter)
{
	for (size_t i = 0; i < reader->count; i++)
		if (reader->options[i].letter == letter)
			return &reader->options[i];
	return NULL;
}

static void add_value(const struct word_reader *reader, const struct oci_option *option,
		      const char *value)
{
	const char **list = *option->values;
	size_t count = 0;

	while (list && list[count])
		count++;
	list = arena_alloc_array(reader->arena, count + 2, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = (*option->values)[i];
	list[count] = value;
	*option->values = list;
}

/* value: what was given with the word itself; NULL: it stands in the next one. */
static int take_value(struct word_reader *reader, const struct oci_option *option,
		      const char *value)
{
	if (!value) {
		if (!reader->words[1])
			return refuse(reader, "a value has to follow", reader->words[0]);
		value = *++reader->words;
	}
	if (option->many)
		add_value(reader, option, value);
	else
		*option->value = value;
	return 0;
}

static int set_flag(const struct word_reader *reader, const struct oci_option *option,
		    const char *value)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*option->flag = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*option->flag = false;
	else
		return refuse(reader, "true or false may follow", reader->words[0]);
	return 0;
}

static int refuse_unknown(const struct word_reader *reader)
{
	const char *word = reader->words[0] + strspn(reader->words[0], "-");
	const char **names =
		arena_alloc_array(reader->arena, reader->count + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < reader->count; i++)
		names[i] = reader->options[i].name;
	nearest = text_nearest(arena_strndup(reader->arena, word, strcspn(word, "=")),
			       names);
	refuse(reader, "there is no such option", reader->words[0]);
	if (nearest)
		error_hint(reader->err, "did you mean --%s?", nearest);
	return -1;
}

/* -it, -b DIR, -bDIR: the last one may take a value. */
static int read_letters(struct word_reader *reader)
{
	const char *at = reader->words[0] + 1;

	for (; *at; at++) {
		const struct oci_option *option = by_letter(reader, *at);

		if (!option && *at == 'h')
			return answer_help(reader);
		if (!option)
			return refuse_unknown(reader);
		if (option->takes_value)
			return take_value(reader, option, at[1] ? at + 1 : NULL);
		if (set_flag(reader, option, NULL) < 0)
			return -1;
	}
	return 0;
}

static int read_option(struct word_reader *reader)
{
	const bool dashes = reader->words[0][1] == '-';
	const char *name = reader->words[0] + (dashes ? 2 : 1);
	const size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct oci_option *option = by_name(reader, name, length);

	if (option && option->takes_value)
		return take_value(reader, option, value);
	if (option)
		return set_flag(reader, option, value);
	if (length == 4 && strncmp(name, "help", length) == 0)
		return answer_help(reader);
	return dashes ? refuse_unknown(reader) : read_letters(reader);
}

int oci_read_words(const char *const **words, const struct oci_option *options,
		   size_t count, const char *usage, struct arena *arena,
		   struct error *err)
{
	struct word_reader reader = { *words, options, count, usage, arena, err };

	for (; reader.words[0]; reader.words++) {
		const char *word = reader.words[0];

		if (strcmp(word, "--") == 0) {
			reader.words++;
			break;
		}
		if (word[0] != '-' || !word[1])
			break;
		if (read_option(&reader) < 0)
			return -1;
	}
	*words = reader.words;
	return 0;
}

const char *oci_only_id(const char *const *words, const char *usage, struct error *err)
{
	if (words[0] && !words[1])
		return words[0];
	if (words[0])
		error_set(err, ERROR_USAGE, "read '%.100s': one container is enough",
			  words[1]);
	else
		error_set(err, ERROR_USAGE, "go on: the id of a container is missing");
	error_hint(err, "usage: sbx-oci %s", usage);
	return NULL;
}
