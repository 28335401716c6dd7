/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Expressions over arguments: `||` over `&&` over comparisons. What the kernel looks at 32
 * bits of is compared on 32 bits whatever it is called, so a value must fit there: one
 * that does not is a mistake of who wrote it.
 */
#include "policy/native_reader.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { ARGUMENTS = 6, TERMS_MAX = 8192 };

#define LOW_BITS ((uint64_t)0xffffffff)

struct terms {
	const struct native_expr **list;
	size_t count;
};

static const struct native_expr *read_or(struct native_reader *reader, size_t depth);

/* ---- values ---- */

static int read_value(struct native_reader *reader, size_t depth, uint64_t *ret_value);

static int refuse_constant(struct native_reader *reader, struct native_word word)
{
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest = constant_nearest(native_word_text(word, buffer));

	error_set(reader->err, ERROR_POLICY, "no constant is called \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s; a number does as well",
			   nearest);
	else
		error_hint(reader->err, "a number does as well: 0x5412");
	return native_at(reader, word.text);
}

static int read_constant(struct native_reader *reader, uint64_t *ret_value)
{
	struct native_word word = native_word(reader);
	char buffer[NATIVE_NAME_MAX + 1];

	if (word.length == 0)
		return native_expected(reader, "a number or a constant");
	if (word.length > NATIVE_NAME_MAX ||
	    constant_value(native_word_text(word, buffer), ret_value) < 0)
		return refuse_constant(reader, word);
	return 0;
}

static int too_deep(const struct native_reader *reader)
{
	error_set(reader->err, ERROR_POLICY, "parentheses are nested too deeply");
	error_hint(reader->err, "at most %d", NATIVE_NESTING_MAX);
	return native_at(reader, reader->at);
}

static int read_parentheses(struct native_reader *reader, size_t depth,
			    uint64_t *ret_value)
{
	if (depth >= NATIVE_NESTING_MAX)
		return too_deep(reader);
	if (read_value(reader, depth + 1, ret_value) < 0)
		return -1;
	return native_take(reader, ')') ? 0 : native_expected(reader, "\")\"");
}

static int read_atom(struct native_reader *reader, size_t depth, uint64_t *ret_value)
{
	if (native_take(reader, '('))
		return read_parentheses(reader, depth, ret_value);
	if (reader->at < reader->end &&
	    ((*reader->at >= '0' && *reader->at <= '9') || *reader->at == '-'))
		return native_number(reader, ret_value);
	return read_constant(reader, ret_value);
}

static int read_term(struct native_reader *reader, size_t depth, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool invert = false;

	while (native_take(reader, '~'))
		invert = !invert;
	if (read_atom(reader, depth, &value) < 0)
		return -1;
	*ret_value = invert ? ~value : value;
	return 0;
}

static bool takes_single(struct native_reader *reader, char letter)
{
	native_skip(reader);
	if (reader->at >= reader->end || *reader->at != letter ||
	    (reader->at + 1 < reader->end && reader->at[1] == letter))
		return false;
	reader->at++;
	return true;
}

static int read_value(struct native_reader *reader, size_t depth, uint64_t *ret_value)
{
	uint64_t value = 0, more = 0;

	if (read_term(reader, depth, &value) < 0)
		return -1;
	while (takes_single(reader, '|')) {
		if (read_term(reader, depth, &more) < 0)
			return -1;
		value |= more;
	}
	*ret_value = value;
	return 0;
}

/* ---- arguments ---- */

int native_argument(const struct native_expr *expr, const char *call)
{
	const struct argument *arguments;
	size_t count;

	if (!expr->name)
		return expr->index;
	arguments = call_arguments(call, &count);
	for (size_t i = 0; arguments && i < count; i++) {
		if (strcmp(arguments[i].name, expr->name) == 0)
			return (int)i;
	}
	return -1;
}

