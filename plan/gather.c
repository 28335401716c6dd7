/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the command line, and the rule of precedence. Every source is first taken
 * down as a list of options; only then is it known which of them hold, and the setters of
 * those are called.
 */
#include "base/error.h"
#include "base/text.h"
#include "plan/internal.h"

#include <string.h>

static const struct place command_line = { "command line", NULL };

static void add_given(struct gatherer *gatherer, const struct given *given)
{
	gatherer->given = arena_grow(&gatherer->draft->plan.arena, gatherer->given,
				     gatherer->count, sizeof(*given));
	gatherer->given[gatherer->count++] = *given;
}

static const char *dashes_of(enum level level)
{
	return level == LEVEL_COMMAND_LINE ? "--" : "";
}

static int refuse_operand(const struct given *given, const char *why, struct error *err)
{
	return error_set(err, ERROR_USAGE, "use %s%s: %s", dashes_of(given->level),
			 given->name, why);
}

static int refuse_unknown(const char *dashes, const char *name, struct error *err)
{
	const char *nearest = option_nearest(name);

	if (nearest)
		error_set(err, ERROR_USAGE, "use %s%.80s: no such option (nearest: %s%s)",
			  dashes, name, dashes, nearest);
	else
		error_set(err, ERROR_USAGE, "use %s%.80s: no such option", dashes, name);
	return error_hint(err, "`sbx run --help all` lists every option");
}

/* Flags take no operand, but `--rm=true` is what users of other tools write. */
static int read_flag(struct given *given, struct error *err)
{
	const char *operand = given->operand;

	given->operand = NULL;
	if (!operand || !strcmp(operand, "true"))
		return 0;
	if (strcmp(operand, "false") != 0 || given->negated)
		return refuse_operand(given, "it takes no operand", err);
	given->negated = true;
	return 0;
}

static int check_operand(struct given *given, struct error *err)
{
	const struct option_row *row = given->row;

	if (option_is_flag(row))
		return read_flag(given, err);
	if (given->negated && given->operand)
		return refuse_operand(given, "it takes no operand", err);
	if (given->negated)
		return 0;
	if (given->operand && !given->operand[0] && !(row->flags & OPTION_EMPTY))
		return refuse_operand(given, "the operand is empty", err);
	if (!given->operand && row->need == OPERAND_NEEDED)
		return error_set(err, ERROR_USAGE, "use %s%s: it needs %s",
				 dashes_of(given->level), given->name, row->operand);
	return 0;
}

static int take_option(struct gatherer *gatherer, struct given *given,
		       const struct place *place, struct error *err)
{
	given->level = gatherer->level;
	given->from = place->from;
	given->base = place->base;
	if (check_operand(given, err) < 0)
		return -1;
	add_given(gatherer, given);
	return 0;
}

int gather_option(struct gatherer *gatherer, const char *name, const char *operand,
		  const struct place *place, struct error *err)
{
	struct given given = { .name = name, .operand = operand };

	given.row = option_find(name, &given.negated);
	if (!given.row)
		return refuse_unknown(dashes_of(gatherer->level), name, err);
	if (gatherer->level != LEVEL_COMMAND_LINE &&
	    (given.row->flags & OPTION_COMMAND_LINE))
		return error_set(err, ERROR_CONFIG,
				 "use %s: it is for the command line only", name);
	return take_option(gatherer, &given, place, err);
}

/* ---- words ---- */

/* Whether the word that follows belongs to the option, which has none of its own yet. */
static bool takes_next(const struct option_row *row, bool negated, const char *next)
{
	if (!next || negated)
		return false;
	if (row->set == set_help)
		return next[0] != '-';
	return row->need == OPERAND_NEEDED;
}

/* Both return how many words were used, or -1. */
static int take_long(struct gatherer *gatherer, const char *const *words,
		     struct error *err)
{
	const char *text = words[0] + 2;
	size_t length = strcspn(text, "=");
	const char *name = arena_strndup(&gatherer->draft->plan.arena, text, length);
	const char *operand = text[length] ? text + length + 1 : NULL;
	bool negated;
	const struct option_row *row = option_find(name, &negated);
	bool next = row && !operand && takes_next(row, negated, words[1]);

	if (gather_option(gatherer, name, next ? words[1] : operand, &command_line, err) <
	    0)
		return -1;
	return next ? 2 : 1;
}

static int refuse_letter(char letter, const char *word, struct error *err)
{
	const char *nearest = option_nearest(word + strspn(word, "-"));

	if (nearest && strlen(word) > 2)
		return error_set(err, ERROR_USAGE,
				 "use -%c of %.80s: no such option (nearest: --%s)",
				 letter, word, nearest);
	if (word[2])
		error_set(err, ERROR_USAGE, "use -%c of %.80s: no such option", letter,
			  word);
	else
		error_set(err, ERROR_USAGE, "use %s: no such option", word);
	return error_hint(err, "`sbx run --help all` lists every option");
}

/*
 * One letter of a bundle; rest is what stands behind it, next the following word. Returns
 * how many words were used, 0 where the bundle goes on, or -1.
 */
static int take_letter(struct gatherer *gatherer, const struct option_row *row,
		       const char *rest, const char *next, struct error *err)
{
	struct given given = { .row = row, .name = row->name };
	bool equals = rest[0] == '=';
	int used = 0;

	if (equals || (rest[0] && row->need == OPERAND_NEEDED)) {
		given.operand = rest + equals;
		used = 1;
	} else if (!rest[0] && takes_next(row, false, next)) {
		given.operand = next;
		used = 2;
	}
	if (take_option(gatherer, &given, &command_line, err) < 0)
		return -1;
	return used;
}

