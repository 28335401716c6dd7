/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The right half of a line: what is answered.
 *
 * Two readings of `EXPR; ACTION` are in use: minijail's manual page takes the action for
 * what is left over, its compiler's blocks and deny-lists for what matches. Here the first
 * holds for `; return`, as the manual says, and is written `; else` for every action; the
 * second holds in blocks, and under @denylist, where the first makes no sense.
 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum { BRANCHES_MAX = 256 };

struct branches {
	struct native_branch *list;
	size_t count;
};

static const struct action allow = { .kind = ACTION_ALLOW };

/* Most lines are one action, and most of them the same as before. */
static int add_plain(struct native_reader *reader, struct branches *branches,
		     struct action action)
{
	struct native_reading *all = reader->all;

	if (!all->plain || !action_is_same(all->plain->action, action)) {
		all->plain = arena_alloc(all->arena, sizeof(*all->plain));
		all->plain->action = action;
	}
	branches->list = all->plain;
	branches->count = 1;
	return 0;
}

static int add_branch(struct native_reader *reader, struct branches *branches,
		      const struct native_expr *expr, struct action action)
{
	if (branches->count >= BRANCHES_MAX) {
		error_set(reader->err, ERROR_POLICY, "a block has too many parts");
		error_hint(reader->err, "at most %d", BRANCHES_MAX);
		return native_at(reader, reader->at);
	}
	if (branches->count == 0 && !expr)
		return add_plain(reader, branches, action);
	branches->list = arena_grow(reader->all->arena, branches->list, branches->count,
				    sizeof(*branches->list));
	branches->list[branches->count].expr = expr;
	branches->list[branches->count++].action = action;
	return 0;
}

/* ---- one rule ---- */

/*
 * Whether an expression comes next; else *ret_word is read, which should be an action. What
 * is called like an action may still be an argument, if something compares it.
 */
static bool begins_expression(struct native_reader *reader, struct native_word *ret_word)
{
	const char *from;
	bool is_expression;

	native_skip(reader);
	from = reader->at;
	if (from < reader->end && (*from == '(' || *from == '!'))
		return true;
	*ret_word = native_word_with_dashes(reader);
	is_expression = ret_word->length > 0 &&
			(native_sees_operator(reader) ||
			 (ret_word->length == 4 && memcmp(from, "arg", 3) == 0));
	if (is_expression)
		reader->at = from;
	return is_expression;
}

static bool take_word(struct native_reader *reader, const char *text)
{
	const char *from = reader->at;

	if (native_word_is(native_word(reader), text))
		return true;
	reader->at = from;
	return false;
}

/* Behind the semicolon: what is answered where the expression does not hold. */
static int read_else(struct native_reader *reader, struct branches *branches)
{
	struct action action;
	const char *where;

	native_skip(reader);
	where = reader->at;
	if (take_word(reader, "else")) {
		if (native_action(reader, &action) < 0)
			return -1;
	} else if (take_word(reader, "return")) {
		if (native_return(reader, &action) < 0)
			return -1;
	} else if (native_is_done(reader)) {
		return native_expected(reader, "\"else\" and an action");
	} else {
		reader->at = where;
		if (native_action(reader, &action) < 0)
			return -1;
		error_set(reader->err, ERROR_POLICY,
			  "an action behind \";\" is not clear without \"else\"");
		error_hint(reader->err,
			   "EXPRESSION; else ACTION, or {EXPRESSION; ACTION} "
			   "for what matches");
		return native_at(reader, where);
	}
	return add_branch(reader, branches, NULL, action);
}

static int read_matching(struct native_reader *reader, struct branches *branches)
{
	struct action action = allow;
	const struct native_expr *expr = native_expr(reader);

	if (!expr)
		return -1;
	if (native_take(reader, ';') && native_action(reader, &action) < 0)
		return -1;
	return add_branch(reader, branches, expr, action);
}

