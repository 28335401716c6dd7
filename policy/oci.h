/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_OCI_H
#define SBX_POLICY_OCI_H

/*
 * Between the files that read and write linux.seccomp: what a text says, with everything in
 * it that depends on the host or the plan still open, and the words of the format.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/readers.h"
#include "policy/rules.h"

/* Of `includes` and `excludes`, which Docker and podman look at before any runtime does. */
struct oci_filter {
	uint64_t caps;
	bool unmet;                /* names a capability that nobody can have */
	const char *const *arches; /* "amd64", as libseccomp's Go binding spells them */
	size_t arch_count;
	bool has_kernel;
	unsigned int kernel; /* as profile_kernel() says it */
};

struct oci_name {
	const char *name;
	struct source_line source;
};

/* One member of `syscalls`. */
struct oci_rule {
	const struct oci_name *names;
	size_t name_count;
	struct action action;
	const struct test *tests; /* all must hold; none: always */
	size_t test_count;
	bool apart; /* an argument is tested twice: then each test is a rule of its own */
	struct oci_filter includes, excludes;
};

struct oci_text {
	struct action fallback; /* defaultAction */
	struct source_line fallback_source;
	unsigned int served, flags; /* as in struct rules */
	const struct oci_rule *rules;
	size_t rule_count;
	struct notes notes;
};

/* Makes rules of the text for one host and one set of capabilities: profile->resolve. */
int oci_resolve(const struct profile *profile,
		const struct profile_conditions *conditions, struct arena *arena,
		struct rules *ret_rules, struct notes *notes, struct error *err);

/* Whether runc answers ENOSYS to calls that are newer than a profile of this default. */
bool oci_has_tail(struct action fallback);

/*
 * i386 has one number for seventeen calls of sockets, socketcall(2), and one for twelve of
 * System V, ipc(2): argument 0 says which. Most have a number of their own beside it.
 */
struct oci_multiplexed {
	const char *name, *through;
	uint32_t selector;
};

/* NULL: a call like any other. */
const struct oci_multiplexed *oci_multiplexed(const char *name);

/* What JSON can ask of one argument; op may be OCI_MASKED_EQ. */
struct oci_arg {
	int op;
	uint64_t value, second;
	bool asked;
};

/* Unordered rules with the answers of ordered clauses: at most one holds for a call. */
struct oci_answer {
	struct action action;
	struct oci_arg args[6];
};

struct oci_answers {
	const struct oci_answer *list;
	size_t count;
};

/* 0; -1: they are too many. */
int oci_split(const struct clause *clauses, size_t count, struct arena *arena,
	      struct oci_answers *ret_answers);

/* ---- words: NULL-ended lists ---- */

extern const char *const oci_actions[]; /* in the order of enum action_kind */
extern const char *const oci_ops[];     /* of enum test_op; behind them OCI_MASKED_EQ */
extern const char *const oci_flags[];   /* TSYNC, then bit by bit of struct rules */
extern const char *const oci_arches[];  /* of enum abi; behind them those of others */

/* "SCMP_ACT_KILL" is the thread, ACTION_FAKE has no word of its own. */
int oci_action_kind(const char *word, enum action_kind *ret_kind);

enum { OCI_MASKED_EQ = TEST_GE + 1 };

/* The index of word, or -1. */
int oci_word(const char *const *words, const char *word);

#endif
