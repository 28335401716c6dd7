/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_BOUNDS_H
#define SBX_LAUNCHER_BOUNDS_H

/* What holds a sandbox as a whole to its limits, from before its clone to its end. */

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct error;
struct outcome;
struct plan;
struct sandbox;

enum { BOUNDS_INSTEAD_MAX = 2 };

/* Zeroed: the plan limits nothing that a cgroup would be needed for. */
struct bounds {
	struct cgroup group;
	/* Without a group, --limits best-effort: what each process gets in its place. */
	struct rlimit_entry instead[BOUNDS_INSTEAD_MAX];
	size_t instead_count;
};

/* For --dry-run: whether the limits could be set. Changes nothing. */
int bounds_check(const struct plan *plan, struct error *err);

/* Makes the group, or says in one warning what is done in its place. */
int bounds_make(const struct plan *plan, struct bounds *ret_bounds, struct error *err);

/*
 * A child, in the group from its beginning. Where a filter or an old kernel refuses that,
 * child->moved is set, and it waits for bounds_move(). As fork(2).
 */
pid_t bounds_clone(struct child *child, uint64_t flags, int *ret_pidfd);
int bounds_move(const struct child *child, const struct sandbox *sandbox,
		struct error *err);

/*
 * The sandbox has ended: notes what it used, and removes the group. failed: err says why
 * there is no end; it was for want of memory, where that is so.
 */
void bounds_end(const struct plan *plan, struct bounds *bounds, struct outcome *outcome,
		bool failed, struct error *err);

#endif
