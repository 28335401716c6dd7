/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_IMAGE_TASKS_H
#define SBX_IMAGE_TASKS_H

/*
 * Within sbx-image: the tasks, each in a file of its own, and how the process gives its power
 * away before the first foreign byte.
 */

#include "image/image.h"

struct arena;
struct error;

/* Does the job, and says how it went. Returns the status. */
int image_job_run(const struct image_job *job, struct arena *arena);

/* task_extract.c (INSPECT too), task_verify.c, task_digest.c, task_remove.c */
int task_extract(const struct image_job *job, struct arena *arena, struct error *err);
int task_verify(const struct image_job *job, struct arena *arena, struct error *err);
int task_digest(const struct image_job *job, struct arena *arena, struct error *err);
int task_remove(const struct image_job *job, struct arena *arena, struct error *err);

/* ---- confine.c ----------------------------------------------------------------------- */

/*
 * The mounts are private from the start. Then one of these makes the root; input was opened
 * before. Each leaves the process in "." = "/" of a tree in which nothing else is mounted.
 */
int confine_to_nothing(struct error *err); /* an empty, read-only root */
int confine_to_directory(const char *path, struct error *err);
int confine_to_memory(uint64_t size, struct error *err);
/* An overlay: lowers, lowest first, and path as its upper layer; work beside path. */
int confine_to_layers(const char *const *lowers, size_t count, const char *path,
		      struct error *err);

/* Detached clones of the root, to be handed out: -1. */
int confine_clone_root(struct error *err);

/*
 * The last step before foreign bytes: no new privileges, not dumpable, capabilities down to
 * those that writing files of all ids takes (none for others), limits on memory, files and
 * processes, and an allow-list of system calls. threads: one more thread may be made.
 */
enum confine_power { CONFINE_READS, CONFINE_WRITES };
int confine_process(enum confine_power power, bool threads, struct error *err);

/* ---- signature.c --------------------------------------------------------------------- */

struct signature_result {
	const char *key, *id, *comment;
};

/*
 * Checks a minisign or signify signature over the file (libsodium), with one of the keys.
 * -1: missing, foreign, bad signature or unreadable key, each with a text of its own.
 */
int signature_check(int file, const char *signature, const char *const *keys,
		    size_t key_count, struct arena *arena,
		    struct signature_result *ret_result, struct error *err);

#endif
