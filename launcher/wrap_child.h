/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_WRAP_CHILD_H
#define SBX_LAUNCHER_WRAP_CHILD_H

/* What the rooms of sbx-bwrap's child share. */

#include <limits.h>
#include <stdint.h>

#include "launcher/child.h"
#include "launcher/wrap.h"
#include "plan/plan.h"

/* What the stages hand on to each other, beside the child. */
struct wrapped {
	struct child *child;
	const struct plan *plan;
	const struct wrap_spec *spec;
	int proc; /* the caller's /proc, for who still has to write there; or -1 */
	struct seccomp_program late_filter;
	char directory[PATH_MAX + 4]; /* "PWD=…" */
};

/* ---- what it may do from then on: wrap_restrict.c ---- */

/* --disable-userns: into a last user namespace; and the look whether one more is refused. */
int wrap_enter_last_namespace(struct wrapped *wrapped, struct error *err);
int wrap_assert_no_namespaces(struct wrapped *wrapped, struct error *err);

/* Limits and capabilities. */
int wrap_restrict(struct wrapped *wrapped, struct error *err);

/* What the process above the command keeps, to be out of its reach. */
uint64_t wrap_guard(const struct wrapped *wrapped);

/* --seccomp, as late as the caller may write it; and the load of all filters, in order. */
int wrap_read_filter(struct wrapped *wrapped, struct error *err);
int wrap_load_filters(const struct wrapped *wrapped, struct error *err);

#endif