static int take_letters(struct gatherer *gatherer, const char *const *words,
			struct error *err)
{
	for (const char *at = words[0] + 1; *at; at++) {
		const struct option_row *row = option_find_letter(*at);
		int used;

		if (!row)
			return refuse_letter(*at, words[0], err);
		used = take_letter(gatherer, row, at + 1, words[1], err);
		if (used != 0)
			return used;
	}
	return 1;
}

static size_t long_length(const char *const *words)
{
	const char *text = words[0] + 2;
	const size_t length = strcspn(text, "=");
	char name[64];
	bool negated;
	const struct option_row *row;

	if (text[length] || length >= sizeof(name))
		return 1;
	memcpy(name, text, length + 1);
	row = option_find(name, &negated);
	return row && takes_next(row, negated, words[1]) ? 2 : 1;
}

static size_t letters_length(const char *const *words)
{
	for (const char *at = words[0] + 1; *at; at++) {
		const struct option_row *row = option_find_letter(*at);

		if (!row || at[1] == '=')
			return 1;
		if (!at[1])
			return takes_next(row, false, words[1]) ? 2 : 1;
		if (row->need == OPERAND_NEEDED)
			return 1;
	}
	return 1;
}

size_t plan_option_length(const char *const *words)
{
	if (!words[0] || words[0][0] != '-' || !words[0][1] || !strcmp(words[0], "--"))
		return 0;
	return words[0][1] == '-' ? long_length(words) : letters_length(words);
}

static bool asks_for_help(const struct gatherer *gatherer)
{
	return gatherer->count &&
	       gatherer->given[gatherer->count - 1].row->set == set_help;
}

int gather_words(struct gatherer *gatherer, const char *const *words, struct error *err)
{
	while (words[0] && words[0][0] == '-' && words[0][1]) {
		int used;

		if (!strcmp(words[0], "--")) {
			words++;
			break;
		}
		used = words[0][1] == '-' ? take_long(gatherer, words, err)
					  : take_letters(gatherer, words, err);
		if (used < 0)
			return -1;
		words += used;
		if (asks_for_help(gatherer))
			break;
	}
	gatherer->draft->command = words;
	return 0;
}

/* ---- precedence ---- */

/* no-NAME takes what lower sources and its own source before it have given. */
static bool is_emptied(const struct draft *draft, size_t index)
{
	const struct given *given = &draft->given[index];

	for (size_t i = 0; i < draft->given_count; i++) {
		const struct given *other = &draft->given[i];

		if (!other->negated || other->row != given->row)
			continue;
		if (other->level < given->level ||
		    (other->level == given->level && i > index))
			return true;
	}
	return false;
}

static bool is_outranked(const struct draft *draft, size_t index)
{
	const struct given *given = &draft->given[index];

	for (size_t i = 0; i < draft->given_count; i++) {
		if (draft->given[i].row == given->row &&
		    draft->given[i].level < given->level)
			return true;
	}
	return false;
}

bool given_holds(const struct draft *draft, size_t index)
{
	const struct given *given = &draft->given[index];

	if (given->row->merge == MERGE_SCALAR)
		return true;
	if (given->negated || is_emptied(draft, index))
		return false;
	return given->row->merge != MERGE_WHOLE || !is_outranked(draft, index);
}

static int apply(struct draft *draft, const struct given *given, struct error *err)
{
	if (given->row->set(draft, given, err) == 0)
		return 0;
	if (given->from == command_line.from)
		return error_within(err, "use --%s", given->name);
	if (err->id == ERROR_USAGE)
		err->id = ERROR_CONFIG;
	return error_within(err, "use %s: %s", given->from, given->name);
}

/*
 * Scalars and keyed lists are set from the lowest source to the highest, so that the
 * highest stays, and a bad value is found wherever it stands.
 */
static int apply_upwards(struct draft *draft, struct error *err)
{
	for (int level = LEVEL_COUNT - 1; level >= 0; level--) {
		for (size_t i = 0; i < draft->given_count; i++) {
			const struct given *given = &draft->given[i];

			if ((int)given->level != level ||
			    given->row->merge == MERGE_APPEND || !given_holds(draft, i))
				continue;
			if (apply(draft, given, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Ordered lists keep the order in which they were gathered, the highest source first. */
static int apply_lists(struct draft *draft, struct error *err)
{
	for (size_t i = 0; i < draft->given_count; i++) {
		if (draft->given[i].row->merge == MERGE_APPEND && given_holds(draft, i) &&
		    apply(draft, &draft->given[i], err) < 0)
			return -1;
	}
	return 0;
}

static bool is_last_scalar(const struct draft *draft, size_t index)
{
	const struct given *given = &draft->given[index];

	if (is_outranked(draft, index))
		return false;
	for (size_t i = index + 1; i < draft->given_count; i++) {
		if (draft->given[i].row == given->row &&
		    draft->given[i].level == given->level)
			return false;
	}
	return true;
}

static void note_origins(struct draft *draft)
{
	struct plan_origin *origins = arena_alloc_array(
		&draft->plan.arena, draft->given_count + 1, sizeof(*origins));
	size_t count = 0;

	for (size_t i = 0; i < draft->given_count; i++) {
		const struct given *given = &draft->given[i];

		if (!given_holds(draft, i) ||
		    (given->row->merge == MERGE_SCALAR && !is_last_scalar(draft, i)))
			continue;
		origins[count].option = given->row->name;
		origins[count].value = given->negated   ? "off"
				       : given->operand ? given->operand
							: "on";
		origins[count++].from = given->from;
	}
	draft->plan.origins = origins;
	draft->plan.origin_count = count;
}

int apply_givens(struct draft *draft, struct error *err)
{
	if (apply_upwards(draft, err) < 0 || apply_lists(draft, err) < 0)
		return -1;
	note_origins(draft);
	return 0;
}
