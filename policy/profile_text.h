/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_PROFILE_TEXT_H
#define SBX_POLICY_PROFILE_TEXT_H

/* What the rooms of profiles tell each other. */

#include <stdbool.h>
#include <stddef.h>

#include "policy/bpf.h"
#include "policy/readers.h"

struct arena;
struct error;
struct policy_text;

/* A text whose language is told by its first character. */
int profile_of_text(const struct policy_text *text, const struct profile_places *places,
		    struct arena *arena, struct profile *ret_profile, struct error *err);

/*
 * Adjustments of NAME+CALL-CALL+@GROUP as a text that extends NAME; adjustments is what
 * stands behind NAME.
 */
const char *adjustments_text(const char *name, const char *adjustments,
			     struct arena *arena, struct error *err);

/* The profile with its text read: what a built-in puts off. NULL: the error is set. */
const struct profile *profile_whole(const struct profile *profile, struct error *err);

/* The rules, with root emulation where the conditions say so. notes may be NULL. */
const struct rules *profile_rules(const struct profile *profile,
				  const struct profile_conditions *conditions,
				  struct arena *arena, struct notes *notes,
				  struct error *err);

#endif
