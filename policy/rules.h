/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBX_POLICY_RULES_H
#define SBX_POLICY_RULES_H

/*
 * The one model of what a filter answers, whatever text it came from: for each ABI the
 * calls in order of their numbers, for each call clauses in order, of which the first that
 * holds decides. The readers (native.c, oci.c) build it, bpf.c makes a program of it,
 * rules_decide() evaluates it directly and is what every program is checked against.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/tables.h"

struct arena;
struct error;
struct seccomp_data;

enum action_kind {
	ACTION_ALLOW,
	ACTION_ERRNO,       /* value: the errno, 1 to 4095 */
	ACTION_FAKE,        /* value: what the call seems to return, without being done */
	ACTION_KILL,        /* the process */
	ACTION_KILL_THREAD, /* seccomp(2): only for foreign texts that ask for it */
	ACTION_TRAP,        /* value: si_errno */
	ACTION_LOG,         /* allowed, and noted in the kernel's log */
	ACTION_NOTIFY,      /* to a listener that the plan names */
	ACTION_TRACE,       /* value: the message; ENOSYS without a tracer */
};

struct action {
	enum action_kind kind;
	uint16_t value;
};

bool action_is_same(struct action a, struct action b);

/* "allow", "errno(EPERM)", "fake(0)", "kill". Returns buffer. */
char *action_text(struct action action, char *buffer, size_t size);

enum test_op { TEST_EQ, TEST_NE, TEST_LT, TEST_LE, TEST_GT, TEST_GE };

/* (argument & mask) op value, unsigned; not wide: the low 32 bits of all three. */
struct test {
	uint8_t argument; /* 0 to 5 */
	bool wide;
	enum test_op op;
	uint64_t mask; /* all ones: the whole argument */
	uint64_t value;
};

enum condition_kind { CONDITION_TEST, CONDITION_AND, CONDITION_OR };

/* An expression over arguments; shared parts are allowed, circles are not. */
struct condition {
	enum condition_kind kind;
	struct test test;                     /* TEST */
	const struct condition *left, *right; /* AND, OR */
};

/* Where a clause was written, for messages: "default:41". */
struct source_line {
	const char *file; /* a built-in's name, or the path as it was given */
	unsigned int line, column;
};

struct clause {
	const struct condition *when; /* NULL: always */
	struct action action;
	struct source_line source;
	const char *why; /* of `explain "why"`; NULL: nobody said */
};

struct call_rules {
	uint32_t number; /* as in struct seccomp_data */
	const char *name;
	const struct clause *clauses; /* the last one holds always */
	size_t clause_count;
};

/* Flags of seccomp(2) that a text may ask for. */
enum { RULES_LOG = 1, RULES_SPEC_ALLOW = 2, RULES_WAIT_KILLABLE = 4 };

struct rules {
	struct {
		const struct call_rules *calls; /* rising numbers, without doubles */
		size_t count;
	} abis[ABI_COUNT];
	unsigned int served; /* bits of 1 << enum abi; others get foreign */
	struct clause foreign;
	struct clause known;   /* numbers of the tables that are not among the calls */
	struct clause unknown; /* numbers that no table has */
	unsigned int flags;
};

/*
 * The clause that decides: the oracle of all generators. Never NULL. A clause of known or
 * unknown has no line where the text said nothing about them.
 */
const struct clause *rules_decide(const struct rules *rules,
				  const struct seccomp_data *data);

/*
 * The rules with root emulation in front: the calls that only root may make succeed
 * without being done (facts: user_namespaces(7), chown(2), setuid(2), mknod(2)).
 */
const struct rules *rules_emulate_root(const struct rules *rules, struct arena *arena);

#endif
