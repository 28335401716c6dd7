/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_IMAGES_H
#define SBX_LAUNCHER_IMAGES_H

/*
 * The front end's side of sbx-image: a child with namespaces and ids of its own becomes it,
 * and what it says is heard to the end.
 */

#include "image/image.h"
#include "userns/userns.h"

struct arena;
struct cache;
struct error;
struct image_spec;
struct json_value;

enum { IMAGES_DOCUMENTS_MAX = 4 };

/* What a job has brought. Descriptors are the caller's. Zeroed but for the counts: nothing. */
struct images_result {
	/* in the order they came, in the arena */
	struct json_value *documents[IMAGES_DOCUMENTS_MAX];
	size_t document_count;
	const char **notes; /* what the user may want to know, lines without an end */
	size_t note_count;
	int *mounts; /* detached; in the arena, as many as job.mounts asked for */
	size_t mount_count;
};

/*
 * Runs one job to its end under these ids: NULL is one id, the caller's own as 0. The socket
 * of the job is set here. On a terminal a bar shows how far it is (title is what the bar
 * calls it; NULL: none). Whoever kills us kills it too.
 */
int images_do(const struct ids_spec *ids, struct image_job *job, const char *title,
	      struct arena *arena, struct images_result *ret_result, struct error *err);

void images_result_close(struct images_result *result);

/*
 * The ids that images are written under where nobody says otherwise: uid 0 is the caller, the
 * rest the subordinate ranges; one id where there are none (then *ret_single).
 */
int images_default_ids(struct arena *arena, struct ids_spec *ret_ids, bool *ret_single,
		       struct error *err);

/* "oci", "oci-archive", "docker-archive": the scheme of an operand; NULL: it has none. */
const char *images_kind(const char *operand);

/* What this machine is called in images. NULL: they have no name for it. */
const char *images_own_arch(struct arena *arena);

/*
 * The input of a job: an operand as of --root that is an image, for this machine. tag NULL:
 * what the operand says. Directories, other files and what would have to be fetched are
 * errors.
 */
int images_input(const char *operand, const char *tag, struct arena *arena,
		 struct image_job *ret_job, struct error *err);

struct verified;

/*
 * images_verify() of an operand, with the standard input too: that is spooled into *spool
 * where it has to be verified, and is to be read from there then.
 */
int images_verify_input(const char *operand, const char *name, const char *signature,
			bool insecure, struct arena *arena, int *spool,
			struct verified *ret_verified, struct error *err);

/*
 * Removes the trash of the cache (cache_next_trash()). Returns how many trees could not be
 * removed, and then why in *err: under other ids than these, perhaps.
 */
size_t images_sweep(const struct cache *cache, const struct ids_spec *ids,
		    struct arena *arena, struct error *err);

/*
 * Of an image that is served as it lies there, for struct plan_roots. What was verified must
 * not change under the server, so a file that others can write to is refused then.
 */
int images_verify_served(const struct image_spec *image, int file, struct arena *arena,
			 struct error *err);

struct plan;

/*
 * Before a run: the directory of --upper was begun with this image, or is begun with it now.
 */
int images_hold_upper(const struct plan *plan, struct error *err);

/*
 * Beside a run of an image: what the cache holds of it is written to the disk, so that it is
 * still believed after a loss of power (image/cache.h). end: the run is over, and so is this,
 * whether it was done or not; neither waits for the disk.
 */
struct images_sync {
	pid_t pid; /* 0: there is nothing to be written */
	int pidfd;
};
void images_sync_begin(const struct plan *plan, struct images_sync *ret_sync);
void images_sync_end(struct images_sync *sync);

/* How plan_from_args() gets the root of an image: by the cache, or into memory. */
extern const struct plan_roots images_roots;

#endif
