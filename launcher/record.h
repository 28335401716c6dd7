/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_RECORD_H
#define SBX_LAUNCHER_RECORD_H

/*
 * What a run was given and what it has written, as digests: --record, --expect, --repeat. The
 * layers that take what is written come from the child while it builds the root; sbx-image
 * reads them once everything in the sandbox is gone.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "launcher/report.h"

struct caller_text;
struct error;
struct json_value;
struct plan;
struct run;

/* A directory of the sandbox that was written to, or might have been. */
struct view {
	int entry; /* as userns.h counts: 0 is the root */
	int layer; /* detached; -1: closed again */
	const char *dest;
	const char *digest;                /* "sha256:HEX" */
	const struct json_value *document; /* of sbx-image: image/image.h */
};

enum { VIEWS_MAX = 64 };

/* One run, as far as it can be compared with another. */
struct result {
	struct outcome outcome;
	bool ran;   /* else sbx has failed, and said so */
	int status; /* of sbx */
	struct view views[VIEWS_MAX];
	size_t view_count;
	bool lost_views;             /* there were more */
	const char *digest;          /* of all views, "sha256:HEX" */
	char output[SHA256_HEX + 1]; /* of the standard output, where it was read */
};

/* Runs the plan as often as it says, and compares. Returns the exit status. */
int run_recorded(struct run *run, const struct caller_text *caller);

/* For the monitor: a layer of the run that goes on. Takes the descriptor. */
void result_add_layer(struct result *result, const struct plan *plan, int entry,
		      int layer);

/* Where nothing is to be read any more. */
void result_close(struct result *result);

/* ---- digests: record_digests.c --------------------------------------------------------- */

/* Has every layer read and closes it. Nothing of the run may be alive. */
int result_digest(struct result *result, const struct plan *plan, struct arena *arena,
		  struct error *err);

/*
 * What the run is given: the root and what is shown copy-on-write, each with the digest of
 * what is in it, as far as that can be read.
 */
struct json_value *record_input(const struct plan *plan, struct arena *arena);

/* ---- documents: record.c ---------------------------------------------------------------- */

/* docs/schema/record.json */
struct json_value *record_document(const struct plan *plan,
				   const struct json_value *input,
				   const struct result *result, struct arena *arena);

/* ---- comparing: record_compare.c -------------------------------------------------------- */

/*
 * The first thing in which another run differs from the first one, as "the content of FILE
 * differs" or "its exit status is 1, not 0"; NULL: they are the same.
 */
const char *result_difference(const struct result *first, const struct result *other,
			      struct arena *arena);

#endif
