/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx image`: which command, with which options. */
#include "launcher/commands_image.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "image/image.h"
#include "image/trust.h"
#include "launcher/command_words.h"
#include "launcher/commands.h"
#include "launcher/images.h"
#include "launcher/verify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	FAILED = 125,
	OPTIONS_MAX = 8,
};

static const struct subcommand {
	const char *name;
	int (*run)(struct image_request *request, struct error *err);
	size_t least, most; /* operands */
	const char *options[OPTIONS_MAX];
	const char *usage, *purpose;
} subcommands[] = {
	{ "list",
	  image_list,
	  0,
	  0,
	  { "--json" },
	  "sbx image list [--json]",
	  "Shows the images that are kept, the last used first." },
	{ "gc",
	  image_gc,
	  0,
	  0,
	  { "--max", "--older", "--all", "--dry-run" },
	  "sbx image gc [--max SIZE] [--older TIME] [--all] [--dry-run]",
	  "Removes what killed runs left behind; with --max the images that were not used "
	  "for the\nlongest time until the rest takes SIZE, with --older those not used "
	  "for TIME (7d), with\n--all every image that no sandbox uses. --dry-run only "
	  "tells." },
	{ "inspect",
	  image_inspect,
	  1,
	  1,
	  { "--json", "--tag", "--signature", "--insecure" },
	  "sbx image inspect ROOT [--tag TAG] [--json] [--signature FILE] [--insecure]",
	  "Shows what an image says of itself. ROOT is as for sbx run -R: a file, "
	  "oci:DIR[:TAG],\n- for the standard input." },
	{ "unpack",
	  image_unpack,
	  2,
	  2,
	  { "--squash-ids", "--tag", "--signature", "--insecure" },
	  "sbx image unpack ROOT DIR [--squash-ids] [--tag TAG] [--signature FILE] "
	  "[--insecure]",
	  "Writes the files of an image into DIR, which is made, or is empty, with the "
	  "ids that they\nhave in a sandbox; with --squash-ids all are yours." },
	{ "verify",
	  image_verify,
	  1,
	  1,
	  { "--signature", "--key", "--sha512" },
	  "sbx image verify FILE [--signature FILE] [--key KEY] [--sha512 "
	  "HEX|SUMFILE]",
	  "Says whether a trusted key, or the one in the file KEY, has signed FILE; or "
	  "whether its\nSHA-512 is HEX, or one of those in the list SUMFILE, whatever "
	  "name stands beside it.\nNothing else of FILE is read. - is the standard input." },
};

enum { SUBCOMMAND_COUNT = sizeof(subcommands) / sizeof(*subcommands) };

static const struct option {
	const char *name;
	bool has_operand;
	size_t offset;
} options[] = {
	{ "--json", false, offsetof(struct image_request, json) },
	{ "--all", false, offsetof(struct image_request, all) },
	{ "--dry-run", false, offsetof(struct image_request, dry_run) },
	{ "--squash-ids", false, offsetof(struct image_request, squash_ids) },
	{ "--insecure", false, offsetof(struct image_request, insecure) },
	{ "--max", true, offsetof(struct image_request, max) },
	{ "--older", true, offsetof(struct image_request, older) },
	{ "--tag", true, offsetof(struct image_request, tag) },
	{ "--signature", true, offsetof(struct image_request, signature) },
	{ "--sha512", true, offsetof(struct image_request, sha512) },
	{ "--key", true, offsetof(struct image_request, key) },
};

/* ---- words ----------------------------------------------------------------------------- */

static bool is_word(const char *name, const char *word, size_t length)
{
	return strncmp(name, word, length) == 0 && name[length] == '\0';
}

static const struct option *find_option(const struct subcommand *command,
					const char *word, size_t length)
{
	for (size_t i = 0; i < OPTIONS_MAX && command->options[i]; i++) {
		if (!is_word(command->options[i], word, length))
			continue;
		for (size_t j = 0; j < sizeof(options) / sizeof(*options); j++)
			if (strcmp(options[j].name, command->options[i]) == 0)
				return &options[j];
	}
	return NULL;
}

static int refuse_option(const struct subcommand *command, const char *word,
			 struct error *err)
{
	const char *names[OPTIONS_MAX + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < OPTIONS_MAX; i++)
		names[i] = command->options[i];
	nearest = text_nearest(word, names);
	error_set(err, ERROR_USAGE, "read the options: there is no option %s", word);
	return error_hint(err, "%s", nearest ? nearest : command->usage);
}

/* Returns how many words were used, or -1. */
static int take_option(struct image_request *request, const struct subcommand *command,
		       const char *const *words, struct error *err)
{
	const char *equals = strchr(words[0], '=');
	const size_t length = equals ? (size_t)(equals - words[0]) : strlen(words[0]);
	const struct option *option = find_option(command, words[0], length);
	const char *operand = equals ? equals + 1 : words[1];
	char *field = (char *)request;

	if (!option)
		return refuse_option(command, words[0], err);
	if (!option->has_operand && equals)
		return error_set(err, ERROR_USAGE, "use %s: it takes no operand",
				 option->name);
	if (option->has_operand && !operand) {
		error_set(err, ERROR_USAGE, "use %s: its operand is missing",
			  option->name);
		return error_hint(err, "%s", command->usage);
	}
	field += option->offset;
	if (option->has_operand)
		memcpy(field, &operand, sizeof(operand));
	else
		*(bool *)(void *)field = true;
	return option->has_operand && !equals ? 2 : 1;
}

static int take_operand(struct image_request *request, const struct subcommand *command,
			const char *word, struct error *err)
{
	if (request->count < command->most) {
		request->words[request->count++] = word;
		return 1;
	}
	error_set(err, ERROR_USAGE, "do sbx image %s: %s is one word too many",
		  command->name, word);
	return error_hint(err, "%s", command->usage);
}

static int take_words(struct image_request *request, const struct subcommand *command,
		      const char *const *words, struct error *err)
{
	bool only_operands = false;

	while (*words) {
		int used = 1;

		if (!only_operands && strcmp(*words, "--") == 0)
			only_operands = true;
		else if (!only_operands && is_option(*words))
			used = take_option(request, command, words, err);
		else
			used = take_operand(request, command, *words, err);
		if (used < 0)
			return -1;
		words += used;
	}
	if (request->count >= command->least)
		return 0;
	error_set(err, ERROR_USAGE, "do sbx image %s: a word is missing", command->name);
	return error_hint(err, "%s", command->usage);
}

/* ---- what they say --------------------------------------------------------------------- */

int image_say(const char *text, struct error *err)
{
	if (fd_write_all(STDOUT_FILENO, text, strlen(text)) < 0)
		return error_errno(err, "write to the standard output");
	return 0;
}

int image_say_json(struct json_value *document, struct arena *arena, struct error *err)
{
	return image_say(arena_printf(arena, "%s\n",
				      json_write(document, JSON_LAYOUT_LINE, arena)),
			 err);
}

const char *image_size_text(uint64_t bytes, struct arena *arena)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024)
		return arena_printf(arena, "%u B", (unsigned int)bytes);
	while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	return arena_printf(arena, "%.1f %s", value, units[unit]);
}

const char *image_time_text(int64_t seconds, struct arena *arena)
{
	const time_t time = (time_t)seconds;
	char text[40] = "";
	struct tm parts;

	if (gmtime_r(&time, &parts))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return arena_strdup(arena, text);
}

void image_put_text(struct json_value *object, const char *key, const char *text,
		    struct arena *arena)
{
	if (text)
		json_put_text(object, key, printable(arena, text));
	else
		json_put_null(object, key);
}

/* ---- trust ----------------------------------------------------------------------------- */

int image_verify_input(struct image_request *request, struct image_job *job,
		       struct error *err)
{
	struct arena *arena = &request->arena;
	const char *operand = request->words[0];
	const char *name = trust_name(operand, arena, err);
	struct verified verified = { .signer = NULL };
	int spool = -1;

	if (!name ||
	    images_verify_input(operand, name, request->signature, request->insecure,
				arena, &spool, &verified, err) < 0)
		return -1;
	job->expected = verified.blake2b;
	if (spool >= 0)
		job->input_fd = spool; /* until the process ends */
	return 0;
}

/* ---- the command ----------------------------------------------------------------------- */

static int say_overview(int fd)
{
	dprintf(fd, "usage: sbx image COMMAND\n\n");
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		dprintf(fd, "  %s\n", subcommands[i].usage);
	dprintf(fd, "\nsbx image COMMAND --help says more, man sbx-image all of it.\n");
	return fd == STDOUT_FILENO ? 0 : FAILED;
}

static int run(const struct subcommand *command, const char *const *words)
{
	struct image_request request = { .count = 0 };
	struct error err = { 0 };
	int failed;

	if (words[0] && asks_for_help(words[0]))
		return say_usage(command->usage, command->purpose);
	failed = take_words(&request, command, words, &err);
	if (!failed)
		failed = command->run(&request, &err);
	arena_free(&request.arena);
	return failed ? complain(&err) : 0;
}

int command_image(const char *const *words)
{
	const char *names[SUBCOMMAND_COUNT + 1] = { NULL };
	const char *nearest;
	struct error err;

	if (!words[0])
		return say_overview(STDERR_FILENO);
	if (asks_for_help(words[0]))
		return say_overview(STDOUT_FILENO);
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		names[i] = subcommands[i].name;
		if (strcmp(words[0], names[i]) == 0)
			return run(&subcommands[i], words + 1);
	}
	error_set(&err, ERROR_USAGE, "do 'image %s': there is no such command", words[0]);
	nearest = text_nearest(words[0], names);
	error_hint(&err, "sbx image %s", nearest ? nearest : "--help");
	return complain(&err);
}