static int refuse_argument(struct native_reader *reader, const char *call,
			   const char *name, const char *where)
{
	const char *names[ARGUMENTS + 1] = { 0 };
	char list[160] = "";
	size_t count = 0, used = 0;
	const struct argument *arguments = call_arguments(call, &count);
	const char *nearest;

	for (size_t i = 0; arguments && i < count && i < ARGUMENTS; i++) {
		names[i] = arguments[i].name;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 i > 0 ? ", " : "", names[i]);
	}
	nearest = text_nearest(name, names);
	error_set(reader->err, ERROR_POLICY, "%s has no argument \"%.32s\"", call, name);
	if (nearest)
		error_hint(reader->err, "the nearest is %s; %s has %s", nearest, call,
			   list);
	else if (used > 0)
		error_hint(reader->err, "%s has %s; arg0 to arg5 are any call's", call,
			   list);
	else
		error_hint(reader->err, "arg0 to arg5 are any call's");
	return native_at(reader, where);
}

/* "arg3", or a name that is looked up for each call of the line. */
static int read_argument(struct native_reader *reader, struct native_expr *expr)
{
	struct native_word word = native_word(reader);

	if (word.length == 0)
		return native_expected(reader, "an argument");
	if (word.length == 4 && memcmp(word.text, "arg", 3) == 0) {
		expr->index = (uint8_t)(word.text[3] - '0');
		if (expr->index < ARGUMENTS)
			return 0;
		error_set(reader->err, ERROR_POLICY, "\"%.4s\" is no argument",
			  word.text);
		error_hint(reader->err, "arguments are arg0 to arg5");
		return native_at(reader, word.text);
	}
	if (word.length > NATIVE_NAME_MAX)
		word.length = NATIVE_NAME_MAX;
	expr->name = arena_strndup(reader->all->arena, word.text, word.length);
	return 0;
}

/* Numbers of 32 bits, and negative or inverted ones. */
static bool fits_narrowly(uint64_t value)
{
	return value >> 32 == 0 || value >> 32 == LOW_BITS;
}

static int refuse_width(struct native_reader *reader, const char *call, size_t index,
			const char *where)
{
	size_t count = 0;
	const struct argument *arguments = call_arguments(call, &count);

	error_set(reader->err, ERROR_POLICY, "the value has more than 32 bits");
	error_hint(reader->err, "the kernel looks at 32 bits of %s's argument %s", call,
		   arguments && index < count ? arguments[index].name : "");
	return native_at(reader, where);
}

/* Each call of the line has the argument, and its width holds the value. */
static int check_test(struct native_reader *reader, const struct native_expr *expr,
		      const char *where, const char *value_where)
{
	const struct native_level *level = reader->level;

	for (size_t i = reader->line_first; i < level->item_count; i++) {
		const char *call = level->items[i]->call->name;
		int index = native_argument(expr, call);
		const struct argument *arguments;
		size_t count = 0;

		if (index < 0)
			return refuse_argument(reader, call, expr->name, where);
		arguments = call_arguments(call, &count);
		if (!arguments || (size_t)index >= count || arguments[index].wide)
			continue;
		if (!fits_narrowly(expr->value) || !fits_narrowly(expr->mask))
			return refuse_width(reader, call, (size_t)index, value_where);
	}
	reader->all->tests += level->item_count - reader->line_first;
	if (reader->all->tests <= NATIVE_TESTS_MAX)
		return 0;
	error_set(reader->err, ERROR_POLICY, "the policy compares too much");
	error_hint(reader->err, "no program of 4096 instructions can hold it");
	return native_at(reader, where);
}

/* ---- trees ---- */

static struct native_expr *new_expr(struct native_reader *reader,
				    const struct native_expr *model)
{
	struct native_expr *expr = arena_alloc(reader->all->arena, sizeof(*expr));

	*expr = *model;
	return expr;
}

static int add_term(struct native_reader *reader, struct terms *terms,
		    const struct native_expr *term)
{
	if (terms->count >= TERMS_MAX) {
		error_set(reader->err, ERROR_POLICY, "an expression has too many parts");
		error_hint(reader->err, "at most %d", TERMS_MAX);
		return native_at(reader, reader->at);
	}
	terms->list = arena_grow(reader->all->arena, terms->list, terms->count,
				 sizeof(struct native_expr *));
	terms->list[terms->count++] = term;
	return 0;
}

