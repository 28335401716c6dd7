/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_LAUNCHER_EXPLAIN_H
#define SBX_LAUNCHER_EXPLAIN_H

/*
 * Denials explain themselves: the filter of the command asks the launcher instead of denying
 * by itself (seccomp_unotify(2)), and the launcher denies and says so. It never lets a call
 * pass: what it looks at may have changed by then.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

struct error;
struct files_place;
struct plan;
struct policy_spec;
struct rules;
struct seccomp_data;

/* What there is to answer to one call, and to tell of it. Words are "" where unknown. */
struct explained {
	bool fake; /* value is returned; else -value is the error */
	uint16_t value;
	uint64_t word;  /* of the argument that tells calls of one number apart */
	char error[24]; /* "EAFNOSUPPORT" */
	char call[160]; /* "socket(AF_VSOCK, SOCK_STREAM, 0)" */
	char rule[64];  /* "default:41" */
	char why[160];
	char remedy[160]; /* what would allow it: "--policy default+socket" */
};

/* What a policy answers; its rules are resolved when the first call asks. */
struct answers {
	const struct policy_spec *policy;
	const struct rules *rules; /* NULL: not yet, or they cannot be had */
	struct arena arena;
};

/* Without words. Also where the policy cannot say: then it is EPERM. */
void explain_answer(struct answers *answers, const struct seccomp_data *data,
		    struct explained *ret_explained);

/* The words of what was answered so: they cost more than the answer. */
void explain_words(struct answers *answers, const struct seccomp_data *data,
		   struct explained *explained);

/* ---- which were met: explain_table.c ------------------------------------------------------ */

enum { DENIAL_KINDS_MAX = 256 };

/* Denials of one kind: of one call, with one word, answered by one errno. */
struct denial {
	uint32_t arch;
	int number;
	struct explained explained;
	pid_t pid; /* of the first one, as seen inside; 0: unknown */
	char program[68];
	uint64_t count;
	bool shown;
};

/* Bounded, whatever the command does: what finds no place is counted. */
struct denials {
	struct denial kinds[DENIAL_KINDS_MAX];
	size_t kind_count;
	uint64_t count;  /* of all */
	uint64_t beyond; /* of those that found no place */
	uint64_t shown;  /* lines */
	uint64_t second; /* in which lines were shown last, and how many */
	unsigned int in_second;
};

/* Counts it. NULL: no place. *ret_is_new: who it was is not known yet. */
struct denial *denials_note(struct denials *denials, const struct seccomp_data *data,
			    const struct explained *explained, bool *ret_is_new);

/* Whether one more line may be shown in this second of any clock. */
bool denials_may_show(struct denials *denials, uint64_t second);

/* ---- what is said: explain_text.c --------------------------------------------------------- */

/* One line with its newline, for stderr. */
const char *denial_line(const struct denial *denial, bool json, struct arena *arena);

/* What was not shown, at the end; NULL: nothing. file: of --denials, or NULL. */
const char *denials_summary(const struct denials *denials, const char *file, bool json,
			    struct arena *arena);

/* That nobody can listen here, because of this errno. */
const char *denials_deaf(int errnum, bool json, struct arena *arena);

/* The document of --denials. listened: a supervisor there was. */
const char *denials_document(const struct denials *denials, bool listened,
			     struct arena *arena);

/* ---- the supervisor: explain.c ------------------------------------------------------------ */

struct explainer {
	const struct plan *plan;
	void (*answer)(struct answers *answers, const struct seccomp_data *data,
		       struct explained *ret_explained);
	struct answers answers;
	int listener;            /* -1: none, or none any more */
	struct denials *denials; /* from the first listener on */
	bool listened;
	const struct files_place *place; /* of --denials; NULL: as its path says */
};

void explainer_init(struct explainer *explainer, const struct plan *plan);

/* Takes the descriptor; -1: there is none, because of errnum. raw: see explainer_serve(). */
void explainer_attach(struct explainer *explainer, int listener, int errnum, bool raw);

/*
 * The listener is readable, or at its end: answers a bounded number of calls. It waits for
 * nobody. raw: the terminal is, and wants its lines to end so.
 */
void explainer_serve(struct explainer *explainer, bool raw);

/* Says what was left out, writes --denials, and frees. -1: it could not be written. */
int explainer_end(struct explainer *explainer, struct error *err);

#endif