static int read_single(struct native_reader *reader, struct branches *branches)
{
	struct native_word word = { 0 };
	struct action action;
	const struct native_expr *expr;

	if (!begins_expression(reader, &word)) {
		if (word.length == 0)
			return native_expected(reader, "an action or an expression");
		if (native_action_of(reader, word, &action) < 0)
			return -1;
		return add_branch(reader, branches, NULL, action);
	}
	if (reader->takes_matches)
		return read_matching(reader, branches);
	expr = native_expr(reader);
	if (!expr || add_branch(reader, branches, expr, allow) < 0)
		return -1;
	return native_take(reader, ';') ? read_else(reader, branches) : 0;
}

/* `{ EXPR; ACTION, EXPR, ACTION }`: the first that matches; without an action it allows. */
static int read_block(struct native_reader *reader, struct branches *branches)
{
	do {
		struct native_word word = { 0 };
		const char *where;
		struct action action;

		native_skip(reader);
		where = reader->at;
		if (branches->count > 0 && !branches->list[branches->count - 1].expr) {
			error_set(reader->err, ERROR_POLICY,
				  "nothing is left for this part of the block");
			return native_at(reader, where);
		}
		if (begins_expression(reader, &word)) {
			if (read_matching(reader, branches) < 0)
				return -1;
		} else if (native_action_of(reader, word, &action) < 0 ||
			   add_branch(reader, branches, NULL, action) < 0) {
			return -1;
		}
	} while (native_take(reader, ','));
	return native_take(reader, '}') ? 0 : native_expected(reader, "\",\" or \"}\"");
}

/* ---- what may follow ---- */

static int read_suffix(struct native_reader *reader, struct native_line *line)
{
	const char *where = reader->at;

	if (take_word(reader, "when") && !line->when) {
		native_skip(reader);
		line->when_text = reader->at;
		line->when = native_when(reader);
		if (!line->when)
			return -1;
		line->when_length = (size_t)(reader->at - line->when_text);
		return 0;
	}
	reader->at = where;
	if (take_word(reader, "explain") && !line->why) {
		line->why = native_quoted(reader);
		return line->why ? 0 : -1;
	}
	reader->at = where;
	native_expected(reader, "the end of the line, \"when\" or \"explain\"");
	if (where < reader->end && *where == ';')
		error_hint(reader->err, "an action is the whole rule");
	return -1;
}

static int read_rule(struct native_reader *reader, struct native_line *line)
{
	struct branches branches = { 0 };
	int result;

	native_skip(reader);
	line->rule = reader->at;
	result = native_take(reader, '{') ? read_block(reader, &branches)
					  : read_single(reader, &branches);
	if (result < 0)
		return -1;
	line->rule_length = (size_t)(reader->at - line->rule);
	line->branches = branches.list;
	line->branch_count = branches.count;
	line->matches = reader->takes_matches && *line->rule != '{' &&
			branches.count > 0 && branches.list[0].expr;
	line->decides = branches.count > 0 && !branches.list[branches.count - 1].expr;
	while (!native_is_done(reader)) {
		if (read_suffix(reader, line) < 0)
			return -1;
	}
	return 0;
}

/* From here on another line for these calls contradicts this one. */
static void close_calls(const struct native_reader *reader,
			const struct native_line *line)
{
	const struct native_level *level = reader->level;

	if (!line->decides || line->when)
		return;
	for (size_t i = reader->line_first; i < level->item_count; i++) {
		struct native_call *call = level->items[i]->call;

		call->closed |= level->items[i]->abis;
		call->closed_by = line;
	}
}

int native_line(struct native_reader *reader)
{
	struct native_line *line = arena_alloc(reader->all->arena, sizeof(*line));

	line->source.file = reader->text->name;
	line->source.line = reader->line;
	line->source.column = (unsigned int)(reader->at - reader->line_start) + 1;
	reader->line_first = reader->level->item_count;
	if (native_names(reader, line) < 0 || read_rule(reader, line) < 0)
		return -1;
	close_calls(reader, line);
	return 0;
}