/* A balanced tree, so that whoever walks it needs little stack. */
static const struct native_expr *join(struct native_reader *reader,
				      enum condition_kind kind,
				      const struct native_expr *const *list, size_t count)
{
	struct native_expr *expr;

	if (count == 1)
		return list[0];
	expr = arena_alloc(reader->all->arena, sizeof(*expr));
	expr->kind = kind;
	expr->left = join(reader, kind, list, count / 2);
	expr->right = join(reader, kind, list + count / 2, count - count / 2);
	return expr;
}

static enum test_op opposite(enum test_op op)
{
	static const enum test_op opposites[] = {
		[TEST_EQ] = TEST_NE, [TEST_NE] = TEST_EQ, [TEST_LT] = TEST_GE,
		[TEST_LE] = TEST_GT, [TEST_GT] = TEST_LE, [TEST_GE] = TEST_LT,
	};

	return opposites[op];
}

static const struct native_expr *negate(struct native_reader *reader,
					const struct native_expr *expr)
{
	struct native_expr *negated = new_expr(reader, expr);

	if (expr->kind == CONDITION_TEST) {
		negated->op = opposite(expr->op);
		return negated;
	}
	negated->kind = expr->kind == CONDITION_AND ? CONDITION_OR : CONDITION_AND;
	negated->left = negate(reader, expr->left);
	negated->right = negate(reader, expr->right);
	return negated;
}

/* ---- comparisons ---- */

static const struct {
	char text[3];
	enum test_op op;
} operators[] = {
	{ "==", TEST_EQ }, { "!=", TEST_NE }, { "<=", TEST_LE },
	{ ">=", TEST_GE }, { "<", TEST_LT },  { ">", TEST_GT },
};

bool native_take_operator(struct native_reader *reader, enum test_op *ret_op)
{
	native_skip(reader);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t length = strlen(operators[i].text);

		if ((size_t)(reader->end - reader->at) < length ||
		    memcmp(reader->at, operators[i].text, length) != 0)
			continue;
		reader->at += length;
		*ret_op = operators[i].op;
		return true;
	}
	return false;
}

static bool take_in(struct native_reader *reader)
{
	const char *at;

	native_skip(reader);
	at = reader->at;
	if (native_word_is(native_word(reader), "in"))
		return true;
	reader->at = at;
	return false;
}

bool native_sees_operator(struct native_reader *reader)
{
	const char *at;
	enum test_op op;
	bool sees;

	native_skip(reader);
	at = reader->at;
	if (at >= reader->end || !strchr("=!<>&i", *at))
		return false;
	sees = native_take_operator(reader, &op) || takes_single(reader, '&') ||
	       take_in(reader);

	reader->at = at;
	return sees;
}

/* Behind `in {`. */
static const struct native_expr *read_set(struct native_reader *reader,
					  const struct native_expr *argument,
					  const char *where)
{
	struct terms terms = { 0 };

	do {
		struct native_expr *test = new_expr(reader, argument);
		const char *value_where;

		native_skip(reader);
		value_where = reader->at;
		test->mask = UINT64_MAX;
		test->op = TEST_EQ;
		if (read_value(reader, 0, &test->value) < 0 ||
		    check_test(reader, test, where, value_where) < 0 ||
		    add_term(reader, &terms, test) < 0)
			return NULL;
	} while (native_take(reader, ','));
	if (!native_take(reader, '}')) {
		native_expected(reader, "\",\" or \"}\"");
		return NULL;
	}
	return join(reader, CONDITION_OR, terms.list, terms.count);
}

/* `in MASK`: no bits outside of the mask. */
static int read_in_mask(struct native_reader *reader, struct native_expr *test)
{
	uint64_t allowed = 0;

	if (read_value(reader, 0, &allowed) < 0)
		return -1;
	test->mask = ~allowed;
	test->op = TEST_EQ;
	test->value = 0;
	return 0;
}

/* `& MASK`: some of these bits. */
static int read_bits(struct native_reader *reader, struct native_expr *test)
{
	enum test_op op;

	if (read_value(reader, 0, &test->mask) < 0)
		return -1;
	test->op = TEST_NE;
	test->value = 0;
	if (!native_take_operator(reader, &op))
		return 0;
	error_set(reader->err, ERROR_POLICY, "a comparison behind \"&\" is not clear");
	error_hint(reader->err, "write (argument & MASK) == VALUE");
	return native_at(reader, reader->at);
}

