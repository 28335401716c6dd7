/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_OCI_MAKE_H
#define SBX_LAUNCHER_OCI_MAKE_H

/* What `create` and `run` have in common. */

#include "base/arena.h"
#include "launcher/container.h"
#include "launcher/oci.h"
#include "plan/plan.h"

/* A container from a bundle, as its maker holds it. */
struct oci_made {
	struct arena arena;
	struct plan plan;
	struct container_entry entry;
	struct container_record record;
	struct container_handle handle;
};

/* The words of `run` beside those of `create`. */
struct oci_run_words {
	bool detach, keep;
};

/*
 * Reads the words and makes the container. run: NULL for `create`. -1: nothing is left. In
 * every case oci_made_free(), which leaves the container as it is.
 */
int oci_make(const struct oci_globals *globals, const char *const *words,
	     struct oci_run_words *run, struct oci_made *made, struct error *err);
void oci_made_free(struct oci_made *made);

#endif
