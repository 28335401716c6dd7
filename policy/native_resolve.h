/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_NATIVE_RESOLVE_H
#define SBX_POLICY_NATIVE_RESOLVE_H

/* Between the two halves of native_resolve(). */

#include <stdbool.h>
#include <stddef.h>

#include "policy/native.h"

/* A line that is there, for one call. */
struct native_link {
	const struct native_item *item;
	struct native_link *next;
};

/* What one ABI says of a call. */
struct native_slot {
	const struct native_call *call;
	const struct native_level *level; /* NULL: nothing */
	struct native_link *first, *last;
	size_t branch_count;
	bool by_name;  /* some line names it, not only a group */
	bool replaced; /* its rules are made of others */
};

struct native_resolving {
	struct arena *arena;
	const struct profile_conditions *conditions;
	enum abi abi;
	struct native_slot *slots; /* by the index of the call */
	struct rules *rules;       /* known, unknown and foreign are there */
};

/* The clauses of a call; its number stays as it is. */
void native_fill_rules(struct native_resolving *resolving, const struct native_slot *slot,
		       struct call_rules *rules);

/*
 * i386 has one call for all of sockets, and one for all of System V's IPC. Adds the rules
 * of both, made of those of the calls behind them, and marks what they take the place of.
 */
int native_multiplex(struct native_resolving *resolving, size_t call_count,
		     struct call_rules *rules, size_t *count, struct error *err);

/*
 * mmap and select of i386 have all their arguments behind a pointer (old_mmap, old_select of
 * the kernel): a rule that looks at arguments answers ENOSYS there, and mmap2 and _newselect
 * are left.
 */
void native_hide_arguments(struct call_rules *rules, struct arena *arena);

#endif
