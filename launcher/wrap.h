/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_WRAP_H
#define SBX_LAUNCHER_WRAP_H

/*
 * A sandbox as the callers of bubblewrap know it: the command stays in the caller's
 * session, takes its signals itself, and inherits its descriptors; the launcher only
 * waits. wrap.c is the launcher's half, wrap_child.c the child's.
 */

#include <sys/types.h>

#include "userns/userns.h"

struct caller_text;
struct child;
struct error;
struct message;
struct plan;

/*
 * Runs the plan to its end. parent is who called us, noted as the first act. Prints what
 * fails; the exit status is the command's, or 1.
 */
int wrap_run(const struct plan *plan, const struct caller_text *caller, pid_t parent);

/* "bwrap: TEXT: STRERROR" on the standard error. */
void wrap_report(const struct plan *plan, const struct error *err);
void wrap_warn(const struct plan *plan, const char *text);

/* The child's whole life. */
void wrap_child_run(struct child *child) __attribute__((noreturn));

/*
 * Joins what the plan names. In a user namespace that others are in already nobody may look
 * into the launcher from then on, nor into the child before it has dropped its power.
 */
int wrap_join(const struct plan *plan, struct error *err);

/* The child, which runs wrap_child_run(); -1 and errno. wrap_clone.c */
pid_t wrap_clone(struct child *child);

/* ---- bubblewrap's words for what failed: wrap_texts.c ---- */

/* The clone of the namespaces. Each returns -1. */
int wrap_explain_clone(int errnum, struct error *err);
int wrap_explain_join(struct error *err);

int wrap_explain_map(struct error *err);

/* What the file-system operation err->entry could not do, if one is named. */
int wrap_explain_root(const struct plan *plan, struct error *err);

#endif
