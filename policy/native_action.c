/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/native_reader.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

enum {
	ERRNO_MAX = 4095,  /* the kernel cuts larger ones: seccomp(2) */
	FAKE_MAX = 0x7fff, /* beyond it the program's data mean errors */
	DATA_MAX = 0xffff, /* SECCOMP_RET_DATA */
};

/* What stands in parentheses behind an action. */
enum operand { OPERAND_NONE, OPERAND_ERRNO, OPERAND_NUMBER, OPERAND_IF_ANY };

/* Our words first, then minijail's. */
static const struct action_row {
	const char word[12];
	unsigned char length;
	enum action_kind kind;
	enum operand operand;
} actions[] = {
	{ "allow", 5, ACTION_ALLOW, OPERAND_NONE },
	{ "errno", 5, ACTION_ERRNO, OPERAND_ERRNO },
	{ "fake", 4, ACTION_FAKE, OPERAND_NUMBER },
	{ "kill", 4, ACTION_KILL, OPERAND_NONE },
	{ "trap", 4, ACTION_TRAP, OPERAND_IF_ANY },
	{ "log", 3, ACTION_LOG, OPERAND_NONE },
	{ "notify", 6, ACTION_NOTIFY, OPERAND_NONE },
	{ "kill-process", 12, ACTION_KILL, OPERAND_NONE },
	{ "kill-thread", 11, ACTION_KILL_THREAD, OPERAND_NONE },
	{ "trace", 5, ACTION_TRACE, OPERAND_IF_ANY },
	{ "user-notify", 11, ACTION_NOTIFY, OPERAND_NONE },
	{ "1", 1, ACTION_ALLOW, OPERAND_NONE },
};

static const struct action_row *row_of(struct native_word word)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (word.length == actions[i].length &&
		    memcmp(word.text, actions[i].word, word.length) == 0)
			return &actions[i];
	}
	return NULL;
}

static const char *nearest_action(const char *word)
{
	static const char *const words[] = { "allow",       "errno",       "fake",
					     "kill",        "trap",        "log",
					     "notify",      "return",      "kill-process",
					     "kill-thread", "user-notify", "trace",
					     NULL };

	return text_nearest(word, words);
}

static int refuse_value(const struct native_reader *reader, const char *where,
			const char *what, unsigned int least, unsigned int most)
{
	error_set(reader->err, ERROR_POLICY, "%s is a number from %u to %u", what, least,
		  most);
	if (least > 0)
		error_hint(reader->err, "fake(0) lets a call succeed without doing it");
	return native_at(reader, where);
}

/* A policy has few errors, and each often. */
static int errno_of(struct native_reading *all, const char *name)
{
	struct native_errno *place;

	for (size_t i = 0; i < all->errno_count; i++) {
		if (strcmp(all->errnos[i].name, name) == 0)
			return all->errnos[i].number;
	}
	if (all->errno_count == NATIVE_ERRNOS || strlen(name) >= sizeof(place->name))
		return errno_by_name(name);
	place = &all->errnos[all->errno_count++];
	memcpy(place->name, name, strlen(name) + 1);
	place->number = errno_by_name(name);
	return place->number;
}

/* EPERM, or a number. */
static int read_errno(struct native_reader *reader, uint64_t *ret_value)
{
	const char *where;
	struct native_word word;
	char buffer[NATIVE_NAME_MAX + 1];
	int number;

	native_skip(reader);
	where = reader->at;
	if (where < reader->end && ((*where >= '0' && *where <= '9') || *where == '-'))
		return native_number(reader, ret_value);
	word = native_word(reader);
	if (word.length == 0)
		return native_expected(reader, "an error such as EPERM");
	number = errno_of(reader->all, native_word_text(word, buffer));
	if (number < 0) {
		error_set(reader->err, ERROR_POLICY, "no error is called \"%s\"", buffer);
		error_hint(reader->err, "errno(3) lists them; usual ones are EPERM, "
					"ENOSYS, EACCES and EAFNOSUPPORT");
		return native_at(reader, where);
	}
	*ret_value = (uint64_t)number;
	return 0;
}

static int fill_value(struct native_reader *reader, const struct action_row *row,
		      struct action *action)
{
	const char *where;
	uint64_t value = 0, least = 0, most = DATA_MAX;

	native_skip(reader);
	where = reader->at;
	if (row->operand == OPERAND_ERRNO) {
		if (read_errno(reader, &value) < 0)
			return -1;
		least = 1;
		most = ERRNO_MAX;
	} else if (native_number(reader, &value) < 0) {
		return -1;
	}
	if (row->operand == OPERAND_NUMBER)
		most = FAKE_MAX;
	if (value < least || value > most)
		return refuse_value(reader, where,
				    row->operand == OPERAND_ERRNO ? "an error"
								  : "what is returned",
				    (unsigned int)least, (unsigned int)most);
	action->value = (uint16_t)value;
	return 0;
}

int native_return(struct native_reader *reader, struct action *ret_action)
{
	const char *where;
	uint64_t value = 0;

	native_skip(reader);
	where = reader->at;
	if (read_errno(reader, &value) < 0)
		return -1;
	if (value > ERRNO_MAX)
		return refuse_value(reader, where, "an error", 0, ERRNO_MAX);
	ret_action->kind = value ? ACTION_ERRNO : ACTION_FAKE;
	ret_action->value = (uint16_t)value;
	return 0;
}

static int refuse_action(struct native_reader *reader, struct native_word word)
{
	char buffer[NATIVE_NAME_MAX + 1];
	const char *nearest;

	if (word.length == 0)
		return native_expected(reader, "an action");
	nearest = nearest_action(native_word_text(word, buffer));
	error_set(reader->err, ERROR_POLICY, "no action is called \"%s\"", buffer);
	if (nearest)
		error_hint(reader->err, "the nearest is %s", nearest);
	else
		error_hint(reader->err, "actions are allow, errno(EPERM), fake(0), kill, "
					"trap, log and notify");
	return native_at(reader, word.text);
}

int native_action(struct native_reader *reader, struct action *ret_action)
{
	return native_action_of(reader, native_word_with_dashes(reader), ret_action);
}

int native_action_of(struct native_reader *reader, struct native_word word,
		     struct action *ret_action)
{
	const struct action_row *row = row_of(word);
	struct action action = { .kind = ACTION_ALLOW };

	if (native_word_is(word, "return"))
		return native_return(reader, ret_action);
	if (!row)
		return refuse_action(reader, word);
	action.kind = row->kind;
	if (row->operand != OPERAND_NONE) {
		if (native_take(reader, '(')) {
			if (fill_value(reader, row, &action) < 0)
				return -1;
			if (!native_take(reader, ')'))
				return native_expected(reader, "\")\"");
		} else if (row->operand != OPERAND_IF_ANY) {
			return native_expected(reader, row->operand == OPERAND_ERRNO
							       ? "an error: (EPERM)"
							       : "a number: (0)");
		}
	}
	*ret_action = action;
	return 0;
}
