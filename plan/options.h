/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_OPTIONS_H
#define SBX_PLAN_OPTIONS_H

/*
 * The option table of `sbx run`. A row is the only place that names an option: the
 * command line, profile files, --help, the shell completions and the check of the manual
 * page all walk it.
 */

#include <stdbool.h>
#include <stddef.h>

struct draft;
struct error;
struct given;

/*
 * How the sources (command line, profiles, the user's sbx.conf, /etc) are put together. In
 * one source an option given again replaces a scalar and adds to a list.
 */
enum option_merge {
	MERGE_SCALAR, /* the highest source wins */
	MERGE_APPEND, /* a list in order: the entries of the highest source stand first */
	MERGE_KEYED, /* a list whose later entries win: those of the highest stand last */
	MERGE_WHOLE, /* a list that the highest source which has it gives alone */
};

enum option_operand {
	OPERAND_NONE,
	OPERAND_NEEDED,
	OPERAND_OPTIONAL, /* only as --name=value; in a file also after blanks */
};

enum option_flag {
	OPTION_COMMAND_LINE = 1 << 0, /* has no meaning in a profile */
	OPTION_COMMON = 1 << 1,       /* shown by --help without a topic */
	OPTION_PATH = 1 << 2,         /* completed as a file name */
	OPTION_EITHER = 1 << 3,       /* --help shows the --no- form beside it */
	OPTION_EMPTY = 1 << 4,        /* an empty operand says something */
};

struct option_row {
	const char *name;  /* long, without dashes */
	char letter;       /* 0: none */
	const char *alias; /* another long name, or NULL */
	enum option_operand need;
	const char *operand; /* as --help shows it, or NULL */
	enum option_merge merge;
	const char *topic;
	unsigned int flags;
	int (*set)(struct draft *draft, const struct given *given, struct error *err);
	size_t field; /* where in struct draft a general setter puts the value */
	const char *const *choices; /* NULL-ended, or NULL: any text */
	const char *help;
};

struct option_topic {
	const char *name, *title;
};

/* The whole table. *ret_count rows. */
const struct option_row *option_rows(size_t *ret_count);

/* In the order in which --help shows them; ended by a NULL name. */
const struct option_topic *option_topics(void);

/*
 * The row of a long name or alias. *ret_negated tells whether it was `no-NAME`, which
 * empties a list and switches a flag off. NULL: there is none.
 */
const struct option_row *option_find(const char *name, bool *ret_negated);
const struct option_row *option_find_letter(char letter);

/* The long name that is nearest to a mistyped one, or NULL. */
const char *option_nearest(const char *name);

static inline bool option_is_flag(const struct option_row *row)
{
	return row->need == OPERAND_NONE && row->merge == MERGE_SCALAR;
}

#endif
