/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_PROSE_H
#define SBX_POLICY_PROSE_H

/* Rules in the words of the native format. */

#include <stddef.h>
#include <stdint.h>

#include "base/page.h"
#include "policy/rules.h"

/* In double quotes, as `explain` takes it. */
void prose_add_quoted(struct page *page, const char *text);

/* "domain in {AF_UNIX, AF_INET}": what reads as the same condition again. */
void prose_add_condition(struct page *page, const struct condition *condition,
			 const char *call);

/* The value of an argument of a kind: a constant, constants or-ed, or a number. */
void prose_add_value(struct page *page, const struct argument *argument, uint64_t value);

/* "default:41", or "" where no line is known. */
void prose_add_source(struct page *page, const struct source_line *source);

#endif
