/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_PLAN_RESTRICTED_H
#define SBX_PLAN_RESTRICTED_H

#include <stddef.h>

struct draft;
struct error;

/* An option that has no meaning beside another one, and the operands of it that have. */
struct restricted {
	const char *option;
	const char *allowed[4]; /* NULL-ended where there are fewer */
	const char *why;
	const char *hint; /* NULL: the general one */
};

struct restriction {
	const struct restricted *rows;
	size_t count;
	const char *with; /* "--pure: ", in front of why */
	const char *hint;
};

/* Refuses the first option of those that were given. */
int check_restricted(const struct draft *draft, const struct restriction *by,
		     struct error *err);

#endif
