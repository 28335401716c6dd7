/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/command_words.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"
#include "launcher/report.h"

#include <string.h>
#include <unistd.h>

enum {
	FAILED = 125,
};

int complain(const struct error *err)
{
	report_error(err, false);
	return FAILED;
}

int refuse_words(const char *usage, const char *what, const char *word)
{
	struct error err;

	error_set(&err, ERROR_USAGE, "read the options: %s%s", what, word);
	error_hint(&err, "%s", usage);
	return complain(&err);
}

int say(const char *text)
{
	struct error err;

	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) == 0)
		return 0;
	error_errno(&err, "write to the standard output");
	return complain(&err);
}

int say_usage(const char *usage, const char *purpose)
{
	struct arena arena = { 0 };
	int status = say(arena_printf(&arena, "usage: %s\n\n%s\n", usage, purpose));

	arena_free(&arena);
	return status;
}

bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

const char *printable(struct arena *arena, const char *text)
{
	/* Each byte becomes at most four. */
	size_t size = strlen(text) * 4 + 1;

	return text_printable(arena_alloc(arena, size), size, text);
}
