/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_BPF_LIBSECCOMP_H
#define SBX_POLICY_BPF_LIBSECCOMP_H

/* What the parts of the libseccomp back end share: adding rules, ranges, the program. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/bpf.h"

struct translation {
	const struct rules *rules;
	const struct bpf_wishes *wishes;
	const struct call_rules *call; /* at hand, for messages; NULL: none */
	const struct clause *clause;   /* likewise */
	void *filter;                  /* scmp_filter_ctx */
	uint32_t fallback;             /* what libseccomp returns where no rule matches */
	struct error *err;
};

struct scmp_arg_cmp;

/* Fails: the text says what of the line at hand cannot be said. */
int libseccomp_refuse(const struct translation *to, const char *what);

/* What the kernel is to return, as libseccomp can say it. */
uint32_t libseccomp_answer(const struct translation *to, const struct clause *clause);

/* Asks libseccomp for a rule, unless it is what happens without one. */
int libseccomp_add_rule(struct translation *to, uint32_t number,
			const struct clause *clause, const struct scmp_arg_cmp *tests,
			unsigned int count);

enum { ARGUMENTS = 6, LIMITS_MAX = 2048 };

/* What the expressions of a call say about one argument. */
struct axis {
	uint64_t mask;               /* that all tests of it have */
	bool is_mixed;               /* they have several */
	uint64_t limits[LIMITS_MAX]; /* first values of ranges */
	size_t limit_count;
};

struct survey {
	struct axis axes[ARGUMENTS];
	unsigned int arguments; /* bits of those that are looked at */
	bool is_too_large;
	size_t work;
	size_t rules;
};

/* Whether ranges say it all, in what libseccomp does well. */
bool libseccomp_has_ranges(const struct survey *survey);

/* The rules of the call at hand, where they do. */
int libseccomp_add_ranges(struct translation *to, struct survey *survey);

/*
 * libseccomp's program with the notifications restored and the tests for the key in front,
 * verified.
 */
int libseccomp_finish(const struct translation *to, struct arena *arena,
		      struct seccomp_program *ret_program);

#endif
