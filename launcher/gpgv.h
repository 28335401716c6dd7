/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_GPGV_H
#define SBX_LAUNCHER_GPGV_H

/*
 * gpgv(1) as the judge of OpenPGP signatures: a program of GnuPG that knows nothing but a
 * keyring, a signature and a stream of bytes. It reads bytes of strangers, so it runs in
 * namespaces of its own, sees the host's programs read-only and no other file, and has no
 * network, environment or capability.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;
struct error;

enum { GPGV_ID_SIZE = 65 };

struct gpgv {
	pid_t pid;
	int data;   /* where the signed bytes are to be written; closed: that was all */
	int status; /* what it says */
};

/* The text of `sbx doctor`: its path, or NULL. */
const char *gpgv_path(void);

/* keys: files. Begins; it waits for the data. */
int gpgv_start(const char *const *keys, size_t key_count, const char *signature,
	       struct arena *arena, struct gpgv *ret_gpgv, struct error *err);

/* Closes data, waits for its end and judges. ret_id: the primary key's fingerprint. */
int gpgv_end(struct gpgv *gpgv, struct arena *arena, char ret_id[GPGV_ID_SIZE],
	     struct error *err);

/* Ends it without an answer. Zeroed but for -1 is none. */
void gpgv_stop(struct gpgv *gpgv);

/*
 * What the lines of --status-fd (GnuPG's doc/DETAILS) come to: one good signature of bytes by
 * one of the keys, and none that is bad. The text is a claim: "its signature has expired".
 */
int gpgv_judge(const char *text, char ret_id[GPGV_ID_SIZE], struct error *err);

#endif
