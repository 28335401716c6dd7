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
int confine_to_fd(int dir, const char *name, struct error *err); /* the same, opened */
int confine_to_memory(uint64_t size, struct error *err);

/*
 * An overlay: lowers, lowest first, and path as its upper layer. overlayfs(5) needs a
 * directory `work` beside path: what is left of that belongs to uid 0 of the namespace, and
 * is for the caller to remove.
 */
enum { CONFINE_LOWERS_MAX = 127 };
int confine_to_layers(const char *const *lowers, size_t count, const char *path,
		      struct error *err);

/*
 * Opens a directory that is read from behind the confinement: as the root of a read-only
 * mount of its own, so that no ".." leads out of it.
 */
int confine_open_source(const char *path, struct error *err);

/* Detached clones of the root, to be handed out: -1. */
int confine_clone_root(struct error *err);

/*
 * The last step before foreign bytes: no new privileges, not dumpable, capabilities down to
 * what the power says, limits on memory, files and processes, and an allow-list of system
 * calls: another one ends the process. threads: threads may be made, processes never.
 */
enum confine_power {
	CONFINE_READS,     /* what is open: no capability, no file changes */
	CONFINE_READS_ALL, /* the same, and files of every id and mode below "/" */
	CONFINE_WRITES,    /* makes, changes and removes files of every id */
};
int confine_process(enum confine_power power, bool threads, struct error *err);

#endif
