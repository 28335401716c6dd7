/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_PROSE_H
#define SBX_POLICY_PROSE_H

/* Texts that grow in an arena, and rules in the words of the native format. */

#include <stddef.h>
#include <stdint.h>

#include "policy/rules.h"

struct arena;

/* Begins empty: { .arena = … }. text is NULL until something was added. */
struct prose {
	struct arena *arena;
	char *text;
	size_t length, size;
};

void prose_add(struct prose *prose, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Never NULL. */
const char *prose_text(const struct prose *prose);

/* In double quotes, as `explain` takes it. */
void prose_add_quoted(struct prose *prose, const char *text);

/* "domain in {AF_UNIX, AF_INET}": what reads as the same condition again. */
void prose_add_condition(struct prose *prose, const struct condition *condition,
			 const char *call);

/* The value of an argument of a kind: a constant, constants or-ed, or a number. */
void prose_add_value(struct prose *prose, const struct argument *argument,
		     uint64_t value);

/* "default:41", or "" where no line is known. */
void prose_add_source(struct prose *prose, const struct source_line *source);

#endif
