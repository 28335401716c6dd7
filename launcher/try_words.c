/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of `sbx try`: its own options stand among those of `sbx run`, which are left to
 * the plan.
 */
#include "launcher/try.h"

#include "base/error.h"
#include "plan/plan.h"

#include <string.h>

struct reader {
	struct arena *arena;
	struct try_request *request;
	const char **words; /* for `sbx run` */
	size_t count;
	const char **names;
};

static int choose_end(struct reader *reader, enum try_end end, struct error *err)
{
	if (reader->request->end != TRY_ASK && reader->request->end != end)
		return error_set(err, ERROR_USAGE,
				 "use --commit, --discard and --keep together");
	reader->request->end = end;
	return 0;
}

/* Names of kept ones, where what follows is no option. Returns how many words there are. */
static size_t take_names(struct reader *reader, const char *const *words)
{
	size_t count = 0;

	for (; words[count] && words[count][0] != '-'; count++)
		reader->names[reader->request->name_count++] = words[count];
	return count;
}

struct own_option {
	const char *name;
	/* Returns how many words were used, or -1. operand: behind "=", or NULL. */
	int (*take)(struct reader *reader, const char *operand, const char *const *next,
		    struct error *err);
};

static int refuse_operand(const char *option, struct error *err)
{
	return error_set(err, ERROR_USAGE, "use --%s: it has no such operand", option);
}

static int take_show(struct reader *reader, bool *flag, const char *option,
		     const char *operand, const char *const *next, struct error *err)
{
	if (operand)
		return refuse_operand(option, err);
	*flag = true;
	return (int)take_names(reader, next) + 1;
}

static int take_list(struct reader *reader, const char *operand, const char *const *next,
		     struct error *err)
{
	return take_show(reader, &reader->request->list, "list", operand, next, err);
}

static int take_diff(struct reader *reader, const char *operand, const char *const *next,
		     struct error *err)
{
	return take_show(reader, &reader->request->diff, "diff", operand, next, err);
}

static int take_json(struct reader *reader, const char *operand, const char *const *next,
		     struct error *err)
{
	struct try_request *request = reader->request;

	if (operand)
		return refuse_operand("json", err);
	request->json = true;
	/* --list --json NAME */
	if (!request->list && !request->diff && request->end == TRY_ASK)
		return 1;
	return (int)take_names(reader, next) + 1;
}

static int take_commit(struct reader *reader, const char *operand,
		       const char *const *next, struct error *err)
{
	const bool always = operand && !strcmp(operand, "always");

	if (operand && !always) {
		refuse_operand("commit", err);
		return error_hint(err, "--commit, or --commit=always: also where the "
				       "command failed");
	}
	if (choose_end(reader, always ? TRY_COMMIT_ALWAYS : TRY_COMMIT, err) < 0)
		return -1;
	return (int)take_names(reader, next) + 1;
}

static int take_discard(struct reader *reader, const char *operand,
			const char *const *next, struct error *err)
{
	if (operand)
		return refuse_operand("discard", err);
	if (choose_end(reader, TRY_DISCARD, err) < 0)
		return -1;
	return (int)take_names(reader, next) + 1;
}

static int take_operand(const char *option, const char *operand, const char *const *next,
			const char **ret_operand, struct error *err)
{
	if (!operand && (!next[0] || !strcmp(next[0], "--")))
		return error_set(err, ERROR_USAGE, "use --%s: its operand is missing",
				 option);
	*ret_operand = operand ? operand : next[0];
	return operand ? 1 : 2;
}

static int take_keep(struct reader *reader, const char *operand, const char *const *next,
		     struct error *err)
{
	const int used = take_operand("keep", operand, next, &reader->request->keep, err);

	if (used < 0)
		return -1;
	if (!try_is_name(reader->request->keep)) {
		error_set(err, ERROR_USAGE, "use --keep: '%s' is no name",
			  reader->request->keep);
		return error_hint(err, "a name begins with a letter or digit and has "
				       "letters, digits, '.', '_' and '-'");
	}
	return used;
}

static int take_in(struct reader *reader, const char *operand, const char *const *next,
		   struct error *err)
{
	return take_operand("in", operand, next, &reader->request->in, err);
}

static const struct own_option own_options[] = {
	{ "list", take_list },       { "diff", take_diff }, { "commit", take_commit },
	{ "discard", take_discard }, { "keep", take_keep }, { "json", take_json },
	{ "in", take_in },
};

/* Returns how many words were used; 0: it is none of ours; -1: error. */
static int take_own(struct reader *reader, const char *const *words, struct error *err)
{
	if (strncmp(words[0], "--", 2) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(own_options) / sizeof(*own_options); i++) {
		const char *rest = words[0] + 2;
		const size_t length = strlen(own_options[i].name);

		if (strncmp(rest, own_options[i].name, length) != 0 ||
		    (rest[length] && rest[length] != '='))
			continue;
		return own_options[i].take(
			reader, rest[length] ? rest + length + 1 : NULL, words + 1, err);
	}
	return 0;
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int take_options(struct reader *reader, const char *const **words,
			struct error *err)
{
	const char *const *at = *words;

	for (size_t length = plan_option_length(at); length;
	     length = plan_option_length(at)) {
		int used = take_own(reader, at, err);

		if (used < 0)
			return -1;
		if (asks_for_help(at[0]))
			reader->request->help = true;
		for (size_t i = 0; used == 0 && i < length; i++)
			reader->words[reader->count++] = at[i];
		at += used ? (size_t)used : length;
	}
	*words = at;
	return 0;
}

static int check(const struct try_request *request, struct error *err)
{
	if (!request->name_count)
		return 0;
	if (request->has_words) {
		error_set(err, ERROR_USAGE,
			  "run anything: '%s' is taken for the name of a kept try",
			  request->names[0]);
		return error_hint(err,
				  "a command stands behind --: sbx try --commit -- make");
	}
	if (request->keep)
		return error_set(err, ERROR_USAGE, "keep %s under another name",
				 request->names[0]);
	return 0;
}

int try_read_words(const char *const *words, struct arena *arena,
		   struct try_request *ret_request, struct error *err)
{
	struct reader reader = { .arena = arena, .request = ret_request };
	size_t count = 0;

	*ret_request = (struct try_request){ .end = TRY_ASK };
	while (words[count])
		count++;
	reader.words = arena_alloc_array(arena, count + 2, sizeof(*reader.words));
	reader.names = arena_alloc_array(arena, count + 1, sizeof(*reader.names));
	ret_request->names = reader.names;
	/* What the configuration says of the current directory is for other runs. */
	reader.words[reader.count++] = "--cwd=cow";
	if (take_options(&reader, &words, err) < 0)
		return -1;
	ret_request->has_words = reader.count > 1 || words[0];
	while (*words)
		reader.words[reader.count++] = *words++;
	ret_request->words = reader.words;
	return check(ret_request, err);
}
