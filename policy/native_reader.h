/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_NATIVE_READER_H
#define SBX_POLICY_NATIVE_READER_H

/*
 * Reading the native format: a recursive descent over the bytes of a text, without tokens
 * in between. Every function leaves the reader behind what it read, and fails with an
 * error that names FILE:LINE:COLUMN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/native.h"
#include "policy/places.h"

struct arena;
struct error;

enum { CALL_PLACES = 1024, HASH_PLACES = 256 };

enum native_section { SECTION_SECCOMP, SECTION_CAPS, SECTION_LANDLOCK, SECTION_LIMITS };

enum { NATIVE_ERRNOS = 8 };

struct native_errno {
	char name[20];
	int number;
};

/* What the files of one policy share. */
struct native_reading {
	struct arena *arena;
	const struct profile_places *places;
	struct native_policy *policy;
	struct native_call *by_number[CALL_PLACES]; /* of the native ABI */
	struct native_call *by_hash[HASH_PLACES];   /* the others */
	size_t files, bytes, items, tests;
	struct profile_setting *settings;
	const char **notes;
	struct native_errno errnos[NATIVE_ERRNOS]; /* looked up already */
	size_t errno_count;
	struct native_branch *plain; /* the last one without an expression */
};

struct native_reader {
	const char *at, *end, *start;
	const char *line_start, *line_end; /* of the statement's first line */
	unsigned int line;
	const struct policy_text *text;
	const struct native_reader *outer; /* includes or extends this file */
	size_t depth;
	bool is_included;
	bool saw_statement, saw_rule;
	bool takes_matches; /* @denylist: an action is for what matches */
	size_t line_first;  /* item of the level: the first of the present line */
	enum native_section section;
	struct native_level *level;
	struct native_reading *all;
	struct error *err;
};

/* A word in the text. */
struct native_word {
	const char *text;
	size_t length;
};

/* ---- native_words.c ---- */

/* Puts FILE:LINE:COLUMN of a place in front of the error. Returns -1. */
int native_at(const struct native_reader *reader, const char *where);

/* "expected …, found …" here. Returns -1. */
int native_expected(const struct native_reader *reader, const char *what);

/* Passes blanks and continued ends of lines. */
void native_skip_slowly(struct native_reader *reader);

static inline void native_skip(struct native_reader *reader)
{
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
	if (reader->at < reader->end &&
	    (*reader->at == '\\' || *reader->at == '\t' || *reader->at == '\r'))
		native_skip_slowly(reader);
}

/* Whether nothing but a comment is left of the statement. */
static inline bool native_is_done(struct native_reader *reader)
{
	native_skip(reader);
	return reader->at >= reader->end || *reader->at == '\n' || *reader->at == '#';
}

/* Passes blanks, then the letter or not. */
static inline bool native_take(struct native_reader *reader, char letter)
{
	native_skip(reader);
	if (reader->at >= reader->end || *reader->at != letter)
		return false;
	reader->at++;
	return true;
}

bool native_take_pair(struct native_reader *reader, const char *pair);

/* Letters, digits and _, behind blanks; length 0: there is none. With dashes also -. */
struct native_word native_word(struct native_reader *reader);
struct native_word native_word_with_dashes(struct native_reader *reader);
bool native_word_is(struct native_word word, const char *text);

/* A word for a look-up; cut where it is longer than any name. Returns buffer. */
const char *native_word_text(struct native_word word, char buffer[NATIVE_NAME_MAX + 1]);

/* A number in decimal, 0x… or 0…; a minus makes it negative in 64 bits. */
int native_number(struct native_reader *reader, uint64_t *ret_value);

/* "text" with \" and \\ inside. NULL: the error is set. */
const char *native_quoted(struct native_reader *reader);

/* Up to the end of the statement or a comment, quoted or not, never empty. */
const char *native_operand(struct native_reader *reader, const char *what);

/* ---- native_action.c ---- */

int native_action(struct native_reader *reader, struct action *ret_action);

/* The same, its first word being read. */
int native_action_of(struct native_reader *reader, struct native_word word,
		     struct action *ret_action);

/* The one behind `return`. */
int native_return(struct native_reader *reader, struct action *ret_action);

/* ---- native_expr.c ---- */

const struct native_expr *native_expr(struct native_reader *reader);

/* One of == != <= >= < >. */
bool native_take_operator(struct native_reader *reader, enum test_op *ret_op);

/* Whether an operator of comparisons comes next. */
bool native_sees_operator(struct native_reader *reader);

/* ---- native_when.c ---- */

const struct native_when *native_when(struct native_reader *reader);

/* ---- native_names.c ---- */

/*
 * Reads `NAMES[?]:` and adds an item to the level for each call. by_group and the closing
 * of calls are up to native_line().
 */
int native_names(struct native_reader *reader, struct native_line *line);

/* One ABI's name as minijail and we write it; ABI_COUNT: none. */
enum abi native_abi(struct native_word word);
int native_unknown_abi(struct native_reader *reader, struct native_word word);

/* ---- native_line.c ---- */

/* A line of [seccomp] that is not a directive. */
int native_line(struct native_reader *reader);

/* ---- native_directive.c ---- */

/* A line that begins with @ and is no group: at stands behind @. */
int native_directive(struct native_reader *reader, struct native_word word);
bool native_is_directive(struct native_word word);

/* ---- native_section.c ---- */

int native_section(struct native_reader *reader);
int native_setting(struct native_reader *reader);

/* ---- native.c ---- */

/* Reads all statements of a text into reader->level. */
int native_statements(struct native_reader *reader);

/* Reads a whole file as a level of its own; NULL: the error is set. */
const struct native_level *native_level(const struct native_reader *outer,
					const struct policy_text *text,
					struct native_reading *all, struct error *err);

/* Refuses a file that is read already, by naming the chain, and one too many. */
int native_check_chain(const struct native_reader *reader, const struct policy_text *next,
		       const char *where);

#endif