static const struct native_expr *read_test(struct native_reader *reader)
{
	struct native_expr test = { .kind = CONDITION_TEST, .mask = UINT64_MAX };
	const char *where, *value_where;
	int result;

	native_skip(reader);
	where = reader->at;
	if (read_argument(reader, &test) < 0)
		return NULL;
	value_where = reader->at;
	if (native_take_operator(reader, &test.op)) {
		native_skip(reader);
		value_where = reader->at;
		result = read_value(reader, 0, &test.value);
	} else if (takes_single(reader, '&')) {
		result = read_bits(reader, &test);
	} else if (take_in(reader)) {
		if (native_take(reader, '{'))
			return read_set(reader, &test, where);
		result = read_in_mask(reader, &test);
	} else {
		native_expected(reader, "a comparison: == != < <= > >= & in");
		return NULL;
	}
	if (result < 0 || check_test(reader, &test, where, value_where) < 0)
		return NULL;
	return new_expr(reader, &test);
}

/*
 * `(argument & MASK) op VALUE`, at standing behind the parenthesis. 1: it is one; 0: it is
 * something else, and nothing was read; -1: the error is set.
 */
static int read_masked(struct native_reader *reader, const struct native_expr **ret_expr)
{
	const char *from = reader->at, *where, *value_where;
	struct native_expr test = { .kind = CONDITION_TEST };

	native_skip(reader);
	where = reader->at;
	if (native_word(reader).length == 0 || !takes_single(reader, '&')) {
		reader->at = from;
		return 0;
	}
	reader->at = where;
	if (read_argument(reader, &test) < 0)
		return -1;
	native_take(reader, '&');
	if (read_value(reader, 0, &test.mask) < 0)
		return -1;
	if (!native_take(reader, ')') || !native_take_operator(reader, &test.op)) {
		reader->at = from;
		return 0;
	}
	native_skip(reader);
	value_where = reader->at;
	if (read_value(reader, 0, &test.value) < 0 ||
	    check_test(reader, &test, where, value_where) < 0)
		return -1;
	*ret_expr = new_expr(reader, &test);
	return 1;
}

static const struct native_expr *read_group(struct native_reader *reader, size_t depth)
{
	const struct native_expr *expr;

	if (depth >= NATIVE_NESTING_MAX) {
		too_deep(reader);
		return NULL;
	}
	expr = read_or(reader, depth + 1);
	if (expr && !native_take(reader, ')')) {
		native_expected(reader, "\")\"");
		return NULL;
	}
	return expr;
}

static const struct native_expr *read_unary(struct native_reader *reader, size_t depth)
{
	const struct native_expr *expr = NULL;
	bool negated = false;
	int is_masked;

	while (native_take(reader, '!'))
		negated = !negated;
	if (negated || native_take(reader, '(')) {
		if (negated && !native_take(reader, '(')) {
			native_expected(reader, "\"(\" behind \"!\"");
			return NULL;
		}
		is_masked = negated ? 0 : read_masked(reader, &expr);
		if (is_masked == 0)
			expr = read_group(reader, depth);
		return expr && negated ? negate(reader, expr) : expr;
	}
	return read_test(reader);
}

static const struct native_expr *read_and(struct native_reader *reader, size_t depth)
{
	struct terms terms = { 0 };

	do {
		const struct native_expr *term = read_unary(reader, depth);

		if (!term || add_term(reader, &terms, term) < 0)
			return NULL;
	} while (native_take_pair(reader, "&&"));
	return join(reader, CONDITION_AND, terms.list, terms.count);
}

static const struct native_expr *read_or(struct native_reader *reader, size_t depth)
{
	struct terms terms = { 0 };

	do {
		const struct native_expr *term = read_and(reader, depth);

		if (!term || add_term(reader, &terms, term) < 0)
			return NULL;
	} while (native_take_pair(reader, "||"));
	return join(reader, CONDITION_OR, terms.list, terms.count);
}

const struct native_expr *native_expr(struct native_reader *reader)
{
	return read_or(reader, 0);
}
