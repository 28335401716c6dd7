/* SPDX-License-Identifier: Apache-2.0 */
/* `sbx trust`: whose signatures count for which images. */
#include "launcher/commands.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "image/trust.h"
#include "launcher/command_words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 125 };

struct request {
	struct arena arena;
	const char *prefix, *word; /* NULL: not given */
	bool json;
};

/* ---- what they do ---------------------------------------------------------------------- */

static int trust_add_one(struct request *request, struct error *err)
{
	struct trust_key key;

	if (!request->prefix || !request->word) {
		error_set(err, ERROR_USAGE, "trust a key: %s",
			  request->word ? "for which images is not said"
					: "its file is not named");
		return error_hint(err,
				  "sbx trust add --prefix PREFIX KEY; the prefix / is "
				  "all images");
	}
	if (trust_add(request->prefix, request->word, &request->arena, &key, err) < 0)
		return -1;
	return say(arena_printf(&request->arena, "trusted for %s: %s key %s\n",
				printable(&request->arena, key.prefix),
				trust_scheme_name(key.scheme), key.id));
}

static const char *as_json(const struct trust_key *keys, size_t count,
			   struct arena *arena)
{
	struct json_value *object = json_make_object(arena);
	struct json_value *list;

	json_put_integer(object, "version", 1);
	list = json_put_array(object, "keys");
	for (size_t i = 0; i < count; i++) {
		struct json_value *key = json_put_object(list, NULL);

		json_put_text(key, "prefix", printable(arena, keys[i].prefix));
		json_put_text(key, "id", keys[i].id);
		json_put_text(key, "kind", trust_scheme_name(keys[i].scheme));
		json_put_text(key, "key", keys[i].signer);
		json_put_text(key, "file", printable(arena, keys[i].path));
		json_put_bool(key, "system", keys[i].from_etc);
	}
	return arena_printf(arena, "%s\n", json_write(object, JSON_LAYOUT_LINE, arena));
}

static const char *as_table(const struct trust_key *keys, size_t count,
			    struct arena *arena)
{
	const char *text = arena_printf(arena, "%-8s  %-40s  %-6s  %s\n", "KIND", "KEY",
					"WHOSE", "PREFIX");

	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s%-8s  %-40s  %-6s  %s\n", text,
				    trust_scheme_name(keys[i].scheme), keys[i].id,
				    keys[i].from_etc ? "/etc" : "yours",
				    printable(arena, keys[i].prefix));
	return text;
}

static int trust_list_all(struct request *request, struct error *err)
{
	struct trust_key *keys;
	size_t count;

	if (trust_list(&request->arena, &keys, &count, err) < 0)
		return -1;
	return say(request->json ? as_json(keys, count, &request->arena)
				 : as_table(keys, count, &request->arena));
}

static int trust_remove_some(struct request *request, struct error *err)
{
	if (!request->prefix) {
		error_set(err, ERROR_USAGE,
			  "trust a key no longer: for which images is not said");
		return error_hint(err, "sbx trust remove --prefix PREFIX [KEY-ID]");
	}
	return trust_remove(request->prefix, request->word, err);
}

static const struct subcommand {
	const char *name;
	int (*run)(struct request *request, struct error *err);
	bool has_prefix, has_word, has_json;
	const char *usage, *purpose;
} subcommands[] = {
	{ "add", trust_add_one, true, true, false, "sbx trust add --prefix PREFIX KEY",
	  "From now on images whose path begins with PREFIX must be signed by the key in the\n"
	  "file KEY, or by another one that is trusted there. The prefix / is all images." },
	{ "list", trust_list_all, false, false, true, "sbx trust list [--json]",
	  "Prints the trusted keys, yours and those of /etc/sbx/trust.d." },
	{ "remove", trust_remove_some, true, true, false,
	  "sbx trust remove --prefix PREFIX [KEY-ID]",
	  "No longer trusts the key, or any key of yours, for PREFIX." },
};

enum { SUBCOMMAND_COUNT = sizeof(subcommands) / sizeof(*subcommands) };

/* ---- words ----------------------------------------------------------------------------- */

static int refuse(const struct subcommand *command, const char *what, const char *word,
		  struct error *err)
{
	error_set(err, ERROR_USAGE, "read the options: %s%s", what, word);
	return error_hint(err, "%s", command->usage);
}

/* Returns how many words were used, or -1. */
static int take_word(struct request *request, const struct subcommand *command,
		     const char *const *words, struct error *err)
{
	if (command->has_prefix && text_starts_with(words[0], "--prefix=")) {
		request->prefix = words[0] + strlen("--prefix=");
		return 1;
	}
	if (command->has_prefix && strcmp(words[0], "--prefix") == 0) {
		if (!words[1])
			return refuse(command, "--prefix needs a PREFIX", "", err);
		request->prefix = words[1];
		return 2;
	}
	if (command->has_json && strcmp(words[0], "--json") == 0) {
		request->json = true;
		return 1;
	}
	if (is_option(words[0]))
		return refuse(command, "unknown option ", words[0], err);
	if (!command->has_word || request->word)
		return refuse(command, "one word too many: ", words[0], err);
	request->word = words[0];
	return 1;
}

static int take_words(struct request *request, const struct subcommand *command,
		      const char *const *words, struct error *err)
{
	while (*words) {
		const int used = take_word(request, command, words, err);

		if (used < 0)
			return -1;
		words += used;
	}
	return 0;
}

/* ---- the command ----------------------------------------------------------------------- */

static int say_overview(int fd)
{
	dprintf(fd, "usage: sbx trust COMMAND\n\n");
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		dprintf(fd, "  %s\n", subcommands[i].usage);
	dprintf(fd, "\nsbx trust COMMAND --help says more, man sbx-trust all of it.\n");
	return fd == STDOUT_FILENO ? 0 : FAILED;
}

static int run(const struct subcommand *command, const char *const *words)
{
	struct request request = { .prefix = NULL };
	struct error err = { 0 };
	int status;

	if (words[0] && asks_for_help(words[0]))
		return say_usage(command->usage, command->purpose);
	status = take_words(&request, command, words, &err);
	if (status == 0)
		status = command->run(&request, &err);
	arena_free(&request.arena);
	return status < 0 ? complain(&err) : status;
}

int command_trust(const char *const *words)
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
	error_set(&err, ERROR_USAGE, "do 'trust %s': there is no such command", words[0]);
	nearest = text_nearest(words[0], names);
	error_hint(&err, "sbx trust %s", nearest ? nearest : "--help");
	return complain(&err);
}
