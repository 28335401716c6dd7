/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_NATIVE_H
#define SBX_POLICY_NATIVE_H

/*
 * What the native format keeps of a text that was read. Names are checked and groups are
 * taken apart by then; what depends on the host, the plan or the ABI is not decided: the
 * conditions of `when`, the numbers of calls, the width of arguments.
 *
 * A level is a file with all that it includes. Below it is the one that it extends: where
 * a level has a line for a call, the lines of the levels below for this call are gone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/readers.h"
#include "policy/rules.h"

struct arena;
struct error;

enum {
	NATIVE_FILES_MAX = 256,      /* that one policy may include */
	NATIVE_DEPTH_MAX = 16,       /* files inside files */
	NATIVE_BYTES_MAX = 4 << 20,  /* of all files of a policy */
	NATIVE_NESTING_MAX = 32,     /* parentheses */
	NATIVE_ITEMS_MAX = 64 << 10, /* calls of all lines, groups taken apart */
	NATIVE_NAME_MAX = 63,        /* bytes of a call's name */
	NATIVE_TESTS_MAX = 64 << 10, /* comparisons, for each call of their lines */
	NATIVE_ABIS = (1 << ABI_COUNT) - 1,
};

struct native_level;
struct native_line;
struct policy_text;

/* A call that some line names. */
struct native_call {
	const char *name;
	size_t index;             /* from 0, in the order of first mention */
	int number;               /* of the native ABI; -1: others have it */
	bool numbered;            /* the text gives a number that no table has */
	struct native_call *next; /* of the same place of the table */

	/* While reading: what the level that is read has said about it. */
	const struct native_level *level;
	unsigned int closed; /* ABIs for which a line decided always */
	const struct native_line *closed_by;
	const struct native_line *without; /* the line that takes it out of its set */
	struct native_item *last;
};

/* An expression over arguments as it was written: what the test is made of depends on
 * the call and on the ABI. */
struct native_expr {
	enum condition_kind kind;
	const char *name; /* of the argument; NULL: index */
	uint8_t index;
	enum test_op op;
	uint64_t mask, value;
	const struct native_expr *left, *right;
};

enum native_when_kind {
	WHEN_CAP,
	WHEN_KERNEL,
	WHEN_ARCH,
	WHEN_NOT,
	WHEN_AND,
	WHEN_OR,
};

struct native_when {
	enum native_when_kind kind;
	uint64_t caps;
	enum test_op op;
	unsigned int kernel;
	unsigned int abis;
	const struct native_when *left, *right;
};

/* The first branch whose expression holds decides; expr NULL: always. */
struct native_branch {
	const struct native_expr *expr;
	struct action action;
};

struct native_line {
	struct source_line source;
	const struct native_branch *branches;
	size_t branch_count;
	bool decides;                   /* the last branch holds always */
	const struct native_when *when; /* NULL: always there */
	const char *why;

	/* As they were written. */
	bool matches; /* its action is for what matches: a block without braces */
	const char *rule, *when_text;
	size_t rule_length, when_length;
};

struct native_item {
	struct native_call *call;
	const struct native_line *line;
	unsigned int abis;
	bool by_group;
};

struct native_level {
	const char *name;
	const struct native_level *base;
	const struct profile *foreign_base; /* a text in another language */
	struct native_item **items;
	size_t item_count;
	bool has_default, has_known, has_foreign, has_flags;
	struct clause on_unknown, on_known, on_foreign;
	unsigned int arch; /* ABIs; 0: nothing was said */
	bool arch_native;
	unsigned int flags;
	bool is_ours; /* it begins with %sbx-policy */
};

struct native_policy {
	const struct native_level *top;
	size_t call_count;
	uint64_t asked_caps;
	bool asks_kernel;
	const struct profile_setting *settings;
	size_t setting_count;
	const char *const *notes;
	size_t note_count;
};

/* As native_read(), of a text that knows where it is from; it outlives the profile. */
int native_read_text(const struct policy_text *text, const struct profile_places *places,
		     struct arena *arena, struct profile *ret_profile, struct error *err);

/* Whether a line is there. */
bool native_when_holds(const struct native_when *when,
		       const struct profile_conditions *conditions, enum abi abi);

/* The place of an argument of a call; -1: there is none with this name. */
int native_argument(const struct native_expr *expr, const char *call);

/* socketcall(2) and ipc(2) of i386, which follow the calls that they stand for. */
bool native_is_multiplexer(const char *call);

int native_resolve(const struct profile *profile,
		   const struct profile_conditions *conditions, struct arena *arena,
		   struct rules *ret_rules, struct notes *notes, struct error *err);

/* The policy of a profile that native_read() filled; NULL: another reader did. */
const struct native_policy *native_policy(const struct profile *profile);

#endif
